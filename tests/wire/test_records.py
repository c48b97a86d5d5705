"""Records: what a class body says is what is read, written, cut and complained about."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, WireError
from ikelab.wire.fields import (
    Octets,
    Reading,
    UintBy,
    count_of,
    declared,
    each,
    length_of,
    octets,
    reserved,
    u8,
    u16,
    u32,
)
from ikelab.wire.numbers import TransformAh, TransformEsp
from ikelab.wire.records import Chain, Payload, Record, generic_header, layout, payload, payload_span
from ikelab.wire.spans import Span
from tests.wire.claims import outcome


@payload(201, "Item", "I", rfc="RFC 9999 §2")
class Item(Payload):
    """A thing in a box."""

    kind: int = u8("Kind", "What it is.")
    data: bytes = octets("Data", "What it holds.", default=b"")


@payload(200, "Box", "B", rfc="RFC 9999 §1")
class Box(Payload):
    """A box made up
    for this test.
    """

    size = length_of("name", "Name Size")
    count = count_of("items", "# of Items", size=2)
    flags: int = reserved(1, "FLAGS", default=0)
    name: bytes = octets("Name", "What is written on it.", size="size")
    items: tuple[Item, ...] = declared(Chain(Item, "Items"), default=())


@layout("Gap", "GAP", rfc="RFC 9999 §3")
class Gap(Record):
    """Fixed fields behind one of another size."""

    size = length_of("text", "Size")
    text: bytes = octets("Text", size="size")
    end: int = u16("End")
    at: int = u32("At", default=7)
    octets: bytes = declared(Octets("Tail", size=2), default=b"\0\0")


BOX = Box(name=b"toys", items=(Item(kind=1, data=b"car"), Item(kind=2, reserved=9)))
BOX_OCTETS = bytes.fromhex("04 0002 00 746f7973 c9 00 0008 01 636172 00 09 0005 02")


def complaint(record: type[Record], data: bytes) -> tuple[int, str, str]:
    with pytest.raises(WireError) as caught:
        record.read(data)
    return caught.value.at, caught.value.path, caught.value.rfc


class TestDeclaring:
    def test_a_record_is_a_frozen_dataclass_of_keywords(self) -> None:
        assert [field.name for field in dataclasses.fields(Box)] == ["reserved", "flags", "name", "items"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            BOX.flags = 1  # type: ignore[misc]
        with pytest.raises(TypeError):
            Box()  # type: ignore[call-arg]
        assert Box(name=b"") == Box(name=b"", flags=0, items=(), reserved=0)

    def test_the_declaration_can_be_read(self) -> None:
        assert (Box.TYPE, Box.TITLE, Box.SYMBOL, Box.RFC) == (200, "Box", "B", "RFC 9999 §1")
        assert Box.EXPLAIN == "A box made up for this test."
        assert [field.label for field in Box.FIELDS] == ["Name Size", "# of Items", "FLAGS", "Name", "Items"]
        assert {field.rfc for field in Box.FIELDS} == {"RFC 9999 §1"}
        assert Box(name=b"").type == 200

    def test_a_record_can_inherit_its_fields(self) -> None:
        @payload(202, "Old Item", "I", rfc="a draft")
        class OldItem(Item):
            """An item under its old number."""

        assert OldItem.FIELDS == Item.FIELDS
        assert OldItem.read(b"\1x") == OldItem(kind=1, data=b"x")
        assert OldItem.read(b"\1x") != Item.read(b"\1x")
        assert complaint(OldItem, b"") == (0, "Old Item > Kind", "RFC 9999 §2")

    def test_the_generic_headers_reserved_octet_keeps_its_name(self) -> None:
        with pytest.raises(Misuse, match="call the field reserved2"):

            @payload(203, "Bad", "B", rfc="RFC 9999 §4")
            class Bad(Payload):
                """Hides the RESERVED of its generic header."""

                reserved: int = u8("RESERVED")


class TestReadingAndWriting:
    def test_lengths_and_counts_are_on_the_wire_only(self) -> None:
        assert BOX.write() == BOX_OCTETS
        assert Box.read(BOX_OCTETS) == BOX

    def test_a_part_of_longer_octets(self) -> None:
        assert Box.read(b"before" + BOX_OCTETS + b"after", 6, 6 + len(BOX_OCTETS)) == BOX

    @given(st.binary(max_size=255), st.integers(0, 65535), st.integers(0, 2**32 - 1))
    def test_fixed_fields_behind_others_and_fields_named_like_anything(self, text: bytes, end: int, at: int) -> None:
        gap = Gap(text=text, end=end, at=at, octets=b"ab")
        assert Gap.read(gap.write()) == gap
        spans = Gap.cut(Reading(gap.write(), len(gap.write())), 0)
        assert [span.name for span in spans] == ["Size", *["Text"] * bool(text), "End", "At", "Tail"]

    def test_a_value_that_the_wire_cannot_hold(self) -> None:
        with pytest.raises(Misuse, match="Name Size expects a number from 0 to 255, got 300"):
            Box(name=bytes(300)).write()
        with pytest.raises(Misuse, match="Kind expects a number from 0 to 255, got 256"):
            Box(name=b"", items=(Item(kind=256),)).write()


class TestComplaints:
    """Each names the field, the way to it, and the clause that declares it."""

    @pytest.mark.parametrize(
        ("data", "at", "path", "rfc"),
        [
            ("", 0, "Box > Name Size", "RFC 9999 §1"),
            ("04", 1, "Box > # of Items", "RFC 9999 §1"),
            ("040000", 3, "Box > FLAGS", "RFC 9999 §1"),
            ("04000000 746f79", 4, "Box > Name", "RFC 9999 §1"),
            ("00000000 00", 4, "Box > Item 1", "RFC 2408 §3.2"),
            ("00000000 00000003", 6, "Box > Item 1 > Payload Length", "RFC 2408 §3.2"),
            ("00000100 00000006 01", 6, "Box > Item 1 > Payload Length", "RFC 2408 §3.2"),
            ("00000100 00000004", 8, "Box > Item 1 > Kind", "RFC 9999 §2"),
            ("00000000 00000005 01", 1, "Box > # of Items", "RFC 9999 §1"),
            ("00000200 00000005 01", 1, "Box > # of Items", "RFC 9999 §1"),
            ("00000100 c9000005 01", 4, "Box > Item 1 > Next Payload", "RFC 9999 §2"),
            ("00000200 00000005 01 00000005 01", 4, "Box > Item 1 > Next Payload", "RFC 9999 §2"),
            ("00000200 07000005 01 00000005 01", 4, "Box > Item 1 > Next Payload", "RFC 9999 §2"),
            ("00000200 c9000005 01 00000004", 13, "Box > Item 2 > Kind", "RFC 9999 §2"),
        ],
    )
    def test_of_a_box(self, data: str, at: int, path: str, rfc: str) -> None:
        assert complaint(Box, bytes.fromhex(data)) == (at, path, rfc)

    def test_of_octets_left_over(self) -> None:
        data = Gap(text=b"", end=1).write() + b"more"
        assert complaint(Gap, data) == (9, "Gap", "RFC 9999 §3")
        with pytest.raises(WireError, match="expected the end of Gap, got 4 octets more"):
            Gap.read(data)

    def test_offsets_count_from_the_start_of_the_sheet(self) -> None:
        with pytest.raises(WireError) as caught:
            Box.read(b"before" + BOX_OCTETS, 6, 6 + len(BOX_OCTETS) - 1)
        assert caught.value.at == 6 + 16 + 2

    @given(st.binary(max_size=60))
    def test_any_octets_are_read_or_complained_about(self, data: bytes) -> None:
        for record in (Box, Item, Gap):
            value = outcome(partial(record.read, data))
            if isinstance(value, WireError):
                assert value.path.startswith(record.TITLE)
                assert value.rfc
            else:
                assert value.write() == data

    @given(st.data())
    def test_one_octet_changed_in_a_box(self, data: st.DataObject) -> None:
        changed = bytearray(BOX_OCTETS)
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
        value = outcome(lambda: Box.read(bytes(changed)))
        if isinstance(value, WireError):
            assert value.path.startswith("Box > ")
        else:
            assert value.write() == bytes(changed)


class TestSpans:
    def test_a_payload_with_its_generic_header(self) -> None:
        data = b"\0\0\0\x15" + BOX_OCTETS
        span = payload_span(Box, data, 0, len(data))
        assert [(leaf.name, leaf.at, leaf.size) for leaf in span.leaves()] == [
            ("Next Payload", 0, 1),
            ("RESERVED", 1, 1),
            ("Payload Length", 2, 2),
            ("Name Size", 4, 1),
            ("# of Items", 5, 2),
            ("FLAGS", 7, 1),
            ("Name", 8, 4),
            ("Next Payload", 12, 1),
            ("RESERVED", 13, 1),
            ("Payload Length", 14, 2),
            ("Kind", 16, 1),
            ("Data", 17, 3),
            ("Next Payload", 20, 1),
            ("RESERVED", 21, 1),
            ("Payload Length", 22, 2),
            ("Kind", 24, 1),
        ]
        assert (span.name, span.text, span.meaning, span.rfc) == ("Box", "", Box.EXPLAIN, "RFC 9999 §1")
        assert list(span.errors()) == []

    def test_what_was_readable_before_a_mistake_is_shown(self) -> None:
        data = b"\0\0\0\x0b\x04\0\0\0\1\2\3"
        span = payload_span(Box, data, 0, len(data))
        assert [leaf.name for leaf in span.leaves()][3:] == ["Name Size", "# of Items", "FLAGS", "Unreadable"]

    def test_a_mistake_without_octets_is_on_the_whole(self) -> None:
        span = payload_span(Item, b"\0\0\0\4", 0, 4)
        assert span.error == WireError(expected="1 octet", got="0 left", at=4, path="Item > Kind", rfc="RFC 9999 §2")

    def test_a_wrong_count_is_on_the_count(self) -> None:
        spans = Box.cut(Reading(bytes.fromhex("00000200 00000005 01"), 9, "Box", Box.RFC), 0)
        assert [span.name for span in spans if span.error] == ["# of Items"]

    def test_an_item_that_announces_the_wrong_thing_is_on_its_next_payload(self) -> None:
        spans = Box.cut(Reading(bytes.fromhex("00000100 07000005 01"), 9, "Box", Box.RFC), 0)
        (wrong,) = [piece for span in spans for piece in span.walk() if piece.error]
        assert (wrong.name, wrong.at) == ("Next Payload", 4)
        assert "expected 0, as nothing follows, got 7" in str(wrong.error)


class TestGenericHeader:
    def test_it_says_what_is_next_and_where_this_one_ends(self) -> None:
        assert generic_header(b"..\x0d\x07\x00\x06ab", 2, 8) == (13, 7, 8)

    @pytest.mark.parametrize("data", [b"", b"\0\0\0", b"\0\0\0\3", b"\0\0\0\5"])
    def test_or_complains(self, data: bytes) -> None:
        with pytest.raises(WireError) as caught:
            generic_header(data, 0, len(data))
        assert caught.value.rfc == "RFC 2408 §3.2"


def test_a_record_of_nothing() -> None:
    @layout("Nothing", "-", rfc="RFC 9999 §5")
    class Nothing(Record):
        """No fields at all."""

    assert Nothing.read(b"") == Nothing()
    assert Nothing().write() == b""
    assert complaint(Nothing, b"x") == (0, "Nothing", "RFC 9999 §5")


@pytest.mark.parametrize(
    "tail", [{}, {"tail": octets("Tail")}, {"size": length_of("name", "Size"), "name": octets("Name", size="size")}]
)
def test_names_that_depend_on_an_earlier_field_of_the_same_record(tail: dict[str, object]) -> None:
    kind = u8("Kind")
    name = declared(UintBy(1, "Id", choose=lambda at: {2: TransformAh, 3: TransformEsp}.get(at.seen["kind"])))
    made = layout("Choice", "C", rfc="RFC 9999 §7")(type("Choice", (Record,), {"kind": kind, "id": name, **tail}))
    texts = {at: made.cut(Reading(bytes([at, 12, 0]), 3), 0)[1].text for at in (1, 2, 3)}
    assert texts == {1: "12", 2: f"{TransformAh(12).label} (12)", 3: f"{TransformEsp(12).label} (12)"}


def test_spis_of_no_size() -> None:
    @layout("List", "L", rfc="RFC 9999 §6")
    class List(Record):
        """Things of one size."""

        size = length_of("things", "Size")
        count = count_of("things", "Count")
        things: tuple[bytes, ...] = each("Thing", size="size", count="count")

    assert List.read(b"\0\1") == List(things=(b"",))
    assert List(things=(b"",)).write() == b"\0\1"
    assert List.read(b"\x10\0") == List(things=())
    assert complaint(List, b"\0\2") == (2, "List > Thing", "RFC 9999 §6")
    assert isinstance(List.cut(Reading(b"\1\1x", 3), 0)[2], Span)
