"""Captures made for tests: frames of any link layer, put into pcap and pcapng files octet by octet."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

from ikelab.net.peel import RAW_IP, CapturedDatagram, sent
from ikelab.wire.udp import Endpoint

ALICE, BOB = Endpoint("10.99.0.1", 500), Endpoint("10.99.0.2", 500)
ALICE6, BOB6 = Endpoint("2001:db8::1", 500), Endpoint("2001:db8::2", 500)
IKE_MESSAGE = bytes(range(1, 61))
ETHERNET = bytes(12) + b"\x08\x00"
ETHERNET_LINK = 1


def message(
    frame: int = 1, source: Endpoint = ALICE, destination: Endpoint = BOB, octets: bytes = IKE_MESSAGE
) -> CapturedDatagram:
    """A UDP datagram of whole seconds' time."""
    return sent(frame=frame, time=1_700_000_000.0 + frame, source=source, destination=destination, octets=octets)


def pcap(packets: Iterable[bytes], *, linktype: int = RAW_IP, order: str = "<", magic: int = 0xA1B2C3D4) -> bytes:
    """A pcap file; frame n says n seconds after 1970 began, and 500,000 of whatever the magic number counts in."""
    octets = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, linktype)
    for number, packet in enumerate(packets, 1):
        octets += struct.pack(order + "IIII", number, 500_000, len(packet), len(packet)) + packet
    return octets


def block(kind: int, body: bytes, *, order: str = "<") -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    length = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + length + body + length


def section(*, order: str = "<", version: int = 1) -> bytes:
    """A pcapng Section Header Block."""
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, version, 0, -1), order=order)


def interface(linktype: int = RAW_IP, options: bytes = b"", *, order: str = "<", snap: int = 0) -> bytes:
    """A pcapng Interface Description Block."""
    return block(1, struct.pack(order + "HHI", linktype, 0, snap) + options, order=order)


def option(code: int, value: bytes, *, order: str = "<") -> bytes:
    """A pcapng option."""
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(packet: bytes, *, number: int = 0, ticks: int = 1_500_000, order: str = "<") -> bytes:
    """A pcapng Enhanced Packet Block, captured so many ticks of its interface's clock after 1970 began."""
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet))
    return block(6, head + packet + bytes(-len(packet) % 4), order=order)


def saved(folder: Path, octets: bytes, name: str = "some.pcap") -> Path:
    """The octets as a file."""
    path = folder / name
    path.write_bytes(octets)
    return path
