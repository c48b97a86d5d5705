"""IP fragments put together again; scapy cuts the packets up."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet import IP, fragment
from scapy.layers.inet6 import IPv6, IPv6ExtHdrFragment, fragment6
from scapy.packet import Raw

from ikelab.net.reassembly import OPEN_PACKETS, Reassembly, Whole
from ikelab.wire import ip
from ikelab.wire.udp import Endpoint

PAYLOAD = ip.build_udp(Endpoint("10.0.0.1", 500), Endpoint("10.0.0.2", 500), bytes(range(256)) * 4)


def ipv4_pieces(identification: int = 7, payload: bytes = PAYLOAD, size: int = 400) -> list[bytes]:
    packet = IP(src="10.0.0.1", dst="10.0.0.2", id=identification, proto=17) / Raw(payload)
    return [bytes(piece) for piece in fragment(packet, fragsize=size)]


def ipv6_pieces(payload: bytes = PAYLOAD) -> list[bytes]:
    packet = IPv6(src="2001:db8::1", dst="2001:db8::2", nh=44) / IPv6ExtHdrFragment(id=7, nh=17) / Raw(payload)
    return [bytes(piece) for piece in fragment6(packet, 500)]


def put_together(*pieces: bytes, reassembly: Reassembly | None = None, time: float = 0.0) -> list[Whole]:
    """What becomes whole when the pieces come in this order, in frames 1, 2, ..."""
    reassembly = reassembly or Reassembly()
    found = []
    for frame, octets in enumerate(pieces, 1):
        packet = ip.read_ip(octets)
        assert packet.fragment is not None
        whole = reassembly.add(frame, time, octets, packet, packet.fragment, matters=True)
        found += [whole] if whole else []
    return found


def remarks(*pieces: bytes) -> str:
    reassembly = Reassembly()
    assert put_together(*pieces, reassembly=reassembly) == []
    reassembly.finish()
    return "\n".join(reassembly.remarks)


class TestWhole:
    @pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
    def test_in_any_order(self, order: tuple[int, ...]) -> None:
        pieces = ipv4_pieces()
        assert len(pieces) == 3
        (whole,) = put_together(*(pieces[index] for index in order))
        expected = bytes(IP(src="10.0.0.1", dst="10.0.0.2", id=7, proto=17) / Raw(PAYLOAD))
        assert whole.octets == expected
        assert whole.frames == (1, 2, 3)

    def test_ipv6(self) -> None:
        pieces = ipv6_pieces()
        assert len(pieces) > 1
        (whole,) = put_together(*reversed(pieces))
        assert whole.octets == bytes(IPv6(src="2001:db8::1", dst="2001:db8::2", nh=17) / Raw(PAYLOAD))

    def test_an_ipv6_packet_in_one_fragment_is_whole_at_once(self) -> None:
        packet = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(nh=50) / Raw(b"esp")
        (whole,) = put_together(bytes(packet))
        assert whole.octets == bytes(IPv6(src="2001:db8::1", dst="2001:db8::2", nh=50) / Raw(b"esp"))

    def test_a_piece_seen_twice_counts_once(self) -> None:
        first, second, third = ipv4_pieces()
        (whole,) = put_together(first, first, second, second, third)
        assert whole.frames == (1, 3, 5)

    def test_packets_of_different_identification_do_not_mix(self) -> None:
        pieces = [piece for pair in zip(ipv4_pieces(1), ipv4_pieces(2), strict=True) for piece in pair]
        assert [whole.frames for whole in put_together(*pieces)] == [(1, 3, 5), (2, 4, 6)]

    @given(st.binary(min_size=9, max_size=600), st.integers(1, 20), st.randoms())
    def test_whatever_was_cut_up_comes_back(self, payload: bytes, eighths: int, shuffle: object) -> None:
        pieces = ipv4_pieces(payload=payload, size=8 * eighths)
        shuffle.shuffle(pieces)  # type: ignore[attr-defined]
        if len(pieces) == 1 and ip.read_ip(pieces[0]).fragment is None:
            return
        (whole,) = put_together(*pieces)
        assert whole.octets[20:] == payload


class TestNeverWhole:
    def test_a_missing_piece_is_remarked_upon(self) -> None:
        first, _, third = ipv4_pieces()
        expected = "a fragmented IP packet from 10.0.0.1 to 10.0.0.2 (frames: 1, 2) was never complete"
        assert remarks(first, third) == expected

    def test_but_not_where_no_piece_matters(self) -> None:
        reassembly, octets = Reassembly(), ipv4_pieces()[0]
        packet = ip.read_ip(octets)
        assert packet.fragment is not None
        reassembly.add(1, 0.0, octets, packet, packet.fragment, matters=False)
        reassembly.finish()
        assert reassembly.remarks == []

    def test_two_different_pieces_for_one_place(self) -> None:
        first, second, _ = ipv4_pieces()
        other = second[:-1] + bytes([second[-1] ^ 1])
        assert "has two different pieces for one place" in remarks(first, second, other)

    def test_overlapping_pieces(self) -> None:
        first = IP(id=7, flags="MF", proto=17) / Raw(bytes(16))
        inside = IP(id=7, flags="MF", frag=1, proto=17) / Raw(bytes(8))
        last = IP(id=7, frag=3, proto=17) / Raw(b"x")
        assert "has pieces that overlap" in remarks(*map(bytes, (first, inside, last)))

    def test_pieces_beyond_the_end(self) -> None:
        last = bytes(IP(id=7, frag=1, proto=17) / Raw(b"x"))
        beyond = bytes(IP(id=7, frag=2, flags="MF", proto=17) / Raw(bytes(8)))
        assert "has pieces beyond its end" in remarks(last, beyond)

    def test_an_inner_piece_that_is_no_multiple_of_eight(self) -> None:
        assert "not a multiple of 8 octets" in remarks(bytes(IP(id=7, flags="MF", proto=17) / Raw(bytes(9))))

    def test_more_than_a_packet_can_hold(self) -> None:
        assert "more than 65535 octets" in remarks(bytes(IP(id=7, frag=8190, proto=17) / Raw(bytes(40))))

    def test_a_piece_that_the_capture_cut_short(self) -> None:
        assert "that the capture cut short" in remarks(ipv4_pieces()[0][:-8])

    def test_a_minute_later_it_is_another_packet(self) -> None:
        reassembly, (first, second, third) = Reassembly(), ipv4_pieces()
        assert put_together(first, second, reassembly=reassembly) == []
        assert put_together(third, reassembly=reassembly, time=61.0) == []
        assert "was not complete within a minute" in reassembly.remarks[0]

    def test_at_most_so_many_packets_are_kept_in_pieces(self) -> None:
        reassembly = Reassembly()
        put_together(*(ipv4_pieces(number)[0] for number in range(OPEN_PACKETS + 5)), reassembly=reassembly)
        assert len(reassembly.remarks) == 5
        assert put_together(*ipv4_pieces(OPEN_PACKETS)[1:], reassembly=reassembly), "the newest are kept"
