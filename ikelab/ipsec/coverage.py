"""What of a protected packet nobody can read, and what nobody can change: its pieces, one behind the other.

The pieces tile the packet from its first IP octet to its last. `covered` means that a change is noticed; the ICV itself
is the means and not covered. Whoever flips octets finds this table confirmed, which is how it is tested.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ikelab.errors import Misuse
from ikelab.ipsec.ah import OpenedAh, mutable_fields, open_ah
from ikelab.ipsec.association import Association
from ikelab.ipsec.esp import HEADER_SIZE, open_esp
from ikelab.wire import ip

IPV4_FIELDS = (
    ("Version, IHL", 1),
    ("TOS", 1),
    ("Total Length", 2),
    ("Identification", 2),
    ("Flags, Fragment Offset", 2),
    ("TTL", 1),
    ("Protocol", 1),
    ("Header Checksum", 2),
    ("Source Address", 4),
    ("Destination Address", 4),
)
IPV6_FIELDS = (
    ("Version, Traffic Class, Flow Label", 4),
    ("Payload Length", 2),
    ("Next Header", 1),
    ("Hop Limit", 1),
    ("Source Address", 16),
    ("Destination Address", 16),
)
AH_FIELDS = (("AH Next Header", 1), ("Payload Len", 1), ("RESERVED", 2), ("SPI", 4), ("Sequence Number", 4))


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Octets of a protected packet that share a fate. at, size: octets from the start of the IP packet."""

    name: str
    at: int
    size: int
    encrypted: bool
    covered: bool
    explain: str = ""
    rfc: str = ""

    @property
    def end(self) -> int:
        """The offset behind its last octet."""
        return self.at + self.size


def pieces(association: Association, packet: bytes, *, sequence_high: int = 0) -> tuple[Piece, ...]:
    """The pieces of an IP packet that this SA protects.

    sequence_high: the upper half of the 64-bit sequence number, where the SA has such. Raises WireError where it is no
    such packet, Misuse where it is another SA's, or its ICV is wrong, so that nothing is known of what is inside.
    """
    parts = _of_esp if association.keys.protocol == "ESP" else _of_ah
    return tuple(_laid_out(parts(association, packet, sequence_high)))


Part = tuple[str, int, bool, bool, str, str]
"""Name, size in octets, whether encrypted, whether covered, explanation, clause."""


def _laid_out(parts: Iterator[Part]) -> Iterator[Piece]:
    """The parts one behind the other, without those that are empty."""
    at = 0
    for name, size, encrypted, covered, explain, rfc in parts:
        if size:
            yield Piece(name=name, at=at, size=size, encrypted=encrypted, covered=covered, explain=explain, rfc=rfc)
        at += size


def _of_esp(association: Association, packet: bytes, sequence_high: int) -> Iterator[Part]:
    keys, read = association.keys, ip.read_ip(packet)
    assert keys.cipher is not None
    udp = ip.UDP_HEADER if association.udp is not None else 0
    opened = open_esp(keys, packet[read.start + udp : read.end], sequence_high=sequence_high)
    if opened.next_header is None:
        raise Misuse(f"SA {association.spi.hex()}: expected a packet that it opens, got: {'; '.join(opened.remarks)}")
    hidden, proved = keys.cipher.hides, association.has_integrity
    header, clause = ("Outer IP header", "§3.1.2") if association.tunnel else ("IP header", "§3.1.1")
    yield header, read.start, False, False, "Routers read and change it; ESP leaves it alone.", f"RFC 4303 {clause}"
    yield "UDP header", udp, False, False, "For the NAT to translate.", "RFC 3948 §2.1"
    yield "SPI", 4, False, proved, "Tells the receiver which SA, and so which keys.", "RFC 4303 §2.1"
    yield "Sequence Number", HEADER_SIZE - 4, False, proved, "Tells a replay from a new packet.", "RFC 4303 §2.2"
    yield "IV", len(opened.iv), False, proved, "Starts the cipher; another one gives another text.", "RFC 4303 §2.3"
    for name, size in _inside(association, opened.payload):
        yield name, size, hidden, proved, "What is protected.", "RFC 4303 §2.3"
    yield "Padding", len(opened.padding), hidden, proved, "1, 2, 3, ... up to whole words and blocks.", "RFC 4303 §2.4"
    yield "Pad Length", 1, hidden, proved, "Where the padding begins.", "RFC 4303 §2.5"
    yield "Next Header", 1, hidden, proved, "What the payload is; hidden with it.", "RFC 4303 §2.6"
    yield "ICV", len(opened.icv), False, False, "The proof itself.", "RFC 4303 §2.8"


def _of_ah(association: Association, packet: bytes, sequence_high: int) -> Iterator[Part]:
    read, opened = ip.read_ip(packet), open_ah(association.keys, packet, sequence_high=sequence_high)
    if not opened.icv_ok:
        raise Misuse(f"SA {association.spi.hex()}: expected a packet of its own, got: {'; '.join(opened.remarks)}")
    yield from _header_under_ah(packet, read)
    for name, size in AH_FIELDS:
        yield name, size, False, True, "Part of AH, and covered by it.", "RFC 4302 §3.3.3"
    yield from _proof_of_ah(association, opened)
    for name, size in _inside(association, opened.payload):
        yield name, size, False, True, "Protected, for all to read.", "RFC 4302 §3.3.3"


def _proof_of_ah(association: Association, opened: OpenedAh) -> Iterator[Part]:
    assert association.keys.integrity is not None
    iv = association.keys.integrity.iv_size
    yield "IV", iv, False, True, "Starts GMAC; another one gives another ICV.", "RFC 4543 §4"
    yield "ICV", len(opened.icv) - iv, False, False, "The proof itself: zeros while it is computed.", "RFC 4302 §3.3.3"
    yield "ICV padding", len(opened.padding), False, True, "Aligns what follows.", "RFC 4302 §2.6"


def _header_under_ah(packet: bytes, read: ip.IpPacket) -> Iterator[Part]:
    """The fields of the IP header, and what is behind them in whole stretches, by whether routers may change them."""
    mutable = {octet for at, size in mutable_fields(packet, read) for octet in range(at, at + size)}
    stretches = [*(IPV4_FIELDS if read.version == 4 else IPV6_FIELDS)]
    at, more = sum(size for _, size in stretches), "Options" if read.version == 4 else "Extension headers"
    while at < read.start:
        end = at + 1
        while end < read.start and (end in mutable) == (at in mutable):
            end += 1
        stretches.append((more, end - at))
        at = end
    at = 0
    for name, size in stretches:
        changes = at in mutable
        explain = "Routers may change it: zeros while the ICV is computed." if changes else "Stays the same on its way."
        yield name, size, False, not changes, explain, "RFC 4302 §3.3.3.1"
        at += size


def _inside(association: Association, payload: bytes) -> Iterator[tuple[str, int]]:
    """The parts of what is protected: a whole packet in tunnel mode, and perhaps octets that only fill."""
    if association.tunnel is None or not payload or payload[0] >> 4 not in (4, 6):
        yield "Payload", len(payload)
        return
    read = ip.read_ip(payload)
    yield "Inner IP header", read.start
    yield "Inner payload", read.end - read.start
    yield "TFC padding", len(payload) - read.end
