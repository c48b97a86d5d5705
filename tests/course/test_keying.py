"""What the lesson on secrets holds for right is so, the engine being the judge; likely slips get the hint that fits."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

import pytest

from ikelab.course import keying, listener, suppose
from ikelab.course.checks import Sign
from ikelab.course.recording import recorded
from ikelab.course.runs import run
from tests.course.answers import Answers, said

TALK = recorded(keying.TALK)
COVERED = ("g^xi", "g^xr", "CKY-I", "CKY-R", "SAi_b")
ID_PAYLOAD = bytes.fromhex("0800000c 01000000 0a630001")


def prf(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha1")


def value(name: str) -> bytes:
    return TALK.secret(name).value


def hash_i(last: bytes, key: str = "SKEYID", covered: tuple[str, ...] = COVERED, algorithm: str = "sha1") -> bytes:
    return hmac.digest(value(key), b"".join(map(value, covered)) + last, algorithm)


Derive = Callable[[bytes, bytes, bytes, bytes, int], object]


def right_derive(skeyid: bytes, before: bytes, g_xy: bytes, cookies: bytes, number: int) -> bytes:
    return prf(skeyid, before + g_xy + cookies + bytes([number]))


WRONG_DERIVES: list[tuple[Derive, str]] = [
    (lambda k, b, g, c, n: prf(k, b + g + c), "The number at the end is missing"),
    (lambda k, b, g, c, n: prf(k, b + g + c + bytes(n)), "bytes(2) is two octets of zero"),
    (lambda k, b, g, c, n: prf(k, b + g + c + str(n).encode()), "as a digit"),
    (lambda k, b, g, c, n: prf(k, b + g + c + n.to_bytes(4)), "you gave it four"),
    (lambda k, b, g, c, n: prf(k, g + c + bytes([n])), "SKEYID_d is right, the other two are not"),
    (lambda k, b, g, c, n: prf(k, g + b + c + bytes([n])), "All parts are there"),
    (lambda k, b, g, c, n: prf(b + g + c + bytes([n]), k), "have changed places"),
    (lambda k, b, g, c, n: hmac.digest(k, b + g + c + bytes([n]), "sha256"), "The right formula with another hash"),
    (lambda k, b, g, c, n: hashlib.sha1(k + b + g + c + bytes([n])).digest(), "This is the plain hash"),
    (lambda k, b, g, c, n: prf(k, c), "in this order"),
    (lambda k, b, g, c, n: hmac.new(k, g, "sha1"), "put .digest() behind it"),
    (lambda k, b, g, c, n: b + g + c + n, "bytes([number])"),
    (lambda k, b, g, c, n: n + b + g + c, "bytes([number])"),
]

RIGHT = {
    "enters": "b",
    "derive": right_derive,
    "calls": 2,
    "other_xy": "b",
    "which_key": "b",
    "HASH_I": hash_i(ID_PAYLOAD[4:]),
    "thief": "b",
}

SLIPS = [
    ("enters", "a", "So it is with signatures"),
    ("enters", "c", "AES-128 takes 16"),
    ("enters", "d", "which everybody has heard"),
    *(("derive", function, hint) for function, hint in WRONG_DERIVES),
    ("calls", 0, "12 octets would be lacking"),
    ("calls", 1, "all of the key is made anew"),
    ("calls", 3, "How many calls does it take to have 32?"),
    ("other_xy", "a", "Not all keys contain g^xy"),
    ("other_xy", "c", "IV stays, right"),
    ("other_xy", "d", "Both stay, right"),
    ("which_key", "a", "The names invite to it"),
    ("which_key", "c", "What does that formula make?"),
    ("which_key", "d", "names nobody"),
    ("HASH_I", hash_i(ID_PAYLOAD), "its first 4 octets are the generic header"),
    ("HASH_I", hash_i(ID_PAYLOAD[4:], key="SKEYID_a"), "the key is not: HASH_I is made with SKEYID"),
    ("HASH_I", hash_i(ID_PAYLOAD[4:], covered=("g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b")), "as in HASH_R"),
    ("HASH_I", hash_i(ID_PAYLOAD[8:]), "That is only the address"),
    ("HASH_I", hash_i(ID_PAYLOAD[4:], key="PSK"), "The pre-shared key goes into one formula only"),
    ("HASH_I", hash_i(b""), "The identity is missing"),
    ("HASH_I", hash_i(ID_PAYLOAD[4:], algorithm="sha256"), "another hash: these two agreed on SHA-1"),
    ("HASH_I", b"", "SHA-1 gives 20 octets"),
    ("HASH_I", value("HASH_R"), "20 octets, but others"),
    ("HASH_I", hash_i(ID_PAYLOAD[4:]).hex(), ".digest() instead of .hexdigest()"),
    ("thief", "a", "beside SKEYID"),
    ("thief", "c", "The nonces travelled in clear"),
    ("thief", "d", "Ka is made of SKEYID_e"),
]


class TestAnswers(Answers):
    questions, right, slips = keying.QUESTIONS, RIGHT, SLIPS


def test_the_solutions_among_the_hints_are_some() -> None:
    derive = f"lambda skeyid, before, g_xy, cookies, number: {keying.DERIVE.hints[-1]}"
    assert said("derive", eval(derive, {"hmac": hmac})).startswith(Sign.RIGHT)  # noqa: S307  (our own words)
    covered = b"".join(map(value, COVERED))
    values = {"hmac": hmac, "skeyid": value("SKEYID"), "covered": covered, "id_payload": ID_PAYLOAD}
    assert said("HASH_I", eval(keying.HASH_I.hints[-1], values)).startswith(Sign.RIGHT)  # noqa: S307


class TestTheEngineAgrees:
    """What was chosen by hand, or is said in the lesson's text."""

    def test_g_xy_goes_into_the_three_and_not_into_skeyid(self) -> None:
        users = [entry["name"] for entry in TALK.trace.secrets if "g^xy" in entry["inputs"]]
        assert users == ["SKEYID_d", "SKEYID_a", "SKEYID_e"]

    def test_what_stays_if_g_xy_is_another(self) -> None:
        stays = [name for name, same in suppose(TALK, "g^xy").same.items() if same]
        assert stays == ["SKEYID", "IV", "HASH_I", "HASH_R"]

    @pytest.mark.parametrize(
        ("name", "stays"),
        [
            ("PSK", ["IV"]),
            ("Ni_b", ["IV"]),
            ("CKY-I", ["SKEYID", "IV"]),
            ("SAi_b", ["SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "IV"]),
        ],
    )
    def test_what_the_lesson_says_stays_if_another_value_is_another(self, name: str, stays: list[str]) -> None:
        assert [each for each, same in suppose(TALK, name).same.items() if same] == stays

    def test_hash_i_is_keyed_with_skeyid_and_a_later_hash_with_skeyid_a(self) -> None:
        assert TALK.secret("HASH_I").formula.startswith("prf(SKEYID, ")
        later = next(entry for entry in TALK.trace.secrets if entry["label"] == "HASH(1)")
        assert later["formula"].startswith("prf(SKEYID_a, ")

    def test_what_a_thief_of_the_pre_shared_key_computes(self) -> None:
        assert listener(TALK, "PSK").computed == ("SKEYID", "IV")
        assert listener(TALK, "g^xy").computed == ("IV",)
        assert listener(TALK, "SKEYID_e").computed == ("SKEYID_e", "Ka", "IV")
        assert all(not lacking for lacking in listener(TALK, "PSK", "g^xy").lacking.values())

    def test_the_payload_of_the_exercise_is_that_of_message_5(self) -> None:
        decrypted = TALK.message(5).decrypted
        assert decrypted is not None
        assert decrypted[:12] == ID_PAYLOAD
        assert ID_PAYLOAD[4:] == value("IDii_b")

    def test_hash_i_stands_in_message_5(self) -> None:
        assert value("HASH_I") in (TALK.message(5).decrypted or b"")

    @pytest.mark.parametrize(("ike", "blocks"), [("aes256-sha256-modp2048", 1), ("3des-sha1-modp2048", 2)])
    def test_the_change_that_the_lesson_proposes(self, ike: str, blocks: int) -> None:
        ka = run("main", ike=ike).secret("Ka")
        assert len(ka.inputs) == blocks
        assert (ka.inputs[0].name == "SKEYID_e") == (blocks == 1)

    def test_ka_of_the_recording_begins_like_skeyid_e_and_a_longer_one_does_not(self) -> None:
        assert value("SKEYID_e").startswith(value("Ka"))
        assert len(value("Ka")) == 16
        long = keying.long_key()
        assert long.secret("Ka").value[:20] != long.secret("SKEYID_e").value
