"""How a class body becomes a record: compiled to a fast reader, written back octet for octet, cut into spans when somebody looks.

`layout` makes a plain record (the ISAKMP header); `payload` makes one that travels in a chain, behind the generic payload header of
RFC 2408 §3.2 (Next Payload, RESERVED, Payload Length), which is declared here once.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import MISSING, dataclass
from dataclasses import field as dataclass_field
from typing import Any, ClassVar, NoReturn, Self, TypeVar, dataclass_transform

from ikelab.errors import Misuse, WireError
from ikelab.wire.fields import CountOf, Each, Field, Octets, Span, Uint, Values, unread_span
from ikelab.wire.numbers import PayloadType

R = TypeVar("R", bound="Record")

GENERIC_HEADER = struct.Struct(">BBH")
GENERIC_RFC = "RFC 2408 §3.2"
NEXT_PAYLOAD = Uint(
    1,
    "Next Payload",
    "The type of the payload that comes after this one; 0 ends the chain.",
    labels=PayloadType,
    role="plumbing",
)
RESERVED = Uint(1, "RESERVED", "Unused: senders write 0.", role="plumbing")
PAYLOAD_LENGTH = Uint(2, "Payload Length", "Octets of this payload, these four included.", role="plumbing")


@dataclass(frozen=True, kw_only=True)
class Record:
    """A declared run of octets. Subclasses list their fields; `layout` or `payload` compiles them."""

    TITLE: ClassVar[str] = ""
    SYMBOL: ClassVar[str] = ""
    RFC: ClassVar[str] = ""
    EXPLAIN: ClassVar[str] = ""
    FIELDS: ClassVar[tuple[Field, ...]] = ()
    WHOLE: ClassVar[Whole]
    compiled: ClassVar[Callable[[bytes, int, int, int], Any]]

    @classmethod
    def read(cls, octets: bytes, at: int = 0, end: int | None = None) -> Self:
        """The value of `octets[at:end]`, which must hold this record and nothing else. Raises WireError."""
        record: Self = cls.compiled(octets, at, len(octets) if end is None else end, 0)
        return record

    def write(self) -> bytes:
        """The octets of this value, without a generic payload header. Raises Misuse where a number does not fit its field."""
        return b"".join([field.write(self) for field in self.FIELDS])

    @classmethod
    def spans(cls, octets: bytes, at: int, end: int, outer: Values) -> list[Span]:
        """The pieces of `octets[at:end]`; where they stop fitting, a last piece covers the rest and says why."""
        spans: list[Span] = []
        seen: dict[str, Any] = {"outer": outer}
        for field in cls.FIELDS:
            try:
                found = field.spans(octets, at, end, seen, outer)
            except WireError as error:
                spans.append(unread_span(error.within("", rfc=cls.RFC), octets, at, end))
                return spans
            if found:
                spans += found
                at = found[-1].end
        if at < end:
            spans.append(unread_span(_left_over(cls, at, end), octets, at, end))
        return spans


class Whole(Field):
    """A record as one piece of a larger tree: its title, what it is for, its clause."""

    def __init__(self, record: type[Record]) -> None:
        super().__init__(record.TITLE, record.EXPLAIN, role="group")
        self.record = record

    def text(self, value: Any) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Payload(Record):
    """A record behind a generic payload header; `reserved` keeps that header's RESERVED octet, which should be 0."""

    TYPE: ClassVar[int] = 0

    reserved: int = 0

    @property
    def type(self) -> int:
        """The number by which the header before it announces this payload."""
        return self.TYPE


class Chain(Field):
    """Records of one class, each behind a generic payload header, up to the end: the proposals of an SA, the transforms of a proposal."""

    def __init__(self, item: type[Payload], label: str, explain: str, *, default: Any = MISSING) -> None:
        super().__init__(label, explain, default=default)
        self.item = item

    def write(self, record: Any) -> bytes:
        items: tuple[Payload, ...] = getattr(record, self.name)
        last = len(items) - 1
        return b"".join([behind_header(item, item.TYPE if n < last else 0) for n, item in enumerate(items)])

    def read(self, octets: bytes, at: int, end: int) -> tuple[Payload, ...]:
        item, compiled, items = self.item, self.item.compiled, []
        try:
            while at < end:
                next_type, reserved, stop = generic_header(octets, at, end)
                if next_type != (item.TYPE if stop < end else 0):
                    raise _wrong_next(next_type, item.TYPE, at, stop, end)
                items.append(compiled(octets, at + 4, stop, reserved))
                at = stop
        except WireError as error:
            raise error.within(f"{item.TITLE} {len(items) + 1}", rfc=item.RFC) from None
        return tuple(items)

    def spans(self, octets: bytes, at: int, end: int, seen: dict[str, Any], outer: Values) -> list[Span]:
        spans: list[Span] = []
        while at < end:
            try:
                spans.append(payload_span(self.item, octets, at, end, seen))
            except WireError as error:
                spans.append(
                    unread_span(error.within(f"{self.item.TITLE} {len(spans) + 1}", rfc=self.item.RFC), octets, at, end)
                )
            at = spans[-1].end
        seen[self.name] = len(spans)
        return spans


def behind_header(payload: Payload, next_type: int) -> bytes:
    """A payload's octets behind its generic header. Raises Misuse where the 16-bit length cannot hold them."""
    body = payload.write()
    if len(body) > 0xFFFB:
        raise Misuse(f"{payload.TITLE} expects a body of at most 65531 octets, got {len(body)} ({GENERIC_RFC})")
    return GENERIC_HEADER.pack(next_type, payload.reserved, len(body) + 4) + body


def generic_header(octets: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Next Payload, RESERVED and the end of the payload at `at`, which lies within `end`. Raises WireError."""
    if end - at < 4:
        raise WireError(expected="a generic header of 4 octets", got=f"{end - at} left", at=at, rfc=GENERIC_RFC)
    next_type, reserved, length = GENERIC_HEADER.unpack_from(octets, at)
    if length < 4 or length > end - at:
        raise WireError(
            expected=f"from 4 to {end - at} octets",
            got=str(length),
            at=at + 2,
            path=PAYLOAD_LENGTH.label,
            rfc=GENERIC_RFC,
        )
    return next_type, reserved, at + length


def payload_span(record: type[Payload], octets: bytes, at: int, end: int, outer: Values) -> Span:
    """One payload with its generic header as a tree. Raises WireError where not even the header fits."""
    next_type, reserved, stop = generic_header(octets, at, end)
    header = [
        Span(NEXT_PAYLOAD, at, 1, next_type),
        Span(RESERVED, at + 1, 1, reserved),
        Span(PAYLOAD_LENGTH, at + 2, 2, stop - at),
    ]
    header += record.spans(octets, at + 4, stop, outer)
    return Span(record.WHOLE, at, stop - at, None, header)


def chain(item: type[Payload], label: str, explain: str = "", *, default: Any = MISSING) -> Any:
    return Chain(item, label, explain, default=default)


# -- from class body to record ---------------------------------------------------------------------------------------


@dataclass_transform(kw_only_default=True, frozen_default=True)
def layout(title: str, symbol: str, *, rfc: str) -> Callable[[type[R]], type[R]]:
    """A record of its own, without a generic header. The class docstring explains it to the reader of a message."""

    def declare(cls: type[R]) -> type[R]:
        return _declare(cls, title, symbol, rfc)

    return declare


@dataclass_transform(kw_only_default=True, frozen_default=True)
def payload(number: int, title: str, symbol: str, *, rfc: str) -> Callable[[type[R]], type[R]]:
    """A payload: announced by `number`, written `symbol` in the RFC's arrows."""

    def declare(cls: type[R]) -> type[R]:
        cls.TYPE = number  # type: ignore[attr-defined]
        return _declare(cls, title, symbol, rfc)

    return declare


def _declare(cls: type[R], title: str, symbol: str, rfc: str) -> type[R]:
    fields = cls.FIELDS + tuple(value for value in vars(cls).values() if isinstance(value, Field))
    for name, value in list(vars(cls).items()):
        if not isinstance(value, Field):
            continue
        value.name = name
        if value.on_wire_only or value.default is MISSING:
            delattr(cls, name)
        else:
            setattr(cls, name, dataclass_field(default=value.default))
    cls.TITLE, cls.SYMBOL, cls.RFC, cls.FIELDS = title, symbol, rfc, fields
    cls.EXPLAIN = " ".join((cls.__doc__ or "").split())
    cls = dataclass(frozen=True, kw_only=True)(cls)
    cls.WHOLE = Whole(cls)
    cls.compiled = staticmethod(_compile(cls))
    return cls


def _compile(cls: type[Record]) -> Callable[[bytes, int, int, int], Any]:
    """A reader for this record in straight-line Python: runs of fixed fields become one `struct`, the rest is sliced.

    Written as source and compiled once, as `dataclasses` does: three times as fast as walking the fields for each payload.
    """
    scope: dict[str, Any] = {"new": cls.__new__, "cls": cls, "fill": object.__setattr__, "complain": _complaint(cls)}
    lines: list[str] = []
    codes, names = "", list[str]()
    ends_open = False

    def flush() -> None:
        nonlocal codes
        if codes:
            fixed = struct.Struct(">" + codes)
            unpack = f"unpack{len(scope)}"
            scope[unpack] = fixed.unpack_from
            lines.append(f"if end - at < {fixed.size}: complain(octets, start, end)")
            lines.append(f"{', '.join(names)}, = {unpack}(octets, at); at += {fixed.size}")
        codes = ""
        names.clear()

    for field in cls.FIELDS:
        match field:
            case Uint():
                codes += field.code
                names.append(field.name)
                continue
            case Octets(size=int() as size):
                codes += f"{size}s"
                names.append(field.name)
                continue
        flush()
        match field:
            case Octets(size=None):
                lines.append(f"{field.name} = octets[at:end]")
                ends_open = True
            case Octets(size=str() as size):
                lines.append(f"stop = at + {size}")
                lines.append("if stop > end: complain(octets, start, end)")
                lines.append(f"{field.name} = octets[at:stop]; at = stop")
            case Each():
                lines.append(f"stop = at + {field.size} * {field.count}")
                lines.append("if stop > end: complain(octets, start, end)")
                lines.append(
                    f"{field.name} = tuple([octets[n:n + {field.size}] for n in range(at, stop, {field.size} or 1)]); at = stop"
                )
            case _:  # a field that reads all that is left: Chain, Attributes
                scope[f"read_{field.name}"] = field.read  # type: ignore[attr-defined]
                lines.append(f"{field.name} = read_{field.name}(octets, at, end)")
                ends_open = True
    flush()
    if not ends_open:
        lines.append("if at != end: complain(octets, start, end)")
    for field in cls.FIELDS:
        if isinstance(field, CountOf):
            target = next(other for other in cls.FIELDS if other.name == field.target)
            if not isinstance(target, Each):
                scope["wrong_count"], scope["counting"] = _wrong_count, field
                lines.append(f"if {field.name} != len({field.target}):")
                lines.append(
                    f"    raise wrong_count(counting, start + {_offset(cls, field)}, {field.name}, len({field.target}))"
                )
    kept = [field.name for field in cls.FIELDS if not field.on_wire_only] + (
        ["reserved"] if issubclass(cls, Payload) else []
    )
    lines.append("record = new(cls)")
    lines.append(f"fill(record, '__dict__', {{{', '.join(f'{name!r}: {name}' for name in kept)}}})")
    lines.append("return record")
    source = "def read(octets, at, end, reserved):\n    start = at\n" + "".join(f"    {line}\n" for line in lines)
    exec(compile(source, f"<reader of {cls.__name__}>", "exec"), scope)  # noqa: S102  our own text, no input in it
    read: Callable[[bytes, int, int, int], Any] = scope["read"]
    return read


def _complaint(cls: type[Record]) -> Callable[[bytes, int, int], NoReturn]:
    def complain(octets: bytes, start: int, end: int) -> NoReturn:
        """Walk the fields slowly to find the one that does not fit, and name it."""
        for span in cls.spans(octets, start, end, {}):
            for piece in span.walk():
                if piece.error is not None:
                    raise piece.error
        raise AssertionError(f"{cls.__name__}: the compiled reader refused what the fields accept")

    return complain


def _left_over(cls: type[Record], at: int, end: int) -> WireError:
    return WireError(expected=f"the end of {cls.TITLE}", got=f"{end - at} more octets", at=at, rfc=cls.RFC)


def _offset(cls: type[Record], field: Field) -> int:
    """Octets of the fixed fields before `field`."""
    before = cls.FIELDS[: cls.FIELDS.index(field)]
    return sum(other.size for other in before if isinstance(other, Uint))


def _wrong_count(field: CountOf, at: int, said: int, found: int) -> WireError:
    return WireError(expected=f"{found}, as that many follow", got=str(said), at=at, path=field.label)


def _wrong_next(next_type: int, own: int, at: int, stop: int, end: int) -> WireError:
    expected = f"{own}, as {end - stop} octets follow" if stop < end else "0, as nothing follows"
    return WireError(expected=expected, got=str(next_type), at=at, path=NEXT_PAYLOAD.label)
