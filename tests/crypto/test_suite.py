"""Phase 1's algorithms: found by number and word, sizes held, results equal to a hand-written HMAC and the RFCs."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto import backend
from ikelab.crypto.suite import (
    CIPHERS,
    HASHES,
    Cipher,
    Hash,
    cipher_by_number,
    cipher_by_word,
    hash_by_number,
    hash_by_word,
    prf_by_word,
    prf_for,
)
from ikelab.errors import Misuse
from ikelab.wire.numbers import Encryption, Hash as HashNumber


def hmac_by_hand(algorithm: str, block_size: int, key: bytes, data: bytes) -> bytes:
    """RFC 2104 §2, written out: H(K xor opad, H(K xor ipad, text))."""
    if len(key) > block_size:
        key = hashlib.new(algorithm, key).digest()
    key = key.ljust(block_size, b"\0")
    inner = hashlib.new(algorithm, bytes(octet ^ 0x36 for octet in key) + data).digest()
    return hashlib.new(algorithm, bytes(octet ^ 0x5C for octet in key) + inner).digest()


class TestHashAndPrf:
    @pytest.mark.parametrize("algorithm", HASHES, ids=lambda algorithm: algorithm.word)
    def test_sizes_are_those_of_the_algorithm(self, algorithm: Hash) -> None:
        digest = hashlib.new(algorithm.word)
        assert (algorithm.size, algorithm.block_size) == (digest.digest_size, digest.block_size)
        assert algorithm(b"abc") == hashlib.new(algorithm.word, b"abc").digest()
        assert (prf_for(algorithm).size, prf_for(algorithm).word) == (algorithm.size, algorithm.word)

    @given(
        algorithm=st.sampled_from(HASHES), key=st.binary(max_size=300), data=st.binary(max_size=300)
    )  # keys longer than a block are hashed first (SECURITY C22)
    def test_the_prf_is_hmac(self, algorithm: Hash, key: bytes, data: bytes) -> None:
        assert prf_for(algorithm)(key, data) == hmac_by_hand(algorithm.word, algorithm.block_size, key, data)

    def test_rfc_2104_appendix(self) -> None:
        assert prf_by_word("md5")(b"Jefe", b"what do ya want for nothing?").hex() == "750c783e6ab0b503eaa86e310a5db738"

    def test_rfc_4868_prf_5_with_a_key_longer_than_the_block(self) -> None:
        key, data = b"\xaa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First"
        assert prf_by_word("sha256")(key, data).hex().startswith("60e431591ee0b67f0d8a26aacbf5b77f")
        assert prf_by_word("sha384")(key, data).hex().startswith("4ece084485813e9088d2c63a041bc5b4")
        assert prf_by_word("sha512")(key, data).hex().startswith("80b24263c7c1a3ebb71493c1dd7be8b4")

    def test_a_negotiated_prf_is_refused_for_want_of_any(self) -> None:
        assert prf_for(hash_by_word("sha1")).label == "HMAC-SHA-1"
        with pytest.raises(Misuse, match="PRF attribute: expected none, got 1"):
            prf_for(hash_by_word("sha1"), 1)

    def test_numbers_and_words(self) -> None:
        assert [hash_by_number(number).word for number in (1, 2, 4, 5, 6)] == [
            "md5",
            "sha1",
            "sha256",
            "sha384",
            "sha512",
        ]
        assert hash_by_word("SHA") == hash_by_word("sha1")
        assert hash_by_word("sha2_256") == hash_by_word("sha256")

    @pytest.mark.parametrize(("look_up", "complaint"), [
        (lambda: hash_by_number(3), r"Hash Algorithm: expected one of 1 \(MD5\), 2 \(SHA-1\), .* got 3"),
        (lambda: hash_by_word("sha3"), "hash: expected one of md5, sha1, sha256, sha384, sha512, got 'sha3'"),
        (lambda: prf_by_word(""), "prf: expected one of md5, .* got ''"),
    ])  # fmt: skip
    def test_an_unknown_one_is_named(self, look_up: object, complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            look_up()  # type: ignore[operator]

    @pytest.mark.parametrize("algorithm", HASHES, ids=lambda algorithm: algorithm.word)
    def test_iana_names_the_same_number(self, algorithm: Hash) -> None:
        iana = {"MD5": "MD5", "SHA-1": "SHA", "SHA-256": "SHA2-256", "SHA-384": "SHA2-384", "SHA-512": "SHA2-512"}
        assert HashNumber(algorithm.number).label == iana[algorithm.family]


class TestCiphers:
    @pytest.mark.parametrize(("word", "key", "iv", "plain", "cipher"), [
        ("aes128", "06a9214036b8a15b512e03d534120006", "3dafba429d9eb430b422da802c9fac41",
         b"Single block msg".hex(), "e353779c1079aeb82708942dbe77181a"),  # RFC 3602 §4 case 1
        ("aes128", "c286696d887c9aa0611bbb3e2025a45a", "562e17996d093d28ddb3ba695a2e6f58",
         bytes(range(32)).hex(),
         "d296cd94c2cccf8a3a863028b5e1dc0a7586602d253cfff91b8266bea6d61ab1"),  # case 2
    ])  # fmt: skip
    def test_rfc_3602_section_4(self, word: str, key: str, iv: str, plain: str, cipher: str) -> None:
        aes = cipher_by_word(word)
        assert aes.encrypt(bytes.fromhex(key), bytes.fromhex(iv), bytes.fromhex(plain)).hex() == cipher
        assert aes.decrypt(bytes.fromhex(key), bytes.fromhex(iv), bytes.fromhex(cipher)).hex() == plain

    @pytest.mark.parametrize(("word", "key", "plain", "ciphertext"), [
        ("des", "133457799bbcdff1", "0123456789abcdef", "85e813540f0ab405"),
        ("aes128", "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
         "69c4e0d86a7b0430d8cdb78070b4c55a"),
        ("aes192", "000102030405060708090a0b0c0d0e0f1011121314151617", "00112233445566778899aabbccddeeff",
         "dda97ca4864cdfe06eaf70a0ec0d7191"),
        ("aes256", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
         "00112233445566778899aabbccddeeff", "8ea2b7ca516745bfeafc49904b496089"),
        ("camellia128", "0123456789abcdeffedcba9876543210", "0123456789abcdeffedcba9876543210",
         "67673138549669730857065648eabe43"),
    ])  # fmt: skip
    def test_one_block_with_a_zero_iv_is_the_bare_block_cipher(
        self, word: str, key: str, plain: str, ciphertext: str
    ) -> None:
        cipher = cipher_by_word(word)
        zero = bytes(cipher.block_size)
        assert cipher.encrypt(bytes.fromhex(key), zero, bytes.fromhex(plain)).hex() == ciphertext

    def test_triple_des_encrypts_decrypts_encrypts_with_its_three_keys(self) -> None:
        first, second, third = bytes(range(8)), bytes(range(8, 16)), bytes(range(16, 24))
        des, zero, block = cipher_by_word("des"), bytes(8), b"8 octets"
        step = des.decrypt(second, zero, des.encrypt(first, zero, block))
        assert cipher_by_word("3des").encrypt(first + second + third, zero, block) == des.encrypt(third, zero, step)

    @given(cipher=st.sampled_from(CIPHERS), blocks=st.integers(0, 5), data=st.data())
    def test_cbc_chains_by_the_last_block(self, cipher: Cipher, blocks: int, data: st.DataObject) -> None:
        key = data.draw(st.binary(min_size=cipher.key_size, max_size=cipher.key_size))
        iv = data.draw(st.binary(min_size=cipher.block_size, max_size=cipher.block_size))
        size = blocks * cipher.block_size
        plain = data.draw(st.binary(min_size=size, max_size=size))
        whole = cipher.encrypt(key, iv, plain * 2)
        half = cipher.encrypt(key, iv, plain)
        assert whole == half + cipher.encrypt(key, (iv + half)[-cipher.block_size :], plain)
        assert cipher.decrypt(key, iv, whole) == plain * 2

    @pytest.mark.parametrize("cipher", CIPHERS, ids=lambda cipher: cipher.word)
    def test_number_and_key_length_find_it_and_iana_names_it(self, cipher: Cipher) -> None:
        assert cipher_by_number(cipher.number, cipher.key_length) is cipher
        assert cipher_by_word(cipher.word.upper()) is cipher
        assert Encryption(cipher.number).label.upper() == cipher.family.upper()
        assert cipher.key_length in (None, 8 * cipher.key_size)

    def test_other_words(self) -> None:
        assert cipher_by_word("aes").word == "aes128"

    @pytest.mark.parametrize(("number", "key_length", "complaint"), [
        (7, None, r"7 \(AES-CBC\): expected a Key Length attribute of one of 128, 192, 256 bits, got none \(RFC 3602"),
        (7, 0, "got 0 bits"),
        (7, 65535, "got 65535 bits"),
        (5, 192, r"5 \(3DES-CBC\): its key is fixed, so expected no Key Length .* got 192 bits \(RFC 2409 App"),
        (1, 56, "its key is fixed"),
        (3, None, r"expected one of 1 \(DES-CBC\), 5 \(3DES-CBC\), 7 \(AES-CBC\), 8 \(Camellia-CBC\), got 3"),
    ])  # fmt: skip
    def test_key_length_attribute(self, number: int, key_length: int | None, complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            cipher_by_number(number, key_length)

    @pytest.mark.parametrize(("key", "iv", "data", "complaint"), [
        (15, 16, 16, "AES-CBC-128 key: expected 16 octets, got 15"),
        (16, 8, 16, "AES-CBC-128 IV: expected 16 octets, got 8"),
        (16, 16, 17, "AES-CBC-128 data: expected whole blocks of 16 octets, got 17 octets"),
    ])  # fmt: skip
    def test_sizes_are_held_both_ways(self, key: int, iv: int, data: int, complaint: str) -> None:
        aes = cipher_by_word("aes128")
        for method in (aes.encrypt, aes.decrypt):
            with pytest.raises(Misuse, match=complaint):
                method(bytes(key), bytes(iv), bytes(data))

    def test_what_openssl_does_not_offer_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives import ciphers

        def unsupported(self: object) -> None:
            raise UnsupportedAlgorithm("no such provider")

        monkeypatch.setattr(ciphers.Cipher, "encryptor", unsupported)
        with pytest.raises(Misuse, match="DES: the OpenSSL on this machine does not offer it"):
            backend.encrypt_cbc("DES", bytes(8), bytes(8), bytes(8))

    def test_camellia_is_found_where_older_libraries_keep_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from cryptography.hazmat.decrepit.ciphers import algorithms as legacy
        from cryptography.hazmat.primitives.ciphers import algorithms

        key = bytes.fromhex("0123456789abcdeffedcba9876543210")
        expected = backend.encrypt_cbc("Camellia", key, bytes(16), key)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of looking at what is there, which the adapter does not do
            monkeypatch.setattr(algorithms, "Camellia", legacy.Camellia)
        monkeypatch.delattr(legacy, "Camellia")
        assert backend.encrypt_cbc("Camellia", key, bytes(16), key) == expected

    def test_an_unknown_block_cipher_is_named(self) -> None:
        with pytest.raises(Misuse, match="expected AES, 3DES, DES or Camellia, got IDEA"):
            backend.encrypt_cbc("IDEA", bytes(16), bytes(8), bytes(8))


class TestQuietAndLight:
    def test_no_warning_reaches_a_user_even_where_warnings_are_errors(self) -> None:
        program = """
from ikelab.crypto.suite import CIPHERS
from ikelab.crypto.protection import ESP_CIPHERS, AeadCipher
from ikelab.crypto.groups import GROUPS
for cipher in [*CIPHERS, *(each for each in ESP_CIPHERS if not isinstance(each, AeadCipher))]:
    size = getattr(cipher, "keymat_size", cipher.key_size)
    key, iv, data = bytes(range(size)), bytes(cipher.iv_size), bytes(4 * cipher.block_size)
    assert cipher.decrypt(key, iv, cipher.encrypt(key, iv, data)) == data
for group in GROUPS:
    private = group.private(bytes(range(group.entropy_size)))
    group.shared(private, group.public(private))
"""
        run = subprocess.run(
            [sys.executable, "-W", "error", "-c", program], capture_output=True, check=False, text=True
        )
        assert (run.returncode, run.stdout, run.stderr) == (0, "", "")

    @pytest.mark.parametrize("module", ["suite", "protection", "formula", "book", "derive", "groups"])
    def test_importing_asks_for_no_cryptographic_library(self, module: str) -> None:
        heavy = {"cryptography", "gmpy2", "cffi"}
        program = f"import sys, ikelab.crypto.{module}; print(*sorted(sys.modules.keys() & {heavy!r}))"
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
        assert run.stdout.split() == []
