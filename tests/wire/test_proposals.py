"""The SA payload: proposals, transforms, attributes, situations, and every way in which their counts can lie."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse, WireError
from ikelab.wire.message import Dissection, dissect_body, write_chain
from ikelab.wire.numbers import IkeAttribute, IpsecAttribute, Protocol
from ikelab.wire.payloads import Opaque
from ikelab.wire.proposals import SA, Attribute, Proposal, Transform, long, short
from tests.wire import made
from tests.wire.claims import check

AES = Transform(number=1, id=1, attributes=(short(1, 7), short(14, 256), short(2, 4), long(12, 28800)))
OFFER = SA(proposals=(Proposal(number=1, protocol=Protocol.ISAKMP, transforms=(AES,)),))
OFFER_OCTETS = bytes.fromhex(
    "00000030 00000001 00000001"  # SA: DOI, situation
    "00000024 01010001"  # proposal 1 for ISAKMP, no SPI, one transform
    "0000001c 01010000"  # transform 1, KEY_IKE
    "80010007 800e0100 80020004 000c0004 00007080"  # AES-CBC, 256 bits, SHA2-256, 28800 seconds
)
DOI_AND_SITUATION = "00000001 00000001"


def sheet_of(body: str | bytes, *, at: int = 1) -> Dissection:
    """An SA payload with this body, dissected and found consistent."""
    octets = bytes.fromhex(body) if isinstance(body, str) else body
    sheet = dissect_body(b"\0\0" + (len(octets) + 4).to_bytes(2) + octets, at)
    check(sheet)
    return sheet


def complaint(body: str) -> tuple[int, str, str]:
    """Where an SA with this body is wrong; the body is kept closed."""
    sheet = sheet_of(body)
    assert isinstance(sheet.payloads[0], Opaque)
    assert sheet.error is not None
    return sheet.error.at, sheet.error.path.removeprefix("Security Association > "), sheet.error.rfc


class TestRfc2408Section34SecurityAssociationPayload:
    def test_an_offer_octet_by_octet(self) -> None:
        assert write_chain((OFFER,)) == OFFER_OCTETS
        sheet = dissect_body(OFFER_OCTETS, 1)
        check(sheet)
        assert sheet.payloads == (OFFER,)
        assert [(leaf.name, leaf.at, leaf.text) for leaf in sheet.leaves()] == [
            ("Next Payload", 0, "NONE (0)"),
            ("RESERVED", 1, "0"),
            ("Payload Length", 2, "48"),
            ("Domain of Interpretation", 4, "IPSEC (1)"),
            ("Situation", 8, "SIT_IDENTITY_ONLY (1)"),
            ("Next Payload", 12, "NONE (0)"),
            ("RESERVED", 13, "0"),
            ("Payload Length", 14, "36"),
            ("Proposal #", 16, "1"),
            ("Protocol-Id", 17, "PROTO_ISAKMP (1)"),
            ("SPI Size", 18, "0"),
            ("# of Transforms", 19, "1"),
            ("Next Payload", 20, "NONE (0)"),
            ("RESERVED", 21, "0"),
            ("Payload Length", 22, "28"),
            ("Transform #", 24, "1"),
            ("Transform-Id", 25, "KEY_IKE (1)"),
            ("RESERVED2", 26, "0"),
            ("Attribute Type", 28, "Encryption Algorithm (1), TV"),
            ("Encryption Algorithm", 30, "AES-CBC (7)"),
            ("Attribute Type", 32, "Key Length (14), TV"),
            ("Key Length", 34, "256"),
            ("Attribute Type", 36, "Hash Algorithm (2), TV"),
            ("Hash Algorithm", 38, "SHA2-256 (4)"),
            ("Attribute Type", 40, "Life Duration (12), TLV"),
            ("Attribute Length", 42, "4"),
            ("Life Duration", 44, "28800"),
        ]

    @given(made.records(SA))
    def test_whatever_was_offered_is_read_again(self, offer: SA) -> None:
        octets = write_chain((offer,))
        sheet = dissect_body(octets, 1)
        check(sheet)
        assert sheet.payloads == (offer,)
        assert sheet.write() == octets

    @given(made.records(SA), st.data())
    def test_one_octet_changed(self, offer: SA, data: st.DataObject) -> None:
        octets = bytearray(write_chain((offer,)))
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
        check(dissect_body(bytes(octets), 1))

    def test_an_sa_without_proposals(self) -> None:
        assert sheet_of(DOI_AND_SITUATION).payloads == (SA(proposals=()),)

    @pytest.mark.parametrize(
        ("body", "at", "path"),
        [("", 4, "Domain of Interpretation"), ("00000001", 8, "Situation"), ("00000001 000000", 8, "Situation")],
    )
    def test_an_sa_cut_short(self, body: str, at: int, path: str) -> None:
        assert complaint(body) == (at, path, "RFC 2408 §3.4")


class TestRfc2408Section35ProposalPayload:
    def test_the_spi_has_the_size_that_is_said(self) -> None:
        sheet = sheet_of(DOI_AND_SITUATION + "0000000c 01030400 c930a8d1")
        assert sheet.payloads == (
            SA(proposals=(Proposal(number=1, protocol=3, spi=bytes.fromhex("c930a8d1"), transforms=()),)),
        )

    @pytest.mark.parametrize("size", [0, 1, 2, 4, 8, 16, 255])
    def test_spis_of_any_size(self, size: int) -> None:
        proposal = Proposal(number=1, protocol=1, spi=bytes(size), transforms=(AES,))
        assert Proposal.read(proposal.write()) == proposal

    @pytest.mark.parametrize(
        ("proposal", "at", "path", "rfc"),
        [
            ("0000000b 01030400 c930a8", 20, "Proposal 1 > SPI", "RFC 2408 §3.5"),
            ("00000008 0103ff00", 20, "Proposal 1 > SPI", "RFC 2408 §3.5"),
            ("00000008 01030001", 19, "Proposal 1 > # of Transforms", "RFC 2408 §3.5"),
            ("00000008 010300ff", 19, "Proposal 1 > # of Transforms", "RFC 2408 §3.5"),
            ("00000010 01010000 00000008 01010000", 19, "Proposal 1 > # of Transforms", "RFC 2408 §3.5"),
            ("00000010 01010002 00000008 01010000", 19, "Proposal 1 > # of Transforms", "RFC 2408 §3.5"),
            ("00000006 0101", 18, "Proposal 1 > SPI Size", "RFC 2408 §3.5"),
            ("00000004", 16, "Proposal 1 > Proposal #", "RFC 2408 §3.5"),
            ("02000008 01010000", 12, "Proposal 1 > Next Payload", "RFC 2408 §3.5"),
            ("00000008 01010000 00000008 02010000", 12, "Proposal 1 > Next Payload", "RFC 2408 §3.5"),
            ("0d000008 01010000 00000008 02010000", 12, "Proposal 1 > Next Payload", "RFC 2408 §3.5"),
            ("00000007 01010000", 19, "Proposal 1 > # of Transforms", "RFC 2408 §3.5"),
            ("00000009 01010000", 14, "Proposal 1 > Payload Length", "RFC 2408 §3.2"),
            ("00000003 01010000", 14, "Proposal 1 > Payload Length", "RFC 2408 §3.2"),
            ("02000008 01010000 000000", 20, "Proposal 2", "RFC 2408 §3.2"),
        ],
    )
    def test_a_proposal_that_lies(self, proposal: str, at: int, path: str, rfc: str) -> None:
        found_at, found_path, found_rfc = complaint(DOI_AND_SITUATION + proposal)
        assert (found_path, found_rfc) == (path, rfc)
        assert found_at == at

    def test_a_wrong_count_leaves_all_transforms_in_the_tree(self) -> None:
        sheet = sheet_of(DOI_AND_SITUATION + "00000010 01010007 00000008 01010000")
        assert [leaf.name for leaf in sheet.leaves() if leaf.error] == ["# of Transforms"]
        assert sum(span.name == "Transform" for span in sheet.tree[0].walk()) == 1
        assert "expected 1, as that many follow, got 7" in sheet.remarks[0]

    def test_more_transforms_than_a_count_can_say(self) -> None:
        with pytest.raises(Misuse, match="# of Transforms expects a number from 0 to 255, got 256"):
            Proposal(number=1, protocol=1, transforms=(AES,) * 256).write()

    def test_an_spi_longer_than_its_length_can_say(self) -> None:
        with pytest.raises(Misuse, match="SPI Size expects a number from 0 to 255, got 256"):
            Proposal(number=1, protocol=3, spi=bytes(256), transforms=()).write()


class TestRfc2408Section36TransformPayload:
    @pytest.mark.parametrize(
        ("protocol", "transform_id", "attribute"),
        [
            (Protocol.ISAKMP, "KEY_IKE (1)", "Authentication Method (3), TV"),
            (Protocol.ESP, "ESP_DES_IV64 (1)", "Group Description (3), TV"),
            (Protocol.AH, "AHTransform 1", "Group Description (3), TV"),
            (Protocol.IPCOMP, "IPCOMP_OUI (1)", "Group Description (3), TV"),
            (99, "1", "Group Description (3), TV"),
        ],
    )
    def test_names_follow_the_protocol_of_the_proposal(self, protocol: int, transform_id: str, attribute: str) -> None:
        transform = Transform(number=1, id=1, attributes=(short(3, 1),))
        sheet = dissect_body(
            write_chain((SA(proposals=(Proposal(number=1, protocol=protocol, transforms=(transform,)),)),)), 1
        )
        check(sheet)
        shown = {leaf.name: leaf.text for leaf in sheet.leaves()}
        assert shown["Transform-Id"].startswith(transform_id)
        assert shown["Attribute Type"] == attribute

    def test_attributes_can_be_asked_for(self) -> None:
        repeated = Transform(number=1, id=1, attributes=(short(1, 7), short(1, 5), long(1, 3)))
        assert repeated.values(IkeAttribute.ENCRYPTION_ALGORITHM) == (7, 5, 3)
        assert repeated.first(IkeAttribute.ENCRYPTION_ALGORITHM) == 7
        assert repeated.first(IkeAttribute.KEY_LENGTH) is None
        assert repeated.values(IkeAttribute.KEY_LENGTH) == ()

    @pytest.mark.parametrize(
        ("transform", "at", "path", "rfc"),
        [
            ("00000007 010100", 26, "RESERVED2", "RFC 2408 §3.6"),
            ("00000005 01", 25, "Transform-Id", "RFC 2408 §3.6"),
            ("0000000a 01010000 8001", 28, "SA Attributes", "RFC 2408 §3.6"),
            (
                "0000000e 01010000 00010003 0007",
                30,
                "SA Attributes > Encryption Algorithm > Attribute Length",
                "RFC 2408 §3.3",
            ),
        ],
    )
    def test_a_transform_that_lies(self, transform: str, at: int, path: str, rfc: str) -> None:
        size = len(bytes.fromhex(transform)) + 8
        proposal = f"0000{size:04x} 01010001 {transform}"
        assert complaint(DOI_AND_SITUATION + proposal) == (at, f"Proposal 1 > Transform 1 > {path}", rfc)

    def test_a_reserved2_that_is_not_zero_is_remarked_upon(self) -> None:
        sheet = sheet_of(DOI_AND_SITUATION + "00000010 01010001 00000008 01010102")
        assert sheet.remarks == ("Security Association: RESERVED2 at octet 26 is 258, senders write 0",)


class TestRfc2407Section461SituationWithLabels:
    SECRECY = "00000007 0003 0000 ababab00 000a 0000 ffc00000"
    BOTH = SECRECY + "0004 0000 cdcdcdcd 0000 0000"

    def test_secrecy_labels(self) -> None:
        sheet = sheet_of("00000001 00000003" + self.SECRECY)
        assert sheet.payloads == (SA(situation=3, labels=bytes.fromhex(self.SECRECY), proposals=()),)
        assert [(leaf.name, leaf.at, leaf.size) for leaf in sheet.leaves()][5:] == [
            ("Labeled Domain Identifier", 12, 4),
            ("Secrecy Length", 16, 2),
            ("RESERVED", 18, 2),
            ("Secrecy Level", 20, 4),
            ("Secrecy Category Length", 24, 2),
            ("RESERVED", 26, 2),
            ("Secrecy Category Bitmap", 28, 4),
        ]

    def test_integrity_labels_behind_them_and_then_proposals(self) -> None:
        offer = SA(situation=6, labels=bytes.fromhex(self.BOTH), proposals=OFFER.proposals)
        octets = write_chain((offer,))
        sheet = dissect_body(octets, 1)
        check(sheet)
        assert sheet.payloads == (offer,)
        assert sheet.write() == octets
        names = [leaf.name for leaf in sheet.leaves()]
        assert names[12:18] == [
            "Integrity Length",
            "RESERVED",
            "Integrity Level",
            "Integrity Category Length",
            "RESERVED",
            "Next Payload",
        ]

    @pytest.mark.parametrize(
        ("labels", "at", "name"),
        [
            ("", 12, "Labeled Domain Identifier"),
            ("00000007", 16, "Secrecy Length"),
            ("00000007 0003 0000 ababab", 20, "Secrecy Level"),
            ("00000007 ffff 0000", 20, "Secrecy Level"),
            ("00000007 0000 0000 0021 0000 ffffffff", 24, "Secrecy Category Bitmap"),
        ],
    )
    def test_labels_cut_short(self, labels: str, at: int, name: str) -> None:
        assert complaint("00000001 00000002" + labels) == (at, name, "RFC 2407 §4.6.1")

    def test_other_domains_have_no_such_labels(self) -> None:
        assert sheet_of("00000002 00000002").payloads == (SA(doi=2, situation=2, proposals=()),)

    @pytest.mark.parametrize(("situation", "labels"), [(1, b"x"), (2, b""), (2, bytes(13)), (4, bytes(3))])
    def test_labels_that_the_situation_does_not_call_for_are_misuse(self, situation: int, labels: bytes) -> None:
        with pytest.raises(Misuse, match=f"Sensitivity Labels expects what DOI 1 and situation {situation} call for"):
            SA(situation=situation, labels=labels, proposals=()).write()


class TestRfc2407Section45IpsecAttributes:
    def test_an_esp_offer(self) -> None:
        transform = Transform(
            number=1,
            id=12,
            attributes=(
                short(IpsecAttribute.KEY_LENGTH, 128),
                short(IpsecAttribute.AUTHENTICATION_ALGORITHM, 2),
                short(IpsecAttribute.ENCAPSULATION_MODE, 1),
                Attribute(IpsecAttribute.SA_LIFE_DURATION, bytes.fromhex("00000e10"), False),
            ),
        )
        offer = SA(proposals=(Proposal(number=0, protocol=3, spi=bytes(4), transforms=(transform,)),))
        sheet = dissect_body(write_chain((offer,)), 1)
        check(sheet)
        shown = [leaf.text for leaf in sheet.leaves()]
        assert {"ESP_AES-CBC (12)", "HMAC-SHA (2)", "Tunnel (1)", "3600"} <= set(shown)


def test_strict_reading_raises_the_same_complaint() -> None:
    with pytest.raises(WireError) as caught:
        SA.read(bytes.fromhex(DOI_AND_SITUATION + "00000008 01010001"))
    assert str(caught.value) == (
        "Security Association > Proposal 1 > # of Transforms at octet 15: expected 0, as that many follow, got 1"
        " (RFC 2408 §3.5)"
    )
