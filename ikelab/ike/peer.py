"""An endpoint without sockets, clock or chance of its own: datagrams and time go in, datagrams and events come out.

    peer.begin(Connect("net", remote), now)         start phase 1, then the connection's children
    peer.receive_datagram(octets, source, now)      never raises for what a datagram holds
    peer.datagrams_to_send()                        what to put on the wire now
    peer.next_timeout(), peer.handle_timeout(now)   when to wake up, and what to do then
    peer.events()                                   what happened since the last call

The retransmission machine beneath all exchanges is here: it knows when, the rows know whether, `step` knows what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ikelab.errors import Refusal
from ikelab.ike.config import Env, PeerConfig
from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import MODES, SCRIPTS
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.sa import Exchange, IkeSa
from ikelab.ike.script import ESTABLISHED, Row
from ikelab.ike.step import Outcome, begin, give_up, hear, is_final, is_hopeless, resend
from ikelab.ike.turn import Event
from ikelab.wire.message import HEADER_SIZE, Header, read_header
from ikelab.wire.numbers import Protocol
from ikelab.wire.payloads import Delete
from ikelab.wire.udp import Endpoint

UNUSED_COOKIE = bytes(8)
HALF_OPEN_PER_ADDRESS, HALF_OPEN = 5, 1000
"""SAs that strangers may have begun and not finished, for each address and in all."""


class Datagram(NamedTuple):
    """Octets on their way from this peer."""

    octets: bytes
    source: Endpoint
    destination: Endpoint


@dataclass(frozen=True, kw_only=True)
class Connect:
    """Talk to a peer: phase 1 of the connection of this name, then a Quick Mode for each of its children."""

    connection: str
    remote: Endpoint


@dataclass(frozen=True, kw_only=True)
class Disconnect:
    """Take leave: delete every child, then the ISAKMP SA."""


Task = Connect | Disconnect


@dataclass
class _Retry:
    """A message that waits for its answer. refused: why the last answer was no good; again: the one before it too."""

    due: float
    sent: int
    refused: Refusal | None = None
    again: bool = False


@dataclass
class _Held:
    """An SA and what this peer still wants from it."""

    sa: IkeSa
    born: float
    wanted: list[str]
    retries: dict[int, _Retry]
    begun: int = 0


class Peer:
    """One endpoint. `film` receives every Outcome, in order: it is how a run is recorded and explained."""

    def __init__(
        self, config: PeerConfig, env: Env, local: Endpoint, *, film: Callable[[Outcome, float], None] | None = None
    ) -> None:
        self.config, self.env, self.local = config, env, local
        self.film = film
        self._held: list[_Held] = []
        self._outbox: list[Datagram] = []
        self._events: list[Event] = []
        self._begun = 0

    # -- what its owner asks ---------------------------------------------------------------------------------------

    @property
    def sas(self) -> tuple[IkeSa, ...]:
        """Every ISAKMP SA that this peer remembers."""
        return tuple(held.sa for held in self._held)

    def begin(self, task: Task, now: float) -> None:
        """Start to do something. Raises Misuse where the task does not fit the configuration."""
        match task:
            case Connect(connection=name, remote=remote):
                self._connect(name, remote, now)
            case Disconnect():
                for held in list(self._held):
                    self._disconnect(held, now)

    def forget(self, cookie_i: bytes) -> None:
        """Remember nothing more of an ISAKMP SA that is over."""
        self._held = [held for held in self._held if not (held.sa.gone and held.sa.cookie_i == cookie_i)]

    def datagrams_to_send(self) -> list[Datagram]:
        """What to put on the wire now, each once."""
        outbox, self._outbox = self._outbox, []
        return outbox

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        events, self._events = self._events, []
        return events

    def next_timeout(self) -> float | None:
        """When `handle_timeout` has something to do; None while nothing waits."""
        dues = [retry.due for held in self._held for retry in held.retries.values()]
        dues += [held.born + self.config.profile.half_open for held in self._held if _half_open(held.sa)]
        return min(dues, default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat what nobody answered, give up what nobody will answer, forget strangers who never finished."""
        for held in list(self._held):
            for message_id, retry in list(held.retries.items()):
                if retry.due <= now:
                    self._retry(held, message_id, retry, now)
            if _half_open(held.sa) and held.born + self.config.profile.half_open <= now:
                self._forget(held)

    def receive_datagram(
        self, octets: bytes, source: Endpoint, now: float, destination: Endpoint | None = None
    ) -> None:
        """What came from the wire. Never raises for what a datagram holds.

        destination: where it was sent to, where that may be another address or port than `local`; answers go out there.
        """
        if len(octets) < HEADER_SIZE:
            return self._events.append(Event(name="ignored", text=f"{len(octets)} octets: too short for IKE"))
        header = read_header(octets)
        held = self._find(header)
        if held is None:
            held = self._stranger(header, source, destination or self.local, now)
            if held is None:
                return None
            return self._take(held, hear(held.sa, octets, self.env, self.config, is_new=True), now)
        return self._take(held, hear(held.sa, octets, self.env, self.config), now)

    # -- finding the SA ------------------------------------------------------------------------------------------

    def _find(self, header: Header) -> _Held | None:
        for held in self._held:
            sa = held.sa
            if sa.cookie_i != header.cookie_i or sa.gone:
                continue
            if header.cookie_r == sa.cookie_r:
                return held
            # The responder's first answer brings its cookie; the initiator's first message has none yet.
            if sa.role == "initiator" and sa.cookie_r == UNUSED_COOKIE:
                return held
            if sa.role == "responder" and header.cookie_r == UNUSED_COOKIE:
                return held
        return None

    def _stranger(self, header: Header, source: Endpoint, local: Endpoint, now: float) -> _Held | None:
        """A new SA for a first message; None, and a sentence, where none may be begun."""
        script = SCRIPTS.get(header.exchange)
        if header.cookie_r != UNUSED_COOKIE or header.message_id or script is None or header.cookie_i == UNUSED_COOKIE:
            why = "expected a message of a known SA, or the first of a new one with no responder cookie"
            self._events.append(Event(name="ignored", text=f"{why}, got cookies that name none (RFC 2408 §5.2)"))
            return None
        half_open = [held for held in self._held if _half_open(held.sa)]
        from_there = [held for held in half_open if held.sa.remote.address == source.address]
        if len(half_open) >= HALF_OPEN or len(from_there) >= HALF_OPEN_PER_ADDRESS:
            self._events.append(Event(name="ignored", text=f"too many unfinished conversations from {source.address}"))
            return None
        main = Exchange(script=script, role="responder")
        sa = IkeSa(role="responder", local=local, remote=source, cookie_i=header.cookie_i, main=main)
        return _Held(sa=sa, born=now, wanted=[], retries={})

    # -- doing -----------------------------------------------------------------------------------------------------

    def _connect(self, name: str, remote: Endpoint, now: float) -> None:
        connection = self.config.connection(name)
        self._begun += 1
        cookie = self.env.draw(f"{remote.address}/{self._begun}/CKY-I", 8)
        script = SCRIPTS[MODES[connection.mode]]
        main = Exchange(script=script, role="initiator")
        sa = IkeSa(role="initiator", local=self.local, remote=remote, cookie_i=cookie, main=main, connection=connection)
        held = _Held(sa=sa, born=now, wanted=[child.name for child in connection.children], retries={})
        self._held.append(held)
        self._take(held, begin(sa, main, self.env, self.config), now)

    def _disconnect(self, held: _Held, now: float) -> None:
        sa = held.sa
        if sa.established:
            own = {
                child.message_id: child for child in sa.children if child.sender != self._role_in(sa, child.message_id)
            }
            for child in own.values():
                self._tell(held, Delete(protocol=child.protocol, spis=(child.spi,)), now)
            self._tell(held, Delete(protocol=Protocol.ISAKMP, spis=(sa.cookie_i + sa.cookie_r,)), now)
        held.sa = replace(held.sa, gone="deleted by this side", children=())
        held.retries.clear()
        self._events.append(Event(name="deleted", text="this side deleted the ISAKMP SA"))

    def _role_in(self, sa: IkeSa, message_id: int) -> str:
        exchange = sa.exchanges.get(message_id)
        return exchange.role if exchange is not None else sa.role

    def _tell(self, held: _Held, payload: Delete, now: float) -> None:
        exchange = Exchange(script=INFORMATIONAL, role="initiator", message_id=self._fresh_id(held))
        self._take(held, begin(held.sa, exchange, self.env, self.config, (payload,)), now)

    def _fresh_id(self, held: _Held) -> int:
        """A message ID that this SA has never seen; never 0, which is phase 1's."""
        while True:
            held.begun += 1
            drawn = int.from_bytes(self.env.draw(f"{held.sa.cookie_i.hex()}/{held.sa.role}/M-ID {held.begun}", 4))
            if drawn and drawn not in held.sa.exchanges:
                return drawn

    def _go_on(self, held: _Held, now: float) -> None:
        """Begin the next child that is wanted, one after the other."""
        if not held.sa.established or any(
            not exchange.over and exchange.role == "initiator" for exchange in held.sa.exchanges.values()
        ):
            return
        if held.wanted:
            name = held.wanted.pop(0)
            assert held.sa.connection is not None
            child = next(child for child in held.sa.connection.children if child.name == name)
            exchange = Exchange(script=QUICK_MODE, role="initiator", message_id=self._fresh_id(held), child=child)
            self._take(held, begin(held.sa, exchange, self.env, self.config), now)

    def _take(self, held: _Held, outcome: Outcome, now: float) -> None:
        """Commit an outcome: remember the SA, set or clear the timer, put the datagram in the outbox, tell the film."""
        if outcome.after is not None:
            held.sa = outcome.after
            if held not in self._held:
                self._held.append(held)
        retry = held.retries.get(outcome.message_id)
        if retry is not None and outcome.refused is not None and is_final(outcome.refused):
            retry.refused = outcome.refused
        if isinstance(outcome.fired, Row):
            held.retries.pop(outcome.message_id, None)
            if outcome.fired.resend and outcome.said is not None:
                self._wait(held, outcome.message_id, 1, now)
        if outcome.after is not None and outcome.after.gone:
            held.retries.clear()
        for message_id in [m for m, _ in held.retries.items() if (e := held.sa.exchange(m)) is None or e.over]:
            del held.retries[message_id]
        if outcome.said is not None:
            self._outbox.append(Datagram(outcome.said, held.sa.local, held.sa.remote))
        self._events += outcome.events
        if self.film is not None:
            self.film(outcome, now)
        if outcome.after is not None and not outcome.after.gone and outcome.after.state == ESTABLISHED:
            self._go_on(held, now)

    def _retry(self, held: _Held, message_id: int, retry: _Retry, now: float) -> None:
        exchange = held.sa.exchange(message_id)
        assert exchange is not None
        hopeless = is_hopeless(exchange) or (retry.refused is not None and retry.again)
        if hopeless or self.config.profile.wait(retry.sent + 1) is None:
            del held.retries[message_id]
            self._take(held, give_up(held.sa, message_id, retry.refused), now)
        else:
            self._wait(held, message_id, retry.sent + 1, now, again=retry.refused is not None)
            self._take(held, resend(held.sa, message_id), now)

    def _wait(self, held: _Held, message_id: int, sent: int, now: float, *, again: bool = False) -> None:
        profile = self.config.profile
        wait = profile.wait(sent)
        assert wait is not None
        if profile.jitter:
            label = f"{held.sa.cookie_i.hex()}/{held.sa.role}/{message_id:08x}/jitter {sent}"
            fraction = int.from_bytes(self.env.draw(label, 4)) / 2**32
            wait *= 1 + profile.jitter * (2 * fraction - 1)
        held.retries[message_id] = _Retry(due=now + wait, sent=sent, again=again)

    def _forget(self, held: _Held) -> None:
        self._held.remove(held)
        self._events.append(Event(name="forgotten", text=f"{held.sa.remote} never finished {held.sa.main.script.name}"))


def _half_open(sa: IkeSa) -> bool:
    return sa.role == "responder" and not sa.established and not sa.gone
