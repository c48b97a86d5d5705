"""What a run is recorded on: every thought of a peer and every datagram, each in its order and with its number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ikelab.ike.peer import Peer
from ikelab.ike.step import Outcome
from ikelab.timeline.live import Carried, Moment

COOKIE = slice(0, 8)
"""Where a datagram names the initiator's cookie (RFC 2408 §3.1)."""


class Tape:
    """`moments` in the order of thinking, `wire` in the order of sending (or hearing, where one hears one side only).

    Numbers of datagrams count from 1 and are never given twice, even where what was recorded is taken away.
    """

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.wire: list[Carried] = []
        self._last = 0
        self._hearing: int | None = None
        self._unsent: list[int] = []

    def film(self, peer: Peer) -> Callable[[Outcome, float], None]:
        """What this peer takes as its film: every thought, with the time at which it would wake up by itself."""

        def record(outcome: Outcome, now: float) -> None:
            # One datagram can set off several thoughts; only the first one heard it.
            heard, self._hearing = self._hearing, None
            if outcome.said is not None:
                self._unsent.append(len(self.moments))
            waits = peer.next_timeout()
            self.moments.append(Moment(actor=peer.local, time=now, outcome=outcome, heard=heard, timeout=waits))

        return record

    @contextmanager
    def hearing(self, number: int) -> Iterator[None]:
        """While a peer is handed the datagram of this number."""
        self._hearing = number
        try:
            yield
        finally:
            self._hearing = None

    def said(self) -> int:
        """The number of the datagram that is about to be put on the wire; the thought that made it is told."""
        number = self._last + 1
        if self._unsent:
            thought = self._unsent.pop(0)
            self.moments[thought] = replace(self.moments[thought], said=number)
        return number

    @property
    def number(self) -> int:
        """The number of the next datagram."""
        return self._last + 1

    def put(self, carried: Carried) -> None:
        """A datagram on the wire."""
        self._last = carried.number
        self.wire.append(carried)

    def drain(self) -> tuple[list[Moment], list[Carried]]:
        """What was recorded so far, which is then no longer here; not while something is still to be sent."""
        assert not self._unsent, "a thought would lose its datagram"
        recorded = list(self.moments), list(self.wire)
        self.moments.clear()
        self.wire.clear()
        return recorded


def cookie_of(moment: Moment) -> bytes:
    """The initiator's cookie of the conversation that a thought is about."""
    sa = moment.outcome.after or moment.outcome.before
    return sa.cookie_i if sa is not None else (moment.outcome.heard or b"")[COOKIE]
