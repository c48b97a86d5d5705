"""What a user gives, checked."""

from __future__ import annotations

import pytest
from hypothesis import given as hypothesis_given, strategies as st

from ikelab.errors import Misuse
from ikelab.ike import given

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


class TestOctets:
    @pytest.mark.parametrize("text", ["00ff10", "00FF10", "0x00ff10", "0X00fF10"])
    def test_hex_digits_in_pairs(self, text: str) -> None:
        assert given.octets(text, "place") == b"\x00\xff\x10"
        assert given.octets(text, "place", size=3) == b"\x00\xff\x10"

    @pytest.mark.parametrize(
        ("value", "complaint"),
        [
            ("abc", "place: expected pairs of hex digits, got 'abc' (3 characters)"),
            ("", "place: expected pairs of hex digits, got '' (0 characters)"),
            ("0x", "place: expected pairs of hex digits, got '0x' (0 characters)"),
            ("zz", "place: expected pairs of hex digits, got 'zz'"),
            ("ab cd", "place: expected pairs of hex digits, got 'ab cd' (5 characters)"),
            ("٠٠", "place: expected pairs of hex digits, got '٠٠' (2 characters)"),
            ("f" * 99, f"place: expected pairs of hex digits, got '{'f' * 39}... (99 characters)"),
            (None, "place: expected a text, got null"),
            (7, "place: expected a text, got a number"),
            (["ab"], "place: expected a text, got a list of 1"),
            ({}, "place: expected a text, got an object"),
        ],
    )
    def test_anything_else_is_refused(self, value: object, complaint: str) -> None:
        with pytest.raises(Misuse) as caught:
            given.octets(value, "place")
        assert str(caught.value) == complaint

    def test_a_size_is_asked_for_in_digits_and_octets(self) -> None:
        with pytest.raises(Misuse, match=r"expected 16 hex digits \(8 octets\), got 'ab' \(2 characters\)"):
            given.octets("ab", "place", size=8)


class TestPsk:
    @pytest.mark.parametrize(
        ("value", "octets"),
        [("correct horse", b"correct horse"), ("0x00ff", b"\x00\xff"), ("ключ", "ключ".encode()), ("x0ff", b"x0ff")],
    )
    def test_text_or_hex(self, value: str, octets: bytes) -> None:
        assert given.psk(value) == octets

    @pytest.mark.parametrize("value", ["", "0x", "0xf", "0xyz", None, 5, "\ud800"])
    def test_what_is_neither(self, value: object) -> None:
        with pytest.raises(Misuse, match=r"^psk: expected "):
            given.psk(value)


class TestDocuments:
    def test_what_is_required_and_absent(self) -> None:
        with pytest.raises(Misuse) as caught:
            given.required({"a": 1, "b": None}, "b", "place")
        assert str(caught.value) == "place: expected b, got none; what is there: a, b"

    def test_entries_name_their_places(self) -> None:
        assert list(given.entries({"ike": ["x", "y"]}, "ike", "f")) == [("f: ike[0]", "x"), ("f: ike[1]", "y")]
        assert list(given.entries({"ike": None}, "ike", "f")) == list(given.entries({}, "ike", "f")) == []
        with pytest.raises(Misuse, match="f: ike: expected a list, got an object"):
            list(given.entries({"ike": {}}, "ike", "f"))

    def test_unknown_keys(self) -> None:
        assert list(given.unknown_keys({"psk": 1, "SKEYIDe": 2}, ("psk", "SKEYID_e"), "f")) == [
            "f: 'SKEYIDe' was not read; expected one of psk, SKEYID_e"
        ]

    @hypothesis_given(JSON)
    def test_whatever_is_shown_is_one_short_line(self, value: object) -> None:
        shown = given.shown(value)
        assert len(shown) <= given.SHOWN + len("...")
        assert "\n" not in shown
