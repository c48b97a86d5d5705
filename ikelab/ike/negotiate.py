"""How two peers come to terms: one offers, the other chooses and echoes, the first checks; and why the others lost.

Phase 1 and Quick Mode bargain alike. The initiator lists transforms in the order of its preference, and the responder
takes the first that it accepts (RFC 2408 §4.2), changing nothing in it (RFC 2409 §5). As no hash covers that answer in
phase 1, the initiator compares it with what it had offered, value by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product

from ikelab.errors import Misuse, Refusal
from ikelab.ike.attributes import PHASE_1, PHASE_2, Lifetime
from ikelab.ike.bargain import (
    Bid,
    Preference,
    Taken,
    check_vocabulary,
    choose,
    echo,
    named,
    oddities,
    phase_1_proposal,
    place,
    place_together,
    recognise,
    recognise_suite,
    refuse_contradictions,
    sent_transforms,
    spi_fault,
    suites,
    unlike,
)
from ikelab.ike.choices import NOTHING_BESIDE, ChildChoice, IkeChoice, checked_beside, checked_spi
from ikelab.ike.config import IKE_LIFETIME, LEAST_LIFETIME, TRANSPORT_MODES, TUNNEL_MODES, Child
from ikelab.ike.offers import ChildOffer, IkeOffer, pfs_label
from ikelab.ike.transforms import child_transform, ike_terms, ike_transform, ipcomp_transform, suite_terms
from ikelab.ike.words import MOST_OFFERS
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
            taken = Taken(offer=terms.offer, rank=rank, picked=((proposal, transform),), lifetime=terms.lifetime)
        bids.append(Bid(where=place(offered, proposal, transform), taken=taken, objections=objections))
    chosen, lost = choose(bids, preference)
    agreed = agreed_seconds(chosen.lifetime.seconds or lifetime, lifetime)
    return IkeChoice(
        offer=chosen.offer,
        method=method,
        transform=chosen.picked[0][1],
        answer=SA(proposals=tuple(replace(each, spi=b"") for each in echo(chosen))),
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
    chosen, remarks, lost = recognise(sent_transforms(sent), answered, PHASE_1)
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


def offer_child(
    offers: Sequence[ChildOffer],
    spi: bytes,
    mode: int,
    lifetime: int,
    *,
    kilobytes: int | None = None,
    beside: Mapping[int, bytes] = NOTHING_BESIDE,
) -> SA:
    """The SA payload of a Quick Mode: a protection suite for each run of offers alike but for algorithms. Else Misuse.

    spi: where this side wants to receive, 4 octets. mode: the Encapsulation Mode. lifetime: in seconds; kilobytes: of
    traffic. beside: where several protocols are offered together, the SPI of the AH beside ESP and IPComp's CPI of 2
    octets, by protocol. Proposals of one suite have one number (RFC 2408 §4.2).
    """
    _check_number(offers)
    spis = {**checked_beside(beside), Protocol.ESP: checked_spi(spi)}
    runs: list[list[ChildOffer]] = []
    for offer in offers:
        if not runs or _companions(runs[-1][0]) != _companions(offer):
            runs.append([])
        runs[-1].append(offer)
    proposals = []
    for number, run in enumerate(runs, 1):
        first = run[0]
        transforms = tuple(child_transform(n, offer, mode, lifetime, kilobytes) for n, offer in enumerate(run, 1))
        proposals.append(Proposal(number=number, protocol=first.protocol, spi=spi, transforms=transforms))
        if first.beside is not None:
            guard = child_transform(1, first.beside, mode, lifetime, kilobytes)
            proposals.append(Proposal(number=number, protocol=Protocol.AH, spi=spis[Protocol.AH], transforms=(guard,)))
        if first.compression is not None:
            smaller = ipcomp_transform(1, first.compression, mode, lifetime, kilobytes)
            cpi = spis[Protocol.IPCOMP]
            proposals.append(Proposal(number=number, protocol=Protocol.IPCOMP, spi=cpi, transforms=(smaller,)))
    return SA(proposals=tuple(proposals))


def _companions(offer: ChildOffer) -> tuple[int, ChildOffer | None, int | None]:
    """What offers must have in common to be transforms of one proposal."""
    return offer.protocol, offer.beside, offer.compression


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
        if (excluded := _excluded(suite, child)) is None:
            bids += (_bid(offered, picked, child, wanted) for picked in _combinations(suite))
            continue
        for proposal in suite:
            for transform in proposal.transforms:
                where = place(offered, proposal, transform)
                bids.append(Bid(where=where, objections=excluded[:1], notify=excluded[1]))
    chosen, lost = choose(bids, preference)
    agreed = agreed_seconds(chosen.lifetime.seconds or UNSAID_CHILD_LIFETIME, child.lifetime)
    return ChildChoice(
        offer=chosen.offer,
        proposals=echo(chosen),
        mode=wanted,
        offered_lifetime=chosen.lifetime,
        lifetime=agreed,
        kilobytes=min((each for each in (chosen.lifetime.kilobytes, child.kilobytes) if each), default=None),
        lost=lost,
        remarks=(*oddities(chosen, PHASE_2), *_shorter(chosen.lifetime, agreed), *_groups(offered)),
    )


def check_child_answer(sent: SA, answer: SA) -> ChildChoice:
    """What the responder of a Quick Mode has chosen of the offers that this side `sent`. Raises Refusal.

    BAD-PROPOSAL-SYNTAX, NO-PROPOSAL-CHOSEN as in `check_answer`; INVALID-SPI where the responder's SPI is none. Of
    several protection suites, as strongSwan answers with IPComp, the first is taken, and all must have been offered.
    """
    check_vocabulary(answer)
    answered = suites(answer)
    (chosen, remarks, lost), *others = [recognise_suite(sent, suite, PHASE_2) for suite in answered]
    for proposal in answer.proposals:
        if (fault := spi_fault(proposal)) is not None:
            raise Refusal(notify=Notify.INVALID_SPI, why=f"answer: {fault}", rfc="RFC 2408 §5.5")
    if others:
        remarks = (*remarks, f"expected one of the offers, got {len(answered)}: the first counts (RFC 2408 §4.2)")
    terms = suite_terms([(each.proposal, each.transform) for each in chosen])
    if terms.offer is None or terms.mode is None:
        raise _not_our_own(terms.faults)
    return ChildChoice(
        offer=terms.offer,
        proposals=answered[0],
        mode=terms.mode,
        offered_lifetime=terms.lifetime,
        lifetime=terms.lifetime.seconds or UNSAID_CHILD_LIFETIME,
        kilobytes=terms.lifetime.kilobytes,
        lost=lost,
        remarks=remarks,
    )


Picked = tuple[tuple[Proposal, Transform], ...]
"""Each proposal of a protection suite, with one transform of it."""


def _combinations(suite: Sequence[Proposal]) -> Iterator[Picked]:
    """Every way to pick one transform of each proposal; of more than a payload's worth the first ones."""
    every = product(*(proposal.transforms for proposal in suite))
    return (tuple(zip(suite, each, strict=True)) for each in islice(every, MOST_OFFERS))


def _bid(offered: SA, picked: Picked, child: Child, wanted: int) -> Bid[ChildOffer]:
    terms = suite_terms(picked)
    protocols = {proposal.protocol for proposal, _ in picked}
    own = [offer.labels for offer in child.offers if set(offer.protocols) == protocols]
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
        taken = Taken(offer=terms.offer, rank=rank, picked=picked, lifetime=terms.lifetime)
    where = place(offered, *picked[0]) if len(picked) == 1 else place_together(picked)
    return Bid(where=where, taken=taken, objections=objections, notify=notify)


def _excluded(suite: Sequence[Proposal], child: Child) -> tuple[str, int] | None:
    """Why a whole protection suite is out of the question, whatever its transforms; None if it is not."""
    protocols = [proposal.protocol for proposal in suite]
    if sorted(protocols) not in [sorted(offer.protocols) for offer in child.offers]:
        only = " or ".join(dict.fromkeys(named(offer.protocols) for offer in child.offers))
        together = " together" if len(suite) > 1 else ""
        return f"{named(protocols)}{together}: this side offers only {only}", Notify.NO_PROPOSAL_CHOSEN
    fault = next((fault for proposal in suite if (fault := spi_fault(proposal)) is not None), None)
    return None if fault is None else (fault, Notify.INVALID_SPI)


def agreed_seconds(theirs: int, own: int) -> int:
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


def _not_our_own(faults: Sequence[str]) -> Misuse:
    return Misuse(f"sent: expected offers that this side could make, got {'; '.join(faults) or 'unknown algorithms'}")
