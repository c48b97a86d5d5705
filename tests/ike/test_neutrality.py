"""A refused datagram changes nothing: forgeries of every kind, at a peer in every state it can be in.

Whoever makes them sees every datagram and has no key. Whatever it sends: nothing is raised, nothing that the peer
remembers is changed by what is refused, at most one datagram goes out, and the honest other side still gets through.
"""

from __future__ import annotations

import copy
from collections import Counter
from functools import cache

import pytest

from ikelab.ike.peer import Peer
from ikelab.ike.script import Row
from ikelab.ike.step import Outcome
from ikelab.wire.message import HEADER_SIZE
from ikelab.wire.payloads import NatD
from ikelab.wire.records import Payload
from tests.ike.forgeries import Forger, another_conversation
from tests.ike.situations import LATER, Situation, situations, state_of
from tests.ike.transitions import check

IN_CI, IN_SOAK = 50_000, 1_000_000
NAMES = [situation.name for situation in situations()]
MOST_OUT = 3
"""Octets out for each one in, towards whoever has not shown that it hears this side (it does not know the cookie)."""

elsewhere = cache(another_conversation)


def proved(outcome: Outcome) -> tuple[Payload, ...]:
    """What an encrypted message says and a hash vouches for: HASH_I covers no NAT-D beside it (RFC 3947 §3.2)."""
    assert outcome.inside is not None
    covered = outcome.inside.payloads
    return covered if outcome.message_id else tuple(each for each in covered if not isinstance(each, NatD))


class Target:
    """The listener of a situation under attack, and what its film has recorded of the latest datagram."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation
        self.source = (situation.flight or situation.history)[0].source
        self.honest = self._honest_payloads()
        self.accepted: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """As the situation was, before anyone disturbed it."""
        self.alice, self.bob = self.situation.twins()
        self.peer: Peer = self.situation.listening(self.alice, self.bob)
        self.source = (self.bob if self.peer is self.alice else self.alice).local
        self.outcomes: list[Outcome] = []
        self.peer.film = lambda outcome, now: self.outcomes.append(outcome)
        self.sas = self.peer.sas

    def _honest_payloads(self) -> list[tuple[Payload, ...]]:
        """What an honest encrypted message in flight has in it."""
        found: list[Outcome] = []
        alice, bob = self.situation.twins()
        listener = self.situation.listening(alice, bob)
        listener.film = lambda outcome, now: found.append(outcome)
        for datagram in self.situation.flight:
            listener.receive_datagram(datagram.octets, datagram.source, LATER)
        return [proved(outcome) for outcome in found if outcome.inside is not None]

    def hear(self, octets: bytes, now: float) -> None:
        """Take one forgery, and hold the peer to what it must not do."""
        self.outcomes.clear()
        self.peer.receive_datagram(octets, self.source, now)
        out = self.peer.datagrams_to_send()
        knows_the_cookie = any(sa.cookie_r == octets[8:16] for sa in self.sas if any(sa.cookie_r))
        assert sum(len(datagram.octets) for datagram in out) <= (10_000 if knows_the_cookie else MOST_OUT * len(octets))
        for outcome in self.outcomes:
            check(outcome)
        taken = [outcome for outcome in self.outcomes if outcome.after is not outcome.before]
        if taken:
            self.accept(taken[0])
        else:
            assert len(out) <= 1
            assert len(self.peer.sas) == len(self.sas)
            assert all(now is then for now, then in zip(self.peer.sas, self.sas, strict=True))

    def accept(self, outcome: Outcome) -> None:
        """What was taken for genuine must be what nothing has proved yet, or genuine in all that is proved."""
        fired = outcome.fired
        assert outcome.heard is not None
        assert outcome.after is not None
        assert outcome.before is None or outcome.heard[8:16] == outcome.after.cookie_r
        if isinstance(fired, Row) and fired.hears is not None and not fired.hears.encrypted:
            assert fired.number <= 4, "what must be proved was taken without proof"
        else:
            assert outcome.inside is not None, "what must be proved was taken in clear"
            assert proved(outcome) in self.honest
        self.accepted[fired.name] += 1
        self.begin()

    def attack(self, count: int, seed: int) -> None:
        forger = Forger(self.situation, seed, elsewhere())
        for number in range(count):
            self.hear(forger.forge(), number * 0.2)
        self.situation.finish(self.alice, self.bob)


@pytest.mark.parametrize("name", NAMES)
class TestWhoeverHasNoKey:
    def test_changes_nothing_and_keeps_nobody_from_getting_through(self, name: str) -> None:
        Target(situations()[NAMES.index(name)]).attack(-(-IN_CI // len(NAMES)), seed=1)

    def test_finds_nothing_to_use_in_any_prefix_of_what_is_waited_for(self, name: str) -> None:
        target = Target(situations()[NAMES.index(name)])
        for datagram in target.situation.flight:
            for end in range(len(datagram.octets)):
                target.hear(datagram.octets[:end], end * 0.2)
        target.situation.finish(target.alice, target.bob)


class TestTheTestItself:
    def test_a_peer_that_moves_its_iv_on_a_forgery_would_be_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        situation = next(each for each in situations() if "main: bob is about to hear 9" in each.name)
        target = Target(situation)
        genuine = Peer.receive_datagram

        def careless(self: Peer, octets: bytes, *rest: object) -> None:
            genuine(self, octets, *rest)  # type: ignore[arg-type]
            for held in self._holding:
                held.sa = copy.copy(held.sa)

        monkeypatch.setattr(Peer, "receive_datagram", careless)
        with pytest.raises(AssertionError):
            target.attack(10, seed=1)

    def test_the_genuine_message_gets_through(self) -> None:
        for situation in situations():
            if situation.flight:
                target = Target(situation)
                target.hear(situation.flight[0].octets, 0.0)
                assert sum(target.accepted.values()) == 1, (situation.name, state_of(target.sas))

    def test_headers_can_be_altered_where_no_hash_covers_them(self) -> None:
        """The cookies and the message ID are in every hash; flags and minor version are in none (RFC 2409 §5)."""
        situation = next(each for each in situations() if "main: bob is about to hear 5" in each.name)
        octets = situation.flight[0].octets
        for at in range(HEADER_SIZE):
            target = Target(situation)
            target.hear(octets[:at] + bytes([octets[at] ^ 0x02]) + octets[at + 1 :], 0.0)
            assert bool(target.accepted) == (at in (17, 19)), at


@pytest.mark.soak
def test_a_million_forgeries() -> None:
    accepted: Counter[str] = Counter()
    for situation in situations():
        target = Target(situation)
        for batch in range(20):
            target.attack(-(-IN_SOAK // len(NAMES) // 20), seed=1000 + batch)
            target.begin()
        accepted += target.accepted
    print(f"\n{IN_SOAK} forgeries in {len(NAMES)} situations; taken for genuine:")
    for name, count in accepted.most_common():
        print(f"  {count:7} {name}")
