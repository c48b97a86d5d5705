"""Real packets through real SAs: what the kernel routes into a TUN device leaves as ESP in UDP, and the other way back.

    with Tunnel(station, device, boundary_of(config), ask=...):

A packet that a policy protects and for which there is no SA yet is kept while IKE makes one (RFC 4301 §5.1 step 3b).
Whatever does not pass is counted; the first of each kind is told with its reason.
"""

from __future__ import annotations

import secrets
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from ipaddress import ip_address, summarize_address_range
from typing import Self

from ikelab.errors import Misuse
from ikelab.ike.config import TUNNEL_MODES, Child, PeerConfig
from ikelab.ike.sa import IkeSa, IpsecSa
from ikelab.ike.selector import Selector
from ikelab.ipsec.association import Association, UdpPorts
from ikelab.ipsec.boundary import Boundary, Crossed, How, NeedsIke, Outcome, enter_esp, guarded_by, leave
from ikelab.ipsec.policy import Action, Policy, Template
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.sad import Name
from ikelab.net.associations import association_of
from ikelab.net.tun import Tun
from ikelab.net.udp import Station
from ikelab.wire import ip
from ikelab.wire.numbers import Protocol
from ikelab.wire.udp import Endpoint

MOST_AT_A_TIME = 64
"""Packets that are taken from the device before anything else gets its turn."""
MOST_KEPT = 16
"""Packets that wait for an SA; then the oldest is dropped."""
SECONDS_BETWEEN_QUESTIONS = 1.0


def carried(sa: IkeSa, child: IpsecSa) -> Association:
    """One direction of a child as a station carries it. Raises Misuse for what does not travel as ESP tunnel in UDP."""
    if child.protocol != Protocol.ESP or len(child.choice.protocols) > 1 or child.choice.mode not in TUNNEL_MODES:
        raise Misuse(f"--tun: expected ESP alone, in tunnel mode, got {child.words}")
    here, there = (sa.remote, sa.local) if child.inbound else (sa.local, sa.remote)
    return association_of(sa, child, udp=UdpPorts(source=here.port, destination=there.port))


def boundary_of(config: PeerConfig) -> Boundary:
    """The policies that a peer's children are: their packets are protected, nothing else passes. Raises Misuse.

    Its addresses are those of the SAs to come.
    """
    protecting = []
    for connection in config.connections:
        for child in connection.children:
            local, remote = _named_ends(child)
            template = Template(connection=connection.name, child=child.name)
            protecting.append(
                Policy(name=child.name, local=local, remote=remote, action=Action.PROTECT, template=template)
            )
    return guarded_by(protecting, addresses=())


def device_for(config: PeerConfig, name: str, own: Collection[str]) -> Tun:
    """A device for all that a peer protects: routes to the far networks, an address in the near ones.

    own: the addresses that this machine has; where none of them is in a near network, the device gets the first one of
    that. Raises Misuse where a child does not name its networks.
    """
    routes: dict[str, str] = {}
    missing: list[str] = []
    for child in (child for connection in config.connections for child in connection.children):
        local, remote = _named_ends(child)
        here = next((each for each in own if _is_in(each, local)), None)
        if here is None:
            here = str(_first_host(local))
            missing.append(here)
        routes |= {str(network): here for network in summarize_address_range(remote.first, remote.last)}
    return Tun(name, addresses=dict.fromkeys(missing), routes=routes)


def _named_ends(child: Child) -> tuple[Selector, Selector]:
    if child.local is None or child.remote is None:
        raise Misuse("--tun: expected --local-ts and --remote-ts, the networks whose packets are to pass, got none")
    return child.local, child.remote


def _first_host(selector: Selector) -> object:
    is_network = int(selector.last) - int(selector.first) > 1
    return selector.first + 1 if is_network else selector.first


def _is_in(address: str, selector: Selector) -> bool:
    read = ip_address(address)
    return read.version == selector.first.version and int(selector.first) <= int(read) <= int(selector.last)


class Tunnel:
    """Carries packets between a device and a station while it is open.

    ask: is called with what IKE is to make, at most once a second. passed: how many packets crossed, and how; refused:
    how many did not, and why.
    """

    def __init__(self, station: Station, device: Tun, boundary: Boundary, *, ask: Callable[[Template], None]) -> None:
        self.station, self.device, self.boundary, self._ask = station, device, boundary, ask
        self.passed: Counter[How] = Counter()
        self.refused: Counter[Reason] = Counter()
        self._known: frozenset[Name] = frozenset()
        self._kept: deque[bytes] = deque(maxlen=MOST_KEPT)
        self._asked = float("-inf")

    def __enter__(self) -> Self:
        self.device.open()
        self.station.hear_esp, self.station.after_thought = self.hear, self.renew
        self.station.watch(self.device.fileno(), self._from_device)
        return self

    def __exit__(self, *_: object) -> None:
        self.station.unwatch(self.device.fileno())
        self.station.hear_esp = self.station.after_thought = None
        self.device.close()

    @property
    def summary(self) -> str:
        """What has passed and what has not, in a sentence."""
        refused = "".join(f", {number} refused ({reason.words})" for reason, number in self.refused.items())
        sent, received = self.passed[How.PROTECTED], self.passed[How.UNPROTECTED]
        return f"{sent} packets sent through the tunnel, {received} received{refused}"

    def _from_device(self) -> None:
        for _ in range(MOST_AT_A_TIME):
            packet = self.device.read()
            if packet is None:
                return
            self.say(packet)

    def say(self, packet: bytes) -> None:
        """A packet of this side: protect it and send it, or keep it until it can be."""
        self.renew()
        crossing = leave(self.boundary, packet, lambda label, size: secrets.token_bytes(size))
        self.boundary = crossing.after
        outcome = crossing.outcome
        self._count(outcome)
        if isinstance(outcome, NeedsIke):
            self._kept.append(packet)
            if self.station.now - self._asked >= SECONDS_BETWEEN_QUESTIONS:
                self._asked = self.station.now
                self._ask(outcome.template)
        elif isinstance(outcome, Crossed) and outcome.how is How.PROTECTED:
            esp = _esp_in(outcome.packet)
            sa = next(sa for sa, child in self._children() if child.spi == outcome.sas[0][1] and not child.inbound)
            self.station.send_esp(esp, sa.local, sa.remote)

    def hear(self, esp: bytes, source: Endpoint, local: Endpoint) -> None:
        """A packet that came as ESP in UDP: take it out, and let the kernel have it."""
        self.renew()
        crossing = enter_esp(self.boundary, esp)
        self.boundary = crossing.after
        outcome = crossing.outcome
        self._count(outcome)
        if isinstance(outcome, Crossed) and outcome.how is How.UNPROTECTED:
            try:
                self.device.write(outcome.packet)
            except OSError as problem:
                self.station.trouble(f"{self.device.name}: a packet was not taken: {problem.strerror}")

    def renew(self) -> None:
        """Take up the SAs that IKE has made since, let go of those that are over, send what has waited for one."""
        children: dict[Name, tuple[IkeSa, IpsecSa]] = {
            ("ESP", child.spi): (sa, child) for sa, child in self._children()
        }
        if children.keys() == self._known:
            return
        sad = self.boundary.sad
        for protocol, spi in self._known - children.keys():
            sad = sad.without(protocol, spi)
        for name in children.keys() - self._known:
            sa, child = children[name]
            association = carried(sa, child)
            sad = sad.receiving(association, child.name) if child.inbound else sad.sending(association, child.name)
        addresses = frozenset(ip_address(sa.local.address) for sa, _ in children.values())
        self.boundary = replace(self.boundary, sad=sad, addresses=addresses)
        self._known = frozenset(children)
        waiting = list(self._kept)
        self._kept.clear()
        for packet in waiting:
            self.say(packet)

    def _children(self) -> Iterator[tuple[IkeSa, IpsecSa]]:
        return ((sa, child) for sa in self.station.peer.sas for child in sa.children)

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            if not self.refused[outcome.reason]:
                self.station.trouble(str(outcome))
            self.refused[outcome.reason] += 1
        elif isinstance(outcome, Crossed):
            self.passed[outcome.how] += 1


def _esp_in(packet: bytes) -> bytes:
    """The ESP packet in an IP packet with UDP around it."""
    read = ip.read_ip(packet)
    return packet[read.start + ip.UDP_HEADER : read.end]
