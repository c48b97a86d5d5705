"""How an IP packet becomes an ESP or AH packet: the next number, an IV, a trailer, an ICV, and a header around it all.

Pure functions over frozen values: an SA and a packet go in, the SA with its next number and the protected packet come
out. The clauses are RFC 4303's and RFC 4302's, which say the same of numbers, except where another is named.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from ikelab.errors import Misuse, WireError
from ikelab.ipsec.ah import seal_ah
from ikelab.ipsec.association import PROTOCOLS, Association, DontFragment, Outbound, Tunnel, UdpPorts
from ikelab.ipsec.esp import seal_esp
from ikelab.ipsec.refused import Reason, Refused
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol
from ikelab.wire.udp import Endpoint

Draw = Callable[[str, int], bytes]
"""Chance, drawn by label: that many octets that nobody can foresee. No label is used twice."""

SEGMENTS_LEFT_AT = 3
INNER = {4: int(IpProtocol.IPV4), 6: int(IpProtocol.IPV6)}


@dataclass(frozen=True, slots=True)
class Protected:
    """A packet ready for the wire, and the SA as it is from now on."""

    sa: Outbound
    packet: bytes


def protect(sa: Outbound, packet: bytes, draw: Draw) -> Protected | Refused:
    """Protect an IP packet as the SA says: all of it in tunnel mode, what its header carries in transport mode.

    draw: where the IVs of CBC ciphers come from; the label names the SPI and the sequence number. Never raises for what
    the packet holds: what cannot be sent is refused, and the SA stays as it was. Raises Misuse where `draw` gives
    another number of octets than it was asked for.
    """
    association = sa.association
    sequence = sa.sequence + 1
    if sequence > association.last_sequence:
        return _used_up(association)
    try:
        whole = packet[: _whole(packet)]
        tunnel = association.tunnel
        octets: bytes | Refused = (
            _in_transport(association, sequence, whole, draw)
            if tunnel is None
            else _in_tunnel(association, tunnel, sequence, whole, draw)
        )
    except WireError as error:
        return Refused.because(Reason.NO_IP_PACKET, str(error))
    except ip.TooLarge as error:
        return Refused.because(Reason.TOO_LARGE, str(error))
    return octets if isinstance(octets, Refused) else Protected(Outbound(association, sequence), octets)


def dummy(sa: Outbound, size: int, draw: Draw) -> Protected | Refused:
    """A packet of that many octets of chance that the receiver throws away, to hide when there is traffic (§2.6).

    Raises Misuse for an SA that is not ESP in tunnel mode.
    """
    association, sequence = sa.association, sa.sequence + 1
    if association.tunnel is None or association.keys.protocol != "ESP":
        raise Misuse(f"dummy packet: expected an SA of ESP in tunnel mode, got {association}")
    if sequence > association.last_sequence:
        return _used_up(association)
    noise = draw(f"dummy {association.spi.hex()} {sequence}", size)
    sealed = _esp(association, sequence, int(IpProtocol.NO_NEXT_HEADER), noise, draw)
    outer = _outer(association.tunnel, sequence, 0, DontFragment.SET, *_wrapped(association, sealed))
    return Protected(Outbound(association, sequence), outer)


def iv_for(association: Association, sequence: int, draw: Draw) -> bytes:
    """The IV of the packet of this number.

    Counter mode, CCM, GCM and GMAC need one that never repeats under a key: it is the sequence number, which does not
    either (RFC 3686 §3.1, RFC 4106 §3.1, RFC 4309 §3.1, RFC 4543 §3.1). A CBC cipher needs one that nobody can foresee
    (RFC 3602 §3): it is drawn.
    """
    keys = association.keys
    if keys.cipher is None:
        size = keys.integrity.iv_size if keys.integrity else 0
        return sequence.to_bytes(size) if size else b""
    if keys.cipher.counts_ivs:
        return sequence.to_bytes(keys.cipher.iv_size)
    size = keys.cipher.iv_size
    return draw(f"IV {association.spi.hex()} {sequence}", size) if size else b""


def _used_up(association: Association) -> Refused:
    return Refused.because(
        Reason.SEQUENCE_OVERFLOW,
        f"SA {association.spi.hex()}: expected a number up to {association.last_sequence}, which was the last: "
        "a new SA is needed",
    ).on(association.keys.protocol)


def _whole(packet: bytes) -> int:
    """How many octets of these the IP packet has, by its length field. Raises WireError where some are missing."""
    version, total = (packet[0] >> 4 if packet else 0), 0
    if version == 4 and len(packet) >= ip.IPV4_HEADER:
        total = int.from_bytes(packet[2:4])
    elif version == 6 and len(packet) >= ip.IPV6_HEADER:
        total = ip.IPV6_HEADER + int.from_bytes(packet[4:6])
    if not ip.IPV4_HEADER <= total <= len(packet):
        raise WireError(
            expected="a whole IP packet", got=f"{len(packet)} octets of {total or 'none'}", at=0, path="IP packet"
        )
    return total


def _in_tunnel(association: Association, tunnel: Tunnel, sequence: int, packet: bytes, draw: Draw) -> bytes:
    if packet[0] >> 4 == 4:
        traffic_class, next_header = packet[1], INNER[4]
        dont_fragment = DontFragment.SET if packet[6] & 0x40 else DontFragment.CLEAR
    else:
        traffic_class, next_header = int.from_bytes(packet[:2]) >> 4 & 0xFF, INNER[6]
        dont_fragment = DontFragment.SET
    if association.keys.protocol == "ESP":
        sealed = _esp(association, sequence, next_header, packet, draw)
        return _outer(tunnel, sequence, traffic_class, dont_fragment, *_wrapped(association, sealed))
    return seal_ah(
        association.keys,
        sequence,
        iv_for(association, sequence, draw),
        next_header,
        packet,
        lambda behind: _outer(tunnel, sequence, traffic_class, dont_fragment, PROTOCOLS["AH"], behind),
    )


def _in_transport(association: Association, sequence: int, packet: bytes, draw: Draw) -> bytes | Refused:
    """The protected payload behind the packet's own header, after extension headers (§3.1.1)."""
    read = ip.read_ip(packet)
    if read.fragment is not None:
        return Refused.because(
            Reason.FRAGMENT, "transport mode protects whole packets only, got a fragment", "RFC 4303 §3.3.4"
        ).on(association.keys.protocol)
    payload = packet[read.start : read.end]
    if association.keys.protocol == "ESP":
        protocol, behind = _wrapped(association, _esp(association, sequence, read.protocol, payload, draw))
        return ip.with_payload(packet, read, protocol, behind)
    for extension in read.extensions:
        if extension.kind == ip.ROUTING and packet[extension.at + SEGMENTS_LEFT_AT]:
            return Refused.because(
                Reason.UNFORESEEABLE, "expected a routing header without segments left, as AH covers it on arrival"
            )
    return seal_ah(
        association.keys,
        sequence,
        iv_for(association, sequence, draw),
        read.protocol,
        payload,
        lambda behind: ip.with_payload(packet, read, PROTOCOLS["AH"], behind),
    )


def _esp(association: Association, sequence: int, next_header: int, payload: bytes, draw: Draw) -> bytes:
    return seal_esp(association.keys, sequence, iv_for(association, sequence, draw), next_header, payload)


def _wrapped(association: Association, esp: bytes) -> tuple[int, bytes]:
    """ESP, or UDP around it, and the protocol number that says which."""
    udp = association.udp
    return association.outer_protocol, esp if udp is None else _in_udp(udp, association.tunnel, esp)


def _in_udp(udp: UdpPorts, tunnel: Tunnel | None, esp: bytes) -> bytes:
    """ESP in UDP, without a checksum over IPv4, of which alone RFC 3948 §2.1 says so."""
    if tunnel is not None and ":" in tunnel.source:
        return ip.build_udp(Endpoint(tunnel.source, udp.source), Endpoint(tunnel.destination, udp.destination), esp)
    length = ip.UDP_HEADER + len(esp)
    if length > ip.LARGEST:
        raise ip.TooLarge(f"a UDP datagram has at most {ip.LARGEST} octets, got {length}")
    return struct.pack("!HHHH", udp.source, udp.destination, length, 0) + esp


def _outer(
    tunnel: Tunnel, sequence: int, traffic_class: int, inner: DontFragment, protocol: int, behind: bytes
) -> bytes:
    """The outer header: DSCP and ECN are the inner packet's, so is DF if the tunnel says so (RFC 4301 §5.1.2.1)."""
    dont_fragment = inner if tunnel.dont_fragment is DontFragment.COPIED else tunnel.dont_fragment
    return ip.build_ip(
        tunnel.source,
        tunnel.destination,
        protocol,
        behind,
        traffic_class=traffic_class,
        identification=sequence & 0xFFFF,
        dont_fragment=dont_fragment is DontFragment.SET,
    )
