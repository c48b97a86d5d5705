"""The only place that calls the cryptographic library for ciphers and curves: bytes and names in, bytes out.

The library is imported when the first cipher or curve is asked for, never before, so that hashes and formulas work
where it is absent. Its legacy ciphers have moved house before: they are looked for here, and no warning about that
reaches a learner.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol

from ikelab.errors import Misuse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.ciphers import BlockCipherAlgorithm, Cipher, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM

KEYS_KEPT_READY = 64


class _Context(Protocol):
    def update(self, data: bytes, /) -> bytes: ...
    def finalize(self) -> bytes: ...


def encrypt_cbc(block_cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    """Whole blocks of `data` encrypted in CBC mode by "AES", "3DES", "DES" or "Camellia"."""
    return _run(block_cipher, _cbc(block_cipher, key, iv).encryptor, data)


def decrypt_cbc(block_cipher: str, key: bytes, iv: bytes, data: bytes) -> bytes:
    """The inverse of `encrypt_cbc`."""
    return _run(block_cipher, _cbc(block_cipher, key, iv).decryptor, data)


def crypt_ctr(block_cipher: str, key: bytes, counter_block: bytes, data: bytes) -> bytes:
    """Counter mode, which is its own inverse: `data` mixed with the key stream that begins at `counter_block`."""
    return _run(block_cipher, _ctr(block_cipher, key, counter_block).encryptor, data)


def seal_gcm(key: bytes, nonce: bytes, data: bytes, associated: bytes) -> bytes:
    """AES-GCM: the ciphertext and behind it its 16-octet tag, which also covers `associated`."""
    return _gcm(key).encrypt(nonce, data, associated)


def open_gcm(key: bytes, nonce: bytes, sealed: bytes, tag_size: int, associated: bytes) -> bytes | None:
    """AES-GCM: the plaintext, or None if the tag (its first `tag_size` octets) does not belong to it."""
    if tag_size == 16:
        return _opened(_gcm(key), nonce, sealed, associated)
    ciphertext, tag = sealed[:-tag_size], sealed[-tag_size:]
    decryptor = _gcm_with_short_tag(key, nonce, tag).decryptor()
    decryptor.authenticate_additional_data(associated)
    plaintext = decryptor.update(ciphertext)
    try:
        return plaintext + decryptor.finalize()
    except _library().InvalidTag:
        return None


def seal_ccm(key: bytes, nonce: bytes, data: bytes, tag_size: int, associated: bytes) -> bytes:
    """AES-CCM: the ciphertext and behind it its tag of `tag_size` octets, which also covers `associated`."""
    return _ccm(key, tag_size).encrypt(nonce, data, associated)


def open_ccm(key: bytes, nonce: bytes, sealed: bytes, tag_size: int, associated: bytes) -> bytes | None:
    """AES-CCM: the plaintext, or None if the tag does not belong to it."""
    return _opened(_ccm(key, tag_size), nonce, sealed, associated)


def curve_public(curve: str, private: int) -> tuple[int, int]:
    """The point private·G of "secp256r1", "secp384r1" or "secp521r1", as its coordinates x and y."""
    from cryptography.hazmat.primitives.asymmetric import ec

    point = ec.derive_private_key(private, _curve(curve)).public_key().public_numbers()
    return point.x, point.y


def curve_shared(curve: str, private: int, x: int, y: int) -> bytes:
    """The x coordinate of private·(x, y), with leading zeros. The point has been checked to lie on the curve."""
    from cryptography.hazmat.primitives.asymmetric import ec

    peer = ec.EllipticCurvePublicNumbers(x, y, _curve(curve)).public_key()
    return ec.derive_private_key(private, _curve(curve)).exchange(ec.ECDH(), peer)


def x25519_public(private: bytes) -> bytes:
    """X25519(private, 9)."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def x25519_shared(private: bytes, peer: bytes) -> bytes | None:
    """X25519(private, peer), or None where that is all zeros: the peer's value has a small order."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

    try:
        return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(peer))
    except ValueError:
        return None


@lru_cache(maxsize=KEYS_KEPT_READY)
def _algorithm(block_cipher: str, key: bytes) -> BlockCipherAlgorithm:
    from cryptography.hazmat.decrepit.ciphers import algorithms as legacy
    from cryptography.hazmat.primitives.ciphers import algorithms

    match block_cipher:
        case "AES":
            return algorithms.AES(key)
        case "3DES":
            return legacy.TripleDES(key)
        case "DES":
            return legacy.TripleDES(key * 3)  # encrypt, decrypt, encrypt with one key is a single encryption
        case "Camellia" if hasattr(legacy, "Camellia"):
            return legacy.Camellia(key)
        case "Camellia":
            return algorithms.Camellia(key)
    raise Misuse(f"block cipher: expected AES, 3DES, DES or Camellia, got {block_cipher}")


@lru_cache(maxsize=1)
def _library() -> SimpleNamespace:
    """What every packet needs of the library, looked up once."""
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.ciphers import Cipher, modes

    return SimpleNamespace(
        Cipher=Cipher,
        CBC=modes.CBC,
        CTR=modes.CTR,
        GCM=modes.GCM,
        InvalidTag=InvalidTag,
        Unsupported=UnsupportedAlgorithm,
    )


def _cbc(block_cipher: str, key: bytes, iv: bytes) -> Cipher[modes.CBC]:
    library = _library()
    started: Cipher[modes.CBC] = library.Cipher(_algorithm(block_cipher, key), library.CBC(iv))
    return started


def _ctr(block_cipher: str, key: bytes, counter_block: bytes) -> Cipher[modes.CTR]:
    library = _library()
    started: Cipher[modes.CTR] = library.Cipher(_algorithm(block_cipher, key), library.CTR(counter_block))
    return started


def _gcm_with_short_tag(key: bytes, nonce: bytes, tag: bytes) -> Cipher[modes.GCM]:
    library = _library()
    started: Cipher[modes.GCM] = library.Cipher(_algorithm("AES", key), library.GCM(nonce, tag, min_tag_length=8))
    return started


@lru_cache(maxsize=KEYS_KEPT_READY)
def _gcm(key: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


@lru_cache(maxsize=KEYS_KEPT_READY)
def _ccm(key: bytes, tag_size: int) -> AESCCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM

    return AESCCM(key, tag_size)


def _opened(box: AESGCM | AESCCM, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    try:
        return box.decrypt(nonce, sealed, associated)
    except _library().InvalidTag:
        return None


def _run(block_cipher: str, start: Callable[[], _Context], data: bytes) -> bytes:
    try:
        running = start()
    except _library().Unsupported as error:
        raise Misuse(f"{block_cipher}: the OpenSSL on this machine does not offer it ({error})") from error
    return running.update(data) + running.finalize()


def _curve(name: str) -> ec.EllipticCurve:
    from cryptography.hazmat.primitives.asymmetric import ec

    curves: dict[str, Callable[[], ec.EllipticCurve]] = {
        "secp256r1": ec.SECP256R1,
        "secp384r1": ec.SECP384R1,
        "secp521r1": ec.SECP521R1,
    }
    return curves[name]()
