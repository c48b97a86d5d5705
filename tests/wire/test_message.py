"""Whole messages: what is read strictly, what is read patiently, and what is said about octets that lie."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType

import pytest
from hypothesis import example, given, strategies as st

from ikelab.errors import Misuse, WireError
from ikelab.wire.header import HEADER_SIZE, Header, read_header
from ikelab.wire.message import (
    CIPHERTEXT,
    PADDING,
    PAYLOADS,
    TRAILING,
    Dissection,
    Message,
    dissect,
    dissect_body,
    read_chain,
    read_message,
    write_chain,
)
from ikelab.wire.payloads import LATE_DRAFTS, SA, Delete, Hash, NatDLateDraft, Nonce, Opaque, VendorID
from ikelab.wire.proposals import Proposal, Transform, short
from ikelab.wire.spans import Span
from tests.wire import made
from tests.wire.claims import check, outcome

COOKIES = bytes(range(1, 17))
MAIN_MODE = 2
E, C, A = 1, 2, 4


def datagram(*payloads: bytes, first: int, flags: int = 0, length: int | None = None, version: int = 0x10) -> bytes:
    """A header with these octets behind it; its length is true unless another is given."""
    body = b"".join(payloads)
    told = HEADER_SIZE + len(body) if length is None else length
    return COOKIES + struct.pack(">BBBBII", first, version, MAIN_MODE, flags, 0, told) + body


def payload(next_type: int, body: bytes, *, length: int | None = None, reserved: int = 0) -> bytes:
    """A generic header and a body; its length is true unless another is given."""
    return struct.pack(">BBH", next_type, reserved, 4 + len(body) if length is None else length) + body


OFFER = SA(
    proposals=(
        Proposal(
            number=1,
            protocol=1,
            transforms=(
                Transform(number=1, id=1, attributes=(short(1, 7), short(14, 128))),
                Transform(number=2, id=1, attributes=(short(1, 5),)),
            ),
        ),
    )
)
HEADER = Header(cookie_i=COOKIES[:8], exchange=MAIN_MODE)


def found(sheet: Dissection) -> tuple[int, str, str]:
    """Where, at what path, and by which clause a sheet is wrong."""
    check(sheet)
    assert sheet.error is not None
    return sheet.error.at, sheet.error.path, sheet.error.rfc


class TestRfc2408Section31IsakmpHeaderFormat:
    def test_every_field_of_the_header_lies_where_the_figure_has_it(self) -> None:
        octets = datagram(payload(0, b"12345678"), first=10)
        header = dissect(octets).tree[0]
        assert [(leaf.name, leaf.at, leaf.size, leaf.text) for leaf in header.leaves()] == [
            ("Initiator Cookie", 0, 8, "0102030405060708"),
            ("Responder Cookie", 8, 8, "090a0b0c0d0e0f10"),
            ("Next Payload", 16, 1, "Nonce (NONCE) (10)"),
            ("Version", 17, 1, "1.0"),
            ("Exchange Type", 18, 1, "Identity Protection (Main Mode) (2)"),
            ("Flags", 19, 1, "none (0)"),
            ("Message ID", 20, 4, "00000000"),
            ("Length", 24, 4, "40"),
        ]
        assert {leaf.rfc for leaf in header.leaves()} == {"RFC 2408 §3.1"}

    @pytest.mark.parametrize("size", range(HEADER_SIZE))
    def test_a_datagram_too_short_for_a_header_is_one_unreadable_piece_or_less(self, size: int) -> None:
        sheet = dissect(datagram(first=0)[:size])
        at, path, rfc = found(sheet)
        assert path.startswith("ISAKMP Header > ")
        assert rfc == "RFC 2408 §3.1"
        assert at <= size
        assert [leaf.name for leaf in sheet.leaves()] == ["Unreadable"] * bool(size)
        assert sheet.header is None
        assert sheet.remarks == (str(sheet.error),)

    @pytest.mark.parametrize("length", [0, 1, 27])
    def test_a_length_below_the_headers_own_is_impossible_and_the_rest_is_read_all_the_same(self, length: int) -> None:
        sheet = dissect(datagram(payload(0, b"12345678"), first=10, length=length))
        assert found(sheet) == (24, "ISAKMP Header > Length", "RFC 2408 §3.1")
        assert sheet.payloads == (Nonce(data=b"12345678"),)
        assert "expected from 28 to 40 octets" in sheet.remarks[0]

    def test_a_length_beyond_the_datagram_means_that_it_was_cut(self) -> None:
        sheet = dissect(datagram(payload(0, b"12345678"), first=10)[:-1])
        assert found(sheet) == (24, "ISAKMP Header > Length", "RFC 2408 §3.1")
        assert sheet.payloads == ()
        assert [leaf.name for leaf in sheet.leaves()][-1] == "Unreadable"
        assert any("Nonce > Payload Length at octet 30" in remark for remark in sheet.remarks)

    def test_octets_behind_the_announced_length_are_shown_and_not_read(self) -> None:
        sheet = dissect(datagram(payload(0, b"12345678"), first=10) + b"more")
        check(sheet)
        assert sheet.error is None
        assert sheet.tree[-1] == Span(TRAILING, 40, 4, b"more")
        assert sheet.remarks[0] == "4 octets at octet 40 behind the announced end: nobody reads them"
        assert sheet.write() == sheet.raw[:-4]
        assert read_message(sheet.raw).rest == b""

    def test_octets_behind_the_last_payload_belong_to_the_message(self) -> None:
        sheet = dissect(datagram(payload(0, b"12345678"), b"\0\0\0", first=10))
        check(sheet)
        assert sheet.error is None
        assert sheet.rest == b"\0\0\0"
        assert sheet.write() == sheet.raw
        assert sheet.remarks == ("3 octets at octet 40 behind the last payload: nobody reads them",)

    def test_a_message_without_payloads(self) -> None:
        sheet = dissect(datagram(first=0))
        check(sheet)
        assert (sheet.payloads, sheet.rest, sheet.error, sheet.remarks) == ((), b"", None, ())

    def test_what_no_header_can_hold_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(Misuse, match="Initiator Cookie expects 8 octets, got 3 octets"):
            Header(cookie_i=b"abc", exchange=2).write()
        with pytest.raises(Misuse, match="Message ID expects a number from 0 to 4294967295, got -1"):
            Header(cookie_i=bytes(8), exchange=2, message_id=-1).write()


class TestRfc2408Section32GenericPayloadHeader:
    def test_each_payload_announces_the_next(self) -> None:
        octets = Message(header=HEADER, payloads=(OFFER, VendorID(data=b"me"), Nonce(data=b"n"))).write()
        sheet = dissect(octets)
        check(sheet)
        assert [span.children[0].value for span in sheet.tree[1:]] == [13, 10, 0]
        assert sheet.remarks == ()
        assert sheet.write() == octets

    @pytest.mark.parametrize("length", [0, 3, 9, 0xFFFF])
    def test_a_payload_length_that_cannot_be_ends_the_reading(self, length: int) -> None:
        octets = datagram(payload(13, b"good"), payload(0, b"bad.", length=length), first=13)
        sheet = dissect(octets)
        assert found(sheet) == (38, "Vendor ID > Payload Length", "RFC 2408 §3.2")
        assert sheet.payloads == (VendorID(data=b"good"),)
        assert sheet.rest == octets[36:]
        assert sheet.tree[-1].error == sheet.broken == sheet.error

    @pytest.mark.parametrize("left", [1, 2, 3])
    def test_a_generic_header_cut_short(self, left: int) -> None:
        sheet = dissect(datagram(payload(5, b"good"), bytes(left), first=13))
        assert found(sheet) == (36, "Identification", "RFC 2408 §3.2")
        assert "expected a generic header of 4 octets, got" in sheet.remarks[0]

    def test_a_next_payload_that_nothing_follows_is_blamed_on_who_announces_it(self) -> None:
        sheet = dissect(datagram(payload(5, b"good"), first=13))
        assert found(sheet) == (36, "Identification", "RFC 2408 §3.2")
        assert sheet.tree[-1].name == "Vendor ID"
        assert sheet.tree[-1].error == sheet.error
        assert sheet.remarks[-1].endswith("differ at octet 28: Next Payload (Identification (ID) (5))")

    def test_a_header_that_announces_payloads_and_has_none(self) -> None:
        sheet = dissect(datagram(first=1))
        assert found(sheet) == (28, "Security Association", "RFC 2408 §3.2")
        assert sheet.tree[0].error == sheet.error

    def test_an_empty_body_with_payloads_announced(self) -> None:
        sheet = dissect_body(b"", 8)
        assert found(sheet) == (0, "Hash", "RFC 2408 §3.2")
        assert sheet.tree == ()
        assert sheet.remarks == (str(sheet.error),)

    def test_a_chain_that_ends_early_leaves_trailing_octets(self) -> None:
        sheet = dissect(datagram(payload(0, b"first"), payload(0, b"second"), first=13))
        check(sheet)
        assert sheet.error is None
        assert sheet.tree[-1].field is TRAILING

    def test_reserved_octets_are_kept_and_remarked_upon(self) -> None:
        sheet = dissect(datagram(payload(0, b"x", reserved=7), first=13))
        check(sheet)
        assert sheet.payloads == (VendorID(data=b"x", reserved=7),)
        assert sheet.remarks == ("Vendor ID: RESERVED at octet 29 is 7, senders write 0",)
        assert sheet.write() == sheet.raw

    def test_the_largest_payload_there_can_be(self) -> None:
        octets = datagram(payload(0, bytes(0xFFFB)), first=13)
        sheet = dissect(octets)
        check(sheet)
        assert sheet.payloads == (VendorID(data=bytes(0xFFFB)),)
        with pytest.raises(Misuse, match="Vendor ID expects a body of at most 65531 octets"):
            write_chain((VendorID(data=bytes(0xFFFC)),))

    @pytest.mark.parametrize("number", [2, 3, 33, 127, 128, 255])
    def test_an_unknown_payload_is_named_and_kept(self, number: int) -> None:
        sheet = dissect(datagram(payload(13, b"kept"), payload(0, b"x"), first=number))
        check(sheet)
        assert sheet.error is None
        assert sheet.payloads == (Opaque(number=number, data=b"kept"), VendorID(data=b"x"))
        assert sheet.tree[1].children[-1].name == "Payload Data"
        assert sheet.tree[1].name
        assert sheet.write() == sheet.raw

    def test_a_payload_that_does_not_fit_is_kept_closed_and_the_others_are_read(self) -> None:
        octets = datagram(payload(5, b"me"), payload(13, b"\1\0"), payload(0, b"you"), first=13)
        sheet = dissect(octets)
        assert found(sheet) == (40, "Identification > Port", "RFC 2407 §4.6.2")
        opaque = Opaque(number=5, data=b"\1\0", error=sheet.error)
        assert sheet.payloads == (VendorID(data=b"me"), opaque, VendorID(data=b"you"))
        assert [leaf.name for leaf in sheet.tree[2].leaves()][3:] == ["ID Type", "Protocol ID"]
        assert sheet.write() == octets

    def test_a_reserved_octet_or_a_type_beyond_an_octet_is_a_mistake_of_the_caller(self) -> None:
        with pytest.raises(Misuse, match="got 1 octets, 256 and 0"):
            write_chain((VendorID(data=b"x", reserved=256),))
        with pytest.raises(Misuse, match="0 and 256"):
            write_chain((VendorID(data=b"x"), Opaque(number=256, data=b"")))


class TestRfc2409AppendixBEncryptedMessages:
    def test_an_encrypted_body_stays_closed(self) -> None:
        octets = datagram(bytes(range(32)), first=5, flags=E)
        sheet = dissect(octets)
        check(sheet)
        assert sheet.encrypted
        assert (sheet.payloads, sheet.rest, sheet.first) == ((), bytes(range(32)), 5)
        assert sheet.tree[1:] == (Span(CIPHERTEXT, 28, 32, bytes(range(32))),)
        assert sheet.write() == octets

    def test_octets_behind_the_announced_end_are_no_ciphertext(self) -> None:
        sheet = dissect(datagram(bytes(16), first=5, flags=E) + b"x")
        check(sheet)
        assert sheet.rest == bytes(16)
        assert [span.field for span in sheet.tree[1:]] == [CIPHERTEXT, TRAILING]

    @pytest.mark.parametrize("length", [0, 100])
    def test_an_impossible_length_leaves_all_octets_as_ciphertext(self, length: int) -> None:
        sheet = dissect(datagram(bytes(16), first=5, flags=E, length=length))
        assert found(sheet)[1] == "ISAKMP Header > Length"
        assert sheet.rest == bytes(16)

    def test_no_ciphertext_at_all(self) -> None:
        sheet = dissect(datagram(first=5, flags=E))
        check(sheet)
        assert (sheet.encrypted, sheet.rest, len(sheet.tree)) == (True, b"", 1)

    def test_padding_behind_the_payloads_of_a_decrypted_body(self) -> None:
        body = payload(0, b"hash" * 5) + bytes(8)
        sheet = dissect_body(body, 8)
        check(sheet)
        assert sheet.tree[-1] == Span(PADDING, 24, 8, bytes(8))
        assert sheet.payloads == (Hash(data=b"hash" * 5),)
        assert sheet.remarks == ()
        assert read_chain(body, 0, len(body), 8) == (sheet.payloads, 24)

    def test_a_fragment_is_read_although_its_message_is_encrypted(self) -> None:
        sheet = dissect(datagram(payload(0, b"\0\1\2\1slice"), first=132, flags=E))
        check(sheet)
        assert not sheet.encrypted
        assert [leaf.text for leaf in sheet.leaves()][-4:] == ["1", "2", "last", b"slice".hex()]


class TestBodies:
    def test_the_body_of_a_payload_is_what_came_behind_its_generic_header(self) -> None:
        sheet = dissect(datagram(payload(10, b"one"), payload(0, b"two!"), b"rest", first=13))
        assert [sheet.body(0), sheet.body(1)] == [b"one", b"two!"]

    @pytest.mark.parametrize("number", [-1, 2])
    def test_a_payload_that_is_not_there_has_none(self, number: int) -> None:
        sheet = dissect(datagram(payload(10, b"one"), payload(0, b"two!"), first=13))
        with pytest.raises(Misuse, match=f"from 0 to 1, got {number}"):
            sheet.body(number)


class TestDeclarationsGiven:
    def test_the_late_drafts_numbers_are_read_by_who_asks_for_them(self) -> None:
        octets = datagram(payload(0, b"hash"), first=15)
        assert dissect(octets).payloads == (Opaque(number=15, data=b"hash"),)
        assert dissect(octets, {**PAYLOADS, **LATE_DRAFTS}).payloads == (NatDLateDraft(data=b"hash"),)

    @pytest.mark.parametrize("wrong", ["00", bytearray(28), 28, None])
    def test_what_is_not_octets_is_a_mistake_of_the_caller(self, wrong: bytes) -> None:
        with pytest.raises(Misuse, match=f"expects bytes, got {type(wrong).__name__}"):
            dissect(wrong)
        with pytest.raises(Misuse, match=f"expects bytes, got {type(wrong).__name__}"):
            dissect_body(wrong, 1)


class TestHeaders:
    def test_a_header_says_whether_it_stands_before_ciphertext(self) -> None:
        assert read_header(datagram(first=5, flags=E | C)).encrypted
        assert not read_header(datagram(first=5, flags=C | A)).encrypted
        with pytest.raises(WireError, match="ISAKMP Header > Length at octet 24: expected 4 octets, got 3 left"):
            read_header(datagram(first=5)[:27])

    def test_a_header_in_longer_octets(self) -> None:
        octets = datagram(payload(0, b"x"), first=13)
        assert read_header(octets) == dissect(octets).header


class TestAnyMessage:
    @given(made.messages())
    def test_what_was_written_is_read_again(self, message: Message) -> None:
        octets = message.write()
        first = message.payloads[0].type
        assert read_message(octets).payloads == message.payloads
        assert read_message(octets).header == Header(
            **{**vars(message.header), "length": len(octets), "next_payload": first}
        )
        check(dissect(octets))
        assert dissect(octets).write() == octets

    @given(made.messages(), st.data())
    def test_one_octet_changed(self, message: Message, data: st.DataObject) -> None:
        octets = bytearray(message.write())
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
        check(dissect(bytes(octets)))

    @given(made.messages(), st.data())
    def test_cut_anywhere(self, message: Message, data: st.DataObject) -> None:
        octets = message.write()
        check(dissect(octets[: data.draw(st.integers(0, len(octets)))]))

    @given(st.binary(max_size=200), st.integers(0, 255))
    @example(b"", 0)
    def test_any_octets(self, octets: bytes, first: int) -> None:
        check(dissect(octets))
        check(dissect_body(octets, first))
        check(dissect(COOKIES + bytes([first]) + octets))

    @given(st.binary(max_size=200), st.integers(0, 255))
    def test_nothing_but_a_wire_error_comes_from_strict_reading(self, octets: bytes, first: int) -> None:
        for read in (lambda: read_message(octets), lambda: read_chain(octets, 0, len(octets), first)):
            read_or_not = outcome(read)
            assert not isinstance(read_or_not, WireError) or read_or_not.path


def transforms(octets: int) -> bytes:
    """An SA of as many transforms as fit."""
    many = payload(3, b"\1\1\0\0" + b"\x80\x01\0\x07") * (octets // 12)
    return datagram(payload(0, bytes(8) + payload(0, b"\1\1\0\0" + many)), first=1)


def vendor_ids(octets: int) -> bytes:
    return datagram(payload(13, b"") * (octets // 4), first=13)


def attributes(octets: int) -> bytes:
    """One transform of as many empty attributes as fit."""
    transform = payload(0, b"\1\1\0\0" + b"\0\1\0\0" * (octets // 4))
    return datagram(payload(0, bytes(8) + payload(0, b"\1\1\0\1" + transform)), first=1)


def spis_of_nothing(octets: int) -> bytes:
    """Deletes that each claim 65535 SPIs of no octets."""
    return datagram(payload(12, bytes(4) + b"\1\0\xff\xff") * (octets // 12), first=12)


def bad_identities(octets: int) -> bytes:
    return datagram(payload(5, b"\1") * (octets // 5), first=5)


def proposals_of_proposals(octets: int) -> bytes:
    """Proposals whose transforms do not fit, each complained about."""
    return datagram(payload(0, bytes(8) + payload(2, b"\1\1\0\1" + payload(3, b"")) * (octets // 12)), first=1)


class TestWorkIsBounded:
    """Counted, not timed: calls of functions, Python's and C's, for twice the octets are at most twice as many."""

    @staticmethod
    def calls(work: Callable[[], object]) -> int:
        counted = 0

        def count(_frame: FrameType, event: str, _argument: object) -> None:
            nonlocal counted
            counted += event in ("call", "c_call")

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            work()
        finally:
            sys.setprofile(before)
        return counted

    @pytest.mark.parametrize(
        "made_of",
        [transforms, vendor_ids, attributes, spis_of_nothing, bad_identities, proposals_of_proposals],
        ids=lambda made_of: made_of.__name__,
    )
    def test_work_grows_with_the_octets_and_no_faster(self, made_of: Callable[[int], bytes]) -> None:
        few, many = made_of(4_000), made_of(16_000)
        assert len(many) > 3.9 * len(few)
        for work in (dissect, lambda octets: dissect(octets).tree, lambda octets: dissect(octets).remarks):
            work(few)
            few_calls, many_calls = self.calls(partial(work, few)), self.calls(partial(work, many))
            assert few_calls <= 40 * len(few)
            assert many_calls <= 4.1 * few_calls + 200

    @pytest.mark.parametrize(
        "made_of",
        [transforms, vendor_ids, attributes, spis_of_nothing, bad_identities, proposals_of_proposals],
        ids=lambda made_of: made_of.__name__,
    )
    def test_no_more_fields_than_octets(self, made_of: Callable[[int], bytes]) -> None:
        sheet = dissect(made_of(4_000))
        assert sum(1 for _ in sheet.leaves()) <= len(sheet.raw)
        assert sum(1 for span in sheet.tree for _ in span.walk()) <= 2 * len(sheet.raw)

    def test_a_delete_of_nothing_makes_no_values(self) -> None:
        sheet = dissect(spis_of_nothing(1_200))
        assert all(isinstance(body, Opaque) for body in sheet.payloads)
        assert sheet.error is not None
        assert sheet.error.path == "Delete > SPI"
        assert Delete.read(bytes(4) + b"\1\0\0\1").spis == (b"",)
