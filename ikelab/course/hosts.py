"""What hosts send each other, and what they make of what arrives: they know of no IPsec, and look at checksums."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ikelab.ipsec.inner import inner_summary
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol
from ikelab.wire.udp import Endpoint

ECHO_REQUEST, ECHO_REPLY = 8, 0
ECHO_HEADER = 8
DATA = b"abcdefghijklmnopqrstuvwabcdefghijklmnopqrstuvwabcdefghij"
"""What an echo carries, 56 octets as most programs have it."""
CLIENT_PORT, SERVER_PORT = 40000, 80
CHECKSUM_AT: dict[int, int] = {IpProtocol.TCP: 16, IpProtocol.UDP: 6}
PUSH_AND_ACK = 0x18


@dataclass(frozen=True, kw_only=True)
class Ends:
    """The two hosts of a packet, by address."""

    source: str
    destination: str


def echo_request(ends: Ends, number: int) -> bytes:
    """An ICMP echo request, as `ping` sends it."""
    return _echo(ends, ECHO_REQUEST, struct.pack("!HH", 1, number) + DATA)


def echo_reply(request: bytes) -> bytes | None:
    """What a host answers; None where it was not asked."""
    read = ip.read_ip(request)
    payload = request[read.start : read.end]
    if read.protocol != IpProtocol.ICMP or len(payload) < ECHO_HEADER or payload[0] != ECHO_REQUEST:
        return None
    return _echo(Ends(source=read.destination, destination=read.source), ECHO_REPLY, payload[4:])


def tcp_segment(ends: Ends, port: int = SERVER_PORT) -> bytes:
    """A TCP segment with a little data, from a client to a server's port."""
    head = struct.pack("!HHIIBBHHH", CLIENT_PORT, port, 1, 1, 5 << 4, PUSH_AND_ACK, 65_535, 0, 0)
    packet = ip.build_ip(ends.source, ends.destination, int(IpProtocol.TCP), head + b"GET / HTTP/1.0\r\n\r\n")
    return with_right_checksum(packet)


def udp_datagram(ends: Ends, port: int) -> bytes:
    """A UDP datagram with a little data."""
    here, there = Endpoint(ends.source, CLIENT_PORT), Endpoint(ends.destination, port)
    return ip.build_ip(ends.source, ends.destination, int(IpProtocol.UDP), ip.build_udp(here, there, b"a few words"))


def with_right_checksum(packet: bytes) -> bytes:
    """The packet with a TCP or UDP checksum that suits its addresses; any other as it is."""
    read = ip.read_ip(packet)
    at = CHECKSUM_AT.get(read.protocol)
    if at is None:
        return packet
    at += read.start
    checksum = _checksum(packet[:at] + bytes(2) + packet[at + 2 :], read)
    return packet[:at] + checksum.to_bytes(2) + packet[at + 2 :]


def without_checksum(packet: bytes, read: ip.IpPacket) -> bool:
    """Whether it is a UDP datagram whose sender has left the checksum out."""
    at = read.start + CHECKSUM_AT[IpProtocol.UDP]
    return read.protocol == IpProtocol.UDP and packet[at : at + 2] == bytes(2)


def complaint(packet: bytes) -> str:
    """Why a host throws a packet away; "" where it takes it."""
    read = ip.read_ip(packet)
    at = CHECKSUM_AT.get(read.protocol)
    if at is None or packet == with_right_checksum(packet) or without_checksum(packet, read):
        return ""
    name = IpProtocol(read.protocol).label
    return f"the {name} checksum is wrong: it covers the addresses, and the packet did not set out with these"


def summary(packet: bytes) -> str:
    """An IP packet in a line."""
    return inner_summary(int(IpProtocol.IPV4 if packet[:1] and packet[0] >> 4 == 4 else IpProtocol.IPV6), packet)


def _echo(ends: Ends, kind: int, rest: bytes) -> bytes:
    checksum = ip.internet_checksum(struct.pack("!BBH", kind, 0, 0) + rest)
    icmp = struct.pack("!BBH", kind, 0, checksum) + rest
    return ip.build_ip(ends.source, ends.destination, int(IpProtocol.ICMP), icmp)


def _checksum(packet: bytes, read: ip.IpPacket) -> int:
    addresses = packet[12:20] if read.version == 4 else packet[8:40]
    payload = packet[read.start : read.end]
    pseudo_header = addresses + len(payload).to_bytes(4) + read.protocol.to_bytes(4)
    return ip.internet_checksum(pseudo_header + payload) or 0xFFFF
