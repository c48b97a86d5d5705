"""Whose traffic an SA is for: addresses, an IP protocol, a port; written "10.1.0.0/24[tcp/80]", sent as an ID payload.

A Quick Mode carries a pair of them, IDci for the initiator's end and IDcr for the responder's (RFC 2409 §5.5).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NoReturn

from ikelab.errors import Misuse, Refusal
from ikelab.ike.identity import IpAddress, read_address
from ikelab.wire.numbers import IdType, IpProtocol, Notify
from ikelab.wire.payloads import ID, prefix_length

_SELECTOR_FORMS = (
    '"10.1.0.0/24", "10.0.0.1", "10.0.0.1-10.0.0.9", "2001:db8::/64", each also with "[tcp/80]" or "[udp]" behind it'
)
_WRITTEN = re.compile(r"(?P<addresses>[^\[\]]+)(\[(?P<protocol>[^/\[\]]+)(/(?P<port>[^/\[\]]+))?\])?")
_PROTOCOLS = {IpProtocol(number).label.lower(): number for number in IpProtocol}
_OTHER_PROTOCOLS = {"icmpv6": IpProtocol.ICMPV6, "ospf": IpProtocol.OSPF}

_ADDRESS_TYPES = {
    IdType.IPV4_ADDR: 4,
    IdType.IPV6_ADDR: 16,
    IdType.IPV4_ADDR_SUBNET: 8,
    IdType.IPV6_ADDR_SUBNET: 32,
    IdType.IPV4_ADDR_RANGE: 8,
    IdType.IPV6_ADDR_RANGE: 32,
}
"""The identification types that say which addresses, each with the octets of its data (RFC 2407 §4.6.2.2 to .9)."""


@dataclass(frozen=True, kw_only=True)
class Selector:
    """Which packets at one end an SA is for: addresses from `first` to `last`, an IP protocol, a port; 0 is any.

    Two selectors are equal if they mean the same packets, however an ID payload spells them. Raises Misuse where the
    addresses are out of order or of two families, or a port stands without a protocol.
    """

    first: IpAddress
    last: IpAddress
    protocol: int = 0
    port: int = 0

    def __post_init__(self) -> None:
        if self.first.version != self.last.version or int(self.first) > int(self.last):
            raise Misuse(f"selector: expected a range in order and of one family, got {self.first}-{self.last}")
        if not 0 <= self.protocol <= 255 or not 0 <= self.port <= 65535:
            raise Misuse(f"selector: expected a protocol to 255 and a port to 65535, got {self.protocol}/{self.port}")
        if self.port and not self.protocol:
            raise Misuse(f"selector: expected a protocol for port {self.port}, such as [tcp/{self.port}], got any")

    @classmethod
    def parse(cls, words: str) -> Selector:
        """The selector of "10.1.0.0/24", "10.0.0.1[tcp/80]", "10.0.0.1-10.0.0.9", "2001:db8::/64[udp]"; else Misuse."""
        text = str(words).strip()
        written = _WRITTEN.fullmatch(text)
        if written is None:
            raise Misuse(f'selector "{text}": expected {_SELECTOR_FORMS}, got something else')
        first, last = _written_addresses(written["addresses"].strip(), text)
        protocol = _written_protocol((written["protocol"] or "any").strip().lower(), text)
        port = _written_port((written["port"] or "any").strip().lower(), text)
        return cls(first=first, last=last, protocol=protocol, port=port)

    @classmethod
    def from_payload(cls, payload: ID) -> Selector:
        """What a Quick Mode ID payload means. Raises Refusal (INVALID-ID-INFORMATION) where it does not say addresses.

        Bits behind a network's mask are wildcards (RFC 2407 §4.6.2.5), so they may hold anything.
        """
        kind, data = IdType(payload.id_type), payload.data
        size = _ADDRESS_TYPES.get(kind)
        if size is None:
            _refuse(
                f"client identity: expected addresses (ID types 1, 4 to 8), got {kind.label} ({payload.id_type})",
                "RFC 2409 §5.5",
            )
        if len(data) != size:
            _refuse(f"client identity {kind.label}: expected {size} octets, got {len(data)}", kind.rfc)
        if payload.port and not payload.protocol:
            _refuse(
                f"client identity {kind.label}: expected a protocol for port {payload.port}, got 0 (any)",
                "RFC 2407 §4.6.2",
            )
        first, last = _carried_addresses(kind, data)
        return cls(first=first, last=last, protocol=payload.protocol, port=payload.port)

    def payload(self) -> ID:
        """The Quick Mode ID payload: a single address, a network where the addresses are one, else a range."""
        four = self.first.version == 4
        if self.first == self.last:
            kind, data = (IdType.IPV4_ADDR if four else IdType.IPV6_ADDR), self.first.packed
        elif (length := self.prefix_length) is not None:
            kind = IdType.IPV4_ADDR_SUBNET if four else IdType.IPV6_ADDR_SUBNET
            data = self.first.packed + ip_network((self.first, length)).netmask.packed
        else:
            kind = IdType.IPV4_ADDR_RANGE if four else IdType.IPV6_ADDR_RANGE
            data = self.first.packed + self.last.packed
        return ID(id_type=kind, protocol=self.protocol, port=self.port, data=data)

    @property
    def prefix_length(self) -> int | None:
        """How many leading bits all of the addresses share, if they are a whole network; None if they are not."""
        low, high = int(self.first), int(self.last)
        differing = low ^ high
        whole = low & differing == 0 and differing & (differing + 1) == 0
        return self.first.max_prefixlen - differing.bit_length() if whole else None

    def contains(self, other: Selector) -> bool:
        """Whether every packet that `other` means is one that this selector means."""
        return (
            self.first.version == other.first.version
            and int(self.first) <= int(other.first)
            and int(other.last) <= int(self.last)
            and self.protocol in (0, other.protocol)
            and self.port in (0, other.port)
        )

    def __str__(self) -> str:
        """The words that `parse` takes."""
        if self.first == self.last:
            addresses = str(self.first)
        elif (length := self.prefix_length) is not None:
            addresses = f"{self.first}/{length}"
        else:
            addresses = f"{self.first}-{self.last}"
        if not self.protocol:
            return addresses
        number = IpProtocol(self.protocol)
        name = number.label.lower() if number.assigned else str(self.protocol)
        return f"{addresses}[{name}/{self.port}]" if self.port else f"{addresses}[{name}]"


def _written_addresses(text: str, whole: str) -> tuple[IpAddress, IpAddress]:
    if "-" in text:
        first, last = (read_address(part.strip()) for part in text.split("-", 1))
        if first is not None and last is not None:
            return first, last
    elif "/" in text:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            network = None
        if network is not None:
            if read_address(text.partition("/")[0]) != network.network_address:
                raise Misuse(f'selector "{whole}": expected where the network begins, {network}, got {text}')
            return network.network_address, network.broadcast_address
    elif (single := read_address(text)) is not None:
        return single, single
    raise Misuse(f'selector "{whole}": expected {_SELECTOR_FORMS}, got "{text}"')


def _written_protocol(text: str, whole: str) -> int:
    known = _PROTOCOLS | _OTHER_PROTOCOLS
    number = known[text] if text in known else _number(text, 255)
    if number is None:
        raise Misuse(f'selector "{whole}": expected a protocol ({", ".join(known)}) or its number, got "{text}"')
    return int(number)


def _written_port(text: str, whole: str) -> int:
    port = 0 if text == "any" else _number(text, 65535)
    if port is None:
        raise Misuse(f'selector "{whole}": expected a port from 0 to 65535 or "any", got "{text}"')
    return port


def _number(text: str, most: int) -> int | None:
    plain = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    return int(text) if plain and int(text) <= most else None


def _carried_addresses(kind: int, data: bytes) -> tuple[IpAddress, IpAddress]:
    """First and last address of identification data whose size has been checked. Raises Refusal."""
    half = len(data) // 2
    match kind:
        case IdType.IPV4_ADDR | IdType.IPV6_ADDR:
            return ip_address(data), ip_address(data)
        case IdType.IPV4_ADDR_SUBNET | IdType.IPV6_ADDR_SUBNET:
            length = prefix_length(data[half:])
            if length is None:
                _refuse(
                    f"client identity {IdType(kind).label}: expected a mask of ones and then zeros, "
                    f"got {ip_address(data[half:])}",
                    IdType(kind).rfc,
                )
            network = ip_network((data[:half], length), strict=False)
            return network.network_address, network.broadcast_address
    first, last = ip_address(data[:half]), ip_address(data[half:])
    if int(first) > int(last):
        _refuse(
            f"client identity {IdType(kind).label}: expected a range in order, got {first}-{last}", IdType(kind).rfc
        )
    return first, last


def _refuse(why: str, rfc: str) -> NoReturn:
    raise Refusal(notify=Notify.INVALID_ID_INFORMATION, why=why, rfc=rfc)
