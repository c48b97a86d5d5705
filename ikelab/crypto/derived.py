"""A secret that remembers where it came from: its formula, its inputs, theirs, and so back to what was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from ikelab.crypto.formula import Formula


class Role(StrEnum):
    """What a value is to an onlooker."""

    SECRET = "secret"
    PROOF = "proof"
    PUBLIC = "public"


SHOWN_IN_FULL = 12
"""Octets up to which a value is shown in full; longer ones show their first and last four."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Given:
    """A value that no formula made: configured, drawn or received. origin: where from, in words."""

    name: str
    value: bytes
    origin: str = "given"

    def __str__(self) -> str:
        return f"{self.name} = {shortened(self.value)} ({self.origin}, {counted(len(self.value))})"

    __repr__ = __str__


@dataclass(frozen=True, kw_only=True, repr=False)
class Derived:
    """A value with the formula that made it.

    formula: as printed, optional terms resolved. inputs: a value for each name in it. kept: which octets of its result
    the value is, e.g. "first 16 of 20 octets", or "" where it is all of them. explain: what it is for.
    """

    name: str
    value: bytes
    formula: str
    rfc: str
    inputs: tuple[Value, ...]
    explain: str = ""
    kept: str = ""
    role: Role = Role.SECRET

    def walk(self) -> Iterator[tuple[int, Value]]:
        """This value and all that it was made of, each once, with its distance: 0 for itself, 1 for its inputs."""
        seen: set[str] = set()

        def below(depth: int, value: Value) -> Iterator[tuple[int, Value]]:
            key = f"{value.name} {value.value.hex()}"
            if key not in seen:
                seen.add(key)
                yield depth, value
                for made_of in value.inputs if isinstance(value, Derived) else ():
                    yield from below(depth + 1, made_of)

        return below(0, self)

    def givens(self) -> tuple[Given, ...]:
        """What it all started from."""
        return tuple(value for _, value in self.walk() if isinstance(value, Given))

    def formula_in_full(self) -> str:
        """The formula, those of its blocks included: "K1 | K2, where K1 = prf(SKEYID_e, 0) and K2 = ..."."""
        blocks = [f"{value.name} = {value.formula}" for value in self.inputs if _is_block(value)]
        return f"{self.formula}, where {' and '.join(blocks)}" if blocks else self.formula

    def with_values(self) -> str:
        """The formula with the values of its inputs put in, long ones shortened."""
        values = {value.name: shortened(value.value) for value in self.inputs}
        return Formula(self.formula).show(lambda name: f"{int(name):02x}" if name.isdigit() else values[name])

    def tree(self) -> str:
        """The whole way back to what was given, one value a line, indented by distance."""
        return "\n".join("  " * depth + _line(value) for depth, value in self.walk())

    def __str__(self) -> str:
        """Formula, formula with values, value."""
        margin = " " * len(self.name)
        kept = f", {self.kept}" if self.kept else ""
        return (
            f"{self.name} = {self.formula}    {self.rfc}{kept}\n"
            f"{margin} = {self.with_values()}\n"
            f"{margin} = {self.value.hex()} ({counted(len(self.value))})"
        )

    __repr__ = __str__


Value = Given | Derived


def shortened(value: bytes) -> str:
    """Hex, the middle of a long value left out; an empty value is shown as such."""
    if len(value) > SHOWN_IN_FULL:
        return f"{value[:4].hex()}…{value[-4:].hex()}"
    return value.hex() or "(empty)"


def counted(count: int) -> str:
    """A count of octets in words."""
    return f"{count} octet" if count == 1 else f"{count} octets"


def _is_block(value: Value) -> TypeGuard[Derived]:
    return isinstance(value, Derived) and value.name[:1] == "K" and value.name[1:].isdigit()


def _line(value: Value) -> str:
    if isinstance(value, Given):
        return str(value)
    kept = f", {value.kept}" if value.kept else ""
    return f"{value.name} = {value.formula}{kept} = {shortened(value.value)} ({value.rfc})"
