"""What is inside a protected packet, in one line: "10.1.0.1 > 10.2.0.1 ICMP echo request, id 925, seq 1"."""

from __future__ import annotations

import struct
from collections.abc import Callable

from ikelab.errors import WireError
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol

ICMP_TYPES = {0: "echo reply", 3: "destination unreachable", 5: "redirect", 8: "echo request", 11: "time exceeded"}
ICMPV6_TYPES = {
    1: "destination unreachable",
    2: "packet too big",
    3: "time exceeded",
    4: "parameter problem",
    128: "echo request",
    129: "echo reply",
    133: "router solicitation",
    134: "router advertisement",
    135: "neighbor solicitation",
    136: "neighbor advertisement",
}
ECHOES = ("echo request", "echo reply")
TCP_FLAGS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


def inner_summary(next_header: int, octets: bytes) -> str:
    """A line about what `next_header` says these octets are: a packet (tunnel mode) or its payload (transport mode).

    Never raises: octets that are cut short or damaged are named for what they should be.
    """
    if next_header == IpProtocol.NO_NEXT_HEADER:
        return f"dummy packet, {len(octets)} octets (RFC 4303 §2.6)"
    if next_header in (IpProtocol.IPV4, IpProtocol.IPV6):
        return _packet(octets)
    return _transport(next_header, octets)


def _packet(octets: bytes) -> str:
    try:
        packet = ip.read_ip(octets)
    except WireError as error:
        return f"damaged IP packet: {error}"
    payload = octets[packet.start : packet.end]
    if packet.fragment is not None and packet.fragment.offset:
        within = f"{IpProtocol(packet.protocol).label} fragment at {packet.fragment.offset}, {len(payload)} octets"
    else:
        within = _transport(packet.protocol, payload)
    padding = len(octets) - packet.end
    behind = f", then {padding} octets of TFC padding" if padding else ""
    return f"{packet.source} > {packet.destination} {within}{behind}"


def _transport(protocol: int, octets: bytes) -> str:
    describe = DESCRIPTIONS.get(protocol)
    try:
        return describe(octets) if describe else f"{IpProtocol(protocol).label}, {len(octets)} octets"
    except struct.error:
        return f"{IpProtocol(protocol).label}, cut short: {len(octets)} octets"


def _icmp(octets: bytes) -> str:
    return f"ICMP {_control_message(ICMP_TYPES, octets)}"


def _icmpv6(octets: bytes) -> str:
    return f"ICMPv6 {_control_message(ICMPV6_TYPES, octets)}"


def _control_message(types: dict[int, str], octets: bytes) -> str:
    kind, code, _, identifier, sequence = struct.unpack_from("!BBHHH", octets)
    name = types.get(kind, f"type {kind}")
    return f"{name}, id {identifier}, seq {sequence}" if name in ECHOES else f"{name}, code {code}"


def _tcp(octets: bytes) -> str:
    source, destination, _, _, offset, flags = struct.unpack_from("!HHIIBB", octets)
    named = " ".join(name for bit, name in enumerate(TCP_FLAGS) if flags >> bit & 1)
    return f"TCP {source} > {destination} {named or 'no flags'}, {max(len(octets) - (offset >> 4) * 4, 0)} octets"


def _udp(octets: bytes) -> str:
    source, destination, length, _ = struct.unpack_from("!HHHH", octets)
    return f"UDP {source} > {destination}, {max(length - ip.UDP_HEADER, 0)} octets"


def _esp(octets: bytes) -> str:
    spi, sequence = struct.unpack_from("!II", octets)
    return f"ESP, SPI {spi:08x}, seq {sequence}"


def _ipcomp(octets: bytes) -> str:
    next_header, _, cpi = struct.unpack_from("!BBH", octets)
    return f"IPComp, CPI {cpi:04x}, compressed {IpProtocol(next_header).label}, {len(octets) - 4} octets"


DESCRIPTIONS: dict[int, Callable[[bytes], str]] = {
    IpProtocol.ICMP: _icmp,
    IpProtocol.ICMPV6: _icmpv6,
    IpProtocol.TCP: _tcp,
    IpProtocol.UDP: _udp,
    IpProtocol.ESP: _esp,
    IpProtocol.IPCOMP: _ipcomp,
}
