"""A peer without sockets: where its answers go out."""

from __future__ import annotations

from ikelab.ike.peer import Connect, Disconnect
from ikelab.wire.udp import Endpoint
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
