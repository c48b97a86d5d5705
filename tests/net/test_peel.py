"""Frames of every link layer, peeled down to what an IKE peer sent; scapy makes the frames."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet import ICMP, IP, UDP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.packet import Packet, Raw

from ikelab.net.peel import LINK_LAYERS, CapturedDatagram, Peeler
from ikelab.wire.udp import STANDARD_PORTS, Endpoint, Ports
from tests.net.made import ALICE, BOB, ETHERNET, ETHERNET_LINK, IKE_MESSAGE, message

IKE = IP(src=ALICE.address, dst=BOB.address) / UDP(sport=500, dport=500) / Raw(IKE_MESSAGE)
IKE6 = IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=500, dport=4500) / Raw(IKE_MESSAGE)

WITH_HEADER = bytes(range(1, 17)) + b"\x01\x10\x02\x00" + bytes(4) + (60).to_bytes(4) + bytes(32)
"""An ISAKMP header that says what is true: version 1.0, 60 octets."""


def peeled(
    octets: bytes | Packet, linktype: int = ETHERNET_LINK, ports: Ports = STANDARD_PORTS
) -> CapturedDatagram | None:
    return Peeler(ports).datagram(1, linktype, 0.5, bytes(octets))


class TestLinkLayers:
    @pytest.mark.parametrize(
        ("linktype", "frame"),
        [
            (1, Ether() / IKE),
            (1, Ether() / Dot1Q(vlan=7) / IKE),
            (1, Ether(type=0x88A8) / Dot1AD(vlan=7) / Dot1Q(vlan=8) / IKE),
            (0, Loopback(type=2) / IKE),
            (108, b"\0\0\0\2" + bytes(IKE)),
            (12, IKE),
            (14, IKE),
            (101, IKE),
            (113, CookedLinux(proto=0x800) / IKE),
            (113, CookedLinux(proto=0x8100) / Dot1Q(vlan=7, type=0x800) / IKE),
            (228, IKE),
            (276, CookedLinuxV2(proto=0x800) / IKE),
        ],
    )
    def test_ipv4(self, linktype: int, frame: bytes | Packet) -> None:
        found = peeled(frame, linktype)
        assert found is not None
        assert found.ip == bytes(IKE)
        assert (found.source, found.destination, found.protocol, found.octets) == (ALICE, BOB, "udp", IKE_MESSAGE)
        assert (found.frame, found.time, found.remarks) == (1, 0.5, ())

    @pytest.mark.parametrize(
        ("linktype", "frame"),
        [
            (1, Ether() / IKE6),
            (0, Loopback(type=30) / IKE6),
            (101, IKE6),
            (113, CookedLinux(proto=0x86DD) / IKE6),
            (229, IKE6),
            (276, CookedLinuxV2(proto=0x86DD) / IKE6),
        ],
    )
    def test_ipv6(self, linktype: int, frame: Packet) -> None:
        found = peeled(frame, linktype)
        assert found is not None
        assert (found.source, found.destination) == (Endpoint("2001:db8::1", 500), Endpoint("2001:db8::2", 4500))
        assert found.octets == IKE_MESSAGE

    def test_a_link_type_nobody_knows_is_remarked_upon_once(self) -> None:
        peeler = Peeler(STANDARD_PORTS)
        assert [peeler.datagram(frame, 105, 0.0, b"wireless") for frame in (1, 2)] == [None, None]
        (remark,) = peeler.remarks()
        assert remark.startswith("2 frames of link type 105 were not read; expected one of 0, 1, 12")

    @pytest.mark.parametrize("frame", [Ether(type=0x806) / Raw(bytes(28)), Ether(type=0x88CC) / IKE, b"", ETHERNET])
    def test_what_is_not_ip_is_passed_over(self, frame: bytes | Packet) -> None:
        assert peeled(frame) is None


class TestWhatMatters:
    def test_esp_and_ah_have_no_ports_and_begin_with_their_own_header(self) -> None:
        for number, protocol in ((50, "esp"), (51, "ah")):
            found = peeled(IP(src="1.1.1.1", dst="2.2.2.2", proto=number) / Raw(b"header and all"), 101)
            assert found is not None
            assert (found.protocol, found.source, found.octets) == (protocol, Endpoint("1.1.1.1", 0), b"header and all")

    def test_behind_ipv6_extension_headers(self) -> None:
        chain = IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / UDP(sport=500, dport=500) / Raw(b"ike")
        found = peeled(IPv6(src="::1", dst="::2") / chain, 101)
        assert found is not None
        assert found.octets == b"ike"

    def test_an_icmp_error_that_quotes_ike_is_not_ike(self) -> None:
        assert peeled(IP() / ICMP(type=3, code=3) / IKE, 101) is None

    @pytest.mark.parametrize(("ports", "wanted"), [((500, 7), True), ((7, 4500), True), ((7, 8), False)])
    def test_either_port_will_do(self, ports: tuple[int, int], wanted: bool) -> None:
        assert bool(peeled(IP() / UDP(sport=ports[0], dport=ports[1]) / Raw(b"x"), 101)) is wanted

    def test_other_ports_by_agreement(self) -> None:
        packet = IP() / UDP(sport=1500, dport=9) / Raw(b"x")
        assert peeled(packet, 101) is None
        assert peeled(packet, 101, Ports(ike=frozenset({1500}))) is not None

    def test_on_any_port_an_ike_message_is_known_by_its_header(self) -> None:
        packet = IP() / UDP(sport=1500, dport=9) / Raw(WITH_HEADER)
        found = peeled(packet, 101)
        assert found is not None
        assert found.octets == WITH_HEADER

    @pytest.mark.parametrize(
        "octets",
        [
            WITH_HEADER[:17] + b"\x20" + WITH_HEADER[18:],  # IKEv2
            WITH_HEADER + b"x",
            WITH_HEADER[:-1],
            WITH_HEADER[:27],
            bytes(4) + WITH_HEADER,
            b"",
        ],
    )
    def test_on_other_ports_nothing_less_will_do(self, octets: bytes) -> None:
        assert peeled(IP() / UDP(sport=1500, dport=9) / Raw(octets), 101) is None

    def test_padding_of_the_link_layer_is_left_out(self) -> None:
        found = peeled(bytes(Ether() / IP(proto=50) / Raw(b"esp")) + bytes(23))
        assert found is not None
        assert found.octets == b"esp"

    def test_the_udp_length_counts(self) -> None:
        found = peeled(IP() / UDP(sport=500, dport=500, len=12) / Raw(b"four and more"), 101)
        assert found is not None
        assert found.octets == b"four"

    def test_an_unfinished_checksum_is_no_reason_to_look_away(self) -> None:
        assert peeled(IP(chksum=1) / UDP(sport=500, dport=500, chksum=1) / Raw(b"ike"), 101)


class TestWhatIsDamaged:
    def test_a_packet_cut_short_by_the_capture_is_kept_with_a_remark(self) -> None:
        found = peeled(bytes(IKE)[:-10], 101)
        assert found is not None
        assert found.octets == IKE_MESSAGE[:-10]
        assert found.remarks == ("the capture kept 78 of this packet's 88 octets",)

    @pytest.mark.parametrize(
        ("packet", "remark"),
        [
            (
                IP(src="1.1.1.1", dst="2.2.2.2", proto=17) / Raw(b"\x01\xf4\x01\xf4\0"),
                "UDP header at octet 0: expected 8",
            ),
            (
                IP() / UDP(sport=500, dport=500, len=7) / Raw(b"x"),
                "UDP > Length at octet 4: expected at least 8, got 7",
            ),
            (IP(ihl=4, proto=50) / Raw(bytes(20)), "IPv4 > IHL at octet 0: expected at least 5 words, got 4"),
        ],
    )
    def test_a_remark_says_why_it_was_not_read(self, packet: Packet, remark: str) -> None:
        peeler = Peeler(STANDARD_PORTS)
        assert peeler.datagram(3, 101, 0.0, bytes(packet)) is None
        assert peeler.remarks()[0].startswith(f"frame 3: {remark}")

    def test_fragments_are_put_together(self) -> None:
        big = bytes(2000)
        packet = IP(src=ALICE.address, dst=BOB.address) / UDP(sport=500, dport=500) / Raw(big)
        peeler = Peeler(STANDARD_PORTS)
        pieces = [bytes(piece) for piece in fragment(packet, fragsize=1000)]
        *none, found = [peeler.datagram(frame, 101, 0.0, piece) for frame, piece in enumerate(pieces, 4)]
        assert none == [None, None]
        assert found is not None
        assert (found.frame, found.octets) == (6, big)
        assert found.remarks == ("put together from the IP fragments in frames 4, 5, 6",)
        assert peeler.remarks() == ()

    def test_what_turns_out_not_to_be_ikes_is_passed_over(self) -> None:
        peeler = Peeler(STANDARD_PORTS)
        pieces = fragment(IP() / UDP(sport=53, dport=53) / Raw(bytes(2000)), fragsize=1000)
        assert [peeler.datagram(frame, 101, 0.0, bytes(piece)) for frame, piece in enumerate(pieces)] == [None] * 3
        assert peeler.remarks() == ()

    def test_unfinished_fragments_are_remarked_upon_if_they_are_ikes(self) -> None:
        for port, expected in ((500, 1), (53, 0)):
            peeler = Peeler(STANDARD_PORTS)
            packet = IP() / UDP(sport=port, dport=port) / Raw(bytes(2000))
            peeler.datagram(1, 101, 0.0, bytes(fragment(packet, fragsize=1000)[0]))
            assert len(peeler.remarks()) == expected

    @given(
        st.sampled_from([*LINK_LAYERS, 999]),
        st.sampled_from(
            [b"", bytes(Ether() / IKE), bytes(IKE6), bytes(IKE), bytes(IP(flags="MF", proto=50) / Raw(bytes(8)))]
        ),
        st.integers(0, 90),
        st.binary(max_size=8),
        st.binary(max_size=30),
    )
    def test_no_frame_stops_the_reading(self, linktype: int, begun: bytes, at: int, patch: bytes, rest: bytes) -> None:
        octets = bytearray(begun + rest)
        octets[at : at + len(patch)] = patch
        peeler = Peeler(STANDARD_PORTS)
        for frame in (1, 2):
            found = peeler.datagram(frame, linktype, 0.0, bytes(octets))
            assert found is None or found.octets in found.ip
        assert all(isinstance(remark, str) for remark in peeler.remarks())


def test_a_datagram_that_was_sent_looks_as_if_it_had_been_captured() -> None:
    made = message(frame=1)
    found = Peeler(STANDARD_PORTS).datagram(1, 101, made.time, made.ip)
    assert found == made
