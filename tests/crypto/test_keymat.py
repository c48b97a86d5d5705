"""KEYMAT is cut as RFC 4301 §4.5.2 says: what encrypts comes first, what checks integrity last."""

from __future__ import annotations

import pytest

from ikelab.crypto.derived import Given
from ikelab.crypto.keymat import keys_of
from ikelab.errors import Misuse
from ikelab.ike.words import ah_offers, esp_offers

KEYMAT = bytes(range(200))


@pytest.mark.parametrize(
    ("words", "cut"),
    [
        ("aes128-sha1", {"encryption key": (0, 16), "integrity key": (16, 36)}),
        ("3des-md5", {"encryption key": (0, 24), "integrity key": (24, 40)}),
        ("aes256gcm16", {"encryption key": (0, 32), "salt": (32, 36)}),
        ("aes128ccm12", {"encryption key": (0, 16), "salt": (16, 19)}),
        ("aes192ctr-sha256", {"encryption key": (0, 24), "salt": (24, 28), "integrity key": (28, 60)}),
        ("null-sha512", {"integrity key": (0, 64)}),
    ],
)
def test_every_octet_has_its_place(words: str, cut: dict[str, tuple[int, int]]) -> None:
    protection = esp_offers(words)[0].protection
    whole = KEYMAT[: protection.keymat_size]
    keys = keys_of(Given(name="KEYMAT", value=whole), protection)
    assert {key.name: key.value for key in keys} == {name: KEYMAT[a:b] for name, (a, b) in cut.items()}
    assert b"".join(key.value for key in keys) == whole


def test_ah_has_one_key_and_it_is_all_of_keymat() -> None:
    (key,) = keys_of(Given(name="KEYMAT", value=KEYMAT[:32]), ah_offers("sha256")[0].protection)
    assert (key.name, key.value, key.kept) == ("integrity key", KEYMAT[:32], "all")
    assert key.tree() == (
        "integrity key = KEYMAT, all = 00010203…1c1d1e1f (RFC 4301 §4.5.2)\n"
        "  KEYMAT = 00010203…1c1d1e1f (given, 32 octets)"
    )


def test_which_octets_is_said_in_words() -> None:
    protection = esp_offers("aes128-sha1")[0].protection
    keys = keys_of(Given(name="KEYMAT", value=KEYMAT[:36]), protection)
    assert [key.kept for key in keys] == ["first 16 octets", "octets 17 to 36"]
    assert "encryption key = KEYMAT    RFC 4301 §4.5.2, first 16 octets" in str(keys[0])


def test_keymat_of_another_size_is_a_misuse() -> None:
    with pytest.raises(Misuse, match="KEYMAT"):
        keys_of(Given(name="KEYMAT", value=KEYMAT[:35]), esp_offers("aes128-sha1")[0].protection)
