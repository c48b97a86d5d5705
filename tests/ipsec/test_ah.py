"""AH packets checked; scapy and recorded packets are the oracles."""

from __future__ import annotations

import hmac
import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import HBHOptUnknown, IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, PadN, RouterAlert
from scapy.packet import Raw

from ikelab.crypto.protection import integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse, WireError
from ikelab.ike.beliefs import Beliefs
from ikelab.ipsec.ah import open_ah, spi_of
from ikelab.ipsec.inner import inner_summary
from ikelab.net.capture import read_capture
from ikelab.wire import ip
from tests.ipsec.oracle import CHECKS, MODES, SPI, VERSIONS, inner, keys, protected
from tests.needs import captures_dir, needs

SHA1 = keys(check="sha1")
PAYLOAD = bytes(IP(src="10.1.0.1", dst="10.2.0.1") / Raw(b"inside"))

IMMUTABLE = {
    "nop": b"\1",
    "security": b"\x82\x03x",
    "extended security": b"\x85\x03x",
    "commercial security": b"\x86\x03x",
    "router alert": b"\x94\4\0\0",
    "sender directed": b"\x95\x03x",
    "end": b"\0",
}
MUTABLE = {"record route": b"\7\7\4abcd", "timestamp": b"\x44\4\5\0", "stream id": b"\x88\4\0\1", "unknown": b"\x5e\3x"}


def handmade(options: bytes = b"", *, covered_options: bytes | None = None) -> bytes:
    """An IPv4 packet whose ICV was computed by hand, over `covered_options` in place of its options."""

    def packet(options: bytes, icv: bytes) -> bytes:
        header = bytes([0x45 + len(options) // 4]) + b"\0" + (20 + len(options) + 24 + len(PAYLOAD)).to_bytes(2)
        header += b"\0\7" + b"\0\0" + b"\0\x33" + b"\0\0" + bytes([10, 99, 0, 1, 10, 99, 0, 2]) + options
        return header + b"\4\4\0\0" + SPI.to_bytes(4) + b"\0\0\0\1" + icv + PAYLOAD

    options += bytes(-len(options) % 4)
    covered = packet(options if covered_options is None else covered_options.ljust(len(options), b"\0"), bytes(12))
    assert SHA1.auth_key is not None
    return packet(options, hmac.digest(SHA1.auth_key, covered, "sha1")[:12])


class TestRfc4302Section333Integrity:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("check", CHECKS)
    def test_what_scapy_protected_is_verified(self, check: str, mode: str, version: int) -> None:
        known = keys(check=check)
        opened = open_ah(known, protected(known, mode, version))
        expected, header = bytes(inner(version)), 20 if version == 4 else 40
        assert (opened.icv_ok, opened.remarks) == (True, ())
        assert opened.payload == (expected if mode == "tunnel" else expected[header:])
        assert opened.next_header == ({4: 4, 6: 41} if mode == "tunnel" else {4: 1, 6: 58})[version]
        assert (opened.spi, opened.sequence, len(opened.icv)) == (SPI.to_bytes(4), 7, known.icv_size)

    def test_extended_sequence_numbers_are_covered_though_not_sent(self) -> None:
        known = keys(check="sha256", esn=True)
        packet = protected(known, "tunnel", 4, esn_en=True, esn=5)
        opened = open_ah(known, packet, sequence_high=5)
        assert (opened.icv_ok, opened.sequence) == (True, 5 << 32 | 7)
        assert open_ah(known, packet, sequence_high=4).icv_ok is False

    def test_without_a_key_it_is_cut_up(self) -> None:
        opened = open_ah(replace(SHA1, auth_key=None), handmade())
        assert (opened.icv_ok, opened.payload, opened.remarks) == (None, PAYLOAD, ())


class TestRfc4302Section3331MutableFields:
    def test_what_routers_change_in_an_ipv4_header_is_not_covered(self) -> None:
        packet = bytearray(handmade())
        packet[1], packet[6], packet[8], packet[10] = 0xFF, 0x40, 3, 0xAB  # DSCP and ECN, DF, TTL, checksum
        assert open_ah(SHA1, bytes(packet)).icv_ok is True

    @pytest.mark.parametrize("at", [4, 5, 12, 16, 21, 22, 31, 44, 69])
    def test_what_they_do_not_change_is(self, at: int) -> None:
        packet = bytearray(handmade())
        packet[at] ^= 1
        opened = open_ah(SHA1, bytes(packet))
        assert opened.icv_ok is False
        assert opened.remarks == ("the ICV is wrong: another key, or altered on the way (RFC 4302 §3.4.4)",)

    @pytest.mark.parametrize("option", IMMUTABLE.values(), ids=IMMUTABLE.keys())
    def test_immutable_ipv4_options_are_covered(self, option: bytes) -> None:
        assert open_ah(SHA1, handmade(option)).icv_ok is True
        assert open_ah(SHA1, handmade(option, covered_options=b"\1\1\1\1" if option == b"\0" else b"")).icv_ok is False

    @pytest.mark.parametrize("option", MUTABLE.values(), ids=MUTABLE.keys())
    def test_mutable_and_unknown_ipv4_options_are_zeroed_whole(self, option: bytes) -> None:
        assert open_ah(SHA1, handmade(option, covered_options=b"")).icv_ok is True
        assert open_ah(SHA1, handmade(option)).icv_ok is False

    @pytest.mark.parametrize("options", [b"\7\1\4\0", b"\7\5\4\0", b"\1\1\1\7"])
    def test_an_option_of_impossible_size_is_refused(self, options: bytes) -> None:
        with pytest.raises(WireError, match="IP > Options"):
            open_ah(SHA1, handmade(options))

    def test_what_routers_change_in_an_ipv6_header_is_not_covered(self) -> None:
        packet = bytearray(protected(SHA1, "tunnel", 6))
        packet[0:4], packet[7] = b"\x6f\xff\xff\xff", 1  # traffic class and flow label, hop limit
        assert open_ah(SHA1, bytes(packet)).icv_ok is True
        packet[8] ^= 1
        assert open_ah(SHA1, bytes(packet)).icv_ok is False

    def test_ipv6_options_say_themselves_whether_they_may_change(self) -> None:
        options = [
            RouterAlert(),
            HBHOptUnknown(otype=0x3E, optdata=b"may change"),
            PadN(optdata=b"\0"),
            PadN(optdata=b""),
        ]
        tail = Raw(b"payload")
        packet = IPv6(src="2001:db8::1", dst="2001:db8::2", nh=0) / IPv6ExtHdrHopByHop(options=options)
        packet = (
            packet / IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1E, optdata=b"stays")]) / inner(6).payload / tail
        )
        octets = protected(SHA1, "transport", 6, packet)
        assert ip.read_ip(octets).protocol == 51
        assert open_ah(SHA1, octets).icv_ok is True
        assert open_ah(SHA1, octets.replace(b"may change", b"has change")).icv_ok is True
        assert open_ah(SHA1, octets.replace(b"stays", b"moves")).icv_ok is False


class TestRfc4302Section33321Padding:
    @pytest.mark.parametrize(("padding", "payload_len"), [(b"", 4), (b"pad!", 5)])
    def test_octets_behind_the_icv_are_padding_and_covered(self, padding: bytes, payload_len: int) -> None:
        assert SHA1.auth_key is not None
        head = bytes([4, payload_len]) + b"\0\0" + SPI.to_bytes(4) + b"\0\0\0\1"
        total = (20 + len(head) + 12 + len(padding)).to_bytes(2)
        header = b"\x45\0" + total + b"\0\7\0\0\0\x33\0\0" + bytes([10, 99, 0, 1, 10, 99, 0, 2])
        icv = hmac.digest(SHA1.auth_key, header + head + bytes(12) + padding, "sha1")[:12]
        opened = open_ah(SHA1, header + head + icv + padding)
        assert (opened.icv_ok, opened.icv, opened.padding, opened.payload) == (True, icv, padding, b"")
        assert opened.covered == header + head + bytes(12) + padding


class TestWhatIsNoSuchPacket:
    @pytest.mark.parametrize(
        ("packet", "complaint"),
        [
            (bytes(IP(proto=50) / Raw(bytes(40))), "IP > Protocol at octet 9: expected AH, got ESP"),
            (bytes(IP(proto=51, flags="MF") / Raw(bytes(40))), "expected AH, got a fragment"),
            (bytes(IP(proto=51) / Raw(bytes(11))), "AH at octet 0: expected at least 12 octets, got 11"),
            (handmade()[:20] + b"\4\3" + handmade()[22:], "AH > Payload Len at octet 21: expected a header of 24 to"),
            (handmade()[:20] + b"\4\xff" + handmade()[22:], "AH > Payload Len at octet 21: expected a header of 24 to"),
            (b"", "IP > Version at octet 0: expected IP version 4 or 6, got nothing"),
        ],
    )
    def test_it_is_refused(self, packet: bytes, complaint: str) -> None:
        with pytest.raises(WireError) as caught:
            open_ah(SHA1, packet)
        assert complaint in str(caught.value)

    def test_keys_of_esp_or_of_another_sa(self) -> None:
        with pytest.raises(Misuse, match="expected keys of an AH SA, got those of an ESP SA"):
            open_ah(keys(cipher="null", check="sha1"), handmade())
        with pytest.raises(Misuse, match="expected a packet of SPI 00000001, got one of c930a8d1"):
            open_ah(replace(SHA1, spi=b"\0\0\0\1"), handmade())

    @given(st.integers(0, 80), st.binary(max_size=30))
    def test_whatever_comes_it_is_opened_or_refused(self, at: int, patch: bytes) -> None:
        packet = bytearray(handmade(b"\7\7\4abcd"))
        packet[at : at + len(patch)] = patch
        try:
            opened = open_ah(replace(SHA1, spi=None), bytes(packet))
        except WireError:
            return
        assert len(opened.covered) <= len(packet)


@needs("shared-captures")
def test_every_recorded_packet_is_verified() -> None:
    folder = captures_dir() / "uml_ah_tunnel"
    (quick,) = Beliefs.from_json(json.loads((folder / "facts.json").read_text("utf-8"))).quick
    both = SaKeys(protocol="AH", spi=None, integrity=integrity_by_word("sha1"))
    known = {quick.spi_i: replace(both, auth_key=quick.auth_i), quick.spi_r: replace(both, auth_key=quick.auth_r)}
    packets = [each for each in read_capture(folder / "capture.pcap") if each.protocol == "ah"]
    opened = [open_ah(known[spi_of(each.octets)], each.ip) for each in packets]
    assert [each.icv_ok for each in opened] == [True] * 10
    assert (
        inner_summary(opened[0].next_header, opened[0].payload)
        == "10.1.0.1 > 10.2.0.1 ICMP echo request, id 925, seq 1"
    )
    assert [each.icv_ok for each in (open_ah(replace(both, auth_key=bytes(20)), each.ip) for each in packets)] == [
        False
    ] * 10
