"""What proves that a packet of ESP or AH was not altered: keyed hashes, a keyed block cipher, GCM's tag alone.

All are rows of two tables: those that ESP and AH share, and GMAC, which as an integrity check is AH's alone.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache

from ikelab.crypto import backend
from ikelab.crypto.registry import by_number, by_word, expect_size
from ikelab.crypto.suite import OTHER_HASH_WORDS, Hash, hash_by_word
from ikelab.errors import Misuse

KEYS_KEPT_READY = 64


@dataclass(frozen=True, kw_only=True)
class Integrity(ABC):
    """An integrity check of ESP and AH.

    number: Authentication Algorithm attribute (RFC 2407 §4.5). ah_transform: AH's transform identifier (§4.4.3).
    word: as in "aes128-sha1". key_size: octets of KEYMAT that it takes, a salt included. icv_size: octets that a packet
    carries, an IV included.
    """

    number: int
    ah_transform: int
    word: str
    family: str
    key_size: int
    icv_size: int
    rfc: str

    @property
    def label(self) -> str:
        return self.family

    @property
    def iv_size(self) -> int:
        """Octets of IV that the ICV begins with; none but GMAC's has one (RFC 4543 §4)."""
        return 0

    def icv(self, key: bytes, data: bytes, iv: bytes = b"") -> bytes:
        """The ICV of `data`, as a packet carries it. Raises Misuse where a size is wrong."""
        if len(key) != self.key_size or len(iv) != self.iv_size:  # the sentences are for mistakes alone
            expect_size(f"{self.label} key", key, self.key_size)
            expect_size(f"{self.label} IV", iv, self.iv_size)
        return self._icv(key, data, iv)

    def verify(self, key: bytes, data: bytes, icv: bytes) -> bool:
        """Whether `icv` is the one of `data`, compared in constant time."""
        if len(icv) != self.icv_size:
            return False
        return hmac.compare_digest(self.icv(key, data, icv[: self.iv_size]), icv)

    @abstractmethod
    def _icv(self, key: bytes, data: bytes, iv: bytes) -> bytes: ...


@dataclass(frozen=True, kw_only=True)
class HmacIntegrity(Integrity):
    """An HMAC, of which the first `icv_size` octets are sent.

    Its key has exactly as many octets as the hash gives (RFC 2403 §3, RFC 2404 §3, RFC 4868 §2.1.1).
    """

    hash: Hash

    def _icv(self, key: bytes, data: bytes, iv: bytes) -> bytes:
        running = _keyed(self.hash.word, key).copy()
        running.update(data)
        return running.digest()[: self.icv_size]


@dataclass(frozen=True, kw_only=True)
class XcbcIntegrity(Integrity):
    """AES-XCBC-MAC-96: the last block of AES-CBC over data whose end is mixed with one of two further keys."""

    def _icv(self, key: bytes, data: bytes, iv: bytes) -> bytes:
        k1, k2, k3 = _xcbc_keys(key)
        whole = len(data) - (len(data) - 1) % 16 - 1 if data else 0  # the last block stands alone, even if it is full
        last = data[whole:]
        mixed = _xor(last, k2) if len(last) == 16 else _xor(last + b"\x80" + bytes(15 - len(last)), k3)
        return backend.encrypt_cbc("AES", k1, bytes(16), data[:whole] + mixed)[-16:][: self.icv_size]


@dataclass(frozen=True, kw_only=True)
class GmacIntegrity(Integrity):
    """AES-GMAC for AH: GCM with nothing to encrypt. The key has its salt behind it (RFC 4543 §5.4), the ICV its IV
    in front (§4); for a given key no IV may come twice (§3.1).
    """

    salt_size: int = 4

    @property
    def iv_size(self) -> int:
        return 8

    def _icv(self, key: bytes, data: bytes, iv: bytes) -> bytes:
        end = self.key_size - self.salt_size
        return iv + backend.seal_gcm(key[:end], key[end:] + iv, b"", data)


@lru_cache(maxsize=KEYS_KEPT_READY)
def _keyed(hash_word: str, key: bytes) -> hmac.HMAC:
    """An HMAC that has taken in its key, to be copied: half the work of a short one is done."""
    return hmac.new(key, digestmod=hash_word)


@lru_cache(maxsize=KEYS_KEPT_READY)
def _xcbc_keys(key: bytes) -> tuple[bytes, bytes, bytes]:
    """K1, K2 and K3 (RFC 3566 §4)."""
    blocks = b"".join(bytes([number]) * 16 for number in (1, 2, 3))
    first, second, third = (backend.encrypt_cbc("AES", key, bytes(16), blocks[at : at + 16]) for at in (0, 16, 32))
    return first, second, third


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left) ^ int.from_bytes(right)).to_bytes(len(left))


def _hmac(number: int, ah_transform: int, word: str, family: str, icv_size: int, rfc: str) -> HmacIntegrity:
    keyed = hash_by_word(word)
    return HmacIntegrity(number=number, ah_transform=ah_transform, word=word, family=family, key_size=keyed.size,
                         icv_size=icv_size, rfc=rfc, hash=keyed)  # fmt: skip


INTEGRITIES: tuple[Integrity, ...] = (
    _hmac(1, 2, "md5", "HMAC-MD5-96", 12, "RFC 2403 §2"),
    _hmac(2, 3, "sha1", "HMAC-SHA-1-96", 12, "RFC 2404 §2"),
    _hmac(5, 5, "sha256", "HMAC-SHA-256-128", 16, "RFC 4868 §2.6"),
    _hmac(6, 6, "sha384", "HMAC-SHA-384-192", 24, "RFC 4868 §2.6"),
    _hmac(7, 7, "sha512", "HMAC-SHA-512-256", 32, "RFC 4868 §2.6"),
    XcbcIntegrity(number=9, ah_transform=9, word="aesxcbc", family="AES-XCBC-MAC-96", key_size=16, icv_size=12,
                  rfc="RFC 3566 §4"),
)  # fmt: skip
"""The integrity checks of ESP and AH both."""

AH_INTEGRITIES: tuple[Integrity, ...] = (
    *INTEGRITIES,
    *(
        GmacIntegrity(number=number, ah_transform=number, word=f"aes{bits}gmac", family=f"AES-{bits}-GMAC",
                      key_size=bits // 8 + 4, icv_size=24, rfc="RFC 4543 §4")
        for number, bits in ((11, 128), (12, 192), (13, 256))
    ),
)  # fmt: skip
"""Those of AH: GMAC too, which ESP has as a cipher that hides nothing (RFC 4543 §5.3)."""


def refuse_for_esp(integrity: Integrity) -> None:
    """Raise Misuse for a check that is AH's alone."""
    if integrity not in INTEGRITIES:
        raise Misuse(f"ESP: expected {integrity.label} as a cipher that hides nothing, got it as an integrity check "
                     "(RFC 4543 §5.3)")  # fmt: skip


def integrity_by_number(number: int) -> Integrity:
    """The integrity check that an Authentication Algorithm attribute names, else Misuse."""
    return by_number("Authentication Algorithm", AH_INTEGRITIES, number)


def integrity_by_word(word: str) -> Integrity:
    """The integrity check of a proposal's word, e.g. "sha1"; "aes128gmac" is AH's alone. Else Misuse."""
    return by_word("integrity check", AH_INTEGRITIES, word, OTHER_HASH_WORDS)
