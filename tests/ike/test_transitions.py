"""Every change of state is a row or a rule, and every row and rule is reached: over thousands of disturbed runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from ikelab.ike.config import PROFILES, CommitBit
from ikelab.ike.peer import Connect, Disconnect, Peer, Protect
from ikelab.ike.step import Outcome
from ikelab.net.link import Link, Path
from ikelab.wire.udp import Endpoint
from tests.ike.agreement import never_split
from tests.ike.transitions import EVERYTHING, check, names_of
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish, wishes

SEEDS = 400
MANY_SEEDS = range(1_000, 11_000)

STRANGER = Endpoint("192.0.2.9", 500)


def flipped(chance: random.Random) -> Callable[[bytes], bytes]:
    """An alteration on the way: some bits, or a shorter message."""

    def alter(octets: bytes) -> bytes:
        if chance.random() < 0.2:
            return octets[: chance.randrange(len(octets))]
        changed = bytearray(octets)
        for _ in range(chance.choice((1, 1, 2, 8))):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
        return bytes(changed)

    return alter


def disturbed_run(seed: int) -> Link:
    """Two peers that may or may not want the same, on a path that loses, repeats, reorders and alters."""
    chance = random.Random(seed)
    wanted = wishes(
        chance.choice(("net", "net", "one two")),
        mode=chance.choice(("main", "main", "aggressive")),
        esp=chance.choice(("aes128-sha1", "aes128-sha1-curve25519")),
    )
    other = mirrored(wanted)
    match chance.randrange(12):
        case 0:
            other = replace(other, psk=b"another key")
        case 1:
            other = mirrored(wishes("net", mode=wanted.mode, esp="aes256-sha1"))
        case 2:
            other = mirrored(wishes("net", mode=wanted.mode, ike="aes256-sha1-curve25519"))
        case 3:
            other = replace(other, children=())
    settings = {"profile": PROFILES["lossy-lab"], "at_once": chance.choice((1, 2, 3))}
    commits = [chance.choice((CommitBit.IGNORED, CommitBit.IGNORED, *CommitBit)) for _ in "ab"]
    alice = peer(wanted, ALICE, seed=seed, commit=commits[0], **settings)
    bob = peer(other, BOB, seed=seed, commit=commits[1], **settings)
    alter = {number: flipped(chance) for number in range(1, 60) if chance.random() < 0.08}
    path = Path(
        loss=chance.choice((0.0, 0.1, 0.3)),
        repeat=chance.choice((0.0, 0.2)),
        reorder=chance.choice((0.0, 0.3)),
        jitter=0.02,
        alter=alter,
    )
    link = Link(alice, bob, path=path, seed=seed)
    link.begin(alice, Connect(connection="net", remote=BOB))
    if chance.random() < 0.2:
        link.begin(bob, Connect(connection="net", remote=ALICE))
    link.run(until=chance.choice((0.05, 2.0, 3600.0)))
    for side in chance.sample((alice, bob), 2):
        if any(sa.established for sa in side.sas) and side.config.connections[0].children:
            name = side.config.connections[0].children[0].name
            link.begin(side, Protect(connection="net", child=name))
    link.run(until=link.now + chance.choice((0.05, 3600.0)))
    link.begin(chance.choice((alice, bob)), Disconnect())
    link.run()
    never_split(alice, bob)
    return link


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [moment.outcome for seed in range(SEEDS) for moment in disturbed_run(seed).moments]


class TestNoTransitionOutsideTheTables:
    def test_whatever_changed_was_declared_by_what_fired(self, outcomes: list[Outcome]) -> None:
        assert len(outcomes) > 20 * SEEDS
        for outcome in outcomes:
            check(outcome)

    def test_no_step_says_two_things(self, outcomes: list[Outcome]) -> None:
        assert all(outcome.said is None or len(outcome.said) <= 10_000 for outcome in outcomes)

    def test_a_change_that_nobody_declared_would_be_found(self, outcomes: list[Outcome]) -> None:
        """The oracle itself can fail: every kind of step with another kind's result."""
        moved = next(each for each in outcomes if each.fired.name.startswith("SA_SENT"))
        still = next(each for each in outcomes if each.fired.name == "REFUSE" and each.before is not None)
        for forged in (
            replace(moved, fired=still.fired),
            replace(still, fired=moved.fired),
            replace(still, after=replace(still.before, gone="by magic") if still.before else None),
        ):
            with pytest.raises(AssertionError):
                check(forged)


class TestEveryRowAndEveryRuleIsReached:
    def test_by_the_disturbed_runs_and_one_flood(self, outcomes: list[Outcome]) -> None:
        assert names_of([*outcomes, *flood()]) == EVERYTHING


def flood() -> list[Outcome]:
    """Strangers who begin and go away."""
    bob = peer(mirrored(wish()), BOB)
    seen: list[Outcome] = []
    bob.film = lambda outcome, now: seen.append(outcome)
    for number in range(7):
        alice: Peer = peer(wish(own=STRANGER), STRANGER, seed=number)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        bob.receive_datagram(alice.datagrams_to_send()[0].octets, STRANGER, 0.0)
    bob.handle_timeout(31.0)
    for outcome in seen:
        check(outcome)
    return seen


@pytest.mark.soak
def test_ten_thousand_runs() -> None:
    for seed in MANY_SEEDS:
        for moment in disturbed_run(seed).moments:
            check(moment.outcome)
