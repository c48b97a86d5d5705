"""Values made up by Hypothesis from the declarations themselves: whoever declares a payload has it tested."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ikelab.wire.attributes import Attribute, Attributes
from ikelab.wire.fields import CountOf, Each, Field, LengthOf, Octets, Uint
from ikelab.wire.header import Header
from ikelab.wire.message import Message
from ikelab.wire.numbers import Doi, Situation
from ikelab.wire.payloads import LATE_DRAFTS, PAYLOADS, Opaque
from ikelab.wire.proposals import SA, Proposal, SensitivityLabels, Transform
from ikelab.wire.records import Chain, Payload, Record

DECLARED: tuple[type[Payload], ...] = (*PAYLOADS.values(), *LATE_DRAFTS.values(), Proposal, Transform)
"""Every payload that has a declaration."""


def octet_strings(longest: int = 40) -> st.SearchStrategy[bytes]:
    """Of any size up to the longest, the sizes of addresses and networks more often than others."""
    sizes = [size for size in (0, 4, 8, 16, 32) if size <= longest]
    return st.one_of(st.binary(max_size=longest), *(st.binary(min_size=size, max_size=size) for size in sizes))


def attributes() -> st.SearchStrategy[Attribute]:
    """Short and long ones, of known and unknown types."""
    kinds = st.one_of(st.integers(0, 20), st.integers(16520, 16530), st.integers(0, 0x7FFF))
    return st.one_of(
        st.builds(Attribute, kinds, st.binary(min_size=2, max_size=2), st.just(True)),
        st.builds(Attribute, kinds, octet_strings(20), st.just(False)),
    )


def labels() -> st.SearchStrategy[tuple[int, bytes]]:
    """A situation and the sensitivity labels that it calls for."""

    @st.composite
    def labelled(draw: st.DrawFn) -> tuple[int, bytes]:
        situation = draw(st.integers(0, 7))
        if not situation & (Situation.SECRECY | Situation.INTEGRITY):
            return situation, b""
        written = draw(st.binary(min_size=4, max_size=4))
        for bit in (Situation.SECRECY, Situation.INTEGRITY):
            if situation & bit:
                level, bitmap = draw(octet_strings(9)), draw(octet_strings(9))
                bits = max(0, 8 * len(bitmap) - draw(st.integers(0, 7)))
                for length, octets in ((len(level), level), (bits, bitmap)):
                    written += length.to_bytes(2) + bytes(2) + octets + bytes(-len(octets) % 4)
        return situation, written

    return labelled()


def values(field: Field) -> st.SearchStrategy[Any]:
    match field:
        case Uint():
            return st.one_of(st.integers(0, 30), st.integers(0, (1 << 8 * field.size) - 1))
        case Octets(size=int() as size):
            return st.binary(min_size=size, max_size=size)
        case Octets():
            return octet_strings()
        case Each():
            return st.integers(1, 20).flatmap(
                lambda size: st.lists(st.binary(min_size=size, max_size=size), max_size=4).map(tuple)
            )
        case Chain():
            return st.lists(records(field.item), max_size=3).map(tuple)
        case Attributes():
            return st.lists(attributes(), max_size=5).map(tuple)
    raise AssertionError(f"no values for a field of an unknown kind: {field}")


def records(record: type[Record]) -> st.SearchStrategy[Any]:
    """Values of a record class, of any content that its fields can hold."""
    if record is SA:
        return st.builds(
            lambda labelled, proposals, reserved: SA(
                doi=Doi.IPSEC, situation=labelled[0], labels=labelled[1], proposals=proposals, reserved=reserved
            ),
            labels(),
            values(next(field for field in SA.FIELDS if isinstance(field, Chain))),
            st.integers(0, 255),
        )
    kept = {
        field.name: values(field)
        for field in record.FIELDS
        if not isinstance(field, LengthOf | CountOf | SensitivityLabels)
    }
    if issubclass(record, Payload):
        kept["reserved"] = st.one_of(st.just(0), st.integers(0, 255))
    return st.builds(record, **kept)


def payloads() -> st.SearchStrategy[Payload]:
    """Payloads that a message can hold, of declared and of unknown types."""
    unknown = st.integers(1, 255).filter(lambda number: number not in PAYLOADS)
    opaque = st.builds(Opaque, number=unknown, data=octet_strings(), reserved=st.integers(0, 255))
    return st.one_of(opaque, *(records(record) for record in PAYLOADS.values()))


def messages() -> st.SearchStrategy[Message]:
    """Messages in clear."""
    return st.builds(
        Message,
        header=records(Header).map(_in_clear),
        payloads=st.lists(payloads(), min_size=1, max_size=5).map(tuple),
    )


def _in_clear(header: Header) -> Header:
    return Header(**{**vars(header), "flags": header.flags & ~1})
