"""An answer of any type at all is understood or answered with a sentence."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ikelab.course.question import (
    Choice,
    Kind,
    NotBegun,
    NotUnderstood,
    Numbers,
    Octets,
    Parts,
    Question,
    Results,
    Slip,
    Whole,
    echo,
)

CHOICE, NUMBERS, OCTETS, WHOLE = Choice({"a": "one", "b": "other"}), Numbers(11), Octets(), Whole()
RESULTS = Results(lambda: ((1, 2), (3, 4)), WHOLE)
PARTS = Parts(WHOLE, 2)


class Awkward:
    """Nothing can be done with it."""

    def __repr__(self) -> str:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError

    def __iter__(self) -> Any:
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.binary(),
    st.lists(st.one_of(st.integers(), st.text(), st.none())),
    st.dictionaries(st.text(), st.integers()),
    st.sampled_from([Awkward(), Awkward, [Awkward()], int, print, iter(()), range(10**12), 10**5800, object(), 1j]),
)


@pytest.mark.parametrize("kind", [CHOICE, NUMBERS, OCTETS, WHOLE, RESULTS, PARTS])
@given(answer=ANYTHING)
def test_nothing_makes_it_fail(kind: Kind[Any], answer: object) -> None:
    said = ""
    try:
        understood = kind.understand(answer)
    except NotUnderstood as complaint:
        said = str(complaint)
    if said:
        assert said.startswith(("Expected ", "This is ", "These are ", "Your function "))
        assert len(said) < 200
    else:
        assert kind.show(understood)
        assert kind.understand(understood) == understood


@pytest.mark.parametrize(("answer", "letter"), [("a", "a"), (" B ", "b"), ("a)", "a"), ("(b)", "b")])
def test_a_letter(answer: str, letter: str) -> None:
    assert CHOICE.understand(answer) == letter


def test_no_letter() -> None:
    with pytest.raises(NotUnderstood, match=r"^Expected \"a\" or \"b\", got 'c'\.$"):
        CHOICE.understand("c")


@pytest.mark.parametrize(
    ("answer", "numbers"),
    [([3, 1, 1], (1, 3)), ((), ()), ({2, 1}, (1, 2)), (range(1, 5), (1, 2, 3, 4)), (7, (7,))],
)
def test_numbers(answer: object, numbers: tuple[int, ...]) -> None:
    assert NUMBERS.understand(answer) == numbers


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        ("1-4", r"Expected a list of message numbers, such as \[1, 2\], got '1-4'\."),
        ([1, 12], r"Expected numbers from 1 to 11, got 12 among them\."),
        ([True], r"got True among them"),
        (["1"], r"got '1' among them"),
    ],
)
def test_no_numbers(answer: object, complaint: str) -> None:
    with pytest.raises(NotUnderstood, match=complaint):
        NUMBERS.understand(answer)


def test_octets() -> None:
    assert OCTETS.understand(bytearray(b"ab")) == OCTETS.understand(memoryview(b"ab")) == b"ab"


@pytest.mark.parametrize("unfinished", [hmac.new(b"", b"", "sha1"), hashlib.sha1(), hashlib.blake2b()])
def test_a_hash_object_wants_its_digest(unfinished: object) -> None:
    with pytest.raises(NotUnderstood, match=r"put \.digest\(\) behind it"):
        OCTETS.understand(unfinished)


def test_hex_digits_are_not_octets() -> None:
    with pytest.raises(NotUnderstood, match=r"\.digest\(\) instead of \.hexdigest\(\)"):
        OCTETS.understand(hashlib.sha1().hexdigest())


def test_what_came_is_told_briefly() -> None:
    assert echo("x" * 1000) == "'" + "x" * 59 + "…"
    assert echo([1]) == "something of the type list"
    assert echo(10**5800) == "a huge number"


def test_the_first_slip_that_was_made_is_answered() -> None:
    slips = tuple(Slip[str](made=lambda answer, letter=letter: answer == letter, hint=letter * 3) for letter in "ab")
    question = Question[str](
        name="q", ask="?", kind=CHOICE, right=lambda: "b", because="", slips=slips, otherwise="otherwise"
    )
    assert [question.hint_for(answer) for answer in "abc"] == ["aaa", "bbb", "otherwise"]


class TestParts:
    def test_a_tuple_or_a_list(self) -> None:
        assert PARTS.understand([1, 2]) == PARTS.understand((1, 2)) == (1, 2)
        assert PARTS.show((1, 2)) == "1, 2"

    def test_one_that_is_not_begun(self) -> None:
        with pytest.raises(NotBegun):
            PARTS.understand((1, ...))

    @pytest.mark.parametrize(
        ("answer", "complaint"),
        [
            (7, r"^Expected 2 values, with a comma between them, got 7\.$"),
            ((1, 2, 3), r"got 3 of them\.$"),
            ((1, "x"), r"^Expected a whole number, got 'x'\.$"),
        ],
    )
    def test_no_parts(self, answer: object, complaint: str) -> None:
        with pytest.raises(NotUnderstood, match=complaint):
            PARTS.understand(answer)


class TestResults:
    def test_a_function_is_called_with_each_call(self) -> None:
        assert RESULTS.understand(lambda a, b: a * b) == (2, 12)
        assert RESULTS.show((2, 12)) == "2, 12"
        assert RESULTS.show((10**58, 12)) == "called 2 times, and every answer fits"

    def test_three_dots_are_no_answer_yet(self) -> None:
        with pytest.raises(NotBegun):
            RESULTS.understand(lambda a, b: ...)

    @pytest.mark.parametrize(
        ("function", "complaint"),
        [
            (lambda a, b: None, "Your function answers nothing: is there a return? (Called with a = 1, b = 2.)"),
            (
                lambda a, b: a / 0,
                "Your function failed: ZeroDivisionError: division by zero. (Called with a = 1, b = 2.)",
            ),
            (lambda a: a, "Your function failed: TypeError: "),
            (lambda a, b: "x", "Expected a whole number, got 'x'. (That is its answer. Called with a = 1, b = 2.)"),
            (7, "Expected a function, got 7."),
        ],
    )
    def test_what_is_said_of_others(self, function: object, complaint: str) -> None:
        with pytest.raises(NotUnderstood) as said:
            RESULTS.understand(function)
        assert str(said.value).startswith(complaint)

    def test_values_are_told_by_name_octets_shortened_and_a_dict_by_its_keys(self) -> None:
        calls = [(bytes(32), {"Ni_b": b"", "g^xr": b""})]
        with pytest.raises(NotUnderstood) as said:
            Results(lambda: calls, Whole()).understand(lambda key, heard: heard["gxr"])
        assert str(said.value) == (
            "Your function failed: KeyError: 'gxr'. "
            "(Called with key = 00000000…00000000, heard = a dict of Ni_b, g^xr.)"
        )

    @pytest.mark.parametrize(
        ("formula", "advice"),
        [
            (lambda a, b: b"" + a, "; one octet of a number is bytes([number])."),
            (lambda a, b: a + b"", "; one octet of a number is bytes([number])."),
            (lambda a, b: b"" + str(a), "; octets of a text are text.encode()"),
            (lambda a, b: str(a) + b"", "; octets of a text are text.encode()."),
        ],
    )
    def test_what_everybody_does_once_gets_advice(self, formula: Callable[..., object], advice: str) -> None:
        with pytest.raises(NotUnderstood) as said:
            RESULTS.understand(formula)
        assert advice in str(said.value)

    def test_an_error_that_cannot_be_shown(self) -> None:
        class Mute(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        def fail(a: int, b: int) -> int:
            raise Mute

        with pytest.raises(NotUnderstood, match=r"^Your function failed: Mute\. \(Called with a = 1, b = 2\.\)$"):
            RESULTS.understand(fail)
