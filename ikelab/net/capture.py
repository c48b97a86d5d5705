"""Recorded packets: every IKE message, ESP and AH packet of a pcap or pcapng file in order, and how to write one.

A capture that breaks off is read up to there, with a remark. Compressed captures (gzip) and pipes are read too.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from ikelab.errors import Misuse
from ikelab.net.peel import RAW_IP, CapturedDatagram, Peeler, sent
from ikelab.wire.udp import STANDARD_PORTS, Ports

__all__ = ["Capture", "CapturedDatagram", "read_capture", "sent", "write_capture"]

GZIP_MAGIC = b"\x1f\x8b"
DAMAGE = (EOFError, OSError, zlib.error)  # what reading a damaged or vanishing file raises
MOST_REMARKS = 20
PCAP_HEADER, PCAP_RECORD = struct.Struct("<IHHiIII"), struct.Struct("<IIII")


class Capture:
    """A capture file: iterate over it, as often as you like, for its datagrams.

    When a pass has ended, `frames` is how many frames the file has, and `remarks` says what could not be read of them.
    """

    def __init__(self, path: str | os.PathLike[str], *, ports: Ports = STANDARD_PORTS) -> None:
        self.path, self.ports = Path(path), ports
        self.frames = 0
        self.remarks: tuple[str, ...] = ()
        self._piped: bytes | None = None
        with self._opened() as stream:
            if not stream.seekable():
                self._piped = stream.read()
        with self._opened() as stream:
            self._frames_of(stream)

    def __iter__(self) -> Iterator[CapturedDatagram]:
        self.frames, self.remarks = 0, ()
        from ikelab.net.framing import BrokenOff

        peeler, broken = Peeler(self.ports), ""
        with self._opened() as stream:
            try:
                for linktype, time, octets in self._frames_of(stream):
                    self.frames += 1
                    datagram = peeler.datagram(self.frames, linktype, time, octets)
                    if datagram is not None:
                        yield datagram
            except (BrokenOff, *DAMAGE) as error:
                broken = f"the capture breaks off in frame {self.frames + 1}: {error}"
        remarks = peeler.remarks()
        more = (f"... and {len(remarks) - MOST_REMARKS} more of the kind",) if len(remarks) > MOST_REMARKS else ()
        self.remarks = (*remarks[:MOST_REMARKS], *more, *([broken] if broken else []))

    def _frames_of(self, stream: IO[bytes]) -> Iterator[tuple[int, float, bytes]]:
        try:
            from ikelab.net.framing import read_frames
        except ImportError:
            raise Misuse(
                f"{self.path}: expected scapy, which reads captures, got none: pip install 'ikelab[all]'"
            ) from None
        try:
            return read_frames(_unpacked(stream), str(self.path))
        except DAMAGE as error:
            raise Misuse(f"{self.path}: expected a capture, got a file that cannot be unpacked: {error}") from None

    def _opened(self) -> IO[bytes]:
        if self._piped is not None:
            return io.BytesIO(self._piped)
        try:
            return self.path.open("rb")
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Misuse(f"{self.path}: expected a capture file that can be read, got: {reason}") from None


def read_capture(path: str | os.PathLike[str], *, ports: Ports = STANDARD_PORTS) -> Capture:
    """The capture at `path` (pcap or pcapng, also gzipped), to be iterated over. Raises Misuse if it is none."""
    return Capture(path, ports=ports)


def write_capture(path: str | os.PathLike[str], datagrams: Iterable[CapturedDatagram]) -> None:
    """Write the datagrams' IP packets as a pcap (link type RAW). Raises Misuse, and then leaves an older file whole."""
    target = Path(path)
    octets = bytearray(PCAP_HEADER.pack(0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, RAW_IP))
    for datagram in datagrams:
        seconds, microseconds = divmod(round(datagram.time * 1_000_000), 1_000_000)
        if not 0 <= seconds < 1 << 32:
            raise Misuse(f"a pcap tells the time as seconds since 1970 in 32 bits, got {datagram.time}")
        octets += PCAP_RECORD.pack(seconds, microseconds, len(datagram.ip), len(datagram.ip)) + datagram.ip
    beside = target.with_name(target.name + ".part")
    try:
        beside.write_bytes(octets)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Misuse(f"{target}: cannot write a capture there: {error.strerror}") from None


def _unpacked(stream: IO[bytes]) -> IO[bytes]:
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=stream)) if magic == GZIP_MAGIC else stream
