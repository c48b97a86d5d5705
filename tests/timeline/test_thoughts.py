"""Every row and every rule that can fire has words of its own, and they are right for what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ikelab.course.presets import PRESETS, scenario
from ikelab.course.runs import Run, run
from ikelab.errors import Refusal
from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import SCRIPTS
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.rules import RULES, Rule
from ikelab.ike.script import Row
from ikelab.ike.step import Outcome
from ikelab.timeline.thoughts import ROWS, Keys, Seen, explained, thought, waiting
from ikelab.wire.numbers import Notify

EVERY_ROW = [
    row
    for script in (*SCRIPTS.values(), QUICK_MODE, INFORMATIONAL)
    for role in ("initiator", "responder")
    for row in script.project(role)
]


def captions(talk: Run) -> list[tuple[str, str]]:
    return [(frame["caption"]["what"], frame["caption"]["why"]) for frame in talk.trace.frames]


@pytest.mark.parametrize("row", EVERY_ROW, ids=lambda row: f"{row.script} {row.role} {row.before}")
class TestRows:
    def test_every_row_has_a_caption(self, row: Row) -> None:
        what, why = ROWS[row.script, row.role, row.before]
        assert len(what) > 30
        assert len(why) > 30

    def test_it_names_whoever_thinks(self, row: Row) -> None:
        what, _ = ROWS[row.script, row.role, row.before]
        assert what.startswith(f"The {row.role}") or "{role}" in what

    def test_who_checks_a_hash_says_so(self, row: Row) -> None:
        what, _ = ROWS[row.script, row.role, row.before]
        if row.hears is not None and "HASH" in str(row.hears):
            symbol = next(slot.symbol for slot in row.hears.slots if slot.symbol.startswith("HASH"))
            assert symbol in what


def test_no_caption_is_for_a_row_that_does_not_exist() -> None:
    assert set(ROWS) == {(row.script, row.role, row.before) for row in EVERY_ROW}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_rule_has_words(rule: Rule) -> None:
    outcome = Outcome(before=None, after=None, fired=rule, refused=Refusal(why="no", notify=14), said=b"x")
    what, why = thought(outcome, Seen(role="responder", heard=3, again=2, waited=1.5))
    assert what.startswith("The responder ")
    assert what != f"The responder {rule.does}.", "a rule that nobody has worded says what its row says"
    assert why


@pytest.mark.parametrize("name", PRESETS)
def test_no_word_is_left_open_in_any_run(name: str) -> None:
    for what, why in captions(run(name)):
        assert what
        assert why
        assert not set("{}") & set(what + why)
        assert what.endswith(".")
        assert why.endswith((".", "?"))
        assert ".." not in what + why


class TestWhatIsSaid:
    def test_what_was_chosen(self) -> None:
        what = captions(run("main", ike="aes256-aes128-sha1-x25519"))[1][0]
        assert what == (
            "The responder takes AES-CBC-256, SHA-1 and Curve25519, one of 2 offers, and adds its own cookie."
        )

    def test_who_was_authenticated(self) -> None:
        said = captions(run("main", initiator={"id": "moon.example.org"}, responder={"peer_id": "moon.example.org"}))
        assert 'recomputes HASH_I: it is "moon.example.org"' in said[5][0]
        assert "only 10.99.0.2 could have computed it" in said[6][0]

    def test_whose_packets_and_whether_with_pfs(self) -> None:
        plain, fresh = captions(run("main"))[7][0], captions(run("quick-pfs"))[7][0]
        assert "between 10.1.0.0/24 and 10.2.0.0/24, with a fresh nonce." in plain
        assert "a fresh half of a Diffie-Hellman exchange (PFS)." in fresh

    def test_keys_that_differ_are_not_called_the_same(self) -> None:
        assert "computes the same keys" in captions(run("main"))[4][0]
        assert "computes its keys, which are not the responder's," in captions(run("psk"))[4][0]
        altered = run("main").fork(message=3, field="Nonce Data", to="00" * 32)
        assert "which are not the responder's" in captions(altered)[4][0]

    def test_a_timer_says_how_long_it_waited_and_which_message_it_repeats(self) -> None:
        talk = run("main").fork(message=3, drop=True)
        step = next(frame for frame in talk.trace.frames if frame["rule"] == "RESEND")
        assert step["caption"]["what"].startswith("The initiator has waited 1.")
        assert step["caption"]["what"].endswith("seconds for an answer, and says message 3 again.")

    def test_a_message_that_was_altered_is_called_by_what_happens_not_by_its_number(self) -> None:
        talk = run("main").fork(message=5, octet=60, to="00")
        assert not [what for what, _ in captions(talk) if "Message 7 of" in what]
        assert captions(talk)[8] == captions(run("main"))[5]

    def test_who_takes_an_altered_message_cannot_know(self) -> None:
        talk = run("main").fork(message=3, field="Nonce Data", to="00" * 32)
        assert captions(talk)[3][1].endswith("It has no way to know that message 3 was altered on the way.")
        refused = captions(run("main").fork(message=5, octet=60, to="00"))[5]
        assert refused[1].endswith("Message 5 was altered on the way.")

    def test_a_refusal_says_why_and_what_to_try(self) -> None:
        what, why = captions(run("selectors"))[8]
        assert what == "The responder refuses message 7. Nothing changes on its side."
        assert "RFC 2409 §5.5" in why
        assert why.endswith("with the same mask, protocol and port.")
        closing, _ = captions(run("selectors"))[9]
        assert closing == "The responder closes Quick Mode and says INVALID-ID-INFORMATION, under a HASH."

    def test_news_is_told_once(self) -> None:
        told = [" ".join(words) for words in captions(run("selectors"))[9:]]
        assert [words.count("INVALID-ID-INFORMATION") for words in told] == [1, 1]

    def test_a_farewell_says_what_is_deleted(self) -> None:
        said = [what for what, _ in captions(run("delete"))]
        assert any(what.startswith("The initiator tells some news") and "its ESP SA" in what for what in said)
        assert any("it has deleted the ISAKMP SA" in what for what in said)


class TestExplained:
    def test_a_clause_is_named_once(self) -> None:
        refusal = Refusal(why="no (RFC 2409 §5: because)", rfc="RFC 2409 §5", hint="try again?")
        assert explained(refusal) == "No (RFC 2409 §5: because). Try again?"

    def test_sentences_end_once(self) -> None:
        assert explained(Refusal(why="it ends.", rfc="RFC 2408 §5.4")) == "It ends (RFC 2408 §5.4)."


class TestWaiting:
    def test_it_is_what_the_row_that_waits_hears(self) -> None:
        talk = run("main")
        frames = talk.trace.frames
        assert frames[0]["waits"] == {"initiator": "HDR, SA", "responder": ""}
        assert frames[3]["waits"] == {"initiator": "HDR, KE, Nr", "responder": "HDR*, IDii, HASH_I"}
        assert frames[8]["waits"]["responder"] == "HDR*, HASH(3)"
        assert frames[-1]["waits"] == {"initiator": "", "responder": ""}

    def test_who_is_gone_waits_for_nothing(self) -> None:
        sa = run("psk").at(5).sas["initiator"]
        assert sa is not None
        assert waiting(sa) == "HDR*, IDir, HASH_R"
        assert waiting(replace(sa, gone="over")) == ""
        assert waiting(None) == ""


def test_the_facts_of_a_row_that_nobody_has_worded_are_its_arrows() -> None:
    moment = run("main").moments[0]
    row = replace(moment.outcome.fired, script="Base Mode")  # type: ignore[type-var]
    what, why = thought(replace(moment.outcome, fired=row), Seen(role="initiator", keys=Keys.EQUAL))
    assert what == "The initiator begins and says HDR, SA."
    assert why == "Base Mode: START becomes SA_SENT (RFC 2409 §5.4)."


def test_labels_of_refusals_are_the_registrys() -> None:
    talk = run("proposal")
    refused = talk.trace.frames[1]["refused"]
    assert refused["notify"] == Notify.NO_PROPOSAL_CHOSEN == 14
    assert refused["label"] == "NO-PROPOSAL-CHOSEN"
    assert scenario("proposal").title == talk.trace.title
