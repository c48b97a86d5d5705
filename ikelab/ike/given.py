"""How what a user gives (a JSON object, a key, a pre-shared key) becomes octets, or a sentence that says what is wrong.

Every function takes `place`, the name that its complaint begins with, such as "keys.json: ike[0].g_xy".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from ikelab.errors import Misuse

SHOWN = 40  # characters of a wrong value that a complaint repeats


def mapping(value: object, place: str) -> Mapping[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise Misuse(f"{place}: expected a JSON object, got {shown(value)}")
    return value


def entries(document: Mapping[str, object], key: str, place: str) -> Iterator[tuple[str, object]]:
    """The members of the list at `key`, each with its place; none where the list is absent."""
    members = document.get(key)
    if members is None:
        return
    if not isinstance(members, list):
        raise Misuse(f"{place}: {key}: expected a list, got {shown(members)}")
    for index, member in enumerate(members):
        yield f"{place}: {key}[{index}]", member


def required(document: Mapping[str, object], key: str, place: str) -> object:
    """The value at `key`."""
    value = document.get(key)
    if value is None:
        raise Misuse(f"{place}: expected {key}, got none; what is there: {', '.join(document) or 'nothing'}")
    return value


def text(value: object, place: str) -> str:
    """A text."""
    if not isinstance(value, str):
        raise Misuse(f"{place}: expected a text, got {shown(value)}")
    return value


def octets(value: object, place: str, *, size: int | None = None) -> bytes:
    """Octets given as pairs of hex digits, with or without "0x": `size` of them, or where that is None at least one."""
    digits = text(value, place).removeprefix("0x").removeprefix("0X")
    wanted = "pairs of hex digits" if size is None else f"{2 * size} hex digits ({size} octets)"
    if (
        not digits.isascii()
        or not digits.isalnum()
        or len(digits) % 2
        or (size is not None and len(digits) != 2 * size)
    ):
        raise Misuse(f"{place}: expected {wanted}, got {shown(value)} ({len(digits)} characters)")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise Misuse(f"{place}: expected {wanted}, got {shown(value)}") from None


def optional_octets(document: Mapping[str, object], key: str, place: str, *, size: int | None = None) -> bytes | None:
    """The octets at `key`, None where it is absent or null."""
    value = document.get(key)
    return None if value is None else octets(value, f"{place}.{key}", size=size)


def psk(value: object, place: str = "psk") -> bytes:
    """A pre-shared key: the text's octets in UTF-8, or those of the hex digits that follow "0x"."""
    secret = text(value, place)
    if not secret:
        raise Misuse(f"{place}: expected a pre-shared key, got an empty text")
    return octets(secret, place) if secret.startswith("0x") else utf8(secret, place)


def spelt_psk(secret: bytes) -> str:
    """A pre-shared key as `psk` reads it: text where it is printable, else hex digits."""
    words = secret.decode("utf-8", errors="replace")
    plain = words.encode("utf-8") == secret and words.isprintable() and not words.startswith("0x")
    return words if plain else f"0x{secret.hex()}"


def utf8(value: str, place: str) -> bytes:
    """The text's octets in UTF-8."""
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise Misuse(f"{place}: expected a text that UTF-8 can express, got {shown(value)}") from None


def unknown_keys(document: Mapping[str, object], known: Collection[str], place: str) -> Iterator[str]:
    """A remark for every key that is not `known`: perhaps misspelt, perhaps from a later version."""
    for key in document:
        if key not in known:
            yield f"{place}: {key!r} was not read; expected one of {', '.join(known)}"


def shown(value: object) -> str:
    """A value as a complaint shows it, cut to a length a terminal bears."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    spelled = repr(value) if isinstance(value, str) else "a number"
    return spelled if len(spelled) <= SHOWN else spelled[:SHOWN] + "..."
