"""Every payload: where its fields lie, what they say, and that whatever is written is read again."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st

from ikelab.errors import Misuse, WireError
from ikelab.wire.message import Dissection, dissect_body, read_chain, write_chain
from ikelab.wire.numbers import IdType, Notify, PayloadType
from ikelab.wire.payloads import (
    ID,
    KE,
    LATE_DRAFTS,
    PAYLOADS,
    Cert,
    CertRequest,
    Config,
    Delete,
    Fragment,
    Hash,
    NatD,
    NatDDraft,
    NatOa,
    Nonce,
    Notification,
    Opaque,
    Payload,
    Signature,
    VendorID,
)
from ikelab.wire.proposals import Attribute, long, short
from tests.wire import made
from tests.wire.claims import check, outcome

V6 = bytes.fromhex("20010db8000000000000000000000001")


def sheet_of(payload: Payload) -> Dissection:
    octets = write_chain((payload,))
    sheet = dissect_body(octets, payload.type)
    check(sheet)
    assert sheet.payloads == (payload,)
    assert sheet.write() == octets
    return sheet


def shown(payload: Payload) -> list[tuple[str, int, int, str]]:
    """The leaves behind the generic header: name, offset in the body, size, text."""
    return [(leaf.name, leaf.at - 4, leaf.size, leaf.text) for leaf in sheet_of(payload).leaves()][3:]


def complaint(record: type[Payload], body: str) -> tuple[int, str, str]:
    with pytest.raises(WireError) as caught:
        record.read(bytes.fromhex(body))
    return caught.value.at, caught.value.path, caught.value.rfc


class TestEveryPayload:
    @pytest.mark.parametrize("record", made.DECLARED, ids=lambda record: record.__name__)
    def test_its_declaration_is_complete(self, record: type[Payload]) -> None:
        assert record.TITLE
        assert record.SYMBOL
        assert record.RFC
        assert record.EXPLAIN
        assert all(field.label and (field.explain or field.name == "proposals") for field in record.FIELDS)

    @pytest.mark.parametrize("record", PAYLOADS.values(), ids=lambda record: record.__name__)
    def test_its_number_is_registered(self, record: type[Payload]) -> None:
        assert PayloadType(record.TYPE).assigned
        assert PAYLOADS[record.TYPE] is record

    @pytest.mark.parametrize("record", made.DECLARED, ids=lambda record: record.__name__)
    @settings(max_examples=30)
    @given(data=st.data())
    def test_what_is_written_is_read_again(self, record: type[Payload], data: st.DataObject) -> None:
        value = data.draw(made.records(record))
        body = value.write()
        assert record.read(body).write() == body
        if record not in PAYLOADS.values():
            return
        ((again,), end) = read_chain(write_chain((value,)), 0, len(body) + 4, record.TYPE)
        assert (again, end) == (value, len(body) + 4)
        check(dissect_body(write_chain((value,)), record.TYPE))

    @pytest.mark.parametrize("record", made.DECLARED, ids=lambda record: record.__name__)
    @settings(max_examples=30)
    @given(body=st.binary(max_size=80))
    def test_any_body_is_read_or_complained_about(self, record: type[Payload], body: bytes) -> None:
        check(dissect_body(b"\0\0" + (len(body) + 4).to_bytes(2) + body, record.TYPE))
        value = outcome(lambda: record.read(body))
        if isinstance(value, WireError):
            assert value.path.startswith(record.TITLE)
            assert value.rfc
            assert value.at <= len(body)
        else:
            assert value.write() == body or value == Delete(protocol=body[4], doi=int.from_bytes(body[:4]), spis=())

    @pytest.mark.parametrize("record", PAYLOADS.values(), ids=lambda record: record.__name__)
    def test_an_empty_body(self, record: type[Payload]) -> None:
        sheet = dissect_body(b"\0\0\0\4", record.TYPE)
        check(sheet)
        fixed = any(field.code for field in record.FIELDS)
        assert (sheet.error is not None) == fixed


class TestRfc2408Sections37To313:
    @pytest.mark.parametrize(
        ("payload", "name", "role"),
        [
            (KE(data=b"g^x"), "Key Exchange Data", "public"),
            (Hash(data=b"h" * 20), "Hash Data", "proof"),
            (Signature(data=b"s" * 64), "Signature Data", "proof"),
            (Nonce(data=b"n" * 16), "Nonce Data", "number"),
            (NatD(data=b"d" * 20), "HASH of the address and port", "proof"),
        ],
    )
    def test_payloads_that_are_one_run_of_octets(self, payload: Payload, name: str, role: str) -> None:
        (leaf,) = list(sheet_of(payload).leaves())[3:]
        assert (leaf.name, leaf.field.role, leaf.value) == (name, role, payload.write())

    def test_a_certificate(self) -> None:
        assert shown(Cert(encoding=4, data=b"0\x82")) == [
            ("Cert Encoding", 0, 1, "X.509 Certificate - Signature (4)"),
            ("Certificate Data", 1, 2, "3082"),
        ]

    def test_a_certificate_request_for_any_authority(self) -> None:
        assert shown(CertRequest(encoding=4, authority=b"")) == [
            ("Cert. Type", 0, 1, "X.509 Certificate - Signature (4)")
        ]
        assert complaint(CertRequest, "") == (0, "Certificate Request > Cert. Type", "RFC 2408 §3.10")


class TestRfc2407Section462IdentificationPayload:
    @pytest.mark.parametrize(
        ("kind", "data", "pieces", "said"),
        [
            (1, bytes([10, 0, 0, 1]), ["10.0.0.1"], "10.0.0.1"),
            (5, V6, ["2001:db8::1"], "2001:db8::1"),
            (4, bytes.fromhex("0a010000ffff0000"), ["10.1.0.0", "255.255.0.0"], "10.1.0.0/16"),
            (6, V6 + b"\xff" * 8 + bytes(8), ["2001:db8::1", "ffff:ffff:ffff:ffff::"], "2001:db8::1/64"),
            (7, bytes.fromhex("0a0000010a000009"), ["10.0.0.1", "10.0.0.9"], "10.0.0.1-10.0.0.9"),
            (8, V6 + V6[:-1] + b"\xff", ["2001:db8::1", "2001:db8::ff"], "2001:db8::1-2001:db8::ff"),
            (2, b"moon.example.org", ['"moon.example.org"'], '"moon.example.org"'),
            (3, b"carol@example.org", ['"carol@example.org"'], '"carol@example.org"'),
            (11, b"\x00\x01", ["0001"], "0001"),
            (9, b"0\x00", ["3000"], "3000"),
            (200, b"what", ['"what"'], '"what"'),
        ],
    )
    def test_names_of_every_kind(self, kind: int, data: bytes, pieces: list[str], said: str) -> None:
        identity = ID(id_type=kind, data=data)
        assert [text for _, _, _, text in shown(identity)][3:] == pieces
        assert str(identity) == said

    @pytest.mark.parametrize("kind", [1, 4, 5, 6, 7, 8])
    @pytest.mark.parametrize("size", [1, 3, 5, 9, 15, 17, 31, 33])
    def test_an_address_of_a_wrong_size_is_shown_whole(self, kind: int, size: int) -> None:
        data = b"\xfe" * size
        identity = ID(id_type=kind, data=data)
        assert shown(identity)[3:] == [("Identification Data", 4, size, data.hex())]
        assert str(identity) == data.hex()

    def test_an_ipv4_address_of_sixteen_octets_is_none(self) -> None:
        assert str(ID(id_type=IdType.IPV4_ADDR, data=V6)) == V6.hex()
        assert str(ID(id_type=IdType.IPV6_ADDR, data=b"\x0a\0\0\1")) == "0a000001"

    def test_protocol_and_port(self) -> None:
        traffic = shown(ID(id_type=1, protocol=17, port=1701, data=bytes(4)))
        assert [text for _, _, _, text in traffic[:3]] == ["ID_IPV4_ADDR (1)", "UDP (17)", "1701"]
        anything = shown(ID(id_type=1, data=bytes(4)))
        assert [text for _, _, _, text in anything[1:3]] == ["any (0)", "any (0)"]

    def test_no_name_at_all(self) -> None:
        assert [name for name, *_ in shown(ID(id_type=11, data=b""))] == ["ID Type", "Protocol ID", "Port"]

    def test_the_body_is_what_hashes_cover(self) -> None:
        assert ID(id_type=1, protocol=17, port=500, data=b"abcd").body == b"\x01\x11\x01\xf4abcd"

    def test_cut_short(self) -> None:
        assert complaint(ID, "011101") == (2, "Identification > Port", "RFC 2407 §4.6.2")


class TestRfc2408Section314NotificationPayload:
    def test_without_data(self) -> None:
        assert shown(Notification(notify=Notify.NO_PROPOSAL_CHOSEN)) == [
            ("Domain of Interpretation", 0, 4, "IPSEC (1)"),
            ("Protocol-Id", 4, 1, "PROTO_ISAKMP (1)"),
            ("SPI Size", 5, 1, "0"),
            ("Notify Message Type", 6, 2, "NO-PROPOSAL-CHOSEN (14)"),
        ]

    @pytest.mark.parametrize("notify", [Notify.R_U_THERE, Notify.R_U_THERE_ACK])
    def test_rfc_3706_dead_peer_detection_has_a_sequence_number(self, notify: int) -> None:
        sheet = sheet_of(Notification(notify=notify, spi=bytes(16), data=bytes([0, 0, 1, 2])))
        last = list(sheet.leaves())[-1]
        assert (last.name, last.text, last.rfc) == ("Sequence Number", "258", "RFC 3706 §5.3")

    def test_rfc_2407_responder_lifetime_has_attributes(self) -> None:
        data = short(1, 1).write() + long(2, 3600).write()
        payload = Notification(notify=Notify.RESPONDER_LIFETIME, protocol=3, spi=bytes(4), data=data)
        assert [text for *_, text in shown(payload)][-5:] == [
            "SA Life Type (1), TV",
            "seconds (1)",
            "SA Life Duration (2), TLV",
            "4",
            "3600",
        ]

    @pytest.mark.parametrize(
        ("notify", "data"),
        [
            (Notify.RESPONDER_LIFETIME, bytes.fromhex("00020005 00")),
            (Notify.R_U_THERE, b"\0\0\1"),
            (Notify.R_U_THERE, b"\0\0\0\0\1"),
            (Notify.REPLAY_STATUS, b"\1"),
            (Notify.INVALID_SPI, b"\1\2\3\4"),
        ],
    )
    def test_data_that_is_not_what_the_type_has_is_shown_whole(self, notify: int, data: bytes) -> None:
        assert shown(Notification(notify=notify, data=data))[-1] == ("Notification Data", 8, len(data), data.hex())

    def test_text_is_shown_as_text(self) -> None:
        assert shown(Notification(notify=24, data=b"go away"))[-1][3] == '"go away"'

    def test_an_spi_that_is_not_there(self) -> None:
        assert complaint(Notification, "00000001 01 10 000e 0000") == (8, "Notification > SPI", "RFC 2408 §3.14")


class TestRfc2408Section315DeletePayload:
    def test_several_spis(self) -> None:
        assert shown(Delete(protocol=3, spis=(b"abcd", b"efgh")))[-3:] == [
            ("# of SPIs", 6, 2, "2"),
            ("SPI", 8, 4, b"abcd".hex()),
            ("SPI", 12, 4, b"efgh".hex()),
        ]

    def test_the_isakmp_sa_goes_by_both_cookies(self) -> None:
        assert shown(Delete(protocol=1, spis=(bytes(16),)))[-1] == ("SPI", 8, 16, "00" * 16)

    def test_no_spis_at_all(self) -> None:
        assert [name for name, *_ in shown(Delete(protocol=1, spis=()))][-1] == "# of SPIs"

    def test_a_size_for_spis_that_are_not_there_is_lost_and_said_so(self) -> None:
        octets = bytes.fromhex("0000000c 00000001 01 10 0000")
        sheet = dissect_body(octets, 12)
        check(sheet)
        assert sheet.error is None
        assert sheet.payloads == (Delete(protocol=1, spis=()),)
        assert sheet.remarks == ("written again from its values this would differ at octet 9: SPI Size (16)",)

    def test_mixed_sizes_are_misuse(self) -> None:
        with pytest.raises(Misuse, match=r"SPI expects items of one size, got sizes \[4, 16\]"):
            Delete(protocol=3, spis=(bytes(4), bytes(16))).write()

    @pytest.mark.parametrize(
        ("body", "at", "path"),
        [
            ("00000001 03 04 0002 61626364", 8, "Delete > SPI"),
            ("00000001 03 04 0001 61626364 65", 12, "Delete"),
            ("00000001 03 00 0002", 8, "Delete > SPI"),
            ("00000001 03 ff ffff", 8, "Delete > SPI"),
            ("00000001 03 04 00", 6, "Delete > # of SPIs"),
        ],
    )
    def test_sizes_and_counts_that_lie(self, body: str, at: int, path: str) -> None:
        assert complaint(Delete, body) == (at, path, "RFC 2408 §3.15")


class TestRfc2408Section316VendorIdPayload:
    def test_a_known_badge_is_named_and_explained(self) -> None:
        (leaf,) = list(sheet_of(VendorID(data=bytes.fromhex("afcad71368a1f1c96b8696fc77570100"))).leaves())[3:]
        assert "(" in leaf.text
        assert "not in our list" not in leaf.meaning

    def test_an_unknown_badge_is_shown_as_it_is(self) -> None:
        (leaf,) = list(sheet_of(VendorID(data=b"\1\2\3")).leaves())[3:]
        assert leaf.text == "010203"
        assert leaf.meaning.endswith("This one is not in our list.")


class TestModeConfigSection32AttributesPayload:
    def test_a_question_for_settings(self) -> None:
        question = Config(kind=1, identifier=7, attributes=(Attribute(1, b"", False), Attribute(3, b"", False)))
        assert shown(question) == [
            ("Type", 0, 1, "ISAKMP_CFG_REQUEST (1)"),
            ("RESERVED", 1, 1, "0"),
            ("Identifier", 2, 2, "7"),
            ("Attribute Type", 4, 2, "INTERNAL_IP4_ADDRESS (1), TLV"),
            ("Attribute Length", 6, 2, "0"),
            ("Attribute Type", 8, 2, "INTERNAL_IP4_DNS (3), TLV"),
            ("Attribute Length", 10, 2, "0"),
        ]

    def test_an_answer_without_settings(self) -> None:
        assert len(shown(Config(kind=2, identifier=7, attributes=()))) == 3

    def test_an_attribute_that_overruns(self) -> None:
        at, path, rfc = complaint(Config, "02000007 00010004 0a0000")
        assert (at, path) == (6, "Attributes > Attributes > INTERNAL_IP4_ADDRESS > Attribute Length")
        assert rfc == "RFC 2408 §3.3"


class TestRfc3947NatTraversal:
    def test_an_original_address(self) -> None:
        assert [text for *_, text in shown(NatOa(id_type=1, data=bytes([10, 0, 0, 1])))] == [
            "ID_IPV4_ADDR (1)",
            "0",
            "0",
            "10.0.0.1",
        ]
        assert shown(NatOa(id_type=5, data=V6))[-1][3] == "2001:db8::1"

    def test_the_drafts_had_other_numbers_for_the_same_fields(self) -> None:
        assert NatDDraft.FIELDS == NatD.FIELDS
        assert {number: record.TITLE for number, record in LATE_DRAFTS.items()} == {
            15: "NAT-D (drafts)",
            16: "NAT-OA (drafts)",
        }


class TestFragments:
    def test_a_slice(self) -> None:
        assert shown(Fragment(id=1, number=2, flags=1, data=b"ab")) == [
            ("Fragment ID", 0, 2, "1"),
            ("Fragment Number", 2, 1, "2"),
            ("Flags", 3, 1, "last"),
            ("Fragment Data", 4, 2, "6162"),
        ]
        assert shown(Fragment(id=1, number=2, flags=0, data=b""))[2][3] == "more follow"
        assert shown(Fragment(id=1, number=2, flags=0x82, data=b""))[2][3] == "more follow, unassigned bits 0x82"


def test_a_payload_kept_closed_goes_by_the_number_it_came_under() -> None:
    assert Opaque(number=99, data=b"x").type == 99
    assert write_chain((Opaque(number=99, data=b"x", reserved=3), Nonce(data=b"n"))) == b"\x0a\3\0\5x\0\0\0\5n"
