"""News under an ISAKMP SA: what is believed, what it ends, and where it stops."""

from __future__ import annotations

import pytest

from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.peer import Connect, Disconnect, Peer, Protect
from ikelab.ike.rules import COMPLAINT, DECLINE, DELETED, REFUSE, TOLD
from ikelab.ike.sa import Exchange, IkeSa
from ikelab.ike.script import Row
from ikelab.ike.step import Outcome, begin
from ikelab.net.link import Link, Path
from ikelab.wire.message import Header, read_header, write_chain
from ikelab.wire.numbers import ExchangeType, Notify, Protocol
from ikelab.wire.payloads import Delete, Notification
from ikelab.wire.records import Payload
from tests.ike.agreement import agreed
from tests.ike.situations import situations
from tests.ike.transitions import check
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish, wishes

ESP = Protocol.ESP
NEWS_ID = 0x4E455753


class Pair:
    """Two peers with an ISAKMP SA and a child, and what bob thinks of what alice tells."""

    def __init__(self) -> None:
        self.alice, self.bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        self.link = run(self.alice, self.bob)
        self.told = 0

    @property
    def sa(self) -> IkeSa:
        return self.bob.sas[0]

    @property
    def cookies(self) -> bytes:
        return self.sa.cookie_i + self.sa.cookie_r

    def delete_sa(self) -> Delete:
        return Delete(protocol=Protocol.ISAKMP, spis=(self.cookies,))

    def spi(self, *, inbound: bool) -> bytes:
        """Of the SA under which bob receives, or sends."""
        return next(child.spi for child in self.sa.children if child.inbound is inbound)

    def tell(self, *news: Payload) -> Outcome:
        """What bob makes of news from alice, sealed as they must be."""
        self.told += 1
        exchange = Exchange(script=INFORMATIONAL, role="initiator", message_id=NEWS_ID + self.told)
        said = begin(self.alice.sas[0], exchange, self.alice.env, self.alice.config, news).said
        assert said is not None
        return hears(self.link, self.bob, said)


def hears(link: Link, listener: Peer, octets: bytes) -> Outcome:
    """The first thought that a datagram sets off."""
    before = len(link.moments)
    source = ALICE if listener.local == BOB else BOB
    listener.receive_datagram(octets, source, link.now)
    for moment in link.moments[before:]:
        check(moment.outcome)
    return link.moments[before].outcome


@pytest.fixture
def pair() -> Pair:
    return Pair()


def names(outcome: Outcome) -> list[str]:
    return [event.name for event in outcome.events]


class TestRfc2408Section515:
    """Delete: the SAs whose SPIs are listed cannot be used any more."""

    def test_the_isakmp_sa(self, pair: Pair) -> None:
        outcome = pair.tell(pair.delete_sa())
        assert outcome.fired is DELETED
        assert (pair.sa.state, pair.sa.children) == ("GONE", ())
        assert names(outcome) == ["deleted"]

    def test_of_other_cookies_is_none_of_ours(self, pair: Pair) -> None:
        for spis in ((bytes(16),), (pair.cookies[::-1],), ()):
            assert isinstance(pair.tell(Delete(protocol=Protocol.ISAKMP, spis=spis)).fired, Row)
        assert pair.sa.established

    def test_a_child_goes_as_a_pair(self, pair: Pair) -> None:
        outcome = pair.tell(Delete(protocol=ESP, spis=(pair.spi(inbound=False),)))
        assert pair.sa.children == ()
        assert pair.sa.established
        assert names(outcome) == ["child gone"]

    @pytest.mark.parametrize("what", ["this side's own SPI", "an unknown SPI", "another protocol", "another DOI"])
    def test_what_names_no_sa_that_the_sender_receives_under(self, pair: Pair, what: str) -> None:
        theirs = pair.spi(inbound=False)
        farewell = {
            "this side's own SPI": Delete(protocol=ESP, spis=(pair.spi(inbound=True),)),
            "an unknown SPI": Delete(protocol=ESP, spis=(bytes([9] * 4),)),
            "another protocol": Delete(protocol=Protocol.AH, spis=(theirs,)),
            "another DOI": Delete(doi=2, protocol=ESP, spis=(theirs,)),
        }[what]
        assert names(pair.tell(farewell)) == []
        assert len(pair.sa.children) == 2

    def test_the_same_child_twice(self, pair: Pair) -> None:
        theirs = pair.spi(inbound=False)
        outcome = pair.tell(Delete(protocol=ESP, spis=(theirs, theirs)), Delete(protocol=ESP, spis=(theirs,)))
        assert names(outcome) == ["child gone"]

    def test_nothing_happens_to_an_sa_after_its_end(self, pair: Pair) -> None:
        """CVE-2023-38712: whatever else the message says is not even looked at."""
        late = Notification(protocol=Protocol.ISAKMP, notify=Notify.NO_PROPOSAL_CHOSEN)
        theirs = Delete(protocol=ESP, spis=(pair.spi(inbound=False),))
        outcome = pair.tell(pair.delete_sa(), pair.delete_sa(), late, theirs)
        assert outcome.fired is DELETED
        assert names(outcome) == ["deleted"]

    def test_what_stands_before_it_is_heard(self, pair: Pair) -> None:
        theirs = Delete(protocol=ESP, spis=(pair.spi(inbound=False),))
        assert names(pair.tell(theirs, pair.delete_sa())) == ["child gone", "deleted"]

    def test_without_proof_it_is_nothing(self, pair: Pair) -> None:
        body = write_chain((pair.delete_sa(),))
        known = read_header(pair.link.wire[8].octets)
        header = Header(
            cookie_i=known.cookie_i,
            cookie_r=known.cookie_r,
            next_payload=Delete.TYPE,
            exchange=ExchangeType.INFORMATIONAL,
            message_id=1,
            length=28 + len(body),
        )
        outcome = hears(pair.link, pair.bob, header.write() + body)
        assert outcome.fired is REFUSE
        assert outcome.after is outcome.before
        assert outcome.said is None


class TestRfc2408Section514:
    """Notifications: a status is told to the owner; an error ends what it is about, if it comes with proof."""

    def test_a_status_changes_nothing(self, pair: Pair) -> None:
        outcome = pair.tell(Notification(protocol=Protocol.ISAKMP, notify=Notify.INITIAL_CONTACT, spi=pair.cookies))
        assert names(outcome) == ["notified"]
        assert len(pair.sa.children) == 2

    def test_an_error_without_anything_that_waits_changes_nothing(self, pair: Pair) -> None:
        outcome = pair.tell(Notification(protocol=ESP, notify=Notify.NO_PROPOSAL_CHOSEN))
        assert isinstance(outcome.fired, Row)
        assert outcome.doubt is None

    def test_an_error_ends_the_exchange_that_waits(self, pair: Pair) -> None:
        pair.bob.begin(Protect(connection="net", child="net"), pair.link.now)
        outcome = pair.tell(Notification(protocol=ESP, notify=Notify.NO_PROPOSAL_CHOSEN, spi=bytes(4)))
        assert outcome.fired is TOLD
        assert outcome.refused is not None
        assert outcome.refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert pair.sa.waiting == ()
        assert pair.bob.next_timeout() is None
        assert names(outcome) == ["notified", "failed"]

    def test_an_error_about_packets_does_not(self, pair: Pair) -> None:
        pair.bob.begin(Protect(connection="net", child="net"), pair.link.now)
        pair.tell(Notification(protocol=ESP, notify=Notify.INVALID_SPI, spi=pair.spi(inbound=False)))
        assert len(pair.sa.waiting) == 1


class TestWhichOfSeveralIsMeant:
    def begun(self) -> tuple[Link, Peer, Peer]:
        wanted = wishes("one two three")
        alice, bob = peer(wanted, ALICE, at_once=3), peer(mirrored(wanted), BOB)
        link = Link(alice, bob, path=Path(lose=frozenset(range(7, 10))))
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.run(until=0.5)
        assert len(alice.sas[0].waiting) == 3
        return link, alice, bob

    def tell(self, link: Link, alice: Peer, bob: Peer, spi: bytes) -> Outcome:
        exchange = Exchange(script=INFORMATIONAL, role="initiator", message_id=NEWS_ID)
        note = Notification(protocol=ESP, notify=Notify.NO_PROPOSAL_CHOSEN, spi=spi)
        said = begin(bob.sas[0], exchange, bob.env, bob.config, (note,)).said
        assert said is not None
        return hears(link, alice, said)

    def test_the_one_whose_spi_is_named(self) -> None:
        link, alice, bob = self.begun()
        second = alice.sas[0].waiting[1]
        outcome = self.tell(link, alice, bob, second.spi)
        assert outcome.fired is TOLD
        assert outcome.ended == (second.message_id,)
        link.run()
        agreed(alice, bob, count=2)

    def test_where_none_is_named_time_tells(self) -> None:
        """StrongSwan names SPI 0: the complaint counts for whoever is not answered before it is repeated."""
        link, alice, bob = self.begun()
        outcome = self.tell(link, alice, bob, bytes(4))
        assert isinstance(outcome.fired, Row)
        assert outcome.doubt is not None
        assert len(alice.sas[0].waiting) == 3
        link.run()
        agreed(alice, bob, count=3)


class TestRfc2409Section57:
    """Before the SA is established news are in clear and prove nothing."""

    @pytest.mark.parametrize("name", ["main: alice is about to hear 2", "main: bob is about to hear 3"])
    def test_an_error_is_noted_and_waited_out(self, name: str) -> None:
        situation = next(each for each in situations() if each.name == name)
        alice, bob = situation.twins()
        listener = situation.listening(alice, bob)
        seen: list[Outcome] = []
        listener.film = lambda outcome, now: seen.append(outcome)
        header = read_header(situation.flight[0].octets)
        body = write_chain((Notification(protocol=Protocol.ISAKMP, notify=Notify.NO_PROPOSAL_CHOSEN),))
        forged = Header(
            cookie_i=header.cookie_i,
            cookie_r=header.cookie_r,
            next_payload=Notification.TYPE,
            exchange=ExchangeType.INFORMATIONAL,
            message_id=1,
            length=28 + len(body),
        )
        listener.receive_datagram(forged.write() + body, situation.flight[0].source, 0.0)
        assert [each.fired for each in seen] == [COMPLAINT]
        assert seen[0].after is seen[0].before
        assert "anyone on the way could have written it" in str(seen[0].complaint)
        situation.finish(alice, bob)

    def test_no_notification_answers_a_notification(self, pair: Pair) -> None:
        outcome = pair.tell(Notification(protocol=Protocol.ISAKMP, notify=1), Delete(protocol=ESP, spis=()))
        assert outcome.said is None
        assert pair.bob.datagrams_to_send() == []


class TestDeclining:
    """What was refused under the SA is closed, and its sender told why, by an exchange of its own."""

    def refused(self) -> tuple[Link, Peer, Peer]:
        alice, bob = peer(wish(esp="aes256-sha1"), ALICE), peer(mirrored(wish()), BOB)
        return run(alice, bob), alice, bob

    def test_the_initiator_hears_it_and_gives_up_at_once(self) -> None:
        link, alice, bob = self.refused()
        fired = [m.outcome.fired for m in link.moments if m.outcome.fired in (REFUSE, DECLINE, TOLD)]
        assert fired == [REFUSE, DECLINE, TOLD]
        assert len(link.wire) == 8
        assert all(sa.established and not sa.waiting for sa in (*alice.sas, *bob.sas))

    def test_the_notice_names_the_spi_of_the_offer(self) -> None:
        link, alice, _ = self.refused()
        declined = next(m.outcome for m in link.moments if m.outcome.fired is DECLINE)
        note = declined.saying[1]
        assert isinstance(note, Notification)
        (exchange,) = (each for each in alice.sas[0].exchanges.values() if each.script is not INFORMATIONAL)
        assert (note.notify, note.spi) == (Notify.NO_PROPOSAL_CHOSEN, exchange.spi)

    def test_the_offer_again_brings_the_same_notice_and_no_new_thought(self) -> None:
        link, _, bob = self.refused()
        offer, notice = link.wire[6].octets, link.wire[7].octets
        before = bob.sas[0]
        for again in range(bob.config.profile.tries + 3):
            outcome = hears(link, bob, offer)
            expected = notice if again < bob.config.profile.tries else None
            assert (outcome.fired.name, outcome.said) == ("REPEAT", expected)
        assert bob.sas[0] is before

    def test_after_taking_leave_nothing_is_known_of_it(self, pair: Pair) -> None:
        pair.bob.begin(Disconnect(), pair.link.now)
        pair.link.run()
        assert pair.alice.sas[0].gone == "the other side deleted it"
        assert pair.bob.sas[0].gone == "deleted by this side"
        assert hears(pair.link, pair.bob, pair.link.wire[4].octets).fired.name == "IGNORE"
