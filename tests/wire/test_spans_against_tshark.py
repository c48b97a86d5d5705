"""Every piece of every recorded message lies where tshark has a field, and every field of tshark's fits our pieces.

Where the two differ the difference is of a kind listed in `agreement.KINDS`, with its reason and an example.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from scapy.layers.isakmp import ISAKMP, ISAKMP_payload

from ikelab.wire.header import HEADER_SIZE, Header
from ikelab.wire.message import dissect
from tests.needs import CHECKOUT, captures_dir, needs, recorded_conversations
from tests.wire.agreement import KINDS, compare, differences, read_by_tshark
from tests.wire.pdml import TsharkField, TsharkSheet

DECRYPTED_TO_NONSENSE = {
    ("dpd_dead", 11): "repeats frame 10, quoted in an ICMP error; tshark moved the IV on",
    ("dpd_dead", 13): "repeats frame 12, quoted in an ICMP error; tshark moved the IV on",
    ("dpd_dead", 15): "repeats frame 14, quoted in an ICMP error; tshark moved the IV on",
    ("fail_psk_mismatch", 6): "encrypted under the responder's other pre-shared key",
    ("fail_psk_mismatch", 7): "repeats frame 5; tshark moved the IV on",
    ("fail_psk_mismatch", 8): "encrypted under the responder's other pre-shared key",
    ("fail_psk_mismatch", 9): "repeats frame 5; tshark moved the IV on",
    ("fail_psk_mismatch", 10): "encrypted under the responder's other pre-shared key",
    ("fail_psk_mismatch_aggr", 3): "encrypted under the initiator's other pre-shared key",
}
"""Frames that tshark cannot decrypt with the keys that it has, and why: nothing in them can be compared."""


def own_datasets() -> list[Path]:
    """The project's own recordings, save those that are also among the shared ones."""
    shared = {_digest(folder) for folder in captures_dir().glob("*/capture.pcap")}
    captures = sorted((CHECKOUT / "datasets").glob("*/capture.pcap"))
    return [capture.parent for capture in captures if _digest(capture) not in shared]


def _digest(capture: Path) -> str:
    return hashlib.sha256(capture.read_bytes()).hexdigest()


class TestSpansAgainstTshark:
    def agree(self, folder: Path) -> None:
        compared = compare(folder)
        assert [difference for difference in compared.differences if difference.kind not in KINDS] == []
        expected = [frame for name, frame in DECRYPTED_TO_NONSENSE if name == folder.name]
        assert list(compared.nonsense) == expected
        assert compared.leaves > 50
        assert compared.fields > 50

    @needs("tshark", "shared-captures")
    @pytest.mark.parametrize("conversation", recorded_conversations())
    def test_every_piece_is_a_field_and_every_field_fits_the_pieces(self, conversation: str) -> None:
        self.agree(captures_dir() / conversation)

    @needs("tshark")
    def test_the_projects_own_recordings_too(self) -> None:
        for folder in own_datasets():
            self.agree(folder)

    @needs("tshark", "shared-captures")
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_kind_of_difference_is_still_met(self, kind: str) -> None:
        _, example = KINDS[kind]
        assert kind in {difference.kind for difference in compare(captures_dir() / example).differences}

    @needs("tshark", "shared-captures")
    @pytest.mark.parametrize(
        ("conversation", "kind"),
        [("main_psk_nopfs", "decrypted"), ("main_rsa", "reassembled"), ("dpd_dead", "quoted in ICMP")],
    )
    def test_messages_inside_others_are_compared(self, conversation: str, kind: str) -> None:
        assert kind in compare(captures_dir() / conversation).kinds


class TestADifferenceIsSeen:
    """The comparison itself: what is shifted, left out or changed does not pass."""

    OCTETS = bytes(range(8)) * 2 + bytes([13, 0x10, 2, 0, 0, 0, 0, 0, 0, 0, 0, 34]) + b"\0\0\0\6VI"
    PLACES = ((0, 8), (8, 8), (16, 1), (17, 1), (18, 1), (19, 1), (20, 4), (24, 4), (28, 1), (29, 1), (30, 2), (32, 2))

    def found(self, fields: tuple[TsharkField, ...]) -> list[str]:
        sheet = TsharkSheet(frame=1, kind="datagram", octets=self.OCTETS, fields=fields)
        return [difference.kind for difference in differences(sheet, dissect(self.OCTETS))]

    def field(self, at: int, size: int) -> TsharkField:
        return TsharkField(name="isakmp.x", at=at, size=size, value=self.OCTETS[at : at + size].hex())

    def test_agreement_passes(self) -> None:
        fields = tuple(self.field(*place) for place in self.PLACES)
        assert self.found((*fields, self.field(28, 6), self.field(0, 28), self.field(21, 1))) == []

    def test_a_field_left_out(self) -> None:
        assert self.found(tuple(self.field(*place) for place in self.PLACES[:-1])) == ["?"]

    def test_a_field_across_two_pieces(self) -> None:
        fields = tuple(self.field(*place) for place in self.PLACES)
        assert self.found((*fields, self.field(31, 2))) == ["?"]

    def test_a_field_of_another_value(self) -> None:
        *fields, last = (self.field(*place) for place in self.PLACES)
        wrong = TsharkField(name=last.name, at=last.at, size=last.size, value="5649"[::-1])
        assert self.found((*fields, wrong)) == ["?"]


class TestHeadersAndPayloadTypesAgainstScapy:
    @needs("shared-captures", "tshark")
    @pytest.mark.parametrize("conversation", recorded_conversations())
    def test_scapy_reads_the_same_header_and_the_same_chain(self, conversation: str) -> None:
        for sheet in read_by_tshark(captures_dir() / conversation):
            if sheet.octets is None:
                continue
            octets = in_clear(sheet) if sheet.kind == "decrypted" else sheet.octets
            ours, theirs = dissect(octets), ISAKMP(octets)
            assert ours.header is not None
            assert {name: value_of(getattr(theirs, name)) for name in SCAPY_NAMES} == {
                name: getattr(ours.header, own) for name, own in SCAPY_NAMES.items()
            }
            if not ours.encrypted:
                types = [payload.type for payload in ours.payloads[1:]] + [0]
                sizes = [len(ours.body(number)) + 4 for number in range(len(ours.payloads))]
                chain = [layer for layer in theirs.iterpayloads() if isinstance(layer, ISAKMP_payload)]
                assert [(layer.next_payload, layer.length) for layer in chain] == list(zip(types, sizes, strict=True))


SCAPY_NAMES = {
    "init_cookie": "cookie_i",
    "resp_cookie": "cookie_r",
    "next_payload": "next_payload",
    "version": "version",
    "exch_type": "exchange",
    "flags": "flags",
    "id": "message_id",
    "length": "length",
}


def value_of(value: object) -> object:
    """A plain number in place of scapy's flags; octets as they are."""
    return value if isinstance(value, bytes) else int(value)


def in_clear(sheet: TsharkSheet) -> bytes:
    """Decrypted data behind a header of its own, so that scapy can read it."""
    assert sheet.octets is not None
    header = Header(cookie_i=bytes(8), exchange=2, next_payload=sheet.first, length=HEADER_SIZE + len(sheet.octets))
    return header.write() + sheet.octets
