"""What the first lesson asks: how both get their keys, who can read what, what the pre-shared key and hashes do."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from functools import cache
from typing import Any

from ikelab.course.held_keys import keys
from ikelab.course.question import Choice, Numbers, Octets, Question, Slip
from ikelab.course.recording import Recording, recorded
from ikelab.course.runs import Run, run

TALK = "main_psk_nopfs"
TYPO = "correct horse battery stable"
"""The pre-shared key of the recording with one letter wrong."""


@cache
def live() -> Run:
    """The run that the lesson begins with."""
    return run("main")


@cache
def talk() -> Recording:
    """The conversation of the lesson."""
    return recorded(TALK)


def _value(name: str) -> bytes:
    return talk().secret(name).value


def _chose(letter: str, hint: str) -> Slip[str]:
    return Slip(made=lambda answer: answer == letter, hint=hint)


def _computed(value: Callable[[bytes, bytes, bytes], bytes], hint: str) -> Slip[bytes]:
    """A slip that ends in this value, computed from pre-shared key and nonces."""
    return Slip(made=lambda answer: answer == value(_value("PSK"), _value("Ni_b"), _value("Nr_b")), hint=hint)


def _with_generic_header(body: bytes, next_payload: int) -> bytes:
    return bytes((next_payload, 0)) + (len(body) + 4).to_bytes(2) + body


SENT = Question[tuple[int, ...]](
    name="sent",
    ask="Both sides have keys, and the same ones. In which of the nine messages do they send them to each other? "
    "([] if in none.)",
    kind=Numbers(9),
    right=lambda: keys(live()).travelled,
    because="No key ever travels, not even encrypted. What travels is what keys are made of, and each side makes them "
    "for itself. Why nobody else can, is what this course is about.",
    slips=(
        Slip(
            made=lambda numbers: bool({1, 2} & set(numbers)),
            hint="Messages 1 and 2 settle how to encrypt, not with what key. A key in them would be everybody's.",
        ),
        Slip(
            made=lambda numbers: bool(numbers) and set(numbers) <= {3, 4},
            hint="They come close: 3 and 4 carry what keys are made of. But they can be read by anyone, and a key sent "
            "in them would be everybody's.",
        ),
        Slip(
            made=lambda numbers: bool({5, 6} & set(numbers)) and set(numbers) <= {5, 6},
            hint="5 and 6 are encrypted already, so a key was there before. They carry names and proofs.",
        ),
        Slip(
            made=lambda numbers: bool(numbers) and set(numbers) <= {7, 8, 9},
            hint="You will read that, and it would be safe, for they are encrypted. But they too carry only what keys "
            "are made of.",
        ),
    ),
    otherwise="The last line of the table says where any of these octets were found.",
)

READABLE = Question[tuple[int, ...]](
    name="readable",
    ask="Somebody recorded all eleven messages and has no key. Of which of them can they read the payloads?",
    kind=Numbers(11),
    right=lambda: tuple(
        number for number, each in enumerate(talk().without_keys().followed, 1) if each.inside.payloads
    ),
    because="Two strangers have no key in common, so they begin in clear. With message 4 both can compute one, and "
    "from message 5 on every payload is encrypted.",
    slips=(
        Slip(
            made=lambda numbers: len(numbers) == 11,
            hint="The header of every message can be read, and that already tells who talks with whom, and when. "
            "The payloads behind it are another matter.",
        ),
        Slip(
            made=lambda numbers: not numbers,
            hint="Encryption takes a key that both have, and so far they have agreed on nothing, not even on a cipher.",
        ),
        Slip(
            made=lambda numbers: bool({5, 6} & set(numbers)) and not set(numbers) - {1, 2, 3, 4, 5, 6},
            hint="Messages 5 and 6 still belong to Main Mode, but the key is there since message 4, and it is used at "
            "once: that is how Main Mode hides the names of the two.",
        ),
        Slip(
            made=lambda numbers: set(numbers) < {1, 2, 3, 4},
            hint="Public values and nonces, in messages 3 and 4, travel in clear as well. Whoever has only heard them "
            "cannot compute g^xy from them.",
        ),
    ),
    otherwise="The star in HDR* is the sign: it stands for a header whose encryption flag is set (RFC 2409 §3.2).",
)

PSK = Question[str](
    name="psk",
    ask="Both gateways were given the same pre-shared key. What do they encrypt with it?",
    kind=Choice(
        {
            "a": "messages 5 and 6, in which they prove who they are",
            "b": "everything from message 5 on",
            "c": "only the two hashes, HASH_I and HASH_R",
            "d": "nothing at all",
        }
    ),
    right=lambda: "d",
    because="The pre-shared key goes into one formula, SKEYID = prf(PSK, Ni_b | Nr_b), and nowhere else (RFC 2409 §5). "
    "What encrypts is Ka, in which g^xy has a part too: the same pre-shared key, and yet another Ka every time.",
    slips=(
        _chose("a", "You will find this on many pages. But the key of messages 5 and 6 is Ka: walk back from it."),
        _chose(
            "b", "There is one key for everything from message 5 on, right; but that key is Ka, made anew each time."
        ),
        _chose("c", "A hash is not encrypted with anything. HASH_I is a prf, and its key is SKEYID."),
    ),
    otherwise="Walk back from Ka, the key that encrypts.",
)

SKEYID = Question[bytes](
    name="SKEYID",
    ask="Compute SKEYID from the pre-shared key and the two nonces.",
    kind=Octets(),
    right=lambda: _value("SKEYID"),
    because="The engine has the same 20 octets, and so had both gateways. Nobody sent them: each side computed them.",
    slips=(
        _computed(
            lambda psk, ni, nr: hmac.digest(psk, nr + ni, "sha1"),
            "Key and prf are right; the nonces are in the wrong order. The initiator's comes first.",
        ),
        _computed(
            lambda psk, ni, nr: hmac.digest(ni + nr, psk, "sha1"),
            "Key and message have changed places: in prf(PSK, Ni_b | Nr_b) the pre-shared key is the key.",
        ),
        _computed(
            lambda psk, ni, nr: hashlib.sha1(psk + ni + nr).digest(),
            "This is the plain hash of all three. The prf is HMAC, which takes a key and a message (RFC 2409 §4).",
        ),
        Slip(
            made=lambda answer: any(
                answer == hmac.digest(_value("PSK"), _value("Ni_b") + _value("Nr_b"), name)
                for name in ("md5", "sha256", "sha384", "sha512")
            ),
            hint="The right formula with another hash. These two agreed on SHA, which is SHA-1: see message 2.",
        ),
        _computed(
            lambda psk, ni, nr: hmac.digest(psk, _with_generic_header(ni, 20) + _with_generic_header(nr, 20), "sha1"),
            "You took the whole payloads. The _b says: the body alone, without the 4 octets of the generic header "
            "(RFC 2409 §3.2).",
        ),
        _computed(
            lambda psk, ni, nr: hmac.digest(psk, ni, "sha1"),
            "The responder's nonce is missing: Ni_b | Nr_b is the one, then the other. In Python: ni + nr.",
        ),
        _computed(
            lambda psk, ni, nr: psk,
            "This is the pre-shared key itself. It is what the prf is keyed with.",
        ),
        Slip(
            made=lambda answer: len(answer) != 20,
            hint="SHA-1 gives 20 octets, and yours are another number.",
        ),
    ),
    otherwise='20 octets, but others. Three values go in: PSK, Ni_b, Nr_b. More help: hint("SKEYID").',
    hints=(
        "prf(key, message) is HMAC with the hash that the two agreed on (RFC 2409 §4): here SHA-1. "
        "The sign | joins octets; in Python that is +.",
        'hmac.new(key, message, "sha1").digest() is the form. Which of the three values is the key?',
        'hmac.new(psk, ni + nr, "sha1").digest()',
    ),
)

TYPING_ERROR = Question[str](
    name="typo",
    ask=f'One side is told the pre-shared key "{TYPO}": one letter is wrong. What goes wrong first?',
    kind=Choice(
        {
            "a": "message 2: the responder refuses the offer",
            "b": "message 5: it decrypts to nonsense",
            "c": "message 5: it decrypts well, but HASH_I is not right",
            "d": "nothing, until user data is to be protected",
        }
    ),
    right=lambda: "b",
    because="Another pre-shared key makes another SKEYID, so another Ka. Message 5 does not open, and no hash gets as "
    "far as being compared. That is why gateways complain of a malformed message and not of a wrong password.",
    slips=(
        _chose("a", "Messages 1 to 4 need no key: nobody uses the pre-shared key before they are through."),
        _chose("c", "So it would be if the pre-shared key went into HASH_I alone. But Ka comes from SKEYID, too."),
        _chose("d", "Then anyone could pass for your gateway. Messages 5 and 6 are there to prevent just that."),
    ),
    otherwise="Follow the pre-shared key: SKEYID, SKEYID_e, Ka.",
)

FLIP = Question[str](
    name="flip",
    ask="The keys are right again, but somebody on the way flips one bit of message 1. Which flipped bit is noticed?",
    kind=Choice(
        {
            "a": "one of the lifetime that is offered, but not one of a vendor ID",
            "b": "one of a vendor ID, but not one of the lifetime",
            "c": "either",
            "d": "neither: message 1 is not encrypted",
        }
    ),
    right=lambda: "a",
    because="HASH_I = prf(SKEYID, g^xi | g^xr | CKY-I | CKY-R | SAi_b | IDii_b), and SAi_b is the whole offer "
    "(RFC 2409 §5). Vendor IDs are not in it. The player draws what no hash covers with a dashed line.",
    slips=(
        _chose("b", "Look for both in the formula of HASH_I: the lifetime is part of SAi_b."),
        _chose("c", "No formula has a vendor ID in it. Whatever is not in a hash can be changed unnoticed."),
        _chose(
            "d", "In clear means readable, not defenceless: the hash comes four messages later and covers the offer."
        ),
    ),
    otherwise="Look at the formula of HASH_I.",
)

QUESTIONS: tuple[Question[Any], ...] = (SENT, READABLE, PSK, SKEYID, TYPING_ERROR, FLIP)
