"""How an AH packet is made, and checked by whoever has the key: what routers may change is zeroed, the rest must match.

The clauses are RFC 4302's. AH covers the IP header in front of it, so the whole IP packet is needed, and no
fragment of one (§3.4.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse, WireError
from ikelab.ipsec.esp import spi_or_zeros
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol

FIXED_SIZE = 12  # all before the ICV
ALIGNMENTS = {4: 4, 6: 8}  # what the header's size is a multiple of, by IP version (§2.6)

MUTABLE_IN_IPV4 = ((1, 1), (6, 2), (8, 1), (10, 2))
"""DSCP and ECN; flags and fragment offset; TTL; checksum (§3.3.3.1.1.1)."""
MUTABLE_IN_IPV6 = ((0, 4), (7, 1))
"""DSCP, ECN and flow label; hop limit (§3.3.3.1.2.1)."""

Wrap = Callable[[bytes], bytes]
"""An IP header around what stands behind it."""

IMMUTABLE_OPTIONS = frozenset({0, 1, 130, 133, 134, 148, 149})
"""IPv4 options that the ICV covers, by type octet: the first list of Appendix A1; every other is zeroed."""
SINGLE_OCTET_OPTIONS = frozenset({0, 1})
PAD1, CHANGES_EN_ROUTE = 0, 0x20  # IPv6: the option of one octet; the bit of an option's type that says so


@dataclass(frozen=True, kw_only=True)
class OpenedAh:
    """An AH packet, cut up. AH hides nothing: `payload` follows it in the clear, and is of protocol `next_header`.

    padding: octets that align the header behind the ICV. icv_ok: None if there is no key to check it with.
    covered: the octets that the ICV is computed over, mutable fields and the ICV itself zeroed (§3.3.3).
    """

    spi: bytes
    sequence: int
    next_header: int
    icv: bytes
    padding: bytes
    payload: bytes
    covered: bytes
    icv_ok: bool | None
    remarks: tuple[str, ...] = ()


def spi_of(packet: bytes) -> bytes:
    """The SPI of the AH header that `packet` begins with. Raises WireError."""
    _present(packet, FIXED_SIZE, "AH")
    return packet[4:8]


def seal_ah(keys: SaKeys, sequence: int, iv: bytes, next_header: int, payload: bytes, around: Wrap) -> bytes:
    """The IP packet in which AH protects `payload`, which is of protocol `next_header`, and the header before it.

    around: makes the IP packet of what stands behind its header, as it will be on arrival. sequence: of 64 bits where
    the SA has such. iv: as the integrity check needs it. Raises Misuse where the key is missing.
    """
    if keys.integrity is None or keys.auth_key is None:
        raise Misuse(f"AH: expected the key of an AH SA, got none of the {keys.protocol} SA")
    fixed, bare = spi_or_zeros(keys) + (sequence & 0xFFFFFFFF).to_bytes(4), FIXED_SIZE + keys.icv_size
    size = bare + -bare % ALIGNMENTS[ip.read_ip(around(b"")).version]
    head = bytes((next_header, size // 4 - 2, 0, 0)) + fixed + bytes(size - FIXED_SIZE)
    packet = around(head + payload)
    read = ip.read_ip(packet)
    high = (sequence >> 32).to_bytes(4) if keys.esn else b""
    icv = keys.integrity.icv(keys.auth_key, _immutable(packet, read) + packet[read.start :] + high, iv)
    at = read.start + FIXED_SIZE
    return packet[:at] + icv + packet[at + len(icv) :]


def open_ah(keys: SaKeys, ip_packet: bytes, *, sequence_high: int = 0) -> OpenedAh:
    """Check the IP packet, whose first protocol behind the IP header is AH, with these keys.

    sequence_high: as for ESP. Raises Misuse where the keys are not this packet's, WireError where it is no such packet.
    """
    if keys.protocol != "AH" or keys.integrity is None:
        raise Misuse(f"AH: expected keys of an AH SA, got those of an {keys.protocol} SA")
    packet = ip.read_ip(ip_packet)
    if packet.protocol != IpProtocol.AH or packet.fragment is not None:
        carried = "a fragment" if packet.fragment else IpProtocol(packet.protocol).label
        raise WireError(expected="AH", got=carried, at=packet.protocol_at, path="IP > Protocol", rfc="RFC 4302 §2")
    header = ip_packet[packet.start : packet.end]
    spi = spi_of(header)
    if keys.spi not in (None, spi):
        raise Misuse(f"AH: expected a packet of SPI {keys.spi.hex() if keys.spi else ''}, got one of {spi.hex()}")
    size, icv_end = (header[1] + 2) * 4, FIXED_SIZE + keys.icv_size
    if not icv_end <= size <= len(header):
        raise WireError(
            expected=f"a header of {icv_end} to {len(header)} octets",
            got=str(size),
            at=packet.start + 1,
            path="AH > Payload Len",
            rfc="RFC 4302 §2.2",
        )
    icv, padding = header[FIXED_SIZE:icv_end], header[icv_end:size]
    high = sequence_high.to_bytes(4) if keys.esn else b""
    zeroed = header[:FIXED_SIZE] + bytes(len(icv)) + padding
    covered = _immutable(ip_packet, packet) + zeroed + header[size:] + high
    icv_ok = None if keys.auth_key is None else keys.integrity.verify(keys.auth_key, covered, icv)
    remarks = ("the ICV is wrong: another key, or altered on the way (RFC 4302 §3.4.4)",) if icv_ok is False else ()
    return OpenedAh(
        spi=spi,
        sequence=int.from_bytes(high + header[8:12]),
        next_header=header[0],
        icv=icv,
        padding=padding,
        payload=header[size:],
        covered=covered,
        icv_ok=icv_ok,
        remarks=remarks,
    )


def _immutable(ip_packet: bytes, packet: ip.IpPacket) -> bytes:
    """The IP header with what may change on the way zeroed (RFC 4302 §3.3.3.1)."""
    header = bytearray(ip_packet[: packet.start])
    for at, size in mutable_fields(ip_packet, packet):
        header[at : at + size] = bytes(size)
    header[0] |= ip_packet[0] & 0xF0  # the version does not change, though in IPv6 it shares an octet with what does
    return bytes(header)


def mutable_fields(ip_packet: bytes, packet: ip.IpPacket) -> tuple[tuple[int, int], ...]:
    """Where in the IP header lies what routers may change, and its size (RFC 4302 §3.3.3.1). Raises WireError."""
    if packet.version == 4:
        return (*MUTABLE_IN_IPV4, *_mutable_ipv4_options(ip_packet[: packet.start]))
    options = (each for each in packet.extensions if each.kind in (ip.HOP_BY_HOP, ip.DESTINATION_OPTIONS))
    return (*MUTABLE_IN_IPV6, *(where for each in options for where in _mutable_ipv6_option_data(ip_packet, each)))


def _mutable_ipv4_options(header: bytes) -> Iterator[tuple[int, int]]:
    """Where each option that may change lies, and its size; it is zeroed whole (§3.3.3.1.1.2)."""
    at = ip.IPV4_HEADER
    while at < len(header):
        size = 1 if header[at] in SINGLE_OCTET_OPTIONS else _option_size(header, at, len(header), 0)
        if header[at] not in IMMUTABLE_OPTIONS:
            yield at, size
        at += size


def _mutable_ipv6_option_data(header: bytes, extension: ip.Extension) -> Iterator[tuple[int, int]]:
    """Where the data of each option that may change lies, and its size; type and length stay (§3.3.3.1.2.2)."""
    at, end = extension.at + 2, extension.at + extension.size
    while at < end:
        size = 1 if header[at] == PAD1 else _option_size(header, at, end, 2)
        if header[at] & CHANGES_EN_ROUTE and size > 2:
            yield at + 2, size - 2
        at += size


def _option_size(header: bytes, at: int, end: int, uncounted: int) -> int:
    """The size of the option at `at`, whose length octet leaves `uncounted` octets out; at least 2."""
    size = header[at + 1] + uncounted if at + 1 < end else 0
    if not 2 <= size <= end - at:
        raise WireError(
            expected=f"an option of 2 to {end - at} octets",
            got=str(size),
            at=at,
            path="IP > Options",
            rfc="RFC 4302 §3.3.3.1",
        )
    return size


def _present(octets: bytes, size: int, path: str) -> None:
    if len(octets) < size:
        raise WireError(expected=f"at least {size} octets", got=str(len(octets)), at=0, path=path, rfc="RFC 4302 §2")
