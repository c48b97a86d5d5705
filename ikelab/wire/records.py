"""How a class body becomes a record: read fast, written back octet for octet, and cut into spans when somebody looks.

`layout` makes a plain record (the ISAKMP header); `payload` makes one that travels in a chain, behind the generic
payload header of RFC 2408 §3.2 (Next Payload, RESERVED, Payload Length), which is declared here once.

A reader that meets octets it cannot read raises a bare `Unfit`; the spans of the same octets then say what is wrong,
where, and by which clause (`complaint`). So there is one account of each mistake, and no reading pays in advance.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field as dataclass_field
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform

from ikelab.errors import Misuse, WireError
from ikelab.wire.fields import (
    CountOf,
    Field,
    Reading,
    Reserved,
    Uint,
    Unfit,
    count_of,
    counted,
    declared,
    each,
    length_of,
    octets,
    reserved,
    u8,
    u16,
    u32,
)
from ikelab.wire.numbers import PayloadType
from ikelab.wire.reader import Cutter, Finish, Reader, compile_cutter, compile_reader, fixed_head
from ikelab.wire.spans import Span

R = TypeVar("R", bound="Record")
P = TypeVar("P", bound="Payload")

GENERIC_HEADER = struct.Struct(">BBH")
GENERIC_RFC = "RFC 2408 §3.2"
NEXT_PAYLOAD = Uint(
    1,
    "Next Payload",
    "The type of the payload that comes after this one; 0 ends the chain.",
    labels=PayloadType,
    role="plumbing",
    rfc=GENERIC_RFC,
)
RESERVED = Reserved(1, rfc=GENERIC_RFC)
PAYLOAD_LENGTH = Uint(
    2, "Payload Length", "Octets of this payload, these four included.", role="plumbing", rfc=GENERIC_RFC
)
GENERIC_FIELDS = (NEXT_PAYLOAD, RESERVED, PAYLOAD_LENGTH)


@dataclass(frozen=True, kw_only=True)
class Record:
    """A declared run of octets. Subclasses list their fields; `layout` or `payload` compiles them."""

    TITLE: ClassVar[str] = ""
    SYMBOL: ClassVar[str] = ""
    RFC: ClassVar[str] = ""
    EXPLAIN: ClassVar[str] = ""
    FIELDS: ClassVar[tuple[Field, ...]] = ()
    WHOLE: ClassVar[Whole]
    compiled: ClassVar[Reader]
    cut: ClassVar[Cutter]

    @classmethod
    def read(cls, octets: bytes, at: int = 0, end: int | None = None) -> Self:
        """The value of `octets[at:end]`, which must hold this record and nothing else. Raises WireError."""
        end = len(octets) if end is None else end
        try:
            record: Self = cls.compiled(octets, at, end, 0)
        except Unfit:
            raise complaint(cls, octets, at, end) from None
        return record

    def write(self) -> bytes:
        """The octets of this value, without a generic header. Raises Misuse where a field cannot hold its value."""
        return b"".join([field.write(self) for field in self.FIELDS])


def _finisher(title: str, rest: Sequence[Field], counts: Sequence[CountOf]) -> Finish:
    """What cuts a record behind its fixed fields; where octets stop fitting, a last piece has the rest and says why."""

    def finish(reading: Reading, spans: list[Span], at: int) -> list[Span]:
        spans += reading.cut(rest, at)
        if reading.refused:
            return spans
        at = spans[-1].end if spans else at
        if at < reading.end:
            wrong = WireError(expected=f"the end of {title}", got=f"{counted(reading.end - at)} more", at=at)
            return spans + reading.refuse(wrong, at)
        for count in counts:
            said, found = reading.seen[count.name], reading.seen[count.target]
            if said != found:
                place = next(n for n, span in enumerate(spans) if span.field is count)
                spans[place] = spans[place]._replace(error=_wrong_count(spans[place], found, reading))
        return spans

    return finish


class Whole(Field):
    """A record as one piece of a larger tree: its title, what it is for, its clause."""

    def __init__(self, record: type[Record]) -> None:
        super().__init__(record.TITLE, record.EXPLAIN, role="group", rfc=record.RFC)
        self.record = record

    def text(self, value: object) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Payload(Record):
    """A record behind a generic payload header; `reserved` keeps that header's RESERVED octet, which should be 0."""

    TYPE: ClassVar[int] = 0
    cut_payload: ClassVar[Cutter]

    reserved: int = 0

    @property
    def type(self) -> int:
        """The number by which the header before it announces this payload."""
        return self.TYPE


class Chain(Field):
    """Records of one class, each behind a generic header, up to the end: an SA's proposals, a proposal's transforms."""

    def __init__(self, item: type[Payload], label: str, explain: str = "", **rest: Any) -> None:
        super().__init__(label, explain, **rest)
        self.item = item

    def write(self, record: object) -> bytes:
        items: tuple[Payload, ...] = getattr(record, self.name)
        last = len(items) - 1
        return b"".join([behind_header(item, item.TYPE if n < last else 0) for n, item in enumerate(items)])

    def read(self, octets: bytes, at: int, end: int, *needed: Any) -> tuple[tuple[Payload, ...], int]:
        compiled, own, items = self.item.compiled, self.item.TYPE, []
        while at < end:
            if at + 4 > end:
                raise Unfit
            next_type, reserved, length = GENERIC_HEADER.unpack_from(octets, at)
            stop = at + length
            if length < 4 or stop > end or next_type != (own if stop < end else 0):
                raise Unfit
            items.append(compiled(octets, at + 4, stop, reserved))
            at = stop
        return tuple(items), at

    def spans(self, reading: Reading, at: int) -> list[Span]:
        item, end = self.item, reading.end
        spans: list[Span] = []
        while at < end:
            try:
                next_type, _, stop = generic_header(reading.octets, at, end)
            except WireError as error:
                return spans + reading.refuse(error.within(f"{item.TITLE} {len(spans) + 1}"), at)
            span = payload_span(item, reading.octets, at, stop, reading, len(spans) + 1)
            if next_type != (item.TYPE if stop < end else 0):
                path = f"{reading.path} > {item.TITLE} {len(spans) + 1}"
                span = span.blaming(NEXT_PAYLOAD, self._wrong_next(next_type, at, end - stop, path))
            spans.append(span)
            at = stop
        reading.seen[self.name] = len(spans)
        return spans

    def _wrong_next(self, next_type: int, at: int, left: int, path: str) -> WireError:
        expected = f"{self.item.TYPE}, as {counted(left)} follow" if left else "0, as nothing follows"
        path = f"{path} > {NEXT_PAYLOAD.label}"
        return WireError(expected=expected, got=str(next_type), at=at, path=path, rfc=self.item.RFC)


def behind_header(payload: Payload, next_type: int) -> bytes:
    """A payload's octets behind its generic header. Raises Misuse where the header cannot hold its numbers."""
    body = payload.write()
    try:
        return GENERIC_HEADER.pack(next_type, payload.reserved, len(body) + 4) + body
    except struct.error:
        raise Misuse(
            f"{payload.TITLE} expects a body of at most 65531 octets, a RESERVED and a next type of one octet each; "
            f"got {len(body)} octets, {payload.reserved} and {next_type} ({GENERIC_RFC})"
        ) from None


def generic_header(octets: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Next Payload, RESERVED and the end of the payload at `at`, which lies within `end`. Raises WireError."""
    if end - at < 4:
        raise WireError(expected="a generic header of 4 octets", got=f"{end - at} left", at=at, rfc=GENERIC_RFC)
    next_type, reserved, length = GENERIC_HEADER.unpack_from(octets, at)
    if not 4 <= length <= end - at:
        raise WireError(
            expected=f"from 4 to {end - at} octets",
            got=str(length),
            at=at + 2,
            path=PAYLOAD_LENGTH.label,
            rfc=GENERIC_RFC,
        )
    return next_type, reserved, at + length


def payload_span(
    record: type[Payload], octets: bytes, at: int, stop: int, around: Reading | None = None, number: int = 0
) -> Span:
    """The payload in `octets[at:stop]` with its generic header, as a tree; `number` is its place in a chain, from 1."""
    reading = Reading(octets, stop, record.TITLE, record.RFC, around, number)
    spans = tuple(record.cut_payload(reading, at))
    return tuple.__new__(Span, (record.WHOLE, at, stop - at, None, spans, reading.error))


def complaint(record: type[Record], octets: bytes, at: int, end: int) -> WireError:
    """The first thing that is wrong with `octets[at:end]` as the body of a record that could not be read."""
    reading = Reading(octets, end, record.TITLE, record.RFC)
    found = [error for span in record.cut(reading, at) for error in span.errors()]
    if reading.error is not None:
        found.append(reading.error)
    if not found:
        raise AssertionError(f"the reader of {record.__name__} refuses what its spans accept: {octets[at:end].hex()}")
    return found[0]


def _wrong_count(count: Span, found: int, reading: Reading) -> WireError:
    error = WireError(expected=f"{found}, as that many follow", got=count.text, at=count.at, path=count.name)
    return error.within(reading.path, rfc=reading.rfc)


# -- from class body to record ---------------------------------------------------------------------------------------


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(u8, u16, u32, reserved, octets, each, length_of, count_of, declared),
)
def layout(title: str, symbol: str, *, rfc: str) -> Callable[[type[R]], type[R]]:
    """A record of its own, without a generic header. The class docstring explains it to the reader of a message."""

    def declare(cls: type[R]) -> type[R]:
        return _declare(cls, title, symbol, rfc)

    return declare


@dataclass_transform(
    kw_only_default=True,
    frozen_default=True,
    field_specifiers=(u8, u16, u32, reserved, octets, each, length_of, count_of, declared),
)
def payload(number: int, title: str, symbol: str, *, rfc: str) -> Callable[[type[P]], type[P]]:
    """A payload: announced by `number`, written `symbol` in the RFC's arrows."""

    def declare(cls: type[P]) -> type[P]:
        cls.TYPE = number
        return _declare(cls, title, symbol, rfc)

    return declare


def _declare(cls: type[R], title: str, symbol: str, rfc: str) -> type[R]:
    own = {name: value for name, value in vars(cls).items() if isinstance(value, Field)}
    if "reserved" in own and issubclass(cls, Payload):
        raise Misuse(f"{cls.__name__}: `reserved` is the generic header's RESERVED; call the field reserved2")
    for name, field in own.items():
        field.name, field.rfc = name, field.rfc or rfc
        if field.on_wire_only or field.default is MISSING:
            delattr(cls, name)
        else:
            setattr(cls, name, dataclass_field(default=field.default))
    cls.TITLE, cls.SYMBOL, cls.RFC, cls.EXPLAIN = title, symbol, rfc, " ".join((cls.__doc__ or "").split())
    cls.FIELDS += tuple(own.values())
    cls = dataclass(frozen=True, kw_only=True)(cls)
    cls.WHOLE = Whole(cls)
    chains = {field.name for field in cls.FIELDS if isinstance(field, Chain)}
    counts = tuple(field for field in cls.FIELDS if isinstance(field, CountOf) and field.target in chains)
    kept = [field.name for field in cls.FIELDS if not field.on_wire_only]
    finish = _finisher(title, fixed_head(cls.FIELDS)[2], counts)
    cls.cut = staticmethod(compile_cutter(cls.FIELDS, finish))
    if issubclass(cls, Payload):
        kept.append("reserved")
        cls.cut_payload = staticmethod(compile_cutter((*GENERIC_FIELDS, *cls.FIELDS), finish))
    cls.compiled = staticmethod(compile_reader(cls, cls.FIELDS, counts, kept))
    return cls
