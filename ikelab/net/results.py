"""What a run came to: established or refused, and then by whom, at which message and why; with every secret.

A run may have been seen from both sides (two peers in memory) or from one (a peer on the network): the object is the
same, and what only the other side knows is missing.

    run = Run(link.moments, link.wire)
    result_object(run)        what `run --json` and `connect --json` print
    run.refused               the first thing that went wrong, or None
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ikelab.errors import Refusal
from ikelab.ike.config import ENCAPSULATIONS
from ikelab.ike.conversation import INITIATOR, OTHER, RESPONDER
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.ike.rules import COMPLAINT, DELETED, GIVE_UP, REFUSE, REMIND, TOLD
from ikelab.ike.sa import Exchange, IkeSa, IpsecSa
from ikelab.ike.step import Outcome
from ikelab.net.tape import cookie_of
from ikelab.timeline.live import Carried, Fate, Moment, secrets_of
from ikelab.wire.numbers import Protocol

CHILD_UP, FAILED = "child up", "failed"
"""The events of a peer that decide what a run came to."""

PROTOCOLS = {Protocol.ESP: "ESP", Protocol.AH: "AH"}


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Why a run came to nothing. at: number of the message that was not accepted; by: the role that did not accept it.

    refusal: the reason as the refusing side explains it where it was listened to, else as it told the other.
    """

    at: int | None
    by: str
    refusal: Refusal


@dataclass(frozen=True)
class Run:
    """A run between two peers. moments, wire: all that was thought and said, as a `Tape` holds them."""

    moments: Sequence[Moment]
    wire: Sequence[Carried]

    def about(self, cookie_i: bytes) -> Run:
        """What concerns one ISAKMP SA alone."""
        return Run(
            [moment for moment in self.moments if cookie_of(moment) == cookie_i],
            [carried for carried in self.wire if carried.octets[:8] == cookie_i],
        )

    @cached_property
    def sas(self) -> tuple[IkeSa, ...]:
        """Every ISAKMP SA of every side as it was last thought of, the initiators' first."""
        last: dict[tuple[str, bytes], IkeSa] = {}
        for moment in self.moments:
            sa = moment.outcome.after or moment.outcome.before
            if sa is not None:
                last[sa.role, sa.cookie_i] = sa
        return tuple(sorted(last.values(), key=lambda sa: sa.role != INITIATOR))

    @cached_property
    def children(self) -> tuple[IpsecSa, ...]:
        """Every SA for packets that was made, also those deleted since; of each pair the initiator's first."""
        made = [child for moment in self.moments if moment.outcome.after for child in moment.outcome.after.children]
        pairs = list(dict.fromkeys(_pair(child) for child in made))
        each_once = {(child.protocol, child.spi): child for child in made}.values()
        return tuple(sorted(each_once, key=lambda child: (pairs.index(_pair(child)), child.sender != INITIATOR)))

    @cached_property
    def established(self) -> bool:
        """Whether every side that was watched got what it wanted: the ISAKMP SA, and its children."""
        return bool(self.sas) and all(self._succeeded(sa) for sa in self.sas)

    def _succeeded(self, sa: IkeSa) -> bool:
        """An initiator wants all of its children; a responder has done its part when one of them is up."""
        mine = [moment.outcome for moment in self.moments if moment.outcome.after and _same(moment.outcome.after, sa)]
        wanted = {child.name for child in sa.connection.children} if sa.connection else set()
        up = {event.detail["child"] for outcome in mine for event in outcome.events if event.name == CHILD_UP}
        done = wanted <= up if sa.role == INITIATOR else bool(up) or not wanted
        return done and any(outcome.after is not None and outcome.after.established for outcome in mine)

    @cached_property
    def refused(self) -> Refused | None:
        """The first thing that made it fail; None where nothing did."""
        if self.established:
            return None
        own = next(self._refusals(), None)
        told = next(self._complaints(), None)
        silent = next(self._silences(), None)
        left = next(self._farewells(), None)
        return own or told or silent or left or next(self._unfinished(), None)

    @cached_property
    def followed(self) -> tuple[Followed, ...]:
        """What a listener who knows the secrets makes of every datagram in turn."""
        listener = Listener(beliefs=secrets_of(self.sas))
        return tuple(
            listener.hear(
                Heard(
                    frame=number,
                    source=carried.source,
                    destination=carried.destination,
                    octets=carried.octets,
                    time=carried.time,
                )
            )
            for number, carried in enumerate(self.wire, 1)
        )

    # -- what went wrong

    def _refusals(self) -> Iterator[Refused]:
        """What a side that was watched did not accept, and said so or would have: its own words are the best."""
        for moment in self.moments:
            outcome = moment.outcome
            if outcome.fired is REFUSE and outcome.refused is not None and outcome.refused.notify is not None:
                yield Refused(at=self._place(moment.heard), by=_role(outcome), refusal=outcome.refused)

    def _complaints(self) -> Iterator[Refused]:
        """What the other side says that it did not accept."""
        for moment in self.moments:
            outcome = moment.outcome
            meant = _meant(outcome)
            if outcome.complaint is not None and meant is not None:
                yield Refused(at=self._said(meant.said), by=OTHER[_role(outcome)], refusal=outcome.complaint)

    def _silences(self) -> Iterator[Refused]:
        """What was never answered; where the other side was watched and refused it without a word, its reason."""
        for moment in self.moments:
            outcome = moment.outcome
            exchange = _meant(outcome) if outcome.fired is GIVE_UP else None
            if exchange is not None:
                for each in self.moments:
                    reason = each.outcome.refused
                    if each.outcome.fired is REFUSE and reason is not None and exchange.said == self._sent(each.heard):
                        yield Refused(at=self._place(each.heard), by=_role(each.outcome), refusal=reason)
                if outcome.refused is not None:
                    yield Refused(at=self._said(exchange.said), by=_role(outcome), refusal=outcome.refused)

    def _farewells(self) -> Iterator[Refused]:
        """The other side left before all was done."""
        for moment in self.moments:
            if moment.outcome.fired is DELETED and moment.outcome.after is not None:
                why = f"{moment.outcome.after.gone} before this side had what it wanted"
                refusal = Refusal(why=why, rfc="RFC 2408 §5.15")
                yield Refused(at=self._place(moment.heard), by=OTHER[_role(moment.outcome)], refusal=refusal)

    def _unfinished(self) -> Iterator[Refused]:
        """A responder was left alone with half of an SA: what it last heard out of turn, or that there was no more."""
        for moment in reversed(self.moments):
            if moment.outcome.fired is REMIND and moment.outcome.refused is not None:
                yield Refused(at=self._place(moment.heard), by=_role(moment.outcome), refusal=moment.outcome.refused)
        for sa in self.sas:
            if sa.role == RESPONDER and not sa.established:
                why = f"expected the end of {sa.main.script.name} (this side is in {sa.main.state}), got nothing more"
                refusal = Refusal(why=why, rfc="RFC 2408 §5.1")
                yield Refused(at=len(self.wire) or None, by=RESPONDER, refusal=refusal)

    def _place(self, number: int | None) -> int | None:
        """The place in this run, from 1, of the datagram of that number."""
        return next((place for place, carried in enumerate(self.wire, 1) if carried.number == number), None)

    def _sent(self, number: int | None) -> bytes | None:
        """The datagram of that number as it was sent, whatever became of it on the way."""
        return next((carried.sent for carried in self.wire if carried.number == number), None)

    def _said(self, octets: bytes) -> int | None:
        """The place in this run, from 1, where these octets were first said."""
        return next((place for place, carried in enumerate(self.wire, 1) if carried.sent == octets), None)


def _pair(child: IpsecSa) -> tuple[int, int, int]:
    """What the two SAs of one pair, and no others, have in common."""
    return child.message_id, child.pair, child.protocol


def _same(one: IkeSa, other: IkeSa) -> bool:
    return (one.role, one.cookie_i) == (other.role, other.cookie_i)


def _role(outcome: Outcome) -> str:
    """The role of the peer whose thought it was; who forgot a conversation at once was the responder of it."""
    sa = outcome.after or outcome.before
    return sa.role if sa is not None else RESPONDER


def _meant(outcome: Outcome) -> Exchange | None:
    """The exchange that ended without fruit with this thought, or that the other side complained of."""
    if outcome.before is None:
        return None
    if outcome.fired is COMPLAINT:
        return outcome.before.main
    if outcome.fired is TOLD and outcome.ended:
        return outcome.before.exchange(outcome.ended[0])
    return outcome.before.exchange(outcome.message_id) if outcome.fired is GIVE_UP else None


# -- the object of `--json` --------------------------------------------------------------------------------------------


def result_object(run: Run) -> dict[str, Any]:
    """What a run came to, in the shape that programs rely on: see the documentation of `ikelab run --json`.

    Octets are lower-case hex. `secrets` are the initiator's where it was watched; where the responder's differ (two
    pre-shared keys) they stand under `secrets_of_responder`.
    """
    secrets: dict[str, dict[str, str]] = {sa.role: secrets_known_to(sa) for sa in run.sas}
    first = secrets.get(INITIATOR) or secrets.get(RESPONDER) or {}
    second = secrets.get(RESPONDER, {})
    differ = any(name in first and first[name] != value for name, value in second.items())
    refused = run.refused
    return {
        "established": run.established,
        "messages": [_message(n, *each) for n, each in enumerate(zip(run.followed, run.wire, strict=True), 1)],
        "secrets": {**second, **first},
        **({"secrets_of_responder": second} if differ else {}),
        "sas": [_ipsec_sa(child) for child in run.children],
        "refused": None if refused is None else _refusal(refused),
    }


def _message(number: int, followed: Followed, carried: Carried) -> dict[str, Any]:
    header = followed.message.header
    opened = followed.opened is not None or not followed.message.encrypted
    return {
        "n": number,
        "from": followed.sender,
        "exchange": header.exchange if header else None,
        "message_id": f"{header.message_id:08x}" if header else None,
        "encrypted": followed.message.encrypted,
        "payloads": [payload.type for payload in followed.inside.payloads] if opened else [],
        "octets": carried.octets.hex(),
        "time": round(carried.time, 6),
        "retransmission_of": followed.retransmission_of,
        **({"fate": carried.fate.value} if carried.fate is not Fate.DELIVERED else {}),
    }


def secrets_known_to(sa: IkeSa) -> dict[str, str]:
    """The secrets of phase 1 that one side has, in hex, by the RFC's names."""
    shared = {name: value.value.hex() for name, value in sa.main.given.items() if name == "g^xy"}
    if sa.book is None or not shared:
        return shared
    return shared | {name: value.value.hex() for name, value in sa.book.known().items()}


def _ipsec_sa(child: IpsecSa) -> dict[str, Any]:
    protection = child.protection
    return {
        "protocol": PROTOCOLS[Protocol(child.protocol)],
        "spi": child.spi.hex(),
        "from": child.sender,
        "enc": child.enc_key.hex() if protection.cipher else None,
        "auth": child.auth_key.hex() if protection.integrity else None,
        "mode": next(word for word, number in ENCAPSULATIONS.items() if number == child.choice.mode),
        **({"cpi": child.cpi.hex()} if child.cpi else {}),
    }


def _refusal(refused: Refused) -> dict[str, Any]:
    refusal = refused.refusal
    return {
        "at": refused.at,
        "by": refused.by,
        "notify": None if refusal.notify is None else int(refusal.notify),
        "why": refusal.why,
        "rfc": refusal.rfc,
        "hint": refusal.hint,
    }
