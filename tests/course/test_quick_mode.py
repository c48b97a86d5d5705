"""What the lesson on Quick Mode holds for right is so, the engine being the judge; each slip gets its own hint."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping

from ikelab.course import quick_mode, stolen
from ikelab.course.checks import Sign
from ikelab.course.packet_keys import FIRST, SECOND, message_id, runs, talk
from ikelab.course.runs import run
from ikelab.crypto.derived import counted
from ikelab.ike.conversation import INITIATOR, RESPONDER
from ikelab.wire.numbers import Notify
from tests.course.answers import Answers, said

Has = Mapping[str, bytes]


def prf(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def right_iv(last: bytes, m_id: bytes) -> bytes:
    return sha256(last + m_id)[:16]


def right_hash(has: Has, rest: bytes) -> bytes:
    return prf(has["SKEYID_a"], has["M-ID"] + has["Ni_b"] + rest)


def keymat(key: bytes, seed: bytes) -> bytes:
    k1 = prf(key, seed)
    return k1 + prf(key, k1 + seed)


def cut(both: bytes) -> tuple[bytes, bytes]:
    return both[:16], both[16:48]


def right_keys(key: bytes, spi: bytes, ni: bytes, nr: bytes) -> tuple[bytes, bytes]:
    return cut(keymat(key, b"\x03" + spi + ni + nr))


WRONG_IVS: list[tuple[Callable[[bytes, bytes], object], str]] = [
    (lambda last, m_id: last, "the message ID must go in"),
    (lambda last, m_id: sha256(last + m_id), "all 32 octets of it"),
    (lambda last, m_id: sha256(last + m_id)[16:], "its last 16 octets"),
    (lambda last, m_id: sha256(m_id + last)[:16], "in the wrong order"),
    (lambda last, m_id: prf(last, m_id)[:16], "This is a prf"),
    (lambda last, m_id: hashlib.sha1(last + m_id).digest()[:16], "agreed on SHA-256"),
    (lambda last, m_id: sha256(last)[:16], "cut to a block"),
    (lambda last, m_id: hashlib.sha256(last + m_id), "put .digest() behind it"),
    (lambda last, m_id: last.join(m_id), "TypeError"),
    (lambda last, m_id: sha256(last | m_id), "| is + in Python"),  # type: ignore[operator]
]

WRONG_HASHES: list[tuple[Callable[[Has, bytes], object], str]] = [
    (lambda has, rest: prf(has["SKEYID_a"], has["M-ID"] + rest), "So HASH(1) is made"),
    (lambda has, rest: prf(has["SKEYID_a"], has["M-ID"] + has["Nr_b"] + rest), "The wrong nonce"),
    (lambda has, rest: prf(has["SKEYID_a"], has["Ni_b"] + has["M-ID"] + rest), "The message ID comes first"),
    (lambda has, rest: prf(has["SKEYID_a"], has["M-ID"] + rest + has["Ni_b"]), "The nonce comes before"),
    (lambda has, rest: prf(has["SKEYID_a"], b"\0" + has["M-ID"] + has["Ni_b"] + rest), "belongs to HASH(3) alone"),
    (lambda has, rest: prf(has["SKEYID"], has["M-ID"] + has["Ni_b"] + rest), "it is SKEYID_a"),
    (lambda has, rest: prf(has["SKEYID_e"], has["M-ID"] + has["Ni_b"] + rest), "SKEYID_e is for hiding"),
    (lambda has, rest: prf(has["SKEYID_d"], has["M-ID"] + has["Ni_b"] + rest), "you will need it soon"),
    (lambda has, rest: sha256(has["SKEYID_a"] + has["M-ID"] + has["Ni_b"] + rest), "This is the plain hash"),
    (lambda has, rest: prf(has["SKEYID_a"], rest), "Other octets than message 8 has"),
    (lambda has, rest: has["PSK"], "KeyError"),
]

Keys = Callable[[bytes, bytes, bytes, bytes], object]


def with_protocols(first: bytes, second: bytes) -> Keys:
    """Such a function, which writes the protocol so in K1 and so in K2."""

    def esp_keys(key: bytes, spi: bytes, ni: bytes, nr: bytes) -> tuple[bytes, bytes]:
        k1 = prf(key, first + spi + ni + nr)
        return cut(k1 + prf(key, k1 + second + spi + ni + nr))

    return esp_keys


PROTOCOLS = [
    (b"3", "an octet of the value 51"),
    (b"\0\0\0", "three octets of the value 0"),
    (b"\0\0\0\x03", "and this is four"),
    (b"\x02", "2 is AH"),
    (b"\x01", "1 is ISAKMP"),
    (b"\x32", "50 is ESP in a header of IP"),
]
WRONG_PROTOCOLS = [
    (with_protocols(first, second), words)
    for wrong, hint in PROTOCOLS
    for first, second in ((wrong, wrong), (wrong, b"\x03"), (b"\x03", wrong))
    for words in (hint, 'The protocol is one octet of the value 3: b"\\x03", or bytes([3]).')
]
WRONG_KEYS: list[tuple[Keys, str]] = [
    *WRONG_PROTOCOLS,
    (lambda key, spi, ni, nr: prf(key, 3 + spi + ni + nr), "or bytes([3])."),  # type: ignore[operator, arg-type]
    (lambda key, spi, ni, nr: prf(key, spi + 3 + ni), "or bytes([3])."),  # type: ignore[operator]
    (lambda key, spi, ni, nr: right_keys(key, spi, ni, nr)[::-1], "have changed places"),
    (eval("lambda key, spi, ni, nr: hmac.digest(key, spi, 'sha256')", {}), "Put `import hmac, hashlib`"),  # noqa: S307
    (lambda key, spi, ni, nr: cut(keymat(key, spi + ni + nr)), "The protocol is missing"),
    (lambda key, spi, ni, nr: cut(keymat(key, b"\x03" + ni + nr)), "The SPI is missing"),
    (lambda key, spi, ni, nr: cut(keymat(key, b"\x03" + spi + nr + ni)), "the initiator's comes first"),
    (
        lambda key, spi, ni, nr: cut(prf(key, b"\x03" + spi + ni + nr) + prf(key, prf(key, b"\x03" + spi + ni + nr))),
        "how Ka is lengthened",
    ),
    (
        lambda key, spi, ni, nr: cut(
            prf(key, b"\x03" + spi + ni + nr) + prf(key, b"\x03" + spi + ni + nr + prf(key, b"\x03" + spi + ni + nr))
        ),
        "before the protocol",
    ),
    (lambda key, spi, ni, nr: cut(prf(key, b"\x03" + spi + ni + nr) * 2), "K2 is the same as K1"),
    (
        lambda key, spi, ni, nr: (keymat(key, b"\x03" + spi + ni + nr)[:16], keymat(key, b"\x03" + spi + ni + nr)[16:]),
        "the last 16 of K1 | K2 are not used",
    ),
    (
        lambda key, spi, ni, nr: (keymat(key, b"\x03" + spi + ni + nr)[:16], keymat(key, b"\x03" + spi + ni + nr)[32:]),
        "in the middle of K1",
    ),
    (
        lambda key, spi, ni, nr: (
            keymat(key, b"\x03" + spi + ni + nr)[32:48],
            keymat(key, b"\x03" + spi + ni + nr)[:32],
        ),
        "The one that encrypts comes first",
    ),
    (lambda key, spi, ni, nr: (b"", b""), "Other keys than the engine has"),
    (lambda key, spi, ni, nr: keymat(key, b"\x03" + spi + ni + nr), "Expected 2 values"),
]

RIGHT = {
    "namer": "a",
    "first_iv": right_iv,
    "hash_2": right_hash,
    "no_third": "c",
    "mirror": "b",
    "esp_keys": right_keys,
    "enters_qm": "d",
    "robbed": "b",
}

SLIPS = [
    ("namer", "b", "Who would be in trouble"),
    ("namer", "c", "is over with it"),
    ("namer", "d", "it goes into them"),
    *(("first_iv", function, hint) for function, hint in WRONG_IVS),
    *(("hash_2", function, hint) for function, hint in WRONG_HASHES),
    ("no_third", "a", "from whom was message 7"),
    ("no_third", "b", "nothing to complain about"),
    ("no_third", "d", "it is Quick Mode that waits"),
    ("mirror", "a", "Of networks not a word"),
    ("mirror", "c", "what the IDs are there for"),
    ("mirror", "d", "only yes and no"),
    *(("esp_keys", function, hint) for function, hint in WRONG_KEYS),
    ("enters_qm", "a", "Ka opens message 9 as it did message 7"),
    ("enters_qm", "b", "stay as they are"),
    ("enters_qm", "c", "it is both"),
    ("robbed", "a", "that was never sent"),
    ("robbed", "c", "he can compute what you computed"),
    ("robbed", "d", "opens every message from 5 on"),
]


class TestAnswers(Answers):
    questions, right, slips = quick_mode.QUESTIONS, RIGHT, SLIPS


def test_the_solutions_among_the_hints_are_some() -> None:
    words = {"hmac": hmac, "hashlib": hashlib}
    iv = f"lambda last_block, m_id: {quick_mode.FIRST_IV.hints[-1]}"
    assert said("first_iv", eval(iv, words)).startswith(Sign.RIGHT)  # noqa: S307  (our own words)
    hash_2 = f"lambda has, payloads: {quick_mode.HASH_2.hints[-1]}"
    assert said("hash_2", eval(hash_2, words)).startswith(Sign.RIGHT)  # noqa: S307

    def esp_keys(skeyid_d: bytes, spi: bytes, ni: bytes, nr: bytes) -> object:
        values = {**words, "skeyid_d": skeyid_d, "spi": spi, "ni": ni, "nr": nr}
        exec(quick_mode.ESP_KEYS.hints[-1], values)  # noqa: S102
        return values["both"]

    assert said("esp_keys", esp_keys).startswith(Sign.RIGHT)


class TestTheEngineAgrees:
    """What was chosen by hand, or is said in the lesson's text."""

    def test_the_receiver_names_an_sa(self) -> None:
        for each in runs():
            for child in each.result.children:
                told = SECOND if child.sender == INITIATOR else FIRST
                inside = {number: each.message(number).decrypted or b"" for number in (FIRST, SECOND)}
                assert [number for number, octets in inside.items() if child.spi in octets] == [told]

    def test_an_sa_is_to_live_an_hour(self) -> None:
        assert "3600 s" in repr(talk().message(FIRST))

    def test_the_message_id_is_0_in_phase_1(self) -> None:
        assert all(talk().message(number).octets[20:24] == bytes(4) for number in range(1, FIRST))
        assert all(talk().message(number).octets[20:24] == message_id(talk()) for number in range(FIRST, 10))

    def test_the_iv_of_the_next_message_is_the_last_block_of_the_one_before(self) -> None:
        opened = talk().followed[SECOND - 1].opened
        assert opened is not None
        assert opened.iv == talk().message(FIRST).octets[-16:]

    def test_the_hash_of_the_exercise_stands_in_message_8(self) -> None:
        (has, rest), *_ = quick_mode.hashed()
        inside = talk().message(SECOND).decrypted or b""
        assert inside[4:36] == right_hash(has, rest)
        assert inside[36:].startswith(rest)
        assert counted(len(inside) - 36 - len(rest)) == "4 octets"

    def test_without_the_third_message_the_responder_sets_nothing_up(self) -> None:
        lost = talk().fork(message=9, drop=True)
        assert "timer: says 8 again" in repr(lost)
        up = [len(lost.at(step).sas[RESPONDER].children) for step in range(4, lost.last + 1)]  # type: ignore[union-attr]
        assert up == [0] * (len(up) - 1) + [2]
        assert lost.established

    def test_a_responder_who_means_another_network_refuses_message_7(self) -> None:
        for told in ({}, {"responder": {"remote_ts": "10.1.0.0/16"}}):
            refused = run("selectors", **told)
            assert "the responder refused message 7" in repr(refused)
            assert "INVALID-ID-INFORMATION" in repr(refused)
            assert refused.at(7).states == {"initiator": "ESTABLISHED", "responder": "ESTABLISHED"}
        assert run("selectors", responder={"remote_ts": "10.1.0.0/24"}).established

    def test_the_other_refusals_that_the_lesson_proposes(self) -> None:
        for name in ("esp-proposal", "pfs"):
            refused = run(name).result.refused
            assert refused is not None
            assert (refused.by, refused.at, refused.refusal.notify) == ("responder", 7, Notify.NO_PROPOSAL_CHOSEN)
        assert run("esp-proposal").scenario.responder.ike == run("esp-proposal").scenario.initiator.ike

    def test_the_second_secret_goes_into_keymat_alone(self) -> None:
        users = {each["label"] for each in run("quick-pfs").trace.secrets if quick_pfs_secret() in each["inputs"]}
        assert users == {"K1", "K2"}

    def test_ka_opens_all_of_quick_mode_with_pfs_too(self) -> None:
        again = run("quick-pfs")
        assert {each.opened.key for each in again.followed if each.opened} == {again.secret("Ka").value}

    def test_a_thief_of_phase_1_reads_packets_only_without_pfs(self) -> None:
        assert len(stolen(talk(), "SKEYID_d", "SKEYID_e").computed) == 4
        assert stolen(run("quick-pfs"), "SKEYID_d", "SKEYID_e").computed == ()


def quick_pfs_secret() -> str:
    return next(each["name"] for each in run("quick-pfs").trace.secrets if each["label"] == "g(qm)^xy")
