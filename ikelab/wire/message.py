"""A whole ISAKMP message: the header, then payloads that each announce the next.

`dissect` is patient: it keeps whatever can be read of any octets, says what is wrong at the right place, and builds the
tree of spans when somebody looks. `read_message` is strict: the same reading, but the first thing wrong is raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from ikelab.errors import Misuse, WireError
from ikelab.wire.fields import Field, Octets, Reading, Reserved, Unfit, counted, unread
from ikelab.wire.header import ENCRYPTION, HEADER_SIZE, Header, read_header
from ikelab.wire.numbers import PayloadType
from ikelab.wire.payloads import PAYLOADS, Fragment, Opaque
from ikelab.wire.reader import filled
from ikelab.wire.records import (
    GENERIC_RFC,
    Payload,
    behind_header,
    complaint,
    generic_header,
    payload_span,
)
from ikelab.wire.spans import Span

__all__ = [
    "CIPHERTEXT",
    "HEADER_SIZE",
    "PADDING",
    "TRAILING",
    "Dissection",
    "Header",
    "Message",
    "UnknownWhole",
    "dissect",
    "dissect_body",
    "read_chain",
    "read_header",
    "read_message",
    "write_chain",
]


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message that has been read, or is about to be written.

    `payloads` is empty while an encrypted body is closed; `rest` holds the octets behind the header that are not
    payloads: the ciphertext, or what a sender left behind the last payload.
    """

    header: Header
    payloads: tuple[Payload, ...] = ()
    rest: bytes = b""

    def write(self) -> bytes:
        """The octets; next-payload numbers and lengths follow from the payloads. Raises Misuse for what has none."""
        body = write_chain(self.payloads) + self.rest
        first = self.payloads[0].type if self.payloads else self.header.next_payload
        return replace(self.header, next_payload=first, length=HEADER_SIZE + len(body)).write() + body


def write_chain(payloads: tuple[Payload, ...]) -> bytes:
    """Payloads one behind the other, each announcing the next. Raises Misuse where a value does not fit its field."""
    types = [payload.type for payload in payloads[1:]] + [0]
    return b"".join([behind_header(payload, next_type) for payload, next_type in zip(payloads, types, strict=False)])


def read_message(octets: bytes, declared: Mapping[int, type[Payload]] = PAYLOADS) -> Message:
    """The message in a datagram: an encrypted body stays closed, octets behind the announced end are left out.

    Raises WireError for the first thing that is wrong with it.
    """
    sheet = dissect(octets, declared)
    if sheet.error is not None:
        raise sheet.error
    assert sheet.header is not None
    return Message(header=sheet.header, payloads=sheet.payloads, rest=octets[sheet.end : sheet.announced])


def read_chain(
    octets: bytes, at: int, end: int, first: int, declared: Mapping[int, type[Payload]] = PAYLOADS
) -> tuple[tuple[Payload, ...], int]:
    """The payloads of `octets[at:end]`, the first of type `first`, and where the last one ends. Raises WireError."""
    chain = _follow(octets, at, end, first, declared)
    if chain.error is not None:
        raise chain.error
    return tuple(chain.payloads), chain.end


# -- patient reading --------------------------------------------------------------------------------------------------

PADDING = Octets(
    "Padding",
    "Fills the last cipher block; nobody reads it and no hash covers it.",
    role="plumbing",
    rfc="RFC 2409 App. B",
)
TRAILING = Octets(
    "Trailing Octets",
    "Octets behind the last payload or behind the announced end of the message; a receiver does not read them.",
    role="plumbing",
    rfc="RFC 2408 §3.1",
)
CIPHERTEXT = Octets(
    "Encrypted Data",
    "The payloads, encrypted with the key made of SKEYID_e.",
    role="cipher",
    rfc="RFC 2409 App. B",
)


class UnknownWhole(Field):
    """A payload of a type that has no declaration, as a piece of the tree."""

    def __init__(self, number: int) -> None:
        kind = PayloadType(number)
        meaning = kind.meaning or "A payload that this project does not read; its octets are kept."
        super().__init__(kind.label, meaning, role="group", rfc=GENERIC_RFC)

    def text(self, value: object) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Dissection:
    """One sheet of octets (a datagram, or the inside of one that was decrypted) and all that can be said about it.

    `first` is the type of the first payload. `starts` says where each payload begins, `end` where the last one ends,
    and `rest` holds what comes then, up to the announced end: ciphertext, padding, what could not be read. `error` is
    the first thing that is wrong; `broken` is set where the chain of payloads could not be followed to its end.
    """

    raw: bytes
    header: Header | None
    payloads: tuple[Payload, ...]
    rest: bytes
    first: int
    declared: Mapping[int, type[Payload]]
    starts: tuple[int, ...] = ()
    end: int = 0
    error: WireError | None = None
    broken: WireError | None = None

    def body(self, number: int) -> bytes:
        """The octets of payload `number`, from 0, behind its generic header; RFC 2409's `<P>_b`. Raises Misuse."""
        if not 0 <= number < len(self.starts):
            raise Misuse(f"body expects the number of a payload, from 0 to {len(self.starts) - 1}, got {number}")
        stop = self.starts[number + 1] if number + 1 < len(self.starts) else self.end
        return self.raw[self.starts[number] + 4 : stop]

    @property
    def encrypted(self) -> bool:
        """Whether the payloads are closed: the header says E, and this is no fragment, which stays readable under E."""
        return self.header is not None and _closed(self.header)

    @property
    def announced(self) -> int:
        """Where the sheet ends by its own account: at the header's length if that is possible, else with its octets."""
        return len(self.raw) if self.header is None else _announced(self.header, len(self.raw))

    def write(self) -> bytes:
        """The octets up to the announced end again, from the values alone; `remarks` says where they differ."""
        if self.header is None:
            return write_chain(self.payloads) + self.rest
        return Message(header=self.header, payloads=self.payloads, rest=self.rest).write()

    @cached_property
    def tree(self) -> tuple[Span, ...]:
        """Named pieces that tile `raw`, header and payloads at the top."""
        return tuple(self._spans())

    def leaves(self) -> Iterator[Span]:
        """Every innermost piece of the tree, in wire order."""
        for span in self.tree:
            yield from span.leaves()

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """What a careful reader notices, in wire order; among it always why `write` would not give `raw` again."""
        found = []
        for span in self.tree:
            for piece in span.walk():
                if piece.error is not None:
                    found.append(str(piece.error))
                if piece.field is TRAILING:
                    bound = "last payload" if piece.at < self.announced else "announced end"
                    found.append(f"{counted(piece.size)} at octet {piece.at} behind the {bound}: nobody reads them")
                elif piece.value and isinstance(piece.field, Reserved):
                    found.append(f"{span.name}: {piece.name} at octet {piece.at} is {piece.text}, senders write 0")
        found += dict.fromkeys(str(error) for error in (self.error, self.broken) if error and str(error) not in found)
        written = self.write()
        if written != self.raw:
            found.append(self._difference(written))
        return tuple(found)

    def _difference(self, written: bytes) -> str:
        pairs = enumerate(zip(self.raw, written, strict=False))
        at = next((n for n, (old, new) in pairs if old != new), min(len(self.raw), len(written)))
        name = next((f"{leaf.name} ({leaf.text})" for leaf in self.leaves() if leaf.at <= at < leaf.end), "the end")
        return f"written again from its values this would differ at octet {at}: {name}"

    def _spans(self) -> list[Span]:
        spans = []
        if self.header is not None:
            spans.append(_header_span(self.header, self.raw))
        for payload, start, stop in zip(self.payloads, self.starts, (*self.starts[1:], self.end), strict=False):
            record = type(payload)
            if record is Opaque:
                spans.append(_closed_span(payload.type, self.declared.get(payload.type), self.raw, start, stop))
            else:
                spans.append(payload_span(record, self.raw, start, stop))
        at, end = self.end, self.announced
        if at < end:
            rest = CIPHERTEXT if self.encrypted else PADDING if self.header is None else TRAILING
            spans.append(unread(self.broken, self.raw, at, end) if self.broken else Span(rest, at, end - at, self.rest))
        elif self.broken is not None and spans:
            spans[-1] = spans[-1]._replace(error=spans[-1].error or self.broken)
        if end < len(self.raw):
            spans.append(Span(TRAILING, end, len(self.raw) - end, self.raw[end:]))
        return spans


def _closed(header: Header) -> bool:
    return bool(header.flags & ENCRYPTION) and header.next_payload != Fragment.TYPE


def _announced(header: Header, size: int) -> int:
    return header.length if HEADER_SIZE <= header.length <= size else size


def _wrong_length(header: Header, size: int) -> WireError | None:
    if HEADER_SIZE <= header.length <= size:
        return None
    return WireError(
        expected=f"from {HEADER_SIZE} to {size} octets",
        got=str(header.length),
        at=24,
        path=f"{Header.TITLE} > {Header.FIELDS[-1].label}",
        rfc=Header.RFC,
    )


def _header_span(header: Header, octets: bytes) -> Span:
    children = tuple(Header.cut(Reading(octets, HEADER_SIZE), 0))
    span = Span(Header.WHOLE, 0, HEADER_SIZE, None, children)
    wrong = _wrong_length(header, len(octets))
    return span if wrong is None else span.blaming(Header.FIELDS[-1], wrong)


def _closed_span(number: int, record: type[Payload] | None, octets: bytes, at: int, stop: int) -> Span:
    """A payload kept closed: what can be read of one that has a declaration, all octets of one that has none."""
    if record is not None:
        return payload_span(record, octets, at, stop)
    return payload_span(Opaque, octets, at, stop)._replace(field=UnknownWhole(number))


def dissect(octets: bytes, declared: Mapping[int, type[Payload]] = PAYLOADS) -> Dissection:
    """Everything that can be read of a datagram: what cannot be read is an error in the result, at its place.

    `declared` says which payload types are read how. Raises nothing but Misuse, for what is not octets.
    """
    size = _size(octets)
    if size < HEADER_SIZE:
        error = complaint(Header, octets, 0, size)
        return _dissection(octets, None, 0, declared, _Chain((), (), 0, error, error))
    header: Header = Header.compiled(octets, 0, HEADER_SIZE, 0)
    first = header.next_payload
    wrong = _wrong_length(header, size)
    if _closed(header):
        chain = _Chain((), (), HEADER_SIZE, None, None)
    else:
        chain = _follow(octets, HEADER_SIZE, _announced(header, size), first, declared)
    return _dissection(octets, header, first, declared, chain, wrong)


def dissect_body(octets: bytes, first: int, declared: Mapping[int, type[Payload]] = PAYLOADS) -> Dissection:
    """All that can be read of decrypted data whose first payload has type `first`; what is left over is padding."""
    return _dissection(octets, None, first, declared, _follow(octets, 0, _size(octets), first, declared))


def _size(octets: bytes) -> int:
    if not isinstance(octets, bytes):
        raise Misuse(f"dissecting expects bytes, got {type(octets).__name__}; bytes.fromhex(...) makes them from hex")
    return len(octets)


def _dissection(
    octets: bytes,
    header: Header | None,
    first: int,
    declared: Mapping[int, type[Payload]],
    chain: _Chain,
    wrong_length: WireError | None = None,
) -> Dissection:
    announced = len(octets) if header is None else _announced(header, len(octets))
    values = {
        "raw": octets,
        "header": header,
        "payloads": tuple(chain.payloads),
        "rest": octets[chain.end : announced],
        "first": first,
        "declared": declared,
        "starts": tuple(chain.starts),
        "end": chain.end,
        "error": wrong_length or chain.error,
        "broken": chain.broken,
    }
    return filled(Dissection, values)


class _Chain(NamedTuple):
    """Payloads, where they begin, where the last one ends, the first thing wrong, and why the chain ended too early."""

    payloads: Sequence[Payload]
    starts: Sequence[int]
    end: int
    error: WireError | None
    broken: WireError | None


def _follow(octets: bytes, at: int, end: int, first: int, declared: Mapping[int, type[Payload]]) -> _Chain:
    """Payloads as far as their lengths can be followed; a body that does not fit its declaration is kept closed."""
    payloads: list[Payload] = []
    starts: list[int] = []
    problem = broken = None
    number = first
    while number:
        record = declared.get(number)
        try:
            next_number, reserved, stop = generic_header(octets, at, end)
        except WireError as error:
            broken = error.within(record.TITLE if record is not None else PayloadType(number).label)
            break
        if record is None:
            payloads.append(Opaque(number=number, data=octets[at + 4 : stop], reserved=reserved))
        else:
            try:
                payloads.append(record.compiled(octets, at + 4, stop, reserved))
            except Unfit:
                wrong = complaint(record, octets, at + 4, stop)
                problem = problem or wrong
                payloads.append(Opaque(number=number, data=octets[at + 4 : stop], reserved=reserved, error=wrong))
        starts.append(at)
        number, at = next_number, stop
    return _Chain(payloads, starts, at, problem or broken, broken)
