"""RFC 2409 §5.5: IDci and IDcr say whose packets an SA is for; the other side knows just those, or refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ikelab.ike.config import Connection, SelectorPolicy
from ikelab.ike.peer import Peer
from ikelab.ike.rules import DECLINE, REFUSE, TOLD
from ikelab.ike.selector import Selector
from ikelab.net.link import Link
from ikelab.wire.numbers import IdType, Notify
from ikelab.wire.payloads import ID
from tests.ike.agreement import agreed
from tests.ike.traitors import converse, instead, saying_otherwise, without
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish, wishes

ENDS = {
    "addresses": ("10.1.0.1", "10.2.0.1", IdType.IPV4_ADDR),
    "networks": ("10.1.0.0/24", "10.2.0.0/16", IdType.IPV4_ADDR_SUBNET),
    "everything": ("0.0.0.0/0", "0.0.0.0/0", IdType.IPV4_ADDR_SUBNET),
    "ranges": ("10.1.0.5-10.1.0.9", "10.2.0.1-10.2.1.7", IdType.IPV4_ADDR_RANGE),
    "IPv6 addresses": ("2001:db8:1::1", "2001:db8:2::1", IdType.IPV6_ADDR),
    "IPv6 networks": ("2001:db8:1::/64", "2001:db8:2::/48", IdType.IPV6_ADDR_SUBNET),
    "IPv6 ranges": ("2001:db8:1::5-2001:db8:1::9", "2001:db8:2::1-2001:db8:2::7", IdType.IPV6_ADDR_RANGE),
    "a protocol": ("10.1.0.0/24[udp]", "10.2.0.0/24[udp]", IdType.IPV4_ADDR_SUBNET),
    "a port at one end": ("10.1.0.3[tcp]", "10.2.0.1[tcp/80]", IdType.IPV4_ADDR),
    "L2TP": ("10.99.0.1[udp/1701]", "10.99.0.2[udp/1701]", IdType.IPV4_ADDR),
    "GRE": ("10.99.0.1[gre]", "10.99.0.2[gre]", IdType.IPV4_ADDR),
}


def accepting(connection: Connection, local: str, remote: str, policy: SelectorPolicy) -> Connection:
    """The same for a responder whose own ends are these."""
    (child,) = mirrored(connection).children
    ours = replace(child, local=Selector.parse(local), remote=Selector.parse(remote), selectors=policy)
    return replace(mirrored(connection), children=(ours,))


def clients(link: Link) -> list[ID]:
    """What the first message of Quick Mode says."""
    first = next(
        each.outcome for each in link.moments if each.outcome.fired.name.startswith("START: begins; says HDR*")
    )
    return [each for each in first.saying if isinstance(each, ID)]


def refused(alice: Peer, bob: Peer, why: str) -> None:
    """Bob refuses and closes the exchange; Alice hears why."""
    link = run(alice, bob)
    fired = {(moment.actor, moment.outcome.fired.name): moment.outcome for moment in link.moments}
    no, told = fired[BOB, REFUSE.name].refused, fired[ALICE, TOLD.name].complaint
    assert no is not None
    assert told is not None
    assert (no.notify, no.rfc) == (Notify.INVALID_ID_INFORMATION, "RFC 2409 §5.5")
    assert why in no.why
    assert (BOB, DECLINE.name) in fired
    assert told.notify == Notify.INVALID_ID_INFORMATION


class TestExact:
    @pytest.mark.parametrize(("local", "remote", "kind"), ENDS.values(), ids=ENDS)
    def test_every_kind_is_said_and_found(self, local: str, remote: str, kind: int) -> None:
        connection = wish(local=local, remote=remote)
        alice, bob = peer(connection, ALICE), peer(mirrored(connection), BOB)
        link = run(alice, bob)
        agreed(alice, bob)
        assert {(str(each.local), str(each.remote)) for each in alice.sas[0].children} == {(local, remote)}
        assert {(str(each.remote), str(each.local)) for each in bob.sas[0].children} == {(local, remote)}
        assert [each.id_type for each in clients(link)] == [kind, kind]

    @pytest.mark.parametrize(
        ("local", "remote"),
        [
            ("10.1.0.0/25", "10.2.0.0/24"),
            ("10.1.0.0/23", "10.2.0.0/24"),
            ("10.2.0.0/24", "10.1.0.0/24"),
            ("10.1.0.0/24[tcp]", "10.2.0.0/24[tcp]"),
            ("10.1.0.0-10.1.0.254", "10.2.0.0/24"),
            ("2001:db8::/64", "2001:db8:1::/64"),
        ],
    )
    def test_anything_else_is_refused_and_both_sides_say_why(self, local: str, remote: str) -> None:
        alice, bob = peer(wish(local=local, remote=remote), ALICE), peer(mirrored(wish()), BOB)
        known = "expected the packets of a configured child (net: 10.1.0.0/24 to 10.2.0.0/24)"
        refused(alice, bob, f"{known}, got {local} to {remote}")

    def test_a_network_may_be_spelt_as_a_range(self) -> None:
        """What counts is which packets are meant, not how; the answer repeats the spelling."""
        spelt = [bytes([10, end, 0, 0, 10, end, 0, 255]) for end in (2, 1)]

        def respell(payload: ID) -> ID:
            return ID(id_type=IdType.IPV4_ADDR_RANGE, data=spelt.pop())

        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        with saying_otherwise("Quick Mode", 1, instead(ID, respell)):
            heard = converse(alice, bob)
        answer = next(each.saying for each in heard.bob if each.fired.name.startswith("START: hears HDR*, HASH(1), SA"))
        assert [each.id_type for each in answer if isinstance(each, ID)] == [IdType.IPV4_ADDR_RANGE] * 2
        assert "expected the same IDci and IDcr as offered" in str(heard.refusals()[0].refused)


class TestSubset:
    ASKED = ("10.1.0.128/25[tcp/80]", "10.2.0.7[tcp]")

    def test_part_of_what_is_configured_is_taken(self) -> None:
        connection = wish(local=self.ASKED[0], remote=self.ASKED[1])
        theirs = accepting(connection, "10.2.0.0/16", "10.0.0.0/8", SelectorPolicy.SUBSET)
        alice, bob = peer(connection, ALICE), peer(theirs, BOB)
        run(alice, bob)
        agreed(alice, bob)
        assert {(str(each.remote), str(each.local)) for each in bob.sas[0].children} == {self.ASKED}

    def test_not_by_a_responder_that_wants_the_very_same(self) -> None:
        connection = wish(local=self.ASKED[0], remote=self.ASKED[1])
        theirs = accepting(connection, "10.2.0.0/16", "10.0.0.0/8", SelectorPolicy.EXACT)
        refused(peer(connection, ALICE), peer(theirs, BOB), "expected the packets of a configured child")

    @pytest.mark.parametrize(
        ("local", "remote"),
        [("10.0.0.0/7", "10.2.0.0/16"), ("10.1.0.0/24", "10.0.0.0/8"), ("10.3.0.0/16", "192.0.2.1"), ("::1", "::2")],
    )
    def test_more_than_is_configured_is_refused(self, local: str, remote: str) -> None:
        connection = wish(local=local, remote=remote)
        theirs = accepting(connection, "10.2.0.0/16", "10.0.0.0/8", SelectorPolicy.SUBSET)
        refused(peer(connection, ALICE), peer(theirs, BOB), "expected packets among those of a configured child")

    def test_a_protocol_cannot_be_widened(self) -> None:
        theirs = accepting(wish(), "10.2.0.0/16[tcp]", "10.0.0.0/8[tcp]", SelectorPolicy.SUBSET)
        refused(peer(wish(), ALICE), peer(theirs, BOB), "packets among those")

    def test_the_child_that_was_meant_exactly_is_found_before_one_that_has_it_within(self) -> None:
        wide = accepting(wish(), "10.2.0.0/16", "10.0.0.0/8", SelectorPolicy.SUBSET).children[0]
        exact = replace(mirrored(wish()).children[0], name="exact")
        bob = peer(replace(mirrored(wish()), children=(wide, exact)), BOB)
        run(peer(wish(), ALICE), bob)
        assert {each.name for each in bob.sas[0].children} == {"exact"}

    def test_without_names_it_is_for_the_two_peers_alone(self) -> None:
        """However much the child would allow."""
        connection = wish(local=None, remote=None)
        theirs = accepting(connection, "0.0.0.0/0", "0.0.0.0/0", SelectorPolicy.SUBSET)
        alice, bob = peer(connection, ALICE), peer(theirs, BOB)
        with saying_otherwise("Quick Mode", 1, without(ID)):
            converse(alice, bob)
        (quick,) = (each for each in bob.sas[0].exchanges.values() if each.choice is not None)
        assert tuple(map(str, quick.ends("10.99.0.2", "10.99.0.1"))) == ("10.99.0.2", "10.99.0.1")


def test_several_children_are_told_apart_by_their_clients() -> None:
    wanted = wishes("one two three")
    alice, bob = peer(wanted, ALICE), peer(replace(mirrored(wanted), children=mirrored(wanted).children[::-1]), BOB)
    run(alice, bob)
    agreed(alice, bob, count=3)
    assert [each.name for each in bob.sas[0].children] == ["one", "one", "two", "two", "three", "three"]
