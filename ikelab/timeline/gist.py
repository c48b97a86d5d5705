"""What a message says in a line for each payload: enough for a reader who does not want every octet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from ikelab.crypto.derived import Derived, counted, shortened
from ikelab.ike.listen import Followed
from ikelab.wire.attributes import CONFIG_ATTRIBUTES, IKE_ATTRIBUTES, IPSEC_ATTRIBUTES, Attribute
from ikelab.wire.numbers import (
    CertEncoding,
    ConfigAttribute,
    ConfigType,
    IdType,
    IkeAttribute,
    IpProtocol,
    IpsecAttribute,
    LifeType,
    Notify,
    Protocol,
)
from ikelab.wire.payloads import (
    ID,
    KE,
    SA,
    Cert,
    CertRequest,
    Config,
    Delete,
    Fragment,
    Hash,
    NatD,
    NatOa,
    Nonce,
    Notification,
    Opaque,
    Signature,
    VendorID,
)
from ikelab.wire.proposals import TRANSFORMS, Proposal, Transform
from ikelab.wire.readable import address, readable
from ikelab.wire.records import Payload
from ikelab.wire.vendors import vendor

MOST_TRANSFORMS = 6
"""Offers of one SA payload that are listed; of the rest only the count."""

LIFE_TYPES = {IkeAttribute.LIFE_TYPE, IpsecAttribute.SA_LIFE_TYPE}
LIFE_UNITS = {LifeType.SECONDS: "s", LifeType.KILOBYTES: "kB"}


class Sign(StrEnum):
    """What became of a check."""

    NONE = ""
    HOLDS = "holds"
    FAILS = "fails"
    DIFFERS = "differs"


SIGNS = {True: Sign.HOLDS, False: Sign.FAILS, None: Sign.NONE}


class Line(NamedTuple):
    """One thing that a message says: which payload, what it says, a quiet word about it, and whether it was proved.

    role: as the fields of a payload have it: choice, public, identity, proof, number, plumbing, error.
    """

    label: str
    text: str
    note: str = ""
    role: str = "choice"
    sign: Sign = Sign.NONE


def gist(followed: Followed, labels: Sequence[str]) -> list[Line]:
    """A line or a few for each payload of a followed message. labels: what each payload is called there."""
    lines: list[Line] = []
    differing = iter(followed.nat_d)
    named = zip(labels, followed.inside.payloads, strict=False)
    for label, group in groupby(named, key=lambda pair: pair[0]):
        payloads = [payload for _, payload in group]
        if all(isinstance(payload, VendorID) for payload in payloads):
            lines.append(Line(label, " · ".join(_badge(payload) for payload in payloads), role="public"))
            continue
        for payload in payloads:
            if isinstance(payload, NatD):
                lines.append(_nat_d(label, payload, len([line for line in lines if line.label == label]), differing))
            elif isinstance(payload, Hash):
                lines.append(_hash(label, payload, followed))
            else:
                lines += (Line(label, *rest) for rest in _said(label, payload))
    return lines


def transform_words(transform: Transform, protocol: int) -> str:
    """The algorithms and settings of a transform: "AES-CBC-128, SHA, PSK, MODP-2048, 14400 s"."""
    phase1 = protocol == Protocol.ISAKMP
    family = IKE_ATTRIBUTES if phase1 else IPSEC_ATTRIBUTES
    key_length = IkeAttribute.KEY_LENGTH if phase1 else IpsecAttribute.KEY_LENGTH
    bits = transform.first(key_length)
    size = f"-{bits}" if bits is not None else ""
    names = TRANSFORMS.get(protocol)
    words = [] if phase1 else [(names(transform.id).short if names else f"transform {transform.id}") + size]
    unit = ""
    for attribute in transform.attributes:
        kind = attribute.type
        if kind == key_length:
            continue
        if kind in LIFE_TYPES and family.types(kind).label.endswith("Life Type"):
            unit = LIFE_UNITS.get(LifeType(attribute.number), LifeType(attribute.number).short)
        elif family.types(kind).label.endswith("Life Duration"):
            words.append(f"{_number(attribute)} {unit}".strip())
        elif kind in family.labels:
            word = family.labels[kind](attribute.number).short
            words.append(word + size if phase1 and kind == IkeAttribute.ENCRYPTION_ALGORITHM else word)
        else:
            words.append(f"{family.types(kind).short} {_number(attribute)}")
    return ", ".join(words) or "no attributes"


def _number(attribute: Attribute) -> str:
    return str(attribute.number) if len(attribute.value) <= 8 else shortened(attribute.value)


def _badge(payload: Payload) -> str:
    data = payload.data if isinstance(payload, VendorID) else b""
    known = vendor(data)
    if known is None:
        return f"unknown {shortened(data)}"
    return f"{known.name} {known.detail}".strip()


def _nat_d(label: str, payload: NatD, place: int, differing: Iterator[bool]) -> Line:
    """The first is of the packet's destination, any other may be of its source (RFC 3947 §3.2)."""
    whose = "destination" if place == 0 else "source"
    holds = next(differing, None)
    if holds is None:
        return Line(label, shortened(payload.data), f"hash of the packet's {whose}", "proof")
    if holds:
        return Line(label, shortened(payload.data), f"the packet's {whose}", "proof", Sign.HOLDS)
    note = f"not the packet's {whose}: a NAT on the way, or a peer that pretends one"
    return Line(label, shortened(payload.data), note, "proof", Sign.DIFFERS)


def _hash(label: str, payload: Hash, followed: Followed) -> Line:
    holds = followed.verified.get(label)
    if holds is None:
        return Line(label, shortened(payload.data), "not checked: its key is not known", "proof")
    proof = next(proof for proof in followed.proofs if proof.name == label and proof.holds == holds)
    formula = proof.expected.formula if isinstance(proof.expected, Derived) else "given"
    return Line(label, shortened(payload.data), f"= {formula}", "proof", SIGNS[holds])


def _said(label: str, payload: Payload) -> Iterator[tuple[str, str, str]]:
    """Text, note and role for each line about any other payload."""
    match payload:
        case SA(proposals=proposals):
            yield from _bargain(proposals)
        case KE(data=data):
            yield shortened(data), f"Diffie-Hellman public value, {counted(len(data))}", "public"
        case Nonce(data=data):
            yield shortened(data), f"nonce, {counted(len(data))}", "number"
        case ID():
            yield str(payload), _about_identity(payload), "identity"
        case Cert(encoding=encoding, data=data):
            yield CertEncoding(encoding).short, counted(len(data)), "public"
        case CertRequest(encoding=encoding, authority=authority):
            wanted = f"from {readable(authority)}" if authority else "from any authority"
            yield CertEncoding(encoding).short, wanted, "identity"
        case Signature(data=data):
            yield shortened(data), f"signature, {counted(len(data))}; not checked", "proof"
        case Notification(notify=notify):
            yield Notify(notify).short, _about_news(payload), "choice"
        case Delete(protocol=protocol, spis=spis):
            yield f"{Protocol(protocol).short} {' '.join(spi.hex() for spi in spis)}", "deleted", "number"
        case Config(kind=kind, attributes=attributes):
            yield ConfigType(kind).short, ", ".join(map(_setting, attributes)), "choice"
        case NatOa(data=data):
            yield address(data), "the address before translation", "identity"
        case Fragment(id=identifier, number=number, data=data):
            last = ", the last one" if payload.flags & 1 else ""
            yield f"slice {number} of message {identifier}{last}", counted(len(data)), "plumbing"
        case Opaque(data=data, error=error):
            yield shortened(data), str(error) if error else f"not read, {counted(len(data))}", "error"
        case _:
            yield payload.TITLE, "", "choice"


def _bargain(proposals: Sequence[Proposal]) -> Iterator[tuple[str, str, str]]:
    offers = [(proposal, transform) for proposal in proposals for transform in proposal.transforms]
    for place, (proposal, transform) in enumerate(offers[:MOST_TRANSFORMS]):
        spi = f" {proposal.spi.hex()}" if proposal.spi else ""
        protocol = "" if proposal.protocol == Protocol.ISAKMP else f"{Protocol(proposal.protocol).short}{spi}: "
        note = f"offer {place + 1} of {len(offers)}" if len(offers) > 1 else ""
        yield protocol + transform_words(transform, proposal.protocol), note, "choice"
    if len(offers) > MOST_TRANSFORMS:
        yield f"and {len(offers) - MOST_TRANSFORMS} more offers", "", "plumbing"
    if not offers:
        yield "no offer at all", "", "error"


def _about_identity(payload: ID) -> str:
    words = IdType(payload.id_type).short
    if payload.protocol or payload.port:
        words += f", {IpProtocol(payload.protocol).label} port {payload.port or 'any'}"
    return words


def _about_news(payload: Notification) -> str:
    if payload.notify in (Notify.R_U_THERE, Notify.R_U_THERE_ACK) and len(payload.data) == 4:
        return f"sequence number {int.from_bytes(payload.data)}"
    about = f"about {Protocol(payload.protocol).short}"
    spi = f" {payload.spi.hex()}" if payload.spi and payload.protocol != Protocol.ISAKMP else ""
    data = f", {readable(payload.data)}" if payload.data else ""
    return f"{about}{spi}{data}"


def _setting(attribute: Attribute) -> str:
    field = CONFIG_ATTRIBUTES.value_field(attribute.type)
    name = ConfigAttribute(attribute.type).short
    return f"{name} {field.text(attribute.value)}" if attribute.value else name
