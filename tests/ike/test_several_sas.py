"""RFC 2409 §5.5: several SA payloads in one Quick Mode; the result of two is four SAs, two each way."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest

from ikelab.errors import Misuse, Refusal
from ikelab.ike.config import Connection, child_offers
from ikelab.ike.listen import Heard, Listener
from ikelab.ike.negotiate import offer_child
from ikelab.ike.peer import Connect, Disconnect, Peer
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.net.keys import keys_object
from ikelab.net.link import Link
from ikelab.net.results import Run, result_object
from ikelab.timeline.hearers import secrets_of
from ikelab.wire.numbers import Notify
from ikelab.wire.payloads import SA, Delete
from ikelab.wire.records import Payload
from tests.ike.agreement import agreed
from tests.ike.traitors import Edit, converse, saying_otherwise
from tests.ike.transitions import check
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish


def wanting(pairs: int, **words: str) -> Connection:
    connection = wish()
    offers = child_offers(**(words or {"esp": "aes128-sha1"}))
    return replace(connection, children=(replace(connection.children[0], pairs=pairs, offers=offers),))


def two(pairs: int, **words: str) -> tuple[Peer, Peer]:
    """Only the initiator says how many there are to be."""
    return peer(wanting(pairs, **words), ALICE), peer(mirrored(wanting(1, **words)), BOB)


def said(link: Link, message: int) -> tuple[Payload, ...]:
    """The payloads of a message, as its sender put them in order."""
    return [moment.outcome.saying for moment in link.moments if moment.outcome.said is not None][message - 1]


class TestSeveral:
    @pytest.mark.parametrize("pairs", [1, 2, 4])
    def test_two_each_way_for_each(self, pairs: int) -> None:
        alice, bob = two(pairs)
        link = run(alice, bob)
        agreed(alice, bob, count=pairs)
        assert len({child.message_id for child in alice.sas[0].children}) == 1
        for message in (7, 8):
            assert [payload.type for payload in said(link, message)] == [8, *[1] * pairs, 10, 5, 5]
        for moment in link.moments:
            check(moment.outcome)

    def test_each_with_several_protocols_and_one_group(self) -> None:
        alice, bob = two(2, esp="aes256-sha256", ah="sha1", pfs="curve25519", ipcomp="deflate")
        link = run(alice, bob)
        agreed(alice, bob, count=4)
        assert [payload.type for payload in said(link, 7)] == [8, 1, 1, 10, 4, 5, 5]
        assert len({child.spi for child in alice.sas[0].children}) == 8
        assert len({child.cpi for child in alice.sas[0].children if child.cpi}) == 4

    def test_keymat_of_each_is_made_with_its_spi(self) -> None:
        """RFC 2409 §5.5: derived identically as in the case of a single SA."""
        alice, bob = two(3)
        run(alice, bob)
        (sa,) = alice.sas
        assert sa.book is not None
        (exchange,) = sa.exchanges.values()
        nonces = exchange.given["Ni_b"].value + exchange.given["Nr_b"].value
        assert len(sa.children) == 6
        for child in sa.children:
            seed, blocks = b"\3" + child.spi + nonces, [b""]
            for _ in range(2):
                blocks.append(hmac.digest(sa.book["SKEYID_d"].value, blocks[-1] + seed, "sha1"))
            assert child.keymat.value == b"".join(blocks)[:36]
        assert len({child.enc_key for child in sa.children}) == 6

    def test_one_pair_can_be_deleted_alone(self) -> None:
        alice, bob = two(2)
        link = run(alice, bob)
        alice.begin(Disconnect(), link.now)
        first, *_ = alice.datagrams_to_send()
        bob.receive_datagram(first.octets, ALICE, link.now)
        assert {child.pair for child in bob.sas[0].children} == {1}
        assert len(bob.sas[0].children) == 2

    def test_every_spi_is_deleted_where_message_3_never_comes(self) -> None:
        alice, bob = two(2)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.path = replace(link.path, alter={n: lambda octets: octets[:20] for n in range(9, 22, 2)})
        link.run()
        news = [payload for m in link.moments if m.actor == BOB for payload in m.outcome.saying]
        assert sum(isinstance(payload, Delete) for payload in news) == 2
        assert alice.sas[0].children == bob.sas[0].children == ()

    def test_a_listener_and_the_files_know_all_of_them(self) -> None:
        alice, bob = two(2, esp="aes128-sha1", pfs="curve25519")
        link = run(alice, bob)
        whole = Run(link.moments, link.wire)
        listener = Listener(beliefs=secrets_of(whole.sas))
        for n, each in enumerate(link.wire, 1):
            listener.hear(Heard(frame=n, source=each.source, destination=each.destination, octets=each.octets))
        (conversation,) = listener.conversations
        found = {child.spi: (child.enc_key, child.auth_key) for child in conversation.children}
        assert found == {child.spi: (child.enc_key, child.auth_key) for child in alice.sas[0].children}
        assert [sa["from"] for sa in result_object(whole)["sas"]] == ["initiator", "responder"] * 2
        assert len(keys_object(whole)["quick"]) == 2


def doubled(payloads: list[Payload]) -> list[Payload]:
    """The first SA payload twice."""
    return [payloads[0], *payloads]


def fewer(payloads: list[Payload]) -> list[Payload]:
    return payloads[1:]


def second_one_worse(payloads: list[Payload]) -> list[Payload]:
    first, second, *rest = payloads
    assert isinstance(second, SA)
    return [first, offer_child(child_offers(esp="aes256-sha1"), second.proposals[0].spi, 1, 3600), *rest]


class TestRefused:
    @pytest.mark.parametrize(
        ("pairs", "message", "edit", "notify", "says"),
        [
            (1, 1, doubled, Notify.INVALID_SPI, "an SPI of its own for each SA, got one twice"),
            (1, 1, lambda all: [*all[:1] * 4, *all], Notify.NO_PROPOSAL_CHOSEN, "at most 4 SA payloads, got 5"),
            (2, 1, second_one_worse, Notify.NO_PROPOSAL_CHOSEN, "the offer is not acceptable"),
            (1, 2, doubled, Notify.NO_PROPOSAL_CHOSEN, "as were offered, 1, got 2"),
            (2, 2, fewer, Notify.NO_PROPOSAL_CHOSEN, "as were offered, 2, got 1"),
            (2, 2, lambda all: [all[0], *all[:1], *all[2:]], Notify.INVALID_SPI, "got one twice"),
        ],
        ids=["one SPI twice", "five", "one not acceptable", "more answers", "fewer answers", "one answer twice"],
    )
    def test_all_or_nothing(self, pairs: int, message: int, edit: Edit, notify: int, says: str) -> None:
        alice, bob = two(pairs)
        with saying_otherwise("Quick Mode", message, edit):
            heard = converse(alice, bob)
        refused = heard.refusals()[0].refused
        assert refused is not None
        assert (refused.notify, says in refused.why) == (notify, True), refused
        assert alice.sas[0].children == bob.sas[0].children == ()

    def test_they_stand_side_by_side(self) -> None:
        """RFC 2409 §5.5: an SA payload follows the HASH; one behind a nonce belongs to nothing."""
        together = said(run(*two(2)), 7)
        apart = (together[0], together[1], together[3], together[2], *together[4:])
        shape = QUICK_MODE.steps[0].shape
        assert shape.match(together)["SA"] == 1
        with pytest.raises(Refusal, match="expected no SA payload here"):
            shape.match(apart)

    @pytest.mark.parametrize("pairs", [0, 5])
    def test_as_many_as_this_engine_makes(self, pairs: int) -> None:
        with pytest.raises(Misuse, match=f"expected 1 to 4 pairs of SAs, got {pairs}"):
            wanting(pairs)
