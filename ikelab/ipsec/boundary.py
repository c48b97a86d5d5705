"""The IPsec boundary of a host or gateway: a packet meets a route, a policy and an SA, or asks for IKE, or stays out.

Pure: `leave` and `enter` take the boundary as it is and a packet, and give the boundary as it is afterwards and what
became of the packet. The clauses are RFC 4301's. Policy-based and route-based gateways differ in nothing but their
routes and SPDs: each interface has an SPD, and a tunnel interface's protects all that is routed into it (§4.4.1).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from ipaddress import IPv4Network, IPv6Network

from ikelab.crypto.sa_keys import IpsecProtocol
from ikelab.errors import WireError
from ikelab.ipsec.policy import Action, Direction, Policy, Spd, Template, discard_rest, ike_bypass
from ikelab.ipsec.protect import Draw, protect
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.sad import Name, Sad, counted
from ikelab.ipsec.traffic import Ends, Flow, IpAddress, Selector, flow_of
from ikelab.ipsec.unprotect import Unprotected, unprotect, unprotect_esp
from ikelab.wire import ip
from ikelab.wire.numbers import IpProtocol
from ikelab.wire.udp import Carries, classify

WAN, TUNNEL_INTERFACE = "wan", "vti0"
MOST_LAYERS = 4
NAMES_AT: dict[int, tuple[IpsecProtocol, int]] = {IpProtocol.ESP: ("ESP", 0), IpProtocol.AH: ("AH", 4)}
"""What carries an SPI, and where in it."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class Route:
    """Packets to these addresses go out through this interface."""

    destination: Network
    interface: str


class How(Enum):
    """How a packet crossed the boundary."""

    PROTECTED = "protected"
    UNPROTECTED = "taken out of its protection"
    BYPASSED = "as it was"
    DUMMY = "thrown away, as its sender meant it to be"


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """A packet that crossed. policy: the name of what let it. sas: protocol and SPI of what was applied, in order."""

    how: How
    packet: bytes
    policy: str
    sas: tuple[Name, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NeedsIke:
    """A packet that a policy protects and for which there is no SA yet (or no more): IKE is to make one.

    `template` says whom to ask and for what; `flow` is the packet that wanted it. What becomes of the packet until then
    is the caller's choice (§5.1 step 3b).
    """

    policy: Policy
    template: Template
    flow: Flow
    missing: tuple[IpsecProtocol, ...]


Outcome = Crossed | NeedsIke | Refused


@dataclass(frozen=True, kw_only=True)
class Boundary:
    """All that decides on packets at one host or gateway.

    addresses: its own, at which protected packets arrive. spds: an SPD for each interface. refused: how many packets
    were refused that named no SA of ours, by reason.
    """

    addresses: frozenset[IpAddress]
    spds: Mapping[str, Spd]
    routes: tuple[Route, ...]
    sad: Sad = field(default_factory=Sad)
    refused: Mapping[Reason, int] = field(default_factory=dict)

    def interface_for(self, destination: IpAddress) -> str | None:
        """Where the most specific route leads; None where there is no route."""
        found = [route for route in self.routes if destination in route.destination]
        return max(found, key=lambda route: route.destination.prefixlen).interface if found else None

    def policy_named(self, name: str) -> Policy | None:
        """The policy of that name, of whichever SPD."""
        return next((policy for spd in self.spds.values() if (policy := spd.named(name))), None)


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """What became of a packet, and the boundary as it is from now on."""

    after: Boundary
    outcome: Outcome


def leave(boundary: Boundary, packet: bytes, draw: Draw) -> Crossing:
    """A packet from the protected side wants out (§5.1)."""
    try:
        flow = flow_of(packet)
    except WireError as error:
        return _refuse(boundary, Refused.because(Reason.NO_IP_PACKET, str(error)))
    interface = boundary.interface_for(flow.destination)
    if interface is None:
        return _refuse(boundary, Refused.because(Reason.NO_ROUTE, f"expected a route to {flow.destination}, got none"))
    policy = boundary.spds.get(interface, Spd()).policy_for(flow, Direction.OUT)
    if policy is None or policy.action is Action.DISCARD:
        return _refuse(boundary, _not_allowed(policy, interface, flow, "out"))
    if policy.template is None:
        return Crossing(after=boundary, outcome=Crossed(how=How.BYPASSED, packet=packet, policy=policy.name))
    return _protect(boundary, packet, draw, policy, policy.template, flow)


def enter(boundary: Boundary, packet: bytes, interface: str = WAN) -> Crossing:
    """A packet from outside wants in through an interface (§5.2).

    Protection is taken off as long as there is some that is addressed to this host; what is left must be for the SAs
    that carried it, and be protected as its policy says. Where any of that fails, every SA is what it was.
    """
    return _inwards(boundary, boundary, packet, (), interface)


def enter_esp(boundary: Boundary, esp: bytes, interface: str = WAN) -> Crossing:
    """An ESP packet wants in, from its SPI on: what a UDP socket of this host has heard (RFC 3948 §3.3, §3.5)."""
    name: Name = ("ESP", esp[:4])
    entry = boundary.sad.inbound.get(name)
    if entry is None:
        return _refuse(boundary, _unknown(name))
    return _taken_out(boundary, boundary, name, unprotect_esp(entry.sa, esp), (), interface)


def _inwards(original: Boundary, now: Boundary, packet: bytes, applied: tuple[Name, ...], interface: str) -> Crossing:
    """What is left of a packet after these SAs; `now` is the boundary after them, `original` as it was before."""
    name = _named_sa(now, packet) if len(applied) < MOST_LAYERS else None
    if name is not None:
        entry = now.sad.inbound.get(name)
        if entry is None:
            return _refuse(original, _unknown(name))
        return _taken_out(original, now, name, unprotect(entry.sa, packet), applied, interface)
    admitted = _admitted(now, packet, applied, interface)
    if isinstance(admitted, Refused):
        return _refuse(original, admitted, applied[-1] if applied else None)
    return Crossing(after=now, outcome=admitted)


def _taken_out(
    original: Boundary,
    now: Boundary,
    name: Name,
    outcome: Unprotected | Refused,
    applied: tuple[Name, ...],
    interface: str,
) -> Crossing:
    """Go on with what was in the packet of one SA."""
    if isinstance(outcome, Refused):
        return _refuse(original, outcome, name)
    carried = now.sad.inbound[name].carried(outcome.sa, len(outcome.packet))
    now, applied = replace(now, sad=now.sad.after_receiving(carried)), (*applied, name)
    if outcome.dummy:
        return Crossing(after=now, outcome=Crossed(how=How.DUMMY, packet=b"", policy=carried.policy, sas=applied))
    return _inwards(original, now, outcome.packet, applied, interface)


def policy_based(
    *, addresses: Iterable[IpAddress], local: Selector, remote: Selector, template: Template, name: str = "net"
) -> Boundary:
    """A gateway whose policy picks packets by their addresses, wherever they are routed."""
    protecting = Policy(name=name, local=local, remote=remote, action=Action.PROTECT, template=template)
    return guarded_by((protecting,), addresses=addresses)


def guarded_by(policies: Iterable[Policy], *, addresses: Iterable[IpAddress]) -> Boundary:
    """A gateway with these policies in order, its own IKE let through before them, and nothing else after them."""
    own = frozenset(addresses)
    return Boundary(
        addresses=own,
        spds={WAN: Spd((*ike_bypass(own), *policies, *discard_rest()))},
        routes=_default_routes(),
    )


def route_based(
    *, addresses: Iterable[IpAddress], networks: Iterable[Network], version: int, template: Template, name: str = "net"
) -> Boundary:
    """A gateway with a tunnel interface: whatever is routed into it is protected, by an SA for any addresses at all.

    networks: those behind the other gateway, to which routes lead through the tunnel. version: of IP, of what it
    carries.
    """
    anything = Ends(version=version)
    protecting = Policy(name=name, local=anything, remote=anything, action=Action.PROTECT, template=template)
    tunnelled = tuple(Route(network, TUNNEL_INTERFACE) for network in networks)
    own = frozenset(addresses)
    return Boundary(
        addresses=own,
        spds={WAN: Spd((*ike_bypass(own), *discard_rest())), TUNNEL_INTERFACE: Spd((protecting,))},
        routes=(*tunnelled, *_default_routes()),
    )


def _default_routes() -> tuple[Route, ...]:
    return Route(IPv4Network("0.0.0.0/0"), WAN), Route(IPv6Network("::/0"), WAN)


def _protect(boundary: Boundary, packet: bytes, draw: Draw, policy: Policy, template: Template, flow: Flow) -> Crossing:
    found = {protocol: boundary.sad.to_send(protocol, policy.name, flow) for protocol in template.protocols}
    missing = tuple(protocol for protocol, entry in found.items() if entry is None)
    if missing:
        return Crossing(after=boundary, outcome=NeedsIke(policy=policy, template=template, flow=flow, missing=missing))
    sad, applied = boundary.sad, list[Name]()
    for protocol, entry in found.items():
        assert entry is not None
        outcome = protect(entry.sa, packet, draw)
        if isinstance(outcome, Refused):
            refused = boundary.sad.after_sending(entry.but_refused(outcome.reason))
            return Crossing(after=replace(boundary, sad=refused), outcome=outcome)
        sad = sad.after_sending(entry.carried(outcome.sa, len(packet)))
        packet = outcome.packet
        applied.append((protocol, entry.sa.association.spi))
    crossed = Crossed(how=How.PROTECTED, packet=packet, policy=policy.name, sas=tuple(applied))
    return Crossing(after=replace(boundary, sad=sad), outcome=crossed)


def _named_sa(boundary: Boundary, packet: bytes) -> Name | None:
    """Protocol and SPI of a protected packet that is addressed to this host; None of any other packet."""
    try:
        read = ip.read_ip(packet)
        flow = flow_of(packet)
    except WireError:
        return None
    if flow.destination not in boundary.addresses or read.fragment is not None:
        return None
    payload = packet[read.start : read.end]
    if read.protocol in NAMES_AT:
        protocol, at = NAMES_AT[read.protocol]
        return protocol, payload[at : at + 4]
    if read.protocol == IpProtocol.UDP and flow.source_port is not None and flow.destination_port is not None:
        content = classify(payload[ip.UDP_HEADER :], flow.source_port, flow.destination_port)
        if content.carries is Carries.ESP:
            return "ESP", content.octets[:4]
    return None


def _admitted(boundary: Boundary, packet: bytes, applied: tuple[Name, ...], interface: str) -> Crossed | Refused:
    """Whether what has arrived, protected or not, is what policy wants to arrive so (§5.2 steps 3b to 5)."""
    try:
        flow = flow_of(packet)
    except WireError as error:
        return Refused.because(Reason.NO_IP_PACKET, str(error))
    if not applied:
        policy = boundary.spds.get(interface, Spd()).policy_for(flow, Direction.IN)
        if policy is not None and policy.action is Action.BYPASS:
            return Crossed(how=How.BYPASSED, packet=packet, policy=policy.name)
        return _not_allowed(policy, interface, flow, "in")
    entries = [boundary.sad.inbound[each] for each in applied]
    name = entries[-1].policy
    for entry in entries:
        traffic = entry.sa.association.traffic
        if entry.policy != name or (traffic is not None and not traffic.covers(flow)):
            spi = entry.sa.association.spi.hex()
            return Refused.because(Reason.SELECTORS, f"SA {spi} is for {traffic or entry.policy}, got {flow}")
    policy = boundary.policy_named(name)
    came = tuple(protocol for protocol, _ in reversed(applied))
    if policy is not None and policy.template is not None and policy.template.protocols != came:
        wanted, got = " in ".join(policy.template.protocols), " in ".join(came)
        return Refused.because(Reason.UNPROTECTED, f"policy {name} expects {wanted}, the packet came in {got}")
    return Crossed(how=How.UNPROTECTED, packet=packet, policy=name, sas=applied)


def _not_allowed(policy: Policy | None, interface: str, flow: Flow, way: str) -> Refused:
    if policy is None:
        return Refused.because(Reason.NO_POLICY, f"no policy of {interface} lets {flow} {way}")
    if policy.action is Action.PROTECT:
        return Refused.because(Reason.UNPROTECTED, f"policy {policy.name} wants {flow} protected, it came as it is")
    return Refused.because(Reason.DISCARDED, f"policy {policy.name} lets {flow} not {way}")


def _unknown(name: Name) -> Refused:
    why = f"expected an SPI of an SA of ours, got {name[0]} {name[1].hex()}"
    return Refused.because(Reason.UNKNOWN_SPI, why).on(name[0])


def _refuse(boundary: Boundary, refused: Refused, name: Name | None = None) -> Crossing:
    """The boundary with one more refusal, of the inbound SA of that name if there is one, and all else as it was."""
    if name is None:
        after = replace(boundary, refused=counted(boundary.refused, refused.reason))
    else:
        entry = boundary.sad.inbound[name].but_refused(refused.reason)
        after = replace(boundary, sad=boundary.sad.after_receiving(entry))
    return Crossing(after=after, outcome=refused)
