"""How a capture file frames its packets: pcap's plain records, pcapng's blocks with their sections and interfaces.

A frame is (link type, seconds since 1970, octets). A file that is no capture is a Misuse; one that breaks off or turns
into nonsense raises BrokenOff after its last good frame. No size in the file is believed before it is checked.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

from ikelab.errors import Misuse

Frame = tuple[int, float, bytes]

PCAP_MAGICS: dict[bytes, tuple[str, int]] = {  # byte order, and how many parts a second is counted in
    bytes.fromhex("a1b2c3d4"): (">", 1_000_000),
    bytes.fromhex("d4c3b2a1"): ("<", 1_000_000),
    bytes.fromhex("a1b23c4d"): (">", 1_000_000_000),
    bytes.fromhex("4d3cb2a1"): ("<", 1_000_000_000),
}
PCAPNG_MAGIC = bytes.fromhex("0a0d0d0a")
BYTE_ORDER_MAGICS = {bytes.fromhex("1a2b3c4d"): ">", bytes.fromhex("4d3c2b1a"): "<"}
LARGEST_RECORD = 1 << 24  # octets; 64 times the largest packet that capturing programs write

INTERFACE, OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET = 1, 2, 3, 6
END_OF_OPTIONS, TIME_RESOLUTION, TIME_OFFSET = 0, 9, 14


class BrokenOff(Exception):
    """Nothing more can be read from here on; the message says why, for a sentence that begins with the frame number."""


def read_frames(stream: IO[bytes], name: str) -> Iterator[Frame]:
    """The frames of an open capture, whose header is read at once. Raises Misuse now, BrokenOff while iterating."""
    magic = stream.read(4)
    if magic in PCAP_MAGICS:
        return _pcap_frames(stream.read, name, *PCAP_MAGICS[magic])
    if magic == PCAPNG_MAGIC:
        return _pcapng_frames(stream.read, _Section.begun(stream.read, name))
    raise Misuse(f"{name}: expected a pcap or pcapng capture, got {_beginning(magic)}")


def _beginning(magic: bytes) -> str:
    if not magic:
        return "an empty file"
    return f"a file that begins with {magic.hex()} ({magic.decode('ascii', 'backslashreplace')!r})"


Read = Callable[[int], bytes]


def _pcap_frames(read: Read, name: str, order: str, ticks: int) -> Iterator[Frame]:
    header = read(20)
    if len(header) < 20:
        raise Misuse(f"{name}: expected a pcap header of 24 octets, got a file of {4 + len(header)}")
    version, _, _, _, _, linktype = struct.unpack(order + "HHIIII", header)
    if version != 2:
        raise Misuse(f"{name}: expected pcap version 2, got {version}")
    return _pcap_records(read, struct.Struct(order + "IIII"), linktype & 0xFFFF, ticks)


def _pcap_records(read: Read, record: struct.Struct, linktype: int, ticks: int) -> Iterator[Frame]:
    while header := read(16):
        if len(header) < 16:
            raise BrokenOff(f"its record header has {len(header)} of 16 octets")
        seconds, fraction, size, _ = record.unpack(header)
        yield linktype, seconds + fraction / ticks, _exactly(read, size)


@dataclass(frozen=True, kw_only=True)
class _Interface:
    """What pcapng says of the interface that frames were captured on."""

    linktype: int
    snap: int
    ticks: int
    offset: int


class _Section:
    """One section of a pcapng file: its byte order, and the interfaces described so far."""

    def __init__(self, order: str) -> None:
        self.order = order
        self.interfaces: list[_Interface] = []

    @classmethod
    def begun(cls, read: Read, name: str) -> _Section:
        """The section whose header block begins the file, its type already read."""
        try:
            return cls.after_type(read)
        except BrokenOff as broken:
            raise Misuse(f"{name}: expected a pcapng section header, got a broken one: {broken}") from None

    @classmethod
    def after_type(cls, read: Read) -> _Section:
        """The section whose header block begins here; its byte order is that of the block's own magic number."""
        head = _exactly(read, 8)
        if head[4:] not in BYTE_ORDER_MAGICS:
            raise BrokenOff(f"a section's byte-order magic is {head[4:].hex()}")
        section = cls(BYTE_ORDER_MAGICS[head[4:]])
        body = section.block_body(read, head[:4], already=head[4:])
        (version,) = section.unpack("H", body, 4)
        if version != 1:
            raise BrokenOff(f"a section has pcapng version {version}, expected 1")
        return section

    def unpack(self, shape: str, octets: bytes, at: int = 0) -> tuple[int, ...]:
        """Numbers of the section's byte order."""
        layout = struct.Struct(self.order + shape)
        if len(octets) < at + layout.size:
            raise BrokenOff(f"a block needs {at + layout.size} octets, {len(octets)} are in it")
        return layout.unpack_from(octets, at)

    def block_body(self, read: Read, length_octets: bytes, *, already: bytes = b"") -> bytes:
        """The body of a block whose type and length were just read; `already` is the part of it read before."""
        (length,) = self.unpack("I", length_octets)
        if length < 12 + len(already) or length % 4:
            raise BrokenOff(f"a block says it has {length} octets, expected a multiple of 4 from 12 up")
        rest = _exactly(read, length - 8 - len(already))
        if rest[-4:] != length_octets:
            raise BrokenOff("the two lengths of a block disagree")
        return already + rest[:-4]

    def describe(self, body: bytes) -> None:
        """Take in an Interface Description Block."""
        linktype, _, snap = self.unpack("HHI", body)
        ticks, offset = 1_000_000, 0
        for code, value in self.options(body, 8):
            if code == TIME_RESOLUTION and len(value) == 1:
                ticks = (2 if value[0] & 0x80 else 10) ** (value[0] & 0x7F)
            elif code == TIME_OFFSET and len(value) == 8:
                (offset,) = self.unpack("q", value)
        self.interfaces.append(_Interface(linktype=linktype, snap=snap, ticks=ticks, offset=offset))

    def options(self, body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
        """The options of a block that begin at `at`."""
        while len(body) >= at + 4:
            code, size = self.unpack("HH", body, at)
            if code == END_OF_OPTIONS:
                return
            yield code, body[at + 4 : at + 4 + size]
            at += 4 + size + -size % 4

    def frame(self, kind: int, body: bytes) -> Frame:
        """The frame in one of the three kinds of packet block."""
        if kind == SIMPLE_PACKET:
            (size,) = self.unpack("I", body)
            interface = self.interface(0)
            return interface.linktype, 0.0, body[4 : 4 + min(size, interface.snap or size)]
        if kind == ENHANCED_PACKET:
            number, high, low, size, _ = self.unpack("IIIII", body)
        else:
            number, _, high, low, size, _ = self.unpack("HHIIII", body)
        interface = self.interface(number)
        if len(body) < 20 + size:
            raise BrokenOff(f"it says that {size} octets were captured, {len(body) - 20} are in its block")
        return interface.linktype, interface.offset + (high << 32 | low) / interface.ticks, body[20 : 20 + size]

    def interface(self, number: int) -> _Interface:
        """The interface of that number."""
        if number >= len(self.interfaces):
            raise BrokenOff(f"it names interface {number}, but {len(self.interfaces)} are described")
        return self.interfaces[number]


def _pcapng_frames(read: Read, section: _Section) -> Iterator[Frame]:
    while kind_octets := read(4):
        if kind_octets == PCAPNG_MAGIC:
            section = _Section.after_type(read)
            continue
        (kind,) = section.unpack("I", kind_octets)
        body = section.block_body(read, _exactly(read, 4))
        if kind == INTERFACE:
            section.describe(body)
        elif kind in (ENHANCED_PACKET, SIMPLE_PACKET, OBSOLETE_PACKET):
            yield section.frame(kind, body)


def _exactly(read: Read, size: int) -> bytes:
    if size > LARGEST_RECORD:
        raise BrokenOff(f"it claims {size} octets, more than any packet has")
    octets = read(size)
    if len(octets) < size:
        raise BrokenOff(f"{len(octets)} of {size} octets are there")
    return octets
