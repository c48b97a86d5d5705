"""What the tests of every lesson hold its questions to: right answers are right, and each slip gets its own hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pytest

from ikelab.course.checks import Sign, Talk
from ikelab.course.question import NotUnderstood, Question


def said(name: str, answer: object) -> str:
    """What the lesson says to a prediction, after it was compared, or to the answer of an exercise."""
    talk = Talk()
    if talk.questions[name].hints:
        return repr(talk.check(name, answer))
    talk.predict(name, answer)
    return repr(talk.check(name))


def understood_as(question: Question[Any], answer: object) -> list[object]:
    """The answer as the question understands it; nothing, if it does not."""
    try:
        return [question.kind.understand(answer)]
    except NotUnderstood:
        return []


class Answers:
    """To be subclassed by the tests of a lesson. slips: a question's name, a wrong answer, words of what is said to it.

    The class is `Test...` there, and its tests are these.
    """

    questions: ClassVar[Sequence[Question[Any]]]
    right: ClassVar[Mapping[str, Any]]
    slips: ClassVar[Sequence[tuple[str, Any, str]]]

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "hint" in metafunc.fixturenames:
            metafunc.parametrize(("name", "answer", "hint"), self.slips)
        elif "name" in metafunc.fixturenames:
            metafunc.parametrize("name", self.right)
        elif "question" in metafunc.fixturenames:
            metafunc.parametrize("question", self.questions, ids=lambda question: question.name)

    def test_the_right_answer(self, name: str) -> None:
        assert said(name, self.right[name]).startswith(Sign.RIGHT)

    def test_a_slip_gets_its_own_hint(self, name: str, answer: object, hint: str) -> None:
        answered = said(name, answer)
        assert answered.startswith(Sign.WRONG)
        assert hint in answered

    def test_every_question_is_tried_with_the_right_answer_and_two_wrong_ones(self) -> None:
        names = [question.name for question in self.questions]
        assert [name for name in names if name not in self.right] == []
        assert [name for name in names if sum(slip[0] == name for slip in self.slips) < 2] == []

    def test_every_slip_is_tried_and_none_is_right(self, question: Question[Any]) -> None:
        mine = [answer for name, answer, _ in self.slips if name == question.name]
        tried = [each for answer in mine for each in understood_as(question, answer)]
        assert all(any(slip.made(answer) for answer in tried) for slip in question.slips)
        assert not [slip.hint for slip in question.slips if slip.made(question.right())]
