"""RFC 2407 §4.5.4, §4.6.3.1: the offer is echoed, and a responder that keeps an SA for less says so beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ikelab.ike.config import Child, Connection
from ikelab.ike.lifetimes import as_the_responder_keeps_it
from ikelab.ike.negotiate import ChildChoice
from ikelab.ike.peer import Peer
from ikelab.wire.numbers import Notify, Protocol
from ikelab.wire.payloads import Notification
from tests.ike.agreement import agreed
from tests.ike.traitors import converse, plus, saying_otherwise
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

COOKIES = bytes(16)


def living(connection: Connection, seconds: int, kilobytes: int | None = None) -> Connection:
    (child,) = connection.children
    return replace(connection, children=(replace(child, lifetime=seconds, kilobytes=kilobytes),))


def two(theirs: tuple[int, int | None], own: tuple[int, int | None]) -> tuple[Peer, Peer, list[Notification]]:
    """An initiator and a responder with these lifetimes, after they met, and what the responder notified."""
    alice = peer(living(wish(), *theirs), ALICE)
    bob = peer(living(mirrored(wish()), *own), BOB)
    link = run(alice, bob)
    said = [payload for moment in link.moments if moment.actor == BOB for payload in moment.outcome.saying]
    return alice, bob, [payload for payload in said if isinstance(payload, Notification)]


def kept(side: Peer) -> set[tuple[int, int | None]]:
    return {(child.choice.lifetime, child.choice.kilobytes) for child in side.sas[0].children}


class TestBothKeepTheShorterOne:
    @pytest.mark.parametrize(
        ("theirs", "own", "both"),
        [
            ((3600, None), (3600, None), (3600, None)),
            ((600, None), (3600, None), (600, None)),
            ((3600, 5000), (3600, None), (3600, 5000)),
            ((600, 5000), (3600, 70000), (600, 5000)),
        ],
    )
    def test_nothing_is_said_where_the_initiators_is(
        self, theirs: tuple[int, int | None], own: tuple[int, int | None], both: tuple[int, int | None]
    ) -> None:
        alice, bob, notified = two(theirs, own)
        agreed(alice, bob)
        assert kept(alice) == kept(bob) == {both}
        assert notified == []

    @pytest.mark.parametrize(
        ("theirs", "own", "both", "data"),
        [
            ((3600, None), (600, None), (600, None), "80010001 80020258"),
            ((86400, None), (70000, None), (70000, None), "80010001 00020004 00011170"),
            ((3600, None), (3600, 5000), (3600, 5000), "80010001 80020e10 80010002 80021388"),
            ((3600, 100000), (600, 70000), (600, 70000), "80010001 80020258 80010002 00020004 00011170"),
            ((3600, 5000), (600, 70000), (600, 5000), "80010001 80020258 80010002 80021388"),
            ((600, 5000), (3600, 400), (600, 400), "80010001 80020258 80010002 80020190"),
        ],
    )
    def test_the_responder_says_its_own_where_that_is(
        self, theirs: tuple[int, int | None], own: tuple[int, int | None], both: tuple[int, int | None], data: str
    ) -> None:
        alice, bob, (said,) = two(theirs, own)
        agreed(alice, bob)
        assert kept(alice) == kept(bob) == {both}
        (inbound,) = (child for child in bob.sas[0].children if child.inbound)
        assert (said.notify, said.protocol) == (Notify.RESPONDER_LIFETIME, Protocol.ESP)
        assert (said.spi, said.data) == (inbound.spi, bytes.fromhex(data))

    def test_the_answer_itself_changes_nothing(self) -> None:
        alice, _, _ = two((3600, None), (600, None))
        (exchange,) = alice.sas[0].exchanges.values()
        assert exchange.choice is not None
        assert exchange.choice.offered_lifetime.seconds == 3600


def choice() -> ChildChoice:
    alice, _, _ = two((3600, None), (3600, None))
    (exchange,) = alice.sas[0].exchanges.values()
    assert exchange.choice is not None
    return exchange.choice


def notified(data: str, **change: object) -> Notification:
    spi = choice().spi
    made = Notification(protocol=3, notify=Notify.RESPONDER_LIFETIME, spi=spi, data=bytes.fromhex(data))
    return replace(made, **change)  # type: ignore[arg-type]


class TestHearing:
    @pytest.mark.parametrize(
        ("data", "kept"),
        [
            ("80010001 80020258", (600, None)),
            ("80010001 00020004 00000258", (600, None)),
            ("80010002 80020190", (3600, 400)),
            ("80010001 80021c20", (3600, None)),
            ("80010001 80020001", (60, None)),
            ("80010001 80020000", (3600, None)),
            ("80020258", (3600, None)),
            ("80010001", (3600, None)),
            ("800100", (3600, None)),
            ("80010001 0002ffff", (3600, None)),
            ("", (3600, None)),
        ],
    )
    def test_what_is_shorter_and_makes_sense_counts(self, data: str, kept: tuple[int, int | None]) -> None:
        """No peer can make an SA live shorter than a minute, or longer than was offered."""
        heard = as_the_responder_keeps_it(choice(), [notified(data)], COOKIES)
        assert (heard.lifetime, heard.kilobytes) == kept

    def test_it_may_name_the_cookies_instead_of_the_spi(self) -> None:
        """RFC 2407 §4.6.3.1."""
        said = notified("80010001 80020258", spi=COOKIES)
        assert as_the_responder_keeps_it(choice(), [said], COOKIES).lifetime == 600

    def test_news_of_another_sa_is_not_meant(self) -> None:
        for change in ({"spi": bytes(4)}, {"spi": b""}, {"notify": Notify.REPLAY_STATUS}):
            said = notified("80010001 80020258", **change)
            assert as_the_responder_keeps_it(choice(), [said], COOKIES).lifetime == 3600

    def test_a_traitor_cannot_end_the_exchange_with_it(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        junk = Notification(protocol=3, notify=Notify.RESPONDER_LIFETIME, spi=COOKIES, data=b"\x80\x01\x00")
        with saying_otherwise("Quick Mode", 2, plus(junk)):
            converse(alice, bob)
        agreed(alice, bob)


def test_a_child_says_how_much_it_may_protect() -> None:
    child: Child = living(wish(), 3600, 1 << 31).children[0]
    assert child.kilobytes == 1 << 31
