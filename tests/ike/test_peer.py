"""A peer without sockets: what strangers may cost it, what it remembers, and where its answers go out."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest

from ikelab.errors import Misuse
from ikelab.ike.config import ModeName
from ikelab.ike.held import ENDED_KEPT, HALF_OPEN, HALF_OPEN_PER_ADDRESS
from ikelab.ike.peer import MOST_UNREAD, STRANGERS_PER_SECOND, Connect, Disconnect, Protect
from ikelab.ike.rules import IGNORE, REFUSE
from ikelab.ike.sa import FINISHED_KEPT
from ikelab.net.link import Link
from ikelab.wire.message import dissect, write_chain
from ikelab.wire.payloads import Delete, VendorID
from ikelab.wire.udp import Endpoint
from tests.ike.agreement import agreed, children, established
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

ANYWHERE = Endpoint("0.0.0.0", 500)
ELSEWHERE = Endpoint("10.99.0.7", 4500)


class TestWhereAnswersGoOut:
    def test_from_where_the_first_message_was_sent_to(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), ANYWHERE)
        alice.begin(Connect(connection="net", remote=ELSEWHERE), 0.0)
        (first,) = alice.datagrams_to_send()
        bob.receive_datagram(first.octets, ALICE, 0.0, ELSEWHERE)
        (answer,) = bob.datagrams_to_send()
        assert (answer.source, answer.destination) == (ELSEWHERE, ALICE)
        assert [sa.local for sa in bob.sas] == [ELSEWHERE]

    def test_from_the_peers_own_endpoint_where_nothing_else_is_said(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        (first,) = alice.datagrams_to_send()
        bob.receive_datagram(first.octets, ALICE, 0.0)
        assert [datagram.source for datagram in bob.datagrams_to_send()] == [BOB]


class TestWhatAPeerForgets:
    def test_an_sa_that_is_over_and_no_other(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        (cookie,) = (sa.cookie_i for sa in alice.sas)
        alice.forget(cookie)
        assert [sa.cookie_i for sa in alice.sas] == [cookie]
        alice.begin(Disconnect(), link.now)
        alice.forget(cookie)
        assert alice.sas == ()


class TestStrangers:
    """RFC 2408 §1.7.1: an attacker can flood with bogus addresses and cause state to be created."""

    def first(self, number: int, source: Endpoint, mode: ModeName = "main") -> bytes:
        stranger = peer(wish(own=source, mode=mode), source, seed=number)
        stranger.begin(Connect(connection="net", remote=BOB), 0.0)
        return stranger.datagrams_to_send()[0].octets

    def test_each_address_may_have_five_half_open_the_oldest_makes_room(self) -> None:
        bob = peer(mirrored(wish()), BOB)
        for number in range(HALF_OPEN_PER_ADDRESS + 2):
            bob.receive_datagram(self.first(number, ALICE), ALICE, 0.0)
        open_ = [sa for sa in bob.sas if not sa.gone]
        assert len(open_) == HALF_OPEN_PER_ADDRESS
        assert [sa.serial for sa in open_] == [3, 4, 5, 6, 7]
        assert len(bob.datagrams_to_send()) == HALF_OPEN_PER_ADDRESS + 2

    def test_who_has_shown_that_it_hears_is_not_put_out(self) -> None:
        """An honest peer behind its message 3 survives any number of first messages in its name."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.run(until=0.035)
        assert bob.sas[0].state == "KE_SENT"
        for number in range(50):
            bob.receive_datagram(self.first(number, ALICE), ALICE, link.now)
        bob.datagrams_to_send()
        link.run(until=20.0)
        assert alice.sas[0].established

    def test_there_are_a_thousand_in_all(self) -> None:
        bob = peer(mirrored(wish()), BOB)
        octets = self.first(0, ALICE)
        for number in range(HALF_OPEN + 20):
            source = Endpoint(f"10.{number >> 8}.{number & 255}.1", 500)
            bob.receive_datagram(number.to_bytes(8) + octets[8:] if number else octets, source, 0.0)
        assert sum(not sa.gone for sa in bob.sas) == HALF_OPEN
        assert len(bob.sas) <= HALF_OPEN + ENDED_KEPT

    def test_they_are_forgotten_in_time(self) -> None:
        bob = peer(mirrored(wish()), BOB)
        bob.receive_datagram(self.first(0, ALICE), ALICE, 100.0)
        assert bob.next_timeout() == 130.0
        bob.handle_timeout(129.9)
        assert bob.sas[0].state == "SA_CHOSEN"
        bob.handle_timeout(130.0)
        assert bob.sas[0].gone == "the time for it is over"
        assert bob.next_timeout() is None
        assert [event.name for event in bob.events()][-1] == "forgotten"

    def test_aggressive_mode_is_answered_ten_times_in_a_second(self) -> None:
        """Each answer costs a Diffie-Hellman exchange and goes to an address that nobody has checked."""
        bob = peer(mirrored(wish(mode="aggressive")), BOB)
        for number in range(15):
            source = Endpoint(f"192.0.2.{number}", 500)
            bob.receive_datagram(self.first(number, source, "aggressive"), source, number / 100)
        assert len(bob.datagrams_to_send()) == STRANGERS_PER_SECOND == 10
        source = Endpoint("192.0.2.99", 500)
        bob.receive_datagram(self.first(99, source, "aggressive"), source, 1.5)
        assert len(bob.datagrams_to_send()) == 1

    def test_complaints_in_clear_go_out_ten_times_in_a_second(self) -> None:
        bob = peer(mirrored(wish(ike="aes256-sha1-curve25519")), BOB)
        for number in range(15):
            bob.receive_datagram(self.first(number, ALICE), ALICE, number / 100)
        assert len(bob.datagrams_to_send()) == 10
        assert bob.sas == ()

    def test_the_same_cookie_from_another_address_is_another_stranger(self) -> None:
        """Whoever sees a first message cannot take its place by sending it first from elsewhere."""
        bob, octets = peer(mirrored(wish()), BOB), self.first(0, ALICE)
        for source in (Endpoint("192.0.2.1", 500), ALICE):
            bob.receive_datagram(octets, source, 0.0)
        assert [sa.remote.address for sa in bob.sas] == ["192.0.2.1", ALICE.address]
        assert len({sa.cookie_r for sa in bob.sas}) == 2

    @pytest.mark.parametrize(
        ("change", "at"),
        [(b"\1" * 8, 8), (bytes(8), 0), (b"\5", 18), (b"\x20", 18), (b"\x21", 18), (b"\0\0\0\1", 20)],
        ids=["a responder cookie", "no cookie", "Informational", "Quick Mode", "New Group Mode", "a message ID"],
    )
    def test_what_cannot_be_a_first_message_is_dropped(self, change: bytes, at: int) -> None:
        bob, octets = peer(mirrored(wish()), BOB), self.first(0, ALICE)
        bob.receive_datagram(octets[:at] + change + octets[at + len(change) :], ALICE, 0.0)
        assert (bob.sas, bob.datagrams_to_send()) == ((), [])
        assert [event.name for event in bob.events()] == ["ignored"]


class TestWhoBeginsWhat:
    def test_both_connect_at_the_same_moment(self) -> None:
        """Two ISAKMP SAs, each with its own child; neither is taken for the other."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.begin(bob, Connect(connection="net", remote=ALICE))
        link.run()
        assert established(alice) == established(bob)
        assert len(established(alice)) == 2
        assert children(alice) == children(bob)
        assert len(children(alice)) == 4

    def test_a_child_that_nobody_configured_is_a_misuse(self) -> None:
        alice = peer(wish(), ALICE)
        with pytest.raises(Misuse, match="expected one of its children"):
            alice.begin(Protect(connection="net", child="nat"), 0.0)
        with pytest.raises(Misuse, match="expected an ISAKMP SA"):
            alice.begin(Protect(connection="net", child="net"), 0.0)
        with pytest.raises(Misuse, match="expected one of net"):
            alice.begin(Connect(connection="nat", remote=BOB), 0.0)

    def test_a_child_wanted_too_early_waits_for_phase_1(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.begin(alice, Protect(connection="net", child="net"))
        link.run()
        agreed(alice, bob, count=2)


class TestNothingGrows:
    """A peer that lives long keeps what it needs, and no more."""

    def test_of_what_is_over(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = Link(alice, bob)
        for _ in range(ENDED_KEPT + 5):
            link.begin(alice, Connect(connection="net", remote=BOB))
            link.run()
            link.begin(alice, Disconnect())
            link.run()
        for side in (alice, bob):
            assert len(side.sas) == ENDED_KEPT
            assert all(sa.gone and not sa.children for sa in side.sas)
            assert side.next_timeout() is None

    def test_of_exchanges(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        for _ in range(40):
            spis = [child.spi for child in alice.sas[0].children if child.inbound]
            for spi in spis:
                alice._tell(next(iter(alice._holding)), Delete(protocol=3, spis=(spi,)), link.now)
            link.begin(bob, Protect(connection="net", child="net"))
            link.run()
        for side in (alice, bob):
            (sa,) = side.sas
            assert len(sa.exchanges) == FINISHED_KEPT
            assert sa.exchange_count >= 80
            (held,) = side._holding
            assert (held.retries, held.wanted) == ({}, [])
            assert len(held.repeated) <= FINISHED_KEPT

    def test_of_what_nobody_fetches(self) -> None:
        bob = peer(mirrored(wish()), BOB)
        for number in range(MOST_UNREAD + 50):
            bob.receive_datagram(bytes(number % 28), ALICE, 0.0)
        assert len(bob.events()) == MOST_UNREAD

    def test_a_half_open_sa_costs_little_whatever_was_said(self) -> None:
        """What is kept of a datagram is its fingerprint."""
        bob, octets = peer(mirrored(wish()), BOB), TestStrangers().first(0, ALICE)
        sheet = dissect(octets)
        assert sheet.header is not None
        vendors = tuple(VendorID(data=bytes(400)) for _ in range(19))
        body = write_chain((*sheet.payloads, *vendors))
        long = replace(sheet.header, length=28 + len(body)).write() + body
        bob.receive_datagram(long, ALICE, 0.0)
        (sa,) = bob.sas
        assert (len(sa.main.heard), len(long) > 7000) == (32, True)


class TestMessageIds:
    """RFC 2409 §5.5: a message ID names one exchange for the whole life of the SA."""

    def test_every_recorded_message_at_every_later_time(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        for _ in range(FINISHED_KEPT + 2):
            link.begin(alice, Protect(connection="net", child="net"))
            link.run()
        before = alice.sas, bob.sas
        pairs = len(bob.sas[0].children)
        for carried in list(link.wire):
            for side in (alice, bob):
                side.receive_datagram(carried.octets, carried.source, link.now)
        assert all(now is then for now, then in zip((*alice.sas, *bob.sas), (*before[0], *before[1]), strict=True))
        assert len(bob.sas[0].children) == pairs

    def test_own_ones_differ_and_are_never_zero(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        for _ in range(30):
            link.begin(alice, Protect(connection="net", child="net"))
        link.run()
        ids = [m.outcome.message_id for m in link.moments if m.outcome.fired.name.startswith("START: begins")]
        assert len(set(ids)) == len(ids) == 32
        assert ids.count(0) == 1

    def test_an_sa_that_has_used_up_its_share_takes_leave(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("ikelab.ike.peer.MOST", 3)
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        for _ in range(3):
            link.begin(alice, Protect(connection="net", child="net"))
            link.run()
        assert (alice.sas[0].state, bob.sas[0].state) == ("GONE", "GONE")


class TestReflection:
    """Both directions share their keys: a message sent back would even open. It is known by its octets."""

    @pytest.mark.parametrize("mode", ["main", "aggressive"])
    def test_every_message_sent_back_at_once(self, mode: ModeName) -> None:
        wanted = wish(mode=mode, esp="aes128-sha1-curve25519")
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        echoed = 0
        while len(link.wire) > echoed or link.now == 0.0:
            for carried in link.wire[echoed:]:
                sender = link.peers[carried.source]
                before = sender.sas
                sender.receive_datagram(carried.octets, carried.destination, link.now)
                assert all(now is then for now, then in zip(sender.sas, before, strict=True))
                assert link.moments[-1].outcome.fired in (REFUSE, IGNORE)
                assert link.moments[-1].outcome.said is None
            echoed = len(link.wire)
            link.run(until=link.now + 0.011)
        agreed(alice, bob)

    def test_news_too(self) -> None:
        """A Delete of this side's own SA, sent back, would name an SPI of the other side's in every detail."""
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        (held,) = alice._holding
        for spi in [child.spi for child in alice.sas[0].children]:
            alice._tell(held, Delete(protocol=3, spis=(spi,)), link.now)
        before = alice.sas
        for datagram in alice.datagrams_to_send():
            alice.receive_datagram(datagram.octets, BOB, link.now)
            assert "got this side's own" in str(link.moments[-1].outcome.refused)
        assert alice.sas[0] is before[0]
        assert len(alice.sas[0].children) == 2


class TestATwin:
    def test_goes_its_own_way(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        (first,) = alice.datagrams_to_send()
        twin = copy.copy(bob)
        bob.receive_datagram(first.octets, ALICE, 0.0)
        assert (len(bob.sas), len(twin.sas)) == (1, 0)
        other = copy.copy(bob)
        assert other.sas[0] is bob.sas[0]
        other.handle_timeout(1000.0)
        assert (other.sas[0].state, bob.sas[0].state) == ("GONE", "SA_CHOSEN")
