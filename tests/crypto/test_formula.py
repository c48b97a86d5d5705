"""RFC 2409's notation: what is read, shown and evaluated, and how a text that is no formula is named."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto.formula import Formula, Join, MissingInputs, Name, Octet, Optional, Prf
from ikelab.crypto.lines import BOOK
from ikelab.errors import Misuse

AS_PRINTED = [line.as_printed for lines in BOOK.values() for line in lines]
EXECUTED = [
    text for lines in BOOK.values() for line in lines for text in (line.formula, line.first, line.again) if text
]


def marking_prf(key: bytes, data: bytes) -> bytes:
    return b"prf<" + key + b"," + data + b">"


def marking_hash(data: bytes) -> bytes:
    return b"hash<" + data + b">"


def evaluated(text: str, **values: bytes) -> bytes:
    return Formula(text).evaluate(values, prf=marking_prf, hash=marking_hash)


class TestNotation:
    """RFC 2409 §3.2."""

    @pytest.mark.parametrize("text", [*AS_PRINTED, *EXECUTED])
    def test_every_formula_of_the_book_is_read_and_shown_again(self, text: str) -> None:
        formula = Formula(text)
        assert str(formula) == text
        assert Formula(formula.show(str)) == formula
        assert hash(Formula(formula.show(str))) == hash(formula)

    def test_a_formula_read(self) -> None:
        assert Formula("prf(SKEYID, g^xy | CKY-I | 0)").root == Join(
            (Prf(Join((Name("SKEYID"),)), Join((Name("g^xy"), Name("CKY-I"), Octet(0)))),)
        )
        assert Formula("SA [ | KE ]").root == Join((Name("SA"), Optional(Join((Name("KE"),)))))

    @pytest.mark.parametrize(
        "name",
        ["SKEYID_d", "CKY-I", "Ni_b", "g^xy", "g(qm)^xy", "M-ID", "HASH(1)", "N/D", "pre-shared-key", "K1", "hashed"],
    )
    def test_names_as_the_rfc_writes_them(self, name: str) -> None:
        assert Formula(f"prf({name}, {name} | x)").names() == (name, "x")

    def test_hash_is_a_function_in_both_spellings_and_hash_1_a_name(self) -> None:
        assert evaluated("HASH(a | b)", a=b"A", b=b"B") == evaluated("hash(a | b)", a=b"A", b=b"B") == b"hash<AB>"
        assert Formula("HASH(1) | HASH(x)").names() == ("HASH(1)", "x")

    def test_a_number_is_a_single_octet(self) -> None:
        assert evaluated("0 | 1 | 255") == b"\x00\x01\xff"

    def test_key_and_data_may_be_formulas(self) -> None:
        assert evaluated("prf(hash(a | b), c | d)", a=b"A", b=b"B", c=b"C", d=b"D") == b"prf<hash<AB>,CD>"

    def test_white_space_means_nothing(self) -> None:
        assert Formula("prf( a,b|c [|d] )") == Formula("prf(a, b | c [ | d ])")
        assert Formula("a") != "a"
        assert repr(Formula("a | b")) == "Formula('a | b')"

    @pytest.mark.parametrize(("text", "complaint"), [
        ("", "character 1: expected a name, a number, prf\\( or hash\\(, got 'the end'"),
        ("prf(a", "expected ',', got 'the end'"),
        ("prf(a)", "character 6: expected ',', got '\\)'"),
        ("prf(a, b", "expected '\\)', got 'the end'"),
        ("prf(a, b))", "character 10: expected the end, got '\\)'"),
        ("a b", "character 3: expected the end, got 'b'"),
        ("a | | b", "expected a name, .* got '|'"),
        ("a | 256", "character 5: expected a number of a single octet, got '256'"),
        ("a & b", "expected a name, a number or one of | , \\( \\) \\[ \\], got '&'"),
        ("a [ b ]", "character 5: expected '|', got 'b'"),
        ("[ a | ]", "expected a name, .* got 'the end'"),
        ("a [ | b", "expected '\\]', got 'the end'"),
    ])  # fmt: skip
    def test_no_formula_is_named_with_its_place(self, text: str, complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            Formula(text)


class TestOptionalTerms:
    """[x] indicates that x is optional."""

    TEXT = "prf(SKEYID_a, M-ID | SA [ | KE ] [ | IDci | IDcr ])"
    KEYMAT = "prf(SKEYID_d, K1 | [ g(qm)^xy | ] protocol)"

    def test_required_are_those_outside(self) -> None:
        assert Formula(self.TEXT).required() == ("SKEYID_a", "M-ID", "SA")
        assert Formula(self.TEXT).names() == ("SKEYID_a", "M-ID", "SA", "KE", "IDci", "IDcr")

    @pytest.mark.parametrize(("present", "resolved"), [
        ((), "prf(SKEYID_a, M-ID | SA)"),
        (("KE",), "prf(SKEYID_a, M-ID | SA | KE)"),
        (("IDci", "IDcr"), "prf(SKEYID_a, M-ID | SA | IDci | IDcr)"),
        (("IDcr",), "prf(SKEYID_a, M-ID | SA | IDci | IDcr)"),
    ])  # fmt: skip
    def test_resolved(self, present: tuple[str, ...], resolved: str) -> None:
        assert str(Formula(self.TEXT).resolved(present)) == resolved

    def test_a_term_in_brackets_may_come_before(self) -> None:
        values = {"SKEYID_d": b"d", "K1": b"1", "protocol": b"p"}
        pfs = values | {"g(qm)^xy": b"g"}
        assert Formula(self.KEYMAT).evaluate(values, prf=marking_prf, hash=marking_hash) == b"prf<d,1p>"
        assert Formula(self.KEYMAT).evaluate(pfs, prf=marking_prf, hash=marking_hash) == b"prf<d,1gp>"

    def test_half_of_a_bracket_is_missing_the_other_half(self) -> None:
        values = dict.fromkeys(("SKEYID_a", "M-ID", "SA", "IDcr"), b"")
        with pytest.raises(MissingInputs) as caught:
            Formula(self.TEXT).evaluate(values, prf=marking_prf, hash=marking_hash)
        assert caught.value.names == ("IDci",)

    def test_inside_hash_and_key(self) -> None:
        assert evaluated("prf(a [ | b ], hash(c [ | d ]))", a=b"A", c=b"C", d=b"D") == b"prf<A,hash<CD>>"
        assert Formula("prf(a [ | b ], hash(c [ | d ]))").required() == ("a", "c")


class TestMissing:
    def test_names_what_is_missing_and_survives_pickling(self) -> None:
        with pytest.raises(MissingInputs, match="expected values of all its names, got none of b, c") as caught:
            evaluated("prf(a, b | c)", a=b"")
        assert pickle.loads(pickle.dumps(caught.value)).names == ("b", "c")


class TestRenamed:
    def test_other_names_same_shape(self) -> None:
        assert Formula("prf(SKEYID_e, K1)").renamed({"K1": "K7"}) == Formula("prf(SKEYID_e, K7)")


NAMES = st.sampled_from(["SKEYID", "CKY-I", "g^xy", "g(qm)^xy", "HASH(1)", "M-ID"]).map(Name)


def joins(terms: st.SearchStrategy[object]) -> st.SearchStrategy[Join]:
    optional = st.lists(terms, min_size=1, max_size=2).map(lambda parts: Optional(Join(tuple(parts))))  # type: ignore[arg-type]
    rest = st.lists(st.one_of(terms, optional), max_size=3)
    return st.builds(lambda first, parts: Join((first, *parts)), terms, rest)  # type: ignore[arg-type]


TERMS = st.recursive(
    st.one_of(NAMES, st.integers(0, 255).map(Octet)),
    lambda terms: st.builds(Prf, joins(terms), joins(terms)),
    max_leaves=6,
)


@given(root=joins(TERMS))
def test_whatever_is_shown_is_read_as_the_same(root: Join) -> None:
    assert Formula(root.show(str)).root == root


@given(text=st.text(alphabet="prfhasH()[]|, 01Ni_b^xy-", max_size=30))
def test_any_text_is_a_formula_or_misuse(text: str) -> None:
    try:
        formula = Formula(text)
    except Misuse:
        return
    assert Formula(formula.show(str)) == formula
