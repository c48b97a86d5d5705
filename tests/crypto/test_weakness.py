"""DES's weak keys: Appendix A as printed, the two it misprints, and how IKE steps over them."""

from __future__ import annotations

import pytest

from ikelab.crypto.suite import cipher_by_word
from ikelab.crypto.weakness import PRINTED_DES_WEAK_KEYS, TRUE_DES_WEAK_KEYS, first_strong_des_key, of_key
from ikelab.errors import Misuse

DES = cipher_by_word("des")
BLOCK = b"8 octets"
STRONG = bytes.fromhex("133457799bbcdff1")
MISPRINTED = (bytes.fromhex("1f1f1f1fe0e0e0e0"), bytes.fromhex("e0e0e0e01f1f1f1f"))


def encrypt(key: bytes, block: bytes) -> bytes:
    return DES.encrypt(key, bytes(8), block)


class TestAppendixA:
    def test_printed_weak_keys_make_encryption_its_own_inverse_but_two(self) -> None:
        undone = [key for key in PRINTED_DES_WEAK_KEYS[:4] if encrypt(key, encrypt(key, BLOCK)) == BLOCK]
        assert set(PRINTED_DES_WEAK_KEYS[:4]) - set(undone) == set(MISPRINTED)

    def test_the_true_ones_in_their_place_do(self) -> None:
        assert all(encrypt(key, encrypt(key, BLOCK)) == BLOCK for key in TRUE_DES_WEAK_KEYS)

    def test_each_semi_weak_key_is_undone_by_another(self) -> None:
        semi_weak = PRINTED_DES_WEAK_KEYS[4:]
        undone_by = {
            key: {other for other in semi_weak if encrypt(other, encrypt(key, BLOCK)) == BLOCK} for key in semi_weak
        }
        assert all(len(others) == 1 and key not in others for key, others in undone_by.items())

    @pytest.mark.parametrize("key", PRINTED_DES_WEAK_KEYS + TRUE_DES_WEAK_KEYS, ids=bytes.hex)
    def test_all_are_avoided_whatever_their_parity_bits(self, key: bytes) -> None:
        assert "weak" in (of_key("DES", key) or "")
        assert "weak" in (DES.weakness(bytes(octet ^ 1 for octet in key)) or "")

    def test_other_keys_and_ciphers_are_not(self) -> None:
        assert of_key("DES", STRONG) is None
        assert of_key("AES", bytes(16)) is None


class TestTripleDes:
    @pytest.mark.parametrize(
        ("order", "is_weak"), [("aab", True), ("abb", True), ("aaa", True), ("aba", False), ("abc", False)]
    )
    def test_neighbours_must_differ(self, order: str, is_weak: bool) -> None:
        keys = {"a": STRONG, "b": bytes(range(8)), "c": bytes(range(8, 16))}
        key = b"".join(keys[letter] for letter in order)
        assert (cipher_by_word("3des").weakness(key) is not None) is is_weak

    def test_parity_bits_make_no_difference(self) -> None:
        assert of_key("3DES", STRONG + bytes(octet ^ 1 for octet in STRONG) + bytes(8)) is not None


class TestAppendixB:
    def test_the_first_eight_octets_are_the_key(self) -> None:
        assert first_strong_des_key(STRONG + PRINTED_DES_WEAK_KEYS[0]) == 0

    def test_a_weak_key_is_stepped_over(self) -> None:
        assert first_strong_des_key(PRINTED_DES_WEAK_KEYS[0] + STRONG) == 8
        assert first_strong_des_key(PRINTED_DES_WEAK_KEYS[5] + TRUE_DES_WEAK_KEYS[1] + STRONG) == 16

    @pytest.mark.parametrize("material", [PRINTED_DES_WEAK_KEYS[0] * 2, PRINTED_DES_WEAK_KEYS[0] + bytes(7), bytes(7)])
    def test_none_left_is_said(self, material: bytes) -> None:
        with pytest.raises(Misuse, match="expected eight non-weak octets"):
            first_strong_des_key(material)
