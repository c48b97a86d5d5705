"""Proposal words are read as strongSwan's users write them, and what cannot be read is named."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto import groups
from ikelab.crypto.protection import AH_INTEGRITIES, ESP_CIPHERS, INTEGRITIES, AeadCipher, Protection
from ikelab.crypto.suite import CIPHERS, HASHES
from ikelab.errors import Misuse
from ikelab.ike.config import ChildOffer, IkeOffer, ah_offers, esp_offers, ike_offers
from ikelab.ike.words import with_pfs
from ikelab.wire.numbers import EsnChoice, Protocol

ANY_IKE_OFFER = st.builds(
    IkeOffer,
    cipher=st.sampled_from(CIPHERS),
    hash=st.sampled_from(HASHES),
    group=st.sampled_from([group.number for group in groups.GROUPS]),
)


def texts(offers: tuple[object, ...]) -> list[str]:
    return [str(offer) for offer in offers]


class TestPhase1:
    def test_one_of_each_kind(self) -> None:
        (offer,) = ike_offers("aes128-sha1-modp2048")
        assert (offer.cipher.number, offer.cipher.key_length, offer.hash.number, offer.group) == (7, 128, 2, 14)
        assert offer.dh is groups.group(14)
        assert str(offer) == "aes128-sha1-modp2048"

    def test_a_list_is_in_order_of_preference(self) -> None:
        words = "aes256-sha256-ecp256, 3des-md5-modp1024 ,aes128-sha1-modp2048"
        assert texts(ike_offers(words)) == ["aes256-sha256-ecp256", "3des-md5-modp1024", "aes128-sha1-modp2048"]

    def test_several_of_a_kind_mean_every_combination_the_first_of_each_preferred(self) -> None:
        assert texts(ike_offers("aes256-aes128-sha256-sha1-modp2048")) == [
            "aes256-sha256-modp2048",
            "aes256-sha1-modp2048",
            "aes128-sha256-modp2048",
            "aes128-sha1-modp2048",
        ]

    def test_the_order_of_different_kinds_does_not_matter(self) -> None:
        assert ike_offers("modp2048-sha1-aes256-sha256") == ike_offers("aes256-sha1-sha256-modp2048")

    def test_the_same_offer_twice_is_made_once(self) -> None:
        assert texts(ike_offers("aes128-aes128-sha1-modp2048,aes-sha-modp2048")) == ["aes128-sha1-modp2048"]

    @pytest.mark.parametrize(
        ("other", "usual"),
        [
            ("aes128-sha256-x25519", "aes128-sha256-curve25519"),
            ("AES128-SHA256-ECP256", "aes128-sha256-ecp256"),
            ("camellia-sha2_512-modp3072", "camellia128-sha512-modp3072"),
        ],
    )
    def test_other_spellings(self, other: str, usual: str) -> None:
        assert ike_offers(other) == ike_offers(usual)

    @given(st.lists(ANY_IKE_OFFER, min_size=1, max_size=8, unique=True))
    def test_what_an_offer_says_is_read_back(self, offers: list[IkeOffer]) -> None:
        assert ike_offers(",".join(map(str, offers))) == tuple(offers)

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("aes128-sha1", ["aes128-sha1", "a group", "got none", "modp2048"]),
            ("sha1-modp2048", ["a cipher", "got none"]),
            ("aes128-modp2048", ["a hash", "got none"]),
            ("aes128-sha1-modp248", ['got "modp248"', "did you mean modp2048"]),
            ("aes128-sha1-modp2048,aes12-sha1-modp2048", ['"aes12-sha1-modp2048"', 'got "aes12"', "aes128"]),
            ("aes128-prfsha256-sha256-modp2048", ["prfsha256", "HMAC of the hash", "RFC 2409 §4"]),
            ("aes128gcm16-sha256-modp2048", ["aes128gcm16 is for ESP", "CBC"]),
            ("aes128-sha1-modp2048s256", ["24", "RFC 8247"]),
            ("aes128-sha1-modp2048-", ['got ""']),
            ("", ['got ""', "aes128", "sha1", "modp2048"]),
            (",", ['got ""']),
            ("xyzzy", ['got "xyzzy"', "aes256", "curve25519"]),
        ],
    )
    def test_what_is_missing_or_unknown_is_named(self, words: str, says: list[str]) -> None:
        with pytest.raises(Misuse) as raised:
            ike_offers(words)
        assert [word for word in says if word not in str(raised.value)] == []

    def test_as_many_combinations_as_a_proposal_can_count(self) -> None:
        ciphers, hashes = "-".join(cipher.word for cipher in CIPHERS), "-".join(hash.word for hash in HASHES)
        with pytest.raises(Misuse, match=r"at most 255 combinations, got \d+"):
            ike_offers(f"{ciphers}-{hashes}-{'-'.join(group.word for group in groups.GROUPS)}")

    @given(st.text(alphabet="aes128h-,modp204 gcm", max_size=40))
    def test_any_text_is_offers_or_a_misuse(self, words: str) -> None:
        try:
            made = ike_offers(words)
        except Misuse as misuse:
            complaint = str(misuse)
        else:
            complaint = "expected" if made else "neither offers nor a Misuse"
        assert "expected" in complaint


class TestEsp:
    def test_a_cipher_and_an_integrity_check(self) -> None:
        (offer,) = esp_offers("aes128-sha1")
        assert (offer.protocol, offer.transform_id, offer.group, offer.esn) == (Protocol.ESP, 12, None, None)
        assert offer.protection.keymat_size == 16 + 20
        assert offer.dh is None

    def test_a_group_means_pfs(self) -> None:
        (offer,) = esp_offers("aes128-sha1-modp2048")
        assert offer.group == 14
        assert offer.dh is groups.group(14)

    @pytest.mark.parametrize(
        ("words", "offers"),
        [
            ("aes256gcm16", ["aes256gcm16"]),
            ("aes256gcm128,aes128gcm64", ["aes256gcm16", "aes128gcm8"]),
            ("aes128gcm16-x25519", ["aes128gcm16-curve25519"]),
            ("null-sha256", ["null-sha256"]),
            ("aes256-aes128-sha256-sha1", ["aes256-sha256", "aes256-sha1", "aes128-sha256", "aes128-sha1"]),
            ("aes128gcm128-esn-noesn-x25519", ["aes128gcm16-curve25519-esn", "aes128gcm16-curve25519"]),
            ("aes256gcm16,aes128-sha256", ["aes256gcm16", "aes128-sha256"]),
        ],
    )
    def test_proposals(self, words: str, offers: list[str]) -> None:
        assert texts(esp_offers(words)) == offers
        assert esp_offers(",".join(offers)) == esp_offers(words)

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ("aes128", ["aes128", "an integrity check", "got none"]),
            ("null", ["an integrity check"]),
            ("sha1", ["an ESP cipher", "got none"]),
            ("aes128gcm16-sha1", ["aes128gcm16 alone", "got sha1"]),
            ("aes128gcm16-aes128-sha1", ["aes128gcm16 beside aes128", '","']),
            ("aes128-sha1,aes128-sha1-modp2048", ["no PFS and PFS with MODP-2048", "RFC 2409 §5.5"]),
            ("aes128-sha1-modp2048-ecp256", ["PFS with MODP-2048 and PFS with P-256"]),
            ("aes128-sha1-modp204", ["did you mean modp2048"]),
            ("aes128-sha1-nosn", ["noesn"]),
        ],
    )
    def test_what_is_missing_or_contradicts_itself_is_named(self, words: str, says: list[str]) -> None:
        with pytest.raises(Misuse) as raised:
            esp_offers(words)
        assert [word for word in says if word not in str(raised.value)] == []

    def test_every_cipher_and_check_can_be_written(self) -> None:
        for cipher in ESP_CIPHERS:
            words = cipher.word if isinstance(cipher, AeadCipher) else f"{cipher.word}-sha512"
            assert texts(esp_offers(words)) == [words]
        assert texts(esp_offers("aes192ccm64")) == ["aes192ccm8"]
        for check in INTEGRITIES:
            assert texts(esp_offers(f"aes128-{check.word}")) == [f"aes128-{check.word}"]


class TestAh:
    def test_an_integrity_check(self) -> None:
        (offer,) = ah_offers("sha256")
        assert (offer.protocol, offer.transform_id) == (Protocol.AH, 5)
        assert offer.protection.cipher is None

    def test_several_mean_a_choice(self) -> None:
        assert texts(ah_offers("sha256-sha384-modp3072")) == ["sha256-modp3072", "sha384-modp3072"]

    def test_every_check_can_be_written_gmac_too(self) -> None:
        for check in AH_INTEGRITIES:
            (offer,) = ah_offers(check.word)
            assert (str(offer), offer.transform_id) == (check.word, check.ah_transform)

    @pytest.mark.parametrize(
        ("words", "says"),
        [("aes128-sha1", "AH hides nothing"), ("modp2048", "an integrity check, got none"), ("", 'got ""')],
    )
    def test_what_is_no_ah_proposal_is_named(self, words: str, says: str) -> None:
        with pytest.raises(Misuse, match=says):
            ah_offers(words)


class TestChildOffer:
    """What the words cannot say, a program must not either."""

    @pytest.mark.parametrize(
        ("protocol", "protection", "says"),
        [
            (Protocol.AH, esp_offers("aes128-sha1")[0].protection, "AH hides nothing"),
            (Protocol.ESP, ah_offers("sha1")[0].protection, "expected a cipher"),
            (Protocol.ESP, Protection(cipher=ESP_CIPHERS[0]), "RFC 8221 §4"),
            (Protocol.IPCOMP, esp_offers("aes128-sha1")[0].protection, "IPCOMP"),
        ],
    )
    def test_a_protection_that_does_not_suit_the_protocol(
        self, protocol: int, protection: Protection, says: str
    ) -> None:
        with pytest.raises(Misuse, match=says):
            ChildOffer(protocol=protocol, protection=protection)

    def test_extended_sequence_numbers_are_the_value_of_their_attribute(self) -> None:
        assert esp_offers("aes128gcm16-esn")[0].esn == EsnChoice.ESN


class TestPfs:
    """A group for perfect forward secrecy that is named beside the proposals."""

    def test_it_is_the_group_of_every_offer(self) -> None:
        assert with_pfs(esp_offers("aes256-aes128-sha1"), "modp2048") == esp_offers("aes256-aes128-sha1-modp2048")
        assert with_pfs(esp_offers("aes128gcm16-x25519"), "curve25519") == esp_offers("aes128gcm16-curve25519")

    @pytest.mark.parametrize(
        ("proposal", "word", "says"),
        [
            ("aes128-sha1-modp2048", "modp3072", "expected the group of the proposal aes128-sha1-modp2048"),
            ("aes128-sha1", "modp2049", "did you mean modp2048"),
            ("aes128-sha1", "", "expected a group for PFS"),
        ],
    )
    def test_another_group_or_none_is_misuse(self, proposal: str, word: str, says: str) -> None:
        with pytest.raises(Misuse, match=says):
            with_pfs(esp_offers(proposal), word)
