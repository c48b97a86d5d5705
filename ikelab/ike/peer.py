"""An endpoint without sockets, clock or chance of its own: datagrams and time go in, datagrams and events come out.

    peer.begin(Connect("net", remote), now)         start phase 1, then the connection's children
    peer.receive_datagram(octets, source, now)      never raises for what a datagram holds
    peer.datagrams_to_send()                        what to put on the wire now
    peer.next_timeout(), peer.handle_timeout(now)   when to wake up, and what to do then
    peer.events()                                   what happened since the last call

The retransmission machine beneath all exchanges is here: it knows when, the rows know whether, `step` knows what.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from ikelab.errors import Misuse, Refusal
from ikelab.ike.config import Env, PeerConfig
from ikelab.ike.held import Held, Holding, Pace, Retry
from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.natt import NATT_PORT, NatTraversal
from ikelab.ike.phase1 import MODES, SCRIPTS
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.rules import COMPLAINT, GIVE_UP, REFUSE, REMIND, REPEAT
from ikelab.ike.sa import UNUSED_COOKIE, Exchange, IkeSa
from ikelab.ike.script import Row
from ikelab.ike.spent import MOST
from ikelab.ike.step import Outcome, begin, decline, expire, give_up, hear, ignore, leave, resend
from ikelab.ike.turn import Event
from ikelab.wire.message import HEADER_SIZE, Header, read_header
from ikelab.wire.numbers import ExchangeType, Protocol
from ikelab.wire.payloads import Delete
from ikelab.wire.udp import Endpoint

STRANGERS_PER_SECOND = 10
"""Answers of two kinds to whoever has not shown that it hears them: complaints in clear, and Aggressive Mode's."""
MOST_UNREAD = 1000
"""Events and datagrams that are kept for an owner who does not fetch them; then the oldest is dropped."""


class Datagram(NamedTuple):
    """Octets on their way from this peer."""

    octets: bytes
    source: Endpoint
    destination: Endpoint


@dataclass(frozen=True, kw_only=True)
class Connect:
    """Talk to a peer: phase 1 of the connection of this name, then a Quick Mode for each of its children.

    natt_port: the other side's port where a NAT was found. A negotiation may begin there (RFC 3947 §4).
    """

    connection: str
    remote: Endpoint
    natt_port: int = NATT_PORT


@dataclass(frozen=True, kw_only=True)
class Protect:
    """One more Quick Mode for a child, under the newest ISAKMP SA of its connection, whichever side began that."""

    connection: str
    child: str


@dataclass(frozen=True, kw_only=True)
class Disconnect:
    """Take leave: delete every child, then the ISAKMP SA."""


Task = Connect | Protect | Disconnect
Film = Callable[[Outcome, float], None]


class Peer:
    """One endpoint. `film` receives every Outcome, in order: it is how a run is recorded and explained."""

    def __init__(self, config: PeerConfig, env: Env, local: Endpoint, *, film: Film | None = None) -> None:
        self.config, self.env, self.local = config, env, local
        self.film = film
        self._holding = Holding()
        self._outbox: deque[Datagram] = deque(maxlen=MOST_UNREAD)
        self._events: deque[Event] = deque(maxlen=MOST_UNREAD)
        self._serial = 0
        self._complaints, self._aggressive = Pace(STRANGERS_PER_SECOND), Pace(STRANGERS_PER_SECOND)

    def __copy__(self) -> Peer:
        """A twin that remembers the same and goes its own way from here; the frozen records are shared."""
        twin = Peer(self.config, self.env, self.local)
        twin._holding = self._holding.twin()
        twin._serial = self._serial
        return twin

    # -- what its owner asks ---------------------------------------------------------------------------------------

    @property
    def sas(self) -> tuple[IkeSa, ...]:
        """Every ISAKMP SA that this peer remembers, the oldest first; among them the latest of those that are over."""
        return tuple(held.sa for held in self._holding)

    def begin(self, task: Task, now: float) -> None:
        """Start to do something. Raises Misuse where the task does not fit the configuration or what there is."""
        match task:
            case Connect():
                self._connect(task, now)
            case Protect(connection=name, child=child):
                self._protect(name, child, now)
            case Disconnect():
                for held in self._holding:
                    self._disconnect(held, now)

    def forget(self, cookie_i: bytes) -> None:
        """Remember nothing more of an ISAKMP SA that is over."""
        for held in self._holding:
            if held.sa.gone and held.sa.cookie_i == cookie_i:
                self._holding.forget(held)

    def datagrams_to_send(self) -> list[Datagram]:
        """What to put on the wire now, each once."""
        outbox = list(self._outbox)
        self._outbox.clear()
        return outbox

    def events(self) -> list[Event]:
        """What has happened since the last call."""
        events = list(self._events)
        self._events.clear()
        return events

    def next_timeout(self) -> float | None:
        """When `handle_timeout` has something to do; None while nothing waits."""
        timed = self._holding.timed()
        dues = [retry.due for held in timed for retry in held.retries.values()]
        dues += [held.born + self.config.profile.half_open for held in timed if held.half_open]
        return min(dues, default=None)

    def handle_timeout(self, now: float) -> None:
        """Repeat what nobody answered, give up what nobody will answer, forget strangers who never finished."""
        for held in self._holding.timed():
            for message_id, retry in list(held.retries.items()):
                if retry.due <= now and message_id in held.retries:
                    self._retry(held, message_id, retry, now)
            if held.half_open and held.born + self.config.profile.half_open <= now:
                self._take(held, expire(held.sa, "the time for it is over"), now)

    def receive_datagram(
        self, octets: bytes, source: Endpoint, now: float, destination: Endpoint | None = None
    ) -> None:
        """What came from the wire. Never raises for what a datagram holds.

        destination: where it was sent to, where that may be another address or port than `local`; answers go out there.
        """
        if len(octets) < HEADER_SIZE:
            self._drop(octets, f"{len(octets)} octets: too short for IKE", now)
            return
        header = read_header(octets)
        held = self._holding.find(header, source)
        if held is not None:
            path = source, destination or held.sa.local
            self._take(held, hear(held.sa, octets, self.env, self.config, path=path), now)
        else:
            self._receive_first(octets, header, source, destination or self.local, now)

    # -- strangers -------------------------------------------------------------------------------------------------

    def _receive_first(self, octets: bytes, header: Header, source: Endpoint, local: Endpoint, now: float) -> None:
        """A first message begins a new SA, if it may."""
        script = SCRIPTS.get(header.exchange)
        if script is None or header.cookie_r != UNUSED_COOKIE or header.message_id or header.cookie_i == UNUSED_COOKIE:
            why = "expected a message of a known SA, or the first of a new one with no responder cookie"
            self._drop(octets, f"{why}, got cookies that name none (RFC 2408 §5.2)", now)
            return
        crowd = self._holding.in_the_way(source)
        oldest = next((held for held in crowd if held.unheard), None)
        if crowd and oldest is None:
            self._drop(octets, f"too many unfinished conversations from {source.address}", now)
            return
        # Aggressive Mode's first answer costs a Diffie-Hellman exchange, and goes to whoever was named as source.
        if header.exchange == ExchangeType.AGGRESSIVE and not self._aggressive.allows(now):
            self._drop(octets, "too many first messages of Aggressive Mode in this second", now)
            return
        sa = IkeSa(
            role="responder", local=local, remote=source, cookie_i=header.cookie_i, serial=self._serial + 1,
            main=Exchange(script=script, role="responder"),
        )  # fmt: skip
        outcome = hear(sa, octets, self.env, self.config, is_new=True)
        if outcome.after is not None:
            self._serial += 1
            if oldest is not None:
                self._take(oldest, expire(oldest.sa, "others began too many"), now)
        self._take(Held(sa=sa, born=now), outcome, now)

    def _drop(self, octets: bytes, why: str, now: float) -> None:
        self._tell_owner(ignore(octets, why), now)

    # -- doing -----------------------------------------------------------------------------------------------------

    def _connect(self, task: Connect, now: float) -> None:
        connection, remote = self.config.connection(task.connection), task.remote
        local = self.local
        if remote.port == task.natt_port and self.config.nat_traversal is not NatTraversal.OFF:
            local = local._replace(port=self.config.natt_port)
        self._serial += 1
        sa = IkeSa(
            role="initiator",
            local=local,
            remote=remote,
            remote_natt_port=task.natt_port,
            serial=self._serial,
            cookie_i=self.env.draw(f"{remote.address}/{self._serial}/CKY-I", 8),
            main=Exchange(script=SCRIPTS[MODES[connection.mode]], role="initiator"),
            connection=connection,
        )
        held = Held(sa=sa, born=now, wanted=[child.name for child in connection.children])
        self._take(held, begin(sa, sa.main, self.env, self.config), now)

    def _protect(self, name: str, child: str, now: float) -> None:
        connection = self.config.connection(name)
        if child not in [each.name for each in connection.children]:
            known = ", ".join(each.name for each in connection.children) or "none"
            raise Misuse(f"connection {name}: expected one of its children ({known}), got {child!r}")
        mine = [held for held in self._holding if held.sa.connection == connection and not held.sa.gone]
        if not mine:
            raise Misuse(f"connection {name}: expected an ISAKMP SA that a Quick Mode can run under, got none")
        mine[-1].wanted.append(child)
        self._go_on(mine[-1], now)

    def _disconnect(self, held: Held, now: float) -> None:
        if held.sa.gone:
            return
        held.wanted.clear()
        if held.sa.established:
            for child in held.sa.children:
                if child.inbound:
                    self._tell(held, Delete(protocol=child.protocol, spis=(child.spi,)), now)
            self._tell(held, Delete(protocol=Protocol.ISAKMP, spis=(held.sa.cookie_i + held.sa.cookie_r,)), now)
        self._take(held, leave(held.sa), now)

    def _tell(self, held: Held, payload: Delete, now: float) -> None:
        exchange = Exchange(script=INFORMATIONAL, role="initiator", message_id=self._fresh_id(held))
        self._take(held, begin(held.sa, exchange, self.env, self.config, (payload,)), now)

    def _fresh_id(self, held: Held) -> int:
        """A message ID that this SA has never seen; never 0, which is phase 1's."""
        while True:
            held.begun += 1
            place = f"SA {held.sa.serial}/{held.sa.cookie_i.hex()}/{held.sa.role}"
            drawn = int.from_bytes(self.env.draw(f"{place}/M-ID {held.begun}", 4))
            if drawn and not held.sa.has_seen(drawn):
                return drawn

    def _go_on(self, held: Held, now: float) -> None:
        """Begin the next children that are wanted, as many at once as the configuration says."""
        while held.wanted and held.sa.established:
            if sum(exchange.role == "initiator" for exchange in held.sa.waiting) >= self.config.at_once:
                return
            if held.sa.exchange_count >= MOST:
                self._disconnect(held, now)
                return
            assert held.sa.connection is not None
            name = held.wanted.pop(0)
            child = next(child for child in held.sa.connection.children if child.name == name)
            exchange = Exchange(script=QUICK_MODE, role="initiator", message_id=self._fresh_id(held), child=child)
            self._take(held, begin(held.sa, exchange, self.env, self.config), now)

    # -- what follows from an outcome ------------------------------------------------------------------------------

    def _take(self, held: Held, outcome: Outcome, now: float) -> None:
        """Commit an outcome: remember the SA, set or clear timers, send, tell the film; then what follows from it."""
        outcome = self._in_measure(held, outcome, now)
        if outcome.after is not None:
            held.sa = outcome.after
            self._time(held, outcome, now)
            self._holding.keep(held)
        if outcome.said is not None:
            self._outbox.append(Datagram(outcome.said, held.sa.local, held.sa.remote))
        self._tell_owner(outcome, now)
        if outcome.after is not None and not outcome.after.gone:
            self._follow(held, outcome, now)
            self._go_on(held, now)

    def _tell_owner(self, outcome: Outcome, now: float) -> None:
        self._events += outcome.events
        if self.film is not None:
            self.film(outcome, now)

    def _in_measure(self, held: Held, outcome: Outcome, now: float) -> Outcome:
        """The outcome, or the same in silence: nobody can make a peer repeat itself or complain without end."""
        if outcome.said is None:
            return outcome
        if outcome.fired is REMIND and held.refused is not None:
            return replace(outcome, fired=REFUSE, said=None, refused=_too_early_after(held.refused, outcome))
        if outcome.fired in (REPEAT, REMIND):
            message_id = 0 if outcome.fired is REMIND else outcome.message_id
            again = held.repeated.get(message_id, 0) + 1
            if again > self.config.profile.tries:
                return replace(outcome, said=None)
            held.repeated[message_id] = again
        elif outcome.fired is REFUSE and not self._complaints.allows(now):
            return replace(outcome, said=None)
        return outcome

    def _time(self, held: Held, outcome: Outcome, now: float) -> None:
        """Set the timer of what was said, clear that of what was answered, note what speaks against waiting."""
        fired, message_id = outcome.fired, outcome.message_id
        if not message_id and fired is REFUSE and outcome.doubt is not None:
            held.refused = outcome.refused
        elif not message_id and (fired is REPEAT or isinstance(fired, Row)):
            held.refused = None
        if isinstance(fired, Row):
            held.retries.pop(message_id, None)
            held.repeated.pop(message_id, None)
            if fired.resend and outcome.said is not None:
                held.retries[message_id] = Retry(due=now + self._wait(held, message_id, 1))
        if outcome.doubt is not None:
            meant = list(held.retries) if held.sa.established else [0]
            for each in meant:
                if each in held.retries:
                    held.retries[each] = held.retries[each].doubted(
                        outcome.doubt, proven=outcome.proven and fired is COMPLAINT
                    )

    def _follow(self, held: Held, outcome: Outcome, now: float) -> None:
        """What a peer does of its own accord because of what has just happened."""
        sa, message_id = held.sa, outcome.message_id
        fired, header = outcome.fired, outcome.sheet.header if outcome.sheet else None
        if fired is REFUSE and outcome.proven and header is not None and header.exchange == ExchangeType.QUICK_MODE:
            self._take(held, decline(outcome, self._fresh_id(held), self.env, self.config), now)
        elif fired is GIVE_UP and message_id:
            exchange = sa.exchange(message_id)
            if exchange is not None and exchange.choice is not None:
                # The other side may have set up its SAs, with message 2 or 3: nobody hears what it sends with them.
                for protocol, spi in (number for pact in exchange.pacts for number in pact.own.items()):
                    if protocol != Protocol.IPCOMP:
                        self._tell(held, Delete(protocol=protocol, spis=(spi,)), now)
            if held.sa.unconfirmed:
                self._take(held, give_up(held.sa, 0, outcome.refused), now)

    # -- the retransmission machine --------------------------------------------------------------------------------

    def _retry(self, held: Held, message_id: int, retry: Retry, now: float) -> None:
        if retry.hopeless or self.config.profile.wait(retry.sent + 1) is None:
            self._take(held, give_up(held.sa, message_id, retry.reason), now)
            return
        if held.sa.unconfirmed:  # the answer may be missing because the end of phase 1 never arrived
            self._take(held, resend(held.sa, 0), now)
        wait = self._wait(held, message_id, retry.sent + 1)
        held.retries[message_id] = Retry(due=now + wait, doubts=(*retry.doubts, None))
        self._take(held, resend(held.sa, message_id), now)

    def _wait(self, held: Held, message_id: int, sent: int) -> float:
        """Seconds until a message that was now said for the `sent`th time is missed."""
        profile, exchange = self.config.profile, held.sa.exchange(message_id)
        wait = profile.wait(sent)
        assert wait is not None
        assert exchange is not None
        if not profile.jitter:
            return wait
        place = f"SA {held.sa.serial}/{held.sa.cookie_i.hex()}/{exchange.role}/{message_id:08x}/{exchange.number}"
        fraction = int.from_bytes(self.env.draw(f"{place}/jitter {sent}", 4)) / 2**32
        return wait * (1 + profile.jitter * (2 * fraction - 1))


def _too_early_after(refused: Refusal, outcome: Outcome) -> Refusal:
    """Why a message of phase 2 is refused where the end of phase 1 has come, and was refused itself."""
    early = outcome.refused
    assert early is not None
    return Refusal(why=early.why, rfc=early.rfc, hint=f"the message in between came, and was refused: {refused.why}")
