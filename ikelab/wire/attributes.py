"""How settings are spelt: data attributes, short or long, and the three families of names that apply to them.

Everything a peer wrote is kept: the order of attributes, repeats of one, and whether a small number was spelt short
(TV: two octets inside the attribute's head) or long (TLV: a length, then the value), because hashes are computed over
these very octets.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ikelab.errors import Misuse, WireError
from ikelab.wire.fields import Field, Labels, Reading, Uint, Unfit, counted
from ikelab.wire.numbers import (
    AuthAlgorithm,
    AuthMethod,
    ConfigAttribute,
    EcnTunnel,
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
    XauthStatus,
    XauthType,
)
from ikelab.wire.readable import address, network, number, prefix, readable
from ikelab.wire.spans import Span

HEAD = struct.Struct(">HH")
SHORT = 0x8000
RFC = "RFC 2408 §3.3"
new = tuple.__new__  # what Span(...) and Attribute(...) end in; the loops below call it directly


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
        """Its octets. Raises Misuse where type or value have no place in the form that it takes."""
        fits = len(self.value) == 2 if self.short else len(self.value) < 1 << 16
        if not 0 <= self.type < SHORT or not fits:
            form = "2 octets" if self.short else "at most 65535 octets"
            got = f"type {self.type} and {counted(len(self.value))}"
            raise Misuse(f"an attribute expects a type below {SHORT} and {form}, got {got} ({RFC})")
        return (
            (self.type | SHORT).to_bytes(2) + self.value
            if self.short
            else HEAD.pack(self.type, len(self.value)) + self.value
        )


def short(kind: int, number: int) -> Attribute:
    """A number below 65536 spelt the short way. Raises Misuse where it is none."""
    return Attribute(int(kind), _octets(kind, number, 2), True)


def long(kind: int, number: int, size: int = 4) -> Attribute:
    """A number spelt the long way, in `size` octets. Raises Misuse where it does not fit them."""
    return Attribute(int(kind), _octets(kind, number, size), False)


def read_attributes(octets: bytes) -> tuple[Attribute, ...]:
    """The attributes that these octets are, to the last. Raises Misuse where they are none."""
    try:
        return Attributes("Attributes").read(octets, 0, len(octets))[0]
    except Unfit:
        raise Misuse(f"attributes: expected whole ones ({RFC}), got {octets.hex()}") from None


def _octets(kind: int, number: int, size: int) -> bytes:
    if not 0 <= number < 1 << 8 * size:
        raise Misuse(f"attribute {int(kind)} expects a number that fits {counted(size)}, got {number:#x}")
    return number.to_bytes(size)


# -- names -----------------------------------------------------------------------------------------------------------


class AttributeType(Uint):
    """An attribute's head: the top bit says short or long, the other fifteen which attribute."""

    def __init__(self, types: type[Number]) -> None:
        super().__init__(2, "Attribute Type", "Which property this is.", role="plumbing", rfc=RFC)
        self.types = types

    def text(self, value: int) -> str:
        kind = self.types(value & ~SHORT)
        return f"{kind.label} ({kind.value}), {'TV' if value & SHORT else 'TLV'}"

    def meaning(self, value: int) -> str:
        form = "1: the value is the next two octets" if value & SHORT else "0: a length follows, then the value"
        return f"{self.explain} The top bit is {form}."


class AttributeValue(Field):
    """What an attribute says: a named number where `labels` name it, otherwise what `show` makes of its octets."""

    def __init__(self, kind: Number, labels: Labels, show: Callable[[bytes], str], role: str) -> None:
        super().__init__(kind.label, kind.meaning, role=role, rfc=kind.rfc)
        self.labels, self.show = labels, show

    def text(self, value: bytes) -> str:
        named = self._named(value)
        return self.show(value) if named is None else f"{named.label} ({named.value})"

    def meaning(self, value: bytes) -> str:
        named = self._named(value)
        return self.explain if named is None else f"{self.explain} {named.meaning}".strip()

    def cited(self, value: bytes) -> str:
        named = self._named(value)
        elsewhere = named is not None and named.rfc not in (named.registry.rfc, "")
        return f"{self.rfc}; {named.label}: {named.rfc}" if named is not None and elsewhere else self.rfc

    def _named(self, value: bytes) -> Number | None:
        return self.labels(int.from_bytes(value)) if self.labels is not None and 0 < len(value) <= 8 else None


class Family:
    """Attributes that share a registry: their names, the names of their values, and how plain values are shown."""

    def __init__(
        self,
        types: type[Number],
        labels: Mapping[int, type[Number]],
        shows: Mapping[int, Callable[[bytes], str]] | None = None,
        roles: Mapping[int, str] | None = None,
        otherwise: Callable[[bytes], str] = number,
    ) -> None:
        self.types, self.labels, self.shows, self.roles, self.otherwise = (
            types,
            labels,
            shows or {},
            roles or {},
            otherwise,
        )
        self.type_field = AttributeType(types)
        self.known: dict[int, AttributeValue] = {}

    def value_field(self, kind: int) -> AttributeValue:
        """How values of this attribute are shown; `known` holds those that were asked for before."""
        name = self.types(kind)
        shown = AttributeValue(
            name, self.labels.get(kind), self.shows.get(kind, self.otherwise), self.roles.get(kind, "choice")
        )
        if name.assigned:  # the rest is made anew each time: what peers send must not grow our memory
            self.known[kind] = shown
        return shown


IKE_ATTRIBUTES = Family(
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
IPSEC_ATTRIBUTES = Family(
    IpsecAttribute,
    {
        IpsecAttribute.SA_LIFE_TYPE: LifeType,
        IpsecAttribute.GROUP_DESCRIPTION: Group,
        IpsecAttribute.ENCAPSULATION_MODE: Encapsulation,
        IpsecAttribute.AUTHENTICATION_ALGORITHM: AuthAlgorithm,
        IpsecAttribute.ECN_TUNNEL: EcnTunnel,
        IpsecAttribute.EXTENDED_SEQUENCE_NUMBER: EsnChoice,
    },
)
CONFIG_ATTRIBUTES = Family(
    ConfigAttribute,
    {ConfigAttribute.XAUTH_TYPE: XauthType, ConfigAttribute.XAUTH_STATUS: XauthStatus},
    shows={
        ConfigAttribute.INTERNAL_IP4_ADDRESS: address,
        ConfigAttribute.INTERNAL_IP4_NETMASK: address,
        ConfigAttribute.INTERNAL_IP4_DNS: address,
        ConfigAttribute.INTERNAL_IP4_NBNS: address,
        ConfigAttribute.INTERNAL_IP4_DHCP: address,
        ConfigAttribute.INTERNAL_IP4_SUBNET: network,
        ConfigAttribute.INTERNAL_IP6_ADDRESS: prefix,
        ConfigAttribute.INTERNAL_IP6_NETMASK: address,
        ConfigAttribute.INTERNAL_IP6_DNS: address,
        ConfigAttribute.INTERNAL_IP6_NBNS: address,
        ConfigAttribute.INTERNAL_IP6_DHCP: address,
        ConfigAttribute.INTERNAL_IP6_SUBNET: prefix,
        ConfigAttribute.INTERNAL_ADDRESS_EXPIRY: number,
    },
    roles={
        ConfigAttribute.XAUTH_USER_NAME: "identity",
        ConfigAttribute.XAUTH_USER_PASSWORD: "secret",
        ConfigAttribute.XAUTH_PASSCODE: "secret",
        ConfigAttribute.XAUTH_NEXT_PIN: "secret",
        ConfigAttribute.XAUTH_ANSWER: "secret",
    },
    otherwise=readable,
)


# -- the field -------------------------------------------------------------------------------------------------------


class Attributes(Field):
    """Attributes up to the end, of a family of their own or of the one that the protocol around them decides."""

    LENGTH = Uint(2, "Attribute Length", "Octets of the value that follows.", role="plumbing", rfc=RFC)

    def __init__(self, label: str, explain: str = "", *, family: Family | None = None, rfc: str = "") -> None:
        super().__init__(label, explain, role="choice", rfc=rfc)
        self.family = family

    def write(self, record: object) -> bytes:
        attributes: tuple[Attribute, ...] = getattr(record, self.name)
        return b"".join([attribute.write() for attribute in attributes])

    def read(self, octets: bytes, at: int, end: int, *needed: object) -> tuple[tuple[Attribute, ...], int]:
        found = []
        while at < end:
            if at + 4 > end:
                raise Unfit
            kind, second = HEAD.unpack_from(octets, at)
            start = at + 4
            if kind & SHORT:
                found.append(new(Attribute, (kind & ~SHORT, octets[at + 2 : start], True)))
                at = start
            else:
                at = start + second
                if at > end:
                    raise Unfit
                found.append(new(Attribute, (kind, octets[start:at], False)))
        return tuple(found), at

    def spans(self, reading: Reading, at: int) -> list[Span]:
        octets, end = reading.octets, reading.end
        family = self.family or family_of(reading)
        spans: list[Span] = []
        while at < end:
            start = at + 4
            if start > end:
                return spans + reading.refuse(self.missing(at, end, 4), at)
            head, second = HEAD.unpack_from(octets, at)
            shown = family.known.get(head & ~SHORT) or family.value_field(head & ~SHORT)
            kind = new(Span, (family.type_field, at, 2, head, (), None))
            if head & SHORT:
                stop, value = start, octets[at + 2 : start]
                pieces: tuple[Span, ...] = (kind, new(Span, (shown, at + 2, 2, value, (), None)))
            else:
                stop = start + second
                if stop > end:
                    return spans + reading.refuse(self._too_long(shown, second, at + 2, end), at)
                value = octets[start:stop]
                pieces = (kind, Span(self.LENGTH, at + 2, 2, second))
                if value:
                    pieces += (Span(shown, start, second, value),)
            spans.append(new(Span, (shown, at, stop - at, value, pieces, None)))
            at = stop
        return spans

    def _too_long(self, shown: Field, length: int, at: int, end: int) -> WireError:
        path = f"{self.label} > {shown.label} > {self.LENGTH.label}"
        return WireError(expected=f"at most {end - at - 2}", got=str(length), at=at, path=path, rfc=RFC)


def family_of(reading: Reading) -> Family:
    """IKE's (RFC 2409 App. A) in a proposal for ISAKMP, IPsec's (RFC 2407 §4.5) in one for AH, ESP or IPCOMP."""
    proposal = reading.around
    protocol = Protocol.ISAKMP if proposal is None else proposal.seen.get("protocol", Protocol.ISAKMP)
    return IKE_ATTRIBUTES if protocol == Protocol.ISAKMP else IPSEC_ATTRIBUTES
