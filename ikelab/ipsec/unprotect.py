"""How a protected packet is received: number, ICV, decryption, padding, window, in this order.

Pure: an SA and a packet go in; the SA with its window moved on and the packet inside come out, or a refusal with its
reason, and then the SA is what it was. Nothing is decrypted before the ICV holds; where an SA has no integrity check,
which RFC 4303 §1 warns of, there is nothing to hold, and no window either (§3.4.3).
"""

from __future__ import annotations

from dataclasses import dataclass

from ikelab.errors import WireError
from ikelab.ipsec.ah import OpenedAh, open_ah, spi_of as ah_spi_of
from ikelab.ipsec.association import PROTOCOLS, Association, Inbound
from ikelab.ipsec.esp import HEADER_SIZE, OpenedEsp, decrypt_esp, open_esp, payload_of
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.window import NUMBERS
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol

CONGESTION_EXPERIENCED = 3
DUMMY = int(IpProtocol.NO_NEXT_HEADER)
AH_SEQUENCE_AT = 8
CHECKSUM_AT: dict[int, int] = {IpProtocol.TCP: 16, IpProtocol.UDP: 6}
INNER_VERSIONS: dict[int, int] = {IpProtocol.IPV4: 4, IpProtocol.IPV6: 6}


@dataclass(frozen=True, slots=True)
class Unprotected:
    """A packet that proved genuine.

    sa: the SA as it is from now on. packet: the IP packet inside; b"" of a dummy (RFC 4303 §2.6). sequence: its number.
    octets: as it came, from the SPI on if it is ESP, from the IP header on if it is AH.
    """

    sa: Inbound
    packet: bytes
    sequence: int
    octets: bytes

    @property
    def opened(self) -> OpenedEsp | OpenedAh:
        """How it comes apart."""
        keys = self.sa.association.keys
        opener = open_esp if keys.protocol == "ESP" else open_ah
        return opener(keys, self.octets, sequence_high=self.sequence >> 32)

    @property
    def dummy(self) -> bool:
        """Whether it was sent only to hide when there is traffic."""
        return not self.packet


def unprotect(sa: Inbound, packet: bytes) -> Unprotected | Refused:
    """Receive an IP packet that an SA protects. Never raises for what the packet holds."""
    outcome = _unprotect(sa, packet)
    return outcome.on(sa.association.keys.protocol) if isinstance(outcome, Refused) else outcome


def _unprotect(sa: Inbound, packet: bytes) -> Unprotected | Refused:
    association = sa.association
    if ip.plain_ipv4_protocol(packet) == association.outer_protocol == PROTOCOLS["ESP"]:
        return unprotect_esp(sa, packet[ip.IPV4_HEADER :], packet[: ip.IPV4_HEADER])
    try:
        read = ip.read_ip(packet)
    except WireError as error:
        return Refused.because(Reason.NO_IP_PACKET, str(error))
    if read.missing:
        return Refused.because(Reason.NO_IP_PACKET, f"expected {read.missing} octets more than the {len(packet)} there")
    if read.fragment is not None:
        return Refused.because(Reason.FRAGMENT, "expected a whole packet, for fragments are put together first")
    if read.protocol != association.outer_protocol:
        wanted, got = IpProtocol(association.outer_protocol).label, IpProtocol(read.protocol).label
        return Refused.because(Reason.UNKNOWN_SPI, f"SA {association.spi.hex()}: expected {wanted}, got {got}")
    if association.keys.protocol == "AH":
        return _unprotect_ah(sa, packet, read)
    begin = read.start + (ip.UDP_HEADER if association.udp is not None else 0)
    return unprotect_esp(sa, packet[begin : read.end], packet[: read.start])


def unprotect_esp(sa: Inbound, esp: bytes, header: bytes = b"") -> Unprotected | Refused:
    """Receive an ESP packet from its SPI on, as it comes out of a UDP socket.

    header: the IP header before it, extension headers included. Transport mode needs it to rebuild the packet, tunnel
    mode to hear of congestion (RFC 4301 §5.1.2.1); without it the payload alone is handed on in transport mode.
    """
    association = sa.association
    keys = association.keys
    if len(esp) < HEADER_SIZE:
        return Refused.because(
            Reason.TOO_SHORT, f"expected at least {HEADER_SIZE} octets of ESP header, got {len(esp)}"
        )
    if esp[:4] != association.spi:
        return _another_spi(association, esp[:4])
    sequence = _sequence(sa, int.from_bytes(esp[4:8]))
    if isinstance(sequence, Refused):
        return sequence
    try:
        icv_ok, plaintext = decrypt_esp(keys, esp, sequence_high=sequence >> 32)
    except WireError as error:
        return Refused.because(Reason.TOO_SHORT, str(error))
    if association.has_integrity and not icv_ok:
        return _wrong_icv(association, sequence)
    payload = None if plaintext is None else payload_of(plaintext)
    if plaintext is None or payload is None:
        why = "; ".join(open_esp(keys, esp, sequence_high=sequence >> 32).remarks)
        return Refused.because(Reason.NO_PAYLOAD if plaintext is None else Reason.BAD_PADDING, why)
    next_header = plaintext[-1]
    inner = b"" if next_header == DUMMY else _inner(association, next_header, payload, header)
    if isinstance(inner, Refused):
        return inner
    window = sa.window.after(sequence) if association.has_integrity else sa.window
    return Unprotected(Inbound(association, window), inner, sequence, esp)


def _unprotect_ah(sa: Inbound, packet: bytes, read: ip.IpPacket) -> Unprotected | Refused:
    association = sa.association
    header = packet[read.start : read.end]
    try:
        spi = ah_spi_of(header)
        if spi != association.spi:
            return _another_spi(association, spi)
        sequence = _sequence(sa, int.from_bytes(header[AH_SEQUENCE_AT : AH_SEQUENCE_AT + 4]))
        if isinstance(sequence, Refused):
            return sequence
        opened = open_ah(association.keys, packet, sequence_high=sequence // NUMBERS)
    except WireError as error:
        return Refused.because(Reason.TOO_SHORT, str(error))
    if not opened.icv_ok:
        return _wrong_icv(association, sequence)
    inner = _inner(association, opened.next_header, opened.payload, packet[: read.start])
    if isinstance(inner, Refused):
        return inner
    return Unprotected(Inbound(association, sa.window.after(sequence)), inner, sequence, packet)


def _another_spi(association: Association, spi: bytes) -> Refused:
    return Refused.because(Reason.UNKNOWN_SPI, f"expected a packet of SPI {association.spi.hex()}, got {spi.hex()}")


def _wrong_icv(association: Association, sequence: int) -> Refused:
    return Refused.because(
        Reason.WRONG_ICV,
        f"SA {association.spi.hex()}, number {sequence}: expected the ICV of these octets, got another: "
        "altered on the way, or another key",
    )


def _sequence(sa: Inbound, low: int) -> int | Refused:
    """The packet's whole number, if the window wants it."""
    association = sa.association
    if not association.has_integrity:
        return low
    sequence = sa.window.whole(low) if association.keys.esn else low
    if sequence > association.last_sequence:
        return Refused.because(
            Reason.SEQUENCE_OVERFLOW,
            f"SA {association.spi.hex()}: expected a number up to {association.last_sequence}, got {sequence}",
        )
    return sa.window.refusal(sequence) or sequence


def _inner(association: Association, next_header: int, payload: bytes, header: bytes) -> bytes | Refused:
    """The IP packet that was protected."""
    if association.tunnel is None:
        return _rebuilt(association, next_header, payload, header)
    version = INNER_VERSIONS.get(next_header)
    if version is None:
        return Refused.because(
            Reason.NO_PAYLOAD, f"expected an IP packet in tunnel mode, got {IpProtocol(next_header).label}"
        )
    end = _length(version, payload)
    if end is None:
        return Refused.because(
            Reason.NO_PAYLOAD, f"expected a whole packet of IP version {version}, got {len(payload)} octets"
        )
    return _with_congestion(header, payload[:end])  # what is behind it is TFC padding (RFC 4303 §2.7)


def _length(version: int, packet: bytes) -> int | None:
    """Octets of the IP packet by its own length field; None where they are not there, or it is of another version."""
    least = ip.IPV4_HEADER if version == 4 else ip.IPV6_HEADER
    if len(packet) < least or packet[0] >> 4 != version:
        return None
    total = int.from_bytes(packet[2:4]) if version == 4 else ip.IPV6_HEADER + int.from_bytes(packet[4:6])
    return total if least <= total <= len(packet) else None


def _with_congestion(header: bytes, inner: bytes) -> bytes:
    """The inner packet, told of congestion if routers between the gateways saw some (RFC 4301 §5.1.2.1, note 6)."""
    if not header or _ecn(header) != CONGESTION_EXPERIENCED or _ecn(inner) not in (1, 2):
        return inner
    told = bytearray(inner)
    if inner[0] >> 4 == 6:
        told[1] |= CONGESTION_EXPERIENCED << 4
        return bytes(told)
    told[1] |= CONGESTION_EXPERIENCED
    size = (told[0] & 15) * 4
    told[10:12] = bytes(2)
    told[10:12] = ip.internet_checksum(bytes(told[:size])).to_bytes(2)
    return bytes(told)


def _ecn(packet: bytes) -> int:
    return packet[1] & 3 if packet[0] >> 4 == 4 else packet[1] >> 4 & 3


def _rebuilt(association: Association, next_header: int, payload: bytes, header: bytes) -> bytes | Refused:
    """Transport mode: the payload behind the header that was before ESP or AH."""
    if not header:
        return payload
    read = ip.read_ip(header)
    try:
        rebuilt = ip.with_payload(header, read, next_header, payload)
    except ip.TooLarge as error:
        return Refused.because(Reason.TOO_LARGE, str(error))
    at = CHECKSUM_AT.get(next_header)
    if association.udp is None or at is None or len(payload) < at + 2:
        return rebuilt
    return _with_checksum(rebuilt, read.start, at, next_header)


def _with_checksum(packet: bytes, start: int, at: int, protocol: int) -> bytes:
    """TCP's or UDP's checksum made anew, as a NAT changed the addresses that it covers (RFC 3948 §3.1.2)."""
    addresses = packet[12:20] if packet[0] >> 4 == 4 else packet[8:40]
    payload = packet[start : start + at] + bytes(2) + packet[start + at + 2 :]
    pseudo_header = addresses + len(payload).to_bytes(4) + protocol.to_bytes(4)
    checksum = ip.internet_checksum(pseudo_header + payload) or 0xFFFF
    return packet[: start + at] + checksum.to_bytes(2) + packet[start + at + 2 :]
