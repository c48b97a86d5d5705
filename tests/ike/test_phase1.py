"""Phase 1 between two peers in memory: which mode a responder answers."""

from __future__ import annotations

from ikelab.ike.config import Weak
from ikelab.wire.numbers import Notify
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

AGGRESSIVE = wish(mode="aggressive")


class TestAggressiveModeWithAPreSharedKey:
    def test_a_responder_answers_it_only_where_weak_things_are_allowed(self) -> None:
        alice, bob = peer(AGGRESSIVE, ALICE), peer(mirrored(AGGRESSIVE), BOB, weak=Weak.REFUSED)
        link = run(alice, bob)
        refused = next(moment.outcome.refused for moment in link.moments if moment.actor == BOB)
        assert refused is not None
        assert refused.notify == Notify.UNSUPPORTED_EXCHANGE_TYPE
        assert "--allow-weak" in refused.hint
        assert bob.sas == ()
        assert not any(sa.established for sa in alice.sas)

    def test_an_initiator_may_use_it_all_the_same(self) -> None:
        alice, bob = peer(AGGRESSIVE, ALICE, weak=Weak.REFUSED), peer(mirrored(AGGRESSIVE), BOB)
        run(alice, bob)
        assert [sa.established for sa in (*alice.sas, *bob.sas)] == [True, True]
