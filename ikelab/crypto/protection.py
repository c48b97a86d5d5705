"""What guards a packet in ESP and AH: ciphers, integrity checks, and ciphers that are both.

Their keys come from Quick Mode's KEYMAT: `Protection` says how much of it one direction takes and how it is divided.
The records are tables like those of phase 1 (`ikelab.crypto.suite`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeVar

from ikelab.crypto import backend
from ikelab.crypto.integrity import (
    AH_INTEGRITIES,
    INTEGRITIES,
    GmacIntegrity,
    HmacIntegrity,
    Integrity,
    integrity_by_number,
    integrity_by_word,
    refuse_for_esp,
)
from ikelab.crypto.registry import by_number_and_key_length, by_word, expect_size
from ikelab.crypto.suite import OTHER_CIPHER_WORDS, CbcCipher
from ikelab.errors import Misuse, Refusal

__all__ = [
    "AH_INTEGRITIES",
    "ESP_CIPHERS",
    "INTEGRITIES",
    "OTHER_ESP_CIPHER_WORDS",
    "AeadCipher",
    "CounterCipher",
    "EspCipher",
    "GmacIntegrity",
    "HmacIntegrity",
    "Integrity",
    "NullCipher",
    "Protection",
    "esp_cipher_by_number",
    "esp_cipher_by_word",
    "integrity_by_number",
    "integrity_by_word",
]


class EspCipher(CbcCipher):
    """A cipher of ESP that needs an integrity check beside it. number: transform identifier (RFC 2407 §4.4.4)."""

    @property
    def keymat_size(self) -> int:
        """Octets of KEYMAT that it takes."""
        return self.key_size

    @property
    def hides(self) -> bool:
        """Whether the payload cannot be read without the key."""
        return True

    @property
    def counts_ivs(self) -> bool:
        """Whether its IVs must never repeat under a key, and so are counted; others must be unforeseeable."""
        return False


class NullCipher(EspCipher):
    """ESP without confidentiality: what goes in comes out (RFC 2410)."""

    @property
    def iv_size(self) -> int:
        return 0

    @property
    def hides(self) -> bool:
        return False

    def encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        self._check(key, iv, data)
        return data

    decrypt = encrypt


@dataclass(frozen=True, kw_only=True)
class CounterCipher(EspCipher):
    """AES in counter mode (RFC 3686): a key stream, so that no IV may ever come twice under a key.

    `keymat` is the key with the 4-octet nonce behind it (§5.1); the first counter block is nonce | IV | 1 (§4).
    """

    salt_size: int = 4

    @property
    def iv_size(self) -> int:
        return 8

    @property
    def keymat_size(self) -> int:
        return self.key_size + self.salt_size

    @property
    def counts_ivs(self) -> bool:
        return True

    def encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """Encrypt, or decrypt, octets of any number. `key` has the nonce behind it. Raises Misuse for a wrong size."""
        expect_size(f"{self.label} key with its nonce", key, self.keymat_size)
        expect_size(f"{self.label} IV", iv, self.iv_size)
        first = key[self.key_size :] + iv + (1).to_bytes(4)
        return backend.crypt_ctr(self.block_cipher, key[: self.key_size], first, data)

    decrypt = encrypt


@dataclass(frozen=True, kw_only=True)
class AeadCipher(EspCipher, ABC):
    """A cipher of ESP that checks integrity itself.

    `keymat` is the key with the salt behind it; the nonce is salt | IV. `block_size` is 1: the ciphertext is as long as
    the plaintext. The ICV is the first `icv_size` octets of the tag.
    """

    icv_size: int
    salt_size: int = 4

    @property
    def label(self) -> str:
        return f"{self.family.partition(' with ')[0]}-{self.key_length} with {self.icv_size}-octet ICV"

    @property
    def iv_size(self) -> int:
        return 8

    @property
    def keymat_size(self) -> int:
        return self.key_size + self.salt_size

    @property
    def counts_ivs(self) -> bool:
        return True

    def seal(self, keymat: bytes, iv: bytes, data: bytes, associated: bytes) -> bytes:
        """The ciphertext with the ICV behind it. `associated` (SPI and sequence number) is covered, not included."""
        key, nonce = self._key_and_nonce(keymat, iv)
        return self._seal(key, nonce, iv, data, associated)

    def open(self, keymat: bytes, iv: bytes, sealed: bytes, associated: bytes) -> bytes:
        """The plaintext. Raises Refusal if the ICV does not match."""
        key, nonce = self._key_and_nonce(keymat, iv)
        if len(sealed) < self.icv_size:
            raise Refusal(why=f"{self.label}: expected {self.icv_size} octets of ICV, got {len(sealed)}", rfc=self.rfc)
        plaintext = self._open(key, nonce, iv, sealed, associated)
        if plaintext is None:
            raise Refusal(why=f"{self.label}: the ICV does not match: another key, or altered on the way", rfc=self.rfc)
        return plaintext

    def encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        raise Misuse(f"{self.label}: expected seal and open, got encrypt or decrypt, which would leave out the ICV")

    decrypt = encrypt

    def _key_and_nonce(self, keymat: bytes, iv: bytes) -> tuple[bytes, bytes]:
        end = self.key_size
        if len(keymat) != end + self.salt_size or len(iv) != self.iv_size:  # the sentences are for mistakes alone
            expect_size(f"{self.label} key with its salt", keymat, self.keymat_size)
            expect_size(f"{self.label} IV", iv, self.iv_size)
        return keymat[:end], keymat[end:] + iv

    @abstractmethod
    def _seal(self, key: bytes, nonce: bytes, iv: bytes, data: bytes, associated: bytes) -> bytes: ...
    @abstractmethod
    def _open(self, key: bytes, nonce: bytes, iv: bytes, sealed: bytes, associated: bytes) -> bytes | None: ...


class GcmCipher(AeadCipher):
    """AES-GCM (RFC 4106): the key has a salt of 4 octets behind it (§8.1), the ICV may be cut short (§6)."""

    def _seal(self, key: bytes, nonce: bytes, iv: bytes, data: bytes, associated: bytes) -> bytes:
        sealed = backend.seal_gcm(key, nonce, data, associated)
        return sealed if self.icv_size == 16 else sealed[: self.icv_size - 16]

    def _open(self, key: bytes, nonce: bytes, iv: bytes, sealed: bytes, associated: bytes) -> bytes | None:
        return backend.open_gcm(key, nonce, sealed, self.icv_size, associated)


class CcmCipher(AeadCipher):
    """AES-CCM (RFC 4309): the key has a salt of 3 octets behind it (§7.1), so the nonce has 11 (§4)."""

    def _seal(self, key: bytes, nonce: bytes, iv: bytes, data: bytes, associated: bytes) -> bytes:
        return backend.seal_ccm(key, nonce, data, self.icv_size, associated)

    def _open(self, key: bytes, nonce: bytes, iv: bytes, sealed: bytes, associated: bytes) -> bytes | None:
        return backend.open_ccm(key, nonce, sealed, self.icv_size, associated)


class GmacCipher(AeadCipher):
    """ENCR_NULL_AUTH_AES_GMAC (RFC 4543): GCM that encrypts nothing, and whose tag covers what anyone can read.

    The IV is covered too, unlike that of GCM (§3.5).
    """

    @property
    def label(self) -> str:
        return f"{self.family}-{self.key_length}"

    @property
    def hides(self) -> bool:
        return False

    def _seal(self, key: bytes, nonce: bytes, iv: bytes, data: bytes, associated: bytes) -> bytes:
        return data + backend.seal_gcm(key, nonce, b"", associated + iv + data)

    def _open(self, key: bytes, nonce: bytes, iv: bytes, sealed: bytes, associated: bytes) -> bytes | None:
        data, tag = sealed[: -self.icv_size], sealed[-self.icv_size :]
        return data if backend.open_gcm(key, nonce, tag, self.icv_size, associated + iv + data) is not None else None


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
        if self.cipher is not None and self.integrity is not None:
            refuse_for_esp(self.integrity)

    @property
    def keymat_size(self) -> int:
        """Octets of KEYMAT that one direction takes."""
        return (self.cipher.keymat_size if self.cipher else 0) + (self.integrity.key_size if self.integrity else 0)

    def split(self, keymat: bytes) -> tuple[bytes, bytes]:
        """KEYMAT as (encryption key, integrity key): encryption comes first (RFC 4301 §4.5.2)."""
        expect_size("KEYMAT", keymat, self.keymat_size)
        end = self.cipher.keymat_size if self.cipher else 0
        return keymat[:end], keymat[end:]


_Cipher = TypeVar("_Cipher", bound=EspCipher)


def _with_every_key_length(
    kind: type[_Cipher], number: int, word: str, family: str, rfc: str, key_length_rfc: str, **rest: int
) -> tuple[_Cipher, ...]:
    """One cipher for each size of key; "#" in the word stands for its bits."""
    return tuple(
        kind(
            number=number,
            word=word.replace("#", str(bits)),
            family=family,
            block_cipher=family.partition("-")[0],
            key_size=bits // 8,
            key_length=bits,
            rfc=rfc,
            key_length_rfc=key_length_rfc,
            **rest,
        )
        for bits in (128, 192, 256)
    )


def _aead(
    kind: type[AeadCipher], first_number: int, mode: str, rfc: str, key_length_rfc: str, salt_size: int
) -> tuple[AeadCipher, ...]:
    """GCM or CCM with ICVs of 8, 12 and 16 octets, which have numbers in a row."""
    return tuple(
        cipher
        for number, icv_size in enumerate((8, 12, 16), first_number)
        for cipher in _with_every_key_length(
            kind, number, f"aes#{mode.lower()}{icv_size}", f"AES-{mode} with {icv_size}-octet ICV", rfc,
            key_length_rfc, block_size=1, icv_size=icv_size, salt_size=salt_size,
        )
    )  # fmt: skip


_FIXED_KEY = "RFC 2407 §4.5"

ESP_CIPHERS: tuple[EspCipher, ...] = (
    EspCipher(number=2, word="des", family="DES-CBC", block_cipher="DES", key_size=8, block_size=8,
              rfc="RFC 2405 §3", key_length_rfc=_FIXED_KEY),
    EspCipher(number=3, word="3des", family="3DES-CBC", block_cipher="3DES", key_size=24, block_size=8,
              rfc="RFC 2451 §2", key_length_rfc=_FIXED_KEY),
    NullCipher(number=11, word="null", family="NULL", block_cipher="NULL", key_size=0, block_size=1,
               rfc="RFC 2410 §2", key_length_rfc=_FIXED_KEY),
    *_with_every_key_length(EspCipher, 12, "aes#", "AES-CBC", "RFC 3602 §5.2", "RFC 3602 §5.3", block_size=16),
    *_with_every_key_length(CounterCipher, 13, "aes#ctr", "AES-CTR", "RFC 3686 §5.3", "RFC 3686 §5.4", block_size=1),
    *_aead(CcmCipher, 14, "CCM", "RFC 4309 §7.3", "RFC 4309 §7.4", salt_size=3),
    *_aead(GcmCipher, 18, "GCM", "RFC 4106 §6", "RFC 4106 §8.4", salt_size=4),
    *_with_every_key_length(EspCipher, 22, "camellia#", "Camellia-CBC", "RFC 4312 §4.2", "RFC 3602 §5.3",
                            block_size=16),
    *_with_every_key_length(GmacCipher, 23, "aes#gmac", "AES-GMAC", "RFC 4543 §3", "RFC 4543 §5.3",
                            block_size=1, icv_size=16, salt_size=4),
)  # fmt: skip
"""ESP's transforms that ikelab computes."""

OTHER_ESP_CIPHER_WORDS = OTHER_CIPHER_WORDS | {
    f"aes{key}{mode}{8 * icv}": f"aes{key}{mode}{icv}"
    for key in (128, 192, 256)
    for mode in ("gcm", "ccm")
    for icv in (8, 12, 16)
}
"""What else users write for a cipher; an ICV can be given in bits: aes128gcm16 is aes128gcm128."""


def esp_cipher_by_number(number: int, key_length: int | None = None) -> EspCipher:
    """The cipher of an ESP transform identifier and a Key Length attribute (bits, None if absent), else Misuse."""
    return by_number_and_key_length("ESP transform", ESP_CIPHERS, number, key_length)


def esp_cipher_by_word(word: str) -> EspCipher:
    """The ESP cipher of a proposal's word, e.g. "aes128", "aes256gcm16" (or "aes256gcm128"), "null"; else Misuse."""
    return by_word("ESP cipher", ESP_CIPHERS, word, OTHER_ESP_CIPHER_WORDS)
