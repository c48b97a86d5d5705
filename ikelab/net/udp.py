"""A peer on a real network: UDP sockets, the machine's clock and true chance around the pure engine.

    async with Station(config, bind="10.99.0.1", gateway=Endpoint("10.99.0.2", 500)) as station:
        station.begin(Connect(connection="net", remote=station.gateway))
        await station.until(lambda: ...)

Without a `bind` it stays on loopback: naming another address of this machine is the consent to leave it. Chance that
comes from a seed never leaves loopback at all, for whoever knows the seed knows every secret.
On the port for NAT traversal IKE messages stand behind four zero octets (RFC 3948 §2.2); the engine never sees those.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Self, cast

from ikelab.errors import Misuse
from ikelab.ike.config import Env, NatTraversal, PeerConfig
from ikelab.ike.identity import IKE_PORT, read_address
from ikelab.ike.peer import Peer, Task
from ikelab.ike.sa import IkeSa
from ikelab.ike.turn import Event
from ikelab.net.peel import CapturedDatagram
from ikelab.net.recording import MOST_PACKETS, Packet, recording
from ikelab.net.sockets import address_of, address_towards, bound, connect
from ikelab.net.tape import Tape
from ikelab.timeline.live import Carried, Fate
from ikelab.wire.udp import NAT_KEEPALIVE, NON_ESP_MARKER, Carries, Endpoint, Ports, classify

LOOPBACK = "127.0.0.1"

DEAF = 2
"""How many ICMP errors in a row, and no answer, say that a gateway is not there. One may be a daemon that restarts."""
MOST_TROUBLES = 20
SECONDS_BETWEEN_KEEPALIVES = 20.0
"""RFC 3948 §4."""

HearEsp = Callable[[bytes, Endpoint, Endpoint], None]
"""Takes an ESP packet that came in UDP, from where, and to which endpoint of this machine."""


class Live:
    """Chance that nobody can foresee, of the operating system: the only one that may leave loopback."""

    def draw(self, label: str, size: int) -> bytes:
        """That many octets; the label plays no part."""
        return secrets.token_bytes(size)


class Station:
    """A Peer with sockets. `tape` records every thought and every datagram, times in seconds since `begun`.

    bind: the address of this machine to use; the unspecified one (0.0.0.0, ::) listens on all. port: 0 for any that is
    free. natt_port: a second port, as NAT traversal has it; None for no such, and then no NAT is
    traversed, whatever the configuration says. gateway: talk to this endpoint alone.
    begun is in seconds since 1970. Nothing is opened before `open`, which raises Misuse where a socket cannot be had.
    """

    def __init__(
        self,
        config: PeerConfig,
        *,
        bind: str = LOOPBACK,
        port: int = IKE_PORT,
        natt_port: int | None = None,
        gateway: Endpoint | None = None,
        env: Env | None = None,
    ) -> None:
        self.gateway = gateway
        self._local = address_of(bind, "bind")
        self._check(port, natt_port, gateway)
        if self._local.is_unspecified and gateway is not None:
            self._local = address_of(address_towards(gateway.address), "bind")
        env = env or Live()
        if not isinstance(env, Live) and not self._local.is_loopback:
            raise Misuse(
                f"bind: expected a loopback address for chance that comes from a seed, got {bind}: whoever knows the "
                "seed would know every secret"
            )
        self._config, self._env = config, env
        self._wanted = {Carries.IKE: port} | ({Carries.ESP: natt_port} if natt_port is not None else {})
        self.tape = Tape()
        self.begun = time.time()
        self._zero = time.monotonic()
        self.news: list[tuple[float, Event]] = []
        self.troubles: list[str] = []
        self.heard_anything = False
        self._deaf = 0
        self._failure: Misuse | None = None
        self._stirred = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._ears: dict[int, _Ear] = {}
        self._marked: set[int] = set()
        self.hear_esp: HearEsp | None = None
        self.after_thought: Callable[[], None] | None = None
        self.packets: deque[Packet] = deque(maxlen=MOST_PACKETS)
        self._keepalive: asyncio.TimerHandle | None = None

    def _check(self, port: int, natt_port: int | None, gateway: Endpoint | None) -> None:
        if not 0 <= port <= 65535:
            raise Misuse(f"port: expected a UDP port from 0 (any) to 65535, got {port}")
        if natt_port is not None and (not 0 <= natt_port <= 65535 or natt_port == port != 0):
            raise Misuse(f"NAT-T port: expected a UDP port from 0 (any) to 65535 other than {port}, got {natt_port}")
        if gateway is None:
            return
        remote = address_of(gateway.address, "gateway")
        if not 1 <= gateway.port <= 65535 or remote.is_unspecified or remote.is_multicast:
            raise Misuse(f"gateway: expected one peer's address and a UDP port from 1 to 65535, got {gateway}")
        if remote.version != self._local.version:
            raise Misuse(f"bind: expected an address of the gateway's family ({remote}), got {self._local}")
        if self._local.is_loopback != remote.is_loopback and not self._local.is_unspecified:
            raise Misuse(
                f"bind: expected an address of this machine that reaches {remote}, got {self._local}; on the command "
                "line --bind ADDRESS is the consent to leave loopback"
            )

    # -- opening and closing -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Bind the sockets. Raises Misuse, and then nothing stays open."""
        try:
            for carries, port in self._wanted.items():
                ear = await self._ear(port, marked=carries is Carries.ESP)
                self._ears[ear.local.port] = ear
        except BaseException:
            self.close()
            raise
        self.local = next(iter(self._ears.values())).local
        marked = tuple(self._marked_ports())
        self._ports = Ports(ike=frozenset({self.local.port}), encapsulating=frozenset(marked))
        self.peer = Peer(_able(self._config, marked), self._env, self.local)
        self.peer.film = self.tape.film(self.peer)

    def close(self) -> None:
        """Close the sockets; what was handed to them is sent first. Says nothing to the other side: see `begin`."""
        for timer in (self._timer, self._keepalive):
            if timer is not None:
                timer.cancel()
        self._timer = self._keepalive = None
        for ear in self._ears.values():
            ear.transport.close()
        self._ears.clear()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()
        await asyncio.sleep(0)  # the transports close their sockets on the next turn of the loop

    async def _ear(self, port: int, *, marked: bool) -> _Ear:
        local, remote = Endpoint(str(self._local), port), self.gateway
        plug = bound(local)
        try:
            if remote is not None and not marked:
                connect(plug, remote)
            found = plug.getsockname()
            plug.setblocking(False)
            ear = _Ear(self, Endpoint(str(found[0]), int(found[1])), marked=marked, connected=remote is not None)
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: ear, sock=plug)
        except BaseException:
            plug.close()
            raise
        return ear

    def _marked_ports(self) -> Iterator[int]:
        return (port for port, ear in self._ears.items() if ear.marked)

    # -- what its owner asks ---------------------------------------------------------------------------------------

    @property
    def ends(self) -> tuple[Endpoint, ...]:
        """Where it listens, the port of IKE first."""
        return tuple(ear.local for ear in self._ears.values())

    @property
    def now(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._zero

    def begin(self, task: Task) -> None:
        """Start to do something. Raises Misuse where the task does not fit the configuration."""
        self.peer.begin(task, self.now)
        self._settle()

    async def until(self, done: Callable[[], bool], *, at_most: float | None = None) -> None:
        """Go on until `done` says so, or for `at_most` seconds; it is asked after every thought and every `stir`.

        Raises Misuse where the gateway cannot be reached at all.
        """
        end = None if at_most is None else self.now + at_most
        while not done():
            if self._failure is not None:
                raise self._failure
            self._stirred.clear()
            left = None if end is None else end - self.now
            if left is not None and left <= 0:
                return
            try:
                await asyncio.wait_for(self._stirred.wait(), left)
            except TimeoutError:
                return

    def send_esp(self, octets: bytes, source: Endpoint, destination: Endpoint) -> None:
        """Put an ESP packet into UDP (RFC 3948 §2.1). Raises Misuse where `source` is no port of NAT traversal."""
        ear = self._ears.get(source.port)
        if ear is None or not ear.marked:
            raise Misuse(f"ESP in UDP: expected to send from a port of NAT traversal, got {source}")
        self.packets.append(Packet(self.now, octets, source, destination))
        ear.transport.sendto(octets, tuple(destination))

    def _hear_esp(self, octets: bytes, source: Endpoint, local: Endpoint) -> None:
        self.packets.append(Packet(self.now, octets, source, local))
        if self.hear_esp is not None:
            self.hear_esp(octets, source, local)

    def watch(self, fileno: int, ready: Callable[[], None]) -> None:
        """Call `ready` whenever something can be read there, until `unwatch`."""
        asyncio.get_running_loop().add_reader(fileno, ready)

    def unwatch(self, fileno: int) -> None:
        """No longer wait for that."""
        asyncio.get_running_loop().remove_reader(fileno)

    def stir(self) -> None:
        """Let `until` ask again."""
        self._stirred.set()

    def captured(self, wire: Iterable[Carried]) -> Iterator[CapturedDatagram]:
        """What was recorded, as a capture would show it: with IP and UDP headers, and markers where they travelled.

        Between the messages of IKE stand the ESP packets that passed, the latest ones if there were very many.
        """
        return recording(wire, self.packets, marked=self._marked, begun=self.begun)

    # -- between the sockets and the peer ------------------------------------------------------------------------------

    def hear(self, octets: bytes, source: Endpoint, ear: _Ear) -> None:
        """A datagram came to one of the sockets."""
        if self.gateway is not None and source.address != self.gateway.address:
            return self.trouble(f"a datagram from {source}, which is not the gateway, was passed over")
        content = classify(octets, 0, ear.local.port, ports=self._ports)
        if content.carries is Carries.KEEPALIVE:
            return None
        try:
            local = self._addressed(source, ear)
        except Misuse as problem:
            return self.trouble(str(problem))
        if content.carries is Carries.ESP:
            return self._hear_esp(content.octets, source, local)
        self.heard_anything = True
        now, number = self.now, self.tape.number
        self.tape.put(_carried(number, now, source, local, content.octets))
        self._mark(number, ear)
        with self.tape.hearing(number):
            self.peer.receive_datagram(content.octets, source, now, local)
        return self._settle()

    def _addressed(self, source: Endpoint, ear: _Ear) -> Endpoint:
        """Which endpoint of this machine was asked: where it listens on all, the one that answers go out from."""
        if read_address(source.address) is None:
            raise Misuse(f"{source}: expected an address that means the same on every link, and passed it over")
        if not self._local.is_unspecified:
            return ear.local
        return Endpoint(address_towards(source.address), ear.local.port)

    def _mark(self, number: int, ear: _Ear) -> None:
        if ear.marked:
            self._marked.add(number)

    def complain(self, problem: OSError) -> None:
        """The network says that what was sent did not arrive (ICMP), or this machine would not send it.

        Anyone can forge ICMP, so it never ends what has begun to answer: then the timers decide.
        """
        self._deaf += 1
        reason = problem.strerror or str(problem)
        self.trouble(f"sending to {self.gateway or 'a peer'}: {reason}")
        if self.gateway is not None and not self.heard_anything and self._deaf >= DEAF:
            refused = problem.errno == errno.ECONNREFUSED
            nobody = ": nobody listens on that port (ICMP port unreachable)" if refused else ""
            self._failure = Misuse(f"{self.gateway}: expected a peer that answers IKE, got: {reason}{nobody}")
        self.stir()

    def trouble(self, sentence: str) -> None:
        """Remember what went wrong around the engine; the owner may want to say it."""
        if sentence not in self.troubles and len(self.troubles) < MOST_TROUBLES:
            self.troubles.append(sentence)

    def _settle(self) -> None:
        """Send what the peer wants to say, take its news, and set the timer to what it waits for."""
        for datagram in self.peer.datagrams_to_send():
            number = self.tape.said()
            self.tape.put(_carried(number, self.now, datagram.source, datagram.destination, datagram.octets))
            ear = self._ears.get(datagram.source.port)
            if ear is not None:
                self._mark(number, ear)
                ear.say(datagram.octets, datagram.destination)
        self.news += ((self.now, event) for event in self.peer.events())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.peer.next_timeout()
        if due is not None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, due - self.now), self._wake)
        if self._keepalive is None and self._behind_a_nat():
            self._keepalive = asyncio.get_running_loop().call_later(SECONDS_BETWEEN_KEEPALIVES, self._keep_awake)
        self.stir()
        if self.after_thought is not None:
            self.after_thought()

    def _behind_a_nat(self) -> list[IkeSa]:
        """The SAs whose NAT would forget this side if it fell silent."""
        return [sa for sa in self.peer.sas if sa.established and sa.natt is not None and sa.natt.local_behind]

    def _keep_awake(self) -> None:
        """One octet that means nothing, for every NAT that this side is behind (RFC 3948 §4)."""
        self._keepalive = None
        for sa in self._behind_a_nat():
            ear = self._ears.get(sa.local.port)
            if ear is not None and ear.marked:
                ear.transport.sendto(NAT_KEEPALIVE, tuple(sa.remote))
        self._settle()

    def _wake(self) -> None:
        self._timer = None
        self.peer.handle_timeout(self.now)
        self._settle()


class _Ear(asyncio.DatagramProtocol):
    """One socket. marked: whether IKE stands behind a Non-ESP Marker there."""

    transport: asyncio.DatagramTransport

    def __init__(self, station: Station, local: Endpoint, *, marked: bool, connected: bool) -> None:
        self.station, self.local, self.marked = station, local, marked
        self.connected = connected and not marked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.station.hear(data, Endpoint(addr[0], addr[1]), self)

    def error_received(self, exc: Exception) -> None:
        if isinstance(exc, OSError):
            self.station.complain(exc)
        else:
            self.station.trouble(str(exc))

    def say(self, octets: bytes, destination: Endpoint) -> None:
        marker = NON_ESP_MARKER if self.marked else b""
        self.transport.sendto(marker + octets, None if self.connected else tuple(destination))


def _able(config: PeerConfig, marked: tuple[int, ...]) -> PeerConfig:
    """The configuration of a peer that can go to this port where a NAT is found, or cannot go anywhere."""
    if not marked:
        return replace(config, nat_traversal=NatTraversal.OFF)
    return replace(config, natt_port=marked[0])


def _carried(number: int, now: float, source: Endpoint, destination: Endpoint, octets: bytes) -> Carried:
    """A datagram as one end sees it: what became of the ones that it sent, nobody tells."""
    return Carried(
        number=number,
        time=now,
        arrives=now,
        source=source,
        destination=destination,
        sent=octets,
        octets=octets,
        fate=Fate.DELIVERED,
    )
