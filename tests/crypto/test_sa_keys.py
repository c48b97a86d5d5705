"""The algorithms and keys of one direction of an IPsec SA."""

from __future__ import annotations

from typing import Any

import pytest

from ikelab.crypto.protection import Protection, esp_cipher_by_word, integrity_by_word
from ikelab.crypto.sa_keys import SaKeys
from ikelab.errors import Misuse

AES128, GCM = esp_cipher_by_word("aes128"), esp_cipher_by_word("aes128gcm12")
SHA1 = integrity_by_word("sha1")


class TestRfc2409Section55KeyMaterial:
    def test_keymat_is_the_encryption_key_and_then_the_integrity_key(self) -> None:
        keymat = bytes(range(36))
        keys = SaKeys.from_keymat("ESP", b"spi.", Protection(cipher=AES128, integrity=SHA1), keymat, esn=True)
        assert (keys.enc_key, keys.auth_key, keys.esn) == (keymat[:16], keymat[16:], True)

    def test_of_gcm_it_is_the_key_with_its_salt(self) -> None:
        keys = SaKeys.from_keymat("ESP", b"spi.", Protection(cipher=GCM), bytes(20))
        assert (keys.enc_key, keys.auth_key) == (bytes(20), None)

    def test_of_ah_it_is_the_integrity_key(self) -> None:
        keys = SaKeys.from_keymat("AH", b"spi.", Protection(integrity=SHA1), bytes(20))
        assert (keys.enc_key, keys.auth_key) == (None, bytes(20))

    @pytest.mark.parametrize("size", [35, 37])
    def test_neither_more_nor_less(self, size: int) -> None:
        with pytest.raises(Misuse, match="KEYMAT: expected 36 octets"):
            SaKeys.from_keymat("ESP", b"spi.", Protection(cipher=AES128, integrity=SHA1), bytes(size))


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({"cipher": AES128, "integrity": SHA1}, 12),
        ({"cipher": GCM}, 12),
        ({"cipher": AES128}, 0),
        ({"cipher": AES128, "unchecked_icv": 16}, 16),
    ],
)
def test_the_size_of_the_icv(fields: dict[str, Any], size: int) -> None:
    assert SaKeys(protocol="ESP", spi=None, **fields).icv_size == size


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"protocol": "AH", "cipher": AES128}, "AH: expected a cipher for ESP and none for AH"),
        ({"protocol": "ESP", "integrity": SHA1}, "ESP: expected a cipher for ESP and none for AH"),
        ({"protocol": "ESP"}, "expected a cipher"),
        ({"protocol": "ESP", "cipher": GCM, "integrity": SHA1}, "checks integrity itself"),
        ({"protocol": "ESP", "cipher": AES128, "enc_key": bytes(15)}, "encryption key: expected 16 octets, got 15"),
        ({"protocol": "ESP", "cipher": AES128, "auth_key": bytes(20)}, "integrity key: expected 0 octets, got 20"),
        ({"protocol": "AH", "integrity": SHA1, "enc_key": bytes(16)}, "encryption key: expected 0 octets, got 16"),
        ({"protocol": "AH", "integrity": SHA1, "auth_key": bytes(16)}, "integrity key: expected 20 octets, got 16"),
    ],
)
def test_what_does_not_fit_together(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(Misuse, match=complaint):
        SaKeys(spi=None, **fields)
