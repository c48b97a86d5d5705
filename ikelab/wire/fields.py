"""How a box in an RFC becomes code: declare its fields once, then read, write, tile and explain octets with them.

A record lists its fields in wire order (`ikelab.wire.records`). Each kind of field knows three things: how to write its octets, how to
cut them into named spans that tile them, and how to explain what a value of it says. A field that merely repeats a fact of the value
(a length, a count) exists on the wire only, so that a value can never contradict itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar, NoReturn

from ikelab.errors import Misuse, WireError

Values = Mapping[str, Any]
Labels = Any  # a `Number` registry class: called with an integer, answers .label and .meaning


class Field:
    """One box of the RFC's figure: its printed name, what it is for, and how its octets are read.

    `role` says what kind of thing a reader sees: plumbing, choice, public, identity, proof, number, cipher or data.
    """

    name: str = ""
    on_wire_only = False

    def __init__(self, label: str, explain: str, *, role: str = "data", default: Any = MISSING) -> None:
        self.label, self.explain, self.role, self.default = label, explain, role, default

    def text(self, value: Any) -> str:
        """The value as a person reads it."""
        return value.hex() if isinstance(value, bytes) else str(value)

    def meaning(self, value: Any) -> str:
        """What this field is, and what this value of it says."""
        return self.explain

    def write(self, record: Any) -> bytes:
        """This field's octets in `record`."""
        value: bytes = getattr(record, self.name)
        return value

    def spans(self, octets: bytes, at: int, end: int, seen: dict[str, Any], outer: Values) -> list[Span]:
        """The pieces of this field at `at`; puts what it read into `seen`. Raises WireError where octets are missing."""
        raise NotImplementedError


class Uint(Field):
    """An unsigned number of 1, 2, 4 or 8 octets, most significant first."""

    CODES: ClassVar = {1: "B", 2: "H", 4: "I", 8: "Q"}

    def __init__(
        self,
        size: int,
        label: str,
        explain: str,
        *,
        labels: Labels = None,
        show: Callable[[int], str] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(label, explain, **rest)
        self.size, self.code, self.labels, self.show = size, self.CODES[size], labels, show

    def text(self, value: Any) -> str:
        if self.show is not None:
            return self.show(value)
        return f"{self.labels(value).label} ({value})" if self.labels is not None else str(value)

    def meaning(self, value: Any) -> str:
        said = self.labels(value).meaning if self.labels is not None else ""
        return f"{self.explain} {said}".strip()

    def number(self, record: Any) -> int:
        """The number that stands on the wire."""
        value: int = getattr(record, self.name)
        return value

    def write(self, record: Any) -> bytes:
        number = self.number(record)
        if not 0 <= number < 1 << 8 * self.size:
            raise Misuse(f"{self.label} expects a number below {1 << 8 * self.size}, got {number}")
        return number.to_bytes(self.size)

    def chosen(self, seen: Values, outer: Values) -> Uint:
        """The field to show; one whose names depend on its neighbours answers a different one (see `uint_by`)."""
        return self

    def spans(self, octets: bytes, at: int, end: int, seen: dict[str, Any], outer: Values) -> list[Span]:
        if end - at < self.size:
            missing(self, octets, at, end, self.size)
        value = seen[self.name] = int.from_bytes(octets[at : at + self.size])
        return [Span(self.chosen(seen, outer), at, self.size, value)]


class UintBy(Uint):
    """A number whose names depend on what was read before it: a Transform-Id means one thing for ESP, another for AH."""

    def __init__(
        self, size: int, label: str, explain: str, *, choose: Callable[[Values, Values], Labels], **rest: Any
    ) -> None:
        super().__init__(size, label, explain, **rest)
        self.choose, self.variants = choose, dict[int, Uint]()

    def chosen(self, seen: Values, outer: Values) -> Uint:
        labels = self.choose(seen, outer)
        if id(labels) not in self.variants:
            self.variants[id(labels)] = Uint(self.size, self.label, self.explain, labels=labels, role=self.role)
        return self.variants[id(labels)]


class LengthOf(Uint):
    """The length in octets of another field; on the wire only."""

    on_wire_only = True

    def __init__(self, target: str, size: int, label: str, explain: str) -> None:
        super().__init__(size, label, explain, role="plumbing")
        self.target = target

    def number(self, record: Any) -> int:
        value = getattr(record, self.target)
        return len(value[0]) if isinstance(value, tuple) and value else len(value)


class CountOf(LengthOf):
    """The number of items of another field; on the wire only."""

    def number(self, record: Any) -> int:
        return len(getattr(record, self.target))


@dataclass(frozen=True, kw_only=True)
class Part:
    """A named piece inside an octet field whose inner shape depends on its neighbours (an address and its mask)."""

    label: str
    size: int
    explain: str
    show: Callable[[bytes], str] = bytes.hex


class Octets(Field):
    """A run of octets: of a fixed size, of a size that a length field gives, or all that is left."""

    def __init__(
        self,
        label: str,
        explain: str,
        *,
        size: int | str | None = None,
        show: Callable[[bytes], str] = bytes.hex,
        parts: Callable[[Values, bytes], Sequence[Part]] | None = None,
        fields: Callable[[Values, bytes], Field | None] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(label, explain, **rest)
        self.size, self.show, self.parts, self.fields = size, show, parts, fields

    def text(self, value: Any) -> str:
        return self.show(value)

    def spans(self, octets: bytes, at: int, end: int, seen: dict[str, Any], outer: Values) -> list[Span]:
        size = end - at if self.size is None else seen[self.size] if isinstance(self.size, str) else self.size
        if end - at < size:
            missing(self, octets, at, end, size)
        value = seen[self.name] = octets[at : at + size]
        if not size:
            return []
        if self.fields is not None and (inner := self.fields(seen, value)) is not None:
            return [Span(self, at, size, value, inner.spans(octets, at, at + size, seen, outer))]
        if self.parts is not None and (parts := self.parts(seen, value)):
            if sum(part.size for part in parts) == size:
                return [Span(self, at, size, value, list(_part_spans(parts, octets, at, self)))]
        return [Span(self, at, size, value)]


def _part_spans(parts: Sequence[Part], octets: bytes, at: int, whole: Field) -> Iterator[Span]:
    for part in parts:
        shown = Octets(part.label, part.explain, show=part.show, role=whole.role)
        yield Span(shown, at, part.size, octets[at : at + part.size])
        at += part.size


class Each(Field):
    """Several octet strings of one size: the SPIs of a Delete payload."""

    def __init__(self, label: str, explain: str, *, size: str, count: str, **rest: Any) -> None:
        super().__init__(label, explain, **rest)
        self.size, self.count = size, count
        self.item = Octets(label, explain, role=self.role)

    def write(self, record: Any) -> bytes:
        items: tuple[bytes, ...] = getattr(record, self.name)
        if len({len(item) for item in items}) > 1:
            raise Misuse(f"{self.label} expects items of one size, got sizes {[len(item) for item in items]}")
        return b"".join(items)

    def spans(self, octets: bytes, at: int, end: int, seen: dict[str, Any], outer: Values) -> list[Span]:
        size, count = seen[self.size], seen[self.count]
        if end - at < size * count:
            missing(self, octets, at, end, size * count)
        seen[self.name] = count
        if not size:
            return []
        return [Span(self.item, at + n * size, size, octets[at + n * size : at + (n + 1) * size]) for n in range(count)]


class Span:
    """A named piece of octets: where it lies, what it holds, and the pieces inside it. Leaves tile their sheet.

    `at` and `size` count octets from the start of the datagram or of the decrypted data.
    """

    __slots__ = ("at", "children", "error", "field", "size", "value")

    def __init__(self, field: Field, at: int, size: int, value: Any = None, children: list[Span] | None = None) -> None:
        self.field, self.at, self.size, self.value, self.children = field, at, size, value, children
        self.error: WireError | None = None

    @property
    def name(self) -> str:
        return self.field.label

    @property
    def text(self) -> str:
        return self.field.text(self.value)

    @property
    def meaning(self) -> str:
        return self.field.meaning(self.value)

    @property
    def end(self) -> int:
        return self.at + self.size

    def leaves(self) -> Iterator[Span]:
        """Every innermost piece, in wire order."""
        for span in self.walk():
            if not span.children:
                yield span

    def walk(self) -> Iterator[Span]:
        """This piece and all inside it, parents first."""
        waiting = [self]
        while waiting:
            span = waiting.pop()
            yield span
            if span.children:
                waiting.extend(reversed(span.children))

    def __repr__(self) -> str:
        return f"<Span {self.name} [{self.at}:{self.end}] {self.text if not self.children else ''}>"


class Unread(Field):
    """Octets that could not be read, and why."""

    def __init__(self, error: WireError) -> None:
        super().__init__("Unreadable", f"These octets do not fit the declaration: {error}", role="error")


def unread_span(error: WireError, octets: bytes, at: int, end: int) -> Span:
    """The rest of a sheet after something that could not be read."""
    span = Span(Unread(error), at, end - at, octets[at:end])
    span.error = error
    return span


def missing(field: Field, octets: bytes, at: int, end: int, size: int) -> NoReturn:
    """Say that a field runs past the octets that are there."""
    raise WireError(
        expected=_octets(size), got=f"{max(0, min(end, len(octets)) - at)} left", at=at, path=field.label, rfc=""
    )


def _octets(size: int) -> str:
    return f"{size} octet" if size == 1 else f"{size} octets"


# -- what a class body says (PEP 681 field specifiers: typed Any, because each stands for the value it describes) --------


def u8(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    return Uint(1, label, explain, default=default, **rest)


def u16(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    return Uint(2, label, explain, default=default, **rest)


def u32(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    return Uint(4, label, explain, default=default, **rest)


def named_by(
    size: int,
    label: str,
    explain: str = "",
    *,
    choose: Callable[[Values, Values], Labels],
    default: Any = MISSING,
    **rest: Any,
) -> Any:
    return UintBy(size, label, explain, choose=choose, default=default, **rest)


def length_of(target: str, label: str, explain: str = "How many octets it has.", *, size: int = 1) -> Any:
    return LengthOf(target, size, label, explain)


def count_of(target: str, label: str, explain: str = "How many of them follow.", *, size: int = 1) -> Any:
    return CountOf(target, size, label, explain)


def octets(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    return Octets(label, explain, default=default, **rest)


def each(label: str, explain: str = "", *, size: str, count: str, default: Any = MISSING, **rest: Any) -> Any:
    return Each(label, explain, size=size, count=count, default=default, **rest)
