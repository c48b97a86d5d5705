"""What the lesson on Main Mode holds for right is so, the engine being the judge; slips get the hint that fits."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

import pytest

from ikelab.course import main_mode
from ikelab.course.checks import Sign
from ikelab.course.runs import Run, run
from ikelab.ike.rules import RESEND
from tests.course.answers import Answers, said

TALK = run("main")
Has = Mapping[str, bytes]
R_FIRST = ("g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b")
I_FIRST = ("g^xi", "g^xr", "CKY-I", "CKY-R", "SAi_b")


def proof(
    *names: str, key: str = "SKEYID", algorithm: str = "sha256", named: bool = True
) -> Callable[[Has, bytes], bytes]:
    """A function such as a learner may write: HASH_R of these values, and of the name, if it is `named`."""

    def hash_r(has: Has, name: bytes) -> bytes:
        covered = b"".join(has[each] for each in names) + (name if named else b"")
        return hmac.digest(has[key], covered, algorithm)

    return hash_r


RIGHT = {
    "first_keys": "b",
    "answer": "b",
    "whose_key": "b",
    "hash_r": proof(*R_FIRST),
    "lost_answer": "b",
    "next_iv": lambda octets, block: octets[-block:],
    "complaint": "b",
}

SLIPS: list[tuple[str, object, str]] = [
    ("first_keys", "a", "in message 3 or 4"),
    ("first_keys", "c", "whoever hears first has both"),
    ("first_keys", "d", "are encrypted already"),
    ("answer", "a", "120 octets and 84"),
    ("answer", "c", "sent in full"),
    ("answer", "d", "gives up the SA sooner"),
    ("whose_key", "a", "With which key?"),
    ("whose_key", "c", "at random"),
    ("whose_key", "d", "so in Ka, too"),
    ("hash_r", proof(*R_FIRST[:-1], "SAr_b"), "the second is not"),
    ("hash_r", proof(*I_FIRST), "in the order of HASH_I"),
    ("hash_r", proof("g^xr", "g^xi", "CKY-I", "CKY-R", "SAi_b"), "the cookies are not"),
    ("hash_r", proof("g^xi", "g^xr", "CKY-R", "CKY-I", "SAi_b"), "the public values are not"),
    ("hash_r", proof(*R_FIRST, named=False), "The name is missing"),
    ("hash_r", proof(*R_FIRST, key="SKEYID_a"), "made with SKEYID"),
    ("hash_r", proof(*R_FIRST, key="PSK"), "which is made of it"),
    ("hash_r", proof(*R_FIRST, algorithm="sha1"), "32 octets"),
    ("hash_r", proof("SAi_b"), "Six values in a row"),
    ("hash_r", lambda has, name: proof(*R_FIRST)(has, name[4:]), "there is no header to cut off"),
    ("hash_r", proof(*R_FIRST, "IDii_b", named=False), "the initiator's own name"),
    ("hash_r", proof("Ka"), "KeyError"),
    ("hash_r", lambda has, name: None, "is there a return?"),
    ("lost_answer", "a", "nobody answers it"),
    ("lost_answer", "c", "has kept the octets"),
    ("lost_answer", "d", "what mends it"),
    ("next_iv", lambda octets, block: octets[-16:], "Right for AES"),
    ("next_iv", lambda octets, block: octets[28 : 28 + block], "first encrypted block"),
    ("next_iv", lambda octets, block: octets[:block], "These are the cookies"),
    ("next_iv", lambda octets, block: octets[-2 * block : -block], "the last block but one"),
    ("next_iv", lambda octets, block: octets, "one block of the cipher"),
    ("next_iv", lambda octets, block: bytes(block), "As many octets as a block"),
    ("complaint", "a", "read HASH_I"),
    ("complaint", "c", "could open"),
    ("complaint", "d", "in message 2"),
]


class TestAnswers(Answers):
    questions, right, slips = main_mode.QUESTIONS, RIGHT, SLIPS


def test_the_name_is_found_by_its_name_as_well() -> None:
    assert said("hash_r", proof(*R_FIRST, "IDir_b", named=False)).startswith(Sign.RIGHT)


def test_the_solutions_among_the_hints_are_some() -> None:
    hash_r = f"lambda has, name: {main_mode.HASH_R.hints[-1]}"
    assert said("hash_r", eval(hash_r, {"hmac": hmac})).startswith(Sign.RIGHT)  # noqa: S307  (our own words)
    next_iv = f"lambda octets, block: {main_mode.NEXT_IV.hints[-1]}"
    assert said("next_iv", eval(next_iv)).startswith(Sign.RIGHT)  # noqa: S307


def first_knows(name: str, side: str) -> int:
    return next(step for step in range(TALK.last + 1) if name in TALK.at(step).knows[side])


def refused(shown: Run) -> tuple[str, int | None]:
    """Who was the first to refuse something, and the number of the message."""
    assert shown.result.refused is not None
    return shown.result.refused.by, shown.result.refused.at


class TestTheEngineAgrees:
    """What was chosen by hand, or is said in the lesson's text."""

    def test_the_responder_has_ka_when_it_hears_message_3_and_the_initiator_one_step_later(self) -> None:
        assert first_knows("Ka", "responder") == 4
        assert TALK.trace.frames[3]["heard"] == 3
        assert first_knows("Ka", "initiator") == 5

    def test_at_step_7_phase_1_is_complete_on_both_sides(self) -> None:
        assert set(TALK.at(7).states.values()) == {"ESTABLISHED"}
        assert set(TALK.at(6).states.values()) != {"ESTABLISHED"}

    def test_message_2_holds_one_transform_as_it_was_offered(self) -> None:
        shown = main_mode.choice()
        offer, answer = shown.message(1).octets, shown.message(2).octets
        assert (len(offer), len(answer)) == (120, 84)
        second, only = offer[-36:], answer[-36:]
        assert second == only
        assert answer[52] == 2, "the number of the transform"

    def test_with_one_offer_both_sa_payloads_are_alike_and_the_cookie_is_not(self) -> None:
        one, two = TALK.message(1).octets, TALK.message(2).octets
        assert one[28:] == two[28:]
        assert one[8:16] == bytes(8) != two[8:16]

    def test_the_order_of_the_initiator_counts(self) -> None:
        """What comes of the change that the lesson proposes."""
        shown = run(
            "main", ike=main_mode.TWO_OFFERS, responder={"ike": "aes128-sha256-modp2048, aes256-sha256-modp2048"}
        )
        assert shown.message(2).octets[52] == 1
        assert len(shown.secret("Ka").value) == 32, "a key of AES-256"

    def test_a_peer_that_moved_is_not_known_though_its_key_is_right(self) -> None:
        moved = run("main", responder={"peer_address": "10.99.0.7"})
        assert refused(moved) == ("responder", 1)
        assert "got a message from 10.99.0.1" in moved.says("responder")[0]

    def test_and_from_anywhere_whoever_has_the_key_is_let_in(self) -> None:
        names = ("", "sun.example.org", "moon.example.org")
        assert all(run("main", initiator={"id": name}, responder={"peer_address": "any"}).established for name in names)

    def test_the_initiator_says_message_5_again_and_gets_the_same_message_6(self) -> None:
        lost = main_mode.lost()
        assert [message["fate"] for message in lost.trace.messages[4:8]] == [
            "delivered",
            "lost",
            "delivered",
            "delivered",
        ]
        octets = [lost.message(number).octets for number in range(5, 9)]
        assert octets[:2] == octets[2:]
        assert lost.established

    def test_its_table_says_which_message_came_again_though_it_is_heard_for_the_first_time(self) -> None:
        assert "7 is 5 again: same answer" in repr(main_mode.lost())
        assert "21 is 19 again\n" in repr(run("loss")), "nothing is answered where nothing was"

    def test_in_main_mode_only_the_initiator_repeats_and_in_quick_mode_both_do(self) -> None:
        repeated = [
            (frame["actor"], moment.outcome.message_id == 0)
            for name in ("loss", "silence")
            for talk in (run(name),)
            for frame, moment in zip(talk.trace.frames, talk.moments, strict=True)
            if moment.outcome.fired is RESEND
        ]
        assert set(repeated) == {("initiator", True), ("initiator", False), ("responder", False)}

    def test_one_of_the_blocks_asked_for_is_of_3des(self) -> None:
        assert [block for _, _, _, block in main_mode.ciphered()] == [16, 8, 16]

    def test_different_keys_are_heard_of_as_a_malformed_payload(self) -> None:
        wrong = run("psk")
        assert refused(wrong) == ("responder", 5)
        assert wrong.says("initiator")[0].startswith("The other side says PAYLOAD-MALFORMED")
        assert "Decrypted to nonsense" in wrong.says("responder")[0]

    @pytest.mark.parametrize(
        ("name", "at", "word"),
        [("proposal", 1, "3DES"), ("group", 1, "Curve25519"), ("identity", 5, "The hash is right")],
    )
    def test_what_the_lesson_proposes_in_its_place(self, name: str, at: int, word: str) -> None:
        other = run(name)
        assert refused(other) == ("responder", at)
        assert word in other.says("responder")[0]

    def test_a_damaged_message_5_changes_nothing_and_the_whole_one_is_taken(self) -> None:
        damaged = TALK.fork(message=5, octet=40, to="00")
        assert damaged.trace.frames[5]["refused"]["label"] == "PAYLOAD-MALFORMED"
        assert damaged.at(5).sas["responder"] is damaged.at(6).sas["responder"] is not None
        assert damaged.established
