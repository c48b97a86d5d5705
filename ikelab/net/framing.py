"""How a capture file frames its packets: scapy reads pcap and pcapng, this page says where and why a file breaks off.

A frame is (link type, seconds since 1970, octets). A file that is no capture is a Misuse; one that breaks off or turns
into nonsense raises BrokenOff after its last good frame. The one module that imports scapy; it is itself imported when
a capture is read, and not before.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from scapy.error import Scapy_Exception
from scapy.utils import RawPcapNgReader, RawPcapReader

from ikelab.errors import Misuse

Frame = tuple[int, float, bytes]

PCAPNG_MAGIC = bytes.fromhex("0a0d0d0a")
LARGEST_READ = 1 << 24
"""Octets; 64 times the largest packet that capturing programs write. No size in a file is believed beyond it."""

# What scapy's readers raise for files that lie: their own error, and what unpacking nonsense comes to.
NONSENSE = (Scapy_Exception, struct.error, LookupError, ValueError, TypeError, ArithmeticError)


class BrokenOff(Exception):
    """Nothing more can be read from here on; the message says why, for a sentence that begins with the frame number."""


class _Watched:
    """A stream that notices where the file has fewer octets than it promises: there scapy merely stops.

    first: octets that the reader asks for when it looks for another record; getting none of those is the file's end.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.first = 4
        self.shortfall = ""

    def read(self, size: int) -> bytes:
        if size > LARGEST_READ:
            raise BrokenOff(f"it claims {size} octets, more than any packet has")
        octets = self._stream.read(size)
        if len(octets) < size and (octets or size != self.first) and not self.shortfall:
            self.shortfall = f"{len(octets)} of {size} octets are there"
        return octets

    def anything_left(self) -> bool:
        return bool(self._stream.read(1))


class _PcapNg(RawPcapNgReader):
    """As scapy's, but every section numbers its interfaces anew, as the format says."""

    def _read_block_shb(self) -> None:
        self.interfaces = []
        super()._read_block_shb()


def read_frames(stream: IO[bytes], name: str) -> Iterator[Frame]:
    """The frames of an open capture, whose header is read at once. Raises Misuse now, BrokenOff while iterating."""
    watched = _Watched(stream)
    magic = watched.read(4)
    kind: Any = _PcapNg if magic == PCAPNG_MAGIC else RawPcapReader
    # Not by calling the class: that is scapy's guess of the format, which would open the file by its name once more.
    reader = kind.__new__(kind)
    with _complaints() as said:
        try:
            reader.__init__(name, watched, magic)
        except (*NONSENSE, BrokenOff) as error:
            came = _beginning(magic) + _because(said, error)
            raise Misuse(f"{name}: expected a pcap or pcapng capture, got {came}") from None
    watched.first = 4 if isinstance(reader, RawPcapNgReader) else 16
    return _frames(reader, watched)


def _frames(reader: Any, watched: _Watched) -> Iterator[Frame]:  # noqa: ANN401
    with _complaints() as said:
        while True:
            try:
                octets, about = reader._read_packet()
            except EOFError as end:
                if reason := watched.shortfall or (said[-1] if said else str(end)):
                    raise BrokenOff(reason) from None
                if watched.anything_left():
                    raise BrokenOff("the next record makes no sense") from None
                return
            except NONSENSE as error:
                raise BrokenOff(f"the next record makes no sense: {error}") from None
            if watched.shortfall:
                raise BrokenOff(watched.shortfall)
            yield _linktype(reader, about), _seconds(reader, about), octets


def _linktype(reader: Any, about: Any) -> int:  # noqa: ANN401
    return int(getattr(about, "linktype", getattr(reader, "linktype", 0))) & 0xFFFF


def _seconds(reader: Any, about: Any) -> float:  # noqa: ANN401
    if isinstance(reader, RawPcapNgReader):
        if about.tshigh is None:  # a Simple Packet Block tells no time
            return 0.0
        return float((about.tshigh << 32 | about.tslow) / about.tsresol)
    return float(about.sec + about.usec / (1_000_000_000 if reader.nano else 1_000_000))


def _beginning(magic: bytes) -> str:
    if not magic:
        return "an empty file"
    return f"a file that begins with {magic.hex()} ({magic.decode('ascii', 'backslashreplace')!r})"


def _because(said: list[str], error: Exception) -> str:
    reason = str(error) or (said[-1] if said else "")
    return f": {reason}" if reason and "bad magic" not in reason else ""


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What scapy would print about a file, collected instead: it is why the reading ends, not noise on a terminal."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    log = logging.getLogger("scapy.runtime")
    before, propagate = log.handlers, log.propagate
    log.handlers, log.propagate = [handler], False
    try:
        yield said
    finally:
        log.handlers, log.propagate = before, propagate
