"""pcap and pcapng framing; scapy's readers are the oracle where they can be."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from scapy.utils import RawPcapNgReader, RawPcapReader

from ikelab.errors import Misuse
from ikelab.net.framing import BrokenOff, Frame, read_frames
from tests.needs import captures_dir, needs, recorded_conversations
from tests.net.made import block, enhanced, interface, option, pcap, section

PACKETS = [b"first", b"", b"third packet"]


def frames(octets: bytes) -> list[Frame]:
    return list(read_frames(io.BytesIO(octets), "some.pcap"))


def broken(octets: bytes) -> tuple[int, str]:
    """How many frames came before the file broke off, and why it did."""
    found = 0
    try:
        for _ in read_frames(io.BytesIO(octets), "some.pcap"):
            found += 1
    except BrokenOff as reason:
        return found, str(reason)
    return found, "it did not"


class TestPcap:
    @pytest.mark.parametrize("order", ["<", ">"])
    @pytest.mark.parametrize(("magic", "fraction"), [(0xA1B2C3D4, 0.5), (0xA1B23C4D, 0.0005)])
    def test_either_byte_order_micro_and_nanoseconds(self, order: str, magic: int, fraction: float) -> None:
        found = frames(pcap(PACKETS, linktype=228, order=order, magic=magic))
        assert found == [(228, number + fraction, packet) for number, packet in enumerate(PACKETS, 1)]

    def test_the_link_type_is_the_lower_half_of_its_field(self) -> None:
        assert frames(pcap(PACKETS, linktype=0xF4000001))[0][0] == 1

    @pytest.mark.parametrize(("cut", "before"), [(1, 2), (12, 2), (13, 2), (27, 2), (28, None), (29, 1)])
    def test_a_file_cut_short_gives_the_frames_before(self, cut: int, before: int | None) -> None:
        octets = pcap(PACKETS)[:-cut]
        if before is None:
            assert len(frames(octets)) == 2
        else:
            assert broken(octets)[0] == before

    def test_an_absurd_size_is_not_believed(self) -> None:
        octets = pcap(PACKETS) + struct.pack("<IIII", 1, 1, 0xFFFFFFFF, 0)
        assert broken(octets) == (3, "it claims 4294967295 octets, more than any packet has")

    @needs("shared-captures")
    @pytest.mark.parametrize("name", recorded_conversations())
    def test_scapy_frames_recorded_conversations_alike(self, name: str) -> None:
        path = captures_dir() / name / "capture.pcap"
        with RawPcapReader(str(path)) as reader:
            oracle = [(octets, meta.sec, meta.usec) for octets, meta in reader]
        with path.open("rb") as stream:
            found = list(read_frames(stream, name))
        assert [(octets, pytest.approx(sec + usec / 1e6)) for octets, sec, usec in oracle] == [
            (octets, time) for _, time, octets in found
        ]


class TestPcapng:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_either_byte_order(self, order: str) -> None:
        packets = b"".join(enhanced(packet, order=order) for packet in PACKETS)
        found = frames(section(order=order) + interface(1, order=order) + packets)
        assert found == [(1, 1.5, packet) for packet in PACKETS]

    @pytest.mark.parametrize(
        ("options", "ticks", "time"),
        [
            (b"", 2_500_000, 2.5),
            (option(9, b"\x09"), 2_500_000_000, 2.5),
            (option(9, b"\x81"), 5, 2.5),
            (option(14, struct.pack("<q", -1)), 3_500_000, 2.5),
            (option(2, b"eth0") + option(9, b"\x03") + option(0, b"") + option(9, b"\x06"), 2_500, 2.5),
        ],
    )
    def test_an_interface_says_how_its_clock_counts(self, options: bytes, ticks: int, time: float) -> None:
        assert frames(section() + interface(1, options) + enhanced(b"x", ticks=ticks)) == [(1, time, b"x")]

    def test_interfaces_are_numbered_anew_in_every_section(self) -> None:
        first = section() + interface(1) + interface(101) + enhanced(b"a", number=1)
        second = section(order=">") + interface(113, order=">") + enhanced(b"b", order=">")
        assert [(linktype, octets) for linktype, _, octets in frames(first + second)] == [(101, b"a"), (113, b"b")]

    def test_simple_and_obsolete_packet_blocks(self) -> None:
        simple = block(3, struct.pack("<I", 9) + b"cut to fi")
        obsolete = block(2, struct.pack("<HHIIII", 0, 0, 0, 1_500_000, 3, 3) + b"old")
        assert frames(section() + interface(1, snap=6) + simple + obsolete) == [(1, 0.0, b"cut to"), (1, 1.5, b"old")]

    def test_blocks_of_other_kinds_are_passed_over(self) -> None:
        octets = (
            section()
            + block(5, bytes(12))
            + interface()
            + block(0x0BAD, b"comment")
            + enhanced(b"x")
            + block(5, bytes(12))
        )
        assert len(frames(octets)) == 1

    @pytest.mark.parametrize(
        ("tail", "why"),
        [
            (enhanced(b"x", number=1), "it names interface 1, but 1 are described"),
            (enhanced(b"abcd")[:-5], "23 of 28 octets are there"),
            (enhanced(b"abcd")[:-4] + b"\0\0\0\0", "the two lengths of a block disagree"),
            (block(6, bytes(12) + b"\x32\0\0\0" * 2), "it says that 50 octets were captured, 0 are in its block"),
            (block(6, b"shrt"), "a block needs 20 octets, 4 are in it"),
            (struct.pack("<II", 6, 13), "a block says it has 13 octets, expected a multiple of 4 from 12 up"),
            (struct.pack("<II", 6, 0xFFFFFFFC), "it claims 4294967284 octets, more than any packet has"),
            (b"\x06\0\0", "a block needs 4 octets, 3 are in it"),
            (b"\x0a\x0d\x0d\x0a" + bytes(8), "a section's byte-order magic is 00000000"),
            (section(version=2), "a section has pcapng version 2, expected 1"),
        ],
    )
    def test_nonsense_ends_the_reading_after_the_frames_before(self, tail: bytes, why: str) -> None:
        assert broken(section() + interface() + enhanced(b"good") + tail) == (1, why)

    @needs("tshark", "shared-captures")
    @pytest.mark.parametrize("name", recorded_conversations())
    def test_scapy_frames_alike_what_wiresharks_editcap_wrote(self, name: str, tmp_path: Path) -> None:
        editcap = shutil.which("editcap")
        assert editcap, "editcap comes with tshark"
        path = tmp_path / "some.pcapng"
        subprocess.run([editcap, "-F", "pcapng", captures_dir() / name / "capture.pcap", path], check=True, timeout=60)
        with path.open("rb") as stream:
            found = list(read_frames(stream, name))
        with RawPcapNgReader(str(path)) as reader:
            oracle = [
                (meta.linktype, ((meta.tshigh << 32) + meta.tslow) / meta.tsresol, octets) for octets, meta in reader
            ]
        assert found == oracle


class TestWhatIsNoCapture:
    @pytest.mark.parametrize(
        ("octets", "got"),
        [
            (b"", "expected a pcap or pcapng capture, got an empty file"),
            (b'{"psk"', "got a file that begins with 7b227073 ('{\"ps')"),
            (b"\xff\xfe", "got a file that begins with fffe"),
            (pcap([])[:23], "expected a pcap header of 24 octets, got a file of 23"),
            (struct.pack("<IHHiIII", 0xA1B2C3D4, 3, 0, 0, 0, 0, 1), "expected pcap version 2, got 3"),
            (section()[:9], "expected a pcapng section header, got a broken one: 5 of 8 octets are there"),
        ],
    )
    def test_it_is_refused_at_once_in_one_sentence(self, octets: bytes, got: str) -> None:
        with pytest.raises(Misuse) as caught:
            read_frames(io.BytesIO(octets), "some.pcap")
        assert str(caught.value).startswith("some.pcap: ")
        assert got in str(caught.value)
        assert "\n" not in str(caught.value)

    @given(
        st.sampled_from([b"", pcap([]), pcap(PACKETS), section(), section() + interface() + enhanced(b"abc")]),
        st.binary(max_size=80),
        st.integers(0, 200),
        st.binary(max_size=6),
    )
    def test_whatever_comes_only_documented_complaints(self, begun: bytes, rest: bytes, at: int, patch: bytes) -> None:
        octets = bytearray(begun + rest)
        octets[at : at + len(patch)] = patch
        try:
            for _, time, packet in read_frames(io.BytesIO(octets), "fuzz"):
                assert isinstance(time, float)
                assert len(packet) <= len(octets)
        except (Misuse, BrokenOff) as complaint:
            complaint.add_note("documented")
