"""ESP's and AH's algorithms: RFC vectors, GCM written out by hand, how KEYMAT is divided, what is refused."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto.protection import (
    AH_INTEGRITIES,
    ESP_CIPHERS,
    INTEGRITIES,
    AeadCipher,
    CounterCipher,
    EspCipher,
    GmacIntegrity,
    HmacIntegrity,
    Integrity,
    Protection,
    esp_cipher_by_number,
    esp_cipher_by_word,
    integrity_by_number,
    integrity_by_word,
)
from ikelab.crypto.suite import cipher_by_word
from ikelab.errors import Misuse, Refusal
from ikelab.wire.numbers import AuthAlgorithm, TransformAh, TransformEsp

AEADS = [cipher for cipher in ESP_CIPHERS if isinstance(cipher, AeadCipher)]
GCM = [cipher for cipher in AEADS if "gcm" in cipher.word]
CCM = [cipher for cipher in AEADS if "ccm" in cipher.word]
GMAC = [cipher for cipher in AEADS if "gmac" in cipher.word]
COUNTERS = [cipher for cipher in ESP_CIPHERS if isinstance(cipher, CounterCipher)]
HMACS = [check for check in INTEGRITIES if isinstance(check, HmacIntegrity)]
GMAC_CHECKS = [check for check in AH_INTEGRITIES if isinstance(check, GmacIntegrity)]


def gcm_by_hand(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """AES-GCM after its specification: counter mode, and GHASH in GF(2^128). Ciphertext and 16-octet tag."""
    aes = cipher_by_word(f"aes{8 * len(key)}")

    def block(data: bytes) -> bytes:
        return aes.encrypt(key, bytes(16), data)

    def times(x: int, y: int) -> int:
        product = 0
        for bit in range(127, -1, -1):
            product ^= y if x >> bit & 1 else 0
            y = y >> 1 ^ (0xE1 << 120 if y & 1 else 0)
        return product

    stream = b"".join(block(nonce + (2 + i).to_bytes(4)) for i in range(len(plain) // 16 + 1))
    ciphertext = bytes(a ^ b for a, b in zip(plain, stream, strict=False))
    padded = b"".join(part + bytes(-len(part) % 16) for part in (associated, ciphertext))
    padded += (8 * len(associated)).to_bytes(8) + (8 * len(ciphertext)).to_bytes(8)
    digest, h = 0, int.from_bytes(block(bytes(16)))
    for at in range(0, len(padded), 16):
        digest = times(digest ^ int.from_bytes(padded[at : at + 16]), h)
    tag = digest ^ int.from_bytes(block(nonce + (1).to_bytes(4)))
    return ciphertext + tag.to_bytes(16)


class TestCbcInEsp:
    def test_rfc_3602_section_4_case_6(self) -> None:
        key, iv = bytes.fromhex("90d382b410eeba7ad938c46cec1a82bf"), bytes.fromhex("69d08df7d203329db093fc4924e5bd80")
        plain = "0800b5e8a80a0500a69c083d0b660e0077777777777777777777777701020201"
        encrypted = "f51995881ec4e0c4488987ce742e8109689bb379d2d750c0d915dca346a89f75"
        assert esp_cipher_by_word("aes128").encrypt(key, iv, bytes.fromhex(plain)).hex() == encrypted
        assert esp_cipher_by_word("aes128").decrypt(key, iv, bytes.fromhex(encrypted)).hex() == plain

    def test_null_changes_nothing_and_takes_neither_key_nor_iv(self) -> None:
        null = esp_cipher_by_word("null")
        assert (null.key_size, null.iv_size, null.keymat_size) == (0, 0, 0)
        assert null.decrypt(b"", b"", null.encrypt(b"", b"", b"as it is")) == b"as it is"
        with pytest.raises(Misuse, match="NULL key: expected 0 octets, got 16"):
            null.encrypt(bytes(16), b"", b"")

    def test_3des_refuses_a_key_that_is_single_des(self) -> None:
        assert "RFC 2451" in (esp_cipher_by_word("3des").weakness(bytes(24)) or "")


class TestGcm:
    @given(
        cipher=st.sampled_from(GCM),
        keymat=st.binary(min_size=36, max_size=36),
        iv=st.binary(min_size=8, max_size=8),
        plain=st.binary(max_size=70),
        associated=st.binary(max_size=20),
    )
    def test_equals_gcm_by_hand(
        self, cipher: AeadCipher, keymat: bytes, iv: bytes, plain: bytes, associated: bytes
    ) -> None:
        keymat = keymat[: cipher.keymat_size]
        sealed = cipher.seal(keymat, iv, plain, associated)
        by_hand = gcm_by_hand(keymat[: cipher.key_size], keymat[cipher.key_size :] + iv, plain, associated)
        assert sealed == by_hand[: len(plain) + cipher.icv_size]
        assert cipher.open(keymat, iv, sealed, associated) == plain

    @pytest.mark.parametrize("cipher", AEADS, ids=lambda cipher: cipher.word)
    def test_any_flipped_bit_is_refused(self, cipher: AeadCipher) -> None:
        keymat, iv, associated = bytes(range(cipher.keymat_size)), b"8 octets", b"SPI.seq."
        sealed = cipher.seal(keymat, iv, b"hello", associated)
        for bit in range(8 * len(sealed)):
            flipped = bytearray(sealed)
            flipped[bit // 8] ^= 1 << bit % 8
            with pytest.raises(Refusal, match="the ICV does not match"):
                cipher.open(keymat, iv, bytes(flipped), associated)
        with pytest.raises(Refusal):
            cipher.open(keymat, iv, sealed, b"SPI.seq!")
        with pytest.raises(Refusal, match=f"expected {cipher.icv_size} octets of ICV, got 7"):
            cipher.open(keymat, iv, sealed[:7], associated)

    def test_sizes_are_those_of_rfc_4106(self) -> None:
        assert {(cipher.number, cipher.icv_size) for cipher in GCM} == {(18, 8), (19, 12), (20, 16)}
        assert {(cipher.key_length, cipher.keymat_size) for cipher in GCM} == {(128, 20), (192, 28), (256, 36)}
        assert {cipher.iv_size for cipher in GCM} == {8}

    def test_misuse_is_named(self) -> None:
        gcm = esp_cipher_by_word("aes128gcm16")
        assert isinstance(gcm, AeadCipher)
        with pytest.raises(Misuse, match="key with its salt: expected 20 octets, got 16"):
            gcm.seal(bytes(16), bytes(8), b"", b"")
        with pytest.raises(Misuse, match="IV: expected 8 octets, got 12"):
            gcm.open(bytes(20), bytes(12), bytes(16), b"")
        for method in (gcm.encrypt, gcm.decrypt):
            with pytest.raises(Misuse, match="expected seal and open"):
                method(bytes(16), bytes(8), b"")


CTR_VECTORS = [
    (
        "AE6852F8121067CC4BF7A5765577F39E 00000030",
        "0000000000000000",
        b"Single block msg",
        "E4095D4FB7A7B3792D6175A3261311B8",
    ),
    (
        "7691BE035E5020A8AC6E6185 29F9A0DC 00E0017B",
        "27777F3F4A1786F0",
        bytes(range(0x24)),
        "C1CF48A89F2FFDD9CF4652E9EFDB72D7 4540A42BDE6D7836D59A5CEAAEF31053 25B2072F",
    ),
    (
        "16AF5B145FC9F579C175F93E3BFB0EED 863D06CCFDB78515 00000048",
        "36733C147D6D93CB",
        b"Single block msg",
        "4B55384FE259C9C84E7935A003CBE928",
    ),
]


class TestRfc3686CounterMode:
    @pytest.mark.parametrize(("keymat", "iv", "plain", "encrypted"), CTR_VECTORS)
    def test_vectors_of_section_6(self, keymat: str, iv: str, plain: bytes, encrypted: str) -> None:
        key = bytes.fromhex(keymat)
        cipher = esp_cipher_by_word(f"aes{8 * (len(key) - 4)}ctr")
        assert cipher.encrypt(key, bytes.fromhex(iv), plain) == bytes.fromhex(encrypted)
        assert cipher.decrypt(key, bytes.fromhex(iv), bytes.fromhex(encrypted)) == plain

    def test_sizes_are_those_of_section_5_1(self) -> None:
        sizes = {(cipher.key_length, cipher.keymat_size, cipher.iv_size) for cipher in COUNTERS}
        assert sizes == {(128, 20, 8), (192, 28, 8), (256, 36, 8)}

    def test_misuse_is_named(self) -> None:
        with pytest.raises(Misuse, match="key with its nonce: expected 20 octets, got 16"):
            esp_cipher_by_word("aes128ctr").encrypt(bytes(16), bytes(8), b"")


def ccm_by_hand(key: bytes, nonce: bytes, plain: bytes, associated: bytes, tag_size: int) -> bytes:
    """AES-CCM after its specification, with a length field of 15 - len(nonce) octets."""
    aes, length = cipher_by_word(f"aes{8 * len(key)}"), 15 - len(nonce)

    def block(data: bytes) -> bytes:
        return aes.encrypt(key, bytes(16), data)

    flags = (0x40 if associated else 0) | (tag_size - 2) // 2 << 3 | length - 1
    described = len(associated).to_bytes(2) + associated if associated else b""
    blocks = bytes([flags]) + nonce + len(plain).to_bytes(length)
    blocks += described + bytes(-len(described) % 16) + plain + bytes(-len(plain) % 16)
    mac = aes.encrypt(key, bytes(16), blocks)[-16:]
    count = range(len(plain) // 16 + 2)
    stream = b"".join(block(bytes([length - 1]) + nonce + number.to_bytes(length)) for number in count)
    ciphertext = bytes(a ^ b for a, b in zip(plain, stream[16:], strict=False))
    return ciphertext + bytes(a ^ b for a, b in zip(mac, stream, strict=False))[:tag_size]


class TestCcm:
    @given(
        cipher=st.sampled_from(CCM),
        keymat=st.binary(min_size=36, max_size=36),
        iv=st.binary(min_size=8, max_size=8),
        plain=st.binary(max_size=70),
        associated=st.sampled_from([b"SPI.seq.", b"SPI.high.seq", b""]),
    )
    def test_equals_ccm_by_hand(
        self, cipher: AeadCipher, keymat: bytes, iv: bytes, plain: bytes, associated: bytes
    ) -> None:
        keymat = keymat[: cipher.keymat_size]
        sealed = cipher.seal(keymat, iv, plain, associated)
        key, salt = keymat[: cipher.key_size], keymat[cipher.key_size :]
        assert sealed == ccm_by_hand(key, salt + iv, plain, associated, cipher.icv_size)
        assert cipher.open(keymat, iv, sealed, associated) == plain

    def test_sizes_are_those_of_rfc_4309(self) -> None:
        assert {(cipher.number, cipher.icv_size) for cipher in CCM} == {(14, 8), (15, 12), (16, 16)}
        assert {(cipher.key_length, cipher.keymat_size) for cipher in CCM} == {(128, 19), (192, 27), (256, 35)}


class TestGmac:
    @given(st.sampled_from(GMAC), st.binary(min_size=8, max_size=8), st.binary(max_size=70))
    def test_in_esp_it_is_the_tag_over_all_from_the_spi_on(self, cipher: AeadCipher, iv: bytes, data: bytes) -> None:
        keymat = bytes(range(cipher.keymat_size))
        sealed = cipher.seal(keymat, iv, data, b"SPI.seq.")
        key, salt = keymat[: cipher.key_size], keymat[cipher.key_size :]
        assert sealed == data + gcm_by_hand(key, salt + iv, b"", b"SPI.seq." + iv + data)
        assert cipher.open(keymat, iv, sealed, b"SPI.seq.") == data
        assert not cipher.hides

    @pytest.mark.parametrize("check", GMAC_CHECKS, ids=lambda check: check.word)
    def test_in_ah_its_iv_is_part_of_the_icv(self, check: GmacIntegrity) -> None:
        key, iv = bytes(range(check.key_size)), b"8 octets"
        icv = check.icv(key, b"packet", iv)
        assert icv == iv + gcm_by_hand(key[:-4], key[-4:] + iv, b"", b"packet")
        assert len(icv) == check.icv_size == 24
        assert check.verify(key, b"packet", icv)
        assert not check.verify(key, b"packet", b"9" + icv[1:])
        assert not check.verify(key, b"packet", icv[:-1])
        with pytest.raises(Misuse, match="IV: expected 8 octets, got 0"):
            check.icv(key, b"packet")

    def test_keymat_has_a_salt_too(self) -> None:
        assert [cipher.keymat_size for cipher in GMAC] == [check.key_size for check in GMAC_CHECKS] == [20, 28, 36]

    def test_as_an_integrity_check_it_is_ahs_alone(self) -> None:
        with pytest.raises(Misuse, match=r"got it as an integrity check \(RFC 4543 §5.3\)"):
            Protection(cipher=esp_cipher_by_word("null"), integrity=integrity_by_word("aes128gmac"))


XCBC_KEY = bytes(range(16))


class TestRfc3566Xcbc:
    @pytest.mark.parametrize(
        ("message", "mac"),
        [
            (b"", "75f0251d528ac01c4573dfd5"),
            (bytes(range(3)), "5b376580ae2f19afe7219cee"),
            (bytes(range(16)), "d2a246fa349b68a79998a439"),
            (bytes(range(20)), "47f51b4564966215b8985c63"),
            (bytes(range(32)), "f54f0ec8d2b9f3d36807734b"),
            (bytes(range(34)), "becbb3bccdb518a30677d548"),
            (bytes(1000), "f0dafee895db30253761103b"),
        ],
    )
    def test_vectors_of_section_4_6(self, message: bytes, mac: str) -> None:
        xcbc = integrity_by_word("aesxcbc")
        assert xcbc.icv(XCBC_KEY, message).hex() == mac
        assert xcbc.verify(XCBC_KEY, message, bytes.fromhex(mac))
        assert (xcbc.key_size, xcbc.icv_size) == (16, 12)


class TestIntegrity:
    @pytest.mark.parametrize("check", HMACS, ids=lambda check: check.word)
    def test_is_a_truncated_hmac_with_a_key_as_long_as_the_hash(self, check: HmacIntegrity) -> None:
        key = bytes(range(check.key_size))
        icv = check.icv(key, b"packet")
        assert icv == hmac.new(key, b"packet", check.word).digest()[: check.icv_size]
        assert check.key_size == hashlib.new(check.word).digest_size
        assert check.verify(key, b"packet", icv)
        assert not check.verify(key, b"packet", icv[:-1])
        assert not check.verify(key, b"packeT", icv)
        with pytest.raises(Misuse, match=f"key: expected {check.key_size} octets, got 8"):
            check.icv(bytes(8), b"")

    def test_rfc_4868_auth256_1(self) -> None:
        icv = integrity_by_word("sha256").icv(b"\x0b" * 32, b"Hi There")
        assert icv.hex() == "198a607eb44bfbc69903a0f1cf2bbdc5"

    def test_sizes_are_those_of_the_names(self) -> None:
        assert [check.icv_size * 8 for check in INTEGRITIES] == [
            int(check.family.rpartition("-")[2]) for check in INTEGRITIES
        ]

    @pytest.mark.parametrize("check", AH_INTEGRITIES, ids=lambda check: check.word)
    def test_iana_names_the_same_numbers(self, check: Integrity) -> None:
        named = check.family if check in GMAC_CHECKS else check.family.rpartition("-")[0]
        named = named.replace("SHA-1", "SHA").replace("SHA-", "SHA2-")
        assert AuthAlgorithm(check.number).label == named
        assert TransformAh(check.ah_transform).label == f"AH_{named.removeprefix('HMAC-')}"
        assert integrity_by_number(check.number) is check


class TestLookUp:
    @pytest.mark.parametrize("cipher", ESP_CIPHERS, ids=lambda cipher: cipher.word)
    def test_number_and_word_find_it_and_iana_names_it(self, cipher: EspCipher) -> None:
        assert esp_cipher_by_number(cipher.number, cipher.key_length) is cipher
        assert esp_cipher_by_word(cipher.word) is cipher
        iana = TransformEsp(cipher.number).label.upper().replace("-", "").replace("_", "")
        stem = cipher.word.upper().replace(str(cipher.key_length or "none"), "")
        assert stem in iana

    def test_icv_size_may_be_given_in_bits(self) -> None:
        assert esp_cipher_by_word("aes256gcm128") is esp_cipher_by_word("aes256gcm16")
        assert esp_cipher_by_word("aes192ccm64") is esp_cipher_by_word("aes192ccm8")
        assert esp_cipher_by_word("aes") is esp_cipher_by_word("aes128")

    @pytest.mark.parametrize(("number", "key_length", "complaint"), [
        (20, None, r"20 \(AES-GCM with 16-octet ICV\): expected a Key Length .* got none \(RFC 4106 §8.4\)"),
        (12, 100, r"12 \(AES-CBC\): expected a Key Length .* got 100 bits \(RFC 3602 §5.3\)"),
        (3, 192, r"3 \(3DES-CBC\): its key is fixed, so expected no Key Length .* \(RFC 2407 §4.5\)"),
        (13, None, r"13 \(AES-CTR\): expected a Key Length .* got none \(RFC 3686 §5.4\)"),
        (23, 64, r"23 \(AES-GMAC\): expected a Key Length .* got 64 bits \(RFC 4543 §5.3\)"),
        (21, 128, "ESP transform: expected one of .* got 21"),
    ])  # fmt: skip
    def test_key_length_attribute(self, number: int, key_length: int | None, complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            esp_cipher_by_number(number, key_length)

    def test_unknown_words_and_numbers_are_named(self) -> None:
        with pytest.raises(Misuse, match=r"ESP cipher: expected one of .*aes128gcm16.* got 'seed128'"):
            esp_cipher_by_word("seed128")
        with pytest.raises(Misuse, match=r"integrity check: expected one of md5, sha1, .* got 'ripemd'"):
            integrity_by_word("ripemd")
        with pytest.raises(Misuse, match=r"Authentication Algorithm: expected one of .* got 8"):
            integrity_by_number(8)


class TestProtection:
    @pytest.mark.parametrize(("cipher", "integrity", "sizes"), [
        ("aes128", "sha1", (16, 20)),
        ("3des", "md5", (24, 16)),
        ("aes256gcm16", None, (36, 0)),
        ("null", "sha256", (0, 32)),
        ("aes192ctr", "aesxcbc", (28, 16)),
        ("aes256ccm8", None, (35, 0)),
        ("aes128gmac", None, (20, 0)),
        (None, "aes256gmac", (0, 36)),
        (None, "sha512", (0, 64)),
    ])  # fmt: skip
    def test_encryption_key_comes_first(
        self, cipher: str | None, integrity: str | None, sizes: tuple[int, int]
    ) -> None:
        protection = Protection(
            cipher=esp_cipher_by_word(cipher) if cipher else None,
            integrity=integrity_by_word(integrity) if integrity else None,
        )
        keymat = bytes(range(protection.keymat_size))
        encryption, authentication = protection.split(keymat)
        assert (len(encryption), len(authentication)) == sizes
        assert encryption + authentication == keymat
        with pytest.raises(Misuse, match=f"KEYMAT: expected {sum(sizes)} octets, got {sum(sizes) + 1}"):
            protection.split(keymat + b"x")

    def test_neither_or_too_much_is_misuse(self) -> None:
        with pytest.raises(Misuse, match="got neither"):
            Protection()
        with pytest.raises(Misuse, match="got HMAC-SHA-1-96 beside it"):
            Protection(cipher=esp_cipher_by_word("aes128gcm16"), integrity=integrity_by_word("sha1"))
