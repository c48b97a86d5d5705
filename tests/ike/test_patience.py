"""The retransmission machine: who repeats what and how often, and when waiting is over."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from ikelab.errors import Refusal
from ikelab.ike.config import PROFILES, Child, Identity
from ikelab.ike.held import Retry
from ikelab.ike.peer import Connect, Peer, Protect
from ikelab.ike.rules import COMPLAINT, GIVE_UP, REFUSE, REMIND, REPEAT, RESEND
from ikelab.ike.saying import notice_in_clear
from ikelab.net.link import Link, Path
from ikelab.wire.message import read_header
from ikelab.wire.numbers import ExchangeType, Notify
from tests.ike.agreement import agreed
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

PLAIN = replace(PROFILES["ikelab"], jitter=0.0)
AGGRESSIVE = wish(mode="aggressive")
DOUBT, OTHER = Refusal(why="no"), Refusal(why="no, again")


def link_of(path: Path, connection: object = None, **settings: object) -> Link:
    wanted = connection or wish()
    settings = {"profile": PLAIN, **settings}
    alice = peer(wanted, ALICE, **settings)  # type: ignore[arg-type]
    link = Link(alice, peer(mirrored(wanted), BOB, **settings), path=path)  # type: ignore[arg-type]
    link.begin(alice, Connect(connection="net", remote=BOB))
    return link


def fired(link: Link, who: object, *rules: object) -> list[float]:
    return [m.time for m in link.moments if m.actor == who and m.outcome.fired in rules]


def exchange_of(octets: bytes) -> int:
    return read_header(octets).exchange


class TestRfc2408Section51:
    def test_waits_grow_and_end(self) -> None:
        link = link_of(Path(lose=frozenset(range(1, 100))))
        link.run()
        times = [carried.time for carried in link.wire]
        waits = [later - earlier for earlier, later in pairwise(times)]
        assert waits == pytest.approx(PLAIN.waits[:-1])
        (end,) = fired(link, ALICE, GIVE_UP)
        assert end == pytest.approx(sum(PLAIN.waits))
        alice = link.peers[ALICE]
        assert (alice.sas[0].state, alice.next_timeout()) == ("GONE", None)

    def test_the_octets_are_the_same_every_time(self) -> None:
        link = link_of(Path(lose=frozenset(range(1, 100))))
        link.run()
        assert len({carried.octets for carried in link.wire}) == 1

    def test_jitter_is_another_one_each_time(self) -> None:
        link = link_of(Path(), profile=PROFILES["ikelab"])
        link.run()
        lost = link_of(Path(lose=frozenset({1, 4})), profile=PROFILES["ikelab"])
        lost.run()
        first, second = (m.time for m in lost.moments if m.outcome.fired is RESEND)
        assert 0.9 <= first <= 1.1
        assert first != pytest.approx(second - first, abs=1e-6)


class TestWhoRepeatsWhat:
    @pytest.mark.parametrize(("mode", "number"), [("main", 2), ("main", 4), ("aggressive", 2)])
    def test_a_responder_of_phase_1_repeats_only_when_asked_again(self, mode: str, number: int) -> None:
        link = link_of(Path(lose=frozenset({number})), wish(mode=mode))  # type: ignore[arg-type]
        link.run()
        assert fired(link, BOB, RESEND) == []
        assert len(fired(link, BOB, REPEAT)) == 1
        agreed(*link.peers.values())

    def test_a_lost_end_of_main_mode_comes_out_again(self) -> None:
        link = link_of(Path(lose=frozenset({6})))
        link.run()
        assert len(fired(link, ALICE, RESEND)) == len(fired(link, BOB, REPEAT)) == 1
        agreed(*link.peers.values())

    def test_a_lost_end_of_aggressive_mode_comes_before_the_next_message_does_again(self) -> None:
        """And the other side, which hears Quick Mode too early, reminds of its message 2."""
        link = link_of(Path(lose=frozenset({3, 5})), AGGRESSIVE)
        link.run()
        assert len(fired(link, BOB, REMIND)) == 1
        resent = [m.outcome for m in link.moments if m.actor == ALICE and m.outcome.fired is RESEND]
        assert [exchange_of(each.said or b"") for each in resent] == [ExchangeType.AGGRESSIVE, ExchangeType.QUICK_MODE]
        agreed(*link.peers.values())

    def test_a_responder_of_main_mode_whose_quick_mode_stays_unanswered_says_message_6_again(self) -> None:
        link = link_of(Path(lose=frozenset({6})))
        bob = link.peers[BOB]
        link.run(stop=lambda: any(sa.established for sa in bob.sas))
        assert bob.sas[0].unconfirmed
        link.begin(bob, Protect(connection="net", child="net"))
        link.run(until=link.now + 0.01)
        bob.handle_timeout(PLAIN.waits[0] + 1)
        said = [datagram.octets for datagram in bob.datagrams_to_send()]
        assert [exchange_of(each) for each in said] == [ExchangeType.IDENTITY_PROTECTION, ExchangeType.QUICK_MODE]
        assert said[0] == link.wire[5].octets

    def test_once_the_other_side_has_used_the_sa_nothing_of_phase_1_is_repeated(self) -> None:
        link = link_of(Path(), AGGRESSIVE)
        link.run()
        alice, bob = link.peers.values()
        assert alice.sas[0].main.said == b""
        alice.receive_datagram(link.wire[1].octets, BOB, link.now)
        assert link.moments[-1].outcome.fired is REPEAT
        assert alice.datagrams_to_send() == []
        agreed(alice, bob)

    def test_an_sa_that_nothing_has_confirmed_ends_with_its_first_exchange(self) -> None:
        """Message 3 never arrives: the initiator alone believes in the SA, until nobody answers under it."""
        link = link_of(Path(lose=frozenset(n for n in range(3, 200))), AGGRESSIVE)
        link.run()
        alice, bob = link.peers.values()
        ends = [m.outcome for m in link.moments if m.actor == ALICE and m.outcome.fired is GIVE_UP]
        assert [bool(each.message_id) for each in ends] == [True, False]
        assert not any(sa.established for sa in (*alice.sas, *bob.sas))

    def test_one_that_was_confirmed_lives_on(self) -> None:
        link = link_of(Path())
        link.run()
        alice, bob = link.peers.values()
        link.path = Path(loss=1.0)
        link.begin(alice, Protect(connection="net", child="net"))
        link.run()
        assert len(fired(link, ALICE, GIVE_UP)) == 1
        agreed(alice, bob)

    @pytest.mark.parametrize("number", [1, 3, 5, 7])
    def test_duplicates_are_answered_as_often_as_one_would_repeat_oneself(self, number: int) -> None:
        link = link_of(Path())
        link.run(until=0.01 * number + 0.005)
        bob, again = link.peers[BOB], link.wire[number - 1].octets
        answers = []
        for _ in range(PLAIN.tries + 5):
            bob.receive_datagram(again, ALICE, link.now)
            answers += bob.datagrams_to_send()
        assert len(answers) == PLAIN.tries
        assert {answer.octets for answer in answers} == {link.wire[number].octets if number < 8 else b""} or number == 7


class TestWhenWaitingIsOver:
    """A complaint in clear may be forged, and so may a bad answer: one is waited out, two in a row are believed."""

    @pytest.mark.parametrize(
        ("doubts", "hopeless", "reason"),
        [
            ((None,), False, None),
            ((DOUBT,), False, DOUBT),
            ((DOUBT, None), False, DOUBT),
            ((None, DOUBT), False, DOUBT),
            ((DOUBT, None, OTHER), False, OTHER),
            ((DOUBT, OTHER), True, OTHER),
            ((None, DOUBT, OTHER), True, OTHER),
        ],
    )
    def test_two_in_a_row(self, doubts: tuple[Refusal | None, ...], hopeless: bool, reason: Refusal | None) -> None:
        retry = Retry(due=0.0, doubts=doubts)
        assert (retry.hopeless, retry.reason, retry.sent) == (hopeless, reason, len(doubts))

    def test_one_with_proof_is_enough(self) -> None:
        retry = Retry(due=0.0).doubted(DOUBT, proven=True)
        assert (retry.hopeless, retry.reason) == (True, DOUBT)
        assert Retry(due=0.0).doubted(DOUBT, proven=False).doubted(OTHER, proven=False).doubts == (OTHER,)

    def test_an_initiator_whose_offer_is_refused_asks_once_more(self) -> None:
        other = mirrored(wish(ike="aes256-sha1-curve25519"))
        link = Link(peer(wish(), ALICE, profile=PLAIN), peer(other, BOB, profile=PLAIN))
        link.begin(link.peers[ALICE], Connect(connection="net", remote=BOB))
        link.run()
        assert len(fired(link, ALICE, COMPLAINT)) == 2
        assert len(fired(link, ALICE, RESEND)) == 1
        (end,) = (m.outcome for m in link.moments if m.outcome.fired is GIVE_UP)
        assert end.refused is not None
        assert end.refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert end.refused.hint == "said in clear: anyone on the way could have written it"

    def test_whoever_answers_better_in_time_wins(self) -> None:
        """A forged complaint after every message of the initiator, with the genuine answer behind it."""
        refusal = Link(peer(wish(), ALICE), peer(mirrored(wish(ike="3des-sha1-curve25519")), BOB))
        refusal.begin(refusal.peers[ALICE], Connect(connection="net", remote=BOB))
        refusal.run(until=0.5)
        complaint = refusal.wire[1].octets
        link = link_of(Path())
        alice, bob = link.peers.values()
        for _ in range(12):
            alice.receive_datagram(complaint, BOB, link.now)
            link.run(until=link.now + 0.011)
        link.run()
        agreed(alice, bob)

    def test_a_name_that_aggressive_mode_does_not_accept_is_known_after_the_second_answer(self) -> None:
        """The initiator is done with phase 1; the responder says in clear that it is not. Nobody reminds anybody."""
        stranger = peer(replace(AGGRESSIVE, local_id=Identity.parse("moon.example.org")), ALICE, profile=PLAIN)
        expecting = replace(mirrored(AGGRESSIVE), remote_id=Identity.parse(ALICE.address))
        link = Link(stranger, peer(expecting, BOB, profile=PLAIN))
        link.begin(stranger, Connect(connection="net", remote=BOB))
        link.run()
        assert [exchange_of(each.octets) for each in link.wire] == [
            ExchangeType.AGGRESSIVE,
            ExchangeType.AGGRESSIVE,
            *2 * [ExchangeType.AGGRESSIVE, ExchangeType.QUICK_MODE, ExchangeType.INFORMATIONAL],
        ]
        assert (len(fired(link, ALICE, COMPLAINT)), len(fired(link, BOB, REMIND))) == (2, 0)
        ends = [m.outcome for m in link.moments if m.actor == ALICE and m.outcome.fired is GIVE_UP]
        assert [bool(each.message_id) for each in ends] == [True, False]
        assert {each.refused.notify for each in ends if each.refused} == {Notify.INVALID_ID_INFORMATION}
        assert not any(sa.established for each in link.peers.values() for sa in each.sas)

    def test_a_damaged_end_of_aggressive_mode_comes_out_again(self) -> None:
        """Once refused it is not asked for again, and the timer of the initiator brings it all the same."""
        link = link_of(Path(alter={3: lambda octets: octets[:-1] + bytes([octets[-1] ^ 1])}), AGGRESSIVE)
        link.run()
        assert len(fired(link, BOB, REMIND)) == 0
        agreed(*link.peers.values())

    def test_a_forged_complaint_after_aggressive_mode_is_waited_out(self) -> None:
        link = link_of(Path(), AGGRESSIVE)
        alice, bob = link.peers.values()
        link.run(stop=lambda: len(link.wire) >= 4)
        sa = alice.sas[0]
        assert sa.unconfirmed
        header = read_header(link.wire[2].octets)
        complaint = notice_in_clear(header, Notify.INVALID_ID_INFORMATION, 7)
        for _ in range(3):
            alice.receive_datagram(complaint, BOB, link.now)
        assert alice.sas[0] is sa
        assert fired(link, ALICE, COMPLAINT)
        link.run()
        agreed(alice, bob)
        alice.receive_datagram(complaint, BOB, link.now)
        assert link.moments[-1].outcome.fired is REFUSE, "the SA has been used: nothing in clear counts any more"

    def test_a_wrong_key_is_known_after_the_second_answer(self) -> None:
        link = Link(peer(AGGRESSIVE, ALICE, profile=PLAIN), peer(mirrored(replace(AGGRESSIVE, psk=b"x")), BOB))
        link.begin(link.peers[ALICE], Connect(connection="net", remote=BOB))
        link.run()
        assert len(fired(link, ALICE, REFUSE)) == 2
        (end,) = (m.outcome for m in link.moments if m.outcome.fired is GIVE_UP)
        assert end.refused is not None
        assert end.refused.notify == Notify.AUTHENTICATION_FAILED


class TestCancellation:
    """Either side starts anew after any message: the other finds out in its own time, and a new try succeeds."""

    @pytest.mark.parametrize("number", range(1, 10))
    @pytest.mark.parametrize("who", [ALICE, BOB])
    def test_a_restart_after_each_message(self, number: int, who: object) -> None:
        link = link_of(Path())
        link.run(stop=lambda: len(link.wire) >= number)
        fresh: Peer = peer(wish() if who == ALICE else mirrored(wish()), ALICE if who == ALICE else BOB, seed=2)
        alice, bob = (fresh, link.peers[BOB]) if who == ALICE else (link.peers[ALICE], fresh)
        again = Link(alice, bob)
        again.begin(alice, Connect(connection="net", remote=BOB))
        again.run()
        latest = alice.sas[-1]
        assert latest.established
        assert {child.spi for child in latest.children} <= {child.spi for sa in bob.sas for child in sa.children}

    def test_children_of_a_connection_may_be_none(self) -> None:
        bare = replace(wish(), children=())
        alice, bob = peer(bare, ALICE), peer(mirrored(bare), BOB)
        run(alice, bob)
        assert [sa.established for sa in (*alice.sas, *bob.sas)] == [True, True]
        assert isinstance(wish().children[0], Child)
