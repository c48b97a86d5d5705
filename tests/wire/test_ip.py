"""IP headers, read and built; scapy is the oracle."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting
from scapy.packet import Packet, Raw

from ikelab.errors import Misuse, WireError
from ikelab.wire import ip
from ikelab.wire.udp import Endpoint

PAIRS = [("10.1.0.1", "10.2.0.1"), ("2001:db8::1", "2001:db8::2")]


def raw(packet: Packet) -> bytes:
    return bytes(packet)


class TestReading:
    def test_ipv4_with_options(self) -> None:
        octets = (
            raw(IP(src="1.2.3.4", dst="5.6.7.8", proto=50, options=[b"\x94\x04\0\0"]) / Raw(b"payload"))
            + b"link padding"
        )
        packet = ip.read_ip(octets)
        assert (packet.version, packet.source, packet.destination, packet.protocol) == (4, "1.2.3.4", "5.6.7.8", 50)
        assert octets[packet.start : packet.end] == b"payload"
        assert octets[packet.protocol_at] == 50
        assert (packet.missing, packet.fragment, packet.extensions) == (0, None, ())

    def test_ipv6_with_extension_headers_up_to_esp(self) -> None:
        chain = IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting(type=2) / IPv6ExtHdrDestOpt(nh=50)
        octets = raw(IPv6(src="2001:db8::1", dst="2001:db8::2") / chain / Raw(b"payload"))
        packet = ip.read_ip(octets)
        assert (packet.source, packet.destination, packet.protocol) == ("2001:db8::1", "2001:db8::2", 50)
        assert [extension.kind for extension in packet.extensions] == [0, 43, 60]
        assert octets[packet.start : packet.end] == b"payload"
        assert octets[packet.protocol_at] == 50

    @pytest.mark.parametrize("more", [0, 1])
    def test_ipv4_fragments(self, more: int) -> None:
        packet = ip.read_ip(raw(IP(id=77, flags=more, frag=3, proto=17) / Raw(bytes(8))))
        assert packet.fragment == ip.Fragment(identification=77, offset=24, more=bool(more))

    @pytest.mark.parametrize(("offset", "more"), [(0, 1), (2, 0)])
    def test_an_ipv6_fragment_ends_the_walk(self, offset: int, more: int) -> None:
        octets = raw(IPv6() / IPv6ExtHdrFragment(id=9, offset=offset, m=more, nh=60) / IPv6ExtHdrDestOpt(nh=17))
        packet = ip.read_ip(octets)
        assert (packet.protocol, packet.start) == (60, 48)
        assert packet.fragment == ip.Fragment(identification=9, offset=8 * offset, more=bool(more))

    @pytest.mark.parametrize("addresses", PAIRS)
    def test_a_packet_cut_short_says_how_much_is_missing(self, addresses: tuple[str, str]) -> None:
        octets = ip.build_ip(*addresses, 50, bytes(100))[:-30]
        packet = ip.read_ip(octets)
        assert (packet.missing, packet.end) == (30, len(octets))

    @pytest.mark.parametrize(("addresses", "at"), [(PAIRS[0], 2), (PAIRS[1], 4)])
    def test_a_length_of_zero_means_all_that_was_captured(self, addresses: tuple[str, str], at: int) -> None:
        octets = bytearray(ip.build_ip(*addresses, 50, bytes(100)))
        octets[at : at + 2] = bytes(2)
        packet = ip.read_ip(bytes(octets))
        assert (packet.missing, packet.end) == (0, len(octets))

    @pytest.mark.parametrize(
        ("octets", "path"),
        [
            (b"", "IP > Version"),
            (bytes(40), "IP > Version"),
            (b"\x45" + bytes(10), "IPv4 header"),
            (b"\x44" + bytes(30), "IPv4 > IHL"),
            (b"\x4f" + bytes(30), "IPv4 header"),
            (b"\x45\0\0\x13" + bytes(30), "IPv4 > Total Length"),
            (b"\x60" + bytes(30), "IPv6 header"),
            (b"\x60" + bytes(39), "IPv6 extension header"),
        ],
    )
    def test_what_has_no_meaning_is_refused(self, octets: bytes, path: str) -> None:
        with pytest.raises(WireError) as caught:
            ip.read_ip(octets)
        assert caught.value.path == path

    @given(st.sampled_from([b"\x45", b"\x46", b"\x60"]), st.binary(max_size=120))
    def test_whatever_comes_it_is_read_or_refused(self, first: bytes, rest: bytes) -> None:
        octets = first + rest
        try:
            packet = ip.read_ip(octets)
        except WireError:
            return
        assert 20 <= packet.start <= packet.end <= len(octets)
        assert octets[packet.protocol_at] == packet.protocol


class TestBuilding:
    @pytest.mark.parametrize("addresses", PAIRS)
    @given(payload=st.binary(max_size=64), source_port=st.integers(0, 65535), destination_port=st.integers(0, 65535))
    def test_checksums_are_those_that_scapy_computes(
        self, addresses: tuple[str, str], payload: bytes, source_port: int, destination_port: int
    ) -> None:
        ends = (Endpoint(addresses[0], source_port), Endpoint(addresses[1], destination_port))
        built = ip.build_ip(*addresses, 17, ip.build_udp(*ends, payload))
        outer = IP(src=addresses[0], dst=addresses[1], id=0, flags="DF") if "." in addresses[0] else None
        outer = outer or IPv6(src=addresses[0], dst=addresses[1])
        assert built == raw(outer / UDP(sport=source_port, dport=destination_port) / Raw(payload))

    def test_a_udp_checksum_of_zero_is_sent_as_all_ones(self) -> None:
        ends = (Endpoint("0.0.0.0"), Endpoint("0.0.0.0"))
        pseudo = ip.internet_checksum(bytes(8) + b"\0\x11\0\x0a" + b"\0\0\0\0\0\x0a" + b"\0\0")
        assert ip.build_udp(*ends, pseudo.to_bytes(2))[6:8] == b"\xff\xff"

    @pytest.mark.parametrize("addresses", PAIRS)
    def test_what_was_built_is_read(self, addresses: tuple[str, str]) -> None:
        packet = ip.read_ip(ip.build_ip(*addresses, 51, b"abc"))
        assert (packet.source, packet.destination, packet.protocol) == (*addresses, 51)

    @pytest.mark.parametrize(
        ("addresses", "size"),
        [(("10.0.0.1", "::1"), 1), (("10.0.0.1", "gateway"), 1), (PAIRS[0], 65_516), (PAIRS[1], 65_536)],
    )
    def test_what_cannot_be_is_misuse(self, addresses: tuple[str, str], size: int) -> None:
        with pytest.raises(Misuse):
            ip.build_ip(*addresses, 17, bytes(size))

    @pytest.mark.parametrize(("port", "size"), [(65_536, 0), (-1, 0), (500, 65_528)])
    def test_a_port_and_a_datagram_have_limits(self, port: int, size: int) -> None:
        with pytest.raises(Misuse):
            ip.build_udp(Endpoint("10.0.0.1", 500), Endpoint("10.0.0.2", port), bytes(size))


class TestUnfragmented:
    def test_ipv4_flag_offset_and_length_are_mended(self) -> None:
        first = raw(IP(src="10.0.0.1", dst="10.0.0.2", id=5, flags="MF", proto=17) / Raw(bytes(8)))
        expected = raw(IP(src="10.0.0.1", dst="10.0.0.2", id=5, proto=17) / Raw(bytes(24)))
        assert ip.unfragmented(first, bytes(24)) == expected

    def test_ipv6_the_fragment_header_is_taken_out(self) -> None:
        ends = {"src": "2001:db8::1", "dst": "2001:db8::2"}
        first = IPv6(**ends) / IPv6ExtHdrHopByHop() / IPv6ExtHdrFragment(id=5, m=1, nh=50) / Raw(bytes(8))
        expected = IPv6(**ends) / IPv6ExtHdrHopByHop(nh=50) / Raw(bytes(24))
        assert ip.unfragmented(raw(first), bytes(24)) == raw(expected)

    def test_a_destination_option_behind_the_fragment_header_is_payload(self) -> None:
        ends = {"src": "2001:db8::1", "dst": "2001:db8::2"}
        whole = IPv6(**ends) / IPv6ExtHdrDestOpt(nh=50) / Raw(bytes(24))
        first = IPv6(**ends) / IPv6ExtHdrFragment(id=5, m=1, nh=60) / IPv6ExtHdrDestOpt(nh=50) / Raw(bytes(8))
        octets = raw(first)
        assert ip.unfragmented(octets, octets[48:] + bytes(16)) == raw(whole)
