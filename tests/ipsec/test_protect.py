"""IP packets protected with ESP and AH: scapy and tshark open them, and every algorithm opens what it has sealed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting, PadN
from scapy.packet import Raw
from scapy.utils import RawPcapWriter

from ikelab.crypto.protection import AH_INTEGRITIES, ESP_CIPHERS, INTEGRITIES, AeadCipher
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse
from ikelab.ipsec.ah import seal_ah
from ikelab.ipsec.association import Association, DontFragment, Inbound, Outbound, Tunnel, UdpPorts
from ikelab.ipsec.esp import seal_esp
from ikelab.ipsec.protect import Protected, dummy, protect
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.unprotect import Unprotected, unprotect
from ikelab.ipsec.window import ReplayWindow
from ikelab.wire import ip
from tests.ipsec.oracle import (
    AEADS,
    CHECKS,
    CIPHERS,
    MODES,
    SPI,
    VERSIONS,
    agreed,
    association,
    inner,
    keys,
    opened_by_scapy,
    outer,
)
from tests.needs import needs

SCAPY_PAIRS = [*((cipher, check) for cipher in CIPHERS for check in CHECKS), *((cipher, None) for cipher in AEADS)]
EVERY_ESP = [
    *((each.word, None) for each in ESP_CIPHERS if isinstance(each, AeadCipher)),
    *((each.word, check.word) for each in ESP_CIPHERS if not isinstance(each, AeadCipher) for check in INTEGRITIES),
]
EVERY_AH = [(None, check.word) for check in AH_INTEGRITIES]
AES = keys(cipher="aes128", check="sha1")
GCM = keys(cipher="aes128gcm16")
PING = bytes(inner(4))


def draw(label: str, size: int) -> bytes:
    """Chance that a test can foresee."""
    return (label.encode() * 9)[:size]


def sent(agreed_on: Association, packet: bytes, sequence: int = 6) -> bytes:
    """The packet on the wire, with the number after `sequence`."""
    outcome = protect(Outbound(agreed_on, sequence), packet, draw)
    assert isinstance(outcome, Protected), outcome
    assert outcome.sa == Outbound(agreed_on, sequence + 1)
    return outcome.packet


def refused(outcome: object, reason: Reason) -> Refused:
    assert isinstance(outcome, Refused), outcome
    assert outcome.reason is reason
    assert outcome.why
    assert outcome.rfc.startswith("RFC ") is (reason not in (Reason.TOO_LARGE, Reason.NO_IP_PACKET))
    return outcome


class TestScapyOpensIt:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(("cipher", "check"), SCAPY_PAIRS)
    def test_esp(self, cipher: str, check: str | None, mode: str, version: int) -> None:
        known, packet = keys(cipher=cipher, check=check), bytes(inner(version))
        assert opened_by_scapy(known, mode, version, sent(agreed(known, mode, version), packet)) == packet

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(("cipher", "check"), SCAPY_PAIRS)
    def test_scapy_would_have_sent_the_same_octets(
        self, cipher: str, check: str | None, mode: str, version: int
    ) -> None:
        known = keys(cipher=cipher, check=check)
        ours = sent(agreed(known, mode, version), bytes(inner(version)))
        assert known.cipher is not None
        begin = ip.read_ip(ours).start
        iv = ours[begin + 8 : begin + 8 + known.cipher.iv_size]
        theirs = association(known, mode, version).encrypt(inner(version), seq_num=7, iv=iv or None)
        assert bytes(theirs.payload) == ours[begin:]
        if mode == "transport":
            assert bytes(theirs) == ours

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("check", CHECKS)
    def test_ah(self, check: str, mode: str, version: int) -> None:
        known, packet = keys(check=check), bytes(inner(version))
        assert opened_by_scapy(known, mode, version, sent(agreed(known, mode, version), packet)) == packet

    @pytest.mark.parametrize(("cipher", "check"), [("aes128", "sha1"), ("aes256gcm16", None), (None, "sha256")])
    def test_extended_sequence_numbers(self, cipher: str | None, check: str | None) -> None:
        known = keys(cipher=cipher, check=check, esn=True)
        octets = sent(agreed(known, "tunnel", 4), PING, sequence=5 << 32 | 6)
        packet = association(known, "tunnel", 4, esn_en=True, esn=5).decrypt(IP(octets), esn_en=True, esn=5)
        assert bytes(packet) == PING

    @pytest.mark.parametrize("mode", MODES)
    def test_in_udp(self, mode: str) -> None:
        octets = sent(agreed(AES, mode, 4, UdpPorts()), PING)
        assert IP(octets)[UDP].fields | {"chksum": 0, "dport": 4500, "sport": 4500} == IP(octets)[UDP].fields
        assert opened_by_scapy(AES, mode, 4, octets, nat_t_header=UDP(sport=4500, dport=4500)) == PING


class TestWeOpenIt:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(("cipher", "check"), [*EVERY_ESP, *EVERY_AH])
    def test_every_algorithm(self, cipher: str | None, check: str | None, mode: str, version: int) -> None:
        agreed_on, packet = agreed(keys(cipher=cipher, check=check), mode, version), bytes(inner(version))
        outcome = unprotect(Inbound(agreed_on), sent(agreed_on, packet))
        assert isinstance(outcome, Unprotected), outcome
        assert (outcome.packet, outcome.sequence, outcome.sa.window) == (packet, 7, ReplayWindow().after(7))

    @settings(max_examples=300)
    @given(
        words=st.sampled_from([*EVERY_ESP, *EVERY_AH]),
        mode=st.sampled_from(MODES),
        versions=st.tuples(st.sampled_from(VERSIONS), st.sampled_from(VERSIONS)),
        payload=st.binary(max_size=300),
        sequence=st.integers(0, (1 << 32) - 2),
        udp=st.booleans(),
    )
    def test_any_packet(
        self,
        words: tuple[str | None, str | None],
        mode: str,
        versions: tuple[int, int],
        payload: bytes,
        sequence: int,
        udp: bool,
    ) -> None:
        within, around = versions
        ends = ("10.1.0.1", "10.2.0.1") if within == 4 else ("2001:db8::1", "2001:db8::2")
        packet = ip.build_ip(*ends, 253, payload, traffic_class=0xB9, identification=7, dont_fragment=False)
        known = keys(cipher=words[0], check=words[1])
        agreed_on = agreed(known, mode, around, UdpPorts() if udp and known.protocol == "ESP" else None)
        octets = sent(agreed_on, packet, sequence)
        assert (around if mode == "tunnel" else within) == octets[0] >> 4
        outcome = unprotect(Inbound(agreed_on), octets)
        assert isinstance(outcome, Unprotected), outcome
        assert (outcome.packet, outcome.sequence) == (packet, sequence + 1)

    def test_behind_ipv6_extension_headers(self) -> None:
        packet = IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop(options=[PadN(optdata=b"abcd")])
        octets = bytes(packet / IPv6ExtHdrDestOpt(options=[PadN(optdata=b"efgh")]) / UDP() / Raw(b"data"))
        for known in (AES, keys(check="sha256")):
            agreed_on = agreed(known, "transport", 6)
            protected = sent(agreed_on, octets)
            assert opened_by_scapy(known, "transport", 6, protected) == octets
            outcome = unprotect(Inbound(agreed_on), protected)
            assert isinstance(outcome, Unprotected)
            assert outcome.packet == octets


class TestRfc4303Section24Padding:
    @pytest.mark.parametrize(("cipher", "multiple"), [("null", 4), ("aes128ctr", 4), ("3des", 8), ("aes256", 16)])
    @given(size=st.integers(0, 70))
    def test_it_counts_up_to_the_least_alignment(self, cipher: str, multiple: int, size: int) -> None:
        agreed_on = agreed(keys(cipher=cipher, check="sha1"), "transport", 4)
        packet = ip.build_ip("10.1.0.1", "10.2.0.1", 253, bytes(size))
        outcome = unprotect(Inbound(agreed_on), sent(agreed_on, packet))
        assert isinstance(outcome, Unprotected)
        padding = (size + 2 + multiple - 1) // multiple * multiple - size - 2
        assert outcome.opened.padding == bytes(range(1, padding + 1))


class TestIvs:
    @pytest.mark.parametrize("cipher", ["aes128ctr", "aes128gcm8", "aes192ccm12", "aes256gmac"])
    def test_a_counting_cipher_takes_the_sequence_number(self, cipher: str) -> None:
        known = keys(cipher=cipher, check="sha1" if cipher == "aes128ctr" else None, esn=True)
        number = 9 << 32 | 3
        octets = sent(agreed(known, "transport", 4), PING, number - 1)
        assert octets[28:36] == number.to_bytes(8)

    def test_gmac_of_ah_does_too(self) -> None:
        octets = sent(agreed(keys(check="aes128gmac"), "transport", 4), PING, 2)
        assert octets[32:40] == (3).to_bytes(8)

    def test_a_cbc_cipher_draws_it_by_a_label_that_never_comes_again(self) -> None:
        labels: list[str] = []

        def noting(label: str, size: int) -> bytes:
            labels.append(label)
            return draw(label, size)

        sa = Outbound(agreed(AES, "tunnel", 4))
        for _ in range(3):
            outcome = protect(sa, PING, noting)
            assert isinstance(outcome, Protected)
            sa = outcome.sa
        assert labels == [f"IV {SPI:08x} {number}" for number in (1, 2, 3)]


class TestRfc4303Section333SequenceNumbers:
    @pytest.mark.parametrize(("esn", "last"), [(False, (1 << 32) - 1), (True, (1 << 64) - 1)])
    @pytest.mark.parametrize(("cipher", "check"), [("aes128", "sha1"), ("aes128gcm16", None), (None, "sha1")])
    def test_after_the_last_nothing_is_sent(self, cipher: str | None, check: str | None, esn: bool, last: int) -> None:
        agreed_on = agreed(keys(cipher=cipher, check=check, esn=esn), "tunnel", 4)
        octets = sent(agreed_on, PING, last - 1)
        assert (last & 0xFFFFFFFF).to_bytes(4) in octets[:40]
        says = refused(protect(Outbound(agreed_on, last), PING, draw), Reason.SEQUENCE_OVERFLOW)
        assert says.rfc == ("RFC 4303 §3.3.3" if cipher else "RFC 4302 §3.3.2")

    def test_the_first_is_1(self) -> None:
        assert sent(agreed(AES, "tunnel", 4), PING, 0)[24:28] == b"\0\0\0\1"


class TestRfc4301Section512OuterHeader:
    def test_dscp_and_ecn_are_the_inner_packets(self) -> None:
        packet = bytes(IP(src="10.1.0.1", dst="10.2.0.1", tos=0xB9) / UDP())
        assert sent(agreed(AES, "tunnel", 4), packet)[1] == 0xB9
        assert int.from_bytes(sent(agreed(AES, "tunnel", 6), packet)[:2]) >> 4 & 0xFF == 0xB9
        six = bytes(IPv6(src="2001:db8:1::1", dst="2001:db8:2::1", tc=0x2D) / UDP())
        assert sent(agreed(AES, "tunnel", 4), six)[1] == 0x2D

    @pytest.mark.parametrize(
        ("set_to", "inside", "outside"),
        [
            (DontFragment.COPIED, "DF", 0x40),
            (DontFragment.COPIED, 0, 0),
            (DontFragment.SET, 0, 0x40),
            (DontFragment.CLEAR, "DF", 0),
        ],
    )
    def test_dont_fragment(self, set_to: DontFragment, inside: str | int, outside: int) -> None:
        packet = bytes(IP(src="10.1.0.1", dst="10.2.0.1", flags=inside) / UDP())
        tunnel = Tunnel(source="10.99.0.1", destination="10.99.0.2", dont_fragment=set_to)
        assert sent(Association(keys=AES, tunnel=tunnel), packet)[6] == outside

    @pytest.mark.parametrize("capable", [1, 2])
    def test_congestion_on_the_way_is_told_to_the_inner_packet(self, capable: int) -> None:
        def four(tos: int) -> bytes:
            return bytes(IP(src="10.1.0.1", dst="10.2.0.1", tos=tos) / UDP() / Raw(b"data"))

        def six(tc: int) -> bytes:
            return bytes(IPv6(src="2001:db8:1::1", dst="2001:db8:2::1", tc=tc) / UDP() / Raw(b"data"))

        for version, made in ((4, four), (6, six)):
            agreed_on = agreed(GCM, "tunnel", version)
            octets = bytearray(sent(agreed_on, made(0xB8 | capable)))
            octets[1] |= 3 if version == 4 else 3 << 4
            outcome = unprotect(Inbound(agreed_on), bytes(octets))
            assert isinstance(outcome, Unprotected)
            assert outcome.packet == made(0xBB)

    def test_a_sender_that_knows_no_congestion_hears_of_none(self) -> None:
        agreed_on = agreed(GCM, "tunnel", 4)
        octets = bytearray(sent(agreed_on, PING))
        octets[1] |= 3
        outcome = unprotect(Inbound(agreed_on), bytes(octets))
        assert isinstance(outcome, Unprotected)
        assert outcome.packet == PING


class TestWhatCannotBeSent:
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("packet", [b"", b"\x45", PING[:-1], b"\x50" + PING[1:], bytes(inner(6))[:39]])
    def test_no_whole_ip_packet(self, mode: str, packet: bytes) -> None:
        refused(protect(Outbound(agreed(AES, mode, 4)), packet, draw), Reason.NO_IP_PACKET)

    def test_a_fragment_in_transport_mode(self) -> None:
        packet = bytes(IP(src="10.1.0.1", dst="10.2.0.1", flags="MF") / Raw(bytes(8)))
        refused(protect(Outbound(agreed(AES, "transport", 4)), packet, draw), Reason.FRAGMENT)
        assert isinstance(protect(Outbound(agreed(AES, "tunnel", 4)), packet, draw), Protected)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("known", [AES, GCM, keys(check="sha1")])
    def test_one_that_leaves_no_room(self, known: SaKeys, mode: str) -> None:
        packet = ip.build_ip("10.1.0.1", "10.2.0.1", 253, bytes(65_515))
        for udp in (None, UdpPorts()) if known.protocol == "ESP" else (None,):
            refused(protect(Outbound(agreed(known, mode, 4, udp)), packet, draw), Reason.TOO_LARGE)

    def test_a_source_route_that_is_not_at_its_end_under_ah(self) -> None:
        head = IPv6(src="2001:db8::1", dst="2001:db8::2")
        packet = bytes(head / IPv6ExtHdrRouting(addresses=["2001:db8::9"], segleft=1) / UDP())
        refused(protect(Outbound(agreed(keys(check="sha1"), "transport", 6)), packet, draw), Reason.UNFORESEEABLE)

    @given(st.binary(max_size=120), st.sampled_from([AES, GCM, keys(check="sha1")]), st.sampled_from(MODES))
    def test_whatever_comes_it_is_sent_or_refused(self, packet: bytes, known: SaKeys, mode: str) -> None:
        for octets in (packet, PING[: len(packet)] + packet, PING[:20] + packet, b"\x60" + packet):
            assert isinstance(protect(Outbound(agreed(known, mode, 4)), octets, draw), Protected | Refused)


class TestDummies:
    def test_they_are_genuine_and_hold_nothing(self) -> None:
        agreed_on = agreed(AES, "tunnel", 4)
        outcome = dummy(Outbound(agreed_on), 100, draw)
        assert isinstance(outcome, Protected)
        assert outcome.packet[1] == 0
        heard = unprotect(Inbound(agreed_on), outcome.packet)
        assert isinstance(heard, Unprotected)
        assert (heard.dummy, heard.packet, heard.sa.window.top) == (True, b"", 1)

    def test_not_in_transport_mode_nor_in_ah(self) -> None:
        for agreed_on in (agreed(AES, "transport", 4), agreed(keys(check="sha1"), "tunnel", 4)):
            with pytest.raises(Misuse, match="expected an SA of ESP in tunnel mode"):
                dummy(Outbound(agreed_on), 9, draw)
        refused(dummy(Outbound(agreed(AES, "tunnel", 4), (1 << 32) - 1), 9, draw), Reason.SEQUENCE_OVERFLOW)
        assert isinstance(dummy(Outbound(agreed(AES, "tunnel", 4), (1 << 32) - 2), 9, draw), Protected)


class TestSealing:
    def test_chance_of_a_wrong_size_is_the_callers_mistake(self) -> None:
        with pytest.raises(Misuse, match="IV: expected 16 octets, got 3"):
            protect(Outbound(agreed(AES, "tunnel", 4)), PING, lambda label, size: b"abc")

    def test_without_a_key_there_is_nothing(self) -> None:
        with pytest.raises(Misuse, match="expected the encryption key"):
            seal_esp(replace(AES, enc_key=None), 1, bytes(16), 4, PING)
        with pytest.raises(Misuse, match="expected an integrity key"):
            seal_esp(replace(AES, auth_key=None), 1, bytes(16), 4, PING)
        with pytest.raises(Misuse, match="expected the key of an AH SA"):
            seal_ah(replace(keys(check="sha1"), auth_key=None), 1, b"", 4, PING, lambda behind: behind)


class TestAssociation:
    @pytest.mark.parametrize("spi", [None, b"\0\0\0\0", b"\0\0\0\xff", b"abc"])
    def test_reserved_spis(self, spi: bytes | None) -> None:
        with pytest.raises(Misuse, match="expected an SPI of 4 octets"):
            Association(keys=replace(AES, spi=spi))

    def test_what_does_not_fit_together(self) -> None:
        with pytest.raises(Misuse, match="got no encryption and no integrity"):
            Association(keys=replace(AES, enc_key=None, auth_key=None))
        with pytest.raises(Misuse, match="which no NAT lets be"):
            Association(keys=keys(check="sha1"), udp=UdpPorts())
        with pytest.raises(Misuse, match="addresses of one IP version"):
            Tunnel(source="10.0.0.1", destination="::1")
        with pytest.raises(Misuse, match="two IP addresses"):
            Tunnel(source="here", destination="::1")

    def test_it_can_be_read(self) -> None:
        text = str(agreed(keys(cipher="aes128", check="sha1", esn=True), "tunnel", 4, UdpPorts()))
        assert text == (
            f"ESP {SPI:08x} tunnel 10.99.0.1 > 10.99.0.2, AES-CBC-128 with HMAC-SHA-1-96, 64-bit sequence numbers, "
            "in UDP 4500 > 4500"
        )


WIRESHARK = {
    "null": "NULL",
    "des": "DES-CBC [RFC2405]",
    "3des": "TripleDES-CBC [RFC2451]",
    "aes128": "AES-CBC [RFC3602]",
    "aes256": "AES-CBC [RFC3602]",
    "aes128ctr": "AES-CTR [RFC3686]",
    "aes256ctr": "AES-CTR [RFC3686]",
    "aes128gcm16": "AES-GCM with 16 octet ICV [RFC4106]",
    "aes256gcm12": "AES-GCM with 12 octet ICV [RFC4106]",
    "aes192gcm8": "AES-GCM with 8 octet ICV [RFC4106]",
}
WIRESHARK_CHECKS = {
    "md5": "HMAC-MD5-96 [RFC2403]",
    "sha1": "HMAC-SHA-1-96 [RFC2404]",
    "sha256": "HMAC-SHA-256-128 [RFC4868]",
    "sha384": "HMAC-SHA-384-192 [RFC4868]",
    "sha512": "HMAC-SHA-512-256 [RFC4868]",
    None: "NULL",
}
TSHARK_PAIRS = [
    *((cipher, check) for cipher in WIRESHARK for check in CHECKS if "gcm" not in cipher),
    *((cipher, None) for cipher in WIRESHARK if "gcm" in cipher),
]


@needs("tshark")
class TestTsharkOpensIt:
    def test_every_pair_it_knows_in_both_modes_and_versions(self, tmp_path: Path) -> None:
        table: list[str] = []
        packets: list[bytes] = []
        for cipher, check in TSHARK_PAIRS:
            for mode in MODES:
                for version in VERSIONS:
                    spi = SPI + len(table)
                    known = replace(keys(cipher=cipher, check=check), spi=spi.to_bytes(4))
                    octets = sent(agreed(known, mode, version), bytes(inner(version)))
                    packets += [octets, octets[:-1] + bytes([octets[-1] ^ 1])]
                    line = (f"IPv{version}", "*", "*", f"0x{spi:08x}", WIRESHARK[cipher], _hex(known.enc_key))
                    fields = (*line, WIRESHARK_CHECKS[check], _hex(known.auth_key))
                    table.append(",".join(f'"{field}"' for field in fields))
        heard = tshark(tmp_path / "ours.pcap", packets, table)
        assert len(heard) == len(packets) == 2 * 4 * len(TSHARK_PAIRS)
        assert {ident for ident, _, _ in heard[::2]} == {925}
        assert {(good, bad) for _, good, bad in heard[::2]} == {("1", "0")}
        assert {(good, bad) for _, good, bad in heard[1::2]} == {("0", "1")}


def tshark(capture: Path, packets: list[bytes], esp_sa: list[str]) -> list[tuple[int | None, str, str]]:
    """Of each packet the identifier of the ping inside, if tshark finds one, and what it says of the ICV."""
    with RawPcapWriter(str(capture), linktype=101) as writer:
        for octets in packets:
            writer.write(octets)
    options = ("enable_null_encryption_decode_heuristic", "enable_encryption_decode", "enable_authentication_check")
    switches = [word for option in options for word in ("-o", f"esp.{option}:TRUE")]
    switches += [word for line in esp_sa for word in ("-o", f"uat:esp_sa:{line}")]
    names = ("icmp.ident", "icmpv6.echo.identifier", "esp.icv_good", "esp.icv_bad")
    shown = [word for name in names for word in ("-e", name)]
    command = ["tshark", "-r", str(capture), "-T", "fields", *shown, *switches]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    heard: list[tuple[int | None, str, str]] = []
    for line in run.stdout.split("\n")[: len(packets)]:
        four, six, good, bad = line.split("\t")
        ident = (four or six).split(",")[0]
        heard.append((int(ident, 0) if ident else None, good, bad))
    return heard


def _hex(key: bytes | None) -> str:
    return f"0x{key.hex()}" if key else ""


class TestTransportBehindANat:
    def test_the_checksum_is_made_anew_for_the_address_that_came(self) -> None:
        """RFC 3948 §3.1.2."""
        agreed_on = agreed(AES, "transport", 4, UdpPorts())
        data = Raw(b"odd")
        for layer in (UDP(sport=1, dport=2), UDP(sport=1, dport=2) / data, TCP(sport=1, dport=2) / data):
            packet = IP(src="10.1.0.1", dst="10.2.0.1") / layer
            octets = bytearray(sent(agreed_on, bytes(packet)))
            octets[12:16] = ip_address("192.0.2.9").packed
            outcome = unprotect(Inbound(agreed_on), bytes(octets))
            assert isinstance(outcome, Unprotected)
            assert outcome.packet[20:] == bytes(IP(src="192.0.2.9", dst="10.2.0.1") / layer)[20:]

    def test_over_ipv6_as_well(self) -> None:
        agreed_on = agreed(AES, "transport", 6, UdpPorts())
        packet = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=1, dport=2) / Raw(b"data"))
        outcome = unprotect(Inbound(agreed_on), ip.with_source(sent(agreed_on, packet), "2001:db8::9"))
        assert isinstance(outcome, Unprotected)
        assert outcome.packet == bytes(
            IPv6(src="2001:db8::9", dst="2001:db8::2") / UDP(sport=1, dport=2) / Raw(b"data")
        )


def test_the_outer_addresses_are_the_tunnels() -> None:
    read = ip.read_ip(sent(agreed(AES, "tunnel", 6), PING))
    assert (read.source, read.destination, read.protocol) == (outer(6).src, outer(6).dst, 50)
