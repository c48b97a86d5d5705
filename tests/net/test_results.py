"""What a run came to, in the shape that programs rely on: from both sides, and from each side alone."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ikelab.ike.config import Connection
from ikelab.ike.peer import Connect, Disconnect
from ikelab.net.link import Link, Path
from ikelab.net.results import Run, result_object
from ikelab.net.tape import Tape
from ikelab.wire.numbers import Notify
from ikelab.wire.udp import Endpoint
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

WRONG = b"another secret altogether"
MAIN_AND_QUICK = [[1], [1], [4, 10], [4, 10], [5, 8], [5, 8], [8, 1, 10, 5, 5], [8, 1, 10, 5, 5], [8]]


def link_of(connection: Connection, other: Connection | None = None, path: Path | None = None) -> Link:
    return run(peer(connection, ALICE), peer(other or mirrored(connection), BOB), path)


def both(link: Link) -> Run:
    return Run(link.moments, link.wire)


def side(link: Link, actor: Endpoint) -> Run:
    return Run([moment for moment in link.moments if moment.actor == actor], link.wire)


class TestARunThatSucceeds:
    @pytest.mark.parametrize("watched", [(ALICE, BOB), (ALICE,), (BOB,)], ids=["both", "initiator", "responder"])
    def test_every_side_tells_the_same(self, watched: tuple[Endpoint, ...]) -> None:
        link = link_of(wish())
        found = result_object(Run([moment for moment in link.moments if moment.actor in watched], link.wire))
        assert found == json.loads(json.dumps(result_object(both(link))))
        assert found["established"] is True
        assert found["refused"] is None
        assert [message["payloads"] for message in found["messages"]] == MAIN_AND_QUICK
        assert [message["n"] for message in found["messages"]] == list(range(1, 10))
        assert [message["from"] for message in found["messages"]] == ["initiator", "responder"] * 4 + ["initiator"]
        assert [message["exchange"] for message in found["messages"]] == [2] * 6 + [32] * 3
        assert [message["encrypted"] for message in found["messages"]] == [False] * 4 + [True] * 5
        assert {message["message_id"] for message in found["messages"][:6]} == {"00000000"}
        assert [message["octets"] for message in found["messages"]] == [carried.octets.hex() for carried in link.wire]

    def test_its_secrets_are_those_of_both_peers(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        found = result_object(both(run(alice, bob)))
        assert "secrets_of_responder" not in found
        for sa in (*alice.sas, *bob.sas):
            assert sa.book is not None
            expected = {name: value.value.hex() for name, value in sa.book.known().items()}
            assert found["secrets"] == expected | {"g^xy": sa.main.given["g^xy"].value.hex()}
        assert found["secrets"].keys() >= {"SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R"}

    def test_its_sas_name_the_sender_of_the_packets(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        one, other = result_object(both(link))["sas"]
        assert (one["from"], other["from"]) == ("initiator", "responder")
        chosen_by_bob = next(m.outcome.after.exchanges for m in link.moments if m.actor == BOB and m.heard == 9)
        assert one["spi"] == next(iter(chosen_by_bob.values())).spi.hex()
        assert (len(one["enc"]), len(one["auth"])) == (32, 40)
        assert one["enc"] != other["enc"]

    def test_an_aead_has_no_integrity_key(self) -> None:
        sas = result_object(both(link_of(wish(esp="aes256gcm16"))))["sas"]
        assert [(len(sa["enc"]), sa["auth"]) for sa in sas] == [(72, None)] * 2

    def test_null_has_no_encryption_octets(self) -> None:
        sas = result_object(both(link_of(wish(esp="null-sha1"))))["sas"]
        assert [(sa["enc"], len(sa["auth"])) for sa in sas] == [("", 40)] * 2

    def test_a_loss_on_the_way_is_told_and_does_no_harm(self) -> None:
        found = result_object(both(link_of(wish(), path=Path(lose=frozenset({5})))))
        assert found["established"] is True
        assert found["messages"][4]["fate"] == "lost"
        assert found["messages"][5]["retransmission_of"] == 5

    def test_deleting_afterwards_changes_nothing(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        before = result_object(both(link))
        alice.begin(Disconnect(), link.now)
        link.run()
        after = result_object(both(link))
        assert [message["payloads"] for message in after["messages"][9:]] == [[8, 12], [8, 12]]
        assert {**after, "messages": after["messages"][:9]} == before


class TestARunThatFails:
    def test_a_wrong_pre_shared_key_in_main_mode(self) -> None:
        link = link_of(wish(), mirrored(wish(psk=WRONG)))
        found = result_object(both(link))
        assert found["established"] is False
        assert (found["refused"]["at"], found["refused"]["by"]) == (5, "responder")
        assert "decrypted to nonsense" in found["refused"]["why"]
        assert found["secrets"]["SKEYID"] != found["secrets_of_responder"]["SKEYID"]
        assert found["secrets"]["g^xy"] == found["secrets_of_responder"]["g^xy"]

    def test_a_wrong_pre_shared_key_in_aggressive_mode(self) -> None:
        link = link_of(wish(mode="aggressive"), mirrored(wish(mode="aggressive", psk=WRONG)))
        for watched in (both(link), side(link, ALICE), side(link, BOB)):
            refused = result_object(watched)["refused"]
            assert (refused["at"], refused["by"]) == (2, "initiator")
            assert refused["notify"] == Notify.AUTHENTICATION_FAILED

    @pytest.mark.parametrize(
        ("other", "at", "notify"),
        [
            (wish(own=BOB, ike="aes256-sha1-curve25519"), 1, Notify.NO_PROPOSAL_CHOSEN),
            (wish(own=BOB, mode="aggressive"), 1, Notify.UNSUPPORTED_EXCHANGE_TYPE),
            (mirrored(wish(esp="aes256-sha1")), 7, Notify.NO_PROPOSAL_CHOSEN),
            (mirrored(wish(esp="aes128-sha1-curve25519")), 7, Notify.NO_PROPOSAL_CHOSEN),
            (mirrored(wish(local="10.7.0.0/24")), 7, Notify.INVALID_ID_INFORMATION),
        ],
        ids=["proposal", "mode", "phase 2", "PFS", "selectors"],
    )
    def test_every_side_names_the_message_the_side_and_the_notify(
        self, other: Connection, at: int, notify: int
    ) -> None:
        link = link_of(wish(), other)
        whys = []
        for watched in (both(link), side(link, ALICE), side(link, BOB)):
            found = result_object(watched)
            assert found["established"] is False
            assert (found["refused"]["at"], found["refused"]["by"]) == (at, "responder")
            assert found["refused"]["notify"] == notify
            assert found["refused"]["rfc"].startswith("RFC 240")
            whys.append(found["refused"]["why"])
        assert whys[0] == whys[2]
        assert whys[1].startswith(f"the other side says {Notify(notify).label}")

    def test_an_answer_that_never_comes(self) -> None:
        link = link_of(wish(), path=Path(lose=frozenset(range(1, 100))))
        refused = result_object(both(link))["refused"]
        assert (refused["at"], refused["by"], refused["notify"]) == (1, "initiator", None)
        assert "got none" in refused["why"]

    def test_a_refusal_without_a_word_is_told_by_the_one_who_refused(self) -> None:
        def break_hash_1(octets: bytes) -> bytes:
            return octets[:-1] + bytes([octets[-1] ^ 1])

        link = link_of(wish(), path=Path(alter=dict.fromkeys(range(7, 60, 1), break_hash_1)))
        refused = result_object(both(link))["refused"]
        assert refused["by"] == "responder"
        assert refused["notify"] is None


class TestSeveralRunsOnOneTape:
    def test_each_is_told_apart_by_its_cookie(self) -> None:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = run(alice, bob)
        alice.begin(Connect(connection="net", remote=BOB), link.now)
        link.run()
        _, second = (sa.cookie_i for sa in alice.sas)
        whole, one = both(link), both(link).about(second)
        assert len(whole.wire) == 18
        found = result_object(one)
        assert [message["n"] for message in found["messages"]] == list(range(1, 10))
        assert len(found["sas"]) == 2


class TestTape:
    def test_a_number_is_never_given_twice(self) -> None:
        link = link_of(wish())
        tape: Tape = link.tape
        assert [carried.number for carried in tape.wire] == list(range(1, 10))
        assert [moment.said for moment in tape.moments if moment.said] == list(range(1, 10))
        assert [moment.heard for moment in tape.moments if moment.heard] == list(range(1, 10))
        moments, wire = list(tape.moments), list(tape.wire)
        assert tape.drain() == (moments, wire)
        assert (tape.wire, tape.moments, tape.number) == ([], [], 10)

    def test_a_thought_that_is_about_to_speak_is_not_taken_away(self) -> None:
        alice = peer(wish(), ALICE)
        tape = Tape()
        alice.film = tape.film(alice)
        alice.begin(Connect(connection="net", remote=BOB), 0.0)
        with pytest.raises(AssertionError):
            tape.drain()


class TestAConversationThatNobodyFinished:
    def test_each_refusal_under_a_cookie_of_its_own_comes_from_the_responder(self) -> None:
        """StrongSwan makes a new cookie for every repetition of a first message that it refuses."""
        link = link_of(wish(), wish(own=BOB, ike="aes256-sha1-curve25519"))
        for place, cookie in ((1, b"cookie-1"), (3, b"cookie-2")):
            carried = link.wire[place]
            octets = carried.octets[:8] + cookie + carried.octets[16:]
            link.wire[place] = replace(carried, octets=octets, sent=octets)
        told = [message["from"] for message in result_object(side(link, ALICE))["messages"]]
        assert told == ["initiator", "responder"] * 2

    def test_an_initiator_that_falls_silent(self) -> None:
        link = link_of(wish(), path=Path(lose=frozenset(range(3, 100))))
        refused = result_object(side(link, BOB))["refused"]
        assert (refused["by"], refused["notify"]) == ("responder", None)
        assert refused["why"] == "expected the end of Main Mode (this side is in SA_CHOSEN), got nothing more"

    def test_what_was_heard_out_of_turn_is_named(self) -> None:
        link = link_of(wish(mode="aggressive"), path=Path(lose=frozenset({3, *range(6, 100)})))
        found = result_object(side(link, BOB))
        assert found["established"] is False
        assert found["refused"]["at"] == 4
        assert "expected the end of Aggressive Mode first" in found["refused"]["why"]
