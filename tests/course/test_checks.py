"""A prediction is noted and compared, an exercise judged, a hint given; no answer ends in a traceback."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given

from ikelab.course.checks import LESSONS, QUESTIONS, Sign, Talk
from ikelab.course.question import Choice, Octets, Question, Slip
from ikelab.errors import Misuse
from tests.course.test_question import ANYTHING

COLOUR = Question[str](
    name="colour",
    ask="Which <colour>?",
    kind=Choice({"a": "red", "b": "blue"}),
    right=lambda: "b",
    because="Blue is <it>.",
    slips=(Slip(made=lambda answer: answer == "a", hint="Not red."),),
    otherwise="Hm.",
)
KEY = Question[bytes](
    name="key",
    ask="Which key?",
    kind=Octets(),
    right=lambda: b"right",
    because="Because.",
    otherwise="Other octets.",
    hints=("nudge", "push", "solution"),
)


@pytest.fixture
def talk() -> Talk:
    return Talk({"colour": COLOUR, "key": KEY})


class TestPrediction:
    def test_three_dots_ask(self, talk: Talk) -> None:
        said = talk.predict("colour")
        assert said.sign is Sign.OPEN
        assert said.paragraphs == (
            "Which <colour>?",
            "a) red",
            "b) blue",
            'Replace the three dots by "a" or "b", and run the cell again.',
        )
        assert talk.predict("colour", ...) == said
        assert talk.predictions == {}

    def test_it_is_noted_and_not_judged(self, talk: Talk) -> None:
        said = talk.predict("colour", "A")
        assert repr(said) == "✎ Noted: a) red\n  Now run on and see."
        assert "Not red" not in repr(said)

    def test_another_kind_asks_again(self, talk: Talk) -> None:
        said = talk.predict("colour", 7)
        assert said.sign is Sign.OPEN
        assert said.paragraphs[-1] == 'Expected "a" or "b", got 7.'
        assert talk.predictions == {}

    def test_an_earlier_one_still_stands(self, talk: Talk) -> None:
        talk.predict("colour", "a")
        assert talk.predict("colour", 7).paragraphs[-1] == "Your earlier answer still stands: a) red"
        assert talk.check("colour").paragraphs[0] == "You predicted: a) red"

    def test_a_right_one_is_told_why(self, talk: Talk) -> None:
        talk.predict("colour", "b")
        assert repr(talk.check("colour")) == "✓ As you predicted: b) blue\n  Blue is <it>."

    def test_a_wrong_one_is_told_what_is_so_its_own_hint_and_why(self, talk: Talk) -> None:
        talk.predict("colour", "a")
        said = talk.check("colour")
        assert said.sign is Sign.WRONG
        assert said.paragraphs == ("You predicted: a) red", "It is: b) blue", "Not red.", "Blue is <it>.")

    def test_the_last_one_counts(self, talk: Talk) -> None:
        talk.predict("colour", "a")
        talk.predict("colour", "b")
        assert talk.check("colour").sign is Sign.RIGHT

    def test_none_at_all(self, talk: Talk) -> None:
        assert repr(talk.check("colour")).startswith("? You have not predicted anything here")


class TestExercise:
    def test_right(self, talk: Talk) -> None:
        assert repr(talk.check("key", b"right")) == "✓ Right: 7269676874 (5 octets)\n  Because."

    def test_wrong_does_not_give_it_away(self, talk: Talk) -> None:
        said = repr(talk.check("key", b"wrong"))
        assert said == "✗ Not yet.\n  Other octets."

    def test_another_length_is_told(self, talk: Talk) -> None:
        assert repr(talk.check("key", b"x")) == "✗ Not yet.\n  Other octets.\n  You gave 1 octet."

    @pytest.mark.parametrize("answer", [None, ...])
    def test_not_done_yet(self, talk: Talk, answer: object) -> None:
        assert repr(talk.check("key", answer)) == (
            '? Your turn: replace the three dots. If you are stuck, run hint("key") in a cell of your own.'
        )

    def test_hints_become_plainer_and_then_come_all_together(self, talk: Talk) -> None:
        assert [talk.hint("key").paragraphs for _ in range(4)] == [
            ("Hint 1 of 3", "nudge"),
            ("Hint 2 of 3", "push"),
            ("Hint 3 of 3", "solution"),
            ("All 3 hints", "nudge", "push", "solution"),
        ]

    def test_a_question_without_hints_has_a_nudge(self, talk: Talk) -> None:
        assert repr(talk.hint("colour")) == "? Run the next cell: it shows what happens."
        assert repr(Talk().hint("longer")).startswith("? No cell shows this.")


class TestWhateverIsWritten:
    @given(answer=ANYTHING)
    def test_no_traceback(self, talk: Talk, answer: object) -> None:
        for name in ("colour", "key"):
            assert repr(talk.predict(name, answer))
            assert repr(talk.check(name, answer))

    @pytest.mark.parametrize("name", ["color", 5, None, [], ""])
    def test_a_question_that_nobody_asks(self, talk: Talk, name: object) -> None:
        for ask in (talk.predict, talk.check, talk.hint):
            with pytest.raises(Misuse, match=r"question: .*expected its name, as the lesson has it, .*, got "):
                ask(name)

    @pytest.mark.parametrize(("name", "meant"), [("color", "colour"), ("COLOUR", "colour"), ("Key", "key")])
    def test_a_misspelt_question(self, talk: Talk, name: str, meant: str) -> None:
        with pytest.raises(Misuse, match=f"^question: did you mean '{meant}'"):
            talk.check(name)

    def test_whoever_asked_before_is_told_the_questions_of_that_lesson(self, talk: Talk) -> None:
        talk.predict("colour")
        with pytest.raises(Misuse, match=r"^question: expected one of colour, key, got 'nix'$"):
            talk.check("nix")
        here = Talk()
        here.check("SKEYID")
        with pytest.raises(
            Misuse, match=r"^question: expected one of sent, readable, psk, SKEYID, typo, flip, got 'nix'$"
        ):
            here.hint("nix")

    def test_html_is_text_in_a_box(self, talk: Talk) -> None:
        box = ElementTree.fromstring(talk.predict("colour")._repr_html_().replace("<br>", "<br/>"))
        assert {each.tag for each in box.iter()} == {"div", "strong", "br"}
        assert "Which <colour>?" in "".join(box.itertext())

    def test_nothing_is_stored(self, talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        talk.predict("colour", "a")
        talk.check("colour")
        assert list(tmp_path.iterdir()) == []
        assert Talk().predictions == {}


def test_names_of_questions_are_unique_and_every_question_can_be_asked() -> None:
    assert len(QUESTIONS) == sum(len(lesson.QUESTIONS) for lesson in LESSONS)
    talk = Talk()
    assert all(talk.predict(name).paragraphs[0] == QUESTIONS[name].ask for name in QUESTIONS)
