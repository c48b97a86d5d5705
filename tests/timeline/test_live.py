"""A run becomes a trace: what was heard by whom, what was found, and what a side that nobody watches leaves open."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from ikelab.course.runs import run
from ikelab.ike.peer import Disconnect
from ikelab.net.link import Path
from ikelab.timeline.live import trace_of_run
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run as let_run, wish


def verdicts(message: Any) -> list[tuple[str, bool | None]]:
    return [(verdict["name"], verdict["ok"]) for verdict in message["verified"]]


class TestVerdictsAreTheHearers:
    def test_a_hash_that_was_checked_holds(self) -> None:
        found = [verdicts(message) for message in run("main").trace.messages]
        assert found == [[], [], [], [], [("HASH_I", True)], [("HASH_R", True)], [("HASH(1)", True)],
                         [("HASH(2)", True)], [("HASH(3)", True)]]  # fmt: skip

    def test_one_that_its_hearer_could_not_even_read_is_no_proof(self) -> None:
        message = run("psk").trace.messages[4]
        assert message["decrypted"], "the lab was told both keys"
        assert verdicts(message) == []
        assert message["remarks"][0].startswith("opened here with the sender's key; the responder could not: ")

    def test_one_that_was_recomputed_and_differs_does_not_hold(self) -> None:
        message = run("psk-aggressive").trace.messages[1]
        assert verdicts(message) == [("HASH_R", False)]
        assert message["verified"][0]["text"].startswith("HASH_R of 10.99.0.2: expected ")

    def test_the_hash_of_a_message_refused_for_another_reason_holds(self) -> None:
        assert verdicts(run("selectors").trace.messages[6]) == [("HASH(1)", True)]
        assert verdicts(run("identity").trace.messages[4]) == [("HASH_I", True)]

    def test_one_that_was_altered_does_not_hold(self) -> None:
        talk = run("main").fork(message=7, octet=44, to="00")
        assert verdicts(talk.trace.messages[6]) == [("HASH(1)", False)]

    def test_of_what_nobody_heard_nothing_was_found(self) -> None:
        message = run("main").fork(message=5, drop=True).trace.messages[4]
        assert message["heard_at"] is None
        assert verdicts(message) == []


class TestWhatTheNetworkDid:
    def test_lost(self) -> None:
        message = run("main").fork(message=4, drop=True).trace.messages[3]
        assert (message["fate"], message["arrives"], message["sent"], message["changed"]) == ("lost", None, None, [])

    def test_altered(self) -> None:
        before, after = run("main"), run("main").fork(message=2, octet=20, to="ffee")
        message = after.trace.messages[1]
        assert message["fate"] == "altered"
        assert message["sent"] == before.trace.messages[1]["sheets"][0]["octets"]
        assert message["changed"] == [{"at": 20, "size": 2, "was": message["sent"][40:44]}]
        assert message["sheets"][0]["octets"][40:44] == "ffee"

    def test_what_was_cut_off_is_a_change_without_octets(self) -> None:
        message = run("main").fork(message=1, edit=lambda octets: octets[:-4]).trace.messages[0]
        assert message["changed"] == [{"at": 80, "size": 0, "was": message["sent"][-8:]}]
        assert message["error"] is not None

    def test_a_header_that_cannot_be_read_still_has_a_sender(self) -> None:
        message = run("main").fork(message=3, edit=lambda octets: octets[:20]).trace.messages[2]
        assert message["from"] == "initiator"
        assert message["exchange"] is None

    def test_a_repetition_keeps_its_names(self) -> None:
        link = let_run(peer(wish(), ALICE), peer(mirrored(wish()), BOB), Path(lose=frozenset({8})))
        sas = [sa for each in link.peers.values() for sa in each.sas]
        trace = trace_of_run(link.moments, link.wire, sas, title="", about="")
        assert [message["summary"] for message in trace.messages[6:9]] == [
            "HDR*, HASH(1), SA, Ni, IDci, IDcr",
            "HDR*, HASH(2), SA, Nr, IDci, IDcr",
            "HDR*, HASH(1), SA, Ni, IDci, IDcr" if trace.messages[8]["from"] == "initiator" else
            "HDR*, HASH(2), SA, Nr, IDci, IDcr",
        ]  # fmt: skip
        assert trace.messages[8]["retransmission_of"] in (7, 8)

    def test_an_altered_message_is_no_message_of_the_exchange(self) -> None:
        """The one that is said again is the first of its exchange, not the second."""
        messages = run("main").fork(message=7, octet=44, to="00").trace.messages
        again = next(message for message in messages if message["n"] > 7 and message["from"] == "initiator")
        assert again["summary"] == "HDR*, HASH(1), SA, Ni, IDci, IDcr"
        assert verdicts(again) == [("HASH(1)", True)]


class TestStates:
    def test_of_both_sides_after_each_step(self) -> None:
        states = [(frame["states"]["initiator"], frame["states"]["responder"]) for frame in run("main").trace.frames]
        assert states[:7] == [
            ("SA_SENT", "START"),
            ("SA_SENT", "SA_CHOSEN"),
            ("KE_SENT", "SA_CHOSEN"),
            ("KE_SENT", "KE_SENT"),
            ("ID_SENT", "KE_SENT"),
            ("ID_SENT", "ESTABLISHED"),
            ("ESTABLISHED", "ESTABLISHED"),
        ]

    def test_of_exchanges_under_the_sa(self) -> None:
        frames = run("main").trace.frames
        (message_id,) = frames[-1]["exchanges"]["responder"]
        lives = [frame["exchanges"]["responder"].get(message_id, {}).get("state") for frame in frames]
        assert lives[-4:] == [None, "QM_ANSWERED", "QM_ANSWERED", "DONE"]
        assert frames[-1]["exchanges"]["initiator"][message_id] == {
            "name": "Quick Mode", "role": "initiator", "state": "DONE"
        }  # fmt: skip
        assert {frame["about"] for frame in frames} == {"00000000", message_id}

    def test_who_refuses_stays_where_it_was(self) -> None:
        frames = run("psk").trace.frames
        for before, after in pairwise(frames):
            if after["rule"] == "REFUSE":
                assert before["states"] == after["states"]

    def test_a_timer_says_when_patience_ends(self) -> None:
        frames = run("silence").trace.frames
        for frame, following in pairwise(frames):
            assert frame["timers"]["initiator"] == following["time"]
        assert frames[-1]["timers"] == {"initiator": None, "responder": None}


class TestWhatHasNoRow:
    def test_a_datagram_of_unknown_cookies_is_dropped(self) -> None:
        talk = run("main").fork(message=3, field="Responder Cookie", to="0102030405060708")
        frame = next(frame for frame in talk.trace.frames if frame["rule"] == "IGNORE")
        assert (frame["actor"], frame["heard"], frame["said"]) == ("responder", 3, [])
        assert talk.established, "it is said again, unharmed"

    def test_who_never_finishes_is_forgotten(self) -> None:
        frame = run("psk").trace.frames[-1]
        assert (frame["actor"], frame["rule"], frame["states"]["responder"]) == ("responder", "EXPIRE", "GONE")

    def test_who_says_farewell_forgets(self) -> None:
        frames = run("delete").trace.frames
        leaving = next(frame for frame in frames if frame["rule"] == "LEAVE")
        assert leaving["states"]["initiator"] == "GONE"
        assert frames[-1]["rule"] == "DELETED"
        assert frames[-1]["states"] == {"initiator": "GONE", "responder": "GONE"}

    def test_a_link_lets_a_peer_begin_what_its_owner_wants(self) -> None:
        alice = peer(wish(), ALICE)
        link = let_run(alice, peer(mirrored(wish()), BOB))
        before = len(link.moments)
        link.begin(alice, Disconnect())
        link.run()
        assert {moment.outcome.fired.name for moment in link.moments[before:]} >= {"LEAVE", "DELETED"}


class TestOneSideWatched:
    """A peer on the network: its messages are all that is known of it."""

    def one_sided(self, actor: Any) -> Any:
        alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
        link = let_run(alice, bob)
        own = alice if actor == ALICE else bob
        moments = [moment for moment in link.moments if moment.actor == actor]
        return trace_of_run(moments, link.wire, own.sas, title="", about="")

    def test_every_message_has_a_step(self) -> None:
        for actor in (ALICE, BOB):
            trace = self.one_sided(actor)
            assert sorted(number for frame in trace.frames for number in frame["said"]) == [*range(1, 10)]

    def test_a_message_is_said_before_it_is_heard(self) -> None:
        for actor in (ALICE, BOB):
            said: set[int] = set()
            for frame in self.one_sided(actor).frames:
                assert frame["heard"] is None or frame["heard"] in said
                said.update(frame["said"])

    def test_the_other_side_has_no_state_and_learns_nothing_that_we_know_of(self) -> None:
        trace = self.one_sided(ALICE)
        assert {frame["states"]["responder"] for frame in trace.frames} == {"?"}
        theirs = [frame for frame in trace.frames if frame["actor"] == "responder"]
        assert all(frame["row"] is None and frame["rule"] is None for frame in theirs)
        assert all(frame["caption"]["what"] and not frame["learned"]["responder"] for frame in theirs)

    def test_its_own_values_are_all_there(self) -> None:
        names = {secret["name"] for secret in self.one_sided(ALICE).secrets}
        assert {"x_i", "g^xi", "g^xr", "g^xy", "SKEYID", "HASH_R"} <= names
        assert "x_r" not in names
