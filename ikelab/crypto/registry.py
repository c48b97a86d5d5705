"""How an algorithm is found in its table: by the number on the wire or by the word a user types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from ikelab.errors import Misuse


class Named(Protocol):
    """A record with an IANA number, a word of strongSwan's proposals, and the name of all that share its number."""

    @property
    def number(self) -> int: ...
    @property
    def word(self) -> str: ...
    @property
    def family(self) -> str: ...


class Keyed(Named, Protocol):
    """A cipher: `key_length` is what its Key Length attribute must say, in bits; None where it must be absent."""

    @property
    def key_length(self) -> int | None: ...
    @property
    def key_length_rfc(self) -> str: ...


_Record = TypeVar("_Record", bound=Named)
_Cipher = TypeVar("_Cipher", bound=Keyed)


def by_word(kind: str, records: Iterable[_Record], word: str, other_words: Mapping[str, str]) -> _Record:
    """The record of that word, in any case of letters; `other_words` says what else users write for a word."""
    table = {record.word: record for record in records}
    spelled = str(word).lower()
    found = table.get(other_words.get(spelled, spelled))
    if found is None:
        raise Misuse(f"{kind}: expected one of {', '.join(table)}, got {word!r}")
    return found


def by_number(kind: str, records: Iterable[_Record], number: int) -> _Record:
    """The record of that number."""
    return _all_of_number(kind, records, number)[0]


def by_number_and_key_length(kind: str, ciphers: Iterable[_Cipher], number: int, key_length: int | None) -> _Cipher:
    """The cipher of that number and Key Length attribute: one that a fixed key forbids, or a variable key demands."""
    variants = _all_of_number(kind, ciphers, number)
    for variant in variants:
        if variant.key_length == key_length:
            return variant
    named, got = f"{kind} {number} ({variants[0].family})", "none" if key_length is None else f"{key_length} bits"
    if variants[0].key_length is None:
        raise Misuse(
            f"{named}: its key is fixed, so expected no Key Length attribute, got {got} ({variants[0].key_length_rfc})"
        )
    lengths = ", ".join(str(variant.key_length) for variant in variants)
    raise Misuse(
        f"{named}: expected a Key Length attribute of one of {lengths} bits, got {got} ({variants[0].key_length_rfc})"
    )


def nearest(word: str, known: Iterable[str]) -> str:
    """What to add to a complaint about an unknown word: "; did you mean CKY-I?", or nothing."""
    from difflib import get_close_matches  # costs more to import than all else here, and only a mistake needs it

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def expect_size(what: str, octets: bytes, size: int) -> None:
    """Raise Misuse unless there are `size` octets."""
    if len(octets) != size:
        raise Misuse(f"{what}: expected {size} octets, got {len(octets)}")


def _all_of_number(kind: str, records: Iterable[_Record], number: int) -> tuple[_Record, ...]:
    table = tuple(records)
    found = tuple(record for record in table if record.number == number)
    if not found:
        known = {record.number: record.family for record in table}
        listed = ", ".join(f"{each} ({family})" for each, family in sorted(known.items()))
        raise Misuse(f"{kind}: expected one of {listed}, got {number}")
    return found
