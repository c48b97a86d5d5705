"""RFC 3947: two peers say that they can traverse a NAT, find one, and go to the other port; nobody else moves them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

import pytest

from ikelab.ike.config import ModeName, NatTraversal
from ikelab.ike.natt import Natt, encapsulation
from ikelab.ike.peer import Connect, Datagram, Peer, Protect
from ikelab.ike.sa import IkeSa
from ikelab.net.link import Link
from ikelab.wire.message import dissect
from ikelab.wire.numbers import Encapsulation
from ikelab.wire.payloads import NatD, NatOa, VendorID
from ikelab.wire.records import Payload
from ikelab.wire.udp import Endpoint
from tests.ike.agreement import agreed, children, established
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

VENDOR_ID = bytes.fromhex("4a131c81070358455c5728f20e95452f")
"""As RFC 3947 §3.1 prints it."""
MODES: tuple[ModeName, ...] = ("main", "aggressive")
OFF, OFFERED, FORCED = NatTraversal.OFF, NatTraversal.OFFERED, NatTraversal.FORCED
FLOATED = {"main": 5, "aggressive": 3}
"""The first message that goes to the other port (RFC 3947 §3.2)."""


def two(mode: ModeName, here: NatTraversal, there: NatTraversal) -> tuple[Peer, Peer]:
    connection = wish(mode=mode)
    return peer(connection, ALICE, nat_traversal=here), peer(mirrored(connection), BOB, nat_traversal=there)


@dataclass
class Translator:
    """A NAT before alice: from outside she is `outside`, and each of her ports has one there."""

    alice: Peer
    bob: Peer
    outside: str = "203.0.113.1"
    shift: int = 40000
    seen: list[Datagram] = field(default_factory=list)

    def carry(self, most: int = 100) -> None:
        """Let the two talk until they are silent, or so many datagrams have passed; `seen` is what bob's side saw."""
        while most > 0 and (flight := [*self.alice.datagrams_to_send(), *self.bob.datagrams_to_send()]):
            for octets, source, destination in flight:
                most -= 1
                if source.address == self.alice.local.address:
                    public = Endpoint(self.outside, source.port + self.shift)
                    self.seen.append(Datagram(octets, public, destination))
                    self.bob.receive_datagram(octets, public, 0.0, destination)
                else:
                    self.seen.append(Datagram(octets, source, destination))
                    inside = Endpoint(self.alice.local.address, destination.port - self.shift)
                    self.alice.receive_datagram(octets, source, 0.0, inside)


def through_a_nat(mode: ModeName) -> tuple[Translator, IkeSa, IkeSa]:
    alice, bob = two(mode, OFFERED, OFFERED)
    nat = Translator(alice, bob)
    alice.begin(Connect(connection="net", remote=BOB), 0.0)
    nat.carry()
    (here,), (there,) = alice.sas, bob.sas
    return nat, here, there


class TestSupport:
    """RFC 3947 §3.1"""

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(("here", "there"), [(OFF, OFF), (OFF, OFFERED), (OFFERED, OFF), (OFFERED, OFFERED)])
    def test_both_must_say_it_before_hashes_are_told(
        self, mode: ModeName, here: NatTraversal, there: NatTraversal
    ) -> None:
        alice, bob = two(mode, here, there)
        link = run(alice, bob)
        agreed(alice, bob)
        clear = [dissect(carried.octets) for carried in link.wire if not dissect(carried.octets).encrypted]
        vendors = [
            any(isinstance(each, VendorID) and each.data == VENDOR_ID for each in sheet.payloads) for sheet in clear
        ]
        assert vendors[0] is (here is not OFF)
        assert vendors[1] is (here is not OFF and there is not OFF)
        hashes = [each for sheet in clear for each in sheet.payloads if isinstance(each, NatD)]
        assert bool(hashes) is (here is there is OFFERED)
        assert {carried.source.port for carried in link.wire} == {500}


class TestHashes:
    """RFC 3947 §3.2"""

    @pytest.mark.parametrize(("mode", "number"), [("main", 3), ("main", 4), ("aggressive", 2)])
    def test_are_those_of_the_packets_own_addresses(self, mode: ModeName, number: int) -> None:
        link = run(*two(mode, OFFERED, OFFERED))
        carried = link.wire[number - 1]
        sheet = dissect(carried.octets)
        assert sheet.header is not None
        cookies = sheet.header.cookie_i + sheet.header.cookie_r
        assert [each.data for each in sheet.payloads if isinstance(each, NatD)] == [
            hashlib.sha1(cookies + ip_address(end.address).packed + end.port.to_bytes(2)).digest()
            for end in (carried.destination, carried.source)
        ]

    @pytest.mark.parametrize("mode", MODES)
    def test_tell_who_is_behind_the_nat(self, mode: ModeName) -> None:
        _, here, there = through_a_nat(mode)
        assert here.natt == Natt(local_behind=True, remote_behind=False)
        assert there.natt == Natt(local_behind=False, remote_behind=True)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize(("here", "there"), [(FORCED, OFFERED), (OFFERED, FORCED), (FORCED, FORCED)])
    def test_of_whoever_pretends_are_wrong_on_purpose(
        self, mode: ModeName, here: NatTraversal, there: NatTraversal
    ) -> None:
        alice, bob = two(mode, here, there)
        run(alice, bob)
        agreed(alice, bob)
        for own, sa in ((here, alice.sas[0]), (there, bob.sas[0])):
            assert sa.natt is not None
            assert sa.natt.found
            assert sa.natt.local_behind is (own is FORCED)
            assert (sa.local.port, sa.remote.port) == (4500, 4500)


class TestMoving:
    """RFC 3947 §4"""

    @pytest.mark.parametrize("mode", MODES)
    def test_the_initiator_moves_before_it_is_named_or_proved_and_the_responder_follows(self, mode: ModeName) -> None:
        nat, here, there = through_a_nat(mode)
        agreed(nat.alice, nat.bob)
        first = FLOATED[mode] - 1
        for place, (_, source, destination) in enumerate(nat.seen):
            own, public = (500, 40500) if place < first else (4500, 44500)
            assert {source.port, destination.port} == {own, public}, place + 1
        assert (here.local.port, here.remote.port) == (4500, 4500)
        assert (there.local, there.remote) == (BOB._replace(port=4500), Endpoint("203.0.113.1", 44500))

    @pytest.mark.parametrize("mode", MODES)
    def test_without_a_nat_nobody_moves(self, mode: ModeName) -> None:
        alice, bob = two(mode, OFFERED, OFFERED)
        link = run(alice, bob)
        agreed(alice, bob)
        assert {carried.source.port for carried in link.wire} == {500}

    def test_whoever_begins_on_the_other_port_stays_there(self) -> None:
        alice, bob = two("main", OFFERED, OFFERED)
        alice.begin(Connect(connection="net", remote=BOB._replace(port=4500)), 0.0)
        nat = Translator(alice, bob, outside=ALICE.address, shift=0)
        nat.carry()
        agreed(alice, bob)
        assert {port for _, source, destination in nat.seen for port in (source.port, destination.port)} == {4500}

    @pytest.mark.parametrize("mode", MODES)
    def test_who_has_a_wrong_key_moves_nobody(self, mode: ModeName) -> None:
        connection = wish(mode=mode)
        other = replace(mirrored(connection), psk=b"another pre-shared key altogether")
        alice = peer(connection, ALICE, nat_traversal=OFFERED)
        bob = peer(other, BOB, nat_traversal=OFFERED)
        nat = Translator(alice, bob)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        nat.carry()
        assert [(sa.local, sa.remote) for sa in bob.sas] == [(BOB, Endpoint("203.0.113.1", 40500))]

    def test_a_nat_that_forgets_is_followed_by_what_is_proved_and_by_nothing_else(self) -> None:
        nat, here, there = through_a_nat("main")
        attacker = Endpoint("198.51.100.66", 4500)
        for octets, source, destination in [each for each in nat.seen if each.source.address == nat.outside]:
            nat.bob.receive_datagram(octets, attacker, 0.0, destination)
            assert source != attacker
        assert nat.bob.sas[0].remote == there.remote
        nat.bob.datagrams_to_send()
        nat.shift = 50000
        nat.alice.begin(Protect(connection="net", child="net"), 0.0)
        nat.carry()
        assert nat.bob.sas[0].remote == Endpoint("203.0.113.1", 54500)
        assert here.cookie_i == nat.bob.sas[0].cookie_i
        agreed(nat.alice, nat.bob, count=2)

    def test_whoever_spoils_a_hash_on_the_way_hinders_them_and_learns_nothing(self) -> None:
        """The hashes come in clear and nothing covers them; the two then disagree on what Quick Mode is to make."""
        alice, bob = two("main", OFFERED, OFFERED)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        nat = Translator(alice, bob, outside=ALICE.address, shift=0)
        nat.carry(most=2)
        (third,) = alice.datagrams_to_send()
        place = next(leaf for leaf in dissect(third.octets).leaves() if leaf.name == "HASH of the address and port")
        spoilt = bytearray(third.octets)
        spoilt[place.at] ^= 1
        bob.receive_datagram(bytes(spoilt), ALICE, 0.0, BOB)
        nat.carry()
        assert established(alice) == established(bob) != {}
        assert children(alice) == children(bob) == {}
        (why,) = (event.text for event in bob.events() if event.name == "refused")
        assert "UDP-Encapsulated-Tunnel" in why


class TestOriginalAddresses:
    """RFC 3947 §5.2"""

    @pytest.mark.parametrize("mode", [Encapsulation.TUNNEL, Encapsulation.TRANSPORT])
    def test_travel_in_quick_mode_for_transport_mode_alone(self, mode: Encapsulation) -> None:
        connection = wish(local=None, remote=None)
        connection = replace(connection, children=tuple(replace(each, mode=mode) for each in connection.children))
        alice = peer(connection, ALICE, nat_traversal=FORCED)
        bob = peer(mirrored(connection), BOB, nat_traversal=OFFERED)
        said: list[tuple[Payload, ...]] = []
        link = Link(alice, bob)
        alice.film = bob.film = lambda outcome, now: said.append(outcome.saying)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.run()
        agreed(alice, bob)
        told = [[each.data for each in payloads if isinstance(each, NatOa)] for payloads in said]
        both = [ip_address(ALICE.address).packed, ip_address(BOB.address).packed]
        assert [each for each in told if each] == ([both, both] if mode is Encapsulation.TRANSPORT else [])
        assert {sa.children[0].choice.mode for sa in (*alice.sas, *bob.sas)} == {
            encapsulation(mode, Natt(local_behind=True))
        }


class TestModes:
    """RFC 3947 §5.1"""

    @pytest.mark.parametrize(
        ("mode", "behind"),
        [(Encapsulation.TUNNEL, Encapsulation.UDP_TUNNEL), (Encapsulation.TRANSPORT, Encapsulation.UDP_TRANSPORT)],
    )
    def test_have_other_numbers_behind_a_nat(self, mode: Encapsulation, behind: Encapsulation) -> None:
        assert (int(mode), int(behind)) in ((1, 3), (2, 4))
        assert encapsulation(mode, None) == encapsulation(mode, Natt()) == mode
        assert encapsulation(mode, Natt(local_behind=False, remote_behind=False)) == mode
        assert encapsulation(mode, Natt(local_behind=True, remote_behind=False)) == behind
        assert encapsulation(behind, Natt(local_behind=True)) == behind
