"""Two peers on a path that loses up to half of all datagrams: both agree, or whoever does not have it knows it."""

from __future__ import annotations

from collections import Counter

import pytest

from ikelab.ike.config import PROFILES, ModeName
from ikelab.ike.peer import Connect, Peer
from ikelab.ike.rules import EXPIRE, GIVE_UP
from ikelab.net.link import Link, Path
from ikelab.wire.numbers import ExchangeType
from tests.ike.agreement import children, established, never_split
from tests.ike.transitions import check
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish

AGREED, NOBODY, ONE_SIDED = "agreed", "nobody has anything", "one side has what the other has given up"


def lossy_run(seed: int, mode: ModeName, path: Path) -> tuple[str, Link]:
    """What a run came to. Fails where the two sides hold different things, or one lacks something unknowingly."""
    wanted = wish(mode=mode)
    alice = peer(wanted, ALICE, seed=seed, profile=PROFILES["lossy-lab"])
    bob = peer(mirrored(wanted), BOB, seed=seed, profile=PROFILES["lossy-lab"])
    link = Link(alice, bob, path=path, seed=seed)
    link.begin(alice, Connect(connection="net", remote=BOB))
    link.run()
    for moment in link.moments:
        check(moment.outcome)
    never_split(alice, bob)
    if children(alice) == children(bob) and established(alice) == established(bob):
        return (AGREED if children(alice) else NOBODY), link
    for has, lacks in ((alice, bob), (bob, alice)):
        if children(has).keys() - children(lacks).keys() or established(has).keys() - established(lacks).keys():
            assert knows(link, lacks), "lacks what the other side has, and does not know it"
    return ONE_SIDED, link


def knows(link: Link, side: Peer) -> bool:
    """Whether a side has given something up, and told so where there was a way to."""
    gave_up = [m for m in link.moments if m.actor == side.local and m.outcome.fired in (GIVE_UP, EXPIRE)]
    child_lost = [m for m in gave_up if m.outcome.message_id and m.outcome.before is not None]
    responder = [m for m in child_lost if m.outcome.before.exchanges[m.outcome.message_id].role == "responder"]  # type: ignore[union-attr]
    news = [c for c in link.wire if c.source == side.local and c.octets[18] == ExchangeType.INFORMATIONAL]
    return bool(gave_up) and len(news) >= len(responder)


def tally(runs: range, path: Path) -> Counter[str]:
    return Counter(lossy_run(seed, "main" if seed % 2 else "aggressive", path)[0] for seed in runs)


class TestRfc2408Section51:
    """Set a timer; if it expires, resend; if the retry counter reaches zero, clear all states."""

    @pytest.mark.parametrize("loss", [0.1, 0.3, 0.5])
    def test_both_agree_or_know_that_they_do_not(self, loss: float) -> None:
        found = tally(range(150), Path(loss=loss, jitter=0.02))
        assert found[AGREED] >= 148
        assert sum(found.values()) == 150

    def test_loss_repetition_and_reordering_together(self) -> None:
        path = Path(loss=0.3, repeat=0.2, reorder=0.3, jitter=0.02)
        assert tally(range(100), path) == {AGREED: 100}

    def test_nothing_arrives(self) -> None:
        assert tally(range(4), Path(loss=1.0)) == {NOBODY: 4}

    def test_ordinary_patience_on_an_ordinary_path(self) -> None:
        wanted = wish()
        link = Link(peer(wanted, ALICE), peer(mirrored(wanted), BOB), path=Path(loss=0.05), seed=3)
        alice, bob = link.peers.values()
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.run()
        assert children(alice) == children(bob) != {}


@pytest.mark.soak
@pytest.mark.parametrize("loss", [0.3, 0.5])
def test_five_thousand_runs(loss: float) -> None:
    found = tally(range(5_000), Path(loss=loss, repeat=0.2, reorder=0.3, jitter=0.02))
    print(f"loss {loss:.0%}: {dict(found)}")
    assert found[AGREED] >= (5_000 if loss < 0.5 else 4_950)
