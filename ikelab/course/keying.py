"""What the lesson on secrets asks: what goes into which key, how a key gets its length, and who can compute what."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import cache
from typing import Any

from ikelab.course.question import Choice, Octets, Question, Results, Slip, Whole
from ikelab.course.recording import Recording, recorded
from ikelab.course.runs import Run, run

TALK = "main_psk_nopfs"
LONG_KEY = "aes256-sha1-modp2048"
"""A proposal whose cipher needs a longer key than its prf gives."""
GENERIC_HEADER = 4
BEFORE_THE_ADDRESS = 4
"""Octets of the body of an ID payload that say what kind of name it is (RFC 2407 §4.6.2)."""


@cache
def talk() -> Recording:
    """The conversation of the lesson."""
    return recorded(TALK)


@cache
def long_key() -> Run:
    """The run of the lesson whose key is longer than SKEYID_e."""
    return run("main", ike=LONG_KEY)


def _value(name: str) -> bytes:
    return talk().secret(name).value


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


ENTERS = Question[str](
    name="enters",
    ask="With a pre-shared key: where does g^xy go in?",
    kind=Choice(
        {
            "a": "into SKEYID, and so into all that is made of it",
            "b": "into SKEYID_d, SKEYID_a and SKEYID_e, but not into SKEYID",
            "c": "nowhere: it is itself the key that encrypts",
            "d": "into HASH_I and HASH_R, to prove who is who",
        }
    ),
    right=lambda: "b",
    because="With a pre-shared key, SKEYID is made of it and of two nonces; g^xy joins one step later, in all three. "
    "(With signatures it is otherwise: there SKEYID is made of g^xy, RFC 2409 §5.)",
    slips=(
        _chose("a", "So it is with signatures. Here walk back from SKEYID: there are PSK, Ni_b and Nr_b, no more."),
        _chose(
            "c",
            "It has 256 octets, and AES-128 takes 16. It goes into a prf as part of what is hashed, never as a key.",
        ),
        _chose("d", "They contain g^xi and g^xr, which everybody has heard. The secret g^xy is not among them."),
    ),
    otherwise="Walk back from SKEYID_e.",
)

# -- SKEYID_d, _a, _e

Step = tuple[bytes, bytes, bytes, bytes, int]
"""SKEYID, what was made before, g^xy, both cookies, and the number."""


@cache
def steps() -> tuple[Step, ...]:
    """How SKEYID_d, _a and _e are made, in the recording and in a run of our own; all with SHA-1."""
    return tuple(step for shown in (talk(), long_key()) for step in _steps(shown))


def _steps(shown: Recording | Run) -> tuple[Step, ...]:
    skeyid, g_xy, cky_i, cky_r = (shown.secret(name).value for name in ("SKEYID", "g^xy", "CKY-I", "CKY-R"))
    before = (b"", shown.secret("SKEYID_d").value, shown.secret("SKEYID_a").value)
    return tuple((skeyid, each, g_xy, cky_i + cky_r, number) for number, each in enumerate(before))


def _prf(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha1")


def _derived(formula: Callable[[bytes, bytes, bytes, bytes, int], bytes], hint: str) -> Slip[tuple[bytes, ...]]:
    """A slip that is this formula of SKEYID, what was made before, g^xy, the cookies and the number."""
    return Slip(made=lambda answers: answers == tuple(formula(*step) for step in steps()), hint=hint)


DERIVE = Question[tuple[bytes, ...]](
    name="derive",
    ask="Write the function that makes SKEYID_d, SKEYID_a and SKEYID_e.",
    kind=Results(steps, Octets(), wanted="the function"),
    right=lambda: tuple(
        shown.secret(name).value for shown in (talk(), long_key()) for name in ("SKEYID_d", "SKEYID_a", "SKEYID_e")
    ),
    because="Called for all three, with the values of the recording and of a run of our own: the same octets as the "
    "engine has, and as both gateways had. Each contains the one before, so d, a and e form a chain.",
    slips=(
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(key, before + g_xy + cookies),
            "The number at the end is missing: 0, 1 or 2, as one octet.",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(key, before + g_xy + cookies + bytes(number)),
            "bytes(2) is two octets of zero. One octet with the value 2 is bytes([2]).",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(key, before + g_xy + cookies + str(number).encode()),
            "The number went in as a digit, an octet of the value 48 and up. RFC 2409 §5 wants a single octet of the "
            "value 0, 1 or 2: bytes([number]).",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(key, before + g_xy + cookies + number.to_bytes(4)),
            "The number is a single octet (RFC 2409 §5), and you gave it four.",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(key, g_xy + cookies + bytes([number])),
            "SKEYID_d is right, the other two are not: into each goes the one that was made before, in front of g^xy.",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(key, g_xy + before + cookies + bytes([number])),
            "All parts are there. What was made before comes first, before g^xy.",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: _prf(before + g_xy + cookies + bytes([number]), key),
            "Key and message have changed places: SKEYID is the key of the prf.",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: hmac.digest(
                key, before + g_xy + cookies + bytes([number]), "sha256"
            ),
            "The right formula with another hash: both conversations agreed on SHA-1.",
        ),
        _derived(
            lambda key, before, g_xy, cookies, number: hashlib.sha1(
                key + before + g_xy + cookies + bytes([number])
            ).digest(),
            "This is the plain hash. The prf is HMAC, as in the first lesson.",
        ),
    ),
    otherwise='Other octets than the engine has. before, g_xy, cookies, number: in this order. Help: hint("derive").',
    hints=(
        'prf(SKEYID, ...) is hmac.new(skeyid, ..., "sha1").digest(), and | is + in Python.',
        "For SKEYID_d nothing was made before: then `before` is empty. So one formula serves all three. A number "
        "becomes a single octet by bytes([number]).",
        'hmac.new(skeyid, before + g_xy + cookies + bytes([number]), "sha1").digest()',
    ),
)

# -- the key's length


def _calls() -> int:
    """How many blocks of the prf the key of the long run is made of."""
    return len(long_key().secret("Ka").inputs)


CALLS = Question[int](
    name="calls",
    ask="SKEYID_e has 20 octets, as SHA-1 gives them. AES-256 takes a key of 32. How many more calls of the prf "
    "does it take to make Ka of SKEYID_e?",
    kind=Whole(),
    right=_calls,
    because="K1 = prf(SKEYID_e, 0) and K2 = prf(SKEYID_e, K1): 40 octets, of which the first 32 are taken (RFC 2409 "
    "Appendix B). Not one octet of SKEYID_e itself is in that key.",
    slips=(
        Slip(
            made=lambda calls: calls == 0,
            hint="That is what happens where SKEYID_e is long enough, as for AES-128. Here 12 octets would be lacking.",
        ),
        Slip(
            made=lambda calls: calls == 1,
            hint="One call makes 20 octets. You may have meant to put them behind SKEYID_e; but that is not how it is "
            "done: where SKEYID_e is too short, all of the key is made anew.",
        ),
        Slip(
            made=lambda calls: calls >= 3,
            hint="Each call makes 20 octets. How many calls does it take to have 32?",
        ),
    ),
    otherwise="Each call makes 20 octets.",
)

# -- what hangs on what

OTHER_XY = Question[str](
    name="other_xy",
    ask="Suppose g^xy were another, and nothing else. (This cannot happen, but it shows what depends on what.) "
    "Which of these would still be the same?",
    kind=Choice(
        {
            "a": "none of them",
            "b": "SKEYID, IV, HASH_I and HASH_R",
            "c": "only IV",
            "d": "only HASH_I and HASH_R",
        }
    ),
    right=lambda: "b",
    because="g^xy is in SKEYID_d, _a and _e and in what is made of those. The two hashes are keyed with SKEYID, and of "
    "Diffie-Hellman they contain what was said aloud: they authenticate the public values.",
    slips=(
        _chose("a", "Not all keys contain g^xy: look at the formulas of SKEYID and of IV."),
        _chose("c", "IV stays, right. Now look for g^xy in SKEYID, and then in HASH_I."),
        _chose("d", "Both stay, right. But what are they keyed with? That stays as well."),
    ),
    otherwise="Look for g^xy in each formula.",
)

# -- HASH_I

WHICH_KEY = Question[str](
    name="which_key",
    ask="With HASH_I the initiator authenticates itself. Which key is it made with?",
    kind=Choice({"a": "SKEYID_a: a is for authentication", "b": "SKEYID", "c": "the pre-shared key", "d": "Ka"}),
    right=lambda: "b",
    because="HASH_I = prf(SKEYID, ...), and in SKEYID is the pre-shared key: who can make it has that. SKEYID_a "
    "authenticates the messages that come after, when phase 1 is over: HASH(1) of Quick Mode is made with it (RFC 2409 "
    "§5.5).",
    slips=(
        _chose(
            "a",
            "The names invite to it, and many have asked. But RFC 2409 §5 simply defines HASH_I = prf(SKEYID, ...). "
            "SKEYID_a comes in with the messages after it: Quick Mode (§5.5), and Informational ones (§5.7).",
        ),
        _chose("c", "Not directly: the pre-shared key is used in one formula only. What does that formula make?"),
        _chose(
            "d", "Ka encrypts, and message 5 is encrypted with it. But a proof that only says 'I have Ka' names nobody."
        ),
    ),
    otherwise="Look at its formula.",
)


def _generic(body: bytes) -> bytes:
    """An ID payload with the generic header that it has in message 5: a HASH follows."""
    return bytes((8, 0)) + (len(body) + GENERIC_HEADER).to_bytes(2) + body


def _hashed(key: str, *names: str, last: Callable[[bytes], bytes] = bytes, algorithm: str = "sha1") -> bytes:
    """HASH_I made in another way: with this key, of these values, and of IDii_b or what `last` makes of it."""
    return hmac.digest(_value(key), b"".join(map(_value, names)) + last(_value("IDii_b")), algorithm)


COVERED = ("g^xi", "g^xr", "CKY-I", "CKY-R", "SAi_b")


def _made(value: Callable[[], bytes], hint: str) -> Slip[bytes]:
    return Slip(made=lambda answer: answer == value(), hint=hint)


HASH_I = Question[bytes](
    name="HASH_I",
    ask="Compute HASH_I.",
    kind=Octets(),
    right=lambda: _value("HASH_I"),
    because="These 20 octets stand in message 5 of the recording. The responder computed them for itself and compared: "
    "that is how it knew who was there.",
    slips=(
        _made(
            lambda: _hashed("SKEYID", *COVERED, last=_generic),
            "Very nearly. You took the whole payload; its first 4 octets are the generic header, which is left out "
            "(RFC 2409 §5): id_payload[4:].",
        ),
        _made(
            lambda: _hashed("SKEYID", *COVERED, last=lambda body: body[BEFORE_THE_ADDRESS:]),
            "That is only the address. ID type, protocol and port, the 4 octets before it, belong to the body "
            "(RFC 2407 §4.6.2): id_payload[4:].",
        ),
        _made(
            lambda: _hashed("PSK", *COVERED),
            "All of the message is right, and the key is not. The pre-shared key goes into one formula only, and makes "
            "SKEYID; HASH_I is made with that.",
        ),
        _made(
            lambda: _hashed("SKEYID_a", *COVERED),
            "All of the message is right, and the key is not: HASH_I is made with SKEYID.",
        ),
        _made(
            lambda: _hashed("SKEYID", "g^xr", "g^xi", "CKY-R", "CKY-I", "SAi_b"),
            "Here the responder's values come first, as in HASH_R. In HASH_I the initiator's do.",
        ),
        _made(
            lambda: _hashed("SKEYID", *COVERED, last=lambda body: b""),
            "The identity is missing: without it, the hash proves that somebody has the key, and not who.",
        ),
        _made(
            lambda: _hashed("SKEYID", *COVERED, algorithm="sha256"),
            "The right formula with another hash: these two agreed on SHA-1.",
        ),
        Slip(made=lambda answer: len(answer) != 20, hint="SHA-1 gives 20 octets, and yours are another number."),
    ),
    otherwise='20 octets, but others. Six values in a row, with SKEYID as the key. More help: hint("HASH_I").',
    hints=(
        "HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b): `covered` has the first five, joined.",
        "IDii_b is the body of the ID payload: the payload without its generic header of 4 octets.",
        'hmac.new(skeyid, covered + id_payload[4:], "sha1").digest()',
    ),
)

# -- who can compute what

THIEF = Question[str](
    name="thief",
    ask="Somebody recorded it all, and a year later steals the pre-shared key. What can he compute now?",
    kind=Choice(
        {
            "a": "everything: it is the key of the tunnel",
            "b": "SKEYID and IV, and no key that opens anything",
            "c": "nothing at all",
            "d": "Ka, but not the keys of ESP",
        }
    ),
    right=lambda: "b",
    because="PSK and nonces make SKEYID. From there on g^xy is needed, which nobody has any more: the gateways forgot "
    "their exponents. (With g^xy alone he has no key either; with SKEYID_e he has Ka, and with PSK and g^xy all of "
    "these.) What the thief of the pre-shared key can do is to pass for a gateway from now on.",
    slips=(
        _chose("a", "You will read that. But look what stands beside SKEYID in the formulas of _d, _a and _e."),
        _chose("c", "The nonces travelled in clear, so he has all that SKEYID is made of."),
        _chose("d", "Ka is made of SKEYID_e, and that contains g^xy, like all three."),
    ),
    otherwise="Which of the formulas have no g^xy in them?",
)

QUESTIONS: tuple[Question[Any], ...] = (ENTERS, DERIVE, CALLS, OTHER_XY, WHICH_KEY, HASH_I, THIEF)
