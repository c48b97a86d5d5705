"""How two peers come to terms: one offers, the other chooses and echoes, the first checks; and why the others lost.

Phase 1 and Quick Mode bargain alike. The initiator lists transforms in the order of its preference, and the responder
takes the first that it accepts (RFC 2408 §4.2), changing nothing in it (RFC 2409 §5). As no hash covers that answer in
phase 1, the initiator compares it with what it had offered, value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ikelab.errors import Misuse, Refusal
from ikelab.ike.attributes import PHASE_1, PHASE_2, Lifetime
from ikelab.ike.bargain import (
    CHILD_SPI_SIZE,
    LEAST_SPI,
    Bid,
    Preference,
    Taken,
    check_vocabulary,
    choose,
    echo,
    oddities,
    phase_1_proposal,
    place,
    recognise,
    refuse_contradictions,
    refuse_syntax,
    spi_fault,
    suites,
    unlike,
)
from ikelab.ike.config import IKE_LIFETIME, LEAST_LIFETIME, TRANSPORT_MODES, TUNNEL_MODES, Child
from ikelab.ike.transforms import child_terms, child_transform, ike_terms, ike_transform
from ikelab.ike.words import MOST_OFFERS, ChildOffer, IkeOffer, pfs_label
from ikelab.wire.numbers import AuthMethod, Encapsulation, IpsecAttribute, Notify, Protocol
from ikelab.wire.proposals import SA, Proposal, Transform

__all__ = [
    "ChildChoice",
    "IkeChoice",
    "Preference",
    "check_answer",
    "check_child_answer",
    "choose_child",
    "choose_ike",
    "offer_child",
    "offer_ike",
]

UNSAID_CHILD_LIFETIME = 28800
"""Seconds that an IPsec SA lives if nothing is said (RFC 2407 §4.5)."""


@dataclass(frozen=True, kw_only=True)
class IkeChoice:
    """What phase 1 has agreed on.

    transform: as it was received. answer: the SA payload that says so. offered_lifetime: what the transform says;
    lifetime: the seconds that this side will keep the SA. lost: why each other transform was not taken, in their order.
    remarks: what is odd and harmless.
    """

    offer: IkeOffer
    method: int
    transform: Transform
    answer: SA
    offered_lifetime: Lifetime
    lifetime: int
    lost: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def group(self) -> int:
        """The group that KE payloads must belong to."""
        return self.offer.group


@dataclass(frozen=True, kw_only=True)
class ChildChoice:
    """What a Quick Mode has agreed on.

    proposals: as received from the peer, each with the one transform that was chosen; a bundle would have several, for
    now there is always one. mode: the Encapsulation Mode. The rest is as in an `IkeChoice`.
    """

    offer: ChildOffer
    proposals: tuple[Proposal, ...]
    mode: int
    offered_lifetime: Lifetime
    lifetime: int
    lost: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def transform(self) -> Transform:
        """The transform that was chosen, as it was received."""
        return self.proposals[0].transforms[0]

    @property
    def spi(self) -> bytes:
        """The peer's SPI: where it wants to receive packets."""
        return self.proposals[0].spi

    @property
    def protocol(self) -> int:
        """`Protocol.ESP` or `Protocol.AH`."""
        return self.offer.protocol

    @property
    def group(self) -> int | None:
        """The group that KE payloads must belong to; None where there must be none (RFC 2409 §5.5)."""
        return self.offer.group

    def answer(self, spi: bytes) -> SA:
        """The SA payload that accepts: the peer's words, with the SPI where this side wants to receive. Else Misuse."""
        _check_own_spi(spi)
        return SA(proposals=tuple(replace(proposal, spi=spi) for proposal in self.proposals))


# -- phase 1 -----------------------------------------------------------------------------------------------------------


def offer_ike(offers: Sequence[IkeOffer], method: int, lifetime: int) -> SA:
    """The SA payload of a first message: a transform for each offer. lifetime: in seconds. Raises Misuse."""
    _check_number(offers)
    transforms = [ike_transform(number, offer, method, lifetime) for number, offer in enumerate(offers, 1)]
    return SA(proposals=(Proposal(number=1, protocol=Protocol.ISAKMP, transforms=tuple(transforms)),))


def choose_ike(
    offered: SA,
    offers: Sequence[IkeOffer],
    method: int,
    lifetime: int = IKE_LIFETIME,
    *,
    preference: Preference = Preference.INITIATOR,
) -> IkeChoice:
    """The responder's choice by its own `offers` and `method`; `lifetime` is the longest that it grants, in seconds.

    Raises Refusal: NO-PROPOSAL-CHOSEN, its hint saying why each transform lost, where none is acceptable;
    DOI-NOT-SUPPORTED, SITUATION-NOT-SUPPORTED, INVALID-PROTOCOL-ID, BAD-PROPOSAL-SYNTAX or ATTRIBUTES-NOT-SUPPORTED
    where the payload itself is wrong.
    """
    proposal = phase_1_proposal(offered)
    refuse_contradictions(proposal.transforms, PHASE_1)
    own = [offer.labels | {"method": AuthMethod(method).label} for offer in offers]
    bids: list[Bid[IkeOffer]] = []
    for transform in proposal.transforms:
        terms = ike_terms(transform)
        labels = dict(terms.labels)
        if terms.method is not None:
            labels["method"] = AuthMethod(terms.method).label
        objections = (*terms.faults, *unlike(labels, own, whole=not terms.faults))
        taken: Taken[IkeOffer] | None = None
        if not objections and terms.offer is not None:
            rank = offers.index(terms.offer)
            taken = Taken(offer=terms.offer, rank=rank, proposal=proposal, transform=transform, lifetime=terms.lifetime)
        bids.append(Bid(where=place(offered, proposal, transform), taken=taken, objections=objections))
    chosen, lost = choose(bids, preference)
    agreed = _agreed(chosen.lifetime.seconds or lifetime, lifetime)
    return IkeChoice(
        offer=chosen.offer,
        method=method,
        transform=chosen.transform,
        answer=SA(proposals=(replace(echo(chosen), spi=b""),)),
        offered_lifetime=chosen.lifetime,
        lifetime=agreed,
        lost=lost,
        remarks=(*oddities(chosen, PHASE_1), *_shorter(chosen.lifetime, agreed)),
    )


def check_answer(sent: SA, answer: SA) -> IkeChoice:
    """What the responder has chosen of the offers that this side `sent`.

    Raises Refusal where the answer is not exactly one of them: BAD-PROPOSAL-SYNTAX where it is not one proposal with
    one transform (RFC 2408 §4.2), NO-PROPOSAL-CHOSEN where a value was changed, added or left out (RFC 2409 §5).
    """
    answered = phase_1_proposal(answer)
    chosen, remarks, lost = recognise(sent, answered, PHASE_1)
    terms = ike_terms(chosen.transform)
    if terms.offer is None or terms.method is None:
        raise _not_our_own(terms.faults)
    return IkeChoice(
        offer=terms.offer,
        method=terms.method,
        transform=answered.transforms[0],
        answer=answer,
        offered_lifetime=terms.lifetime,
        lifetime=terms.lifetime.seconds or IKE_LIFETIME,
        lost=lost,
        remarks=remarks,
    )


# -- Quick Mode --------------------------------------------------------------------------------------------------------


def offer_child(offers: Sequence[ChildOffer], spi: bytes, mode: int, lifetime: int) -> SA:
    """The SA payload of a Quick Mode: a proposal for each run of offers of one protocol. Raises Misuse.

    spi: where this side wants to receive, 4 octets. mode: the Encapsulation Mode. lifetime: in seconds.
    """
    _check_number(offers)
    _check_own_spi(spi)
    runs: list[list[ChildOffer]] = []
    for offer in offers:
        if not runs or runs[-1][0].protocol != offer.protocol:
            runs.append([])
        runs[-1].append(offer)
    proposals = []
    for number, run in enumerate(runs, 1):
        transforms = [child_transform(one, offer, mode, lifetime) for one, offer in enumerate(run, 1)]
        proposals.append(Proposal(number=number, protocol=run[0].protocol, spi=spi, transforms=tuple(transforms)))
    return SA(proposals=tuple(proposals))


def choose_child(
    offered: SA, child: Child, *, mode: int | None = None, preference: Preference = Preference.INITIATOR
) -> ChildChoice:
    """The responder's choice among what the initiator of a Quick Mode offers, by what `child` wants.

    mode: the Encapsulation Mode to demand, where a NAT was found; else the child's own. Raises Refusal as `choose_ike`
    does, INVALID-SPI where that is wrong with every proposal, and INVALID-ID-INFORMATION, as strongSwan does, where
    nothing but tunnel against transport is in the way.
    """
    wanted = child.mode if mode is None else mode
    found = suites(offered)
    for proposal in offered.proposals:
        refuse_contradictions(proposal.transforms, PHASE_2)
    bids: list[Bid[ChildOffer]] = []
    for suite in found:
        excluded = _excluded(suite, child)
        for proposal in suite:
            for transform in proposal.transforms:
                where = place(offered, proposal, transform)
                if excluded is None:
                    bids.append(_bid(where, proposal, transform, child, wanted))
                else:
                    bids.append(Bid(where=where, objections=excluded[:1], notify=excluded[1]))
    chosen, lost = choose(bids, preference)
    agreed = _agreed(chosen.lifetime.seconds or UNSAID_CHILD_LIFETIME, child.lifetime)
    return ChildChoice(
        offer=chosen.offer,
        proposals=(echo(chosen),),
        mode=wanted,
        offered_lifetime=chosen.lifetime,
        lifetime=agreed,
        lost=lost,
        remarks=(*oddities(chosen, PHASE_2), *_shorter(chosen.lifetime, agreed), *_groups(offered)),
    )


def check_child_answer(sent: SA, answer: SA) -> ChildChoice:
    """What the responder of a Quick Mode has chosen of the offers that this side `sent`. Raises Refusal.

    BAD-PROPOSAL-SYNTAX, NO-PROPOSAL-CHOSEN as in `check_answer`; INVALID-SPI where the responder's SPI is none.
    """
    check_vocabulary(answer)
    if len(answer.proposals) != 1:
        refuse_syntax(f"answer: expected one proposal, got {len(answer.proposals)}", "RFC 2408 §4.2")
    answered = answer.proposals[0]
    chosen, remarks, lost = recognise(sent, answered, PHASE_2)
    if (fault := spi_fault(answered)) is not None:
        raise Refusal(notify=Notify.INVALID_SPI, why=f"answer: {fault}", rfc="RFC 2408 §5.5")
    terms = child_terms(answered.protocol, chosen.transform)
    if terms.offer is None or terms.mode is None:
        raise _not_our_own(terms.faults)
    return ChildChoice(
        offer=terms.offer,
        proposals=(answered,),
        mode=terms.mode,
        offered_lifetime=terms.lifetime,
        lifetime=terms.lifetime.seconds or UNSAID_CHILD_LIFETIME,
        lost=lost,
        remarks=remarks,
    )


def _bid(where: str, proposal: Proposal, transform: Transform, child: Child, wanted: int) -> Bid[ChildOffer]:
    terms = child_terms(proposal.protocol, transform)
    own = [offer.labels for offer in child.offers if offer.protocol == proposal.protocol]
    objections = (*terms.faults, *unlike(terms.labels, own, whole=not terms.faults))
    notify = Notify.NO_PROPOSAL_CHOSEN
    if terms.mode is not None and terms.mode != wanted:
        if not objections and {terms.mode, wanted} & TUNNEL_MODES and {terms.mode, wanted} & TRANSPORT_MODES:
            notify = Notify.INVALID_ID_INFORMATION
        label = f"{Encapsulation(terms.mode).label} mode"
        objections = (*objections, f"{label}: this side expects {Encapsulation(wanted).label}")
    taken: Taken[ChildOffer] | None = None
    if not objections and terms.offer is not None:
        rank = child.offers.index(terms.offer)
        taken = Taken(offer=terms.offer, rank=rank, proposal=proposal, transform=transform, lifetime=terms.lifetime)
    return Bid(where=where, taken=taken, objections=objections, notify=notify)


def _excluded(suite: Sequence[Proposal], child: Child) -> tuple[str, int] | None:
    """Why a whole protection suite is out of the question, whatever its transforms; None if it is not."""
    named = " and ".join(Protocol(proposal.protocol).short for proposal in suite)
    if len(suite) > 1:
        return f"{named} together: this side takes one protocol at a time", Notify.NO_PROPOSAL_CHOSEN
    own = dict.fromkeys(offer.protocol for offer in child.offers)
    if suite[0].protocol not in own:
        only = " or ".join(Protocol(protocol).short for protocol in own)
        return f"{named}: this side offers only {only}", Notify.NO_PROPOSAL_CHOSEN
    fault = spi_fault(suite[0])
    return None if fault is None else (fault, Notify.INVALID_SPI)


def _agreed(theirs: int, own: int) -> int:
    """Seconds that this side keeps an SA: the shorter lifetime, but no peer can force less than the least upon it."""
    return max(min(theirs, own), min(LEAST_LIFETIME, own))


def _shorter(offered: Lifetime, agreed: int) -> Iterator[str]:
    if offered.seconds is not None and agreed != offered.seconds:
        yield f"offered a lifetime of {offered.seconds} seconds, this side keeps the SA for {agreed} (RFC 2407 §4.5.4)"


def _groups(offered: SA) -> Iterator[str]:
    transforms = [one for each in offered.proposals if each.protocol != Protocol.IPCOMP for one in each.transforms]
    said = dict.fromkeys(pfs_label(transform.first(IpsecAttribute.GROUP_DESCRIPTION)) for transform in transforms)
    if len(said) > 1:
        yield f"expected the same group in every offer, got {' and '.join(said)} (RFC 2409 §5.5)"


def _check_number(offers: Sequence[object]) -> None:
    if not 1 <= len(offers) <= MOST_OFFERS:
        raise Misuse(f"offers: expected 1 to {MOST_OFFERS}, got {len(offers)} (RFC 2408 §3.5)")


def _check_own_spi(spi: bytes) -> None:
    if len(spi) != CHILD_SPI_SIZE or int.from_bytes(spi) < LEAST_SPI:
        raise Misuse(f"SPI: expected 4 octets, {LEAST_SPI} or more as a number, got {spi.hex()} (RFC 4303 §2.1)")


def _not_our_own(faults: Sequence[str]) -> Misuse:
    return Misuse(f"sent: expected offers that this side could make, got {'; '.join(faults) or 'unknown algorithms'}")
