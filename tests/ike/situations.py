"""Every moment of a conversation at which one peer is about to hear the other: states to attack, and a way to go on.

A situation holds both peers as they were, what is in flight to the one that listens, and all that was said before.
Peers are copied (`copy.copy`), so a situation can be used as often as one likes.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from ikelab.ike.config import CommitBit, child_offers
from ikelab.ike.natt import NatTraversal
from ikelab.ike.peer import Connect, Datagram, Disconnect, Peer, Protect
from ikelab.ike.sa import IkeSa
from tests.ike.agreement import agreed, children, established
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish, wishes

LATER = 1e6
"""A time at which no limit on strangers remembers anything of before."""


@dataclass(frozen=True, kw_only=True)
class Situation:
    """alice, bob: as they were. flight: what is on its way to the `hearer` ("alice" or "bob"), in order.

    history: every datagram said so far, by either side. pairs: how many children there will be when all went well.
    """

    name: str
    alice: Peer
    bob: Peer
    hearer: str
    flight: tuple[Datagram, ...]
    history: tuple[Datagram, ...]
    pairs: int

    def twins(self) -> tuple[Peer, Peer]:
        """Alice and Bob, to do with as one likes."""
        return copy.copy(self.alice), copy.copy(self.bob)

    def listening(self, alice: Peer, bob: Peer) -> Peer:
        """The one of them that hears what is in flight."""
        return alice if self.hearer == "alice" else bob

    def finish(self, alice: Peer, bob: Peer) -> None:
        """Deliver what is in flight, let the two go on, and hold them to what they must agree on.

        Where nothing is in flight, the other side begins one more Quick Mode.
        """
        listener, pairs = self.listening(alice, bob), self.pairs
        for datagram in self.flight:
            listener.receive_datagram(datagram.octets, datagram.source, LATER, datagram.destination)
        if not self.flight and pairs:
            speaker = bob if listener is alice else alice
            child = speaker.config.connections[0].children[0]
            pairs += len(child.offers[0].parts)
            speaker.begin(Protect(connection="net", child=child.name), LATER)
        talk(alice, bob, LATER)
        if pairs:
            agreed(alice, bob, count=pairs)
        else:
            assert not established(alice)
            assert not established(bob)


def talk(alice: Peer, bob: Peer, now: float) -> list[Datagram]:
    """Carry datagrams until both are silent."""
    said: list[Datagram] = []
    while fresh := [*alice.datagrams_to_send(), *bob.datagrams_to_send()]:
        said += fresh
        for datagram in fresh:
            hearer = bob if datagram.destination.address == bob.local.address else alice
            hearer.receive_datagram(datagram.octets, datagram.source, now, datagram.destination)
    return said


def moments(name: str, alice: Peer, bob: Peer, pairs: int, history: Sequence[Datagram] = ()) -> Iterator[Situation]:
    """A situation for each datagram from now on, and one for each side when all is said. The peers themselves go on."""
    said = list(history)
    while flight := tuple(alice.datagrams_to_send() or bob.datagrams_to_send()):
        hearer = "bob" if flight[0].source.address == alice.local.address else "alice"
        twins = copy.copy(alice), copy.copy(bob)
        yield Situation(
            name=f"{name}: {hearer} is about to hear {1 + len(said)}",
            alice=twins[0],
            bob=twins[1],
            hearer=hearer,
            flight=flight,
            history=tuple(said),
            pairs=pairs,
        )
        said += flight
        for datagram in flight:
            listener = bob if hearer == "bob" else alice
            listener.receive_datagram(datagram.octets, datagram.source, 0.0, datagram.destination)
    for hearer in ("alice", "bob"):
        yield Situation(
            name=f"{name}: all is said, to {hearer}",
            alice=copy.copy(alice),
            bob=copy.copy(bob),
            hearer=hearer,
            flight=(),
            history=tuple(said),
            pairs=pairs,
        )


def conversations() -> Iterator[Situation]:
    main, aggressive = wish(), wish(mode="aggressive", esp="aes128-sha1-curve25519")
    for name, wanted in (("main", main), ("aggressive, PFS", aggressive)):
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        yield from moments(name, alice, bob, 1)
    alice, bob = peer(main, ALICE), peer(mirrored(main), BOB)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    said = talk(alice, bob, 0.0)
    bob.begin(Protect(connection="net", child="net"), 0.0)
    yield from moments("a second child, begun by the responder of phase 1", alice, bob, 2, said)
    alice.begin(Disconnect(), 0.0)
    yield from moments("the end", alice, bob, 0, said)
    alice, bob = peer(main, ALICE, commit=CommitBit.HONOURED), peer(mirrored(main), BOB, commit=CommitBit.SET)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    yield from moments("with Commit bit", alice, bob, 1)
    bundle = replace(main, children=(replace(main.children[0], offers=child_offers(esp="aes128-sha1", ah="sha1")),))
    alice, bob = peer(bundle, ALICE), peer(mirrored(bundle), BOB)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    yield from moments("ESP and AH", alice, bob, 2)
    for name, wanted in (("main", main), ("aggressive", wish(mode="aggressive"))):
        alice = peer(wanted, ALICE, nat_traversal=NatTraversal.FORCED)
        bob = peer(mirrored(wanted), BOB, nat_traversal=NatTraversal.OFFERED)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        yield from moments(f"{name} behind a NAT", alice, bob, 1)
    three = wishes("one two three")
    alice, bob = peer(three, ALICE, at_once=3), peer(mirrored(three), BOB)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    yield from moments("three children at once", alice, bob, 3)


@cache
def situations() -> tuple[Situation, ...]:
    """All of them, made once in a process."""
    return tuple(conversations())


def state_of(sas: Sequence[IkeSa]) -> str:
    """What a peer is in: the state of its SAs and of the exchanges under them."""
    states = [
        f"{sa.role} {sa.main.script.name} {sa.state} "
        + " ".join(f"{each.role} {each.script.name} {each.state}" for each in sa.waiting)
        for sa in sas
    ]
    return "; ".join(states) or "no SA"


__all__ = ["Situation", "children", "situations", "state_of", "talk"]
