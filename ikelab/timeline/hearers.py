"""What became of each message of a run: as it was said, as it arrived, and what its hearer found in it.

A listener who is told both sides' secrets can read more than the peers can. So what it finds is held against what the
hearer did: a hash that the hearer never came to check vouches for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from ikelab.ike.beliefs import Belief, Beliefs, QuickBelief
from ikelab.ike.conversation import INITIATOR, OTHER, RESPONDER
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.ike.rules import REFUSE
from ikelab.ike.sa import IkeSa
from ikelab.ike.step import Outcome
from ikelab.timeline.moments import Carried
from ikelab.timeline.recorded import verdicts
from ikelab.wire.numbers import Notify
from ikelab.wire.udp import Endpoint


def secrets_of(sas: Iterable[IkeSa]) -> Beliefs:
    """What both sides hold, as a listener is told it. Two sides with different pre-shared keys are two beliefs."""
    return Beliefs.of_all([_secrets_of_one(sa) for sa in sas])


def _secrets_of_one(sa: IkeSa) -> Beliefs:
    shared = sa.main.given.get("g^xy")
    psk = sa.connection.psk if sa.connection else None
    belief = Belief(cookie_i=sa.cookie_i, psk=psk, values={"g^xy": shared.value} if shared else {})
    quick: list[QuickBelief] = []
    for exchange in sa.exchanges.values():
        fresh = exchange.given.get("g(qm)^xy")
        if fresh is None or exchange.choice is None:
            continue
        for pact in exchange.pacts:
            for protocol, own in pact.own.items():
                ends = pact.theirs[protocol], own
                first, second = ends if exchange.role == INITIATOR else reversed(ends)
                quick.append(QuickBelief(spi_i=first, spi_r=second, g_xy=fresh.value))
    return Beliefs(ike=(belief,), quick=tuple(quick))


def roles_of(carried: Sequence[Carried], sas: Sequence[IkeSa]) -> dict[Endpoint, str]:
    """Who plays which part: as the SAs say, else whoever speaks first began."""
    roles = {end: role for sa in sas for end, role in ((sa.local, sa.role), (sa.remote, OTHER[sa.role]))}
    if not roles and carried:
        roles = {carried[0].source: INITIATOR, carried[0].destination: RESPONDER}
    return roles


def everything_of(carried: Sequence[Carried], sas: Sequence[IkeSa]) -> Beliefs:
    """What both sides hold, and where octets were altered also what they have computed: they heard different things."""
    told = secrets_of(sas)
    if all(datagram.octets == datagram.sent for datagram in carried):
        return told
    computed = [
        Belief(
            cookie_i=sa.cookie_i,
            psk=sa.connection.psk if sa.connection else None,
            values={("iv0" if name == "IV" else name): value.value for name, value in sa.book.known().items()},
        )
        for sa in sas
        if sa.book is not None
    ]
    return replace(told, ike=(*told.ike, *computed))


def followed_both_ways(carried: Sequence[Carried], beliefs: Beliefs) -> tuple[dict[int, Followed], dict[int, Followed]]:
    """Every datagram as it was said, and as it arrived: what was altered on the way is no part of what was said."""
    listener = Listener(beliefs=beliefs)
    said: dict[int, Followed] = {}
    arrived: dict[int, Followed] = {}
    for number, datagram in enumerate(carried, 1):
        if datagram.octets != datagram.sent:
            other = Listener(beliefs=beliefs)
            for before, earlier in enumerate(carried[: number - 1], 1):
                other.hear(_heard(before, earlier, earlier.sent))
            arrived[number] = other.hear(_heard(number, datagram, datagram.octets))
        said[number] = listener.hear(_heard(number, datagram, datagram.sent))
        arrived.setdefault(number, said[number])
    return said, arrived


def _heard(number: int, datagram: Carried, octets: bytes) -> Heard:
    return Heard(
        frame=number,
        source=datagram.source,
        destination=datagram.destination,
        octets=octets,
        time=datagram.time,
    )


def changes(sent: bytes, octets: bytes) -> Iterator[dict[str, Any]]:
    """Each run of octets that differ, with what they were; what was put in or cut off at the end is one run."""
    at, end = 0, min(len(sent), len(octets))
    while at < end:
        size = 0
        while at + size < end and sent[at + size] != octets[at + size]:
            size += 1
        if size:
            yield {"at": at, "size": size, "was": sent[at : at + size].hex()}
        at += size or 1
    if len(sent) != len(octets):
        yield {"at": end, "size": len(octets) - end, "was": sent[end:].hex()}


def found_by_hearer(followed: Followed, outcome: Outcome) -> list[dict[str, Any]]:
    """Of the checks that can be made, those that the hearer came to make, and what it found."""
    made = verdicts(followed)
    if outcome.fired is not REFUSE or outcome.refused is None:
        return made
    told = outcome.refused
    if followed.message.encrypted and outcome.inside is None:
        return []  # it could not even read the message
    about = told.why.partition(":")[0].partition(" of ")[0]
    if outcome.message_id:  # HASH(n) is checked before anything else is looked at
        return [verdict | {"ok": verdict["name"] != about} for verdict in made]
    if about in followed.verified:
        return [{"name": about, "ok": False, "text": told.why}]
    return made if told.notify == Notify.INVALID_ID_INFORMATION else []


def unreadable_to_hearer(followed: Followed, outcome: Outcome, hearer: str) -> list[str]:
    """That the lab can open a message does not mean that its hearer could."""
    if outcome.fired is not REFUSE or not followed.opened or outcome.inside is not None or outcome.refused is None:
        return []
    return [f"opened here with the sender's key; the {hearer} could not: {outcome.refused.why}"]
