"""How a box in an RFC becomes code: declare its fields once, then read, write, tile and explain octets with them.

A record lists its fields in wire order (`ikelab.wire.records`). Each kind of field knows how to read and write its
octets, how to cut them into named spans that tile them, and how to explain what a value of it says. A field that merely
repeats a fact of the value (a length, a count) exists on the wire only, so that a value can never contradict itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING
from typing import Any, ClassVar

from ikelab.errors import Misuse, WireError
from ikelab.wire.numbers import Number
from ikelab.wire.spans import Span as Span

Labels = type[Number] | None


class Unfit(Exception):
    """Octets that do not fit: all that a fast reader has to say. The spans of the same octets say what, where, why."""


class Reading:
    """A record while it is cut into spans: its octets, what its fields have said so far, and the reading around it.

    After a refusal nothing more is read; `error` holds one for which no octets were left to show.
    """

    __slots__ = ("around", "end", "error", "number", "octets", "refused", "rfc", "seen", "title")

    def __init__(
        self,
        octets: bytes,
        end: int,
        title: str = "",
        rfc: str = "",
        around: Reading | None = None,
        number: int = 0,
    ) -> None:
        self.octets, self.end, self.title, self.rfc, self.around, self.number = octets, end, title, rfc, around, number
        self.seen: dict[str, Any] = {}
        self.refused = False
        self.error: WireError | None = None

    @property
    def path(self) -> str:
        """The way to this record from the outermost one: what complaints call it."""
        name = f"{self.title} {self.number}" if self.number else self.title
        return name if self.around is None else f"{self.around.path} > {name}"

    def refuse(self, error: WireError, at: int) -> list[Span]:
        """The octets from `at` on, if there are any, as one piece that says why they could not be read."""
        error = error.within(self.path, rfc=self.rfc)
        self.refused = True
        if at < self.end:
            return [unread(error, self.octets, at, self.end)]
        self.error = error
        return []

    def cut(self, fields: Sequence[Field], at: int) -> list[Span]:
        """The pieces of `fields`, one behind the other from `at`, the rest refused where one does not fit."""
        spans: list[Span] = []
        for field in fields:
            try:
                found = field.spans(self, at)
            except WireError as error:
                found = self.refuse(error, at)
            spans += found
            if self.refused:
                break
            at = found[-1].end if found else at
        return spans


class Field:
    """One box of the RFC's figure: its printed name, what it is for, and how its octets are read.

    `role` says what kind of thing a reader sees: plumbing, choice, public, identity, proof, number, secret, cipher or
    data. `rfc` is the clause that declares it. `code` is the `struct` code of a field whose size is fixed; any other
    field has `read`, and names in `needs` the earlier fields whose values it needs for that.
    """

    name = ""
    code = ""
    needs: tuple[str, ...] = ()
    on_wire_only = False

    def __init__(
        self, label: str, explain: str = "", *, role: str = "data", rfc: str = "", default: object = MISSING
    ) -> None:
        self.label, self.explain, self.role, self.rfc, self.default = label, explain, role, rfc, default

    def text(self, value: Any) -> str:
        """The value as a person reads it."""
        return value.hex() if isinstance(value, bytes) else str(value)

    def meaning(self, value: Any) -> str:
        """What this field is for, and what this value of it says."""
        return self.explain

    def cited(self, value: Any) -> str:
        """The clause that declares this field, and the one that names this value of it where that is another."""
        return self.rfc

    def write(self, record: object) -> bytes:
        """This field's octets in `record`. Raises Misuse where its value has none."""
        value: bytes = getattr(record, self.name)
        return value

    def read(self, octets: bytes, at: int, end: int, *needed: Any) -> tuple[Any, int]:
        """The value at `at`, and the offset behind it. Raises Unfit."""
        raise NotImplementedError

    def spans(self, reading: Reading, at: int) -> list[Span]:
        """The pieces of this field at `at`; what it read goes into `reading.seen`. Raises WireError."""
        raise NotImplementedError

    def shown(self, reading: Reading) -> Field:
        """The field to show for it here: another one where its names depend on its neighbours."""
        return self

    def missing(self, at: int, end: int, size: int) -> WireError:
        """A complaint that this field, of `size` octets at `at`, runs past `end`."""
        return WireError(expected=counted(size), got=f"{end - at} left", at=at, path=self.label, rfc=self.rfc)


class Uint(Field):
    """An unsigned number of 1, 2, 4 or 8 octets, most significant first."""

    CODES: ClassVar = {1: "B", 2: "H", 4: "I", 8: "Q"}

    def __init__(
        self,
        size: int,
        label: str,
        explain: str = "",
        *,
        labels: Labels = None,
        show: Callable[[int], str] = str,
        **rest: Any,
    ) -> None:
        super().__init__(label, explain, **rest)
        self.size, self.code, self.labels, self.show = size, self.CODES[size], labels, show

    def text(self, value: int) -> str:
        return f"{self.labels(value).label} ({value})" if self.labels is not None else self.show(value)

    def meaning(self, value: int) -> str:
        said = self.labels(value).meaning if self.labels is not None else ""
        return f"{self.explain} {said}".strip()

    def number(self, record: object) -> int:
        """The number that stands on the wire for `record`."""
        value: int = getattr(record, self.name)
        return value

    def write(self, record: object) -> bytes:
        number = self.number(record)
        if not 0 <= number < 1 << 8 * self.size:
            raise Misuse(f"{self.label} expects a number from 0 to {(1 << 8 * self.size) - 1}, got {number}")
        return number.to_bytes(self.size)

    def read(self, octets: bytes, at: int, end: int, *needed: object) -> tuple[int, int]:
        stop = at + self.size
        if stop > end:
            raise Unfit
        return int.from_bytes(octets[at:stop]), stop

    def spans(self, reading: Reading, at: int) -> list[Span]:
        try:
            value, _ = self.read(reading.octets, at, reading.end)
        except Unfit:
            raise self.missing(at, reading.end, self.size) from None
        reading.seen[self.name] = value
        return [Span(self.shown(reading), at, self.size, value)]


class Reserved(Uint):
    """A number that means nothing yet: kept as it came, written as 0 unless the value says otherwise."""

    def __init__(self, size: int, label: str = "RESERVED", **rest: Any) -> None:
        super().__init__(size, label, "Unused: senders write 0.", role="plumbing", **rest)


class UintBy(Uint):
    """A number whose names depend on what was read before it: a Transform-Id of ESP is not one of AH."""

    def __init__(
        self, size: int, label: str, explain: str = "", *, choose: Callable[[Reading], Labels], **rest: Any
    ) -> None:
        super().__init__(size, label, explain, **rest)
        self.choose = choose
        self.variants: dict[Labels, Uint] = {}

    def shown(self, reading: Reading) -> Uint:
        labels = self.choose(reading)
        if labels not in self.variants:
            self.variants[labels] = Uint(
                self.size, self.label, self.explain, labels=labels, role=self.role, rfc=self.rfc
            )
        return self.variants[labels]


class LengthOf(Uint):
    """The length in octets of another field, or of each of its items; on the wire only."""

    on_wire_only = True

    def __init__(self, target: str, size: int, label: str, explain: str) -> None:
        super().__init__(size, label, explain, role="plumbing")
        self.target = target

    def number(self, record: object) -> int:
        value = getattr(record, self.target)
        return len(value[0]) if isinstance(value, tuple) and value else len(value)


class CountOf(LengthOf):
    """The number of items of another field; on the wire only."""

    def number(self, record: object) -> int:
        return len(getattr(record, self.target))


class Octets(Field):
    """A run of octets: of a fixed size, of a size that a length field gives, or all that is left.

    `inside` answers the fields that such octets consist of, where that is known (an address and its mask); octets that
    these do not cover exactly are shown whole.
    """

    def __init__(
        self,
        label: str,
        explain: str = "",
        *,
        size: int | str | None = None,
        show: Callable[[bytes], str] = bytes.hex,
        inside: Callable[[Reading, bytes], Sequence[Field]] | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(label, explain, **rest)
        self.size, self.show, self.inside = size, show, inside
        self.code = f"{size}s" if isinstance(size, int) else ""
        self.needs = (size,) if isinstance(size, str) else ()

    def text(self, value: bytes) -> str:
        return self.show(value)

    def write(self, record: object) -> bytes:
        value = super().write(record)
        if isinstance(self.size, int) and len(value) != self.size:
            raise Misuse(f"{self.label} expects {counted(self.size)}, got {counted(len(value))}")
        return value

    def extent(self, said: int) -> int:
        """How many octets it has where its length field says `said`."""
        return said

    def _stop(self, at: int, end: int, *needed: int) -> int:
        match self.size:
            case None:
                return end
            case int():
                return at + self.size
        return at + self.extent(*needed)

    def read(self, octets: bytes, at: int, end: int, *needed: int) -> tuple[bytes, int]:
        stop = self._stop(at, end, *needed)
        if stop > end:
            raise Unfit
        return octets[at:stop], stop

    def spans(self, reading: Reading, at: int) -> list[Span]:
        stop = self._stop(at, reading.end, *[reading.seen[name] for name in self.needs])
        if stop > reading.end:
            raise self.missing(at, reading.end, stop - at)
        value = reading.seen[self.name] = reading.octets[at:stop]
        if stop == at:
            return []
        children = self.pieces(reading, self.inside(reading, value), at, stop) if self.inside is not None else ()
        return [Span(self, at, stop - at, value, children)]

    def pieces(self, reading: Reading, fields: Sequence[Field], at: int, stop: int) -> tuple[Span, ...]:
        """What is inside, if `fields` cover the octets exactly; nothing otherwise."""
        inner = Reading(reading.octets, stop, around=reading)
        spans = inner.cut(fields, at)
        covered = spans and spans[-1].end == inner.end and not inner.refused
        return tuple(spans) if covered else ()


class Each(Field):
    """Octet strings of one size: the SPIs of a Delete payload. `size` and `count` name the fields that say so."""

    def __init__(self, label: str, explain: str = "", *, size: str, count: str, **rest: Any) -> None:
        super().__init__(label, explain, **rest)
        self.size, self.count = size, count
        self.needs = (size, count)

    def write(self, record: object) -> bytes:
        items: tuple[bytes, ...] = getattr(record, self.name)
        if len({len(item) for item in items}) > 1:
            raise Misuse(f"{self.label} expects items of one size, got sizes {[len(item) for item in items]}")
        return b"".join(items)

    def read(self, octets: bytes, at: int, end: int, *needed: int) -> tuple[tuple[bytes, ...], int]:
        size, count = needed
        stop = at + size * count
        if stop > end or (count > 1 and not size):  # without the second check 4 octets could ask for 65535 values
            raise Unfit
        return tuple([octets[n : n + size] for n in range(at, stop, size)] if size else [b""] * count), stop

    def spans(self, reading: Reading, at: int) -> list[Span]:
        size, count = reading.seen[self.size], reading.seen[self.count]
        if count > 1 and not size:
            raise WireError(expected="at most one of 0 octets", got=str(count), at=at, path=self.label)
        if reading.end - at < size * count:
            raise self.missing(at, reading.end, size * count)
        cuts = range(at, at + size * count, size) if size else ()
        return [Span(self, start, size, reading.octets[start : start + size]) for start in cuts]


class Unread(Field):
    """Octets that could not be read, and why."""

    def __init__(self, error: WireError) -> None:
        super().__init__("Unreadable", f"These octets do not fit the declaration: {error}", role="error", rfc=error.rfc)


def unread(error: WireError, octets: bytes, at: int, end: int) -> Span:
    """Octets that could not be read, as one piece that says why."""
    return Span(Unread(error), at, end - at, octets[at:end], (), error)


def counted(size: int) -> str:
    """A number of octets in words."""
    return f"{size} octet" if size == 1 else f"{size} octets"


# -- what a class body says: PEP 681 field specifiers, typed Any because each stands for the value it describes ------


def declared(field: Field, *, default: Any = MISSING) -> Any:
    """A field of any kind, with the value that a record has where none is given."""
    field.default = default
    return field


def u8(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    """A number of one octet; see `Uint`."""
    return Uint(1, label, explain, default=default, **rest)


def u16(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    """A number of two octets; see `Uint`."""
    return Uint(2, label, explain, default=default, **rest)


def u32(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    """A number of four octets; see `Uint`."""
    return Uint(4, label, explain, default=default, **rest)


def reserved(size: int, label: str = "RESERVED", *, default: Any = 0) -> Any:
    """Octets without a meaning, kept as a number; see `Reserved`."""
    return Reserved(size, label, default=default)


def octets(label: str, explain: str = "", *, default: Any = MISSING, **rest: Any) -> Any:
    """A run of octets; see `Octets`."""
    return Octets(label, explain, default=default, **rest)


def each(label: str, explain: str = "", *, size: str, count: str, default: Any = MISSING, **rest: Any) -> Any:
    """Several octet strings of one size; see `Each`."""
    return Each(label, explain, size=size, count=count, default=default, **rest)


def length_of(target: str, label: str, explain: str = "How many octets it has.", *, size: int = 1) -> Any:
    """The length of another field, on the wire only; `size` is its own, in octets."""
    return LengthOf(target, size, label, explain)


def count_of(target: str, label: str, explain: str = "How many of them follow.", *, size: int = 1) -> Any:
    """The number of items of another field, on the wire only; `size` is its own, in octets."""
    return CountOf(target, size, label, explain)
