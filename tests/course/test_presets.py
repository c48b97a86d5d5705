"""What each scenario comes to: who says no, at which message, with which notify, and what both sides say of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ikelab.course.presets import PRESETS, scenario, scenarios
from ikelab.course.runs import run
from ikelab.errors import Misuse
from ikelab.wire.numbers import Notify

HEALTHY = {
    "main": [2] * 6 + [32] * 3,
    "aggressive": [4] * 3 + [32] * 3,
    "quick-pfs": [2] * 6 + [32] * 3,
    "transport": [2] * 6 + [32] * 3,
    "ah": [2] * 6 + [32] * 3,
    "route-based": [2] * 6 + [32] * 3,
    "bundle": [2] * 6 + [32] * 3,
    "curve": [2] * 6 + [32] * 3,
    "delete": [2] * 6 + [32] * 3 + [5] * 2,
}
"""The exchange of each message."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a failure must show. told: what the side that did not refuse says; `ends` are the states in the end."""

    at: int
    by: str
    notify: int | None
    why: str
    told: str
    ends: tuple[str, str]


FAILURES = {
    "psk": Said(
        at=5, by="responder", notify=Notify.PAYLOAD_MALFORMED,
        why="ecrypted to nonsense: the key is probably wrong (another pre-shared key?)",
        told="The other side says PAYLOAD-MALFORMED", ends=("GONE", "GONE"),
    ),
    "psk-aggressive": Said(
        at=2, by="initiator", notify=Notify.AUTHENTICATION_FAILED,
        why="Do both sides have the same pre-shared key for each other?",
        told="The other side says AUTHENTICATION-FAILED", ends=("GONE", "GONE"),
    ),
    "proposal": Said(
        at=1, by="responder", notify=Notify.NO_PROPOSAL_CHOSEN,
        why="ransform 1: AES-CBC-128: this side offers only 3DES-CBC",
        told="The other side says NO-PROPOSAL-CHOSEN", ends=("GONE", "START"),
    ),
    "group": Said(
        at=1, by="responder", notify=Notify.NO_PROPOSAL_CHOSEN,
        why="ransform 1: MODP-2048: this side offers only Curve25519",
        told="The other side says NO-PROPOSAL-CHOSEN", ends=("GONE", "START"),
    ),
    "identity": Said(
        at=5, by="responder", notify=Notify.INVALID_ID_INFORMATION,
        why="xpected the identity 10.99.0.1, got",
        told="The other side says INVALID-ID-INFORMATION", ends=("GONE", "GONE"),
    ),
    "aggressive-refused": Said(
        at=1, by="responder", notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
        why="xpected Main Mode from 10.99.0.1, got Aggressive Mode",
        told="The other side says UNSUPPORTED-EXCHANGE-TYPE", ends=("GONE", "START"),
    ),
    "selectors": Said(
        at=7, by="responder", notify=Notify.INVALID_ID_INFORMATION,
        why="10.7.0.0/24 to 10.2.0.0/24), got 10.1.0.0/24 to 10.2.0.0/24",
        told="The other side says INVALID-ID-INFORMATION", ends=("ESTABLISHED", "ESTABLISHED"),
    ),
    "pfs": Said(
        at=7, by="responder", notify=Notify.NO_PROPOSAL_CHOSEN,
        why="no PFS: this side offers only PFS with MODP-2048",
        told="The other side says NO-PROPOSAL-CHOSEN", ends=("ESTABLISHED", "ESTABLISHED"),
    ),
    "esp-proposal": Said(
        at=7, by="responder", notify=Notify.NO_PROPOSAL_CHOSEN,
        why="ransform 1: AES-CBC-128: this side offers only AES-GCM",
        told="The other side says NO-PROPOSAL-CHOSEN", ends=("ESTABLISHED", "ESTABLISHED"),
    ),
    "pfs-group": Said(
        at=7, by="responder", notify=Notify.NO_PROPOSAL_CHOSEN,
        why="PFS with MODP-2048: this side offers only PFS with MODP-3072",
        told="The other side says NO-PROPOSAL-CHOSEN", ends=("ESTABLISHED", "ESTABLISHED"),
    ),
    "tunnel-transport": Said(
        at=7, by="responder", notify=Notify.INVALID_ID_INFORMATION,
        why="Tunnel mode: this side expects Transport",
        told="The other side says INVALID-ID-INFORMATION", ends=("ESTABLISHED", "ESTABLISHED"),
    ),
    "silence": Said(
        at=1, by="initiator", notify=None, why="xpected an answer to Main Mode in state SA_SENT, got none",
        told="", ends=("GONE", "START"),
    ),
}  # fmt: skip


def test_every_preset_is_held_to_something() -> None:
    assert set(PRESETS) == {*HEALTHY, *FAILURES, "loss", "copies"}


@pytest.mark.parametrize("name", HEALTHY)
class TestHealthy:
    def test_both_sides_have_what_they_wanted(self, name: str) -> None:
        talk = run(name)
        assert talk.established
        assert talk.result.refused is None
        assert talk.says("initiator") == talk.says("responder") == ()
        assert talk.verdict.startswith("Established: ")

    def test_messages_of_the_exchanges(self, name: str) -> None:
        assert [message["exchange"] for message in run(name).trace.messages] == HEALTHY[name]

    def test_every_hash_holds(self, name: str) -> None:
        found = {verdict["name"]: verdict["ok"] for each in run(name).trace.messages for verdict in each["verified"]}
        assert found.keys() >= {"HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)"}
        assert all(found.values())

    def test_both_ends_hold_the_same_keys(self, name: str) -> None:
        talk = run(name)
        made = {}
        for moment in talk.moments:
            if moment.outcome.after is not None:
                for child in moment.outcome.after.children:
                    made.setdefault((child.spi, child.sender), set()).add((child.enc_key, child.auth_key))
        assert len(made) == (4 if name == "bundle" else 2)
        assert all(len(keys) == 1 for keys in made.values())


@pytest.mark.parametrize("name", FAILURES)
class TestFailures:
    def test_who_refuses_what_and_how_it_is_called(self, name: str) -> None:
        refused, expected = run(name).result.refused, FAILURES[name]
        assert refused is not None
        assert (refused.at, refused.by, refused.refusal.notify) == (expected.at, expected.by, expected.notify)
        assert not run(name).established

    def test_what_both_sides_say(self, name: str) -> None:
        talk, expected = run(name), FAILURES[name]
        other = {"initiator": "responder", "responder": "initiator"}[expected.by]
        assert any(expected.why in words for words in talk.says(expected.by))
        if expected.told:
            assert any(words.startswith(expected.told) for words in talk.says(other))
        else:
            assert talk.says(other) == ()

    def test_where_both_sides_end(self, name: str) -> None:
        states = run(name).at(run(name).last).states
        assert (states["initiator"], states["responder"]) == FAILURES[name].ends

    def test_the_ladder_says_so_too(self, name: str) -> None:
        shown = repr(run(name))
        assert f"the {FAILURES[name].by}" in shown.split("Not established: ")[1]


class TestBadNetworks:
    def test_what_is_lost_is_said_again(self) -> None:
        talk = run("loss")
        assert talk.established
        lost = [message["n"] for message in talk.trace.messages if message["fate"] == "lost"]
        assert len(lost) >= 4
        assert sum(frame["rule"] == "RESEND" for frame in talk.trace.frames) >= 4

    def test_a_copy_changes_nothing(self) -> None:
        talk = run("copies")
        assert talk.established
        assert [child.spi for child in talk.result.children] == [child.spi for child in run("main").result.children]
        copies = [message for message in talk.trace.messages if message["fate"] == "repeated"]
        assert len(copies) * 2 == len(talk.trace.messages)
        for message in copies:
            hearing = talk.trace.frames[message["heard_at"] - 1]
            assert hearing["rule"] in ("REPEAT", "REFUSE")
            assert hearing["learned"] == {"initiator": [], "responder": []}


class TestNames:
    def test_they_are_shown_with_titles(self) -> None:
        assert repr(scenarios()).splitlines()[0] == "main                Main Mode and Quick Mode"
        assert len(repr(scenarios()).splitlines()) == len(scenarios())

    @pytest.mark.parametrize(
        ("wrong", "meant"), [("pks", "'psk'"), ("agressive", "'aggressive'"), ("psk-main", "'psk")]
    )
    def test_one_that_is_not_there_is_answered_with_those_close_by(self, wrong: str, meant: str) -> None:
        with pytest.raises(Misuse, match=r"scenario: expected one of main, aggressive, .*; did you mean ") as caught:
            scenario(wrong)
        assert meant in str(caught.value).partition("did you mean")[2]

    def test_titles_and_abouts_are_sentences(self) -> None:
        for each in PRESETS.values():
            assert each.title
            assert each.about.endswith(".")
            assert each.notes == ()
