"""Quick Mode between two peers in memory: whose packets a child is for, under which keys, and several at once."""

from __future__ import annotations

import copy
import hmac
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from ikelab.ike.config import esp_offers
from ikelab.ike.hearing import MOST_BEGUN_BY_OTHERS
from ikelab.ike.peer import Connect, Datagram, Peer, Protect
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.sa import Exchange
from ikelab.ike.selector import Selector
from ikelab.ike.step import begin
from ikelab.net.link import Link, Path
from ikelab.wire.payloads import ID
from ikelab.wire.records import Payload
from tests.ike.agreement import agreed
from tests.ike.situations import situations
from tests.ike.traitors import converse, saying_otherwise, without
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish, wishes


class TestRfc2409Section55:
    def test_ends_that_are_not_named_are_the_peers_themselves(self) -> None:
        connection = wish(local=None, remote=None)
        alice, bob = peer(connection, ALICE), peer(mirrored(connection), BOB)
        run(alice, bob)
        ends = {(child.local, child.remote) for sa in alice.sas for child in sa.children}
        assert ends == {(Selector.parse("10.99.0.1"), Selector.parse("10.99.0.2"))}
        assert {(child.remote, child.local) for sa in bob.sas for child in sa.children} == ends

    def test_one_end_may_be_a_network_and_the_other_the_peer(self) -> None:
        connection = wish(local=None, remote="10.2.0.0/24")
        alice, bob = peer(connection, ALICE), peer(mirrored(connection), BOB)
        run(alice, bob)
        assert [str(child.remote) for sa in alice.sas for child in sa.children] == ["10.2.0.0/24"] * 2
        assert [str(child.remote) for sa in bob.sas for child in sa.children] == ["10.99.0.1"] * 2

    def test_an_end_that_is_not_named_is_no_network(self) -> None:
        alice = peer(wish(local="10.1.0.0/24"), ALICE)
        bob = peer(wish(own=BOB, local="10.2.0.0/24", remote=None), BOB)
        link = run(alice, bob)
        refused = [moment.outcome.refused for moment in link.moments if moment.outcome.refused]
        assert "expected the packets of a configured child (net: 10.99.0.1 to 10.2.0.0/24)" in refused[0].why


class TestSeveralChildren:
    @pytest.mark.parametrize("at_once", [1, 2, 3])
    def test_one_after_the_other_or_together(self, at_once: int) -> None:
        wanted = wishes("one two three four five")
        alice, bob = peer(wanted, ALICE, at_once=at_once), peer(mirrored(wanted), BOB)
        link = run(alice, bob)
        agreed(alice, bob, count=5)
        waiting = [len(m.outcome.after.waiting) for m in link.moments if m.actor == ALICE and m.outcome.after]
        assert max(waiting) == at_once

    def test_a_refused_one_does_not_keep_the_others_back(self) -> None:
        wanted = wishes("one two three")
        other = mirrored(wanted)
        theirs = (other.children[0], replace(other.children[1], offers=esp_offers("aes256-sha1")), other.children[2])
        for at_once in (1, 3):
            alice, bob = peer(wanted, ALICE, at_once=at_once), peer(replace(other, children=theirs), BOB)
            run(alice, bob)
            agreed(alice, bob, count=2)

    def test_either_end_may_begin_whatever_its_role_was(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        link.begin(bob, Protect(connection="net", child="net"))
        link.run()
        agreed(alice, bob, count=2)
        (begun_by_bob,) = {c.message_id for c in bob.sas[0].children if c.role == "initiator"}
        pair = [child for child in alice.sas[0].children if child.message_id == begun_by_bob]
        assert {child.role for child in pair} == {"responder"}
        assert alice.sas[0].role == "initiator"

    def test_both_ends_at_the_same_moment(self) -> None:
        """Two exchanges with message IDs of their own, each with its own IVs (RFC 2409 Appendix B)."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        for side in (alice, bob):
            link.begin(side, Protect(connection="net", child="net"))
        link.run()
        agreed(alice, bob, count=3)

    def test_three_at_once_in_every_order_of_their_messages(self) -> None:
        """Nine messages, each Quick Mode's own three in order: 1,680 ways, all with the same end."""
        wanted = wishes("one two three")
        situation = next(each for each in situations() if each.name == "three children at once: bob is about to hear 7")
        assert len(situation.flight) == len(wanted.children) == 3
        ends = 0
        for alice, bob in every_order(*situation.twins(), situation.flight, (3, 3, 3)):
            agreed(alice, bob, count=3)
            ends += 1
        assert ends == 1680

    def test_no_more_than_eight_that_the_other_side_has_begun(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        sa, config = alice.sas[0], alice.config
        assert sa.connection is not None
        for number in range(1, 11):
            exchange = Exchange(script=QUICK_MODE, role="initiator", message_id=number, child=sa.connection.children[0])
            octets = begin(sa, exchange, alice.env, config).said
            assert octets is not None
            bob.receive_datagram(octets, ALICE, link.now)
        assert len(bob.sas[0].waiting) == MOST_BEGUN_BY_OTHERS == 8
        last = link.moments[-1].outcome
        assert "at most 8 exchanges at once" in str(last.refused)
        assert last.said is None


class TestPerfectForwardSecrecy:
    def test_each_child_has_a_secret_of_its_own(self) -> None:
        wanted = wishes("one two", esp="aes128-sha1-curve25519")
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        run(alice, bob)
        agreed(alice, bob, count=2)
        fresh = [each.given["g(qm)^xy"].value for each in alice.sas[0].exchanges.values()]
        assert len({*fresh, alice.sas[0].main.given["g^xy"].value}) == 3

    @pytest.mark.parametrize("pfs", ["", "-curve25519", "-modp768"])
    def test_keymat_is_the_rfcs(self, pfs: str) -> None:
        """KEYMAT = prf(SKEYID_d, [g(qm)^xy |] protocol | SPI | Ni_b | Nr_b), expanded by feedback."""
        wanted = wish(esp=f"aes256-sha1{pfs}")
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        run(alice, bob)
        for sa in (*alice.sas, *bob.sas):
            (exchange,) = sa.exchanges.values()
            assert sa.book is not None
            given = {name: value.value for name, value in exchange.given.items()}
            for child in sa.children:
                seed = given.get("g(qm)^xy", b"") + b"\3" + child.spi + given["Ni_b"] + given["Nr_b"]
                assert ("g(qm)^xy" in given) == bool(pfs)
                blocks = [b""]
                for _ in range(3):
                    blocks.append(hmac.new(sa.book["SKEYID_d"].value, blocks[-1] + seed, "sha1").digest())
                keymat = b"".join(blocks)
                assert (child.enc_key, child.auth_key) == (keymat[:32], keymat[32:52])


class TestClientsThatAreNotNamed:
    def test_the_answer_names_none_either(self) -> None:
        """Without IDci and IDcr an SA is for the two peers themselves."""
        wanted = wish(local=None, remote=None)
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        answers: list[list[Payload]] = []
        with (
            saying_otherwise("Quick Mode", 1, without(ID)),
            saying_otherwise("Quick Mode", 2, lambda payloads: answers.append(payloads) or payloads),  # type: ignore[func-returns-value]
        ):
            converse(alice, bob)
        assert not any(isinstance(payload, ID) for payload in answers[0])


class TestTheEndThatNobodyAcknowledges:
    """Message 3 may be lost: message 2 has a timer, and its repetition brings message 3 out again."""

    def test_message_3_lost_once(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob, Path(lose=frozenset({9})))
        agreed(alice, bob)
        assert [m.outcome.fired.name for m in link.moments if m.actor == BOB][-2:] == [
            "RESEND", "QM_ANSWERED: hears HDR*, HASH(3); says nothing; DONE",
        ]  # fmt: skip

    def test_message_3_lost_for_good(self) -> None:
        """The responder says with a Delete that nobody will hear what comes under its SPI."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.path = replace(link.path, alter={n: lambda octets: octets[:20] for n in range(9, 40) if n % 2})
        link.run()
        assert not bob.sas[0].children
        assert not alice.sas[0].children
        assert [e.name for m in link.moments for e in m.outcome.events][-2:] == ["failed", "child gone"]

    def test_a_late_repetition_of_message_3_changes_nothing(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        before = bob.sas
        bob.receive_datagram(link.wire[8].octets, ALICE, link.now)
        assert bob.sas[0] is before[0]
        assert bob.datagrams_to_send() == []

    def test_a_late_message_1_changes_nothing(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        before = bob.sas
        bob.receive_datagram(link.wire[6].octets, ALICE, link.now)
        assert bob.sas[0] is before[0]
        assert "answered long ago" in str(link.moments[-1].outcome.refused)


def every_order(
    alice: Peer, bob: Peer, waiting: Sequence[Datagram], left: tuple[int, ...]
) -> Iterator[tuple[Peer, Peer]]:
    """How it ends in every order in which messages of so many exchanges can arrive; each has so many left to say."""
    if not any(left):
        yield alice, bob
    for which in [which for which, count in enumerate(left) if count]:
        mine, theirs = copy.copy(alice), copy.copy(bob)
        datagram = waiting[which]
        (theirs if datagram.destination == bob.local else mine).receive_datagram(datagram.octets, datagram.source, 0.0)
        answers = [*mine.datagrams_to_send(), *theirs.datagrams_to_send()]
        after = [*waiting[:which], *(answers or [datagram]), *waiting[which + 1 :]]
        yield from every_order(mine, theirs, after, (*left[:which], left[which] - 1, *left[which + 1 :]))
