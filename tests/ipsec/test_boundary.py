"""Packets at the IPsec boundary: policy, SA, IKE; policy-based and route-based gateways of one topology."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given, strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw

from ikelab.crypto.sa_keys import IpsecProtocol, SaKeys
from ikelab.errors import Misuse
from ikelab.ike.selector import Selector
from ikelab.ipsec.association import Association, Outbound, Tunnel, UdpPorts
from ikelab.ipsec.boundary import (
    TUNNEL_INTERFACE,
    WAN,
    Boundary,
    Crossed,
    Crossing,
    How,
    NeedsIke,
    Route,
    enter,
    enter_esp,
    leave,
    policy_based,
    route_based,
)
from ikelab.ipsec.policy import Action, Direction, Policy, Spd, Template, discard_rest
from ikelab.ipsec.protect import Protected, dummy, protect
from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.sad import Sad
from ikelab.ipsec.traffic import Ends, Flow, Traffic, flow_of
from ikelab.wire import ip
from tests.ipsec.oracle import keys

LEFT, RIGHT = "10.99.0.1", "10.99.0.2"
LEFT_NET, RIGHT_NET = Selector.parse("10.1.0.0/24"), Selector.parse("10.2.0.0/24")
ANY = Ends(version=4)
TEMPLATE = Template(connection="right", child="net")
PING = bytes(IP(src="10.1.0.1", dst="10.2.0.1") / ICMP(id=1, seq=1))
PONG = bytes(IP(src="10.2.0.1", dst="10.1.0.1") / ICMP(type=0, id=1, seq=1))
ESP_KEYS, AH_KEYS = keys(cipher="aes128", check="sha1"), keys(check="sha256")
Gateways = Callable[[], tuple[Boundary, Boundary]]
MARKED_IKE = bytes(4) + b"a message of IKE"
OUT_SPI, IN_SPI = b"\xc0\0\0\1", b"\xc0\0\0\2"


def draw(label: str, size: int) -> bytes:
    return bytes(size)


def policy_gateways(template: Template = TEMPLATE) -> tuple[Boundary, Boundary]:
    left = policy_based(addresses=[ip_address(LEFT)], local=LEFT_NET, remote=RIGHT_NET, template=template)
    right = policy_based(addresses=[ip_address(RIGHT)], local=RIGHT_NET, remote=LEFT_NET, template=template)
    return left, right


def route_gateways(template: Template = TEMPLATE) -> tuple[Boundary, Boundary]:
    def gateway(address: str, network: str) -> Boundary:
        networks = [ip_network(network)]
        return route_based(addresses=[ip_address(address)], networks=networks, version=4, template=template)

    return gateway(LEFT, "10.2.0.0/24"), gateway(RIGHT, "10.1.0.0/24")


def traffic_of(boundary: Boundary) -> Traffic | None:
    """What IKE would negotiate for the policy: its selectors, which are any of a tunnel interface."""
    policy = boundary.policy_named("net")
    return policy.traffic(Direction.OUT) if policy else None


def connected(
    pair: tuple[Boundary, Boundary],
    protocols: Iterable[IpsecProtocol] = ("ESP",),
    udp: UdpPorts | None = None,
    spis: tuple[bytes, bytes] = (OUT_SPI, IN_SPI),
) -> tuple[Boundary, Boundary]:
    """With SAs both ways, as a Quick Mode would make them. Of a bundle the inner one is in tunnel mode."""
    left, right = pair
    traffic = traffic_of(left)
    sads = [left.sad, right.sad]
    for number, protocol in enumerate(protocols):
        known: SaKeys = ESP_KEYS if protocol == "ESP" else AH_KEYS
        for sender, spi, ends in ((0, spis[0], (LEFT, RIGHT)), (1, spis[1], (RIGHT, LEFT))):
            association = Association(
                keys=replace(known, spi=spi),
                tunnel=Tunnel(source=ends[0], destination=ends[1]) if number == 0 else None,
                udp=udp,
                traffic=(traffic if sender == 0 else traffic.reversed()) if traffic else None,
            )
            sads[sender] = sads[sender].sending(association, "net")
            sads[1 - sender] = sads[1 - sender].receiving(association, "net")
    return replace(left, sad=sads[0]), replace(right, sad=sads[1])


def crossed(crossing: Crossing, how: How) -> Crossed:
    assert isinstance(crossing.outcome, Crossed), str(crossing.outcome)
    assert crossing.outcome.how is how
    return crossing.outcome


def refused(crossing: Crossing, reason: Reason) -> Refused:
    assert isinstance(crossing.outcome, Refused), str(crossing.outcome)
    assert crossing.outcome.reason is reason, str(crossing.outcome)
    return crossing.outcome


class TestIkeItself:
    """RFC 4301 §5.2 step 2"""

    @pytest.mark.parametrize("gateways", [policy_gateways, route_gateways])
    @pytest.mark.parametrize("port", [500, 4500])
    def test_of_the_gateway_passes_and_of_nobody_behind_it(self, gateways: Gateways, port: int) -> None:
        left, _ = connected(gateways())
        own = bytes(IP(src=LEFT, dst=RIGHT) / UDP(sport=port, dport=port) / b"IKE")
        assert crossed(leave(left, own, draw), How.BYPASSED).packet == own
        assert crossed(
            enter(left, bytes(IP(src=RIGHT, dst=LEFT) / UDP(sport=port, dport=port) / MARKED_IKE)), How.BYPASSED
        )
        behind = bytes(IP(src="10.1.0.1", dst="10.2.0.1") / UDP(sport=port, dport=53) / b"no IKE")
        assert crossed(leave(left, behind, draw), How.PROTECTED)
        refused(
            leave(left, bytes(IP(src="10.1.0.1", dst="192.0.2.1") / UDP(sport=port) / b"out"), draw), Reason.DISCARDED
        )


class TestBothSetUps:
    """The same two networks behind the same two gateways, by policy and by route."""

    @pytest.mark.parametrize("gateways", [policy_gateways, route_gateways])
    @pytest.mark.parametrize("udp", [None, UdpPorts()])
    def test_a_ping_and_its_answer_cross(self, gateways: Gateways, udp: UdpPorts | None) -> None:
        left, right = connected(gateways(), udp=udp)
        for packet, back in ((PING, False), (PONG, True)):
            near, far = (right, left) if back else (left, right)
            out = leave(near, packet, draw)
            outcome = crossed(out, How.PROTECTED)
            assert packet not in outcome.packet
            arrived = enter(far, outcome.packet)
            assert crossed(arrived, How.UNPROTECTED).packet == packet
            assert outcome.sas == crossed(arrived, How.UNPROTECTED).sas
            left, right = (arrived.after, out.after) if back else (out.after, arrived.after)
        for boundary in (left, right):
            assert [(row.packets, row.octets, row.sequence) for row in boundary.sad.rows()] == [(1, len(PING), 1)] * 2
            assert boundary.refused == {}

    @pytest.mark.parametrize("gateways", [policy_gateways, route_gateways])
    def test_without_an_sa_ike_is_asked(self, gateways: Gateways) -> None:
        left, _ = gateways()
        crossing = leave(left, PING, draw)
        asked = crossing.outcome
        assert isinstance(asked, NeedsIke)
        assert (asked.template, asked.missing, asked.policy.name) == (TEMPLATE, ("ESP",), "net")
        assert str(asked.flow) == "10.1.0.1 > 10.2.0.1 ICMP"
        assert crossing.after == left

    @pytest.mark.parametrize("gateways", [policy_gateways, route_gateways])
    def test_what_should_be_protected_does_not_come_in_as_it_is(self, gateways: Gateways) -> None:
        _, right = connected(gateways())
        reason = Reason.UNPROTECTED if gateways is policy_gateways else Reason.DISCARDED
        crossing = enter(right, PING)
        refused(crossing, reason)
        assert crossing.after.refused == {reason: 1}

    @pytest.mark.parametrize("gateways", [policy_gateways, route_gateways])
    @pytest.mark.parametrize(("source", "destination"), [(500, 500), (4500, 4500), (500, 1234)])
    def test_ike_goes_as_it_is(self, gateways: Gateways, source: int, destination: int) -> None:
        left, right = gateways()
        message = bytes(IP(src=LEFT, dst=RIGHT) / UDP(sport=source, dport=destination) / Raw(bytes(32)))
        assert crossed(leave(left, message, draw), How.BYPASSED).packet == message
        reply = bytes(IP(src=LEFT, dst=RIGHT) / UDP(sport=destination, dport=source) / Raw(bytes(32)))
        assert crossed(enter(right, reply), How.BYPASSED).packet == reply

    @pytest.mark.parametrize("gateways", [policy_gateways, route_gateways])
    def test_anything_else_is_discarded_and_counted(self, gateways: Gateways) -> None:
        left, _ = connected(gateways())
        crossing = leave(left, bytes(IP(src="10.1.0.1", dst="192.0.2.1") / ICMP()), draw)
        says = refused(crossing, Reason.DISCARDED)
        assert "all other IPv4" in says.why
        assert refused(leave(crossing.after, b"\x45", draw), Reason.NO_IP_PACKET).rfc == ""
        assert leave(crossing.after, b"", draw).after.refused == {Reason.DISCARDED: 1, Reason.NO_IP_PACKET: 1}

    def test_they_differ_in_what_an_sa_is_for(self) -> None:
        """By route any packet that is routed into the tunnel goes through; by policy its addresses must fit."""
        odd = bytes(IP(src="172.16.0.1", dst="10.2.0.1") / ICMP())
        by_route, by_policy = connected(route_gateways())[0], connected(policy_gateways())[0]
        assert crossed(leave(by_route, odd, draw), How.PROTECTED).policy == "net"
        refused(leave(by_policy, odd, draw), Reason.DISCARDED)
        assert [row.traffic for row in by_route.sad.rows()] == ["0.0.0.0/0 > 0.0.0.0/0"] * 2
        assert next(iter(by_policy.sad.rows())).traffic == "10.1.0.0/24 > 10.2.0.0/24"

    def test_without_a_route_nothing_leaves(self) -> None:
        left = replace(policy_gateways()[0], routes=())
        assert refused(leave(left, PING, draw), Reason.NO_ROUTE).rfc == ""

    def test_the_most_specific_route_wins(self) -> None:
        left = route_gateways()[0]
        exception = Route(ip_network("10.2.0.7/32"), WAN)
        left = replace(left, routes=(*left.routes, exception))
        assert left.interface_for(ip_address("10.2.0.7")) == WAN
        assert left.interface_for(ip_address("10.2.0.8")) == TUNNEL_INTERFACE


class TestRfc4301Section52Inbound:
    def test_a_packet_must_fit_the_sa_that_carried_it(self) -> None:
        left, right = connected(policy_gateways())
        entry = left.sad.outbound["ESP", OUT_SPI]
        stray = bytes(IP(src="10.1.0.1", dst="10.3.0.1") / ICMP())
        made = protect(entry.sa, stray, draw)
        assert isinstance(made, Protected)
        crossing = enter(right, made.packet)
        says = refused(crossing, Reason.SELECTORS)
        assert says.why == "SA c0000001 is for 10.1.0.0/24 > 10.2.0.0/24, got 10.1.0.1 > 10.3.0.1 ICMP"
        row = next(row for row in crossing.after.sad.rows() if row.direction == "in")
        assert row.refused == {"not for this SA": 1}
        assert crossing.after.sad.inbound["ESP", OUT_SPI].sa == right.sad.inbound["ESP", OUT_SPI].sa

    def test_every_refusal_is_counted_where_it_belongs_and_the_sa_stays(self) -> None:
        left, right = connected(policy_gateways())
        octets = crossed(leave(left, PING, draw), How.PROTECTED).packet
        forged = octets[:-1] + bytes([octets[-1] ^ 1])
        unknown = octets.replace(OUT_SPI, b"\xc0\0\0\x99")
        after = enter(right, octets).after
        sa = after.sad.inbound["ESP", OUT_SPI].sa
        for packet in (octets, octets, forged, unknown):
            after = enter(after, packet).after
        entry = after.sad.inbound["ESP", OUT_SPI]
        assert entry.sa is sa
        assert entry.refused == {Reason.REPLAYED: 3}
        assert after.refused == {Reason.UNKNOWN_SPI: 1}
        assert enter(right, forged).after.sad.inbound["ESP", OUT_SPI].refused == {Reason.WRONG_ICV: 1}

    def test_what_a_socket_has_heard_comes_in_without_the_headers(self) -> None:
        left, right = connected(policy_gateways(), udp=UdpPorts(source=4500, destination=1024))
        octets = crossed(leave(left, PING, draw), How.PROTECTED).packet
        arrived = enter_esp(right, octets[28:])
        assert crossed(arrived, How.UNPROTECTED).packet == PING
        refused(enter_esp(arrived.after, octets[28:]), Reason.REPLAYED)
        assert refused(enter_esp(right, b"\0\0\0\0"), Reason.UNKNOWN_SPI).why.endswith("got ESP 00000000")
        assert refused(enter_esp(right, OUT_SPI), Reason.TOO_SHORT).rfc == "RFC 4303 §2"

    def test_inside_must_be_a_packet_even_in_transport_mode(self) -> None:
        left, right = connected(policy_gateways(), ("AH",))
        transport = replace(left.sad.outbound["AH", OUT_SPI].sa.association, tunnel=None, traffic=None)
        right = replace(right, sad=Sad().receiving(transport, "net"))
        inside = bytes(IP(src=LEFT, dst=RIGHT) / UDP(sport=4500, dport=4500) / Raw(b"\xc0\0\0\x09 is no SPI of ours"))
        made = protect(Outbound(transport), inside, draw)
        assert isinstance(made, Protected)
        crossing = enter(right, made.packet)
        refused(crossing, Reason.UNKNOWN_SPI)
        assert crossing.after.sad == right.sad

    def test_protection_is_taken_off_four_times_and_no_more(self) -> None:
        left, right = connected(policy_gateways())
        bare = replace(left.sad.outbound["ESP", OUT_SPI].sa.association, traffic=None)
        right = replace(right, sad=Sad().receiving(bare, "of no policy"))
        packets = [PING]
        for number in range(5):
            made = protect(Outbound(bare, number), packets[-1], draw)
            assert isinstance(made, Protected)
            packets.append(made.packet)
        for layers in (4, 5):
            outcome = crossed(enter(right, packets[layers]), How.UNPROTECTED)
            assert (len(outcome.sas), outcome.packet) == (4, packets[layers - 4])

    def test_what_leaves_no_room_is_counted_at_its_sa(self) -> None:
        left, _ = connected(policy_gateways())
        crossing = leave(left, ip.build_ip("10.1.0.1", "10.2.0.1", 253, bytes(65_515)), draw)
        refused(crossing, Reason.TOO_LARGE)
        assert crossing.after.sad.outbound["ESP", OUT_SPI].refused == {Reason.TOO_LARGE: 1}
        assert crossing.after.sad.outbound["ESP", OUT_SPI].sa == left.sad.outbound["ESP", OUT_SPI].sa

    def test_esp_for_another_host_is_no_business_of_ours(self) -> None:
        left, right = connected(policy_gateways())
        octets = crossed(leave(left, PING, draw), How.PROTECTED).packet
        refused(enter(replace(right, addresses=frozenset()), octets), Reason.DISCARDED)

    def test_a_dummy_is_thrown_away_without_a_complaint(self) -> None:
        left, right = connected(policy_gateways())
        made = dummy(left.sad.outbound["ESP", OUT_SPI].sa, 50, draw)
        assert isinstance(made, Protected)
        crossing = enter(right, made.packet)
        assert crossed(crossing, How.DUMMY).packet == b""
        assert crossing.after.refused == {}
        assert crossing.after.sad.inbound["ESP", OUT_SPI].sa.window.top == 1


class TestBundles:
    BOTH = Template(protocols=("ESP", "AH"), connection="right", child="net")

    def test_esp_in_ah(self) -> None:
        left, right = connected(policy_gateways(self.BOTH), ("ESP", "AH"))
        outcome = crossed(leave(left, PING, draw), How.PROTECTED)
        assert outcome.packet[9] == 51
        arrived = enter(right, outcome.packet)
        assert crossed(arrived, How.UNPROTECTED).packet == PING
        assert [protocol for protocol, _ in crossed(arrived, How.UNPROTECTED).sas] == ["AH", "ESP"]

    def test_half_of_it_is_not_enough(self) -> None:
        left, right = connected(policy_gateways(self.BOTH), ("ESP", "AH"))
        made = protect(left.sad.outbound["ESP", OUT_SPI].sa, PING, draw)
        assert isinstance(made, Protected)
        crossing = enter(right, made.packet)
        assert "expects ESP in AH, the packet came in ESP" in refused(crossing, Reason.UNPROTECTED).why
        assert crossing.after.sad.inbound["ESP", OUT_SPI].sa == right.sad.inbound["ESP", OUT_SPI].sa

    def test_both_are_asked_for(self) -> None:
        asked = leave(policy_gateways(self.BOTH)[0], PING, draw).outcome
        assert isinstance(asked, NeedsIke)
        assert asked.missing == ("ESP", "AH")
        left, _ = connected(policy_gateways(self.BOTH), ("ESP",))
        asked = leave(left, PING, draw).outcome
        assert isinstance(asked, NeedsIke)
        assert asked.missing == ("AH",)


class TestRfc4301Section441Spd:
    def test_the_first_policy_that_covers_decides(self) -> None:
        web = Policy(name="web", local=ANY, remote=Selector.parse("10.2.0.0/24[tcp/80]"), action=Action.BYPASS)
        rest = Policy(name="rest", local=ANY, remote=RIGHT_NET, action=Action.PROTECT, template=TEMPLATE)
        spd = Spd((web, rest, *discard_rest()))
        flows = {80: "web", 81: "rest"}
        for port, name in flows.items():
            out = flow_of(bytes(IP(src="10.1.0.1", dst="10.2.0.1") / TCP(sport=1, dport=port)))
            back = flow_of(bytes(IP(src="10.2.0.1", dst="10.1.0.1") / TCP(sport=port, dport=1)))
            for flow, way in ((out, Direction.OUT), (back, Direction.IN)):
                policy = spd.policy_for(flow, way)
                assert policy is not None
                assert policy.name == name
        assert str(spd).startswith("1. web: 0.0.0.0/0 - 10.2.0.0/24[tcp/80]: bypass\n2. rest: ")
        assert "protect with ESP" in str(spd)

    def test_a_way_of_its_own(self) -> None:
        only_out = Policy(name="out", local=ANY, remote=ANY, action=Action.BYPASS, direction=Direction.OUT)
        spd = Spd((only_out,))
        flow = flow_of(PING)
        assert spd.policy_for(flow, Direction.OUT) == only_out
        assert spd.policy_for(flow, Direction.IN) is None
        boundary = Boundary(addresses=frozenset(), spds={WAN: spd}, routes=policy_gateways()[0].routes)
        assert (
            refused(enter(boundary, PING), Reason.NO_POLICY).why == "no policy of wan lets 10.1.0.1 > 10.2.0.1 ICMP in"
        )

    def test_a_port_that_cannot_be_seen_matches_none_but_any(self) -> None:
        """RFC 4301 §7: a later fragment has no ports."""
        whole = flow_of(bytes(IP(src="10.1.0.1", dst="10.2.0.1") / UDP(sport=53, dport=53) / Raw(bytes(40))))
        later = flow_of(bytes(IP(src="10.1.0.1", dst="10.2.0.1", proto=17, frag=4) / Raw(bytes(40))))
        port, protocol = Selector.parse("10.2.0.0/24[udp/53]"), Selector.parse("10.2.0.0/24[udp]")
        assert Traffic(source=ANY, destination=port).covers(whole)
        assert not Traffic(source=ANY, destination=port).covers(later)
        first = IP(src="10.1.0.1", dst="10.2.0.1", flags="MF") / UDP(sport=53, dport=53) / Raw(bytes(40))
        assert Traffic(source=ANY, destination=port).covers(flow_of(bytes(first)))
        assert Traffic(source=ANY, destination=protocol).covers(later)

    @pytest.mark.parametrize("address", ["::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"])
    def test_any_address_of_one_family(self, address: str) -> None:
        six, flow = Ends(version=6), flow_of(ip.build_ip(address, address, 59, b""))
        assert (str(six), str(ANY)) == ("::/0", "0.0.0.0/0")
        assert Traffic(source=six, destination=six).covers(flow)
        assert not Traffic(source=ANY, destination=ANY).covers(flow)
        assert not Traffic(source=six, destination=six).covers(flow_of(PING))
        for last in ("0.0.0.0", "255.255.255.255"):
            assert Traffic(source=ANY, destination=ANY).covers(flow_of(ip.build_ip(last, last, 59, b"")))

    def test_a_flow_is_what_scapy_sees(self) -> None:
        packets: list[tuple[Packet, Flow]] = [
            (packet, flow_of(bytes(packet)))
            for packet in (
                IP(src="10.1.0.1", dst="10.2.0.1") / TCP(sport=1024, dport=22),
                IP(src="10.1.0.1", dst="10.2.0.1", options=[]) / UDP(sport=7, dport=9),
            )
        ]
        for packet, flow in packets:
            assert (flow.source_port, flow.destination_port) == (packet.sport, packet.dport)
            assert (str(flow.source), str(flow.destination), flow.protocol) == (packet.src, packet.dst, packet.proto)

    @given(st.binary(max_size=100))
    def test_octets_of_chance_stay_out(self, octets: bytes) -> None:
        left, right = connected(policy_gateways())
        assert isinstance(enter(right, octets).outcome, Refused | Crossed)
        assert isinstance(leave(left, octets, draw).outcome, Refused)
        hostile = PING[:20] + octets
        assert enter(right, hostile).after.sad == right.sad


class TestSad:
    def test_the_newest_sa_is_sent_on(self) -> None:
        left, _ = connected(connected(policy_gateways()), spis=(b"\xc0\0\0\3", b"\xc0\0\0\4"))
        assert crossed(leave(left, PING, draw), How.PROTECTED).sas == (("ESP", b"\xc0\0\0\3"),)
        without = replace(left, sad=left.sad.without("ESP", b"\xc0\0\0\3"))
        assert crossed(leave(without, PING, draw), How.PROTECTED).sas == (("ESP", OUT_SPI),)

    def test_one_whose_numbers_are_used_up_is_not(self) -> None:
        left, _ = connected(policy_gateways())
        entry = left.sad.outbound["ESP", OUT_SPI]
        spent = replace(entry, sa=Outbound(entry.sa.association, entry.sa.association.last_sequence))
        left = replace(left, sad=left.sad.after_sending(spent))
        assert isinstance(leave(left, PING, draw).outcome, NeedsIke)

    def test_an_spi_is_there_once(self) -> None:
        left, _ = connected(policy_gateways())
        association = left.sad.outbound["ESP", OUT_SPI].sa.association
        with pytest.raises(Misuse, match="got ESP c0000001 again"):
            left.sad.sending(association, "net")

    def test_it_can_be_read(self) -> None:
        left, right = connected(policy_gateways())
        octets = crossed(leave(left, PING, draw), How.PROTECTED).packet
        after = enter(enter(right, octets).after, octets).after
        assert str(after.sad).split("\n")[1] == (
            "in  ESP c0000001 tunnel 10.99.0.1 > 10.99.0.2, AES-CBC-128 with HMAC-SHA-1-96, "
            "for 10.1.0.0/24 > 10.2.0.0/24, number 1, 1 packet, 1 replayed"
        )
        row = [*after.sad.rows()][1]
        assert row.window == "11" + "0" * 126
        assert str(Sad()) == "no SA"


class TestMisuse:
    def test_policies_and_templates(self) -> None:
        with pytest.raises(Misuse, match="expected a template for protect and for it alone, got none"):
            Policy(name="x", local=ANY, remote=ANY, action=Action.PROTECT)
        with pytest.raises(Misuse, match="got one for bypass"):
            Policy(name="x", local=ANY, remote=ANY, action=Action.BYPASS, template=TEMPLATE)
        with pytest.raises(Misuse, match="both directions"):
            Policy(name="x", local=ANY, remote=ANY, action=Action.PROTECT, template=TEMPLATE, direction=Direction.IN)
        with pytest.raises(Misuse, match="got none"):
            Template(protocols=(), connection="a", child="b")
        with pytest.raises(Misuse, match="got ESP, ESP"):
            Template(protocols=("ESP", "ESP"), connection="a", child="b")
        with pytest.raises(Misuse, match="got all other IPv4"):
            Spd((*discard_rest(), *discard_rest()[:1]))
