"""A peer that holds every key and says what it must not: its payloads are changed before they are hashed and sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import pytest

from ikelab.ike import step
from ikelab.ike.peer import Connect, Peer
from ikelab.ike.script import Shape
from ikelab.ike.step import Outcome
from ikelab.ike.turn import Turn
from ikelab.wire.records import Payload
from tests.ike.transitions import check
from tests.ike.two_peers import BOB

Edit = Callable[[list[Payload]], list[Payload]]
P = TypeVar("P", bound=Payload)


@contextmanager
def saying_otherwise(script: str, number: int, edit: Edit) -> Iterator[None]:
    """Whoever says message `number` of an exchange now says what `edit` makes of it, with right hashes and keys."""
    genuine = step.say

    def say(turn: Turn, shape: Shape, n: int) -> bytes:
        if (turn.exchange.script.name, n) == (script, number):
            turn.saying = edit(list(turn.saying))
        return genuine(turn, shape, n)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step, "say", say)
        yield


@dataclass(frozen=True)
class Heard:
    """What both sides thought in a conversation, in order."""

    alice: list[Outcome]
    bob: list[Outcome]

    def refusals(self) -> list[Outcome]:
        return [each for each in (*self.alice, *self.bob) if each.fired.name == "REFUSE"]


def converse(alice: Peer, bob: Peer, *, rounds: int = 12) -> Heard:
    """Alice connects to bob; everything is delivered at once, and no timer runs."""
    heard = Heard([], [])
    alice.film = lambda outcome, now: heard.alice.append(outcome)
    bob.film = lambda outcome, now: heard.bob.append(outcome)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    for _ in range(rounds):
        for speaker, hearer in ((alice, bob), (bob, alice)):
            for datagram in speaker.datagrams_to_send():
                hearer.receive_datagram(datagram.octets, datagram.source, 0.0)
    for outcome in (*heard.alice, *heard.bob):
        check(outcome)
    return heard


def without(*kinds: type[Payload]) -> Edit:
    return lambda payloads: [payload for payload in payloads if not isinstance(payload, kinds)]


def plus(*more: Payload) -> Edit:
    return lambda payloads: [*payloads, *more]


def instead(kind: type[P], make: Callable[[P], Payload]) -> Edit:
    """Every payload of a kind exchanged for what `make` makes of it."""
    return lambda payloads: [make(each) if isinstance(each, kind) else each for each in payloads]
