"""What guards a packet in ESP and AH: ciphers, integrity checks, and ciphers that are both.

Their keys come from Quick Mode's KEYMAT: `Protection` says how much of it one direction takes and how it is divided.
The records are tables like those of phase 1 (`ikelab.crypto.suite`).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from ikelab.crypto import backend
from ikelab.crypto.registry import by_number, by_number_and_key_length, by_word, expect_size
from ikelab.crypto.suite import OTHER_CIPHER_WORDS, OTHER_HASH_WORDS, CbcCipher, Hash, hash_by_word
from ikelab.errors import Misuse, Refusal


class EspCipher(CbcCipher):
    """A cipher of ESP that needs an integrity check beside it. number: transform identifier (RFC 2407 §4.4.4)."""

    @property
    def keymat_size(self) -> int:
        """Octets of KEYMAT that it takes."""
        return self.key_size


class NullCipher(EspCipher):
    """ESP without confidentiality: what goes in comes out (RFC 2410)."""

    @property
    def iv_size(self) -> int:
        return 0

    def encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        self._check(key, iv, data)
        return data

    decrypt = encrypt


@dataclass(frozen=True, kw_only=True)
class AeadCipher(EspCipher):
    """A cipher of ESP that checks integrity itself: AES-GCM.

    `keymat` is the key with the 4-octet salt behind it (RFC 4106 §8.1); the nonce is salt | IV (§4); the ICV is the
    first `icv_size` octets of the tag (§6). `block_size` is 1: the ciphertext is as long as the plaintext.
    """

    icv_size: int
    salt_size: int = 4

    @property
    def label(self) -> str:
        return f"AES-GCM-{self.key_length} with {self.icv_size}-octet ICV"

    @property
    def iv_size(self) -> int:
        return 8

    @property
    def keymat_size(self) -> int:
        return self.key_size + self.salt_size

    def seal(self, keymat: bytes, iv: bytes, data: bytes, associated: bytes) -> bytes:
        """The ciphertext with the ICV behind it. `associated` (SPI and sequence number) is covered, not included."""
        key, nonce = self._key_and_nonce(keymat, iv)
        ciphertext, tag = backend.seal_gcm(key, nonce, data, associated)
        return ciphertext + tag[: self.icv_size]

    def open(self, keymat: bytes, iv: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The plaintext. Raises Refusal if the ICV does not match."""
        key, nonce = self._key_and_nonce(keymat, iv)
        if len(sealed) < self.icv_size:
            raise Refusal(why=f"{self.label}: expected {self.icv_size} octets of ICV, got {len(sealed)}", rfc=self.rfc)
        ciphertext, icv = sealed[: -self.icv_size], sealed[-self.icv_size :]
        plaintext = backend.open_gcm(key, nonce, ciphertext, icv, associated)
        if plaintext is None:
            raise Refusal(why=f"{self.label}: the ICV does not match: another key, or altered on the way", rfc=self.rfc)
        return plaintext

    def encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        raise Misuse(f"{self.label}: expected seal and open, got encrypt or decrypt, which would leave out the ICV")

    decrypt = encrypt

    def _key_and_nonce(self, keymat: bytes, iv: bytes) -> tuple[bytes, bytes]:
        expect_size(f"{self.label} key with its salt", keymat, self.keymat_size)
        expect_size(f"{self.label} IV", iv, self.iv_size)
        return keymat[: self.key_size], keymat[self.key_size :] + iv


@dataclass(frozen=True, kw_only=True)
class Integrity:
    """An integrity check of ESP and AH: a keyed hash, truncated.

    number: Authentication Algorithm attribute (RFC 2407 §4.5). ah_transform: AH's transform identifier (§4.4.3).
    """

    number: int
    ah_transform: int
    family: str
    hash: Hash
    icv_size: int
    rfc: str

    @property
    def word(self) -> str:
        return self.hash.word

    @property
    def label(self) -> str:
        return self.family

    @property
    def key_size(self) -> int:
        """Octets of key: exactly as many as the hash gives (RFC 2403 §3, RFC 2404 §3, RFC 4868 §2.1.1)."""
        return self.hash.size

    def icv(self, key: bytes, data: bytes) -> bytes:
        """The first `icv_size` octets of the HMAC."""
        expect_size(f"{self.label} key", key, self.key_size)
        return hmac.digest(key, data, self.hash.word)[: self.icv_size]

    def verify(self, key: bytes, data: bytes, icv: bytes) -> bool:
        """Whether `icv` is the one of `data`, compared in constant time."""
        return hmac.compare_digest(self.icv(key, data), icv)


@dataclass(frozen=True, kw_only=True)
class Protection:
    """What guards one direction of an ESP or AH SA, and how its KEYMAT is divided.

    Raises Misuse where neither is given, or an integrity check beside a cipher that has its own.
    """

    cipher: EspCipher | None = None
    integrity: Integrity | None = None

    def __post_init__(self) -> None:
        if self.cipher is None and self.integrity is None:
            raise Misuse("protection: expected a cipher (ESP), an integrity check (AH) or both, got neither")
        if isinstance(self.cipher, AeadCipher) and self.integrity is not None:
            raise Misuse(
                f"protection: expected {self.cipher.label} alone, which checks integrity itself, "
                f"got {self.integrity.label} beside it"
            )

    @property
    def keymat_size(self) -> int:
        """Octets of KEYMAT that one direction takes."""
        return (self.cipher.keymat_size if self.cipher else 0) + (self.integrity.key_size if self.integrity else 0)

    def split(self, keymat: bytes) -> tuple[bytes, bytes]:
        """KEYMAT as (encryption key, integrity key): encryption comes first (RFC 4301 §4.5.2)."""
        expect_size("KEYMAT", keymat, self.keymat_size)
        end = self.cipher.keymat_size if self.cipher else 0
        return keymat[:end], keymat[end:]


def _cbc_with_every_key_length(number: int, word: str, block_cipher: str, rfc: str) -> tuple[EspCipher, ...]:
    return tuple(
        EspCipher(
            number=number,
            word=f"{word}{bits}",
            family=f"{block_cipher}-CBC",
            block_cipher=block_cipher,
            key_size=bits // 8,
            block_size=16,
            key_length=bits,
            rfc=rfc,
            key_length_rfc="RFC 3602 §5.3",
        )
        for bits in (128, 192, 256)
    )


def _gcm_with_every_key_length(number: int, icv_size: int) -> tuple[AeadCipher, ...]:
    return tuple(
        AeadCipher(
            number=number,
            word=f"aes{bits}gcm{icv_size}",
            family=f"AES-GCM with {icv_size}-octet ICV",
            block_cipher="AES",
            key_size=bits // 8,
            block_size=1,
            key_length=bits,
            icv_size=icv_size,
            rfc="RFC 4106 §6",
            key_length_rfc="RFC 4106 §8.4",
        )
        for bits in (128, 192, 256)
    )


_FIXED_KEY = "RFC 2407 §4.5"

ESP_CIPHERS = (
    EspCipher(number=2, word="des", family="DES-CBC", block_cipher="DES", key_size=8, block_size=8,
              rfc="RFC 2405 §3", key_length_rfc=_FIXED_KEY),
    EspCipher(number=3, word="3des", family="3DES-CBC", block_cipher="3DES", key_size=24, block_size=8,
              rfc="RFC 2451 §2", key_length_rfc=_FIXED_KEY),
    NullCipher(number=11, word="null", family="NULL", block_cipher="NULL", key_size=0, block_size=1,
               rfc="RFC 2410 §2", key_length_rfc=_FIXED_KEY),
    *_cbc_with_every_key_length(12, "aes", "AES", "RFC 3602 §5.2"),
    *_gcm_with_every_key_length(18, 8),
    *_gcm_with_every_key_length(19, 12),
    *_gcm_with_every_key_length(20, 16),
    *_cbc_with_every_key_length(22, "camellia", "Camellia", "RFC 4312 §4.2"),
)  # fmt: skip
"""ESP's transforms. CTR (13), CCM (14 to 16) and GMAC (23) have no row yet."""

INTEGRITIES = (
    Integrity(number=1, ah_transform=2, family="HMAC-MD5-96", hash=hash_by_word("md5"), icv_size=12,
              rfc="RFC 2403 §2"),
    Integrity(number=2, ah_transform=3, family="HMAC-SHA-1-96", hash=hash_by_word("sha1"), icv_size=12,
              rfc="RFC 2404 §2"),
    Integrity(number=5, ah_transform=5, family="HMAC-SHA-256-128", hash=hash_by_word("sha256"), icv_size=16,
              rfc="RFC 4868 §2.6"),
    Integrity(number=6, ah_transform=6, family="HMAC-SHA-384-192", hash=hash_by_word("sha384"), icv_size=24,
              rfc="RFC 4868 §2.6"),
    Integrity(number=7, ah_transform=7, family="HMAC-SHA-512-256", hash=hash_by_word("sha512"), icv_size=32,
              rfc="RFC 4868 §2.6"),
)  # fmt: skip
"""Integrity checks. AES-XCBC-MAC (9) has no row yet."""

_ICV_IN_BITS = {f"aes{key}gcm{8 * icv}": f"aes{key}gcm{icv}" for key in (128, 192, 256) for icv in (8, 12, 16)}


def esp_cipher_by_number(number: int, key_length: int | None = None) -> EspCipher:
    """The cipher of an ESP transform identifier and a Key Length attribute (bits, None if absent), else Misuse."""
    return by_number_and_key_length("ESP transform", ESP_CIPHERS, number, key_length)


def esp_cipher_by_word(word: str) -> EspCipher:
    """The ESP cipher of a proposal's word, e.g. "aes128", "aes256gcm16" (or "aes256gcm128"), "null"; else Misuse."""
    return by_word("ESP cipher", ESP_CIPHERS, word, OTHER_CIPHER_WORDS | _ICV_IN_BITS)


def integrity_by_number(number: int) -> Integrity:
    """The integrity check that an Authentication Algorithm attribute names, else Misuse."""
    return by_number("Authentication Algorithm", INTEGRITIES, number)


def integrity_by_word(word: str) -> Integrity:
    """The integrity check of a proposal's word, e.g. "sha1"; else Misuse."""
    return by_word("integrity check", INTEGRITIES, word, OTHER_HASH_WORDS)
