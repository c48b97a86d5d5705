"""What the lesson on Quick Mode asks: what names an SA, what each hash covers, how packets get keys, what PFS saves."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from ikelab.course.advice import Advised
from ikelab.course.packet_keys import ESP_KEYS, FIRST, SECOND, message_id, runs, value
from ikelab.course.question import Choice, Octets, Question, Slip

BLOCK = 16
"""Octets of a block of AES."""


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


# -- two SAs

NAMER = Question[str](
    name="namer",
    ask="A protected packet comes from the initiator. It says in clear which SA it belongs to, by a number of 32 bits, "
    "the SPI. Who chose that number?",
    kind=Choice(
        {
            "a": "the responder, who receives them",
            "b": "the initiator, who sends these packets",
            "c": "nobody: it is the message ID",
            "d": "nobody: it is computed with the keys",
        }
    ),
    right=lambda: "a",
    because="Whoever receives must find the SA in its own table, so it picks a number that is still free there (RFC "
    "2409 §5.5: the destination of the SA). Each side tells its own in its SA payload: hence two SPIs, one for each "
    "direction.",
    slips=(
        _chose("b", "Suppose two peers happened to choose the same number. Who would be in trouble, and with what?"),
        _chose("c", "The message ID names the exchange, and is over with it. Compare the two in message 7."),
        _chose("d", "It stands in messages 7 and 8, when there are no such keys yet: it goes into them."),
    ),
    otherwise="Look for the SPI in message 7, then in message 8.",
)

# -- an IV of its own


@cache
def iv_calls() -> tuple[tuple[bytes, bytes], ...]:
    """The last block of phase 1, and the message ID, of each run."""
    return tuple((each.message(FIRST - 1).octets[-BLOCK:], message_id(each)) for each in runs())


def _engine_ivs() -> tuple[bytes, ...]:
    opened = [each.followed[FIRST - 1].opened for each in runs()]
    return tuple(each.iv for each in opened if each is not None)


def _iv(formula: Callable[[bytes, bytes], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    return Slip(made=lambda answers: answers == tuple(formula(*call) for call in iv_calls()), hint=hint)


def _sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


FIRST_IV = Question[tuple[bytes, ...]](
    name="first_iv",
    ask="Write the function that computes the IV of the first message of a Quick Mode.",
    kind=Advised(iv_calls, Octets(), wanted="the function"),
    right=_engine_ivs,
    because="With this IV the responder opened message 7, in two runs. From there on it is as in phase 1: the IV of "
    "the next message is the last block of the one before, in the same Quick Mode. So several can be under way at a "
    "time, and none disturbs the others.",
    slips=(
        _iv(
            lambda last_block, m_id: last_block,
            "So it goes on within phase 1. Then two Quick Modes would begin with the same IV: the message ID must go "
            "in, too.",
        ),
        _iv(
            lambda last_block, m_id: _sha256(last_block + m_id),
            "The right hash, all 32 octets of it. An IV has the length of one block of AES: the first 16.",
        ),
        _iv(
            lambda last_block, m_id: _sha256(last_block + m_id)[-BLOCK:],
            "The right hash, but its last 16 octets. The first 16 are the IV.",
        ),
        _iv(
            lambda last_block, m_id: _sha256(m_id + last_block)[:BLOCK],
            "Both are in it, in the wrong order: the last block of phase 1 comes first.",
        ),
        _iv(
            lambda last_block, m_id: hmac.digest(last_block, m_id, "sha256")[:BLOCK],
            "This is a prf. An IV is no secret, so a plain hash will do: hashlib.sha256.",
        ),
        _iv(
            lambda last_block, m_id: hashlib.sha1(last_block + m_id).digest()[:BLOCK],
            "The right formula with another hash: these two agreed on SHA-256.",
        ),
    ),
    otherwise='Other octets than the engine has. hash(last block | M-ID), cut to a block. Help: hint("first_iv").',
    hints=(
        "Join the two, in the order of the formula: in Python | is +.",
        "hashlib.sha256(...).digest() is the hash. How many of its octets does the cipher need?",
        "hashlib.sha256(last_block + m_id).digest()[:16]",
    ),
)

# -- the hashes

Hashed = tuple[Mapping[str, bytes], bytes]
"""What the initiator has when message 8 is opened: values by name, and all that follows the hash in it."""


@cache
def hashed() -> tuple[Hashed, ...]:
    """What the initiator has in each run."""
    names = ("SKEYID", "SKEYID_a", "SKEYID_d", "SKEYID_e", "Ni_b", "Nr_b")
    return tuple(
        ({**{name: value(each, name) for name in names}, "M-ID": message_id(each)}, value(each, "payloads", SECOND))
        for each in runs()
    )


def _joined(has: Mapping[str, bytes], *names: str) -> bytes:
    return b"".join(has[name] for name in names)


def _covers(formula: Callable[[Mapping[str, bytes], bytes], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that hashes what this formula makes, with SKEYID_a."""
    return Slip(
        made=lambda answers: (
            answers == tuple(hmac.digest(has["SKEYID_a"], formula(has, rest), "sha256") for has, rest in hashed())
        ),
        hint=hint,
    )


def _keyed(key: str, hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that has all of the message right, and this key."""
    return Slip(
        made=lambda answers: (
            answers
            == tuple(hmac.digest(has[key], _joined(has, "M-ID", "Ni_b") + rest, "sha256") for has, rest in hashed())
        ),
        hint=hint,
    )


HASH_2 = Question[tuple[bytes, ...]](
    name="hash_2",
    ask="Write the function that computes HASH(2).",
    kind=Advised(hashed, Octets(), wanted="the function"),
    right=lambda: tuple(value(each, "HASH(2)") for each in runs()),
    because="These octets stand in message 8, in two runs. SKEYID_a proves that whoever wrote it is inside the "
    "channel, and the initiator's own nonce that it was written just now.",
    slips=(
        _covers(
            lambda has, rest: has["M-ID"] + rest,
            "So HASH(1) is made. In HASH(2) the initiator's nonce stands between: without it, an old answer could be "
            "played again.",
        ),
        _covers(
            lambda has, rest: _joined(has, "M-ID", "Nr_b") + rest,
            "The wrong nonce: the responder's is in the payloads already. The other one makes this the answer to just "
            "that question.",
        ),
        _covers(
            lambda has, rest: _joined(has, "Ni_b", "M-ID") + rest,
            "All parts are there. The message ID comes first, then the nonce.",
        ),
        _covers(
            lambda has, rest: has["M-ID"] + rest + has["Ni_b"],
            "All parts are there. The nonce comes before the payloads.",
        ),
        _covers(
            lambda has, rest: b"\0" + _joined(has, "M-ID", "Ni_b") + rest,
            "The octet 0 belongs to HASH(3) alone.",
        ),
        _keyed("SKEYID", "SKEYID was for HASH_I and HASH_R. Now that phase 1 is over, it is SKEYID_a."),
        _keyed("SKEYID_e", "SKEYID_e is for hiding. For proving, there is SKEYID_a."),
        _keyed("SKEYID_d", "SKEYID_d is for keys of packets: you will need it soon. For proving, there is SKEYID_a."),
        Slip(
            made=lambda answers: (
                answers
                == tuple(_sha256(has["SKEYID_a"] + _joined(has, "M-ID", "Ni_b") + rest) for has, rest in hashed())
            ),
            hint="This is the plain hash. A prf is HMAC: a key, and a message.",
        ),
    ),
    otherwise='Other octets than message 8 has. M-ID, Ni_b, payloads, with SKEYID_a. More help: hint("hash_2").',
    hints=(
        'prf(SKEYID_a, ...) is hmac.new(has["SKEYID_a"], ..., "sha256").digest(), as in the lessons before.',
        "Three things are joined, in the order of the formula, the last of them payloads.",
        'hmac.new(has["SKEYID_a"], has["M-ID"] + has["Ni_b"] + payloads, "sha256").digest()',
    ),
)

NO_THIRD = Question[str](
    name="no_third",
    ask="Message 9 is lost, and HASH(3) with it. The responder could compute all keys since message 7. What does it "
    "do?",
    kind=Choice(
        {
            "a": "it sets up its SAs: it has all that it needs",
            "b": "it says INVALID-HASH-INFORMATION",
            "c": "it waits, and says message 8 again",
            "d": "it begins again with Main Mode",
        }
    ),
    right=lambda: "c",
    because="Message 7 might be an old one, played again: HASH(1) would hold. Only HASH(3) covers the nonce that the "
    "responder has just drawn, so whoever made it is there now. Before it comes, the responder here sets up nothing.",
    slips=(
        _chose("a", "It could. But from whom was message 7? It may have been recorded, and been sent a second time."),
        _chose("b", "For that something must have come. A lost message leaves nothing to complain about."),
        _chose("d", "The ISAKMP SA is as good as it was: it is Quick Mode that waits for its third message."),
    ),
    otherwise="See in which state the responder stays, and what its timer does.",
)

# -- whose packets

MIRROR = Question[str](
    name="mirror",
    ask="All is well but one thing: the responder was told that the initiator's network is 10.7.0.0/24. How far do "
    "they come?",
    kind=Choice(
        {
            "a": "not even through Main Mode",
            "b": "Main Mode succeeds, and message 7 is refused",
            "c": "all succeeds, but packets are dropped later",
            "d": "they settle for what both have in common",
        }
    ),
    right=lambda: "b",
    because="The networks are named for the first time in message 7, and the responder has no such pair. That each "
    "must mirror the other exactly is a rule of implementations: RFC 2409 §5.5 leaves it to local policy, and says how "
    "to decline, with INVALID-ID-INFORMATION.",
    slips=(
        _chose("a", "In Main Mode the two name themselves. Of networks not a word was said there."),
        _chose(
            "c", "Then the gateways would disagree for good, and nobody be told. That is what the IDs are there for."
        ),
        _chose("d", "IKEv2 can narrow. Here the responder has only yes and no."),
    ),
    otherwise="In which message are the networks named?",
)

# -- perfect forward secrecy

ENTERS_QM = Question[str](
    name="enters_qm",
    ask="A second Diffie-Hellman exchange, in messages 7 and 8, makes g(qm)^xy. Where does it go in?",
    kind=Choice(
        {
            "a": "into the key that encrypts message 9 and all after it",
            "b": "into SKEYID_d, _a and _e, which are made anew",
            "c": "into KEYMAT, in place of SKEYID_d",
            "d": "into KEYMAT alone, beside SKEYID_d",
        }
    ),
    right=lambda: "d",
    because="K1 = prf(SKEYID_d, g(qm)^xy | protocol | SPI | Ni_b | Nr_b), and K2 likewise; no other formula has it. "
    "Quick Mode itself stays under SKEYID_e and SKEYID_a, with PFS as without (RFC 2409 §5.5).",
    slips=(
        _chose("a", "You will read that PFS gives phase 2 a new key. But Ka opens message 9 as it did message 7."),
        _chose("c", "You will read: either of phase 1 or by a new exchange. Look at K1: it is both."),
        _chose("b", "They belong to the ISAKMP SA and stay as they are, until it ends."),
    ),
    otherwise="Walk back from KEYMAT.",
)

ROBBED = Question[str](
    name="robbed",
    ask="Somebody recorded two runs, one without PFS and one with it. A year later he steals SKEYID_d and SKEYID_e of "
    "both. Whose packets can he read?",
    kind=Choice(
        {
            "a": "those of both runs",
            "b": "those of the run without PFS",
            "c": "those of neither: the keys of ESP were not stolen",
            "d": "not even messages 7 to 9",
        }
    ),
    right=lambda: "b",
    because="SKEYID_e opens Quick Mode, and there are the SPIs and nonces; with SKEYID_d they make KEYMAT. Unless "
    "g(qm)^xy is needed as well: its exponents were forgotten. PFS saves from a thief who comes later. One who has all "
    "of phase 1 while it lives can begin a Quick Mode of his own.",
    slips=(
        _chose(
            "a",
            "In one of the runs something goes into KEYMAT that was never sent, and that no formula of phase 1 gives.",
        ),
        _chose("c", "They need not be: he can compute what you computed. What did your function take?"),
        _chose("d", "SKEYID_e makes Ka, and that opens every message from 5 on."),
    ),
    otherwise="What did your function take, and which of it does he have?",
)

QUESTIONS: tuple[Question[Any], ...] = (
    NAMER,
    FIRST_IV,
    HASH_2,
    NO_THIRD,
    MIRROR,
    ESP_KEYS,
    ENTERS_QM,
    ROBBED,
)  # fmt: skip
