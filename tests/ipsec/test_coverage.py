"""The table of what is encrypted and what is covered, held to the truth: octets are flipped, keys are changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scapy.layers.inet import IP, TCP, UDP, IPOption_LSRR, IPOption_NOP, IPOption_Router_Alert
from scapy.layers.inet6 import HBHOptUnknown, IPv6, IPv6ExtHdrHopByHop
from scapy.packet import Raw

from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse
from ikelab.ipsec.association import Association, Inbound, Outbound, UdpPorts
from ikelab.ipsec.coverage import Piece, pieces
from ikelab.ipsec.esp import seal_esp
from ikelab.ipsec.protect import Protected, protect
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.unprotect import Unprotected, unprotect
from ikelab.wire import ip
from tests.ipsec.oracle import MODES, VERSIONS, agreed, inner, keys

EACH = {
    "esp": keys(cipher="aes128", check="sha256"),
    "gcm": keys(cipher="aes128gcm12"),
    "ccm": keys(cipher="aes128ccm8"),
    "null": keys(cipher="null", check="sha1"),
    "gmac": keys(cipher="aes128gmac"),
    "ctr": keys(cipher="aes256ctr", check="aesxcbc"),
    "bare": keys(cipher="3des"),
    "ah": keys(check="sha256"),
    "ah gmac": keys(check="aes256gmac"),
}
BREAKS_THE_PACKET = {"Version, IHL", "Total Length", "Protocol", "Payload Length", "Next Header", "IP header",
                     "Outer IP header", "UDP header", "Version, Traffic Class, Flow Label", "Options",
                     "Flags, Fragment Offset", "AH Next Header"}  # fmt: skip
"""Where a flipped bit can make something else of the packet, before any ICV is looked at."""


def sent(agreed_on: Association, packet: bytes) -> bytes:
    outcome = protect(Outbound(agreed_on), packet, lambda label, size: bytes(range(size)))
    assert isinstance(outcome, Protected), outcome
    return outcome.packet


def named(found: tuple[Piece, ...]) -> dict[str, Piece]:
    return {piece.name: piece for piece in found}


class TestTheTable:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("known", EACH.values(), ids=EACH)
    def test_the_pieces_tile_the_packet(self, known: SaKeys, mode: str, version: int) -> None:
        for udp in (None, UdpPorts()) if known.protocol == "ESP" else (None,):
            agreed_on = agreed(known, mode, version, udp)
            octets = sent(agreed_on, bytes(inner(version)))
            found = pieces(agreed_on, octets)
            assert [piece.at for piece in found] == [0, *(piece.end for piece in found[:-1])]
            assert found[-1].end == len(octets)
            assert all(piece.size and piece.explain and piece.rfc.startswith("RFC ") for piece in found)

    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("known", EACH.values(), ids=EACH)
    def test_what_is_covered_cannot_be_changed_and_what_is_not_can(
        self, known: SaKeys, mode: str, version: int
    ) -> None:
        agreed_on = agreed(known, mode, version)
        octets = sent(agreed_on, bytes(inner(version)))
        for piece in pieces(agreed_on, octets):
            for at in range(piece.at, piece.end):
                flipped = octets[:at] + bytes([octets[at] ^ 0x01]) + octets[at + 1 :]
                outcome = unprotect(Inbound(agreed_on), flipped)
                if piece.covered or (piece.name == "ICV" and agreed_on.has_integrity):
                    assert isinstance(outcome, Refused), (piece, at)
                    if piece.name not in BREAKS_THE_PACKET and piece.name not in ("SPI", "Payload Len"):
                        assert outcome.reason in (Reason.WRONG_ICV, Reason.REPLAYED), (piece, str(outcome))
                elif piece.name not in BREAKS_THE_PACKET and known.protocol == "AH":
                    assert isinstance(outcome, Unprotected), (piece, at, str(outcome))

    def test_the_outer_header_of_esp_can_be_changed_all_over(self) -> None:
        agreed_on = agreed(EACH["esp"], "tunnel", 4)
        octets = sent(agreed_on, bytes(inner(4)))
        for at in (1, 4, 5, 8, 10, 11, *range(12, 20)):
            flipped = octets[:at] + bytes([octets[at] ^ 0xFF]) + octets[at + 1 :]
            assert isinstance(unprotect(Inbound(agreed_on), flipped), Unprotected)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("known", EACH.values(), ids=EACH)
    def test_what_is_encrypted_depends_on_the_key_and_nothing_else_does(self, known: SaKeys, mode: str) -> None:
        packet = bytes(IP(src="10.1.0.1", dst="10.2.0.1") / UDP() / Raw(bytes(90)))
        agreed_on = agreed(known, mode, 4)
        octets = sent(agreed_on, packet)
        if known.cipher is None or not known.cipher.hides:
            assert not any(piece.encrypted for piece in pieces(agreed_on, octets))
            assert packet[20:] in octets
            return
        assert known.enc_key is not None
        other = replace(agreed_on, keys=replace(known, enc_key=bytes(255 - octet for octet in known.enc_key)))
        again = sent(other, packet)
        for piece in pieces(agreed_on, octets):
            changed = octets[piece.at : piece.end] != again[piece.at : piece.end]
            assert changed is (piece.encrypted or (piece.name == "ICV")), piece

    def test_the_names_and_their_order(self) -> None:
        tunnel, transport = agreed(EACH["esp"], "tunnel", 4, UdpPorts()), agreed(EACH["ah"], "transport", 6)
        assert [piece.name for piece in pieces(tunnel, sent(tunnel, bytes(inner(4))))] == [
            "Outer IP header", "UDP header", "SPI", "Sequence Number", "IV", "Inner IP header", "Inner payload",
            "Padding", "Pad Length", "Next Header", "ICV",
        ]  # fmt: skip
        found = pieces(transport, sent(transport, bytes(inner(6))))
        assert [piece.name for piece in found][5:] == [
            "Destination Address", "AH Next Header", "Payload Len", "RESERVED", "SPI", "Sequence Number", "ICV",
            "ICV padding", "Payload",
        ]  # fmt: skip
        assert [piece.name for piece in found if not piece.covered] == [
            "Version, Traffic Class, Flow Label", "Hop Limit", "ICV"
        ]  # fmt: skip

    def test_options_fall_apart_by_whether_they_may_change(self) -> None:
        agreed_on = agreed(EACH["ah"], "transport", 4)
        options = [IPOption_Router_Alert(), IPOption_LSRR(routers=["192.0.2.1"]), IPOption_NOP()]
        packet = bytes(IP(src="10.1.0.1", dst="10.2.0.1", options=options) / UDP())
        found = [piece for piece in pieces(agreed_on, sent(agreed_on, packet)) if piece.name == "Options"]
        assert [(piece.size, piece.covered) for piece in found] == [(4, True), (7, False), (1, True)]
        six = IPv6(src="::1", dst="::2") / IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x3E, optdata=b"may")])
        beyond = agreed(EACH["ah"], "transport", 6)
        found = [piece for piece in pieces(beyond, sent(beyond, bytes(six / UDP()))) if "Ext" in piece.name]
        assert [piece.covered for piece in found] == [True, False, True][: len(found)]

    def test_tfc_padding_is_a_piece(self) -> None:
        agreed_on = agreed(EACH["esp"], "tunnel", 4)
        esp = seal_esp(EACH["esp"], 1, bytes(16), 4, bytes(inner(4)) + bytes(100))
        found = named(pieces(agreed_on, ip.build_ip("10.99.0.1", "10.99.0.2", 50, esp)))
        assert (found["TFC padding"].size, found["TFC padding"].encrypted) == (100, True)

    def test_of_a_forgery_nothing_is_known(self) -> None:
        for name in ("esp", "ah"):
            agreed_on = agreed(EACH[name], "tunnel", 4)
            octets = sent(agreed_on, bytes(inner(4)))
            with pytest.raises(Misuse, match="the ICV is wrong"):
                pieces(agreed_on, octets[:-1] + bytes([octets[-1] ^ 1]))


class TestWhatANatDoes:
    """A NAT writes another source address into the header in front, and knows nothing of what is behind it."""

    PACKET = bytes(IP(src="10.1.0.1", dst="10.2.0.1") / TCP(sport=1, dport=2) / Raw(b"data"))

    def behind_a_nat(self, known: SaKeys, mode: str, udp: UdpPorts | None = None) -> Unprotected | Refused:
        agreed_on = agreed(known, mode, 4, udp)
        return unprotect(Inbound(agreed_on), ip.with_source(sent(agreed_on, self.PACKET), "192.0.2.1"))

    @pytest.mark.parametrize("mode", MODES)
    def test_ah_breaks(self, mode: str) -> None:
        outcome = self.behind_a_nat(EACH["ah"], mode)
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.WRONG_ICV

    @pytest.mark.parametrize("udp", [None, UdpPorts()])
    def test_esp_in_tunnel_mode_does_not_notice(self, udp: UdpPorts | None) -> None:
        outcome = self.behind_a_nat(EACH["esp"], "tunnel", udp)
        assert isinstance(outcome, Unprotected)
        assert outcome.packet == self.PACKET

    def test_esp_in_transport_mode_comes_through_with_a_checksum_that_is_wrong(self) -> None:
        outcome = self.behind_a_nat(EACH["esp"], "transport")
        assert isinstance(outcome, Unprotected)
        assert outcome.packet[20:] == self.PACKET[20:]
        right = bytes(IP(src="192.0.2.1", dst="10.2.0.1") / TCP(sport=1, dport=2) / Raw(b"data"))
        assert outcome.packet[20:] != right[20:]
        mended = self.behind_a_nat(EACH["esp"], "transport", UdpPorts())
        assert isinstance(mended, Unprotected)
        assert mended.packet[20:] == right[20:]
