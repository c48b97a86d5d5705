"""How the lesson on Quick Mode asks for the keys of packets: what they are made of, and which mistakes are likely."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import cache

from ikelab.course.advice import Advised
from ikelab.course.question import Octets, Parts, Question, Slip
from ikelab.course.runs import Run, run

FIRST, SECOND = 7, 8
"""The numbers of Quick Mode's first and second message in a run that begins with Main Mode."""
ENCRYPTION_KEY, KEYS = 16, 48
"""Octets of an AES-128 key, and of both keys of a direction."""
ESP = b"\x03"
AN_OCTET = 'The protocol is one octet of the value 3: b"\\x03", or bytes([3]).'
NUMBERS = {"'int' and 'bytes'": AN_OCTET, "'bytes' and 'int'": AN_OCTET, "concat int to bytes": AN_OCTET}
"""What Python says of a number among octets."""


@cache
def talk() -> Run:
    """The run of the lesson."""
    return run("main")


@cache
def runs() -> tuple[Run, ...]:
    """The runs whose values an exercise is tried with: the lesson's, and one with other random numbers."""
    return talk(), run("main", seed=2)


def message_id(of: Run) -> bytes:
    """The message ID of its Quick Mode."""
    return of.message(FIRST).octets[20:24]


def value(of: Run, label: str, message: int | None = None) -> bytes:
    """The value that the RFC calls so, of Quick Mode where it is there, else of phase 1; or the one in a message."""
    found = [
        entry
        for entry in of.trace.secrets
        if entry["label"] == label and message in (None, entry["origin"].get("message"))
    ]
    return bytes.fromhex(found[-1]["value"])


Ingredients = tuple[bytes, bytes, bytes, bytes]
"""SKEYID_d, the SPI of a direction, and both nonces of the Quick Mode."""


@cache
def directions() -> tuple[Ingredients, ...]:
    """What the keys are made of, for both directions of each run."""
    return tuple(
        (value(each, "SKEYID_d"), child.spi, value(each, "Ni_b"), value(each, "Nr_b"))
        for each in runs()
        for child in each.result.children
    )


def _engine_keys() -> tuple[tuple[bytes, ...], ...]:
    return tuple((child.enc_key, child.auth_key) for each in runs() for child in each.result.children)


def _prf(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _fed_back(key: bytes, seed: bytes) -> bytes:
    """K1 | K2 as the RFC has it, of another seed."""
    return _fed_back_of_two(key, seed, seed)


def _fed_back_of_two(key: bytes, first_seed: bytes, second_seed: bytes) -> bytes:
    first = _prf(key, first_seed)
    return first + _prf(key, first + second_seed)


def _protocol_as(wrong: bytes, hint: str) -> tuple[Slip[tuple[tuple[bytes, ...], ...]], ...]:
    """The slips that write the protocol so: in both blocks, or in one of them."""
    ways = ((wrong, wrong), (wrong, ESP), (ESP, wrong))
    return tuple(
        _makes(
            lambda key, spi, ni, nr, way=way: _split(
                _fed_back_of_two(key, *(protocol + spi + ni + nr for protocol in way))
            ),
            hint,
        )
        for way in ways
    )


def _split(keymat: bytes) -> tuple[bytes, ...]:
    return keymat[:ENCRYPTION_KEY], keymat[ENCRYPTION_KEY:KEYS]


def _makes(formula: Callable[..., tuple[bytes, ...]], hint: str) -> Slip[tuple[tuple[bytes, ...], ...]]:
    """A slip that is this formula of SKEYID_d, SPI and nonces."""
    return Slip(made=lambda answers: answers == tuple(formula(*each) for each in directions()), hint=hint)


ESP_KEYS = Question[tuple[tuple[bytes, ...], ...]](
    name="esp_keys",
    ask="Write the function that makes both keys of one direction.",
    kind=Advised(directions, Parts(Octets(), 2), wanted="the function", advice=NUMBERS),
    right=_engine_keys,
    because="Called for both directions, in two runs: the same keys as both peers put into their SAs. Nothing but the "
    "SPI makes the two directions differ.",
    slips=(
        _makes(
            lambda key, spi, ni, nr: _split(_fed_back(key, spi + ni + nr)),
            "The protocol is missing, one octet in front of the SPI: 3, which is ESP.",
        ),
        *_protocol_as(b"3", f'b"3" is the digit, an octet of the value 51. {AN_OCTET}'),
        *_protocol_as(bytes(3), f"bytes(3) is three octets of the value 0. {AN_OCTET}"),
        *_protocol_as((3).to_bytes(4, "big"), f"The protocol is one octet, and this is four. {AN_OCTET}"),
        *_protocol_as(b"\x02", f"2 is AH, and these packets are protected with ESP. {AN_OCTET}"),
        *_protocol_as(b"\x01", f"1 is ISAKMP itself, and these packets are protected with ESP. {AN_OCTET}"),
        *_protocol_as(
            b"\x32", f"50 is ESP in a header of IP; IKE has its own number for it (RFC 2407 §4.4.1). {AN_OCTET}"
        ),
        _makes(
            lambda key, spi, ni, nr: _split(_fed_back(key, ESP + ni + nr)),
            "The SPI is missing: now both directions have the same keys.",
        ),
        _makes(
            lambda key, spi, ni, nr: _split(_fed_back(key, ESP + spi + nr + ni)),
            "The nonces are in the wrong order: the initiator's comes first, in both directions.",
        ),
        _makes(
            lambda key, spi, ni, nr: _split(_prf(key, ESP + spi + ni + nr) + _prf(key, _prf(key, ESP + spi + ni + nr))),
            "K1 is right. K2 is made of K1 and of all the rest once more; feeding back K1 alone is how Ka is "
            "lengthened.",
        ),
        _makes(
            lambda key, spi, ni, nr: _split(
                _prf(key, ESP + spi + ni + nr) + _prf(key, ESP + spi + ni + nr + _prf(key, ESP + spi + ni + nr))
            ),
            "K1 is right. In K2 it comes first, before the protocol.",
        ),
        _makes(
            lambda key, spi, ni, nr: _split(_prf(key, ESP + spi + ni + nr) * 2),
            "K2 is the same as K1 here. Into K2 goes K1, in front of all the rest.",
        ),
        _makes(
            lambda key, spi, ni, nr: (
                _fed_back(key, ESP + spi + ni + nr)[:ENCRYPTION_KEY],
                _fed_back(key, ESP + spi + ni + nr)[ENCRYPTION_KEY:],
            ),
            "The key that encrypts is right. The other one has 32 octets: the last 16 of K1 | K2 are not used.",
        ),
        _makes(
            lambda key, spi, ni, nr: (
                _fed_back(key, ESP + spi + ni + nr)[:ENCRYPTION_KEY],
                _fed_back(key, ESP + spi + ni + nr)[32:],
            ),
            "The key that encrypts is right. The other one does not begin with K2: it begins where the first one ends, "
            "in the middle of K1.",
        ),
        _makes(
            lambda key, spi, ni, nr: (
                _fed_back(key, ESP + spi + ni + nr)[32:KEYS],
                _fed_back(key, ESP + spi + ni + nr)[:32],
            ),
            "K1 and K2 are right, the keys are cut in the other order. The one that encrypts comes first.",
        ),
        _makes(
            lambda key, spi, ni, nr: _split(_fed_back(key, ESP + spi + ni + nr))[::-1],
            "Both keys are right, and have changed places: first the one that encrypts.",
        ),
    ),
    otherwise='Other keys than the engine has. K1 | K2: the first 16 octets, the next 32. More help: hint("esp_keys").',
    hints=(
        'K1 is hmac.new(skeyid_d, b"\\x03" + spi + ni + nr, "sha256").digest(). K2 is the same with k1 in front of '
        'b"\\x03".',
        "Octets 0 to 15 of k1 + k2 encrypt, 16 to 47 guard: in Python (k1 + k2)[:16] and (k1 + k2)[16:48].",
        'k1 = hmac.new(skeyid_d, b"\\x03" + spi + ni + nr, "sha256").digest(); '
        'k2 = hmac.new(skeyid_d, k1 + b"\\x03" + spi + ni + nr, "sha256").digest(); '
        "both = (k1 + k2)[:16], (k1 + k2)[16:48]",
    ),
)
