"""The few keys that DES and 3DES must not be given, and how IKE steps over them.

A weak key makes encryption its own inverse; a semi-weak key has a partner that undoes it. RFC 2409 Appendix A lists 16.
Two of the keys that it prints are no weak keys at all (1F1F1F1F E0E0E0E0 and its mirror: encrypting twice with them
does not give the plaintext back); those meant end in 0E0E0E0E and F1F1F1F1. We avoid the printed and the true ones.
"""

from __future__ import annotations

from ikelab.errors import Misuse

_PRINTED = """
    0101010101010101  1F1F1F1FE0E0E0E0  E0E0E0E01F1F1F1F  FEFEFEFEFEFEFEFE
    01FE01FE01FE01FE  1FE01FE00EF10EF1  01E001E001F101F1  1FFE1FFE0EFE0EFE  011F011F010E010E  E0FEE0FEF1FEF1FE
    FE01FE01FE01FE01  E01FE01FF10EF10E  E001E001F101F101  FE1FFE1FFE0EFE0E  1F011F010E010E01  FEE0FEE0FEF1FEF1
"""
_MEANT = "1F1F1F1F0E0E0E0E  E0E0E0E0F1F1F1F1"

PRINTED_DES_WEAK_KEYS = tuple(bytes.fromhex(key) for key in _PRINTED.split())
"""RFC 2409 Appendix A: first the 4 weak keys, then the 12 semi-weak ones."""

TRUE_DES_WEAK_KEYS = tuple(bytes.fromhex(key) for key in _MEANT.split())
"""The two weak keys that Appendix A misprints."""


def _without_parity(key: bytes) -> bytes:
    return bytes(octet & 0xFE for octet in key)


_AVOIDED = frozenset(map(_without_parity, PRINTED_DES_WEAK_KEYS + TRUE_DES_WEAK_KEYS))


def of_key(block_cipher: str, key: bytes) -> str | None:
    """Why `key` must not be used with "DES" or "3DES", or None. Other ciphers have no weak keys (RFC 3602 §2.3)."""
    if block_cipher == "DES" and _without_parity(key) in _AVOIDED:
        return "a DES weak or semi-weak key (RFC 2409 Appendix A)"
    if block_cipher == "3DES":
        first, second, third = (_without_parity(key[at : at + 8]) for at in (0, 8, 16))
        if first == second or second == third:
            return "two neighbouring keys of the three are equal, which leaves single DES (RFC 2451 §2.3)"
    return None


def first_strong_des_key(material: bytes) -> int:
    """Where in `material` the DES key of an ISAKMP SA starts: its first eight octets that are no weak key.

    RFC 2409 Appendix B asks for "the first eight (8) non-weak and non-semi-weak" bytes of SKEYID_e and does not say
    where to look next; the next eight octets are tried. Chance leads there once in about 2^52 negotiations.
    Raises Misuse if all are weak.
    """
    for at in range(0, len(material) - 7, 8):
        if of_key("DES", material[at : at + 8]) is None:
            return at
    raise Misuse(f"DES key: expected eight non-weak octets in SKEYID_e, got {material.hex()} (RFC 2409 Appendix B)")
