"""What must be true of a dissection of any octets whatever: `check` says so of one, for examples, properties and fuzz.

The tree is read here a second time, leaf by leaf, into values: so the fast readers and the spans, which share a
declaration but not their code, are held to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from ikelab.errors import WireError
from ikelab.wire.attributes import SHORT, Attribute, Attributes
from ikelab.wire.fields import Each, Field, Octets, Uint
from ikelab.wire.header import Header
from ikelab.wire.message import CIPHERTEXT, Dissection, Message, dissect, dissect_body, read_chain, read_message
from ikelab.wire.payloads import Opaque
from ikelab.wire.proposals import SensitivityLabels
from ikelab.wire.records import Chain, Payload, Record, Whole
from ikelab.wire.spans import Span

T = TypeVar("T")
ROLES = {"plumbing", "choice", "public", "identity", "proof", "number", "secret", "cipher", "data", "group", "error"}
GENERIC_PIECES = 3
"""Next Payload, RESERVED, Payload Length: the pieces with which every payload begins."""


def check(sheet: Dissection) -> None:
    """Every claim there is, of a sheet that was dissected with the payloads that are declared by default."""
    check_tiling(sheet.tree, 0, len(sheet.raw))
    check_values(sheet)
    check_errors(sheet)
    check_strict_reading(sheet)
    check_rebuilding(sheet)
    check_words(sheet)


def check_tiling(spans: Sequence[Span], at: int, end: int) -> None:
    """Neighbours touch, children cover their parent, and no piece is empty."""
    for span in spans:
        assert (span.at, span.size > 0) == (at, True), f"{span} should begin at {at} and have a size"
        at = span.end
        if span.children:
            check_tiling(span.children, span.at, span.end)
    assert at == end, f"{spans} should end at {end}"


def check_values(sheet: Dissection) -> None:
    """Every leaf holds what its octets say, and the tree says the same as the values of the payloads."""
    for leaf in sheet.leaves():
        octets = sheet.raw[leaf.at : leaf.end]
        assert leaf.value == (int.from_bytes(octets) if isinstance(leaf.value, int) else octets), leaf
    tops = [span for span in sheet.tree if span.at in set(sheet.starts) and span.children]
    assert [span.at for span in tops] == list(sheet.starts)
    assert len(tops) == len(sheet.payloads)
    for span, payload in zip(tops, sheet.payloads, strict=True):
        assert span.children[1].value == payload.reserved
        if isinstance(payload, Opaque):
            assert payload.data == sheet.raw[span.at + 4 : span.end]
            assert payload.error == next(span.errors(), None) or span.error is sheet.broken
        else:
            assert list(span.errors()) in ([], [sheet.broken])
            assert values_in(type(payload), span.children[GENERIC_PIECES:]) == shown_values(payload)
    if sheet.header is not None:
        assert values_in(type(sheet.header), sheet.tree[0].children) == shown_values(sheet.header)


def shown_values(record: Record) -> dict[str, Any]:
    """A record's values by name, records inside it likewise."""
    return {field.name: _plain(getattr(record, field.name)) for field in record.FIELDS if not field.on_wire_only}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple) and value and isinstance(value[0], Payload):
        return tuple({"reserved": item.reserved, **shown_values(item)} for item in value)
    return value


def values_in(record: type[Record], pieces: Iterable[Span]) -> dict[str, Any]:
    """The values that a record should have, read from its pieces instead of its octets."""
    waiting = list(pieces)
    found = {}
    for field in record.FIELDS:
        taken = list(_taken(field, waiting))
        if not field.on_wire_only:
            found[field.name] = _value(field, taken)
    assert waiting == [], f"pieces that no field of {record.__name__} accounts for"
    return found


def _taken(field: Field, waiting: list[Span]) -> Iterator[Span]:
    """Takes from the pieces waiting those that belong to a field."""
    while waiting and _belongs(waiting[0], field):
        yield waiting.pop(0)
        if not isinstance(field, Chain | Attributes | Each | SensitivityLabels):
            return


def _belongs(piece: Span, field: Field) -> bool:
    match field:
        case Chain():
            return isinstance(piece.field, Whole) and piece.field.record is field.item
        case Attributes():
            return bool(piece.children)
        case SensitivityLabels():
            return piece.rfc == SensitivityLabels.RFC
    return piece.name == field.label


def _value(field: Field, pieces: list[Span]) -> Any:
    match field:
        case Uint():
            (piece,) = pieces
            return piece.value
        case Octets() | SensitivityLabels():
            return b"".join(leaf_octets(piece) for piece in pieces)
        case Each():
            return tuple(piece.value for piece in pieces)
        case Attributes():
            return tuple(_attribute(piece) for piece in pieces)
        case Chain():
            return tuple(
                {
                    "reserved": piece.children[1].value,
                    **values_in(field.item, piece.children[GENERIC_PIECES:]),
                }
                for piece in pieces
            )
    raise AssertionError(f"a field of an unknown kind: {field}")


def leaf_octets(piece: Span) -> bytes:
    """The octets under a piece, put together from its leaves."""
    values = ((leaf.value, leaf.size) for leaf in piece.leaves())
    return b"".join(value.to_bytes(size) if isinstance(value, int) else value for value, size in values)


def _attribute(piece: Span) -> Attribute:
    head, *rest = piece.children
    short = bool(head.value & SHORT)
    value = rest[-1].value if rest and isinstance(rest[-1].value, bytes) else b""
    return Attribute(head.value & ~SHORT, value, short)


def check_errors(sheet: Dissection) -> None:
    """Every complaint says what, what instead, where, by which clause; the first is in the tree if anything is."""
    complaints = [error for span in sheet.tree for error in span.errors()]
    for error in (*complaints, *filter(None, (sheet.error, sheet.broken))):
        assert error.expected, error
        assert error.got, error
        assert error.path, error
        assert error.rfc, error
        assert 0 <= error.at <= len(sheet.raw), error
    assert bool(complaints) == (sheet.error is not None and bool(sheet.tree))
    if sheet.tree:
        assert sheet.error is None or sheet.error in complaints
    assert sheet.broken is None or sheet.error is not None


def check_strict_reading(sheet: Dissection) -> None:
    """Strict reading gives the same values, or raises the first thing that is wrong."""
    is_datagram = sheet.header is not None or (sheet.error is not None and sheet.error.path.startswith(Header.TITLE))
    if is_datagram:
        strict = outcome(lambda: read_message(sheet.raw))
    else:
        strict = outcome(lambda: read_chain(sheet.raw, 0, len(sheet.raw), sheet.first))
    if sheet.error is not None:
        assert strict == sheet.error
    elif sheet.header is not None:
        assert strict == Message(header=sheet.header, payloads=sheet.payloads, rest=sheet.rest)
    else:
        assert strict == (sheet.payloads, sheet.end)


def outcome(read: Callable[[], T]) -> T | WireError:
    """What was read, or the complaint about it; any other exception is a mistake."""
    try:
        return read()
    except WireError as error:
        return error


def check_rebuilding(sheet: Dissection) -> None:
    """The values give the same octets again, or a remark says where not."""
    written = sheet.write()
    if written == sheet.raw:
        assert not any("written again" in remark for remark in sheet.remarks)
        return
    (why,) = (remark for remark in sheet.remarks if "written again" in remark)
    at = int(why.partition("at octet ")[2].partition(":")[0])
    assert written[:at] == sheet.raw[:at]
    assert written[at : at + 1] != sheet.raw[at : at + 1]
    again = dissect(written) if sheet.header is not None else dissect_body(written, sheet.first)
    assert again.write() == written, "what was written once is written again just so"


def check_words(sheet: Dissection) -> None:
    """All that is shown of a piece can be shown."""
    for top in sheet.tree:
        for span in top.walk():
            assert span.name
            assert span.rfc, span
            assert isinstance(span.text, str)
            assert isinstance(span.meaning, str)
            assert span.field.role in ROLES, span
    assert all(isinstance(remark, str) and remark for remark in sheet.remarks)
    assert any(span.field is CIPHERTEXT for span in sheet.tree) == (sheet.encrypted and sheet.rest != b"")
