"""What a peer holds beside its SAs: who is who, what waits for an answer until when, and how much a stranger may cost.

An SA itself is a frozen record (`ikelab.ike.sa`). What stands here never decides what is believed, only how often
something is said and how long something is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from ikelab.errors import Refusal
from ikelab.ike.sa import UNUSED_COOKIE, IkeSa
from ikelab.wire.message import Header
from ikelab.wire.udp import Endpoint

HALF_OPEN_PER_ADDRESS, HALF_OPEN = 5, 1000
"""SAs that strangers may have begun and not finished, for each address and in all."""
ENDED_KEPT = 16
"""SAs that are over and still remembered, for whoever wants to look at them."""


@dataclass(frozen=True, kw_only=True)
class Retry:
    """A message that waits for its answer until `due`.

    doubts: one place for each time that it was said, with what has spoken against it since: a complaint without proof,
    an answer that was no good. One such thing may be forged and is waited out; whoever answers better wins at once. If
    the repetition meets another one, the other side most likely means it, and waiting longer helps nobody.
    proven: whether the latest doubt came with proof, so that not even a repetition would help.
    """

    due: float
    doubts: tuple[Refusal | None, ...] = (None,)
    proven: bool = False

    @property
    def sent(self) -> int:
        """How often it was said."""
        return len(self.doubts)

    @property
    def hopeless(self) -> bool:
        """Whether the message and its repetition have both met a doubt, or one with proof."""
        return self.proven or (len(self.doubts) > 1 and None not in self.doubts[-2:])

    @property
    def reason(self) -> Refusal | None:
        """The latest thing that speaks against it."""
        return next((doubt for doubt in reversed(self.doubts) if doubt is not None), None)

    def doubted(self, doubt: Refusal, *, proven: bool) -> Retry:
        """The same, now that something speaks against it."""
        return replace(self, doubts=(*self.doubts[:-1], doubt), proven=self.proven or proven)


@dataclass(eq=False, kw_only=True)
class Held:
    """An SA and what its peer still wants of it. repeated: how often an answer was given again, by message ID.

    refused: why the last message of phase 1 that came was not accepted, since this side has answered there; or None.
    """

    sa: IkeSa
    born: float
    wanted: list[str] = field(default_factory=list)
    retries: dict[int, Retry] = field(default_factory=dict)
    repeated: dict[int, int] = field(default_factory=dict)
    begun: int = 0
    refused: Refusal | None = None

    @property
    def half_open(self) -> bool:
        """Whether a stranger began it and has not yet shown who it is."""
        return self.sa.role == "responder" and not self.sa.established and not self.sa.gone

    @property
    def unheard(self) -> bool:
        """Whether nobody has shown yet to hear this side's answers: the first message may have had a forged source."""
        return self.half_open and self.sa.main.number <= 2

    def tidy(self) -> None:
        """Wait for nothing that is over, and count nothing that is forgotten."""
        waiting = {} if self.sa.gone else self.retries
        known = ((message_id, self.sa.exchange(message_id)) for message_id in waiting)
        alive = {message_id for message_id, exchange in known if exchange is not None and not exchange.over}
        self.retries = {message_id: retry for message_id, retry in self.retries.items() if message_id in alive}
        for message_id in [each for each in self.repeated if self.sa.exchange(each) is None]:
            del self.repeated[message_id]

    def twin(self) -> Held:
        """The same, to go its own way."""
        return replace(self, wanted=list(self.wanted), retries=dict(self.retries), repeated=dict(self.repeated))


class Holding:
    """Every SA of a peer, found by its cookies; those apart that a timer waits for."""

    def __init__(self) -> None:
        self._all: dict[int, Held] = {}
        self._by_cookie: dict[bytes, list[Held]] = {}
        self._timed: dict[int, Held] = {}
        self._half_open: dict[int, Held] = {}
        self._half_open_from: dict[str, dict[int, Held]] = {}
        self._ended: deque[int] = deque()
        self._began_at: dict[int, str] = {}

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._all.values()))

    def timed(self) -> list[Held]:
        """Those for which time matters: something waits for an answer, or a stranger has yet to finish."""
        return list(self._timed.values())

    def keep(self, held: Held) -> None:
        """Remember it, or what has become of it."""
        serial, sa = held.sa.serial, held.sa
        held.tidy()
        if serial not in self._all:
            self._all[serial] = held
            self._by_cookie.setdefault(sa.cookie_i, []).append(held)
        _place(self._timed, serial, held, held.half_open or bool(held.retries))
        _place(self._half_open, serial, held, held.half_open)
        address = self._began_at.setdefault(serial, sa.remote.address)  # a NAT may give it another one later
        neighbours = self._half_open_from.setdefault(address, {})
        _place(neighbours, serial, held, held.half_open)
        if not neighbours:
            del self._half_open_from[address]
        if sa.gone and serial not in self._ended:
            self._ended.append(serial)
            while len(self._ended) > ENDED_KEPT:
                self.forget(self._all[self._ended[0]])

    def forget(self, held: Held) -> None:
        """Remember nothing more of an SA that is over."""
        serial, cookie = held.sa.serial, held.sa.cookie_i
        del self._all[serial], self._began_at[serial]
        self._ended = deque(each for each in self._ended if each != serial)
        left = [each for each in self._by_cookie[cookie] if each is not held]
        if left:
            self._by_cookie[cookie] = left
        else:
            del self._by_cookie[cookie]

    def find(self, header: Header, source: Endpoint) -> Held | None:
        """Whose message this is (RFC 2408 §2.5.3).

        A first message names no responder cookie yet: a stranger's is known by the initiator's cookie and its address.
        All that has this side's own initiator cookie, and not another responder's, belongs to the SA that it began.
        """
        for held in self._by_cookie.get(header.cookie_i, ()):
            sa = held.sa
            is_first = header.cookie_r == UNUSED_COOKIE and header.exchange == sa.main.script.exchange
            if sa.role == "initiator":
                found = UNUSED_COOKIE in (header.cookie_r, sa.cookie_r) or header.cookie_r == sa.cookie_r
            else:
                found = header.cookie_r == sa.cookie_r or (is_first and sa.remote == source)
            if found and not sa.gone:
                return held
        return None

    def in_the_way(self, source: Endpoint) -> Collection[Held]:
        """The unfinished SAs of which one must go before a stranger from there may begin; none where there is room."""
        neighbours = self._half_open_from.get(source.address, {})
        if len(neighbours) >= HALF_OPEN_PER_ADDRESS:
            return neighbours.values()
        return self._half_open.values() if len(self._half_open) >= HALF_OPEN else ()

    def twin(self) -> Holding:
        """The same SAs, to go their own way."""
        twin = Holding()
        for held in self:
            twin.keep(held.twin())
        return twin


def _place(table: dict[int, Held], serial: int, held: Held, belongs: object) -> None:
    if belongs:
        table[serial] = held
    else:
        table.pop(serial, None)


class Pace:
    """At most so many in any second."""

    def __init__(self, most: int) -> None:
        self._recent: deque[float] = deque(maxlen=most)

    def allows(self, now: float) -> bool:
        """Whether one more may happen now; if so, it is counted."""
        if len(self._recent) == self._recent.maxlen and now - self._recent[0] < 1.0:
            return False
        self._recent.append(now)
        return True
