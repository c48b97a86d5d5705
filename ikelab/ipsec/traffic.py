"""Which packets a policy or an SA means: what is read off a packet, and whether selectors cover it.

The clauses are RFC 4301's.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from ikelab.errors import WireError
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol

IpAddress = IPv4Address | IPv6Address
WITH_PORTS = frozenset({IpProtocol.TCP, IpProtocol.UDP, IpProtocol.SCTP})


class Selector(Protocol):
    """One end's packets: addresses from `first` to `last`, an IP protocol, a port; 0 is any. IKE negotiates them."""

    @property
    def first(self) -> IpAddress: ...
    @property
    def last(self) -> IpAddress: ...
    @property
    def protocol(self) -> int: ...
    @property
    def port(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class Ends:
    """A selector that nobody negotiates: any address of one family, or one alone, and perhaps a protocol and port."""

    version: int
    protocol: int = 0
    port: int = 0
    address: IpAddress | None = None

    @property
    def first(self) -> IpAddress:
        return self.address or (IPv4Address(0) if self.version == 4 else IPv6Address(0))

    @property
    def last(self) -> IpAddress:
        return self.address or (IPv4Address((1 << 32) - 1) if self.version == 4 else IPv6Address((1 << 128) - 1))

    def __str__(self) -> str:
        port = f"/{self.port}" if self.port else ""
        name = f"[{IpProtocol(self.protocol).label.lower()}{port}]" if self.protocol else ""
        return f"{self.first}{'' if self.address else '/0'}{name}"


@dataclass(frozen=True, kw_only=True)
class Flow:
    """What selectors look at in a packet. A port is None where there is none, or where it is in another fragment."""

    source: IpAddress
    destination: IpAddress
    protocol: int
    source_port: int | None = None
    destination_port: int | None = None

    def __str__(self) -> str:
        ports = "" if self.source_port is None else f" {self.source_port} > {self.destination_port}"
        return f"{self.source} > {self.destination} {IpProtocol(self.protocol).label}{ports}"


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Packets that go one way: from `source` to `destination`."""

    source: Selector
    destination: Selector

    def covers(self, flow: Flow) -> bool:
        """Whether the packet is one of these. A port that is hidden matches none but any (§4.4.1.1, §7)."""
        return _covers(self.source, flow.source, flow.protocol, flow.source_port) and _covers(
            self.destination, flow.destination, flow.protocol, flow.destination_port
        )

    def reversed(self) -> Traffic:
        """The same the other way."""
        return Traffic(source=self.destination, destination=self.source)

    def __str__(self) -> str:
        return f"{self.source} > {self.destination}"


def flow_of(packet: bytes) -> Flow:
    """What selectors look at in an IP packet. Raises WireError where it is none, or is cut short."""
    read = ip.read_ip(packet)
    if read.missing:
        raise WireError(
            expected=f"a whole packet of {len(packet) + read.missing} octets", got=str(len(packet)), at=0, path="IP"
        )
    ports: tuple[int | None, int | None] = None, None
    later_fragment = read.fragment is not None and read.fragment.offset > 0
    if read.protocol in WITH_PORTS and not later_fragment and read.end - read.start >= 4:
        at = read.start
        ports = int.from_bytes(packet[at : at + 2]), int.from_bytes(packet[at + 2 : at + 4])
    return Flow(
        source=ip_address(read.source),
        destination=ip_address(read.destination),
        protocol=read.protocol,
        source_port=ports[0],
        destination_port=ports[1],
    )


def _covers(selector: Selector, address: IpAddress, protocol: int, port: int | None) -> bool:
    return (
        selector.first.version == address.version
        and int(selector.first) <= int(address) <= int(selector.last)
        and selector.protocol in (0, protocol)
        and selector.port in (0, port)
    )
