"""How an IP packet carries IKE, ESP and AH: which octets are header, which are the next protocol's, what is a fragment.

Reading is lenient where a capture cannot be better (a packet cut short says how much is `missing`) and strict where no
meaning is left (WireError). Extension headers of IPv6 are walked; AH and ESP end the walk.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from functools import lru_cache

from ikelab.errors import Misuse, WireError
from ikelab.wire.numbers import IpProtocol
from ikelab.wire.udp import Endpoint

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION_OPTIONS = 0, 43, 44, 60
OPTION_HEADERS = frozenset({HOP_BY_HOP, ROUTING, DESTINATION_OPTIONS})
EXTENSION_HEADERS = OPTION_HEADERS | {FRAGMENT}
IPV4_HEADER, IPV6_HEADER, UDP_HEADER = 20, 40, 8
ADDRESS_PAIRS_KEPT = 256
LARGEST = 65_535  # what a 16-bit length field can say

DONT_FRAGMENT, MORE_FRAGMENTS = 0x4000, 0x2000


class TooLarge(Misuse):
    """More octets than a length field of 16 bits can say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Extension:
    """One IPv6 extension header: its number, where it begins, and its size in octets."""

    kind: int
    at: int
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Fragment:
    """What a fragment says of its place: whose piece it is, how many octets come before it, whether more follow."""

    identification: int
    offset: int
    more: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class IpPacket:
    """An IP packet's header, read.

    `protocol`, which the octet at `protocol_at` names, is that of the octets from `start` to `end`. `missing` counts
    octets that the length field promises and that are not there (a capture may cut packets short).
    """

    version: int
    source: str
    destination: str
    protocol: int
    protocol_at: int
    start: int
    end: int
    missing: int
    fragment: Fragment | None
    extensions: tuple[Extension, ...] = ()


def read_ip(octets: bytes) -> IpPacket:
    """The header of the IP packet that begins with the first octet. Raises WireError."""
    version = octets[0] >> 4 if octets else 0
    if version == 4:
        return _read_ipv4(octets)
    if version == 6:
        return _read_ipv6(octets)
    raise WireError(expected="IP version 4 or 6", got=str(version) if octets else "nothing", at=0, path="IP > Version")


def plain_ipv4_protocol(octets: bytes) -> int | None:
    """The protocol of a whole IPv4 packet that has neither options nor a part in a fragmentation; None of any other.

    Most packets are such, and to know that one is takes a fraction of reading its header.
    """
    if len(octets) < IPV4_HEADER or octets[0] != 0x45 or octets[6] & 0x3F or octets[7]:
        return None
    return octets[9] if octets[2] << 8 | octets[3] == len(octets) else None


def _read_ipv4(octets: bytes) -> IpPacket:
    size = (octets[0] & 15) * 4
    _present(octets, 0, max(size, IPV4_HEADER), "IPv4 header")
    if size < IPV4_HEADER:
        raise WireError(expected="at least 5 words", got=str(size // 4), at=0, path="IPv4 > IHL")
    total, identification, flags = struct.unpack_from("!HHH", octets, 2)
    total = total or len(octets)  # 0: the sender's network card was to cut it up; all that was captured belongs to it
    if total < size:
        raise WireError(
            expected=f"at least the header's {size} octets", got=str(total), at=2, path="IPv4 > Total Length"
        )
    offset, more = (flags & 0x1FFF) * 8, bool(flags & MORE_FRAGMENTS)
    return IpPacket(
        version=4,
        source=_dotted(octets[12:16]),
        destination=_dotted(octets[16:20]),
        protocol=octets[9],
        protocol_at=9,
        start=size,
        end=min(total, len(octets)),
        missing=max(0, total - len(octets)),
        fragment=Fragment(identification=identification, offset=offset, more=more) if offset or more else None,
    )


def _read_ipv6(octets: bytes) -> IpPacket:
    _present(octets, 0, IPV6_HEADER, "IPv6 header")
    length = int.from_bytes(octets[4:6])
    total = IPV6_HEADER + length if length else len(octets)  # 0: as above, or a jumbogram
    end = min(total, len(octets))
    protocol, protocol_at, at = octets[6], 6, IPV6_HEADER
    extensions: list[Extension] = []
    fragment = None
    while protocol in EXTENSION_HEADERS and fragment is None:  # what follows a Fragment header is a piece, no header
        _present(octets[:end], at, 8, "IPv6 extension header")
        size = 8 if protocol == FRAGMENT else (octets[at + 1] + 1) * 8
        _present(octets[:end], at, size, "IPv6 extension header")
        if protocol == FRAGMENT:
            place, identification = struct.unpack_from("!HI", octets, at + 2)
            fragment = Fragment(identification=identification, offset=place & 0xFFF8, more=bool(place & 1))
        extensions.append(Extension(kind=protocol, at=at, size=size))
        protocol, protocol_at, at = octets[at], at, at + size
    return IpPacket(
        version=6,
        source=str(ipaddress.IPv6Address(octets[8:24])),
        destination=str(ipaddress.IPv6Address(octets[24:40])),
        protocol=protocol,
        protocol_at=protocol_at,
        start=at,
        end=end,
        missing=max(0, total - len(octets)),
        fragment=fragment,
        extensions=tuple(extensions),
    )


def build_ip(
    source: str,
    destination: str,
    protocol: int,
    payload: bytes,
    *,
    traffic_class: int = 0,
    identification: int = 0,
    dont_fragment: bool = True,
) -> bytes:
    """An unfragmented IP packet of the addresses' version around `payload`, with header checksum. Raises Misuse.

    traffic_class: DSCP and ECN. identification, dont_fragment: IPv4's, which IPv6 does not have.
    """
    version, addresses = _packed(source, destination)
    if version == 6:
        _fits(len(payload), "an IPv6 payload")
        return struct.pack("!IHBB", 6 << 28 | traffic_class << 20, len(payload), protocol, 64) + addresses + payload
    total = IPV4_HEADER + len(payload)
    _fits(total, "an IPv4 packet")
    flags = DONT_FRAGMENT if dont_fragment else 0
    head = struct.pack("!BBHHHBB", 0x45, traffic_class, total, identification, flags, 64, protocol)
    return head + internet_checksum(head + addresses).to_bytes(2) + addresses + payload


def with_payload(octets: bytes, packet: IpPacket, protocol: int, payload: bytes) -> bytes:
    """The header that was read from `octets`, extension headers included, around another payload. Raises Misuse.

    Length, protocol and checksum are made to fit; all else stays.
    """
    header = bytearray(octets[: packet.start])
    header[packet.protocol_at] = protocol
    if packet.version == 6:
        _fits(len(header) - IPV6_HEADER + len(payload), "an IPv6 payload")
        header[4:6] = (len(header) - IPV6_HEADER + len(payload)).to_bytes(2)
        return bytes(header) + payload
    _fits(len(header) + len(payload), "an IPv4 packet")
    header[2:4], header[10:12] = (len(header) + len(payload)).to_bytes(2), bytes(2)
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2)
    return bytes(header) + payload


def with_source(octets: bytes, source: str) -> bytes:
    """The packet with another source address, as a NAT leaves it: with a new header checksum, and nothing else new.

    Raises WireError where there is no packet, Misuse where the address is not of its version.
    """
    packet = read_ip(octets)
    at, end = (12, 16) if packet.version == 4 else (8, 24)
    address = _packed(source, packet.destination)[1][: end - at]
    changed = octets[:at] + address + octets[end:]
    return with_payload(changed, packet, packet.protocol, octets[packet.start : packet.end])


def unfragmented(first: bytes, payload: bytes) -> bytes:
    """The packet that was cut up: the header of its `first` fragment, mended to say so, and the whole `payload`.

    That is the packet IPsec sees: offset and flag cleared (RFC 4302 §3.4.1), an IPv6 Fragment header taken out and the
    header before it made to name what follows (RFC 4302 Appendix A2). Raises Misuse where the whole is too large.
    """
    packet = read_ip(first)
    if packet.version == 4:
        return with_payload(first[:6] + bytes(2) + first[8:], packet, packet.protocol, payload)
    header, named_at = bytearray(first[: packet.start]), 6
    for extension in packet.extensions:
        if extension.kind == FRAGMENT:
            header[named_at] = header[extension.at]
            del header[extension.at : extension.at + extension.size]
            break
        named_at = extension.at
    _fits(len(header) - IPV6_HEADER + len(payload), "an IPv6 payload")
    struct.pack_into("!H", header, 4, len(header) - IPV6_HEADER + len(payload))
    return bytes(header) + payload


def build_udp(source: Endpoint, destination: Endpoint, payload: bytes) -> bytes:
    """A UDP datagram, header and checksum included, that travels between these endpoints. Raises Misuse."""
    length = UDP_HEADER + len(payload)
    _fits(length, "a UDP datagram")
    for port in (source.port, destination.port):
        if not 0 <= port <= LARGEST:
            raise Misuse(f"a UDP port is a number from 0 to {LARGEST}, got {port}")
    head = struct.pack("!HHH", source.port, destination.port, length)
    pseudo_header = _packed(source.address, destination.address)[1] + struct.pack("!HH", IpProtocol.UDP, length)
    checksum = internet_checksum(pseudo_header + head + bytes(2) + payload) or 0xFFFF  # 0 would say "no checksum"
    return head + checksum.to_bytes(2) + payload


def internet_checksum(octets: bytes) -> int:
    """The complement of the ones' complement sum of 16-bit words, an odd last octet padded with zero.

    That sum is the remainder by 65535, as 65536 leaves 1; but where it is not zero in itself, 65535 and not 0.
    """
    number = int.from_bytes(octets + bytes(len(octets) % 2))
    return 0xFFFF - (number % 0xFFFF or (0xFFFF if number else 0))


@lru_cache(maxsize=ADDRESS_PAIRS_KEPT)
def _packed(source: str, destination: str) -> tuple[int, bytes]:
    """The IP version of two addresses and the octets of both. Raises Misuse."""
    try:
        pair = ipaddress.ip_address(source), ipaddress.ip_address(destination)
    except ValueError as error:
        raise Misuse(f"expected two IP addresses, got {source!r} and {destination!r}: {error}") from None
    if pair[0].version != pair[1].version:
        raise Misuse(f"expected two addresses of one IP version, got {source} and {destination}")
    return pair[0].version, pair[0].packed + pair[1].packed


def _fits(size: int, what: str) -> None:
    if size > LARGEST:
        raise TooLarge(f"{what} has at most {LARGEST} octets, got {size}")


def _dotted(four: bytes) -> str:
    return "{}.{}.{}.{}".format(*four)


def _present(octets: bytes, at: int, size: int, path: str) -> None:
    if len(octets) < at + size:
        raise WireError(expected=f"{size} octets", got=str(len(octets) - at), at=at, path=path)
