"""One line about what a protected packet carries."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6ND_NS, IPv6
from scapy.packet import Packet, Raw

from ikelab.ipsec.inner import inner_summary

ENDS = {"src": "10.1.0.1", "dst": "10.2.0.1"}
ENDS6 = {"src": "2001:db8::1", "dst": "2001:db8::2"}


@pytest.mark.parametrize(
    ("next_header", "packet", "line"),
    [
        (4, IP(**ENDS) / ICMP(id=925, seq=1), "10.1.0.1 > 10.2.0.1 ICMP echo request, id 925, seq 1"),
        (4, IP(**ENDS) / ICMP(type=0, id=9, seq=2), "10.1.0.1 > 10.2.0.1 ICMP echo reply, id 9, seq 2"),
        (4, IP(**ENDS) / ICMP(type=3, code=3), "10.1.0.1 > 10.2.0.1 ICMP destination unreachable, code 3"),
        (4, IP(**ENDS) / ICMP(type=42), "10.1.0.1 > 10.2.0.1 ICMP type 42, code 0"),
        (41, IPv6(**ENDS6) / ICMPv6EchoReply(id=3, seq=4), "2001:db8::1 > 2001:db8::2 ICMPv6 echo reply, id 3, seq 4"),
        (41, IPv6(**ENDS6) / ICMPv6ND_NS(), "2001:db8::1 > 2001:db8::2 ICMPv6 neighbor solicitation, code 0"),
        (4, IP(**ENDS) / UDP(sport=1701, dport=1701) / Raw(b"l2tp"), "10.1.0.1 > 10.2.0.1 UDP 1701 > 1701, 4 octets"),
        (4, IP(**ENDS) / TCP(sport=1024, dport=22, flags="S"), "10.1.0.1 > 10.2.0.1 TCP 1024 > 22 SYN, 0 octets"),
        (6, TCP(sport=22, dport=9, flags="PA") / Raw(b"abc"), "TCP 22 > 9 PSH ACK, 3 octets"),
        (6, TCP(sport=22, dport=9, flags=0), "TCP 22 > 9 no flags, 0 octets"),
        (4, IP(**ENDS, proto=50) / Raw(b"\0\0\0\1\0\0\0\2"), "10.1.0.1 > 10.2.0.1 ESP, SPI 00000001, seq 2"),
        (108, Raw(b"\x04\0\0\x02abcd"), "IPComp, CPI 0002, compressed IPv4, 4 octets"),
        (4, IP(**ENDS, proto=17, frag=3) / Raw(b"abc"), "10.1.0.1 > 10.2.0.1 UDP fragment at 24, 3 octets"),
        (4, IP(**ENDS) / IP(**ENDS), "10.1.0.1 > 10.2.0.1 IPv4, 20 octets"),
        (132, Raw(b"abc"), "SCTP, 3 octets"),
        (200, Raw(b"abc"), "IPProtocol 200 (not listed here), 3 octets"),
        (59, Raw(b"abc"), "dummy packet, 3 octets (RFC 4303 §2.6)"),
        (1, Raw(b"abc"), "ICMP, cut short: 3 octets"),
        (4, Raw(b"\x45abc"), "damaged IP packet: IPv4 header at octet 0: expected 20 octets, got 4"),
    ],
)
def test_a_line(next_header: int, packet: Packet, line: str) -> None:
    assert inner_summary(next_header, bytes(packet)) == line


def test_tfc_padding_is_told_from_the_packet() -> None:
    packet = bytes(IP(**ENDS) / ICMP(id=1, seq=1)) + bytes(100)
    assert inner_summary(4, packet).endswith("seq 1, then 100 octets of TFC padding")


@given(st.integers(0, 255), st.binary(max_size=80))
def test_whatever_comes_there_is_a_line(next_header: int, octets: bytes) -> None:
    line = inner_summary(next_header, octets)
    assert line
    assert "\n" not in line
