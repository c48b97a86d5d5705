"""Which octets of a message are meant: by their offset, or by the name of the field that they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ikelab.crypto.suite import Cipher
from ikelab.errors import Misuse
from ikelab.ike import given
from ikelab.timeline.trace import Trace

Field = Mapping[str, Any]
JOINT = " > "


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be changed in a message, as it was asked for."""

    message: int
    octet: int | None = None
    field: str | None = None
    to: str | bytes | int | None = None


def edited(trace: Trace, octets: bytes, target: Target, cipher: Cipher | None) -> tuple[bytes, str]:
    """The octets of the message after the change, and the change in words. Raises Misuse.

    cipher: what protects the conversation; a field inside an encrypted message is changed by whoever has the key.
    """
    if target.to is None or (target.octet is None) == (target.field is None):
        raise Misuse("fork: expected octet=N or field=NAME, and to=OCTETS, or edit=, or drop=True")
    if target.octet is not None:
        replacement = _octets(target.to, size=1)
        end = target.octet + len(replacement)
        if target.octet < 0 or end > len(octets):
            raise Misuse(
                f"fork: expected octets of message {target.message} (0 to {len(octets) - 1}), got {target.octet}"
            )
        what = f"octet {target.octet} of message {target.message} is {replacement.hex()}"
        return octets[: target.octet] + replacement + octets[end:], what
    depth, field, name = find_field(trace, target.message, target.field or "")
    begin, end = field["at"], field["at"] + field["size"]
    replacement = _octets(target.to, size=field["size"])
    whole = "" if field["leaf"] else ", all of it, its header too,"
    what = f"{name} of message {target.message}{whole} is altered"
    sheet = trace.messages[target.message - 1]["sheets"][depth]
    if depth == 0:
        return octets[:begin] + replacement + octets[end:], what
    plaintext = bytes.fromhex(sheet["octets"])
    if len(replacement) != field["size"]:
        raise Misuse(
            f"{name} lies inside the encryption: expected as many octets as it has ({field['size']}), got "
            f"{len(replacement)}"
        )
    if cipher is None:
        raise Misuse(f"{name} lies inside the encryption, and no cipher was agreed on")
    inside = plaintext[:begin] + replacement + plaintext[end:]
    sealed = cipher.encrypt(bytes.fromhex(sheet["key_value"]), bytes.fromhex(sheet["iv"]), inside)
    return octets[: len(octets) - len(sealed)] + sealed, f"{what} by somebody who has Ka"


def find_field(trace: Trace, message: int, name: str) -> tuple[int, Field, str]:
    """The sheet (0 as it travelled, 1 decrypted), the field, and its full name. Raises Misuse.

    name: what the field is called, "Nonce Data"; where several are called so, with what they are in: "KE > Reserved",
    "Transform 2 > Key Length". A payload may be called by its symbol, "Ni".
    """
    every = [
        (depth, field, path)
        for depth, sheet in enumerate(trace.messages[message - 1]["sheets"])
        for field, path in _with_paths(sheet["fields"])
        if field["kind"] != "ciphertext"
    ]
    wanted = [part.strip() for part in name.split(JOINT.strip())]
    found = [each for each in every if _matches(each[2], wanted)]
    leaves = [each for each in found if each[1]["leaf"]] or found
    if len(leaves) == 1:
        depth, field, path = leaves[0]
        return depth, field, _in_full(path)
    names = list(dict.fromkeys(_in_full(path) for _, _, path in (leaves or every)))
    if leaves:
        raise Misuse(f"field: expected one field of message {message}, got {name!r}, which may mean {_listed(names)}")
    short = [path[-1][0] for _, _, path in every]
    close = get_close_matches(name, dict.fromkeys(short), n=3) or get_close_matches(name, names, n=3)
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else f"; there are {_listed(names)}"
    raise Misuse(f"field: expected a field of message {message}, got {name!r}{meant}")


Names = tuple[str, ...]
"""What a part of a message may be called: first by the name that tells it from its neighbours."""


def _with_paths(fields: Sequence[Field]) -> Iterator[tuple[Field, list[Names]]]:
    """Each field with its way from the outside in. Of several side by side with one name, each has its number, too."""
    alike = Counter((field["parent"], field["name"]) for field in fields)
    seen: Counter[tuple[int, str]] = Counter()
    paths: list[list[Names]] = []
    for field in fields:
        place = (field["parent"], field["name"])
        seen[place] += 1
        own = (field["name"], field["symbol"])
        names = own if alike[place] == 1 else (f"{field['name']} {seen[place]}", *own)
        above = paths[field["parent"]] if field["parent"] >= 0 else []
        paths.append([*above, names])
        yield field, paths[-1]


def _in_full(path: Sequence[Names]) -> str:
    return JOINT.join(names[0] for names in path)


def _matches(path: Sequence[Names], wanted: Sequence[str]) -> bool:
    """Whether the last of these is the field, and the others are around it, in this order."""
    if not path or wanted[-1] not in path[-1]:
        return False
    around = iter(path[:-1])
    return all(any(word in names for names in around) for word in wanted[:-1])


def _octets(value: str | bytes | int, *, size: int) -> bytes:
    """What to put there: octets, hex digits, or a number of as many octets as there are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        if isinstance(value, bool) or not 0 <= value < 1 << (8 * size):
            raise Misuse(f"to: expected a number that fits into {size} octets, got {value!r}")
        return value.to_bytes(size)
    digits = value.replace(" ", "")
    return given.octets(digits, "to") if digits else b""


def _listed(names: Sequence[str]) -> str:
    most = 12
    return ", ".join(map(repr, names[:most])) + (f" and {len(names) - most} more" if len(names) > most else "")
