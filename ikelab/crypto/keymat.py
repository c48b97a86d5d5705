"""Where each octet of KEYMAT goes: first the key that encrypts, then the salt of its nonces, then the ICV's key.

for key in keys_of(child.keymat, child.protection):
    print(key.tree())       the whole way back: KEYMAT, its blocks, SKEYID_d, nonces, the pre-shared key
"""

from __future__ import annotations

from collections.abc import Iterator

from ikelab.crypto.derived import Derived, Value
from ikelab.crypto.protection import AeadCipher, CounterCipher, Protection

ENCRYPTION, SALT, INTEGRITY = "encryption key", "salt", "integrity key"
RFC = "RFC 4301 §4.5.2"

EXPLAINED = {
    ENCRYPTION: "Encrypts every packet of this direction; KEYMAT's first octets, as its leftmost bits are for that.",
    SALT: "Begins every nonce of this direction; never sent, and no key by itself.",
    INTEGRITY: "Makes the ICV of every packet of this direction; what KEYMAT has left.",
}


def keys_of(keymat: Value, protection: Protection) -> tuple[Derived, ...]:
    """The keys that KEYMAT of one direction is cut into, in its order. Raises Misuse where its size is another."""
    enc_key, auth_key = protection.split(keymat.value)
    sizes = [*_parts(enc_key, protection), (INTEGRITY, len(auth_key))]
    keys, at = [], 0
    for name, size in sizes:
        if size:
            keys.append(_cut(keymat, name, at, size))
        at += size
    return tuple(keys)


def _parts(enc_key: bytes, protection: Protection) -> Iterator[tuple[str, int]]:
    cipher = protection.cipher
    salt = cipher.salt_size if isinstance(cipher, AeadCipher | CounterCipher) else 0
    yield from ((ENCRYPTION, len(enc_key) - salt), (SALT, salt))


def _cut(keymat: Value, name: str, at: int, size: int) -> Derived:
    whole = len(keymat.value)
    kept = "all" if size == whole else f"first {size} octets" if at == 0 else f"octets {at + 1} to {at + size}"
    return Derived(
        name=name,
        value=keymat.value[at : at + size],
        formula="KEYMAT",
        rfc=RFC,
        inputs=(keymat,),
        explain=EXPLAINED[name],
        kept=kept,
    )
