"""What a peer remembers: frozen records, none of which can be made that should not be."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given, strategies as st

from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import MAIN_MODE
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.sa import FINISHED_KEPT, Exchange, IkeSa, fingerprint
from ikelab.ike.spent import BLOCK, Spent
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish


def young() -> IkeSa:
    main = Exchange(script=MAIN_MODE, role="initiator")
    return IkeSa(role="initiator", local=ALICE, remote=BOB, cookie_i=b"cookie-i", main=main)


@pytest.fixture(scope="module")
def grown() -> IkeSa:
    """Established, with one child."""
    alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
    run(alice, bob)
    return alice.sas[0]


class TestEstablished:
    def test_nobody_is_without_proof(self) -> None:
        sa = young()
        with pytest.raises(AssertionError, match="nothing has verified the other side"):
            replace(sa, main=replace(sa.main, state="ESTABLISHED"))
        with pytest.raises(AssertionError, match="nothing has verified"):
            replace(sa, main=replace(sa.main, state="ESTABLISHED"), authenticated="trust me")  # type: ignore[arg-type]

    def test_nobody_is_who_is_gone(self, grown: IkeSa) -> None:
        assert grown.established
        assert not replace(grown, gone="over").established
        assert replace(grown, gone="over").state == "GONE"

    def test_records_do_not_change(self, grown: IkeSa) -> None:
        with pytest.raises(FrozenInstanceError):
            grown.gone = "now"  # type: ignore[misc]


class TestTheBook:
    def test_is_handed_on_where_nothing_in_it_can_have_changed(self, grown: IkeSa) -> None:
        assert grown.book is not None
        assert grown.but(children=()).book is grown.book
        assert grown.but(main=replace(grown.main, said=b"")).book is grown.book

    @pytest.mark.parametrize("change", ["cookie_r", "main", "connection"])
    def test_is_made_anew_where_it_can(self, grown: IkeSa, change: str) -> None:
        assert grown.connection is not None
        value = {
            "cookie_r": b"cookie-r",
            "main": replace(grown.main, given={**grown.main.given}),
            "connection": replace(grown.connection, psk=b"another key"),
        }[change]
        other = grown.but(**{change: value})
        assert other.book is not None
        assert other.book is not grown.book
        same = change == "main"
        assert (other.book["SKEYID_a"].value == grown.book["SKEYID_a"].value) == same  # type: ignore[index]

    def test_is_none_before_anything_is_agreed(self) -> None:
        assert young().book is None
        assert not young().has_keys


class TestRfc2409AppendixB:
    def test_the_first_iv_under_the_sa_is_of_the_last_block_and_the_message_id(self, grown: IkeSa) -> None:
        exchange = Exchange(script=QUICK_MODE, role="initiator", message_id=0x01020304)
        expected = hashlib.sha1(grown.main.iv + bytes([1, 2, 3, 4])).digest()[:16]
        assert grown.next_iv(exchange) == expected
        assert grown.next_iv(replace(exchange, iv=b"the last block..")) == b"the last block.."

    def test_where_phase_1_encrypted_nothing_it_is_of_the_first_iv(self, grown: IkeSa) -> None:
        given = grown.main.given
        first = hashlib.sha1(given["g^xi"].value + given["g^xr"].value).digest()[:16]
        never = grown.but(main=replace(grown.main, iv=b""))
        assert never.next_iv(never.main) == first
        exchange = Exchange(script=INFORMATIONAL, role="initiator", message_id=7)
        assert never.next_iv(exchange) == hashlib.sha1(first + bytes([0, 0, 0, 7])).digest()[:16]


class TestWhatIsRememberedOfExchanges:
    def test_the_latest_whole_and_of_the_others_their_number(self, grown: IkeSa) -> None:
        sa = grown
        for number in range(1, 101):
            sa = sa.with_exchange(Exchange(script=INFORMATIONAL, role="initiator", message_id=number, state="DONE"))
        assert len(sa.exchanges) == FINISHED_KEPT
        assert all(sa.has_seen(number) for number in range(1, 101))
        assert not sa.has_seen(101)
        assert sa.exchange_count == 101
        assert sa.exchange(1) is None
        assert sa.exchange(100) is not None

    def test_what_is_under_way_is_never_forgotten(self, grown: IkeSa) -> None:
        sa = grown.with_exchange(Exchange(script=QUICK_MODE, role="initiator", message_id=1, state="QM_SENT"))
        for number in range(2, 100):
            sa = sa.with_exchange(Exchange(script=INFORMATIONAL, role="initiator", message_id=number, state="DONE"))
        assert [exchange.message_id for exchange in sa.waiting] == [1]

    def test_a_fingerprint_tells_messages_apart(self) -> None:
        assert fingerprint(b"a") == fingerprint(b"a") != fingerprint(b"b")
        assert len(fingerprint(bytes(10_000))) == 32


class TestSpent:
    @given(st.sets(st.integers(1, 2**32 - 1), max_size=3 * BLOCK))
    def test_is_a_set(self, numbers: set[int]) -> None:
        spent = Spent()
        for number in numbers:
            before = spent
            spent = spent.also(number)
            assert number not in before
        assert len(spent) == len(numbers)
        assert all(number in spent for number in numbers)
        assert 0 not in spent

    def test_full_blocks_are_shared(self) -> None:
        spent = Spent()
        for number in range(3 * BLOCK):
            spent = spent.also(number)
        assert spent.also(-1).blocks is spent.blocks
        assert len(spent.blocks) == 3


class TestSasForPackets:
    def test_each_side_receives_under_the_spi_that_it_chose(self, grown: IkeSa) -> None:
        inbound, outbound = sorted(grown.children, key=lambda child: not child.inbound)
        (exchange,) = (each for each in grown.exchanges.values() if each.script is QUICK_MODE)
        assert (inbound.inbound, outbound.inbound) == (True, False)
        assert inbound.spi == exchange.spi
        assert exchange.choice is not None
        assert outbound.spi == exchange.choice.spi
