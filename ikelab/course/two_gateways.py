"""Two gateways with the SAs of a run, and packets between them that somebody on the way may keep, alter, send again.

office = gateways(run("main"))     both boundaries as the run has left them: SPD, SAD, routes
sent = office.send("ping")         a host behind the initiator sends; what leaves its gateway, octet by octet
office.receive(sent)               what the other gateway makes of it, and the host behind that
office.ping()                      there and back
office.sad, office.spd             what is written down at either end
gateways("main")                   the same two before IKE has said a word
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Literal

from ikelab.course import hosts
from ikelab.course.calling import told_when_miscalled
from ikelab.course.databases import SadTable, SpdTable
from ikelab.course.presets import scenario as preset
from ikelab.course.protected import Arrived, Ping, Sent, Stopped, pieces_of
from ikelab.course.runs import Run, run
from ikelab.course.scenarios import ALICE, BOB, ROLES, Scenario, Side
from ikelab.course.translating import NAT_PORT, Nat
from ikelab.crypto.derived import counted
from ikelab.crypto.sa_keys import IpsecProtocol
from ikelab.errors import Misuse, WireError
from ikelab.ike.config import Child, Seeded
from ikelab.ike.conversation import INITIATOR, OTHER, RESPONDER
from ikelab.ike.sa import IkeSa
from ikelab.ike.selector import Selector
from ikelab.ipsec.association import UdpPorts
from ikelab.ipsec.boundary import TUNNEL_INTERFACE, Boundary, Crossed, Route, enter, leave, policy_based, route_based
from ikelab.ipsec.policy import Template
from ikelab.net.associations import NAMES, sad_of
from ikelab.wire import ip

Form = Literal["policy-based", "route-based"]
FORMS = ("policy-based", "route-based")
ANY = "0.0.0.0/0"
"""Where a tunnel interface's SAs begin and end: which packets they carry, routes decide."""
KINDS = ("ping", "tcp", "udp")
NETWORKS = {INITIATOR: ALICE.local_ts, RESPONDER: BOB.local_ts}
"""The offices behind the gateways, by role."""
HOST = 10
"""Which address of its office a host has."""
DNS = 53


@dataclass
class Gateways:
    """The boundaries of both, by role, as the packets so far have left them. nat: what is on the way, if anything.

    Keep it in a name: every packet that is sent or received moves a counter or a window on.
    """

    scenario: Scenario
    form: Form = "policy-based"
    nat: Nat | None = None
    talk: Run | None = None
    boundaries: dict[str, Boundary] = field(default_factory=dict, repr=False)
    pings: int = 0

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise Misuse(f"gateways: expected {' or '.join(FORMS)}, got {self.form!r}")
        self.boundaries = {role: self._boundary(role) for role in ROLES}
        if self.talk is not None:
            self._take_up(self.talk)

    def __repr__(self) -> str:
        """Who they are, and what they have written down."""
        between = f", behind a NAT at {self.nat.outside}" if self.nat else ""
        sides = (self.scenario.initiator, self.scenario.responder)
        return f"{self.form} gateways {sides[0].address}{between} and {sides[1].address}\n\n{self.sad}"

    # -- packets

    @told_when_miscalled
    def send(
        self,
        what: str | bytes = "ping",
        *,
        side: str = INITIATOR,
        source: str = "",
        destination: str = "",
        port: int = 0,
    ) -> Sent | Stopped:
        """A host behind a gateway sends: "ping", "tcp", "udp", or the octets of an IP packet. What leaves the gateway.

        side: whose host. source, destination: addresses, "" for a host of either office, or for the gateways
        themselves where the SAs are for those alone. port: of the server. Raises Misuse.
        """
        packet = what if isinstance(what, bytes) else self._packet(what, _known(side), source, destination, port)
        draw = Seeded(f"{self.scenario.seed}/{side}/packets".encode()).draw
        before = self.boundaries[_known(side)]
        crossing = leave(before, packet, draw)
        self.boundaries[side] = crossing.after
        outcome = crossing.outcome
        if not isinstance(outcome, Crossed):
            return Stopped(side=side, packet=packet, outcome=outcome)
        associations = tuple(before.sad.outbound[name].sa.association for name in outcome.sas)
        return Sent(
            side=side,
            inner=packet,
            packet=outcome.packet,
            how=outcome.how,
            policy=outcome.policy,
            sas=associations,
            pieces=pieces_of(associations, outcome.packet),
        )

    @told_when_miscalled
    def receive(self, packet: Sent | bytes, *, side: str = "") -> Arrived:
        """A packet comes to a gateway; by default to the one that it was sent to. Raises Misuse.

        Where there is a NAT on the way, what the initiator sends goes through it.
        """
        if isinstance(packet, Stopped):
            raise Misuse("receive: expected a packet that was sent, got one that never left")
        if not isinstance(packet, Sent | bytes):
            raise Misuse(f"receive: expected a packet that was sent, or octets, got {type(packet).__name__}")
        role = _known(side) if side else OTHER[packet.side] if isinstance(packet, Sent) else RESPONDER
        octets = packet.packet if isinstance(packet, Sent) else packet
        if isinstance(packet, bytes):
            try:
                ip.read_ip(packet)
            except WireError:
                raise Misuse(f"receive: expected an IP packet, got {counted(len(packet))} that are none") from None
        if self.nat is not None:
            inside = self.scenario.initiator.address
            octets = self.nat.translated(octets) if role == RESPONDER else self.nat.returned(octets, inside)
        crossing = enter(self.boundaries[role], octets)
        self.boundaries[role] = crossing.after
        return Arrived(side=role, octets=octets, outcome=crossing.outcome)

    @told_when_miscalled
    def ping(self, *, source: str = "", destination: str = "") -> Ping:
        """An echo request of a host behind the initiator, and the answer, as far as they come. Raises Misuse."""
        steps = tuple(self._ping(source, destination))
        return Ping(steps=steps, trace=self.talk.trace if self.talk is not None else None)

    def _ping(self, source: str, destination: str) -> Iterator[Sent | Stopped | Arrived]:
        asked = self.send("ping", source=source, destination=destination)
        yield asked
        for _ in ROLES:
            if isinstance(asked, Stopped):
                return
            arrived = self.receive(asked)
            yield arrived
            answer = hosts.echo_reply(arrived.packet) if arrived.taken else None
            if answer is None:
                return
            asked = self.send(answer, side=arrived.side)
            yield asked

    def _packet(self, what: str, side: str, source: str, destination: str, port: int) -> bytes:
        here, there = (self._host(role, OTHER[role]) for role in (side, OTHER[side]))
        ends = hosts.Ends(source=source or here, destination=destination or there)
        try:
            if what == "ping":
                self.pings += 1
                return hosts.echo_request(ends, self.pings)
            if what == "tcp":
                return hosts.tcp_segment(ends, port or hosts.SERVER_PORT)
            if what == "udp":
                return hosts.udp_datagram(ends, port or DNS)
        except Misuse as error:
            raise Misuse(f"send: {error}") from None
        raise Misuse(f"send: expected {', '.join(KINDS)}, or the octets of an IP packet, got {what!r}")

    def _host(self, role: str, other: str) -> str:
        """Who sends, where nothing else is said: of an office the tenth address, else the gateway itself."""
        local, _ = self._child(role).ends(self._side(role).address, self._side(other).address)
        network = Selector.parse(NETWORKS[role]) if int(local.first) == 0 else local
        return str(network.first + HOST) if network.first != network.last else str(network.first)

    # -- what is written down

    @property
    def sad(self) -> SadTable:
        """The SAs of both, and what they have carried."""
        return SadTable({role: boundary.sad for role, boundary in self.boundaries.items()})

    @property
    def spd(self) -> SpdTable:
        """The policies and routes of both."""
        return SpdTable(self.boundaries)

    @told_when_miscalled
    def refused(self, side: str = RESPONDER) -> Mapping[str, int]:
        """How many packets one side has refused, by reason, whether or not they named an SA of its."""
        boundary = self.boundaries[_known(side)]
        counts: dict[str, int] = {}
        for tally in (boundary.refused, *(entry.refused for entry in boundary.sad.inbound.values())):
            for reason, number in tally.items():
                counts[reason.words] = counts.get(reason.words, 0) + number
        return counts

    @told_when_miscalled
    def route(self, network: str, side: str = INITIATOR) -> SpdTable:
        """One route more into the tunnel interface of one side; its tables as they are then. Raises Misuse."""
        boundary = self.boundaries[_known(side)]
        if TUNNEL_INTERFACE not in boundary.spds:
            raise Misuse("route: expected route-based gateways, got policy-based ones, which have no tunnel interface")
        try:
            added = Route(ip_network(network), TUNNEL_INTERFACE)
        except ValueError as error:
            raise Misuse(f"route: expected a network such as 10.3.0.0/24, got {network!r}: {error}") from None
        peer = self._side(OTHER[side]).address
        if ip_address(peer) in added.destination:
            raise Misuse(
                f"route: expected a network without the other gateway, got {network}: ESP itself goes to {peer}, and "
                "would be routed into the tunnel once more"
            )
        self.boundaries[side] = replace(boundary, routes=(added, *boundary.routes))
        return self.spd

    def negotiate(self) -> Run:
        """Let IKE make what a policy has asked for: the run, whose SAs both take up. Raises Misuse if there are SAs."""
        if self.talk is not None and self.talk.established:
            raise Misuse("negotiate: expected gateways without SAs, got SAs that are there already: see pair.sad")
        self.talk = run(self.scenario)
        self._take_up(self.talk)
        return self.talk

    def _take_up(self, talk: Run) -> None:
        for sa in talk.result.sas:
            if self.nat is not None and sa.role == RESPONDER:
                sad = sad_of(_seen_through(self.nat, sa), UdpPorts(destination=NAT_PORT))
            else:
                sad = sad_of(sa)
            self.boundaries[sa.role] = replace(self.boundaries[sa.role], sad=sad)

    # -- how they are set up

    def _boundary(self, role: str) -> Boundary:
        side, other = self._side(role), self._side(OTHER[role]).address
        if self.nat is not None and role == RESPONDER:
            other = self.nat.outside
        child = self._child(role)
        local, remote = child.ends(side.address, other)
        template = Template(protocols=_protocols(child), connection=child.name, child=child.name)
        own = [ip_address(side.address)]
        if self.form == "policy-based":
            return policy_based(addresses=own, local=local, remote=remote, template=template)
        behind = ip_network(NETWORKS[OTHER[role]])
        return route_based(addresses=own, networks=[behind], version=4, template=template)

    def _side(self, role: str) -> Side:
        return self.scenario.initiator if role == INITIATOR else self.scenario.responder

    def _child(self, role: str) -> Child:
        (connection,) = self._side(role).config(self._side(OTHER[role]).address).connections
        return connection.children[0]


@told_when_miscalled
def gateways(what: str | Scenario | Run, form: Form | None = None, *, nat: str = "") -> Gateways:
    """Two gateways: those of a run with the SAs it made, or of a scenario, before IKE has said a word.

    form: "policy-based", or "route-based" with a tunnel interface; by default the latter where the SAs are for any
    packet. nat: the address of a NAT before the initiator. Raises Misuse.
    """
    talk = what if isinstance(what, Run) else None
    scenario = talk.scenario if talk is not None else preset(what) if isinstance(what, str) else what
    if not isinstance(scenario, Scenario):
        raise Misuse(f"gateways: expected a run, or the name of a scenario, got {type(what).__name__}")
    return Gateways(
        scenario=scenario, form=form or _form_of(scenario), nat=Nat(outside=nat) if nat else None, talk=talk
    )


def _form_of(scenario: Scenario) -> Form:
    """A policy that protects whatever there is picks nothing: that is what routes are for."""
    sides = (scenario.initiator, scenario.responder)
    any_packet = all(each.local_ts == each.remote_ts == ANY for each in sides)
    return "route-based" if any_packet else "policy-based"


def _known(side: str) -> str:
    if side not in ROLES:
        raise Misuse(f"side: expected {' or '.join(ROLES)}, got {side!r}")
    return side


def _protocols(child: Child) -> tuple[IpsecProtocol, ...]:
    """What protects the packets of a child, the innermost first."""
    return tuple(NAMES[part.protocol] for part in child.offers[0].parts)


def _seen_through(nat: Nat, sa: IkeSa) -> IkeSa:
    """The responder's SA if a NAT stands before the initiator: IKE, too, has come from the NAT's address."""
    inside, outside = Selector.parse(sa.remote.address), Selector.parse(nat.outside)
    children = tuple(replace(child, remote=outside) if child.remote == inside else child for child in sa.children)
    return replace(sa, remote=sa.remote._replace(address=nat.outside), children=children)
