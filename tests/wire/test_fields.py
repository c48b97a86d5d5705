"""Each kind of field by itself: what it reads, writes, shows, and refuses."""

from __future__ import annotations

from typing import TypeVar

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, WireError
from ikelab.wire.fields import (
    CountOf,
    Each,
    Field,
    LengthOf,
    Octets,
    Reading,
    Reserved,
    Uint,
    UintBy,
    Unfit,
    Unread,
    counted,
    unread,
)
from ikelab.wire.numbers import Protocol, TransformAh, TransformEsp
from ikelab.wire.readable import address


class Thing:
    """Stands for a record: whatever attributes it is given."""

    def __init__(self, **values: object) -> None:
        vars(self).update(values)


F = TypeVar("F", bound=Field)


def named(name: str, field: F) -> F:
    field.name = name
    return field


def reading(octets: bytes, **seen: object) -> Reading:
    """A reading of octets whose earlier fields said this."""
    made = Reading(octets, len(octets), "Box", "RFC 9999 §1")
    made.seen = dict(seen)
    return made


class TestUint:
    @given(st.sampled_from([1, 2, 4, 8]), st.data())
    def test_what_is_written_is_read_at_its_place(self, size: int, data: st.DataObject) -> None:
        value = data.draw(st.integers(0, (1 << 8 * size) - 1))
        field = named("n", Uint(size, "N"))
        octets = field.write(Thing(n=value))
        (span,) = field.spans(reading(b"before" + octets + b"after"), 6)
        assert (span.at, span.size, span.value) == (6, size, value)
        assert octets == value.to_bytes(size)

    @pytest.mark.parametrize(("size", "value"), [(1, 256), (2, 65536), (4, 1 << 32), (8, 1 << 64), (1, -1)])
    def test_a_number_that_its_octets_cannot_hold_is_misuse(self, size: int, value: int) -> None:
        with pytest.raises(Misuse, match=f"Size expects a number from 0 to {256**size - 1}, got {value}"):
            named("n", Uint(size, "Size")).write(Thing(n=value))

    def test_missing_octets(self) -> None:
        with pytest.raises(WireError) as caught:
            Uint(4, "N").spans(reading(b"123456"), 3)
        assert caught.value == WireError(expected="4 octets", got="3 left", at=3, path="N")

    def test_it_is_shown_by_name_where_a_registry_names_it(self) -> None:
        field = Uint(1, "Protocol-Id", "For whom.", labels=Protocol)
        assert field.text(3) == f"{Protocol.ESP.label} (3)"
        assert field.meaning(3) == f"For whom. {Protocol.ESP.meaning}"
        assert field.text(200) == f"{Protocol(200).label} (200)"

    def test_it_is_shown_as_its_declaration_says_or_as_a_number(self) -> None:
        assert Uint(1, "Version", show=lambda value: f"{value >> 4}.{value & 15}").text(0x10) == "1.0"
        assert (Uint(1, "N").text(16), Uint(1, "N", "Why.").meaning(16)) == ("16", "Why.")

    def test_names_that_depend_on_a_neighbour(self) -> None:
        names = {2: TransformAh, 3: TransformEsp}
        field = named("id", UintBy(1, "Transform-Id", choose=lambda at: names.get(at.seen["protocol"])))
        for protocol, names_of in names.items():
            (span,) = field.spans(reading(b"\x0c", protocol=protocol), 0)
            assert span.text == f"{names_of(12).label} (12)"
        (span,) = field.spans(reading(b"\x0c", protocol=99), 0)
        assert span.text == "12"

    def test_reserved_octets_say_that_they_should_be_zero(self) -> None:
        assert Reserved(2).meaning(0) == "Unused: senders write 0."


class TestLengthAndCount:
    def test_they_follow_from_the_value(self) -> None:
        thing = Thing(spi=b"four", spis=(b"12", b"34", b"56"), none=())
        assert LengthOf("spi", 1, "SPI Size", "").write(thing) == b"\x04"
        assert LengthOf("spis", 1, "SPI Size", "").write(thing) == b"\x02"
        assert LengthOf("none", 1, "SPI Size", "").write(thing) == b"\x00"
        assert CountOf("spis", 2, "# of SPIs", "").write(thing) == b"\x00\x03"

    def test_a_length_that_its_field_cannot_say_is_misuse(self) -> None:
        with pytest.raises(Misuse, match="SPI Size expects a number from 0 to 255, got 256"):
            LengthOf("spi", 1, "SPI Size", "").write(Thing(spi=bytes(256)))


class TestOctets:
    def test_all_that_is_left(self) -> None:
        field = named("data", Octets("Data"))
        assert field.read(b"12345", 2, 5) == (b"345", 5)
        (span,) = field.spans(reading(b"12345"), 2)
        assert (span.at, span.size, span.value, span.text) == (2, 3, b"345", b"345".hex())

    def test_nothing_left_is_no_piece(self) -> None:
        assert Octets("Data").spans(reading(b"12"), 2) == []

    def test_as_many_as_an_earlier_field_says(self) -> None:
        field = named("spi", Octets("SPI", size="spi_size"))
        assert field.needs == ("spi_size",)
        assert field.read(b"12345", 1, 5, 3) == (b"234", 4)
        (span,) = field.spans(reading(b"12345", spi_size=3), 1)
        assert (span.at, span.size, span.value) == (1, 3, b"234")

    def test_more_than_there_are(self) -> None:
        field = named("spi", Octets("SPI", size="spi_size"))
        with pytest.raises(Unfit):
            field.read(b"12345", 3, 5, 3)
        with pytest.raises(WireError, match=r"SPI at octet 3: expected 3 octets, got 2 left"):
            field.spans(reading(b"12345", spi_size=3), 3)

    def test_a_fixed_size_is_held_to(self) -> None:
        field = named("cookie", Octets("Cookie", size=8))
        assert field.write(Thing(cookie=bytes(8))) == bytes(8)
        with pytest.raises(Misuse, match="Cookie expects 8 octets, got 1 octet"):
            field.write(Thing(cookie=b"x"))

    def test_fields_inside_are_shown_where_they_cover_the_octets(self) -> None:
        pair = (Octets("Network", size=4, show=address), Octets("Mask", size=4, show=address))
        field = named("data", Octets("Data", inside=lambda at, octets: pair))
        (span,) = field.spans(reading(b"\x0a\1\0\0\xff\xff\0\0"), 0)
        assert [(child.name, child.text) for child in span.children] == [
            ("Network", "10.1.0.0"),
            ("Mask", "255.255.0.0"),
        ]

    @pytest.mark.parametrize("octets", [b"\x0a\1\0", b"\x0a\1\0\0\xff", b"\x0a\1\0\0\xff\xff\0\0\0"])
    def test_octets_that_the_fields_inside_do_not_cover_are_shown_whole(self, octets: bytes) -> None:
        pair = (Octets("Network", size=4), Octets("Mask", size=4))
        (span,) = named("data", Octets("Data", inside=lambda at, octets: pair)).spans(reading(octets), 0)
        assert (span.value, span.children) == (octets, ())


class TestEach:
    FIELD = named("spis", Each("SPI", size="size", count="count"))

    def test_several_of_one_size(self) -> None:
        assert self.FIELD.read(b"0112233x", 1, 8, 2, 3) == ((b"11", b"22", b"33"), 7)
        spans = self.FIELD.spans(reading(b"0112233x", size=2, count=3), 1)
        assert [(span.at, span.value) for span in spans] == [(1, b"11"), (3, b"22"), (5, b"33")]
        assert self.FIELD.write(Thing(spis=(b"11", b"22"))) == b"1122"

    def test_none(self) -> None:
        assert self.FIELD.read(b"", 0, 0, 16, 0) == ((), 0)
        assert self.FIELD.spans(reading(b"", size=16, count=0), 0) == []

    def test_one_of_no_octets_is_possible_several_are_not(self) -> None:
        assert self.FIELD.read(b"", 0, 0, 0, 1) == ((b"",), 0)
        with pytest.raises(Unfit):
            self.FIELD.read(b"", 0, 0, 0, 65535)
        with pytest.raises(WireError, match="SPI at octet 0: expected at most one of 0 octets, got 65535"):
            self.FIELD.spans(reading(b"", size=0, count=65535), 0)

    def test_more_than_there_are(self) -> None:
        with pytest.raises(Unfit):
            self.FIELD.read(b"1122", 0, 4, 2, 3)
        with pytest.raises(WireError, match="SPI at octet 0: expected 6 octets, got 4 left"):
            self.FIELD.spans(reading(b"1122", size=2, count=3), 0)

    def test_items_of_mixed_sizes_are_misuse(self) -> None:
        with pytest.raises(Misuse, match=r"SPI expects items of one size, got sizes \[1, 2\]"):
            self.FIELD.write(Thing(spis=(b"1", b"22")))


class TestReading:
    def test_a_refusal_completes_the_complaint_and_covers_what_is_left(self) -> None:
        at = reading(b"12345")
        (span,) = at.refuse(WireError(expected="a", got="b", at=3, path="N"), 3)
        assert span.error == WireError(expected="a", got="b", at=3, path="Box > N", rfc="RFC 9999 §1")
        assert (span.at, span.end, span.value, span.rfc) == (3, 5, b"45", "RFC 9999 §1")
        assert at.refused
        assert at.error is None

    def test_a_refusal_with_nothing_left_is_kept_for_the_whole(self) -> None:
        at = reading(b"123")
        assert at.refuse(WireError(expected="a", got="b", at=3, path="N", rfc="RFC 1"), 3) == []
        assert at.error == WireError(expected="a", got="b", at=3, path="Box > N", rfc="RFC 1")

    def test_cutting_stops_at_the_first_field_that_does_not_fit(self) -> None:
        fields = [named(name, Uint(2, name.upper())) for name in "abc"]
        at = reading(b"12345")
        assert [span.name for span in at.cut(fields, 0)] == ["A", "B", "Unreadable"]
        assert at.seen == {"a": 0x3132, "b": 0x3334}
        assert at.refused


class TestFieldsThatReadNothing:
    def test_a_field_must_say_how_it_is_read(self) -> None:
        with pytest.raises(NotImplementedError):
            Field("Bare").read(b"", 0, 0)
        with pytest.raises(NotImplementedError):
            Field("Bare").spans(reading(b""), 0)

    def test_a_field_shows_octets_as_hex_and_other_things_as_they_are(self) -> None:
        assert (Field("Bare").text(b"\xff"), Field("Bare").text(7)) == ("ff", "7")
        assert Field("Bare").shown(reading(b"")).label == "Bare"

    def test_the_unreadable_says_why(self) -> None:
        error = WireError(expected="more", got="less", at=1, path="Box", rfc="RFC 9999 §1")
        span = unread(error, b"1234", 1, 4)
        assert (span.name, span.field.role, span.error) == ("Unreadable", "error", error)
        assert str(error) in span.meaning
        assert isinstance(span.field, Unread)

    def test_octets_are_counted_in_words(self) -> None:
        assert [counted(size) for size in (0, 1, 2)] == ["0 octets", "1 octet", "2 octets"]
