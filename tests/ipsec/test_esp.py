"""ESP packets opened; scapy and recorded packets are the oracles."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, strategies as st

from ikelab.crypto.protection import esp_cipher_by_word, integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse, WireError
from ikelab.ike.beliefs import Beliefs
from ikelab.ipsec.esp import OpenedEsp, open_esp, spi_of
from ikelab.ipsec.inner import inner_summary
from ikelab.net.capture import read_capture
from ikelab.wire import ip
from ikelab.wire.udp import Carries, classify
from tests.ipsec.oracle import AEADS, CHECKS, CIPHERS, MODES, SPI, VERSIONS, inner, keys, protected
from tests.needs import captures_dir, needs

EVERY_PAIR = [*((cipher, check) for cipher in CIPHERS for check in CHECKS), *((cipher, None) for cipher in AEADS)]
RECORDED = [
    ("aggr_psk_libipsec", 10),
    ("esp_3des_sha1", 10),
    ("esp_aes128gcm16", 10),
    ("main_psk_pfs_libipsec", 10),
    ("nat_main_psk", 10),
    ("uml_esp_null_sha1", 9),
    ("uml_esp_transport", 7),
    ("uml_main_psk_esp", 8),
    ("xauth_main_psk_modecfg_pull_libipsec", 10),
]
"""Recorded conversations with ESP packets, and how many."""


def esp_of(octets: bytes) -> bytes:
    packet = ip.read_ip(octets)
    assert packet.protocol == 50
    return octets[packet.start : packet.end]


def handmade(plaintext: bytes, known: SaKeys, sequence: int = 1) -> bytes:
    """An ESP packet around this plaintext, trailer and all, made with ikelab's cipher and a hand-written HMAC."""
    assert known.cipher is not None
    assert known.enc_key is not None
    iv = bytes(known.cipher.iv_size)
    packet = SPI.to_bytes(4) + sequence.to_bytes(4) + iv + known.cipher.encrypt(known.enc_key, iv, plaintext)
    if known.integrity is None:
        return packet
    assert known.auth_key is not None
    return packet + hmac.digest(known.auth_key, packet, known.integrity.word)[: known.integrity.icv_size]


NULL_SHA1 = keys(cipher="null", check="sha1")


class TestRfc4303Section344IntegrityThenDecryption:
    @pytest.mark.parametrize("version", VERSIONS)
    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(("cipher", "check"), EVERY_PAIR)
    def test_what_scapy_protected_is_opened(self, cipher: str, check: str | None, mode: str, version: int) -> None:
        known = keys(cipher=cipher, check=check)
        opened = open_esp(known, esp_of(protected(known, mode, version)))
        expected, header = bytes(inner(version)), 20 if version == 4 else 40
        assert (opened.icv_ok, opened.decrypted, opened.remarks) == (True, True, ())
        assert opened.payload == (expected if mode == "tunnel" else expected[header:])
        assert opened.next_header == ({4: 4, 6: 41} if mode == "tunnel" else {4: 1, 6: 58})[version]
        assert (opened.spi, opened.sequence) == (SPI.to_bytes(4), 7)

    @pytest.mark.parametrize(("cipher", "check"), EVERY_PAIR)
    def test_the_parts_are_the_packet(self, cipher: str, check: str | None) -> None:
        known = keys(cipher=cipher, check=check)
        packet = esp_of(protected(known, "tunnel", 4))
        opened = open_esp(known, packet)
        assert opened.spi + opened.sequence.to_bytes(4) + opened.iv + opened.ciphertext + opened.icv == packet
        assert opened.plaintext is not None
        assert opened.next_header is not None
        trailer = bytes([opened.pad_length, opened.next_header])
        assert opened.payload + opened.padding + trailer == opened.plaintext

    @pytest.mark.parametrize(("cipher", "check"), [("aes128", "sha1"), ("aes256gcm16", None)])
    def test_extended_sequence_numbers_are_covered_though_not_sent(self, cipher: str, check: str | None) -> None:
        known = keys(cipher=cipher, check=check, esn=True)
        packet = esp_of(protected(known, "tunnel", 4, esn_en=True, esn=5))
        opened = open_esp(known, packet, sequence_high=5)
        assert (opened.icv_ok, opened.sequence) == (True, 5 << 32 | 7)
        assert open_esp(known, packet, sequence_high=4).icv_ok is False

    @pytest.mark.parametrize(("cipher", "check"), [("aes128", "sha1"), ("null", "md5"), ("aes128gcm16", None)])
    @given(at=st.integers(min_value=0), flip=st.integers(1, 255))
    def test_an_octet_altered_anywhere_is_noticed_and_nothing_is_decrypted(
        self, cipher: str, check: str | None, at: int, flip: int
    ) -> None:
        known = replace(keys(cipher=cipher, check=check), spi=None)
        packet = bytearray(esp_of(protected(known, "tunnel", 4)))
        packet[at % len(packet)] ^= flip
        opened = open_esp(known, bytes(packet))
        assert (opened.icv_ok, opened.decrypted, opened.plaintext, opened.payload) == (False, False, None, b"")
        assert opened.remarks == ("the ICV is wrong: another key, or altered on the way (RFC 4303 §3.4.4)",)

    @pytest.mark.parametrize("size", [8, 12])
    @pytest.mark.parametrize("bits", [128, 192, 256])
    def test_gcm_with_a_short_icv_by_hand(self, bits: int, size: int) -> None:
        known = keys(cipher=f"aes{bits}gcm{size}")
        assert known.enc_key is not None
        head, iv, plaintext = SPI.to_bytes(4) + b"\0\0\0\1", b"eight iv", bytes(inner(4)) + b"\1\2\2\4"
        sealed = AESGCM(known.enc_key[:-4]).encrypt(known.enc_key[-4:] + iv, plaintext, head)
        packet = head + iv + sealed[: len(plaintext) + size]
        opened = open_esp(known, packet)
        assert (opened.icv_ok, opened.plaintext, len(opened.icv)) == (True, plaintext, size)
        assert open_esp(known, packet[:-1] + bytes([packet[-1] ^ 1])).icv_ok is False


class TestPartialKnowledge:
    def test_without_an_integrity_key_the_icv_is_not_judged(self) -> None:
        known = keys(cipher="aes128", check="sha1")
        packet = esp_of(protected(known, "tunnel", 4))
        opened = open_esp(replace(known, auth_key=None), packet)
        assert (opened.icv_ok, opened.decrypted, opened.payload) == (None, True, bytes(inner(4)))

    def test_without_an_encryption_key_the_icv_still_is(self) -> None:
        known = keys(cipher="aes128", check="sha1")
        packet = esp_of(protected(known, "tunnel", 4))
        opened = open_esp(replace(known, enc_key=None), packet)
        assert (opened.icv_ok, opened.decrypted, opened.plaintext) == (True, None, None)

    @pytest.mark.parametrize("cipher", ["aes128", "aes128gcm16"])
    def test_without_any_key_it_is_cut_up(self, cipher: str) -> None:
        known = keys(cipher=cipher, check=None if cipher in AEADS else "sha1")
        packet = esp_of(protected(known, "tunnel", 4))
        opened = open_esp(replace(known, enc_key=None, auth_key=None), packet)
        assert (opened.icv_ok, opened.decrypted, opened.remarks) == (None, None, ())
        assert opened.iv + opened.ciphertext + opened.icv == packet[8:]

    def test_an_icv_of_which_only_the_size_is_known(self) -> None:
        known = keys(cipher="aes128", check="sha1")
        packet = esp_of(protected(known, "tunnel", 4))
        opened = open_esp(replace(known, integrity=None, auth_key=None, unchecked_icv=12), packet)
        assert (opened.icv_ok, opened.decrypted, len(opened.icv)) == (None, True, 12)

    def test_a_wrong_encryption_key_gives_nonsense(self) -> None:
        known = keys(cipher="aes128", check="sha1")
        packet = esp_of(protected(known, "tunnel", 4))
        for auth_key in (None, known.auth_key):
            opened = open_esp(replace(known, enc_key=b"some other key..", auth_key=auth_key), packet)
            assert (opened.decrypted, opened.next_header, opened.payload) == (False, None, b"")
            assert opened.remarks[-1].startswith("decrypted to nonsense, the key is probably wrong: ")


class TestRfc4303Section24To26Trailer:
    @pytest.mark.parametrize(
        ("trailer", "padding"),
        [(b"\0\x01", b""), (b"\1\1\x01", b"\1"), (bytes(range(1, 256)) + b"\xff\x01", bytes(range(1, 256)))],
    )
    def test_padding_counts_up(self, trailer: bytes, padding: bytes) -> None:
        opened = open_esp(NULL_SHA1, handmade(b"payload" + trailer, NULL_SHA1))
        assert (opened.payload, opened.padding, opened.next_header) == (b"payload", padding, 1)
        assert opened.remarks == ()

    @pytest.mark.parametrize(
        ("plaintext", "why"),
        [
            (b"abc\4\x01", "a pad length of 4 where there are 3 octets (RFC 4303 §2.5)"),
            (b"\x65bc\0\x04", "expected a packet of IP version 4, as the next header says (RFC 4303 §2.6)"),
            (b"\0\x29", "expected a packet of IP version 6, as the next header says (RFC 4303 §2.6)"),
            (b"abc\2\xc8", "expected padding of 1, 2, 3, ..., got 6263 (RFC 4303 §2.4)"),
        ],
    )
    def test_what_cannot_be_a_plaintext(self, plaintext: bytes, why: str) -> None:
        opened = open_esp(NULL_SHA1, handmade(plaintext, NULL_SHA1))
        assert (opened.icv_ok, opened.decrypted, opened.plaintext) == (True, False, plaintext)
        assert opened.remarks == (f"decrypted to nonsense, the key is probably wrong: {why}",)

    def test_odd_padding_that_the_icv_vouches_for_is_only_remarked_upon(self) -> None:
        packet = handmade(b"payload\7\7\2\x11", NULL_SHA1)
        opened = open_esp(NULL_SHA1, packet)
        assert (opened.decrypted, opened.payload, opened.next_header) == (True, b"payload", 17)
        assert opened.remarks == ("the padding is not 1, 2, 3, ... but 0707 (RFC 4303 §2.4)",)
        assert open_esp(replace(NULL_SHA1, auth_key=None), packet).decrypted is False

    def test_a_ciphertext_that_is_no_whole_number_of_blocks(self) -> None:
        known = replace(keys(cipher="aes128", check="sha1"), auth_key=None)
        opened = open_esp(known, SPI.to_bytes(4) + bytes(4 + 16 + 17 + 12))
        assert (opened.decrypted, opened.plaintext) == (None, None)
        assert opened.remarks == ("expected whole blocks of 16 octets of AES-CBC, got 17 octets (RFC 4303 §2.4)",)


class TestWhatIsNoSuchPacket:
    @pytest.mark.parametrize("size", [0, 7, 8, 8 + 16 + 12 + 1])
    def test_too_short(self, size: int) -> None:
        with pytest.raises(WireError, match=r"RFC 4303 §2"):
            open_esp(keys(cipher="aes128", check="sha1"), (SPI.to_bytes(4) + bytes(40))[:size])

    def test_another_spi(self) -> None:
        with pytest.raises(Misuse, match="expected a packet of SPI c930a8d1, got one of 00000000"):
            open_esp(NULL_SHA1, bytes(40))

    def test_keys_of_ah(self) -> None:
        with pytest.raises(Misuse, match="expected keys of an ESP SA, got those of an AH SA"):
            open_esp(keys(check="sha1"), bytes(40))

    @given(st.sampled_from(["null", "aes128", "3des", "aes128gcm16"]), st.booleans(), st.binary(max_size=120))
    def test_whatever_comes_it_is_opened_or_refused(self, cipher: str, checked: bool, packet: bytes) -> None:
        check = "sha1" if checked and cipher not in AEADS else None
        try:
            opened = open_esp(replace(keys(cipher=cipher, check=check), spi=None), packet)
        except WireError:
            return
        assert opened.spi == spi_of(packet)


def recorded_packets(name: str) -> Iterator[bytes]:
    for each in read_capture(captures_dir() / name / "capture.pcap"):
        if each.protocol == "esp":
            yield each.octets
        elif each.protocol == "udp":
            content = classify(each.octets, each.source.port, each.destination.port)
            if content.carries is Carries.ESP:
                yield content.octets


def recorded_keys(name: str) -> dict[bytes, SaKeys]:
    """Ready keys of the facts; where they name no algorithm it is null-sha1, as the conversation's name says."""
    beliefs = Beliefs.from_json(json.loads((captures_dir() / name / "facts.json").read_text("utf-8")))
    if beliefs.esp:
        return {key.spi: key for key in beliefs.esp if key.spi}
    (quick,) = beliefs.quick
    null = SaKeys(
        protocol="ESP", spi=None, cipher=esp_cipher_by_word("null"), enc_key=b"", integrity=integrity_by_word("sha1")
    )
    pairs = ((quick.spi_i, quick.auth_i), (quick.spi_r, quick.auth_r))
    return {spi: replace(null, spi=spi, auth_key=key) for spi, key in pairs if spi}


@needs("shared-captures")
class TestRecordedPackets:
    @pytest.mark.parametrize(("name", "count"), RECORDED)
    def test_every_packet_is_verified_and_opened(self, name: str, count: int) -> None:
        known = recorded_keys(name)
        opened: list[OpenedEsp] = [open_esp(known[spi_of(packet)], packet) for packet in recorded_packets(name)]
        assert len(opened) == count
        assert {(each.icv_ok, each.decrypted, each.remarks) for each in opened} == {(True, True, ())}
        assert all("ICMP echo re" in inner_summary(each.next_header or 0, each.payload) for each in opened)
        for spi in known:
            sequence = [each.sequence for each in opened if each.spi == spi]
            assert sequence == list(range(1, len(sequence) + 1))
