"""What both phases share when they bargain: an SA payload is looked over, bids are weighed, an answer is recognised.

A bid is one transform of an offer with all that speaks against it. The first bid without an objection is taken; each of
the others gets a sentence, so that whoever was refused can learn why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

Offer = TypeVar("Offer")


class Preference(Enum):
    """Whose order decides where a responder could accept several transforms."""

    INITIATOR = "the initiator's"
    OWN = "the responder's own"


@dataclass(frozen=True, kw_only=True)
class Taken(Generic[Offer]):
    """What would be agreed on if a bid is taken. rank: where the offer stands in this side's own order, from 0."""

    offer: Offer
    rank: int
    proposal: Proposal
    transform: Transform
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


def spi_fault(proposal: Proposal) -> str | None:
    """What is wrong with the SPI of a proposal for ESP or AH, or None."""
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


def recognise(sent: SA, answered: Proposal, phase: Phase) -> tuple[Sent, tuple[str, ...], tuple[str, ...]]:
    """Which of the offers an answer takes, what is odd about it, and that the others were not chosen.

    Raises Refusal where the answer has not one transform, or is none of the offers: a responder must not change any
    (RFC 2409 §5), and the initiator must verify that it has not (RFC 2408 §4.2).
    """
    if len(answered.transforms) != 1:
        refuse_syntax(f"answer: expected one transform, got {len(answered.transforms)}", "RFC 2408 §4.2")
    transform = answered.transforms[0]
    numbers = answered.number, transform.number
    offers = sent_transforms(sent)
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
    lost = tuple(f"{each.where}: the responder chose {chosen.where}" for each in offers if each is not chosen)
    return chosen, tuple(remarks), lost


def _never_offered(rivals: Sequence[Sent], answered: Proposal, phase: Phase) -> Refusal:
    hint = f"nothing was offered for {_protocol(answered)}"
    transform = answered.transforms[0]
    changes = [(each, differences(each.transform, transform, phase)) for each in rivals]
    if changes:
        closest, changed = min(changes, key=lambda each: (len(each[1]), each[0].transform.number != transform.number))
        hint = f"closest to {closest.where}, but {', '.join(changed)}"
    return Refusal(
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="answer: expected one of the offers unchanged, got something that was not offered",
        rfc="RFC 2409 §5",
        hint=hint,
    )


# -- words about what was offered --------------------------------------------------------------------------------------


def place(sa: SA, proposal: Proposal, transform: Transform) -> str:
    """What to call a transform in a sentence: its numbers as on the wire, the proposal's where there are several."""
    if len(sa.proposals) == 1:
        return f"transform {transform.number}"
    bundled = sum(each.number == proposal.number for each in sa.proposals) > 1
    protocol = f" ({_protocol(proposal)})" if bundled else ""
    return f"proposal {proposal.number}{protocol}, transform {transform.number}"


def echo(taken: Taken[Offer]) -> Proposal:
    """The proposal that accepts: numbers and attributes as they came, one transform, RESERVED cleared."""
    transform = replace(taken.transform, reserved=0, reserved2=0)
    return replace(taken.proposal, reserved=0, transforms=(transform,))


def oddities(taken: Taken[Offer], phase: Phase) -> Iterator[str]:
    """What is odd about a transform that was taken, and about those beside it."""
    yield from misspelt(taken.transform, phase)
    numbers = [transform.number for transform in taken.proposal.transforms]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        listed = ", ".join(map(str, numbers))
        yield f"expected transform numbers that increase, got {listed} (RFC 2408 §4.2)"
