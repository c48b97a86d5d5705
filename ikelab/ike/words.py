"""The words that users of real gateways know, "aes128-sha1-modp2048", become offers that can be put on the wire.

The syntax is strongSwan's: "-" joins the algorithms of a proposal, "," separates proposals, the preferred one first.
Several algorithms of one kind, as in "aes256-aes128-sha256-modp2048", mean every combination, the first of each kind
preferred. (strongSwan drops all but the first of a kind when it speaks IKEv1; here every combination is offered.)
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Generic, TypeVar

from ikelab.crypto import groups
from ikelab.crypto.protection import (
    ESP_CIPHERS,
    INTEGRITIES,
    AeadCipher,
    EspCipher,
    Integrity,
    Protection,
    esp_cipher_by_word,
    integrity_by_word,
)
from ikelab.crypto.suite import (
    CIPHERS,
    HASHES,
    OTHER_CIPHER_WORDS,
    OTHER_HASH_WORDS,
    Cipher,
    Hash,
    cipher_by_word,
    hash_by_word,
)
from ikelab.errors import Misuse
from ikelab.wire.numbers import EsnChoice, Group, Protocol

MOST_OFFERS = 255
"""As many transforms as one proposal can count (RFC 2408 §3.5)."""


def group_label(number: int) -> str:
    """What a Group Description is called in a sentence: "MODP-2048"; for a private number the name of our own."""
    own = next((group.family for group in groups.GROUPS if group.number == number), None)
    return own if own is not None and not Group(number).assigned else Group(number).short


@dataclass(frozen=True, kw_only=True)
class IkeOffer:
    """What can be agreed on in phase 1, lifetime and authentication aside; `str()` gives the words of a proposal.

    group: its number, as the Group Description attribute has it; `dh` is the group itself.
    """

    cipher: Cipher
    hash: Hash
    group: int

    @property
    def dh(self) -> groups.Group:
        """The Diffie-Hellman group. Raises Misuse where there is none of that number."""
        return groups.group(self.group)

    @property
    def labels(self) -> dict[str, str]:
        """Each property and what it is called in a sentence."""
        return {"cipher": self.cipher.label, "hash": self.hash.family, "group": group_label(self.group)}

    def __str__(self) -> str:
        return "-".join((self.cipher.word, self.hash.word, self.dh.word))


@dataclass(frozen=True, kw_only=True)
class ChildOffer:
    """What can be agreed on in Quick Mode, lifetime and encapsulation aside; `str()` gives the words of a proposal.

    protocol: `Protocol.ESP` or `Protocol.AH`. group: the number of a group for perfect forward secrecy; None without.
    esn: the value of the attribute Extended Sequence Number; None without, for 32-bit numbers (RFC 4304 §2).
    Raises Misuse where the protection does not suit the protocol.
    """

    protocol: int
    protection: Protection
    group: int | None = None
    esn: int | None = None

    def __post_init__(self) -> None:
        cipher, integrity = self.protection.cipher, self.protection.integrity
        match self.protocol:
            case Protocol.ESP:
                if cipher is None:
                    raise Misuse(f"ESP: expected a cipher, or null beside {integrity_word(self.protection)}, got none")
                if integrity is None and not isinstance(cipher, AeadCipher):
                    raise Misuse(
                        f"ESP with {cipher.word}: expected an integrity check beside it, got none: "
                        "encryption without authentication is not effective (RFC 8221 §4)"
                    )
            case Protocol.AH:
                if cipher is not None or integrity is None:
                    raise Misuse("AH: expected an integrity check and no cipher: AH hides nothing (RFC 2407 §4.4.1.2)")
            case _:
                raise Misuse(f"protocol: expected ESP (3) or AH (2), got {Protocol(self.protocol).short}")

    @property
    def dh(self) -> groups.Group | None:
        """The group of perfect forward secrecy. Raises Misuse where there is none of that number."""
        return None if self.group is None else groups.group(self.group)

    @property
    def transform_id(self) -> int:
        """The transform identifier: ESP's names the cipher, AH's the integrity check (RFC 2407 §4.4.3, §4.4.4)."""
        cipher, integrity = self.protection.cipher, self.protection.integrity
        return cipher.number if cipher is not None else integrity.ah_transform if integrity is not None else 0

    @property
    def labels(self) -> dict[str, str]:
        """Each property and what it is called in a sentence."""
        cipher, integrity = self.protection.cipher, self.protection.integrity
        return {
            **({"cipher": cipher.label} if cipher else {}),
            **({"integrity": integrity.label} if integrity else {}),
            "group": pfs_label(self.group),
            "esn": esn_label(self.esn),
        }

    def __str__(self) -> str:
        parts = (self.protection.cipher, self.protection.integrity, self.dh)
        return "-".join([*(part.word for part in parts if part is not None), *(["esn"] if self.esn else [])])


def pfs_label(group: int | None) -> str:
    """What the Group Description of a Quick Mode, or its absence, is called in a sentence."""
    return "no PFS" if group is None else f"PFS with {group_label(group)}"


def esn_label(esn: int | None) -> str:
    """What the Extended Sequence Number of a Quick Mode, or its absence, is called in a sentence."""
    return "32-bit sequence numbers" if esn is None else EsnChoice(esn).label


def integrity_word(protection: Protection) -> str:
    """The word of the integrity check; "" where there is none."""
    return protection.integrity.word if protection.integrity is not None else ""


# -- the kinds of words ------------------------------------------------------------------------------------------------

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, kw_only=True)
class Kind(Generic[T_co]):
    """One kind of word: what it is called, what each of its words means. `common` are the words suggested first."""

    name: str
    words: tuple[str, ...]
    find: Callable[[str], T_co]
    common: str

    def among(self, words: Iterable[str]) -> tuple[T_co, ...]:
        """What those of the words that are of this kind mean, in their order, each once."""
        return tuple(dict.fromkeys(self.find(word) for word in words if word in self.words))


def _of_esn(word: str) -> int | None:
    return EsnChoice.ESN if word == "esn" else None


def _group_number(word: str) -> int:
    return groups.group_by_word(word).number


def _gcm_words() -> Iterable[str]:
    """AES-GCM can name its ICV in octets or in bits: aes128gcm16 is aes128gcm128."""
    for cipher in ESP_CIPHERS:
        if isinstance(cipher, AeadCipher):
            yield f"aes{cipher.key_length}gcm{8 * cipher.icv_size}"


_GROUP_WORDS = (*(group.word for group in groups.GROUPS), "x25519")

CIPHER: Kind[Cipher] = Kind(
    name="a cipher",
    words=(*(cipher.word for cipher in CIPHERS), *OTHER_CIPHER_WORDS),
    find=cipher_by_word,
    common="aes128, aes256",
)
HASH: Kind[Hash] = Kind(
    name="a hash", words=(*(each.word for each in HASHES), *OTHER_HASH_WORDS), find=hash_by_word, common="sha256, sha1"
)
GROUP: Kind[int] = Kind(name="a group", words=_GROUP_WORDS, find=_group_number, common="modp2048, ecp256, curve25519")
ESP_CIPHER: Kind[EspCipher] = Kind(
    name="an ESP cipher",
    words=(*(cipher.word for cipher in ESP_CIPHERS), *_gcm_words(), *OTHER_CIPHER_WORDS),
    find=esp_cipher_by_word,
    common="aes128, aes256gcm16, null",
)
INTEGRITY: Kind[Integrity] = Kind(
    name="an integrity check",
    words=(*(each.word for each in INTEGRITIES), *OTHER_HASH_WORDS),
    find=integrity_by_word,
    common="sha256, sha1",
)
PFS: Kind[int] = Kind(name="a group for PFS", words=_GROUP_WORDS, find=_group_number, common="modp2048, curve25519")
ESN: Kind[int | None] = Kind(name="a sequence number size", words=("esn", "noesn"), find=_of_esn, common="esn, noesn")


# -- reading proposals -------------------------------------------------------------------------------------------------


def ike_offers(words: str) -> tuple[IkeOffer, ...]:
    """The offers of phase 1 that these words ask for, the preferred one first. Raises Misuse, naming the word."""
    offers: dict[IkeOffer, None] = {}
    for where, proposal in _proposals("IKE proposal", words, (CIPHER, HASH, GROUP)):
        ciphers, hashes, numbers = CIPHER.among(proposal), HASH.among(proposal), GROUP.among(proposal)
        _demand(where, (CIPHER, ciphers), (HASH, hashes), (GROUP, numbers))
        for cipher, hash, group in product(ciphers, hashes, numbers):
            offers[IkeOffer(cipher=cipher, hash=hash, group=group)] = None
    return _counted("IKE proposals", tuple(offers))


def esp_offers(words: str) -> tuple[ChildOffer, ...]:
    """The ESP offers that these words ask for, the preferred one first; a group among them means PFS.

    Raises Misuse, naming the word, or where the offers disagree on the group: a Quick Mode carries one KE payload, and
    every offer in it the same group (RFC 2409 §5.5).
    """
    offers: dict[ChildOffer, None] = {}
    for where, proposal in _proposals("ESP proposal", words, (ESP_CIPHER, INTEGRITY, PFS, ESN)):
        ciphers, checks = ESP_CIPHER.among(proposal), INTEGRITY.among(proposal)
        _demand(where, (ESP_CIPHER, ciphers))
        combined = [cipher.word for cipher in ciphers if isinstance(cipher, AeadCipher)]
        alone = [cipher.word for cipher in ciphers if not isinstance(cipher, AeadCipher)]
        if combined and alone:
            raise Misuse(
                f"{where}: expected ciphers that check integrity themselves in a proposal of their own, "
                f'got {combined[0]} beside {alone[0]}: separate them with ","'
            )
        if combined and checks:
            raise Misuse(
                f"{where}: expected {combined[0]} alone, which checks integrity itself, got {checks[0].word} beside it"
            )
        if alone:
            _demand(where, (INTEGRITY, checks))
        for cipher, check, group, esn in product(ciphers, checks or (None,), *_options(proposal)):
            protection = Protection(cipher=cipher, integrity=check)
            offers[ChildOffer(protocol=Protocol.ESP, protection=protection, group=group, esn=esn)] = None
    return _one_group("ESP proposals", words, _counted("ESP proposals", tuple(offers)))


def ah_offers(words: str) -> tuple[ChildOffer, ...]:
    """The AH offers that these words ask for, the preferred one first; a group among them means PFS. Raises Misuse."""
    offers: dict[ChildOffer, None] = {}
    for where, proposal in _proposals("AH proposal", words, (INTEGRITY, PFS, ESN)):
        checks = INTEGRITY.among(proposal)
        _demand(where, (INTEGRITY, checks))
        for check, group, esn in product(checks, *_options(proposal)):
            protection = Protection(integrity=check)
            offers[ChildOffer(protocol=Protocol.AH, protection=protection, group=group, esn=esn)] = None
    return _one_group("AH proposals", words, _counted("AH proposals", tuple(offers)))


def with_pfs(offers: tuple[ChildOffer, ...], word: str) -> tuple[ChildOffer, ...]:
    """The same offers with the group of that word for perfect forward secrecy.

    Raises Misuse where it is no group's word, or where an offer names another group already.
    """
    where = f'PFS "{word}"'
    if word not in PFS.words:
        raise Misuse(f"{where}: {_unknown(word, (PFS,))}")
    number = PFS.find(word)
    for offer in offers:
        if offer.group not in (None, number):
            raise Misuse(f"{where}: expected the group of the proposal {offer}, or no group in it, got another one")
    return tuple(replace(offer, group=number) for offer in offers)


def _options(proposal: Sequence[str]) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
    return PFS.among(proposal) or (None,), ESN.among(proposal) or (None,)


def _proposals(what: str, text: str, kinds: Sequence[Kind[object]]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Each proposal of a list as its words, and how an error names it. Raises Misuse at a word of no kind."""
    for part in str(text).split(","):
        where = f'{what} "{part.strip()}"'
        proposal = tuple(word.strip().lower() for word in part.split("-"))
        for word in proposal:
            if not any(word in kind.words for kind in kinds):
                raise Misuse(f"{where}: {_unknown(word, kinds)}")
        yield where, proposal


def _unknown(word: str, kinds: Sequence[Kind[object]]) -> str:
    if word in groups.SWITCHED_OFF.values():
        try:
            groups.group_by_word(word)
        except Misuse as why:
            return str(why)
    close = difflib.get_close_matches(word, [each for kind in kinds for each in kind.words], n=3, cutoff=0.6)
    if close:
        expected, advice = " or ".join(kind.name for kind in kinds), f"; did you mean {' or '.join(close)}?"
    else:
        expected, advice = " or ".join(f"{kind.name} ({', '.join(kind.words)})" for kind in kinds), ""
    if CIPHER in kinds and word.startswith("prf"):
        advice = "; IKEv1 negotiates no prf: it is the HMAC of the hash (RFC 2409 §4)"
    elif CIPHER in kinds and word in ESP_CIPHER.words:
        advice = f"; {word} is for ESP: in phase 1 IKEv1 encrypts in CBC mode (RFC 2409 Appendix B)"
    elif INTEGRITY in kinds and ESP_CIPHER not in kinds and word in ESP_CIPHER.words:
        advice = "; AH hides nothing, so it takes no cipher (RFC 2407 §4.4.1.2)"
    return f'expected {expected}, got "{word}"{advice}'


def _demand(where: str, *found: tuple[Kind[object], tuple[object, ...]]) -> None:
    """Raise Misuse for the first kind of which there is no word."""
    for kind, of_kind in found:
        if not of_kind:
            raise Misuse(f"{where}: expected {kind.name}, got none; add one, such as {kind.common}")


def _one_group(what: str, words: str, offers: tuple[ChildOffer, ...]) -> tuple[ChildOffer, ...]:
    asked = dict.fromkeys(pfs_label(offer.group) for offer in offers)
    if len(asked) > 1:
        raise Misuse(
            f'{what} "{words}": expected one group in every proposal, or none in any, got {" and ".join(asked)}: '
            "the KE payload of a Quick Mode belongs to all of its offers (RFC 2409 §5.5)"
        )
    return offers


O = TypeVar("O")  # noqa: E741


def _counted(what: str, offers: tuple[O, ...]) -> tuple[O, ...]:
    if len(offers) > MOST_OFFERS:
        raise Misuse(f"{what}: expected at most {MOST_OFFERS} combinations, got {len(offers)} (RFC 2408 §3.5)")
    return offers
