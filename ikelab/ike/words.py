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
    AH_INTEGRITIES,
    ESP_CIPHERS,
    INTEGRITIES,
    OTHER_ESP_CIPHER_WORDS,
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
from ikelab.ike.offers import COMPRESSIONS, ChildOffer, IkeOffer, pfs_label
from ikelab.wire.numbers import EsnChoice, Protocol

MOST_OFFERS = 255
"""As many transforms as one proposal can count (RFC 2408 §3.5)."""


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
    words=(*(cipher.word for cipher in ESP_CIPHERS), *OTHER_ESP_CIPHER_WORDS),
    find=esp_cipher_by_word,
    common="aes128, aes256gcm16, null",
)
INTEGRITY: Kind[Integrity] = Kind(
    name="an integrity check",
    words=(*(each.word for each in INTEGRITIES), *OTHER_HASH_WORDS),
    find=integrity_by_word,
    common="sha256, sha1",
)
AH_INTEGRITY: Kind[Integrity] = Kind(
    name="an integrity check",
    words=(*(each.word for each in AH_INTEGRITIES), *OTHER_HASH_WORDS),
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
    for where, proposal in _proposals("AH proposal", words, (AH_INTEGRITY, PFS, ESN)):
        checks = AH_INTEGRITY.among(proposal)
        _demand(where, (AH_INTEGRITY, checks))
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


def child_offers(*, esp: str = "", ah: str = "", pfs: str = "", ipcomp: str = "") -> tuple[ChildOffer, ...]:
    """The offers of a child from the words of options; "" where one was not given.

    ESP and AH together mean both for every packet: each ESP offer beside each AH offer. With IPComp every offer comes
    first with compression, then without. Raises Misuse.
    """
    ciphered, guarded = esp_offers(esp) if esp else (), ah_offers(ah) if ah else ()
    if pfs:
        ciphered, guarded = with_pfs(ciphered, pfs), with_pfs(guarded, pfs)
    offers = bundled(ciphered, guarded) if ciphered and guarded else ciphered or guarded
    if not offers:
        raise Misuse("offers: expected a proposal for ESP, for AH, or for both, got neither")
    return with_ipcomp(offers, ipcomp) if ipcomp else offers


def bundled(esp: tuple[ChildOffer, ...], ah: tuple[ChildOffer, ...]) -> tuple[ChildOffer, ...]:
    """Each ESP offer with each AH offer beside it. A group that one of them names is meant for both; else Misuse."""
    groups_named = dict.fromkeys(offer.group for offer in (*esp, *ah) if offer.group is not None)
    if len(groups_named) > 1:
        asked = " and ".join(pfs_label(group) for group in groups_named)
        raise Misuse(f"ESP and AH together: expected one group for PFS, got {asked} (RFC 2409 §5.5)")
    group = next(iter(groups_named), None)
    return _counted(
        "ESP and AH together",
        tuple(replace(one, group=group, beside=replace(other, group=group)) for one, other in product(esp, ah)),
    )


def with_ipcomp(offers: tuple[ChildOffer, ...], word: str) -> tuple[ChildOffer, ...]:
    """The same offers after compression with the algorithm of that word, then without, as strongSwan asks for it."""
    if word not in COMPRESSIONS:
        raise Misuse(f'IPComp: expected {" or ".join(COMPRESSIONS)}, got "{word}"')
    compressed = tuple(replace(offer, compression=COMPRESSIONS[word]) for offer in offers)
    return _counted("offers with and without IPComp", (*compressed, *offers))


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
    elif AH_INTEGRITY in kinds and word in ESP_CIPHER.words:
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
