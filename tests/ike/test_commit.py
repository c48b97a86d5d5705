"""RFC 2408 §3.1: whoever set the Commit bit says CONNECTED when it is ready, and the other side waits for it."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from ikelab.ike import hearing
from ikelab.ike.commit import QUICK_MODE_WITH_COMMIT
from ikelab.ike.config import CommitBit
from ikelab.ike.listen import Heard, Listener
from ikelab.ike.peer import Connect, Peer, Protect
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.net.link import Link, Path
from ikelab.timeline.hearers import secrets_of
from ikelab.wire.message import read_header
from ikelab.wire.numbers import ExchangeType, HeaderFlag, Notify
from ikelab.wire.payloads import Notification
from tests.ike.agreement import agreed, children
from tests.ike.traitors import converse, instead, saying_otherwise
from tests.ike.transitions import check
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

IGNORED, HONOURED, SET = CommitBit.IGNORED, CommitBit.HONOURED, CommitBit.SET
COMMIT = HeaderFlag.COMMIT


def two(initiator: CommitBit, responder: CommitBit) -> tuple[Peer, Peer]:
    return peer(wish(), ALICE, commit=initiator), peer(mirrored(wish()), BOB, commit=responder)


def flagged(octets: bytes) -> bytes:
    """The same datagram with the Commit bit, which no hash covers."""
    return octets[:19] + bytes([octets[19] | COMMIT]) + octets[20:]


class TestCommitted:
    def test_a_fourth_message_says_connected(self) -> None:
        alice, bob = two(HONOURED, SET)
        link = run(alice, bob)
        agreed(alice, bob)
        headers = [read_header(carried.octets) for carried in link.wire[6:]]
        assert [header.exchange for header in headers] == [32, 32, 32, ExchangeType.INFORMATIONAL]
        assert len({header.message_id for header in headers}) == 1
        assert [bool(header.flags & COMMIT) for header in headers] == [False, True, False, False]
        (said,) = (each for each in link.moments[-2].outcome.saying if isinstance(each, Notification))
        (inbound,) = (child for child in bob.sas[0].children if child.inbound)
        assert (said.notify, said.protocol, said.spi) == (Notify.CONNECTED, 3, inbound.spi)
        for moment in link.moments:
            check(moment.outcome)

    def test_the_initiator_has_no_sas_before_that(self) -> None:
        alice, bob = two(HONOURED, SET)
        link = run(alice, bob, Path(alter={10: lambda octets: octets[:20]}))
        waits = [m.outcome for m in link.moments if m.outcome.fired.name.endswith("says HDR*, HASH(3); QM_CONFIRMED")]
        assert len(waits) == 1
        assert waits[0].after is not None
        assert waits[0].after.children == ()
        agreed(alice, bob)

    def test_its_hash_is_an_informationals(self) -> None:
        """HASH(1) = prf(SKEYID_a, M-ID | N), whatever nonces there are (RFC 2409 §5.7)."""
        alice, bob = two(SET, SET)
        link = run(alice, bob)
        book = alice.sas[0].book
        assert book is not None
        digest, said = link.moments[-2].outcome.saying
        header = read_header(link.wire[-1].octets)
        octets = (0).to_bytes(2) + (4 + len(said.write())).to_bytes(2) + said.write()
        expected = hmac.digest(book["SKEYID_a"].value, header.message_id.to_bytes(4) + octets, "sha1")
        assert digest.write() == expected

    def test_a_listener_opens_and_verifies_it(self) -> None:
        alice, bob = two(HONOURED, SET)
        link = run(alice, bob)
        listener = Listener(beliefs=secrets_of([*alice.sas, *bob.sas]))
        followed = [
            listener.hear(Heard(frame=n, source=each.source, destination=each.destination, octets=each.octets))
            for n, each in enumerate(link.wire, 1)
        ]
        assert followed[-1].decrypted is True
        assert [(proof.name, proof.holds) for proof in followed[-1].proofs] == [("HASH(1)", True)]

    def test_some_say_it_as_a_fourth_message_of_quick_mode(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The exchange type is in no hash, so it may be changed on the way to look like that."""
        alice, bob = two(HONOURED, SET)
        link = run(alice, bob, Path(alter={10: lambda octets: octets[:18] + bytes([32]) + octets[19:]}))
        assert len(link.wire) == 10
        agreed(alice, bob)
        assert ExchangeType.QUICK_MODE in hearing.CONNECTED_COMES_AS


class TestLoss:
    @pytest.mark.parametrize("lost", [8, 9, 10])
    def test_any_of_it_lost_once(self, lost: int) -> None:
        alice, bob = two(HONOURED, SET)
        run(alice, bob, Path(lose=frozenset({lost})))
        agreed(alice, bob)

    def test_connected_lost_for_good(self) -> None:
        """The initiator gives up, and says that nobody will hear what comes under its SPI."""
        alice, bob = two(HONOURED, SET)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.path = replace(link.path, alter={n: lambda octets: octets[:20] for n in range(10, 60) if not n % 2})
        link.run()
        assert children(alice) == children(bob) == {}

    def test_connected_twice(self) -> None:
        alice, bob = two(HONOURED, SET)
        link = run(alice, bob)
        before = alice.sas[0]
        alice.receive_datagram(link.wire[-1].octets, BOB, link.now)
        assert alice.sas[0] is before


class TestWhoeverDoesNotWait:
    def test_by_default_the_bit_changes_nothing(self) -> None:
        """It could be anybody's: no hash covers the header's flags. The responder's CONNECTED is passed over."""
        alice, bob = two(IGNORED, SET)
        link = run(alice, bob)
        agreed(alice, bob)
        assert "belongs to Quick Mode" in str(link.moments[-1].outcome.refused)
        assert link.moments[-1].outcome.said is None

    @pytest.mark.parametrize("number", [7, 8, 9])
    @pytest.mark.parametrize("responder", [IGNORED, HONOURED, SET])
    def test_set_on_the_way_it_changes_nothing_either(self, number: int, responder: CommitBit) -> None:
        alice, bob = two(IGNORED, responder)
        link = run(alice, bob, Path(alter={number: flagged}))
        agreed(alice, bob)
        assert len(link.wire) == (10 if responder is SET else 9)

    def test_set_on_the_way_it_keeps_one_waiting_who_honours_it(self) -> None:
        """The weakness of the bit: a flag without proof delays SAs (Simpson 1999)."""
        alice, bob = two(HONOURED, IGNORED)
        run(alice, bob, Path(alter={8: flagged}))
        assert children(alice) == {}

    def test_other_news_is_not_what_it_waits_for(self) -> None:
        alice, bob = two(HONOURED, SET)
        other = instead(Notification, lambda payload: replace(payload, notify=Notify.REPLAY_STATUS))
        with saying_otherwise(QUICK_MODE_WITH_COMMIT.name, 4, other):
            heard = converse(alice, bob)
        assert "expected CONNECTED, for which the Commit bit made this side wait" in str(heard.refusals()[-1].refused)
        assert children(alice) == {}


def test_either_end_of_the_isakmp_sa_may_begin_it() -> None:
    alice, bob = two(SET, SET)
    link = run(alice, bob)
    link.begin(bob, Protect(connection="net", child="net"))
    link.run()
    agreed(alice, bob, count=2)
    used = {each.script for each in bob.sas[0].exchanges.values()}
    assert used == {QUICK_MODE_WITH_COMMIT}
    assert QUICK_MODE not in used
