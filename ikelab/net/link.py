"""Two peers in memory, and a path between them that may lose, delay, reorder, repeat and alter what they say.

Time is a number that jumps to whatever happens next; chance comes from a seed. So a run that lasts an hour takes
milliseconds, and the same seed gives the same octets in the same order on every machine.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ikelab.errors import Misuse
from ikelab.ike.config import Seeded
from ikelab.ike.peer import Datagram, Peer, Task
from ikelab.net.tape import Tape
from ikelab.timeline.live import Carried, Fate
from ikelab.wire.udp import Endpoint


@dataclass(frozen=True, kw_only=True)
class Path:
    """How a network treats datagrams. Times in seconds; loss, repeat and reorder are chances from 0 to 1.

    delay: every datagram's way. jitter: at most so much more, by chance. reorder: the chance to be held for `held`.
    lose, alter: interventions by the number of a datagram (from 1, in the order of sending): dropped, or replaced.
    """

    delay: float = 0.01
    jitter: float = 0.0
    loss: float = 0.0
    repeat: float = 0.0
    reorder: float = 0.0
    held: float = 0.05
    lose: frozenset[int] = frozenset()
    alter: Mapping[int, Callable[[bytes], bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("loss", "repeat", "reorder"):
            if not 0 <= getattr(self, name) <= 1:
                raise Misuse(f"path: expected {name} from 0 to 1, got {getattr(self, name)}")
        for name in ("delay", "jitter", "held"):
            if getattr(self, name) < 0:
                raise Misuse(f"path: expected {name} from 0 seconds on, got {getattr(self, name)}")


MAX_DATAGRAMS = 10_000
"""Where a run is stopped that would not end by itself."""


class Link:
    """Carries datagrams between peers until all are silent.

    `wire` is every datagram in the order of sending; `moments` is every thought of a peer, in the order of thinking.
    """

    def __init__(self, *peers: Peer, path: Path | None = None, seed: int | bytes = 0) -> None:
        self.peers = {peer.local: peer for peer in peers}
        if len(self.peers) != len(peers):
            raise Misuse("link: expected each peer at an address and port of its own")
        self.path = path or Path()
        self.chance = Seeded(seed)
        self.now = 0.0
        self.tape = Tape()
        self.wire, self.moments = self.tape.wire, self.tape.moments
        for peer in peers:
            peer.film = self.tape.film(peer)
        self._queue: list[tuple[float, int, Carried]] = []
        self._queued = 0

    def run(self, *, until: float = 3600.0, stop: Callable[[], bool] | None = None) -> None:
        """Let time pass until nobody has anything to do, `until` seconds have gone by, or `stop` says so."""
        self._collect()
        while len(self.wire) < MAX_DATAGRAMS and not (stop is not None and stop()):
            arrival = self._queue[0][0] if self._queue else None
            timeouts = [(when, peer) for peer in self.peers.values() if (when := peer.next_timeout()) is not None]
            timeout = min((when for when, _ in timeouts), default=None)
            upcoming = min((when for when in (arrival, timeout) if when is not None), default=None)
            if upcoming is None or upcoming > until:
                return
            self.now = max(self.now, upcoming)
            if arrival is not None and (timeout is None or arrival <= timeout):
                _, _, frame = heapq.heappop(self._queue)
                receiver = self._receiver(frame.destination)
                if receiver is not None:
                    with self.tape.hearing(frame.number):
                        receiver.receive_datagram(frame.octets, frame.source, self.now, frame.destination)
            else:
                for when, peer in timeouts:
                    if when <= self.now:
                        peer.handle_timeout(self.now)
            self._collect()

    def begin(self, peer: Peer, task: Task) -> None:
        """Let a peer start to do something now. Raises Misuse where the task does not fit its configuration."""
        peer.begin(task, self.now)

    def _receiver(self, end: Endpoint) -> Peer | None:
        """Who listens there: a peer, on its own port or the one that it goes to when a NAT was found."""
        for local, peer in self.peers.items():
            if end == local or end == local._replace(port=peer.config.natt_port):
                return peer
        return None

    def _collect(self) -> None:
        """Take what the peers want to say, and decide its fate."""
        for peer in self.peers.values():
            for datagram in peer.datagrams_to_send():
                self._send(datagram)

    def _send(self, datagram: Datagram) -> None:
        number = self.tape.said()
        path = self.path
        octets, fate = datagram.octets, Fate.DELIVERED
        if number in path.alter:
            octets = path.alter[number](octets)
            fate = Fate.ALTERED if octets != datagram.octets else fate
        if number in path.lose or self._happens("loss", number, path.loss):
            fate = Fate.LOST
        wait = path.delay + path.jitter * self._fraction("jitter", number)
        wait += path.held if self._happens("reorder", number, path.reorder) else 0.0
        self._travel(datagram, octets, fate, self.now + wait)
        if fate is not Fate.LOST and self._happens("repeat", number, path.repeat):
            self._travel(datagram, octets, Fate.REPEATED, self.now + wait + path.held)

    def _travel(self, datagram: Datagram, octets: bytes, fate: Fate, arrives: float) -> None:
        frame = Carried(
            number=self.tape.number,
            time=self.now,
            arrives=None if fate is Fate.LOST else arrives,
            source=datagram.source,
            destination=datagram.destination,
            sent=datagram.octets,
            octets=octets,
            fate=fate,
        )
        self.tape.put(frame)
        if fate is not Fate.LOST:
            self._queued += 1
            heapq.heappush(self._queue, (arrives, self._queued, frame))

    def _happens(self, what: str, number: int, chance: float) -> bool:
        return chance > 0 and self._fraction(what, number) < chance

    def _fraction(self, what: str, number: int) -> float:
        return int.from_bytes(self.chance.draw(f"path/{what}/{number}", 4)) / 2**32
