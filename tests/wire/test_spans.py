"""The tree itself: order, offsets, and what a piece tells of itself."""

from __future__ import annotations

import pickle

from ikelab.errors import WireError
from ikelab.wire.fields import Octets, Uint
from ikelab.wire.spans import Span

NUMBER, NAME, BOX = Uint(1, "Number", "How many.", rfc="RFC 1 §1"), Octets("Name"), Octets("Box")
WRONG = WireError(expected="1", got="2", at=4, path="Box > Number")
TREE = Span(
    BOX, 4, 6, None, (Span(NUMBER, 4, 1, 2), Span(BOX, 5, 5, b"", (Span(NAME, 5, 3, b"abc"), Span(NAME, 8, 2, b"de"))))
)


def test_a_piece_shows_what_its_field_shows() -> None:
    number = TREE.children[0]
    assert (number.name, number.text, number.meaning, number.rfc, number.end) == (
        "Number",
        "2",
        "How many.",
        "RFC 1 §1",
        5,
    )


def test_walking_meets_parents_first_and_keeps_the_wires_order() -> None:
    assert [(span.name, span.at) for span in TREE.walk()] == [
        ("Box", 4),
        ("Number", 4),
        ("Box", 5),
        ("Name", 5),
        ("Name", 8),
    ]


def test_leaves_are_the_innermost_pieces() -> None:
    assert [leaf.value for leaf in TREE.leaves()] == [2, b"abc", b"de"]
    assert list(TREE.children[0].leaves()) == [TREE.children[0]]


def test_blame_falls_on_the_child_that_shows_the_field_and_changes_nothing_else() -> None:
    blamed = TREE.blaming(NUMBER, WRONG)
    assert list(blamed.errors()) == [WRONG]
    assert blamed.children[0].error is WRONG
    assert blamed.children[1] is TREE.children[1]
    assert list(TREE.errors()) == []


def test_pieces_are_values() -> None:
    assert TREE._replace() == TREE
    assert TREE.blaming(NUMBER, WRONG) != TREE


def test_a_piece_in_a_notebook() -> None:
    assert repr(TREE.children[0]) == "<Span Number [4:5] 2>"
    assert repr(TREE.children[1].children[0]) == "<Span Name [5:8] 616263>"


def test_a_complaint_survives_pickling() -> None:
    assert pickle.loads(pickle.dumps(WRONG)) == WRONG
