"""How two peers bargain: an SA holds proposals, a proposal holds transforms, a transform holds attributes.

Everything a peer wrote is kept: the order of attributes, repeats of one attribute, and whether a small number was spelt short (TV: two
octets inside the attribute's head) or long (TLV: a length and then the value), because hashes are computed over these very octets.
"""

from __future__ import annotations

import struct
from dataclasses import MISSING
from typing import Any, NamedTuple

from ikelab.errors import WireError
from ikelab.wire.fields import (
    Field,
    Labels,
    Octets,
    Span,
    Uint,
    Values,
    count_of,
    length_of,
    missing,
    named_by,
    octets,
    u8,
    u16,
)
from ikelab.wire.numbers import (
    AuthAlgorithm,
    AuthMethod,
    ConfigAttribute,
    Encapsulation,
    Encryption,
    EsnChoice,
    Group,
    GroupType,
    Hash,
    IkeAttribute,
    IpsecAttribute,
    LifeType,
    Number,
    Prf,
    Protocol,
    TransformAh,
    TransformEsp,
    TransformIpcomp,
    TransformIsakmp,
)
from ikelab.wire.records import Payload, chain, payload

ATTRIBUTE_HEAD = struct.Struct(">HH")
SHORT = 0x8000
ATTRIBUTE_RFC = "RFC 2408 §3.3"


class Attribute(NamedTuple):
    """One data attribute (RFC 2408 §3.3): `value` is as it stood on the wire; `short` tells TV (2 octets) from TLV."""

    type: int
    value: bytes
    short: bool

    @property
    def number(self) -> int:
        """The value as a number, most significant octet first."""
        return int.from_bytes(self.value)

    def write(self) -> bytes:
        if self.short:
            return (self.type | SHORT).to_bytes(2) + self.value
        return ATTRIBUTE_HEAD.pack(self.type, len(self.value)) + self.value


def short(kind: int, number: int) -> Attribute:
    """A number below 65536 spelt the short way."""
    return Attribute(int(kind), number.to_bytes(2), True)


def long(kind: int, number: int, size: int = 4) -> Attribute:
    """A number spelt the long way, in `size` octets."""
    return Attribute(int(kind), number.to_bytes(size), False)


class AttributeNames(NamedTuple):
    """The names by which one family of attributes is shown: the attributes themselves, and the values of some."""

    types: type[Number]
    values: dict[int, type[Number]]


IKE_ATTRIBUTES = AttributeNames(
    IkeAttribute,
    {
        IkeAttribute.ENCRYPTION_ALGORITHM: Encryption,
        IkeAttribute.HASH_ALGORITHM: Hash,
        IkeAttribute.AUTHENTICATION_METHOD: AuthMethod,
        IkeAttribute.GROUP_DESCRIPTION: Group,
        IkeAttribute.GROUP_TYPE: GroupType,
        IkeAttribute.LIFE_TYPE: LifeType,
        IkeAttribute.PRF: Prf,
    },
)
IPSEC_ATTRIBUTES = AttributeNames(
    IpsecAttribute,
    {
        IpsecAttribute.SA_LIFE_TYPE: LifeType,
        IpsecAttribute.GROUP_DESCRIPTION: Group,
        IpsecAttribute.ENCAPSULATION_MODE: Encapsulation,
        IpsecAttribute.AUTHENTICATION_ALGORITHM: AuthAlgorithm,
        IpsecAttribute.EXTENDED_SEQUENCE_NUMBER: EsnChoice,
    },
)
CONFIG_ATTRIBUTES = AttributeNames(ConfigAttribute, {})
TRANSFORMS = {
    Protocol.ISAKMP: TransformIsakmp,
    Protocol.AH: TransformAh,
    Protocol.ESP: TransformEsp,
    Protocol.IPCOMP: TransformIpcomp,
}


class AttributeType(Uint):
    """An attribute's head: the top bit says short or long, the other fifteen which attribute."""

    def __init__(self, names: AttributeNames) -> None:
        super().__init__(
            2, "Attribute Type", "Which property this is. The top bit says how its value is spelt.", role="choice"
        )
        self.names = names

    def text(self, value: Any) -> str:
        form = "TV" if value & SHORT else "TLV"
        return f"{self.names.types(value & ~SHORT).label} ({value & ~SHORT}), {form}"

    def meaning(self, value: Any) -> str:
        form = (
            "Top bit 1: the value fits the next two octets."
            if value & SHORT
            else "Top bit 0: a length follows, then the value."
        )
        return f"{self.names.types(value & ~SHORT).meaning} {form}"


class AttributeWhole(Field):
    """One attribute as a piece of the tree, under its own name."""

    def __init__(self, kind: Number, labels: Labels) -> None:
        super().__init__(kind.label, kind.meaning, role="choice")
        self.value_field = AttributeValue(kind, labels)

    def text(self, value: Any) -> str:
        return self.value_field.text(value)

    def meaning(self, value: Any) -> str:
        return self.value_field.meaning(value)


class AttributeValue(Field):
    """What an attribute says: a named number, a plain number up to 8 octets, or octets."""

    def __init__(self, kind: Number, labels: Labels) -> None:
        super().__init__(kind.label, kind.meaning, role="choice")
        self.labels = labels

    def text(self, value: Any) -> str:
        if len(value) > 8:
            return str(value.hex())
        number = int.from_bytes(value)
        return f"{self.labels(number).label} ({number})" if self.labels is not None else str(number)

    def meaning(self, value: Any) -> str:
        if self.labels is None or len(value) > 8:
            return self.explain
        return f"{self.explain} {self.labels(int.from_bytes(value)).meaning}".strip()


class Attributes(Field):
    """Attributes up to the end. Which family of names applies can depend on what was read before."""

    LENGTH = Uint(2, "Attribute Length", "Octets of the value that follows.", role="plumbing")

    def __init__(
        self, label: str, explain: str, names: AttributeNames | None = None, *, default: Any = MISSING
    ) -> None:
        super().__init__(label, explain, default=default)
        self.names = names
        self.wholes = dict[tuple[int, int], AttributeWhole]()
        self.types = dict[int, AttributeType]()

    def write(self, record: Any) -> bytes:
        return b"".join([attribute.write() for attribute in getattr(record, self.name)])

    def read(self, octets: bytes, at: int, end: int) -> tuple[Attribute, ...]:
        found = []
        while at < end:
            if end - at < 4:
                missing(self, octets, at, end, 4)
            kind, second = ATTRIBUTE_HEAD.unpack_from(octets, at)
            if kind & SHORT:
                found.append(Attribute(kind & 0x7FFF, octets[at + 2 : at + 4], True))
                at += 4
            else:
                stop = at + 4 + second
                if stop > end:
                    missing(self, octets, at + 4, end, second)
                found.append(Attribute(kind, octets[at + 4 : stop], False))
                at = stop
        return tuple(found)

    def spans(self, octets: bytes, at: int, end: int, seen: dict[str, Any], outer: Values) -> list[Span]:
        names = self.names or _family(outer)
        spans: list[Span] = []
        for attribute in self.read(octets, at, end):
            size = 4 if attribute.short else 4 + len(attribute.value)
            spans.append(self.attribute_span(attribute, names, at, size))
            at += size
        return spans

    def attribute_span(self, attribute: Attribute, names: AttributeNames, at: int, size: int) -> Span:
        key = id(names), attribute.type
        whole = self.wholes.get(key)
        if whole is None:
            whole = self.wholes[key] = AttributeWhole(names.types(attribute.type), names.values.get(attribute.type))
            self.types[id(names)] = AttributeType(names)
        kind = self.types[id(names)]
        if attribute.short:
            pieces = [Span(kind, at, 2, attribute.type | SHORT), Span(whole.value_field, at + 2, 2, attribute.value)]
        else:
            pieces = [Span(kind, at, 2, attribute.type), Span(self.LENGTH, at + 2, 2, len(attribute.value))]
            if attribute.value:
                pieces.append(Span(whole.value_field, at + 4, size - 4, attribute.value))
        return Span(whole, at, size, attribute.value, pieces)


def attributes(label: str, explain: str = "", names: AttributeNames | None = None, *, default: Any = MISSING) -> Any:
    return Attributes(label, explain, names, default=default)


def _family(outer: Values) -> AttributeNames:
    """Inside a proposal for ISAKMP itself attributes are IKE's (RFC 2409 App. A); for AH, ESP, IPCOMP they are IPsec's (RFC 2407 §4.5)."""
    return IKE_ATTRIBUTES if outer.get("protocol", Protocol.ISAKMP) == Protocol.ISAKMP else IPSEC_ATTRIBUTES


def _transform_names(seen: Values, outer: Values) -> Labels:
    return TRANSFORMS.get(outer.get("protocol", Protocol.ISAKMP), TransformIsakmp)


@payload(3, "Transform", "T", rfc="RFC 2408 §3.6")
class Transform(Payload):
    """One way to do it: an algorithm and its settings. The responder chooses exactly one of the list."""

    number: int = u8("Transform #", "Where it stands in the sender's list; earlier is preferred.", role="number")
    id: int = named_by(
        1, "Transform-Id", "The algorithm that this transform is about.", choose=_transform_names, role="choice"
    )
    reserved2: int = u16("RESERVED2", "Unused: senders write 0.", role="plumbing", default=0)
    attributes: tuple[Attribute, ...] = attributes("SA Attributes", "The settings that make the algorithm complete.")

    def values(self, kind: int) -> tuple[int, ...]:
        """The numbers of every attribute of this type, in order."""
        return tuple(attribute.number for attribute in self.attributes if attribute.type == kind)

    def first(self, kind: int) -> int | None:
        """The number of the first attribute of this type, None if there is none."""
        return next((attribute.number for attribute in self.attributes if attribute.type == kind), None)


@payload(2, "Proposal", "P", rfc="RFC 2408 §3.5")
class Proposal(Payload):
    """An offer for one protocol: its SPI and the transforms to choose from."""

    number: int = u8("Proposal #", "Equal numbers mean AND; different numbers mean OR.", role="number")
    protocol: int = u8("Protocol-Id", "The protocol that this offer is for.", labels=Protocol, role="choice")
    spi_size = length_of("spi", "SPI Size", "Octets of the SPI. For ISAKMP itself 0: the cookies already name the SA.")
    transform_count = count_of("transforms", "# of Transforms", "How many transforms this proposal holds.")
    spi: bytes = octets(
        "SPI",
        "How the sender of this proposal wants to be addressed in protected packets.",
        size="spi_size",
        role="number",
        default=b"",
    )
    transforms: tuple[Transform, ...] = chain(Transform, "Transforms", "Exactly one may be chosen.")
