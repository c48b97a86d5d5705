"""A whole ISAKMP message: the header, then payloads that each announce the next.

`read_message` is strict and fast: a value or a WireError. `dissect` is patient: it keeps whatever can be read of any octets, says what is
wrong at the right place, and builds the tree of spans when somebody looks. Both work from the same declarations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from ikelab.errors import WireError
from ikelab.wire.fields import Field, Octets, Span, octets, u8, u32, unread_span
from ikelab.wire.numbers import ExchangeType, HeaderFlag, PayloadType
from ikelab.wire.payloads import PAYLOADS, Opaque
from ikelab.wire.records import GENERIC_RFC, Payload, Record, behind_header, generic_header, layout, payload_span

HEADER_SIZE = 28


def _version(value: int) -> str:
    return f"{value >> 4}.{value & 15}"


def _hex8(value: int) -> str:
    return f"{value:08x}"


@layout("ISAKMP Header", "HDR", rfc="RFC 2408 §3.1")
class Header(Record):
    """The 28 octets that begin every message: whose conversation, which exchange, what comes first, how long."""

    cookie_i: bytes = octets(
        "Initiator Cookie", "The initiator's name for this conversation, CKY-I.", size=8, role="number"
    )
    cookie_r: bytes = octets(
        "Responder Cookie",
        "The responder's name for it, CKY-R; zeros until the responder has answered.",
        size=8,
        role="number",
        default=bytes(8),
    )
    next_payload: int = u8(
        "Next Payload", "The type of the first payload.", labels=PayloadType, role="plumbing", default=0
    )
    version: int = u8(
        "Version", "Major and minor version, 4 bits each: 1.0 for IKEv1.", show=_version, role="plumbing", default=0x10
    )
    exchange: int = u8(
        "Exchange Type",
        "Which conversation this is, and so which messages may come.",
        labels=ExchangeType,
        role="choice",
    )
    flags: int = u8(
        "Flags",
        "E: the payloads are encrypted. C: wait for CONNECTED. A: authenticated only.",
        labels=HeaderFlag,
        role="choice",
        default=0,
    )
    message_id: int = u32(
        "Message ID",
        "0 in phase 1. In phase 2 a random number that keeps exchanges apart.",
        show=_hex8,
        role="number",
        default=0,
    )
    length: int = u32("Length", "Octets of the whole message, header included.", role="plumbing", default=0)

    @property
    def encrypted(self) -> bool:
        return bool(self.flags & HeaderFlag.ENCRYPTION)


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message that has been read, or is about to be written.

    `payloads` is empty while an encrypted body is closed; `rest` holds the octets after the header that are not payloads: the ciphertext, or
    what a sender left behind the last payload.
    """

    header: Header
    payloads: tuple[Payload, ...] = ()
    rest: bytes = b""

    def write(self) -> bytes:
        """The octets: next-payload numbers and lengths follow from the payloads. An encrypted message is written with its ciphertext."""
        body = write_chain(self.payloads) + self.rest
        first = self.payloads[0].type if self.payloads else self.header.next_payload
        return replace(self.header, next_payload=first, length=HEADER_SIZE + len(body)).write() + body


def write_chain(payloads: tuple[Payload, ...]) -> bytes:
    """Payloads one behind the other, each announcing the next."""
    types = [payload.type for payload in payloads[1:]] + [0]
    return b"".join([behind_header(payload, next_type) for payload, next_type in zip(payloads, types, strict=False)])


def read_header(octets: bytes) -> Header:
    """The header of a datagram. Raises WireError if it is too short to have one."""
    if len(octets) < HEADER_SIZE:
        raise WireError(
            expected=f"a header of {HEADER_SIZE} octets",
            got=str(len(octets)),
            at=0,
            path="ISAKMP Header",
            rfc="RFC 2408 §3.1",
        )
    header: Header = Header.compiled(octets, 0, HEADER_SIZE, 0)
    return header


def read_message(octets: bytes, declared: Mapping[int, type[Payload]] = PAYLOADS) -> Message:
    """The message in a datagram, read strictly. An encrypted body stays closed. Raises WireError."""
    header = read_header(octets)
    _check_length(header, octets)
    if header.flags & HeaderFlag.ENCRYPTION:
        return Message(header=header, rest=octets[HEADER_SIZE : header.length])
    payloads, at = read_chain(octets, HEADER_SIZE, header.length, header.next_payload, declared)
    return Message(header=header, payloads=payloads, rest=octets[at : header.length])


def read_chain(
    octets: bytes, at: int, end: int, first: int, declared: Mapping[int, type[Payload]] = PAYLOADS
) -> tuple[tuple[Payload, ...], int]:
    """The payloads of `octets[at:end]`, of which the first has type `first`, and where the last one ends. Raises WireError."""
    payloads = []
    number = first
    while number:
        record = declared.get(number)
        try:
            next_number, reserved, stop = generic_header(octets, at, end)
            if record is not None:
                payloads.append(record.compiled(octets, at + 4, stop, reserved))
            else:
                payloads.append(Opaque(number=number, data=octets[at + 4 : stop], reserved=reserved))
        except WireError as error:
            raise error.within(
                record.TITLE if record else PayloadType(number).label, rfc=record.RFC if record else GENERIC_RFC
            ) from None
        number, at = next_number, stop
    return tuple(payloads), at


def _check_length(header: Header, octets: bytes) -> None:
    if not HEADER_SIZE <= header.length <= len(octets):
        raise WireError(
            expected=f"from {HEADER_SIZE} to {len(octets)} octets",
            got=str(header.length),
            at=24,
            path="ISAKMP Header > Length",
            rfc="RFC 2408 §3.1",
        )


# -- patient reading --------------------------------------------------------------------------------------------------


class _Padding(Octets):
    def __init__(self, label: str, explain: str, role: str) -> None:
        super().__init__(label, explain, role=role)


PADDING = _Padding(
    "Padding", "Fills the last cipher block; nobody reads it and no hash covers it (RFC 2409 App. B).", "plumbing"
)
TRAILING = _Padding(
    "Trailing Octets", "Octets behind the end that the lengths announce; a receiver does not read them.", "plumbing"
)
CIPHERTEXT = _Padding("Encrypted Data", "The payloads, encrypted with the key made of SKEYID_e.", "cipher")


class UnknownWhole(Field):
    """A payload of a type that has no declaration, as a piece of the tree."""

    def __init__(self, number: int) -> None:
        label = PayloadType(number).label
        super().__init__(
            label,
            PayloadType(number).meaning or "A payload that this project does not read; its octets are kept.",
            role="group",
        )

    def text(self, value: object) -> str:
        return ""


@dataclass(frozen=True, kw_only=True)
class Dissection:
    """One sheet of octets (a datagram, or the inside of one that was decrypted) and all that can be said about it.

    `first` is the type of the first payload. `starts` says where each payload begins, `end` where the last one ends. `error` is the first
    thing that could not be read.
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

    def body(self, number: int) -> bytes:
        """The octets of payload `number` (from 0) behind its generic header, as they came: what RFC 2409 writes `<P>_b`."""
        stop = self.starts[number + 1] if number + 1 < len(self.starts) else self.end
        return self.raw[self.starts[number] + 4 : stop]

    @property
    def encrypted(self) -> bool:
        return self.header is not None and self.header.encrypted

    def write(self) -> bytes:
        """The octets again, from the values alone."""
        if self.header is None:
            return write_chain(self.payloads) + self.rest
        return Message(header=self.header, payloads=self.payloads, rest=self.rest).write()

    @cached_property
    def tree(self) -> tuple[Span, ...]:
        """Named pieces that tile `raw`, header and payloads at the top."""
        return tuple(self._spans())

    def leaves(self) -> Iterator[Span]:
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
                elif piece.field.label.startswith("RESERVED") and piece.value:
                    found.append(f"{span.name}: RESERVED at octet {piece.at} is {piece.text}, senders write 0")
                elif piece.field is TRAILING:
                    found.append(f"{piece.size} octets at octet {piece.at} lie behind the announced end")
        if not found and self.write() != self.raw:
            found.append("writing these values again does not give the same octets")
        return tuple(found)

    def _spans(self) -> Iterator[Span]:
        at, end = 0, len(self.raw)
        if self.header is not None:
            yield Span(Header.WHOLE, 0, HEADER_SIZE, None, Header.spans(self.raw, 0, HEADER_SIZE, {}))
            at, end = HEADER_SIZE, max(HEADER_SIZE, min(self.header.length, end))
            if self.header.encrypted and at < end:
                yield Span(CIPHERTEXT, at, end - at, self.raw[at:end])
                at = end
        number = 0 if self.encrypted else self.first
        while number:
            record = self.declared.get(number)
            try:
                next_number, _, stop = generic_header(self.raw, at, end)
            except WireError as error:
                name = record.TITLE if record else PayloadType(number).label
                yield unread_span(error.within(name, rfc=GENERIC_RFC), self.raw, at, end)
                at = end
                break
            yield _whole_span(number, record, self.raw, at, stop)
            number, at = next_number, stop
        if at < end:
            yield Span(PADDING if self.header is None else TRAILING, at, end - at, self.raw[at:end])
        if end < len(self.raw):
            yield Span(TRAILING, end, len(self.raw) - end, self.raw[end:])


def _whole_span(number: int, record: type[Payload] | None, octets: bytes, at: int, stop: int) -> Span:
    if record is not None:
        return payload_span(record, octets, at, stop, {})
    span = payload_span(Payload, octets, at, stop, {})
    span.field = UnknownWhole(number)
    return span


def dissect(octets: bytes, declared: Mapping[int, type[Payload]] = PAYLOADS) -> Dissection:
    """Everything that can be read of a datagram. Never raises: what cannot be read is an error in the result, at its place."""
    try:
        header = read_header(octets)
    except WireError as error:
        return Dissection(raw=octets, header=None, payloads=(), rest=octets, first=0, declared=declared, error=error)
    problem: WireError | None = None
    try:
        _check_length(header, octets)
    except WireError as error:
        problem = error
    end = max(HEADER_SIZE, min(header.length, len(octets)))
    if header.encrypted:
        return Dissection(
            raw=octets,
            header=header,
            payloads=(),
            rest=octets[HEADER_SIZE:],
            first=header.next_payload,
            declared=declared,
            error=problem,
        )
    return _patient_chain(octets, HEADER_SIZE, end, header, header.next_payload, declared, problem)


def dissect_body(octets: bytes, first: int, declared: Mapping[int, type[Payload]] = PAYLOADS) -> Dissection:
    """Everything that can be read of decrypted data whose first payload has type `first`; what is left over is padding."""
    return _patient_chain(octets, 0, len(octets), None, first, declared, None)


def _patient_chain(
    octets: bytes,
    at: int,
    end: int,
    header: Header | None,
    first: int,
    declared: Mapping[int, type[Payload]],
    problem: WireError | None,
) -> Dissection:
    """Payloads as far as their lengths can be followed; a body that does not fit its declaration is kept closed."""
    payloads: list[Payload] = []
    starts: list[int] = []
    number = first
    while number:
        record = declared.get(number)
        name, rfc = (record.TITLE, record.RFC) if record is not None else (PayloadType(number).label, GENERIC_RFC)
        try:
            next_number, reserved, stop = generic_header(octets, at, end)
        except WireError as error:
            problem = problem or error.within(name, rfc=rfc)
            break
        try:
            if record is None:
                payloads.append(Opaque(number=number, data=octets[at + 4 : stop], reserved=reserved))
            else:
                payloads.append(record.compiled(octets, at + 4, stop, reserved))
        except WireError as error:
            closed = error.within(name, rfc=rfc)
            payloads.append(Opaque(number=number, data=octets[at + 4 : stop], reserved=reserved, error=closed))
            problem = problem or closed
        starts.append(at)
        number, at = next_number, stop
    return Dissection(
        raw=octets, header=header, payloads=tuple(payloads), rest=octets[at:], first=first, declared=declared,
        starts=tuple(starts), end=at, error=problem,
    )  # fmt: skip
