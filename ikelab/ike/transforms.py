"""What a transform offers: an offer becomes attributes, and attributes become an offer or sentences on why they cannot.

A transform is read to its end whatever is wrong with it, so that a learner hears of every fault at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ikelab.crypto import groups
from ikelab.crypto.protection import (
    AH_INTEGRITIES,
    ESP_CIPHERS,
    INTEGRITIES,
    AeadCipher,
    Integrity,
    Protection,
    esp_cipher_by_number,
)
from ikelab.crypto.suite import CIPHERS, HASHES, CbcCipher, Cipher, cipher_by_number
from ikelab.errors import Misuse
from ikelab.ike.attributes import PHASE_1, PHASE_2, Lifetime, lifetime, lifetime_attributes, values
from ikelab.ike.offers import (
    COMPRESSIONS,
    ChildOffer,
    IkeOffer,
    beside_label,
    compression_label,
    esn_label,
    group_label,
    pfs_label,
)
from ikelab.wire.attributes import Attribute, short
from ikelab.wire.numbers import (
    AuthAlgorithm,
    Encapsulation,
    Encryption,
    EsnChoice,
    Hash,
    IkeAttribute,
    IpsecAttribute,
    Protocol,
    TransformAh,
    TransformEsp,
    TransformIsakmp,
)
from ikelab.wire.proposals import Proposal, Transform

MANDATORY = (
    IkeAttribute.ENCRYPTION_ALGORITHM,
    IkeAttribute.HASH_ALGORITHM,
    IkeAttribute.AUTHENTICATION_METHOD,
    IkeAttribute.GROUP_DESCRIPTION,
)
"""What phase 1 must negotiate (RFC 2409 §4)."""


@dataclass(frozen=True, kw_only=True)
class IkeTerms:
    """What a transform of phase 1 says.

    labels: each property in words. offer: what it comes to; None where it is faulty or names what is not known here.
    method: the Authentication Method. faults: a sentence for each thing that no peer could accept.
    """

    labels: Mapping[str, str]
    offer: IkeOffer | None = None
    method: int | None = None
    lifetime: Lifetime = field(default_factory=Lifetime)
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChildTerms:
    """What a transform of Quick Mode says, likewise. mode: the Encapsulation Mode; None where not said.

    compression: of IPComp, its transform if it is known here.
    """

    labels: Mapping[str, str]
    offer: ChildOffer | None = None
    mode: int | None = None
    lifetime: Lifetime = field(default_factory=Lifetime)
    faults: tuple[str, ...] = ()
    compression: int | None = None


def ike_transform(number: int, offer: IkeOffer, method: int, seconds: int) -> Transform:
    """A transform of phase 1, its attributes in strongSwan's order. `seconds` is the lifetime."""
    cipher = [short(IkeAttribute.ENCRYPTION_ALGORITHM, offer.cipher.number)]
    if offer.cipher.key_length is not None:
        cipher.append(short(IkeAttribute.KEY_LENGTH, offer.cipher.key_length))
    return Transform(
        number=number,
        id=TransformIsakmp.KEY_IKE,
        attributes=(
            *cipher,
            short(IkeAttribute.HASH_ALGORITHM, offer.hash.number),
            short(IkeAttribute.GROUP_DESCRIPTION, offer.group),
            short(IkeAttribute.AUTHENTICATION_METHOD, method),
            *lifetime_attributes(PHASE_1, seconds),
        ),
    )


def child_transform(number: int, offer: ChildOffer, mode: int, seconds: int, kilobytes: int | None = None) -> Transform:
    """A transform of Quick Mode, its attributes in strongSwan's order. `seconds` and `kilobytes` are the lifetime."""
    cipher, integrity = offer.protection.cipher, offer.protection.integrity
    attributes: list[Attribute] = []
    if cipher is not None and cipher.key_length is not None:
        attributes.append(short(IpsecAttribute.KEY_LENGTH, cipher.key_length))
    if integrity is not None:
        attributes.append(short(IpsecAttribute.AUTHENTICATION_ALGORITHM, integrity.number))
    if offer.group is not None:
        attributes.append(short(IpsecAttribute.GROUP_DESCRIPTION, offer.group))
    attributes.append(short(IpsecAttribute.ENCAPSULATION_MODE, mode))
    attributes += lifetime_attributes(PHASE_2, seconds, kilobytes)
    if offer.esn is not None:
        attributes.append(short(IpsecAttribute.EXTENDED_SEQUENCE_NUMBER, offer.esn))
    return Transform(number=number, id=offer.transform_id, attributes=tuple(attributes))


def ipcomp_transform(number: int, compression: int, mode: int, seconds: int, kilobytes: int | None = None) -> Transform:
    """A transform of IPComp, as strongSwan says it: it needs neither group nor algorithms (RFC 3173 §4.1)."""
    mode_said = short(IpsecAttribute.ENCAPSULATION_MODE, mode)
    return Transform(
        number=number, id=compression, attributes=(mode_said, *lifetime_attributes(PHASE_2, seconds, kilobytes))
    )


def ike_terms(transform: Transform) -> IkeTerms:
    """What a transform of phase 1 says, and everything that is wrong with it."""
    faults: list[str] = []
    if transform.id != TransformIsakmp.KEY_IKE:
        faults.append(f"{TransformIsakmp(transform.id).label}: expected KEY_IKE (1), the only transform of phase 1")
    said = values(transform, PHASE_1, faults)
    faults += [f"no {kind.label}, which must be negotiated (RFC 2409 §4)" for kind in MANDATORY if kind not in said]
    labels: dict[str, str] = {}
    cipher: Cipher | None = None
    if (number := said.get(IkeAttribute.ENCRYPTION_ALGORITHM)) is not None:
        known = any(each.number == number for each in CIPHERS)
        find = cipher_by_number if known else None
        cipher, label = _cipher(find, Encryption(number).label, number, said.get(IkeAttribute.KEY_LENGTH), faults)
        labels |= {"cipher": label} if label else {}
    hash_number, group = said.get(IkeAttribute.HASH_ALGORITHM), said.get(IkeAttribute.GROUP_DESCRIPTION)
    hash = next((each for each in HASHES if each.number == hash_number), None)
    if hash_number is not None:
        labels["hash"] = hash.family if hash is not None else Hash(hash_number).label
    if group is not None:
        labels["group"] = group_label(group)
    lives = lifetime(transform, PHASE_1, faults)
    offer: IkeOffer | None = None
    if cipher is not None and hash is not None and group is not None and _is_known(group) and not faults:
        offer = IkeOffer(cipher=cipher, hash=hash, group=group)
    method = said.get(IkeAttribute.AUTHENTICATION_METHOD)
    return IkeTerms(labels=labels, offer=offer, method=method, lifetime=lives, faults=tuple(faults))


def child_terms(protocol: int, transform: Transform) -> ChildTerms:
    """What a transform of Quick Mode says in a proposal for ESP or AH, and everything that is wrong with it."""
    faults: list[str] = []
    labels: dict[str, str] = {}
    said = values(transform, PHASE_2, faults)
    protection = (_esp if protocol == Protocol.ESP else _ah)(transform.id, said, labels, faults)
    group, esn = said.get(IpsecAttribute.GROUP_DESCRIPTION), said.get(IpsecAttribute.EXTENDED_SEQUENCE_NUMBER)
    labels |= {"group": pfs_label(group), "esn": esn_label(esn)}
    if esn not in (None, EsnChoice.ESN):
        faults.append(f"{esn_label(esn)}: expected 1, or no such attribute (RFC 4304 §3)")
    mode = said.get(IpsecAttribute.ENCAPSULATION_MODE)
    if mode is None:
        faults.append("no Encapsulation Mode: whether tunnel or transport is meant would be a guess (RFC 2407 §4.5)")
    lives = lifetime(transform, PHASE_2, faults)
    offer: ChildOffer | None = None
    if protection is not None and (group is None or _is_known(group)) and not faults:
        offer = ChildOffer(protocol=protocol, protection=protection, group=group, esn=esn)
    return ChildTerms(labels=labels, offer=offer, mode=mode, lifetime=lives, faults=tuple(faults))


def suite_terms(picked: Sequence[tuple[Proposal, Transform]]) -> ChildTerms:
    """What transforms say together, one of each proposal of a protection suite (RFC 2408 §4.2)."""
    said = {proposal.protocol: _terms(proposal.protocol, transform) for proposal, transform in picked}
    first = Protocol.ESP if Protocol.ESP in said else Protocol.AH
    own = said.pop(first)
    if not said:
        return own
    labels, faults = dict(own.labels), [f"{Protocol(first).short}: {fault}" for fault in own.faults]
    offer = own.offer
    for protocol, terms in said.items():
        faults += [f"{Protocol(protocol).short}: {fault}" for fault in terms.faults]
        if terms.mode is not None and own.mode is not None and terms.mode != own.mode:
            modes = " and ".join(Encapsulation(mode).label for mode in (own.mode, terms.mode))
            faults.append(f"{modes} mode in one protection suite: expected the same for all of it (RFC 3173 §4.1)")
        if protocol == Protocol.IPCOMP:
            labels |= terms.labels
            offer = replace(offer, compression=terms.compression) if offer and terms.compression else None
        else:
            labels["beside"] = beside_label(terms.labels)
            if terms.labels["group"] != own.labels["group"]:
                faults.append(
                    f"{own.labels['group']} for {Protocol(first).short} and {terms.labels['group']} for "
                    f"{Protocol(protocol).short}: expected the same group in all (RFC 2409 §5.5)"
                )
            same = offer is not None and terms.offer is not None and offer.group == terms.offer.group
            offer = replace(offer, beside=terms.offer) if offer and same else None
    lives = [terms.lifetime for terms in (own, *said.values())]
    shortest = Lifetime(
        seconds=min((each.seconds for each in lives if each.seconds is not None), default=None),
        kilobytes=min((each.kilobytes for each in lives if each.kilobytes is not None), default=None),
    )
    return ChildTerms(
        labels=labels, offer=None if faults else offer, mode=own.mode, lifetime=shortest, faults=tuple(faults)
    )


def _terms(protocol: int, transform: Transform) -> ChildTerms:
    return _ipcomp_terms(transform) if protocol == Protocol.IPCOMP else child_terms(protocol, transform)


def _ipcomp_terms(transform: Transform) -> ChildTerms:
    """What a transform of IPComp says; attributes of the other protocols are passed over (RFC 3173 §4.1)."""
    said = values(transform, PHASE_2, [])
    faults: list[str] = []
    lives = lifetime(transform, PHASE_2, faults)
    return ChildTerms(
        labels={"compression": compression_label(transform.id)},
        mode=said.get(IpsecAttribute.ENCAPSULATION_MODE, Encapsulation.TRANSPORT),
        lifetime=lives,
        faults=tuple(faults),
        compression=transform.id if transform.id in COMPRESSIONS.values() else None,
    )


def _esp(identifier: int, said: Mapping[int, int], labels: dict[str, str], faults: list[str]) -> Protection | None:
    known = any(each.number == identifier for each in ESP_CIPHERS)
    find, key_length = esp_cipher_by_number if known else None, said.get(IpsecAttribute.KEY_LENGTH)
    cipher, label = _cipher(find, TransformEsp(identifier).label, identifier, key_length, faults)
    labels |= {"cipher": label} if label else {}
    number = said.get(IpsecAttribute.AUTHENTICATION_ALGORITHM)
    integrity = _integrity(INTEGRITIES, number, labels)
    if cipher is None:
        return None
    if isinstance(cipher, AeadCipher):
        if number is None:
            return Protection(cipher=cipher)
        faults.append(f"{cipher.label} with {labels.pop('integrity')}: expected none beside it (RFC 8221 §4)")
    elif number is None:
        faults.append(
            f"{cipher.label} without an Authentication Algorithm: nobody would notice packets being changed on the way "
            "(RFC 8221 §4)"
        )
    return Protection(cipher=cipher, integrity=integrity) if integrity is not None and not faults else None


def _ah(identifier: int, said: Mapping[int, int], labels: dict[str, str], faults: list[str]) -> Protection | None:
    number = said.get(IpsecAttribute.AUTHENTICATION_ALGORITHM)
    integrity = _integrity(AH_INTEGRITIES, number, labels)
    name = TransformAh(identifier).label
    if number is None:
        faults.append(f"{name} without an Authentication Algorithm, which must be specified (RFC 2407 §4.4.3)")
    elif integrity is not None and integrity.ah_transform != identifier:
        faults.append(f"{name} with {AuthAlgorithm(number).label}, which is undefined (RFC 2407 §4.4.3)")
    if IpsecAttribute.KEY_LENGTH in said:
        faults.append("Key Length: expected none, as each of AH's keys has one length (RFC 2407 §4.5)")
    return Protection(integrity=integrity) if integrity is not None and not faults else None


def _integrity(checks: Iterable[Integrity], number: int | None, labels: dict[str, str]) -> Integrity | None:
    if number is None:
        return None
    known = next((each for each in checks if each.number == number), None)
    labels["integrity"] = known.label if known is not None else AuthAlgorithm(number).label
    return known


AnyCipher = TypeVar("AnyCipher", bound=CbcCipher)


def _cipher(
    find: Callable[[int, int | None], AnyCipher] | None,
    registered: str,
    number: int,
    key_length: int | None,
    faults: list[str],
) -> tuple[AnyCipher | None, str]:
    """A cipher and what it is called. `find` is None where only its name is known; a key length may be a fault."""
    if find is None:
        return None, registered if key_length is None else f"{registered}-{key_length}"
    try:
        cipher = find(number, key_length)
    except Misuse as fault:
        faults.append(str(fault))
        return None, ""
    return cipher, cipher.label


def _is_known(group: int) -> bool:
    return any(known.number == group for known in groups.GROUPS)
