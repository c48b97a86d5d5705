"""How messages are protected under an ISAKMP SA, held to HMAC and AES by hand."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, strategies as st

from ikelab.crypto.book import Book
from ikelab.crypto.suite import cipher_by_word
from ikelab.errors import WireError
from ikelab.ike.protect import (
    covered,
    exchange_iv,
    last_block,
    message_hash,
    plausible,
    proof_name,
    seal,
    unseal,
)
from ikelab.wire.message import dissect_body, write_chain
from ikelab.wire.numbers import ExchangeType
from ikelab.wire.payloads import Hash, Nonce, Notification, Opaque

AES = cipher_by_word("aes128")
DES3 = cipher_by_word("3des")
KEY, IV = bytes(range(16)), bytes(range(16, 32))
QUICK, INFORMATIONAL, TRANSACTION = ExchangeType.QUICK_MODE, ExchangeType.INFORMATIONAL, ExchangeType.TRANSACTION
SKEYID_A = b"a" * 20
BOOK = Book("psk", "sha1", "sha1", {"SKEYID_a": SKEYID_A}, cipher="aes128")
M_ID, NI, NR = bytes([1, 2, 3, 4]), b"the nonce of the initiator", b"the nonce of the responder"


class TestRfc2409Section55:
    @pytest.mark.parametrize(
        ("number", "covers"),
        [(1, M_ID + b"rest"), (2, M_ID + NI + b"rest"), (3, b"\0" + M_ID + NI + NR)],
    )
    def test_what_each_hash_of_quick_mode_is(self, number: int, covers: bytes) -> None:
        given = {"M-ID": M_ID, "payloads": b"rest", "Ni_b": NI, "Nr_b": NR}
        assert message_hash(BOOK, QUICK, number, given).value == hmac.new(SKEYID_A, covers, "sha1").digest()

    def test_each_message_has_its_own(self) -> None:
        assert [proof_name(QUICK, number) for number in (1, 2, 3, 4)] == ["HASH(1)", "HASH(2)", "HASH(3)", "HASH(3)"]
        assert [proof_name(ExchangeType.NEW_GROUP_MODE, number) for number in (1, 2)] == ["HASH(1)", "HASH(2)"]
        assert proof_name(INFORMATIONAL, 1) == "HASH(1)"
        assert proof_name(TRANSACTION, 5) == "HASH"

    def test_a_hash_covers_headers_and_no_padding(self) -> None:
        rest = (Nonce(data=NI), Notification(notify=24578))
        chain = write_chain((Hash(data=bytes(20)), *rest))
        sheet = dissect_body(chain + bytes(7), Hash.TYPE)
        assert covered(sheet) == write_chain(rest)
        assert covered(dissect_body(write_chain((Hash(data=bytes(20)),)) + bytes(7), Hash.TYPE)) == b""


class TestRfc2409Section57:
    def test_news_are_covered_as_message_1_of_quick_mode_is(self) -> None:
        """The same prf over the same things: that is why no hash tells an exchange type from another."""
        given = {"M-ID": M_ID, "payloads": b"news"}
        expected = hmac.new(SKEYID_A, M_ID + b"news", "sha1").digest()
        assert message_hash(BOOK, INFORMATIONAL, 1, given).value == expected
        assert message_hash(BOOK, QUICK, 1, given).value == expected


class TestRfc2409AppendixB:
    def test_the_first_iv_of_an_exchange(self) -> None:
        expected = hashlib.sha1(b"the last block.." + M_ID).digest()[:16]
        for exchange in (QUICK, INFORMATIONAL, TRANSACTION):
            assert exchange_iv(BOOK, exchange, int.from_bytes(M_ID), b"the last block..").value == expected

    @given(st.binary(min_size=1, max_size=100))
    def test_padding_is_zeros_to_whole_blocks(self, chain: bytes) -> None:
        sealed = seal(AES, KEY, IV, chain)
        padded = chain + bytes(-len(chain) % 16)
        by_hand = Cipher(algorithms.AES(KEY), modes.CBC(IV)).encryptor()
        assert sealed == by_hand.update(padded) + by_hand.finalize()
        assert unseal(AES, KEY, IV, sealed) == padded

    def test_the_last_block_is_the_next_iv(self) -> None:
        assert last_block(bytes(range(32)), AES) == bytes(range(16, 32))
        assert last_block(bytes(range(32)), DES3) == bytes(range(24, 32))

    @pytest.mark.parametrize("size", [0, 1, 15, 17, 31])
    def test_what_is_not_whole_blocks_is_an_error(self, size: int) -> None:
        with pytest.raises(WireError, match=f"one or more blocks of 16 octets, got {size} octets"):
            unseal(AES, KEY, IV, bytes(size))


class TestWhatLooksLikePayloads:
    def test_known_types_that_fit_and_nothing_reserved(self) -> None:
        good = write_chain((Hash(data=bytes(20)), Nonce(data=NI)))
        assert plausible(dissect_body(good, Hash.TYPE))
        assert not plausible(dissect_body(good[:1] + b"\1" + good[2:], Hash.TYPE))
        assert not plausible(dissect_body(good[:10], Hash.TYPE))
        assert not plausible(dissect_body(write_chain((Opaque(number=99, data=b""),)), 99))
        assert not plausible(dissect_body(b"", 0))
