"""What both phases share when they bargain: an SA payload is looked over, bids are weighed, an answer is recognised.

A bid is one transform of an offer with all that speaks against it. The first bid without an objection is taken; each of
the others gets a sentence, so that whoever was refused can learn why.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise
from typing import Generic, NoReturn, TypeVar

from ikelab.errors import Refusal
from ikelab.ike.attributes import PHASE_2, Lifetime, Phase, contradictions, differences, is_same_offer, misspelt
from ikelab.wire.numbers import Doi, Notify, Protocol, Situation
from ikelab.wire.proposals import SA, Proposal, Transform

LARGEST_IKE_SPI, CHILD_SPI_SIZE, LEAST_SPI = 16, 4, 256
"""Octets of an SPI in phase 1 at most (RFC 2408 §3.5) and in phase 2; the least SPI not reserved (RFC 4303 §2.1)."""

CPI_SIZE, NEGOTIATED_CPIS = 2, range(256, 61440)
"""Octets of a CPI of IPComp, and those that two peers may negotiate (RFC 3173 §3.3)."""

Offer = TypeVar("Offer")


class Preference(Enum):
    """Whose order decides where a responder could accept several transforms."""

    INITIATOR = "the initiator's"
    OWN = "the responder's own"


@dataclass(frozen=True, kw_only=True)
class Taken(Generic[Offer]):
    """What would be agreed on if a bid is taken. rank: where the offer stands in this side's own order, from 0.

    picked: each proposal of the protection suite, and the one transform of it.
    """

    offer: Offer
    rank: int
    picked: tuple[tuple[Proposal, Transform], ...]
    lifetime: Lifetime


@dataclass(frozen=True, kw_only=True)
class Bid(Generic[Offer]):
    """One transform that a peer offers. where: what to call it. taken: None if anything speaks against it.

    notify: the Notify Message Type that these objections alone would be answered with.
    """

    where: str
    taken: Taken[Offer] | None = None
    objections: tuple[str, ...] = ()
    notify: int = Notify.NO_PROPOSAL_CHOSEN


# -- looking over an SA payload ----------------------------------------------------------------------------------------


def phase_1_proposal(sa: SA) -> Proposal:
    """The one proposal of a phase 1 SA payload. Raises Refusal where the payload is not put together as it must be."""
    check_vocabulary(sa)
    if len(sa.proposals) != 1:
        refuse_syntax(f"phase 1: expected one proposal, got {len(sa.proposals)}", "RFC 2409 §5")
    proposal = sa.proposals[0]
    if proposal.protocol != Protocol.ISAKMP:
        raise Refusal(
            notify=Notify.INVALID_PROTOCOL_ID,
            why=f"phase 1: expected a proposal for ISAKMP (1), got {_protocol(proposal)} ({proposal.protocol})",
            rfc="RFC 2408 §5.5",
        )
    if len(proposal.spi) > LARGEST_IKE_SPI:
        refuse_syntax(
            f"phase 1: expected an SPI of at most {LARGEST_IKE_SPI} octets, got {len(proposal.spi)}", "RFC 2408 §3.5"
        )
    _check_transforms(sa.proposals)
    return proposal


def suites(sa: SA) -> tuple[tuple[Proposal, ...], ...]:
    """The protection suites of a Quick Mode SA payload: proposals of equal number belong together. Raises Refusal."""
    check_vocabulary(sa)
    if not sa.proposals:
        refuse_syntax("expected at least one proposal, got none", "RFC 2408 §4.2")
    _check_transforms(sa.proposals)
    found: list[list[Proposal]] = []
    for proposal in sa.proposals:
        if found and found[-1][0].number == proposal.number:
            found[-1].append(proposal)
        elif any(suite[0].number == proposal.number for suite in found):
            refuse_syntax(
                f"expected the proposals of number {proposal.number} side by side, got another one between them",
                "RFC 2408 §4.2",
            )
        else:
            found.append([proposal])
    return tuple(tuple(suite) for suite in found)


def check_vocabulary(sa: SA) -> None:
    """Raise Refusal unless the payload speaks of IPsec and of nothing but identities."""
    if sa.doi != Doi.IPSEC:
        raise Refusal(
            notify=Notify.DOI_NOT_SUPPORTED,
            why=f"domain of interpretation: expected IPSEC (1), got {Doi(sa.doi).label} ({sa.doi})",
            rfc="RFC 2408 §5.4",
        )
    if sa.situation != Situation.IDENTITY_ONLY:
        raise Refusal(
            notify=Notify.SITUATION_NOT_SUPPORTED,
            why=f"situation: expected SIT_IDENTITY_ONLY (1), got {Situation(sa.situation).label} ({sa.situation})",
            rfc="RFC 2407 §4.2",
        )


def refuse_contradictions(transforms: Sequence[Transform], phase: Phase) -> None:
    """Raise Refusal where a transform says one thing twice: it ends the negotiation, whatever else is offered."""
    for transform in transforms:
        if found := contradictions(transform, phase):
            raise Refusal(
                notify=Notify.ATTRIBUTES_NOT_SUPPORTED,
                why=f"transform {transform.number}: expected each attribute once, got {', '.join(found)}",
                rfc="RFC 2407 §4.5.2" if phase is PHASE_2 else "RFC 2408 §5.6",
            )


def cpi_of(proposal: Proposal) -> bytes:
    """The CPI of a proposal for IPComp: two octets, or the last two of four (RFC 3173 §4.1)."""
    return proposal.spi[-2:]


def cpi_fault(proposal: Proposal) -> str | None:
    """What is wrong with the CPI of a proposal for IPComp, or None (RFC 3173 §3.3, §4.1)."""
    if len(proposal.spi) not in (2, 4):
        return f"CPI: expected 2 octets, or 4 with the CPI in the last two, got {len(proposal.spi)} (RFC 3173 §4.1)"
    number = int.from_bytes(cpi_of(proposal))
    if number in range(64):
        if [transform.id for transform in proposal.transforms] != [number]:
            return f"CPI {number}: expected it with that one transform alone, as it is a well-known one (RFC 3173 §4.1)"
    elif number < LEAST_SPI:
        return f"CPI {number}: expected {LEAST_SPI} or more, or a well-known one, as it is reserved (RFC 3173 §3.3)"
    return None


def spi_fault(proposal: Proposal) -> str | None:
    """What is wrong with the SPI of a proposal for ESP or AH, or with the CPI of one for IPComp; None if nothing is."""
    if proposal.protocol == Protocol.IPCOMP:
        return cpi_fault(proposal)
    if len(proposal.spi) != CHILD_SPI_SIZE:
        return f"SPI: expected {CHILD_SPI_SIZE} octets, got {len(proposal.spi)}"
    if int.from_bytes(proposal.spi) < LEAST_SPI:
        return (
            f"SPI: expected {LEAST_SPI} or more, got {int.from_bytes(proposal.spi)}, which is reserved (RFC 4303 §2.1)"
        )
    return None


def refuse_syntax(why: str, rfc: str) -> NoReturn:
    """Raise the Refusal for a payload that is not put together as it must be."""
    raise Refusal(notify=Notify.BAD_PROPOSAL_SYNTAX, why=why, rfc=rfc)


def _check_transforms(proposals: Sequence[Proposal]) -> None:
    for proposal in proposals:
        if not proposal.transforms:
            refuse_syntax(f"proposal {proposal.number}: expected at least one transform, got none", "RFC 2408 §4.2")


def _protocol(proposal: Proposal) -> str:
    return Protocol(proposal.protocol).short


# -- weighing bids -----------------------------------------------------------------------------------------------------


def unlike(theirs: Mapping[str, str], own: Sequence[Mapping[str, str]], *, whole: bool) -> tuple[str, ...]:
    """What speaks against labels that are not among one's own: a phrase for each property, or for their combination.

    whole: whether `theirs` has every property, so that a combination can be judged.
    """
    found = []
    for name, label in theirs.items():
        known = dict.fromkeys(each[name] for each in own if name in each)
        if known and label not in known:
            found.append(f"{label}: this side offers only {' or '.join(known)}")
    if not found and whole and theirs not in own:
        others = " or ".join(" with ".join(each.values()) for each in own) or "nothing"
        found.append(f"{' with '.join(theirs.values())}: this side offers only {others}")
    return tuple(found)


def choose(bids: Sequence[Bid[Offer]], preference: Preference) -> tuple[Taken[Offer], tuple[str, ...]]:
    """What is taken, and why each other bid is not. Raises Refusal where every one has something against it."""
    acceptable = [(bid, bid.taken) for bid in bids if bid.taken is not None]
    if not acceptable:
        raise _nothing_acceptable(bids)
    by_rank = preference is Preference.OWN
    winner, taken = min(acceptable, key=lambda each: each[1].rank) if by_rank else acceptable[0]
    why_not = f"acceptable too, but {winner.where} comes first in {preference.value} order"
    return taken, tuple(_lost(bid, why_not) for bid in bids if bid is not winner)


def _lost(bid: Bid[Offer], otherwise: str) -> str:
    return f"{bid.where}: {', '.join(bid.objections) or otherwise}"


def _nothing_acceptable(bids: Sequence[Bid[Offer]]) -> Refusal:
    notifies = {bid.notify for bid in bids}
    notify = Notify.INVALID_ID_INFORMATION if Notify.INVALID_ID_INFORMATION in notifies else Notify.NO_PROPOSAL_CHOSEN
    if len(notifies) == 1:
        notify = Notify(next(iter(notifies)))
    return Refusal(
        notify=notify,
        why="the offer is not acceptable" if len(bids) == 1 else f"none of the {len(bids)} offers is acceptable",
        rfc="RFC 2409 §5.5" if notify == Notify.INVALID_ID_INFORMATION else "RFC 2408 §5.4",
        hint="; ".join(_lost(bid, "") for bid in bids),
    )


# -- recognising an answer ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One transform that this side has offered. where: what to call it."""

    where: str
    proposal: Proposal
    transform: Transform

    @property
    def numbers(self) -> tuple[int, int]:
        """Proposal # and Transform #."""
        return self.proposal.number, self.transform.number


def sent_transforms(sa: SA) -> tuple[Sent, ...]:
    """Every transform that this side has offered, in order."""
    return tuple(
        Sent(where=place(sa, proposal, transform), proposal=proposal, transform=transform)
        for proposal in sa.proposals
        for transform in proposal.transforms
    )


def recognise(
    offers: Sequence[Sent], answered: Proposal, phase: Phase
) -> tuple[Sent, tuple[str, ...], tuple[str, ...]]:
    """Which of the offers an answer takes, what is odd about it, and that the others were not chosen.

    Raises Refusal where the answer has not one transform, or is none of the offers: a responder must not change any
    (RFC 2409 §5), and the initiator must verify that it has not (RFC 2408 §4.2).
    """
    if len(answered.transforms) != 1:
        refuse_syntax(f"answer: expected one transform, got {len(answered.transforms)}", "RFC 2408 §4.2")
    transform = answered.transforms[0]
    numbers = answered.number, transform.number
    rivals = [each for each in offers if each.proposal.protocol == answered.protocol]
    same = [each for each in rivals if is_same_offer(each.transform, transform, phase)]
    if not same:
        raise _never_offered(rivals, answered, phase)
    chosen = next((each for each in same if each.numbers == numbers), same[0])
    remarks = list(misspelt(transform, phase))
    if chosen.numbers != numbers:
        remarks.append(
            "offered as proposal {}, transform {}, and answered as proposal {}, transform {} "
            "(RFC 2408 §4.2: should be retained)".format(*chosen.numbers, *numbers)
        )
    return chosen, tuple(remarks), _not_chosen(offers, (chosen,), chosen.where)


def recognise_suite(
    sent: SA, answered: Sequence[Proposal], phase: Phase
) -> tuple[tuple[Sent, ...], tuple[str, ...], tuple[str, ...]]:
    """The same of an answer for one protocol or several: all of it must belong to one offer (RFC 2408 §4.2)."""
    protocols = [each.protocol for each in answered]
    if len(set(protocols)) < len(protocols):
        refuse_syntax(f"answer: expected one proposal for each protocol, got {named(protocols)}", "RFC 2408 §4.2")
    offers = sent_transforms(sent)
    units = [unit for unit in suites(sent) if sorted(each.protocol for each in unit) == sorted(protocols)]
    if len(answered) == 1:
        alone = [each for each in offers if any(each.proposal is unit[0] for unit in units)]
        chosen, remarks, _ = recognise(alone, answered[0], phase)
        return (chosen,), remarks, _not_chosen(offers, (chosen,), chosen.where)
    refused = _unknown(named(protocols) + " together")
    for unit in sorted(units, key=lambda unit: unit[0].number != answered[0].number):
        own = [each for each in offers if any(each.proposal is proposal for proposal in unit)]
        try:
            found = [recognise(own, each, phase) for each in answered]
        except Refusal as refusal:
            refused = refusal
            continue
        together = tuple(each for each, _, _ in found)
        where = place_together([(each.proposal, each.transform) for each in together])
        odd = tuple(dict.fromkeys(remark for _, remarks, _ in found for remark in remarks))
        return together, odd, _not_chosen(offers, together, where)
    raise refused


def _not_chosen(offers: Sequence[Sent], chosen: Sequence[Sent], where: str) -> tuple[str, ...]:
    return tuple(
        f"{each.where}: the responder chose {where}" for each in offers if not any(each is one for one in chosen)
    )


def _never_offered(rivals: Sequence[Sent], answered: Proposal, phase: Phase) -> Refusal:
    transform = answered.transforms[0]
    changes = [(each, differences(each.transform, transform, phase)) for each in rivals]
    hint = ""
    if changes:
        closest, changed = min(changes, key=lambda each: (len(each[1]), each[0].transform.number != transform.number))
        hint = f"closest to {closest.where}, but {', '.join(changed)}"
    return _unknown(_protocol(answered), hint)


def _unknown(what: str, hint: str = "") -> Refusal:
    return Refusal(
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="answer: expected one of the offers unchanged, got something that was not offered",
        rfc="RFC 2409 §5",
        hint=hint or f"nothing was offered for {what}",
    )


# -- words about what was offered --------------------------------------------------------------------------------------


def place(sa: SA, proposal: Proposal, transform: Transform) -> str:
    """What to call a transform in a sentence: its numbers as on the wire, the proposal's where there are several."""
    if len(sa.proposals) == 1:
        return f"transform {transform.number}"
    bundled = sum(each.number == proposal.number for each in sa.proposals) > 1
    protocol = f" ({_protocol(proposal)})" if bundled else ""
    return f"proposal {proposal.number}{protocol}, transform {transform.number}"


def named(protocols: Iterable[int]) -> str:
    """Protocols of one protection suite in a sentence: "ESP and IPCOMP"."""
    return " and ".join(Protocol(protocol).short for protocol in protocols)


def place_together(picked: Sequence[tuple[Proposal, Transform]]) -> str:
    """What to call transforms of one protection suite that belong together."""
    each = " with ".join(f"transform {transform.number} ({_protocol(proposal)})" for proposal, transform in picked)
    return f"proposal {picked[0][0].number}, {each}"


def echo(taken: Taken[Offer]) -> tuple[Proposal, ...]:
    """The proposals that accept: numbers and attributes as they came, one transform each, RESERVED cleared."""
    return tuple(
        replace(proposal, reserved=0, transforms=(replace(transform, reserved=0, reserved2=0),))
        for proposal, transform in taken.picked
    )


def oddities(taken: Taken[Offer], phase: Phase) -> Iterator[str]:
    """What is odd about the transforms that were taken, and about those beside them."""
    for proposal, transform in taken.picked:
        yield from misspelt(transform, phase)
        numbers = [each.number for each in proposal.transforms]
        if any(later <= earlier for earlier, later in pairwise(numbers)):
            listed = ", ".join(map(str, numbers))
            yield f"expected transform numbers that increase, got {listed} (RFC 2408 §4.2)"
