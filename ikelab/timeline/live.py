"""How a run becomes a trace: one step is one peer thinking, with what it heard, what it said and what it then knew.

The same octets are also handed to a listener who is told both sides' secrets, so that a live run and a recorded
conversation are explained by one and the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ikelab.ike.beliefs import Belief, Beliefs, QuickBelief
from ikelab.ike.conversation import INITIATOR, RESPONDER
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.ike.sa import IkeSa
from ikelab.ike.script import Row
from ikelab.ike.step import Outcome
from ikelab.timeline.captions import Caption, caption, thought
from ikelab.timeline.recorded import Film
from ikelab.timeline.trace import Trace
from ikelab.wire.udp import Endpoint


class Fate(StrEnum):
    """What became of a datagram on its way."""

    DELIVERED = "delivered"
    LOST = "lost"
    ALTERED = "altered"
    REPEATED = "repeated"


@dataclass(frozen=True, kw_only=True)
class Carried:
    """One datagram on the path: `sent` is what was said, `octets` what arrives, if it arrives. number counts from 1."""

    number: int
    time: float
    arrives: float | None
    source: Endpoint
    destination: Endpoint
    sent: bytes
    octets: bytes
    fate: Fate


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One peer thinking: who, when, the outcome, and the numbers of the datagrams it heard and said."""

    actor: Endpoint
    time: float
    outcome: Outcome
    heard: int | None = None
    said: int | None = None


def secrets_of(sas: Iterable[IkeSa]) -> Beliefs:
    """What both sides hold, as a listener is told it. Two sides with different pre-shared keys are two beliefs."""
    return Beliefs.of_all([_secrets_of_one(sa) for sa in sas])


def _secrets_of_one(sa: IkeSa) -> Beliefs:
    shared = sa.main.given.get("g^xy")
    psk = sa.connection.psk if sa.connection else None
    belief = Belief(cookie_i=sa.cookie_i, psk=psk, values={"g^xy": shared.value} if shared else {})
    quick: list[QuickBelief] = []
    for exchange in sa.exchanges.values():
        fresh, choice = exchange.given.get("g(qm)^xy"), exchange.choice
        if fresh is not None and choice is not None:
            own, other = (choice.spi, exchange.spi) if exchange.role == INITIATOR else (exchange.spi, choice.spi)
            quick.append(QuickBelief(spi_i=own, spi_r=other, g_xy=fresh.value))
    return Beliefs(ike=(belief,), quick=tuple(quick))


def trace_of_run(
    moments: Sequence[Moment], carried: Sequence[Carried], sas: Sequence[IkeSa], *, title: str, about: str,
    more: Mapping[str, Any] | None = None,
) -> Trace:  # fmt: skip
    """The trace of a run between two peers. `sas` are both sides' ISAKMP SAs, as they were at the end."""
    listener = Listener(beliefs=secrets_of(sas))
    film = Film()
    said_at = {moment.said: step for step, moment in enumerate(moments, 1) if moment.said is not None}
    followed: dict[int, Followed] = {}
    for datagram in carried:
        heard = Heard(
            frame=datagram.number,
            source=datagram.source,
            destination=datagram.destination,
            octets=datagram.octets,
            time=datagram.time,
        )
        followed[datagram.number] = listener.hear(heard)
        film.take(followed[datagram.number], step=said_at.get(datagram.number, len(moments)))
    for message, datagram in zip(film.messages, carried, strict=True):
        message["fate"] = datagram.fate.value
        message["arrives"] = datagram.arrives
        message["sent"] = datagram.sent.hex() if datagram.fate is Fate.ALTERED else None
    frames = _frames(moments, followed, film)
    endpoints = {RESPONDER if sa.role == RESPONDER else INITIATOR: sa.local for sa in sas}
    return Trace(
        title=title,
        about=about,
        peers={role: {"label": role.capitalize(), "address": str(end)} for role, end in sorted(endpoints.items())},
        messages=film.messages,
        frames=frames,
        secrets=list(film.values.entries.values()),
        more=more or {},
    )


def _frames(moments: Sequence[Moment], followed: Mapping[int, Followed], film: Film) -> list[dict[str, Any]]:
    states: dict[str, str] = {INITIATOR: "START", RESPONDER: "START"}
    exchanges: dict[str, dict[str, str]] = {INITIATOR: {}, RESPONDER: {}}
    frames = []
    for step, moment in enumerate(moments, 1):
        outcome = moment.outcome
        sa = outcome.after or outcome.before
        role = sa.role if sa is not None else RESPONDER
        if outcome.after is not None:
            states[role] = outcome.after.state
            exchanges[role] = {
                f"{exchange.message_id:08x}": f"{exchange.script.name}: {exchange.state}"
                for exchange in outcome.after.exchanges.values()
            }
        told = _caption(outcome, followed.get(moment.said or 0), followed.get(moment.heard or 0), role)
        frames.append(
            {
                "step": step,
                "actor": role,
                "heard": moment.heard,
                "said": [moment.said] if moment.said is not None else [],
                "time": round(moment.time, 6),
                "states": dict(states),
                "exchanges": {side: dict(known) for side, known in exchanges.items()},
                "row": outcome.fired.name,
                "rule": None if isinstance(outcome.fired, Row) else outcome.fired.name,
                "refused": str(outcome.refused) if outcome.refused else None,
                "events": [{"name": event.name, "text": event.text} for event in outcome.events],
                "caption": {"what": told.what, "why": told.why},
                "learned": {INITIATOR: [], RESPONDER: [], role: _learned(outcome, film)},
            }
        )
    return frames


def _learned(outcome: Outcome, film: Film) -> list[str]:
    """The entries of the trace that the values learned in an outcome are listed under."""
    known: list[str] = []
    sa = outcome.after
    if sa is None:
        return known
    suffix = f"{outcome.message_id:08x}" if outcome.message_id else ""
    for name in outcome.learned:
        if name == "KEYMAT":
            pair = [child for child in sa.children if child.message_id == outcome.message_id]
            known += [
                f"{kind} {child.spi.hex()}" for child in pair for kind in ("KEYMAT", "encryption key", "integrity key")
            ]
            continue
        own = f"{name} ({sa.role})" if not suffix else f"{name} {suffix}"
        known.append(own if own in film.values.entries else name)
    return [name for name in known if name in film.values.entries]


def _caption(outcome: Outcome, said: Followed | None, heard: Followed | None, role: str) -> Caption:
    if isinstance(outcome.fired, Row) and said is not None:
        return caption(said)
    return thought(outcome, heard, role)
