"""What a NAT does to a packet on its way out: another address, another port, and checksums to suit, where it can see.

It mends the checksum of TCP and UDP because it knows that it has broken it. Of ESP and AH it sees no port, and no
checksum: those are inside, under the ICV (RFC 3715 §2.1).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from ikelab.course.hosts import CHECKSUM_AT, with_right_checksum, without_checksum
from ikelab.ipsec.association import NAT_T_PORT
from ikelab.wire import ip

DESTINATION_AT = 16
NAT_PORT = 1024
"""The port that it gives to the first connection."""


@dataclass(frozen=True, kw_only=True)
class Nat:
    """A NAT for IPv4, with one host behind it. outside: its address there."""

    outside: str

    def translated(self, packet: bytes) -> bytes:
        """A packet of the host behind it, as it leaves the NAT. Raises WireError where it is none."""
        moved = ip.with_source(packet, self.outside)
        read = ip.read_ip(moved)
        if read.protocol not in CHECKSUM_AT:
            return moved
        return _mended(moved[: read.start] + NAT_PORT.to_bytes(2) + moved[read.start + 2 :])

    def returned(self, packet: bytes, inside: str) -> bytes:
        """A packet that has come for the NAT's address, as it goes on to the host behind it; any other as it is.

        The port that the NAT has given becomes UDP 4500 again. Raises WireError where it is no packet.
        """
        read = ip.read_ip(packet)
        if read.destination != self.outside:
            return packet
        moved = packet[:DESTINATION_AT] + ip_address(inside).packed + packet[DESTINATION_AT + 4 :]
        moved = ip.with_payload(moved, read, read.protocol, packet[read.start : read.end])
        at = read.start + 2
        if read.protocol in CHECKSUM_AT and packet[at : at + 2] == NAT_PORT.to_bytes(2):
            moved = moved[:at] + NAT_T_PORT.to_bytes(2) + moved[at + 2 :]
        return _mended(moved)


def _mended(packet: bytes) -> bytes:
    """With a checksum that suits; a UDP datagram without one stays without."""
    return packet if without_checksum(packet, ip.read_ip(packet)) else with_right_checksum(packet)
