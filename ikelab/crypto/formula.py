"""RFC 2409's notation is the code: a formula is parsed as printed, evaluated, and shown with the values put in.

    prf(SKEYID, SKEYID_d | g^xy | CKY-I | CKY-R | 1)        a keyed hash: key first, then data
    prf(hash(Ni_b | Nr_b), CKY-I | CKY-R)                   the negotiated hash, printed `hash` or `HASH`
    prf(SKEYID_d, [ g(qm)^xy | ] protocol | SPI)            a term in square brackets is there if its value is
    prf(SKEYID_a, 0 | M-ID | Ni_b | Nr_b)                   a number is a single octet

Names are the RFC's: SKEYID_d, CKY-I, Ni_b, g^xy, g(qm)^xy, M-ID, HASH(1), N/D.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

from ikelab.errors import Misuse

Hashing = Callable[[bytes], bytes]
KeyedHashing = Callable[[bytes, bytes], bytes]


class MissingInputs(Misuse):
    """A formula cannot be evaluated yet. names: the inputs that are not known."""

    def __init__(self, message: str, names: tuple[str, ...]) -> None:
        super().__init__(message)
        self.names = names


@dataclass(frozen=True)
class Name:
    """A value by its RFC name."""

    text: str

    def names(self) -> Iterator[str]:
        yield self.text

    def show(self, show: Callable[[str], str]) -> str:
        return show(self.text)

    def evaluate(self, values: Mapping[str, bytes], prf: KeyedHashing, hash: Hashing) -> bytes:
        return values[self.text]


@dataclass(frozen=True)
class Octet:
    """A number, which the RFC represents by a single octet."""

    value: int

    def names(self) -> Iterator[str]:
        return iter(())

    def show(self, show: Callable[[str], str]) -> str:
        return show(str(self.value))

    def evaluate(self, values: Mapping[str, bytes], prf: KeyedHashing, hash: Hashing) -> bytes:
        return bytes((self.value,))


@dataclass(frozen=True)
class Prf:
    """prf(key, data)."""

    key: Join
    data: Join

    def names(self) -> Iterator[str]:
        yield from self.key.names()
        yield from self.data.names()

    def show(self, show: Callable[[str], str]) -> str:
        return f"prf({self.key.show(show)}, {self.data.show(show)})"

    def evaluate(self, values: Mapping[str, bytes], prf: KeyedHashing, hash: Hashing) -> bytes:
        return prf(self.key.evaluate(values, prf, hash), self.data.evaluate(values, prf, hash))


@dataclass(frozen=True)
class Hash:
    """hash(data)."""

    data: Join

    def names(self) -> Iterator[str]:
        yield from self.data.names()

    def show(self, show: Callable[[str], str]) -> str:
        return f"hash({self.data.show(show)})"

    def evaluate(self, values: Mapping[str, bytes], prf: KeyedHashing, hash: Hashing) -> bytes:
        return hash(self.data.evaluate(values, prf, hash))


@dataclass(frozen=True)
class Optional:
    """[ | data ] or [ data | ]: left out where none of its values is there."""

    data: Join


Term = Name | Octet | Prf | Hash


@dataclass(frozen=True)
class Join:
    """Terms joined by `|`, at least one of which is not optional."""

    parts: tuple[Term | Optional, ...]

    def names(self) -> Iterator[str]:
        for part in self.parts:
            yield from part.data.names() if isinstance(part, Optional) else part.names()

    def optional_groups(self) -> Iterator[frozenset[str]]:
        for part in self.parts:
            match part:
                case Optional(data):
                    yield frozenset(data.names())
                case Prf(key, data):
                    yield from key.optional_groups()
                    yield from data.optional_groups()
                case Hash(data):
                    yield from data.optional_groups()

    def keep(self, present: Container[str]) -> Join:
        """The same, optional terms resolved: kept where a value of theirs is present, else left out."""
        kept: list[Term | Optional] = []
        for part in self.parts:
            match part:
                case Optional(data):
                    kept += data.keep(present).parts if any(name in present for name in data.names()) else ()
                case Prf(key, data):
                    kept.append(Prf(key.keep(present), data.keep(present)))
                case Hash(data):
                    kept.append(Hash(data.keep(present)))
                case _:
                    kept.append(part)
        return Join(tuple(kept))

    def show(self, show: Callable[[str], str]) -> str:
        text = ""
        for part, following in zip(self.parts, (*self.parts[1:], None), strict=True):
            if isinstance(part, Optional) and (not text or text.endswith(" ")) and following is not None:
                text += f"[ {part.data.show(show)} | ] "
            elif isinstance(part, Optional):
                text += f" [ | {part.data.show(show)} ]"
            else:
                text += (" | " if text and not text.endswith(" ") else "") + part.show(show)
        return text

    def evaluate(self, values: Mapping[str, bytes], prf: KeyedHashing, hash: Hashing) -> bytes:
        return b"".join(part.evaluate(values, prf, hash) for part in self.parts if not isinstance(part, Optional))


class Formula:
    """A formula as an RFC prints it. Raises Misuse, naming the place, where the text is no formula."""

    def __init__(self, text: str) -> None:
        self.root = _parsed(text)
        self.text = text

    @classmethod
    def _of(cls, root: Join) -> Formula:
        formula = cls.__new__(cls)
        formula.root, formula.text = root, root.show(str)
        return formula

    def names(self) -> tuple[str, ...]:
        """The names in it, in order of appearance, each once."""
        return self._names

    def required(self) -> tuple[str, ...]:
        """The names outside square brackets."""
        return tuple(name for name in self._names if name not in self._optional)

    @functools.cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.root.names()))

    @functools.cached_property
    def _optional(self) -> frozenset[str]:
        return frozenset[str]().union(*self.root.optional_groups())

    def resolved(self, present: Container[str]) -> Formula:
        """The same without square brackets: what is in them stays if a value of it is among those present."""
        return self._of(self.root.keep(present)) if self._optional else self

    def evaluate(self, values: Mapping[str, bytes], *, prf: KeyedHashing, hash: Hashing) -> bytes:
        """The octets that the formula yields. Raises MissingInputs where values lacks a name."""
        ready = self.resolved(values)
        if missing := tuple(name for name in ready.names() if name not in values):
            raise MissingInputs(
                f"{self.text}: expected values of all its names, got none of {', '.join(missing)}", missing
            )
        return ready.root.evaluate(values, prf, hash)

    def show(self, show: Callable[[str], str]) -> str:
        """The formula with what `show` makes of each name and each number."""
        return self.root.show(show)

    def renamed(self, names: Mapping[str, str]) -> Formula:
        """The same formula over other names."""
        return Formula(self.show(lambda name: names.get(name, name)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Formula) and other.root == self.root

    def __hash__(self) -> int:
        return hash(self.root)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"


_TOKEN = re.compile(
    r"\s*(?:(?P<function>prf|hash|HASH(?!\(\d+\)))\(|(?P<name>HASH\(\d+\)|g\(qm\)\^\w+|[A-Za-z][\w/-]*(?:\^\w+)?)"
    r"|(?P<octet>\d+)|(?P<sign>[|,()\[\]])|(?P<end>$))"
)


class _Reader:
    """Recursive descent: a join is terms separated by |, with optional ones in square brackets."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.start = self.at = 0
        self.kind = self.token = ""
        self.advance()

    def advance(self) -> str:
        """The token just read; looks at the next one."""
        read = self.token
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            self.start = self.at
            raise self.complaint("a name, a number or one of | , ( ) [ ]", self.text[self.at :].strip()[:1])
        self.kind, self.token = match.lastgroup or "", match.group(match.lastgroup or 0)
        self.start, self.at = match.start(match.lastgroup or 0), match.end()
        return read

    def take(self, sign: str) -> None:
        if self.token != sign:
            raise self.complaint(f"{sign!r}", self.token or "the end")
        self.advance()

    def complaint(self, expected: str, got: str) -> Misuse:
        return Misuse(f"formula {self.text!r}, character {self.start + 1}: expected {expected}, got {got!r}")

    def join(self) -> Join:
        parts: list[Term | Optional] = []
        while True:
            while self.token == "[":
                self.advance()
                parts.append(Optional(self.join()))
                self.take("|")
                self.take("]")
            parts.append(self.term())
            while self.token == "[":
                self.advance()
                self.take("|")
                parts.append(Optional(self.join()))
                self.take("]")
            if self.token != "|" or self._bracket_closes_next():
                return Join(tuple(parts))
            self.advance()

    def term(self) -> Term:
        match self.kind:
            case "name":
                return Name(self.advance())
            case "octet":
                if int(self.token) > 255:
                    raise self.complaint("a number of a single octet", self.token)
                return Octet(int(self.advance()))
            case "function":
                function = self.advance()
                arguments = self._prf() if function == "prf" else Hash(self.join())
                self.take(")")
                return arguments
        raise self.complaint("a name, a number, prf( or hash(", self.token or "the end")

    def _prf(self) -> Prf:
        key = self.join()
        self.take(",")
        return Prf(key, self.join())

    def _bracket_closes_next(self) -> bool:
        return self.text[self.at :].lstrip().startswith("]")


@functools.lru_cache(maxsize=256)
def _parsed(text: str) -> Join:
    reader = _Reader(text)
    root = reader.join()
    if reader.kind != "end":
        raise reader.complaint("the end", reader.token)
    return root
