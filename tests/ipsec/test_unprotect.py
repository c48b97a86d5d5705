"""Protected packets received: what is refused, in which order things are checked, and how little a forgery changes."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import patch

import pytest
from hypothesis import given, settings, strategies as st
from scapy.layers.inet import IP
from scapy.packet import Raw

from ikelab.crypto.protection import EspCipher, GcmCipher
from ikelab.crypto.sa_keys import SaKeys
from ikelab.ipsec.ah import seal_ah
from ikelab.ipsec.association import Association, Inbound, Outbound, UdpPorts
from ikelab.ipsec.esp import seal_esp
from ikelab.ipsec.protect import Protected, protect
from ikelab.ipsec.refused import OF_AH, Reason, Refused
from ikelab.ipsec.unprotect import Unprotected, unprotect, unprotect_esp
from ikelab.ipsec.window import NUMBERS, ReplayWindow
from ikelab.wire import ip
from tests.ipsec.oracle import AEADS, CHECKS, CIPHERS, MODES, SPI, VERSIONS, agreed, inner, keys, protected

AES, GCM, AH = keys(cipher="aes128", check="sha1"), keys(cipher="aes128gcm16"), keys(check="sha256")
BARE = keys(cipher="aes128")
EACH = [AES, GCM, AH]
PING = bytes(inner(4))
SCAPY_KEYS = [
    *(keys(cipher=cipher, check=check) for cipher in CIPHERS for check in CHECKS),
    *(keys(cipher=cipher) for cipher in AEADS),
    *(keys(check=check) for check in CHECKS),
]


def draw(label: str, size: int) -> bytes:
    return bytes(size)


def packet(agreed_on: Association, sequence: int = 1) -> bytes:
    """A ping on the wire under this number."""
    outcome = protect(Outbound(agreed_on, sequence - 1), PING, draw)
    assert isinstance(outcome, Protected)
    return outcome.packet


def accepted(outcome: Unprotected | Refused) -> Unprotected:
    assert isinstance(outcome, Unprotected), str(outcome)
    return outcome


def refused(outcome: Unprotected | Refused, reason: Reason, known: SaKeys = AES) -> Refused:
    assert isinstance(outcome, Refused)
    assert outcome.reason is reason, str(outcome)
    assert outcome.why
    assert outcome.rfc == (OF_AH.get(reason.rfc, reason.rfc) if known.protocol == "AH" else reason.rfc)
    return outcome


class TestScapysPackets:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    def test_every_one_comes_through(self, mode: str, version: int) -> None:
        for known in SCAPY_KEYS:
            outcome = accepted(unprotect(Inbound(agreed(known, mode, version)), protected(known, mode, version)))
            assert (outcome.packet, outcome.sequence) == (bytes(inner(version)), 7)


class TestOrder:
    """RFC 4303 §3.4: the number, then the ICV, and only then decryption and the window."""

    @pytest.mark.parametrize("known", EACH)
    def test_a_forgery_leaves_the_sa_as_it_was(self, known: SaKeys) -> None:
        agreed_on = agreed(known, "tunnel", 4)
        sa = Inbound(agreed_on, ReplayWindow().after(3))
        before = repr(sa)
        octets = packet(agreed_on, 900)
        for at in (len(octets) - 1, 35 if known is AH else 27, 60):
            forged = bytearray(octets)
            forged[at] ^= 1
            refused(unprotect(sa, bytes(forged)), Reason.WRONG_ICV, known)
        assert repr(sa) == before
        assert accepted(unprotect(sa, octets)).sa.window.top == 900

    @pytest.mark.parametrize("known", EACH)
    def test_a_replay_is_refused_before_any_cryptography(self, known: SaKeys) -> None:
        agreed_on = agreed(known, "tunnel", 4)
        octets = packet(agreed_on, 5)
        after = accepted(unprotect(Inbound(agreed_on), octets)).sa
        with (
            patch("ikelab.ipsec.unprotect.decrypt_esp", side_effect=AssertionError),
            patch("ikelab.ipsec.unprotect.open_ah", side_effect=AssertionError),
        ):
            refused(unprotect(after, octets), Reason.REPLAYED, known)
            refused(unprotect(Inbound(agreed_on, ReplayWindow(900)), octets), Reason.BEFORE_WINDOW, known)

    def test_nothing_is_decrypted_before_the_icv_holds(self) -> None:
        agreed_on = agreed(AES, "tunnel", 4)
        octets = bytearray(packet(agreed_on))
        octets[60] ^= 1
        with patch.object(EspCipher, "decrypt", side_effect=AssertionError):
            refused(unprotect(Inbound(agreed_on), bytes(octets)), Reason.WRONG_ICV)
        with patch.object(EspCipher, "decrypt", side_effect=AssertionError), pytest.raises(AssertionError):
            unprotect(Inbound(agreed_on), packet(agreed_on))

    def test_gcm_gives_nothing_out_that_is_not_genuine(self) -> None:
        agreed_on = agreed(GCM, "tunnel", 4)
        with patch.object(GcmCipher, "_open", return_value=None):
            refused(unprotect(Inbound(agreed_on), packet(agreed_on)), Reason.WRONG_ICV)

    def test_encryption_without_integrity_has_no_window(self) -> None:
        """RFC 4303 §3.4.3: nobody vouches for the number."""
        agreed_on = agreed(BARE, "tunnel", 4)
        sa = Inbound(agreed_on)
        outcome = accepted(unprotect(sa, packet(agreed_on, 5)))
        assert outcome.sa == sa
        assert accepted(unprotect(outcome.sa, packet(agreed_on, 5))).packet == PING
        assert accepted(unprotect(Inbound(agreed_on, ReplayWindow(900)), packet(agreed_on, 5))).packet == PING

    def test_and_its_sender_takes_what_an_attacker_flips(self) -> None:
        agreed_on = agreed(BARE, "transport", 4)
        octets = bytearray(packet(agreed_on))
        octets[28] ^= 0x01  # an octet of the IV: the same bit of the first plaintext block flips
        outcome = accepted(unprotect(Inbound(agreed_on), bytes(octets)))
        assert outcome.packet[20] == PING[20] ^ 1


class TestRfc4303Section34Refusals:
    @pytest.mark.parametrize("known", EACH)
    @pytest.mark.parametrize("mode", MODES)
    def test_too_short(self, known: SaKeys, mode: str) -> None:
        agreed_on = agreed(known, mode, 4)
        octets = packet(agreed_on)
        for size in (0, 3, 7, 11, 20, 27):
            cut = octets[20 : 20 + size]
            short = ip.build_ip("10.99.0.1", "10.99.0.2", 51 if known is AH else 50, cut)
            outcome = unprotect(Inbound(agreed_on), short)
            assert isinstance(outcome, Refused)
            assert outcome.reason is Reason.TOO_SHORT, (size, str(outcome))

    @pytest.mark.parametrize("known", EACH)
    def test_unknown_spi(self, known: SaKeys) -> None:
        agreed_on = agreed(known, "tunnel", 4)
        octets = packet(agreed_on).replace(SPI.to_bytes(4), b"\1\2\3\4")
        says = refused(unprotect(Inbound(agreed_on), octets), Reason.UNKNOWN_SPI, known)
        assert "01020304" in says.why

    @pytest.mark.parametrize(
        ("ours", "theirs", "says"),
        [
            (agreed(AES, "tunnel", 4), agreed(AH, "tunnel", 4), "expected ESP, got AH"),
            (agreed(AES, "tunnel", 4, UdpPorts()), agreed(AES, "tunnel", 4), "expected UDP, got ESP"),
            (agreed(AES, "tunnel", 4), agreed(AES, "tunnel", 4, UdpPorts()), "expected ESP, got UDP"),
        ],
    )
    def test_another_protocol(self, ours: Association, theirs: Association, says: str) -> None:
        assert says in refused(unprotect(Inbound(ours), packet(theirs)), Reason.UNKNOWN_SPI).why

    @pytest.mark.parametrize(
        ("plaintext", "reason"),
        [
            (PING + b"\1\2\3\4\4\4", None),
            (PING + b"\1\2\7\4\4\4", Reason.BAD_PADDING),
            (PING + b"\1\2\3\4\xff\4", Reason.BAD_PADDING),
            (PING[:4] + b"\1\2\2\4", Reason.NO_PAYLOAD),
            (b"\x60" + PING[1:] + b"\1\2\2\4", Reason.NO_PAYLOAD),
            (PING[:40] + b"\1\2\2\4", Reason.NO_PAYLOAD),
            (PING + b"\1\2\2\x11", Reason.NO_PAYLOAD),
        ],
    )
    def test_a_genuine_packet_with_something_wrong_inside(self, plaintext: bytes, reason: Reason | None) -> None:
        known = keys(cipher="null", check="sha1")
        assert known.integrity is not None
        assert known.auth_key is not None
        head = SPI.to_bytes(4) + b"\0\0\0\1" + plaintext
        octets = ip.build_ip("10.99.0.1", "10.99.0.2", 50, head + known.integrity.icv(known.auth_key, head))
        outcome = unprotect(Inbound(agreed(known, "tunnel", 4)), octets)
        if reason is None:
            assert accepted(outcome).packet == PING
        else:
            refused(outcome, reason)

    def test_tfc_padding_is_taken_off(self) -> None:
        esp = seal_esp(AES, 1, bytes(16), 4, PING + bytes(300))
        assert accepted(unprotect_esp(Inbound(agreed(AES, "tunnel", 4)), esp)).packet == PING

    def test_fragments_and_damaged_packets(self) -> None:
        sa = Inbound(agreed(AES, "tunnel", 4))
        refused(unprotect(sa, bytes(IP(proto=50, flags="MF") / Raw(bytes(60)))), Reason.FRAGMENT)
        refused(unprotect(sa, packet(sa.association)[:-1]), Reason.NO_IP_PACKET)
        refused(unprotect(sa, b""), Reason.NO_IP_PACKET)

    def test_what_ah_vouches_for_must_be_a_packet_in_tunnel_mode(self) -> None:
        def around(behind: bytes) -> bytes:
            return ip.build_ip("10.99.0.1", "10.99.0.2", 51, behind)

        sa = Inbound(agreed(AH, "tunnel", 4))
        for next_header, payload, says in ((17, PING, "got UDP"), (4, PING[:-1], "a whole packet of IP version 4")):
            octets = seal_ah(AH, 1, b"", next_header, payload, around)
            assert says in refused(unprotect(sa, octets), Reason.NO_PAYLOAD, AH).why

    def test_ah_of_another_sa(self) -> None:
        other = agreed(replace(AH, spi=b"\xc0\0\0\1"), "tunnel", 4)
        says = refused(unprotect(Inbound(agreed(AH, "tunnel", 4)), packet(other)), Reason.UNKNOWN_SPI, AH)
        assert says.why.endswith("got c0000001")

    def test_transport_mode_without_the_header_gives_the_payload_alone(self) -> None:
        agreed_on = agreed(AES, "transport", 4, UdpPorts())
        outcome = accepted(unprotect_esp(Inbound(agreed_on), packet(agreed_on)[28:]))
        assert outcome.packet == PING[20:]


class TestRfc4303AppendixA2:
    @pytest.mark.parametrize("known", [replace(each, esn=True) for each in (*EACH, keys(cipher="aes128gmac"))])
    def test_the_upper_half_is_recovered_and_proved(self, known: SaKeys) -> None:
        agreed_on = agreed(known, "tunnel", 4)
        sa = Inbound(agreed_on, ReplayWindow(NUMBERS - 10))
        for number in (NUMBERS - 9, NUMBERS - 1, NUMBERS + 3, NUMBERS - 3, NUMBERS, NUMBERS + 1):
            outcome = accepted(unprotect(sa, packet(agreed_on, number)))
            assert outcome.sequence == number
            sa = outcome.sa
        assert sa.window.top == NUMBERS + 3
        refused(unprotect(sa, packet(agreed_on, NUMBERS - 9)), Reason.REPLAYED, known)

    def test_a_number_of_another_subspace_does_not_prove_itself(self) -> None:
        agreed_on = agreed(keys(cipher="aes128", check="sha1", esn=True), "tunnel", 4)
        sa = Inbound(agreed_on, ReplayWindow(5 * NUMBERS + 1000))
        refused(unprotect(sa, packet(agreed_on, 9 * NUMBERS + 1100)), Reason.WRONG_ICV)

    def test_numbers_end(self) -> None:
        agreed_on = agreed(keys(cipher="aes128", check="sha1", esn=True), "tunnel", 4)
        sa = Inbound(agreed_on, ReplayWindow(NUMBERS * NUMBERS - 1))
        refused(unprotect(sa, packet(agreed_on, NUMBERS + 5)), Reason.SEQUENCE_OVERFLOW)


class TestHostileInput:
    @settings(max_examples=300)
    @given(
        known=st.sampled_from([*EACH, BARE, keys(cipher="aes128ctr", check="md5"), keys(check="aes128gmac")]),
        mode=st.sampled_from(MODES),
        version=st.sampled_from(VERSIONS),
        at=st.integers(0, 160),
        patch_with=st.binary(min_size=1, max_size=12),
        cut=st.integers(0, 200),
    )
    def test_nothing_raises_and_nothing_but_the_genuine_moves_the_window(
        self, known: SaKeys, mode: str, version: int, at: int, patch_with: bytes, cut: int
    ) -> None:
        agreed_on = agreed(known, mode, version)
        sa = Inbound(agreed_on)
        octets = protect(Outbound(agreed_on), bytes(inner(version)), draw)
        assert isinstance(octets, Protected)
        hostile = bytearray(octets.packet)
        hostile[at : at + len(patch_with)] = patch_with
        for attempt in (bytes(hostile), bytes(hostile[:cut]), patch_with, octets.packet[:cut] + patch_with):
            outcome = unprotect(sa, attempt)
            if isinstance(outcome, Unprotected) and agreed_on.has_integrity:
                assert outcome.packet[20:] == bytes(inner(version))[20:] or mode == "transport"
                assert outcome.sequence == 1
            assert unprotect_esp(sa, attempt[:60]) is not None
        assert sa == Inbound(agreed_on)

    @given(st.binary(max_size=200))
    def test_octets_of_chance(self, octets: bytes) -> None:
        for known in EACH:
            for mode in MODES:
                refused_or_not = unprotect(Inbound(agreed(known, mode, 4)), octets)
                assert isinstance(refused_or_not, Refused)


def test_a_window_survives_loss_and_reordering() -> None:
    agreed_on = agreed(replace(AES), "tunnel", 4)
    octets = [packet(agreed_on, number) for number in range(1, 200)]
    sa, arrived = Inbound(agreed_on), 0
    for number in [*range(1, 199, 3), *range(198, 70, -1), *range(1, 30)]:
        outcome = unprotect(sa, octets[number - 1])
        if isinstance(outcome, Unprotected):
            sa, arrived = outcome.sa, arrived + 1
    assert sa.window.top == 198
    assert arrived == len({*range(1, 199, 3), *range(198, 70, -1)})
