"""How a captured frame is peeled down to what an IKE peer sent: link layer, IP, fragments, UDP.

Link types are numbered as in capture files (LINKTYPE_*). A busy capture holds thousands of frames that are none of our
business for every one that is: `wanted` rejects those by looking at a few octets, before anything is read in earnest.
Checksums are not judged: captures taken on the sending host hold unfinished ones.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ikelab.errors import WireError
from ikelab.net.reassembly import Reassembly
from ikelab.wire import ip
from ikelab.wire.header import HEADER_SIZE
from ikelab.wire.numbers import IpProtocol
from ikelab.wire.udp import Endpoint, Ports

Carrier = Literal["udp", "esp", "ah"]
PROTOCOL_NUMBERS: dict[Carrier, int] = {"udp": IpProtocol.UDP, "esp": IpProtocol.ESP, "ah": IpProtocol.AH}
CARRIERS: dict[int, Carrier] = {number: name for name, number in PROTOCOL_NUMBERS.items()}
UDP, IPSEC = int(IpProtocol.UDP), frozenset({int(IpProtocol.ESP), int(IpProtocol.AH)})  # plain numbers: compared often

VLAN_TAGS = frozenset({b"\x81\x00", b"\x88\xa8", b"\x91\x00"})
IP_ETHERTYPES = frozenset({b"\x08\x00", b"\x86\xdd"})
NOT_IP = -1
RAW_IP = 101

IKE_VERSION_1 = b"\x10"  # major 1, minor 0 (RFC 2408 §3.1)


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturedDatagram:
    """What one frame (or the last of several IP fragments) carried to or from an IKE peer.

    frame: counts from 1, as tshark does.
    time: seconds since 1970.
    source, destination: addresses, and for UDP ports.
    octets: for "udp" the datagram without its UDP header, for "esp" and "ah" the packet from that header on.
    ip: the whole IP packet, header included, which AH's ICV covers (RFC 4302 §3.3.3).
    remarks: what a reader must know: a packet cut short, one put together from fragments.
    """

    frame: int
    time: float
    source: Endpoint
    destination: Endpoint
    protocol: Carrier
    octets: bytes
    ip: bytes
    remarks: tuple[str, ...] = ()


def sent(
    *, frame: int, time: float, source: Endpoint, destination: Endpoint, octets: bytes, protocol: Carrier = "udp"
) -> CapturedDatagram:
    """A datagram as a capture would show it, its IP and UDP headers built here. Raises Misuse."""
    payload = ip.build_udp(source, destination, octets) if protocol == "udp" else octets
    return CapturedDatagram(
        frame=frame,
        time=time,
        source=source,
        destination=destination,
        protocol=protocol,
        octets=octets,
        ip=ip.build_ip(source.address, destination.address, PROTOCOL_NUMBERS[protocol], payload),
    )


def _tagged(octets: bytes, named_at: int, at: int) -> int:
    """Where IP begins behind an EtherType at `named_at` and any number of VLAN tags at `at`."""
    named = octets[named_at : named_at + 2]
    while named in VLAN_TAGS:
        named = octets[at + 2 : at + 4]
        at += 4
    return at if named in IP_ETHERTYPES else NOT_IP


def _ethernet(octets: bytes) -> int:
    return _tagged(octets, 12, 14)


def _linux_cooked(octets: bytes) -> int:
    return _tagged(octets, 14, 16)


def _linux_cooked_2(octets: bytes) -> int:
    return _tagged(octets, 0, 20)


def _raw(octets: bytes) -> int:
    return 0


def _loopback(octets: bytes) -> int:
    return 4  # an address family in the byte order of whoever captured; IP's own version says the same


LINK_LAYERS: dict[int, Callable[[bytes], int]] = {
    0: _loopback,  # NULL: BSD
    1: _ethernet,
    12: _raw,  # what some systems write for RAW
    14: _raw,
    RAW_IP: _raw,
    108: _loopback,  # LOOP: OpenBSD
    113: _linux_cooked,  # LINUX_SLL: `tcpdump -i any`
    228: _raw,  # IPV4
    229: _raw,  # IPV6
    276: _linux_cooked_2,
}


def wanted(octets: bytes, at: int, ports: frozenset[bytes]) -> bool:
    """Whether the IP packet at `at` may carry UDP on one of `ports` (as on the wire), ESP or AH, or a piece of such.

    On any other port a datagram that is plainly an IKEv1 message is wanted too: labs and tests have ports of their own.
    Never raises; a packet too short to tell is not wanted.
    """
    if len(octets) < at + ip.IPV4_HEADER:
        return False
    version = octets[at] >> 4
    if version == 4:
        protocol = octets[at + 9]
        if protocol != UDP:
            return protocol in IPSEC
        if octets[at + 6] & 0x3F or octets[at + 7]:
            return True  # a fragment: the ports may be in another frame
        at += (octets[at] & 15) * 4
    elif version == 6:
        protocol = octets[at + 6]
        if protocol != UDP:
            return protocol in IPSEC or protocol in ip.EXTENSION_HEADERS
        at += ip.IPV6_HEADER
    else:
        return False
    return octets[at : at + 2] in ports or octets[at + 2 : at + 4] in ports or is_plainly_ike(octets, at)


def is_plainly_ike(octets: bytes, at: int) -> bool:
    """Whether the UDP packet at `at` carries an ISAKMP header of version 1.0 whose length is the datagram's own."""
    begin = at + ip.UDP_HEADER
    if octets[begin + 17 : begin + 18] != IKE_VERSION_1:
        return False
    length = int.from_bytes(octets[at + 4 : at + 6]) - ip.UDP_HEADER
    return length >= HEADER_SIZE and octets[begin + 24 : begin + 28] == length.to_bytes(4)


class Peeler:
    """Peels the frames of one capture in order; keeps the fragments that wait for each other."""

    def __init__(self, ports: Ports) -> None:
        self._ports = frozenset(port.to_bytes(2) for port in ports.all)
        self._reassembly = Reassembly()
        self._unread: dict[int, int] = {}
        self._remarks: list[str] = []

    def datagram(self, frame: int, linktype: int, time: float, octets: bytes) -> CapturedDatagram | None:
        """What this frame carried, if it is IKE's, ESP's or AH's business and complete. Never raises."""
        begin = LINK_LAYERS.get(linktype)
        if begin is None:
            self._unread[linktype] = self._unread.get(linktype, 0) + 1
            return None
        at = begin(octets)
        if at == NOT_IP or not wanted(octets, at, self._ports):
            return None
        try:
            return self._peel(frame, time, octets[at:])
        except WireError as error:
            self._remarks.append(f"frame {frame}: {error}")
            return None

    def remarks(self) -> tuple[str, ...]:
        """After the last frame: what could not be read, in sentences."""
        self._reassembly.finish()
        known = ", ".join(map(str, LINK_LAYERS))
        unread = (
            f"{count} frames of link type {linktype} were not read; expected one of {known}"
            for linktype, count in self._unread.items()
        )
        return (*self._remarks, *self._reassembly.remarks, *unread)

    def _peel(self, frame: int, time: float, octets: bytes) -> CapturedDatagram | None:
        remarks: tuple[str, ...] = ()
        packet = ip.read_ip(octets)
        matters = self._matters(packet, octets)
        if packet.fragment is not None:
            whole = self._reassembly.add(frame, time, octets, packet, packet.fragment, matters=matters)
            if whole is None:
                return None
            pieces = ", ".join(map(str, whole.frames))
            remarks, octets = (f"put together from the IP fragments in frames {pieces}",), whole.octets
            packet = ip.read_ip(octets)
            matters = self._matters(packet, octets)
        if not matters:
            return None
        if packet.missing:
            remarks = (*remarks, f"the capture kept {packet.end} of this packet's {packet.end + packet.missing} octets")
        carrier, ports, payload = CARRIERS[packet.protocol], (0, 0), octets[packet.start : packet.end]
        if carrier == "udp":
            ports, payload = _udp_payload(payload)
        return CapturedDatagram(
            frame=frame,
            time=time,
            source=Endpoint(packet.source, ports[0]),
            destination=Endpoint(packet.destination, ports[1]),
            protocol=carrier,
            octets=payload,
            ip=octets[: packet.end],
            remarks=remarks,
        )

    def _matters(self, packet: ip.IpPacket, octets: bytes) -> bool:
        """Whether it shows itself as ESP, AH, or IKE in UDP; a later fragment of UDP shows nothing."""
        if packet.protocol != UDP:
            return packet.protocol in IPSEC
        at = packet.start
        is_first = packet.fragment is None or packet.fragment.offset == 0
        named = octets[at : at + 2] in self._ports or octets[at + 2 : at + 4] in self._ports
        return is_first and (named or is_plainly_ike(octets, at))


def _udp_payload(octets: bytes) -> tuple[tuple[int, int], bytes]:
    if len(octets) < ip.UDP_HEADER:
        raise WireError(expected=f"{ip.UDP_HEADER} octets", got=str(len(octets)), at=0, path="UDP header")
    source, destination, length = struct.unpack_from("!HHH", octets)
    if length and length < ip.UDP_HEADER:
        raise WireError(expected=f"at least {ip.UDP_HEADER}", got=str(length), at=4, path="UDP > Length")
    return (source, destination), octets[ip.UDP_HEADER : length or None]  # 0: longer than the field can say
