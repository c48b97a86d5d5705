"""What the two ends of an ISAKMP SA agree on in phase 1: a hash, the prf made of it, and a cipher.

A record says all that the protocol needs to know of an algorithm: its number on the wire, its word in strongSwan's
proposals, its sizes in octets, its clause. The records of one kind are a table; a new algorithm is a new row.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from ikelab.crypto import backend, weakness
from ikelab.crypto.registry import by_number, by_number_and_key_length, by_word, expect_size
from ikelab.errors import Misuse


@dataclass(frozen=True, kw_only=True)
class Hash:
    """A hash function: call it with the data.

    number: Hash Algorithm attribute (RFC 2409 Appendix A). word: as in "aes128-sha1-modp2048".
    size, block_size: octets that it gives, and that it works through at a time.
    """

    number: int
    word: str
    family: str
    size: int
    block_size: int
    rfc: str

    def __call__(self, data: bytes) -> bytes:
        return hashlib.new(self.word, data, usedforsecurity=False).digest()


@dataclass(frozen=True, kw_only=True)
class Prf:
    """A pseudo-random function: call it with key and data. IKEv1 defines none but the HMAC of the negotiated hash."""

    hash: Hash
    rfc: str = "RFC 2409 §4"

    @property
    def word(self) -> str:
        return self.hash.word

    @property
    def label(self) -> str:
        return f"HMAC-{self.hash.family}"

    @property
    def size(self) -> int:
        """Octets that one call gives."""
        return self.hash.size

    def __call__(self, key: bytes, data: bytes) -> bytes:
        return hmac.digest(key, data, self.hash.word)


@dataclass(frozen=True, kw_only=True)
class CbcCipher:
    """A block cipher in CBC mode.

    number: what names it on the wire. key_length: what its Key Length attribute must say, in bits; None where it must
    be absent. key_size, block_size: octets.
    """

    number: int
    word: str
    family: str
    block_cipher: str
    key_size: int
    block_size: int
    key_length: int | None = None
    rfc: str
    key_length_rfc: str = "RFC 2409 Appendix A"

    @property
    def label(self) -> str:
        return self.family if self.key_length is None else f"{self.family}-{self.key_length}"

    @property
    def iv_size(self) -> int:
        """Octets of initialization vector."""
        return self.block_size

    def encrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """Encrypt whole blocks; padding is the protocol's business. Raises Misuse where a size is wrong."""
        self._check(key, iv, data)
        return backend.encrypt_cbc(self.block_cipher, key, iv, data)

    def decrypt(self, key: bytes, iv: bytes, data: bytes) -> bytes:
        """Decrypt whole blocks, padding included. Raises Misuse where a size is wrong."""
        self._check(key, iv, data)
        return backend.decrypt_cbc(self.block_cipher, key, iv, data)

    def weakness(self, key: bytes) -> str | None:
        """Why this key must not be used, or None."""
        return weakness.of_key(self.block_cipher, key)

    def _check(self, key: bytes, iv: bytes, data: bytes) -> None:
        if len(key) != self.key_size or len(iv) != self.iv_size:  # the sentences are for mistakes alone
            expect_size(f"{self.label} key", key, self.key_size)
            expect_size(f"{self.label} IV", iv, self.iv_size)
        if len(data) % self.block_size:
            raise Misuse(
                f"{self.label} data: expected whole blocks of {self.block_size} octets, got {len(data)} octets"
            )


class Cipher(CbcCipher):
    """A cipher that protects an ISAKMP SA. number: Encryption Algorithm attribute (RFC 2409 Appendix A)."""


HASHES = (
    Hash(number=1, word="md5", family="MD5", size=16, block_size=64, rfc="RFC 2409 Appendix A"),
    Hash(number=2, word="sha1", family="SHA-1", size=20, block_size=64, rfc="RFC 2409 Appendix A"),
    Hash(number=4, word="sha256", family="SHA-256", size=32, block_size=64, rfc="RFC 4868 §2.4"),
    Hash(number=5, word="sha384", family="SHA-384", size=48, block_size=128, rfc="RFC 4868 §2.4"),
    Hash(number=6, word="sha512", family="SHA-512", size=64, block_size=128, rfc="RFC 4868 §2.4"),
)
"""The Hash Algorithm attribute's values that ikelab computes; Tiger (3) is the one it does not."""


def _with_every_key_length(number: int, word: str, block_cipher: str, rfc: str) -> tuple[Cipher, ...]:
    return tuple(
        Cipher(
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


_APPENDIX_B = "RFC 2409 Appendix B"

CIPHERS = (
    Cipher(number=1, word="des", family="DES-CBC", block_cipher="DES", key_size=8, block_size=8, rfc=_APPENDIX_B),
    Cipher(number=5, word="3des", family="3DES-CBC", block_cipher="3DES", key_size=24, block_size=8, rfc=_APPENDIX_B),
    *_with_every_key_length(7, "aes", "AES", "RFC 3602 §5.1"),
    *_with_every_key_length(8, "camellia", "Camellia", "RFC 4312 §4.1"),
)
"""The ciphers of phase 1."""

OTHER_HASH_WORDS = {"sha": "sha1", "sha2_256": "sha256", "sha2_384": "sha384", "sha2_512": "sha512"}
OTHER_CIPHER_WORDS = {"aes": "aes128", "camellia": "camellia128"}


def hash_by_number(number: int) -> Hash:
    """The hash that a Hash Algorithm attribute names. Raises Misuse where there is none of that number."""
    return by_number("Hash Algorithm", HASHES, number)


def hash_by_word(word: str) -> Hash:
    """The hash of a proposal's word, e.g. "sha256". Raises Misuse where there is none of that word."""
    return by_word("hash", HASHES, word, OTHER_HASH_WORDS)


def prf_by_word(word: str) -> Prf:
    """The HMAC of the hash of that word. Raises Misuse where there is none of that word."""
    return Prf(hash=by_word("prf", HASHES, word, OTHER_HASH_WORDS))


def prf_for(negotiated_hash: Hash, prf: int | None = None) -> Prf:
    """The prf of an ISAKMP SA: `prf` is its PRF attribute, None where that was absent (RFC 2409 §4).

    Raises Misuse for any PRF attribute: IKEv1 never got one defined (RFC 2409 Appendix A).
    """
    if prf is not None:
        raise Misuse(f"PRF attribute: expected none, got {prf}: IKEv1 has no prf to negotiate (RFC 2409 Appendix A)")
    return Prf(hash=negotiated_hash)


def cipher_by_number(number: int, key_length: int | None = None) -> Cipher:
    """The cipher that the attributes Encryption Algorithm and Key Length (bits, None if absent) name in phase 1.

    Raises Misuse where there is none: AES without a Key Length, DES with one, a number without a cipher.
    """
    return by_number_and_key_length("Encryption Algorithm", CIPHERS, number, key_length)


def cipher_by_word(word: str) -> Cipher:
    """The phase 1 cipher of a proposal's word, e.g. "aes128" or "3des". Raises Misuse where there is none."""
    return by_word("cipher", CIPHERS, word, OTHER_CIPHER_WORDS)
