"""One request, every secret it determines: what the command `ikelab derive` answers, without reading or printing.

The request is a JSON object (octets in hex, the pre-shared key as text or as 0x and hex); the answer names each secret
with value, formula and clause. Nothing is left out that could be computed; a remark says what a missing one needs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ikelab.crypto.book import Book, Chapter, Derived, Method
from ikelab.crypto.derived import counted
from ikelab.crypto.registry import nearest
from ikelab.crypto.suite import prf_by_word
from ikelab.errors import Misuse

METHODS = (Method.PSK, Method.SIG, Method.PKE)
"""What a request may name; revised public key encryption makes its keys as pke does."""

PROTOCOLS = {"AH": b"\x02", "ESP": b"\x03"}
NONCE_SIZES = range(8, 257)
LONGEST_KEYMAT = 0x10000

Members = Mapping[str, object]

_PHASE_1 = {
    "Ni": "Ni_b",
    "Nr": "Nr_b",
    **{name: name for name in ("g^xy", "CKY-I", "CKY-R", "g^xi", "g^xr", "SAi_b", "IDii_b", "IDir_b")},
}
_QUICK = {"spi": "SPI", "Ni": "Ni_b", "Nr": "Nr_b", "g^xy": "g(qm)^xy"}
_NAMED = ("method", "prf", "psk", *_PHASE_1, "cipher", "quick")
_NAMED_IN_QUICK = ("protocol", *_QUICK, "length")
_ASKED_FOR_BY = {"cipher": ("Ka", "IV"), "IDii_b": ("HASH_I",), "IDir_b": ("HASH_R",)}


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """secrets: by name, in the order in which they are made. remarks: sentences on what is odd, or missing for more."""

    secrets: Mapping[str, Derived]
    remarks: tuple[str, ...]

    def as_json(self) -> dict[str, dict[str, str]]:
        """Value (hex), formula and clause of each secret; `kept` where it is but a part of what the formula gives."""
        return {name: _shape(secret) for name, secret in self.secrets.items()}


def derive(request: object) -> Derivation:
    """Every secret that the request determines. Raises Misuse where it is malformed or determines none."""
    members = _object("request", request)
    book = _book(members)
    secrets, remarks = book.known(), list(_phase_1_remarks(members, book))
    for member, names in _ASKED_FOR_BY.items():
        remarks += [_still_needs(name, book) for name in names if member in members and name not in secrets]
    if "quick" in members:
        quick_members = _object("quick", members["quick"])
        quick = _quick_mode(book, quick_members)
        remarks += [*_unknown("quick.", quick_members, _NAMED_IN_QUICK), *_odd_nonces("quick.", quick)]
        if "KEYMAT" in (made := quick.known()):
            secrets["KEYMAT"] = made["KEYMAT"]
        else:
            remarks.append(_still_needs("KEYMAT", quick))
    if "SKEYID" not in secrets:
        remarks.append(_still_needs("SKEYID", book))
    if not secrets:
        raise Misuse(f"request: expected enough to determine a secret, got too little: {'; '.join(remarks)}")
    return Derivation(secrets=secrets, remarks=tuple(remarks))


def _book(members: Members) -> Book:
    method = _word("method", members)
    if method not in METHODS:
        raise Misuse(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    given = _given(_PHASE_1, members, "")
    if "psk" in members:
        given["PSK"] = _psk(members["psk"])
    prf = prf_by_word(_word("prf", members))
    return Book(method, prf, prf.hash, given, cipher=_word("cipher", members) if "cipher" in members else None)


def _quick_mode(book: Book, members: Members) -> Book:
    if missing := [name for name in _NAMED_IN_QUICK if name not in members and name != "g^xy"]:
        raise Misuse(f"quick: expected {', '.join(_NAMED_IN_QUICK)} (g^xy only with PFS), got no {', '.join(missing)}")
    protocol = _word("protocol", members, "quick.").upper()
    if protocol not in PROTOCOLS:
        raise Misuse(f"quick.protocol: expected one of {', '.join(PROTOCOLS)}, got {members['protocol']!r}")
    length = members["length"]
    if not isinstance(length, int) or isinstance(length, bool) or not 0 < length <= LONGEST_KEYMAT:
        raise Misuse(f"quick.length: expected octets of KEYMAT, a number from 1 to {LONGEST_KEYMAT}, got {length!r}")
    given = _given(_QUICK, members, "quick.") | {"protocol": PROTOCOLS[protocol]}
    if len(given["SPI"]) != 4:
        raise Misuse(f"quick.spi: expected 8 hex digits (4 octets), got {counted(len(given['SPI']))}")
    return book.chapter(Chapter.QUICK_MODE, given, keymat_size=length)


def _phase_1_remarks(members: Members, book: Book) -> Iterator[str]:
    yield from _unknown("", members, _NAMED)
    yield from _odd_nonces("", book)
    if "psk" in members and book.method is not Method.PSK:
        yield f"psk: method {book.method} makes no use of it"
    if members.get("psk") == "":
        yield "psk: it is empty, so that anyone can compute every secret below"
    sizes = {name: len(value.value) for name, value in book.given().items()}
    initiator, responder, shared = (sizes.get(name) for name in ("g^xi", "g^xr", "g^xy"))
    if initiator is not None and responder is not None and initiator != responder:
        yield (
            f"g^xi has {counted(initiator)}, g^xr {counted(responder)}: public values are as long as the group, "
            "leading zeros included (RFC 2409 §5)"
        )
    elif initiator is not None and shared is not None and initiator not in (shared, 2 * shared):
        yield (
            f"g^xy has {counted(shared)}, g^xi {counted(initiator)}: the shared secret is as long as a public value "
            "(half as long in an ECP group, RFC 5903 §7); was a leading zero left out?"
        )


def _odd_nonces(where: str, book: Book) -> Iterator[str]:
    for name, value in book.given().items():
        if name in ("Ni_b", "Nr_b") and len(value.value) not in NONCE_SIZES:
            size = counted(len(value.value))
            yield f"{where}{name[:2]} has {size}: a nonce must have 8 to 256, a peer would refuse it (RFC 2409 §5)"


def _unknown(where: str, members: Members, named: Iterable[str]) -> Iterator[str]:
    for name in members:
        if name not in named:
            advice = nearest(name, named) or f": expected some of {', '.join(named)}"
            yield f"{where}{name}: no member of this name is known, it was left aside{advice}"


def _still_needs(name: str, book: Book) -> str:
    spelled = {symbol: member for member, symbol in _PHASE_1.items()} | {"PSK": "psk"}
    needs = ", ".join(spelled.get(missing, missing) for missing in book.missing(name))
    return f"{name} is not determined: it still needs {needs}"


def _given(spelled: Mapping[str, str], members: Members, where: str) -> dict[str, bytes]:
    return {symbol: _octets(f"{where}{name}", members[name]) for name, symbol in spelled.items() if name in members}


def _object(where: str, value: object) -> Members:
    if not isinstance(value, dict):
        raise Misuse(f"{where}: expected a JSON object, got {_kind(value)}")
    return value


def _word(name: str, members: Members, where: str = "") -> str:
    if name not in members:
        raise Misuse(f"request: expected a member {where}{name}, got none")
    value = members[name]
    if not isinstance(value, str):
        raise Misuse(f"{where}{name}: expected a word, got {_kind(value)}")
    return value


def _psk(value: object) -> bytes:
    if not isinstance(value, str):
        raise Misuse(f"psk: expected text, or 0x and hex, got {_kind(value)}")
    if value.lower().startswith("0x"):
        return _octets("psk", value)
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise Misuse(f"psk: expected text, got half a character at position {error.start + 1}") from error


def _octets(where: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise Misuse(f"{where}: expected octets in hex, got {_kind(value)}")
    digits = value[2:] if value.lower().startswith("0x") else value
    if odd := re.search(r"[^0-9A-Fa-f]", digits):
        raise Misuse(f"{where}: expected hex digits, got {odd.group()!r} at character {odd.start() + 1}")
    if len(digits) % 2:
        raise Misuse(f"{where}: expected two hex digits for each octet, got an odd number of them, {len(digits)}")
    return bytes.fromhex(digits)


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if value is None else names.get(type(value), type(value).__name__)


def _shape(secret: Derived) -> dict[str, str]:
    kept = {"kept": secret.kept} if secret.kept else {}
    return {
        "value": secret.value.hex(),
        "formula": secret.formula_in_full(),
        "rfc": secret.rfc,
        **kept,
        "explain": secret.explain,
    }
