"""What the first lesson holds for right is so, the engine being the judge; likely slips get the hint that fits them."""

from __future__ import annotations

import hashlib
import hmac
import json

from ikelab.course import keys, start
from ikelab.course.checks import Sign
from ikelab.course.datasets import dataset
from ikelab.course.recording import recorded
from ikelab.course.runs import run
from tests.course.answers import Answers, said
from tests.lessons import LESSONS
from tests.needs import captures_dir, needs

TALK = recorded(start.TALK)
PSK = b"correct horse battery staple"
NI = bytes.fromhex("beb9ed2495c03b64731f61b9d7afd5469c0adab98ae98db7fe30f8748ade653a")
NR = bytes.fromhex("453d4c1ddceec77eb11b7a3532ade459f8933c041cd39e3f979fb07c2e04a32d")


RIGHT = {
    "sent": [],
    "readable": [1, 2, 3, 4],
    "psk": "d",
    "SKEYID": hmac.digest(PSK, NI + NR, "sha1"),
    "typo": "b",
    "flip": "a",
}

SLIPS = [
    ("sent", [1, 2], "not with what key"),
    ("sent", range(1, 10), "not with what key"),
    ("sent", [3, 4], "They come close"),
    ("sent", [6], "so a key was there before"),
    ("sent", [7, 8], "it would be safe"),
    ("sent", [5, 7], "The last line of the table"),
    ("readable", range(1, 12), "The header of every message can be read"),
    ("readable", [], "they have agreed on nothing, not even on a cipher"),
    ("readable", range(1, 7), "the key is there since message 4"),
    ("readable", [1, 2], "Public values and nonces, in messages 3 and 4"),
    ("readable", [5, 6], "the key is there since message 4"),
    ("readable", [1, 2, 3, 4, 7], "The star in HDR*"),
    ("psk", "a", "the key of messages 5 and 6 is Ka"),
    ("psk", "b", "that key is Ka, made anew each time"),
    ("psk", "c", "its key is SKEYID"),
    ("SKEYID", hmac.digest(PSK, NR + NI, "sha1"), "The initiator's comes first"),
    ("SKEYID", hmac.digest(NI + NR, PSK, "sha1"), "Key and message have changed places"),
    ("SKEYID", hashlib.sha1(PSK + NI + NR).digest(), "The prf is HMAC"),
    ("SKEYID", hmac.digest(PSK, NI + NR, "sha256"), "SHA-1: see message 2"),
    ("SKEYID", hmac.digest(PSK, NI + NR, "md5"), "SHA-1: see message 2"),
    ("SKEYID", hmac.digest(PSK, b"\x14\0\0\x24" + NI + b"\x14\0\0\x24" + NR, "sha1"), "without the 4 octets"),
    ("SKEYID", hmac.digest(PSK, NI, "sha1"), "The responder's nonce is missing"),
    ("SKEYID", PSK, "This is the pre-shared key itself"),
    ("SKEYID", b"", "SHA-1 gives 20 octets"),
    ("SKEYID", bytes(20), "20 octets, but others"),
    ("SKEYID", hmac.digest(PSK, NI + NR, "sha1").hex(), ".digest() instead of .hexdigest()"),
    ("SKEYID", hmac.new(PSK, NI + NR, "sha1"), "put .digest() behind it"),
    ("SKEYID", 20, "Expected octets (bytes), got 20"),
    ("typo", "a", "Messages 1 to 4 need no key"),
    ("typo", "c", "Ka comes from SKEYID, too"),
    ("typo", "d", "Messages 5 and 6 are there to prevent just that"),
    ("flip", "b", "the lifetime is part of SAi_b"),
    ("flip", "c", "No formula has a vendor ID in it"),
    ("flip", "d", "readable, not defenceless"),
]


class TestAnswers(Answers):
    questions, right, slips = start.QUESTIONS, RIGHT, SLIPS


def test_the_solution_among_the_hints_is_one() -> None:
    values = {name: TALK.secret(value).value for name, value in (("psk", "PSK"), ("ni", "Ni_b"), ("nr", "Nr_b"))}
    answer = eval(start.SKEYID.hints[-1], {"hmac": hmac}, values)  # noqa: S307  (our own words)
    assert said("SKEYID", answer).startswith(Sign.RIGHT)


class TestTheEngineAgrees:
    """The letters that are right were chosen by hand; here the engine says the same."""

    def test_readable(self) -> None:
        assert [n for n, message in enumerate(TALK.messages, 1) if not message.encrypted] == RIGHT["readable"]

    def test_the_pre_shared_key_goes_into_skeyid_alone_and_encrypts_nothing(self) -> None:
        users = [entry["name"] for entry in TALK.trace.secrets if "PSK" in entry["inputs"]]
        assert users == ["SKEYID"]
        assert {each.opened.key for each in TALK.followed if each.opened} == {TALK.secret("Ka").value}

    def test_no_key_is_sent_and_both_sides_have_all_of_them(self) -> None:
        held = keys(start.live())
        assert (len(held.values), held.same, held.travelled) == (7, True, ())

    def test_a_typing_error_makes_message_5_nonsense(self) -> None:
        heard = TALK.with_psk(start.TYPO)
        assert [each.decrypted for each in heard.followed[:6]] == [None] * 4 + [False, False]
        assert all(not each.proofs for each in heard.followed)

    def test_two_live_peers_with_that_typing_error_have_other_keys_and_stop_at_message_5(self) -> None:
        heard = run("psk")
        assert heard.scenario.responder.psk == start.TYPO
        assert "the responder refused message 5" in repr(heard)
        assert [each.name for each in keys(heard).values if not each.same] == ["SKEYID", "Ka"]

    def test_the_typing_error_of_the_lesson_is_that_of_the_question(self) -> None:
        assert start.TYPO in (LESSONS / "00_start.md").read_text("utf-8")

    def test_the_typing_error_is_one_letter(self) -> None:
        pairs = zip(start.TYPO, PSK.decode(), strict=False)
        assert sum(one != other for one, other in pairs) + abs(len(start.TYPO) - len(PSK)) == 1

    def test_real_gateways_complained_of_a_malformed_message(self) -> None:
        """In a recording of two real gateways with different keys, the answer to message 5 is PAYLOAD-MALFORMED."""
        heard = recorded("fail_psk_mismatch")
        assert heard.message(5).encrypted
        assert "PAYLOAD-MALFORMED" in repr(heard.message(6))

    def test_a_flipped_bit_of_the_lifetime_is_noticed_and_one_of_a_vendor_id_is_not(self) -> None:
        assert TALK.flipped(1, "Life Duration").message(5).verified == {"HASH_I": False}
        assert TALK.flipped(1, "Vendor ID").message(5).verified == {"HASH_I": True}

    @needs("shared-captures")
    def test_tshark_sees_the_same_flags(self) -> None:
        told = json.loads((captures_dir() / start.TALK / "tshark.json").read_text("utf-8"))
        assert [int(each["frame"]) for each in told if each["flag_e"] == "0"] == RIGHT["readable"]


def test_another_negotiation_with_the_same_psk_has_another_key() -> None:
    """The lesson says so of Ka; the recordings that share the pre-shared key show it."""
    others = [name for name in ("main_psk_nopfs", "main_psk_pfs_libipsec", "nat_main_psk", "uml_main_psk_esp")
              if dataset(name).facts.get("psk") == PSK.decode()]  # fmt: skip
    keys = {recorded(name).secret("Ka").value for name in others}
    assert len(keys) == len(others) > 1
