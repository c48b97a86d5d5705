"""How a lesson talks with a learner: what was predicted is noted, compared with what is so, and answered to the point.

    predict("readable", [1, 2])      noted; nothing is said yet
    check("readable")                compared with what is so
    check("SKEYID", skeyid)          an answer of an exercise
    hint("SKEYID")                   a nudge; asked again, a better one

What a learner has not answered yet is three dots, `...`. Nothing is stored anywhere but in this Python process.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from html import escape
from typing import Any

from ikelab.course import aggressive_mode, esp_and_ah, hellman, keying, main_mode, policies, quick_mode, start
from ikelab.course.question import Choice, NotBegun, NotUnderstood, Question, echo
from ikelab.crypto.derived import counted
from ikelab.errors import Misuse

LESSONS = (start, hellman, keying, main_mode, aggressive_mode, quick_mode, esp_and_ah, policies)
"""What each lesson asks, lesson by lesson."""

QUESTIONS: Mapping[str, Question[Any]] = {
    question.name: question for lesson in LESSONS for question in lesson.QUESTIONS
}
NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    question.name: tuple(each.name for each in lesson.QUESTIONS) for lesson in LESSONS for question in lesson.QUESTIONS
}
"""Of each question, those that its lesson asks."""


class Sign(StrEnum):
    """What an answer begins with."""

    RIGHT = "✓"
    WRONG = "✗"
    OPEN = "?"
    NOTED = "✎"


COLOURS = {Sign.RIGHT: "#15906f", Sign.WRONG: "#c2410c", Sign.OPEN: "#7b8695", Sign.NOTED: "#3576c9"}
"""Mid-tones that can be told apart on white and on black; the sign says the same."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Said:
    """What the lesson says: a sign, and paragraphs."""

    sign: Sign
    paragraphs: tuple[str, ...]

    def __repr__(self) -> str:
        return f"{self.sign} " + "\n  ".join(self.paragraphs)

    def _repr_html_(self) -> str:
        first, *others = (escape(paragraph) for paragraph in self.paragraphs)
        colour = COLOURS[self.sign]
        body = f"<strong>{self.sign} {first}</strong>" + "".join(f"<br>{other}" for other in others)
        return f'<div style="border-left: 4px solid {colour}; padding: 2px 12px; max-width: 58em">{body}</div>'


class Talk:
    """One learner's predictions and hints, as long as Python runs."""

    def __init__(self, questions: Mapping[str, Question[Any]] = QUESTIONS) -> None:
        self.questions = questions
        self.predictions: dict[str, object] = {}
        self._hints_given: dict[str, int] = {}
        self._last = ""

    def predict(self, name: object, answer: object = ...) -> Said:
        """Note what the learner expects. Three dots ask the question. Raises Misuse for a question that nobody asks."""
        question = self._question(name)
        asked = (question.ask, *_options(question))
        if answer is ...:
            return Said(
                sign=Sign.OPEN,
                paragraphs=(*asked, f"Replace the three dots by {question.kind.wanted}, and run the cell again."),
            )
        try:
            understood = question.kind.understand(answer)
        except NotUnderstood as complaint:
            earlier = [
                f"Your earlier answer still stands: {question.kind.show(each)}"
                for name, each in self.predictions.items()
                if name == question.name
            ]
            return Said(sign=Sign.OPEN, paragraphs=(*asked, str(complaint), *earlier))
        self.predictions[question.name] = understood
        return Said(sign=Sign.NOTED, paragraphs=(f"Noted: {question.kind.show(understood)}", "Now run on and see."))

    def check(self, name: object, answer: object = None) -> Said:
        """Compare an answer, or without one the prediction, with what is so. Raises Misuse as `predict` does."""
        question = self._question(name)
        if answer is None and question.name in self.predictions:
            return self._compared(question, self.predictions[question.name])
        if answer is None and not question.hints:
            words = f'You have not predicted anything here: it is never too late. Go back to predict("{name}", ...).'
            return Said(sign=Sign.OPEN, paragraphs=(words,))
        if answer is None or answer is ...:
            return _your_turn(question)
        try:
            understood = question.kind.understand(answer)
        except NotBegun:
            return _your_turn(question)
        except NotUnderstood as complaint:
            return Said(sign=Sign.WRONG, paragraphs=("Not yet.", str(complaint)))
        if understood == question.right():
            return Said(sign=Sign.RIGHT, paragraphs=(f"Right: {question.kind.show(understood)}", question.because))
        return Said(
            sign=Sign.WRONG,
            paragraphs=("Not yet.", question.hint_for(understood), *_length(understood, question.right())),
        )

    def hint(self, name: object) -> Said:
        """The next hint; after the last one, all of them again. Raises Misuse as `predict` does."""
        question = self._question(name)
        if not question.hints:
            return Said(sign=Sign.OPEN, paragraphs=(question.nudge,))
        given = self._hints_given.get(question.name, 0)
        if given == len(question.hints):
            return Said(sign=Sign.OPEN, paragraphs=(f"All {given} hints", *question.hints))
        self._hints_given[question.name] = given + 1
        return Said(sign=Sign.OPEN, paragraphs=(f"Hint {given + 1} of {len(question.hints)}", question.hints[given]))

    def _compared(self, question: Question[Any], predicted: object) -> Said:
        right, shown = question.right(), question.kind.show(predicted)
        if predicted == right:
            return Said(sign=Sign.RIGHT, paragraphs=(f"As you predicted: {shown}", question.because))
        paragraphs = (
            f"You predicted: {shown}",
            f"It is: {question.kind.show(right)}",
            question.hint_for(predicted),
            question.because,
        )
        return Said(sign=Sign.WRONG, paragraphs=paragraphs)

    def _question(self, name: object) -> Question[Any]:
        if not isinstance(name, str) or name not in self.questions:
            raise Misuse(f"question: {_meant(name, self.questions)}{self._expected()}, got {echo(name)}")
        self._last = name
        return self.questions[name]

    def _expected(self) -> str:
        """What is asked in the lesson that the last question was of; with none so far, where to find a name."""
        if self._last:
            return f"expected one of {', '.join(NEIGHBOURS.get(self._last, tuple(self.questions)))}"
        return 'expected its name, as the lesson has it, such as "SKEYID" in check("SKEYID")'


def _meant(name: object, names: Mapping[str, object]) -> str:
    """The name that is close, whatever its case; nothing if none is."""
    lower = {each.lower(): each for each in names}
    close = get_close_matches(name.lower(), lower, n=1) if isinstance(name, str) else []
    return f"did you mean {lower[close[0]]!r}? " if close else ""


def _length(answer: object, right: object) -> tuple[str, ...]:
    """How many octets were given, where others are expected."""
    if isinstance(answer, bytes) and isinstance(right, bytes) and len(answer) != len(right):
        return (f"You gave {counted(len(answer))}.",)
    return ()


def _your_turn(question: Question[Any]) -> Said:
    words = f'Your turn: replace the three dots. If you are stuck, run hint("{question.name}") in a cell of your own.'
    return Said(sign=Sign.OPEN, paragraphs=(words,))


def _options(question: Question[Any]) -> tuple[str, ...]:
    kind = question.kind
    return tuple(kind.show(letter) for letter in kind.options) if isinstance(kind, Choice) else ()


_here = Talk()
predict, check, hint = _here.predict, _here.check, _here.hint
