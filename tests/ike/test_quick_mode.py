"""Quick Mode between two peers in memory: whose packets a child is for."""

from __future__ import annotations

from ikelab.ike.selector import Selector
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish


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
