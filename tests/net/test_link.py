"""Two peers in memory and the path between them: what it does to datagrams, and that the same seed does the same."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter

import pytest

from ikelab.errors import Misuse
from ikelab.ike.peer import Connect
from ikelab.net.link import MAX_DATAGRAMS, Link, Path
from ikelab.timeline.live import Fate
from tests.ike.agreement import agreed
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish, wishes
from tests.needs import CHECKOUT

ROUGH = Path(loss=0.3, repeat=0.2, reorder=0.3, jitter=0.02)


def link(path: Path | None = None, seed: int = 0) -> Link:
    wanted = wish(esp="aes128-sha1-curve25519")
    made = Link(peer(wanted, ALICE), peer(mirrored(wanted), BOB), path=path, seed=seed)
    made.begin(made.peers[ALICE], Connect(connection="net", remote=BOB))
    return made


def digest(made: Link) -> str:
    """All that was said, when, and what became of it."""
    said = [f"{c.number} {c.time!r} {c.arrives!r} {c.source} {c.fate} {c.octets.hex()}" for c in made.wire]
    thought = [f"{m.actor} {m.time!r} {m.outcome.fired.name} {m.outcome.learned} {m.timeout!r}" for m in made.moments]
    return hashlib.sha256("\n".join([*said, *thought]).encode()).hexdigest()


def digests() -> list[str]:
    found = []
    for seed, path in enumerate((None, ROUGH, ROUGH)):
        made = link(path, seed)
        made.run()
        found.append(digest(made))
    return found


class TestThePath:
    def test_a_perfect_one_delivers_each_once_in_order(self) -> None:
        made = link(Path(delay=0.5))
        made.run()
        assert [carried.fate for carried in made.wire] == [Fate.DELIVERED] * 9
        assert [carried.time for carried in made.wire] == pytest.approx([0.5 * n for n in range(6)] + [3.0, 3.5, 4.0])
        assert all(carried.arrives == pytest.approx(carried.time + 0.5) for carried in made.wire)
        assert all(carried.sent is carried.octets for carried in made.wire)
        agreed(*made.peers.values())

    def test_chances_are_kept(self) -> None:
        fates: Counter[Fate] = Counter()
        for seed in range(60):
            made = link(ROUGH, seed)
            made.run()
            fates += Counter(carried.fate for carried in made.wire)
        sent = fates[Fate.DELIVERED] + fates[Fate.LOST]
        assert sent > 800
        assert fates[Fate.LOST] / sent == pytest.approx(0.3, abs=0.05)
        assert fates[Fate.REPEATED] / fates[Fate.DELIVERED] == pytest.approx(0.2, abs=0.05)

    def test_what_is_held_comes_later_than_what_was_said_after_it(self) -> None:
        wanted = wishes("one two three")
        made = Link(peer(wanted, ALICE, at_once=3), peer(mirrored(wanted), BOB), path=Path(reorder=0.5), seed=4)
        made.begin(made.peers[ALICE], Connect(connection="net", remote=BOB))
        made.run()
        arrivals = [carried.arrives or 0.0 for carried in made.wire]
        assert arrivals != sorted(arrivals)
        agreed(*made.peers.values(), count=3)

    def test_one_may_be_lost_and_one_altered_by_number(self) -> None:
        made = link(Path(lose=frozenset({2}), alter={7: lambda octets: octets[:-1] + b"!"}))
        made.run()
        lost, altered = made.wire[1], made.wire[6]
        assert (lost.fate, lost.arrives) == (Fate.LOST, None)
        assert altered.fate is Fate.ALTERED
        assert (altered.octets[-1:], altered.octets[:-1]) == (b"!", altered.sent[:-1])
        agreed(*made.peers.values())

    def test_an_alteration_that_changes_nothing_is_none(self) -> None:
        made = link(Path(alter={1: lambda octets: octets}))
        made.run()
        assert made.wire[0].fate is Fate.DELIVERED

    @pytest.mark.parametrize("name", ["loss", "repeat", "reorder"])
    def test_a_chance_is_from_0_to_1(self, name: str) -> None:
        for chance in (-0.1, 1.1):
            with pytest.raises(Misuse, match=f"expected {name} from 0 to 1"):
                Path(**{name: chance})

    @pytest.mark.parametrize("name", ["delay", "jitter", "held"])
    def test_nothing_arrives_before_it_was_sent(self, name: str) -> None:
        with pytest.raises(Misuse, match=f"expected {name} from 0 seconds on"):
            Path(**{name: -1.0})


class TestTime:
    def test_it_jumps_to_what_happens_next(self) -> None:
        made = link(Path(loss=1.0))
        made.run()
        assert made.now == pytest.approx(67, abs=10)

    def test_it_stops_when_told_to(self) -> None:
        made = link()
        made.run(stop=lambda: len(made.wire) == 4)
        assert len(made.wire) == 4
        made.run(until=0.045)
        assert len(made.wire) == 5
        made.run()
        agreed(*made.peers.values())

    def test_a_run_that_would_not_end_is_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ikelab.net.link.MAX_DATAGRAMS", 5)
        made = link()
        made.run()
        assert len(made.wire) == 5
        assert MAX_DATAGRAMS == 10_000


class TestWhoIsThere:
    def test_two_peers_at_one_address_are_a_misuse(self) -> None:
        with pytest.raises(Misuse, match="an address and port of its own"):
            Link(peer(wish(), ALICE), peer(wish(), ALICE))

    def test_what_is_sent_to_nobody_goes_nowhere(self) -> None:
        made = Link(peer(wish(), ALICE))
        made.begin(made.peers[ALICE], Connect(connection="net", remote=BOB))
        made.run()
        assert {carried.destination for carried in made.wire} == {BOB}
        assert made.peers[ALICE].sas[0].gone


class TestMoments:
    def test_every_datagram_was_said_by_a_thought_and_heard_by_one(self) -> None:
        made = link()
        made.run()
        assert [moment.said for moment in made.moments if moment.said] == list(range(1, 10))
        assert [moment.heard for moment in made.moments if moment.heard] == list(range(1, 10))
        for moment in made.moments:
            if moment.said is not None:
                assert moment.outcome.said == made.wire[moment.said - 1].sent
            if moment.heard is not None:
                assert moment.outcome.heard == made.wire[moment.heard - 1].octets


class TestTheSameSeed:
    def test_the_same_octets_in_the_same_order(self) -> None:
        assert digests() == digests()
        assert len(set(digests())) == 3

    @pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
    def test_in_another_process_under_any_hash_seed(self, hash_seed: str) -> None:
        program = "from tests.net.test_link import digests; print(*digests())"
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(CHECKOUT)}
        told = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, cwd=CHECKOUT
        )
        assert told.stdout.split() == digests()
