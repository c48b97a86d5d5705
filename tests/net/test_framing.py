"""pcap and pcapng framing by scapy: what we add is where and why a file breaks off; tshark is the oracle."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

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


def times_and_sizes(found: list[Frame]) -> list[tuple[float, int]]:
    return [(round(time, 6), len(octets)) for _, time, octets in found]


def by_tshark(path: Path) -> list[tuple[float, int]]:
    """The same of every frame, by tshark."""
    fields = ["-e", "frame.time_epoch", "-e", "frame.cap_len"]
    listed = subprocess.run(
        ["tshark", "-n", "-r", path, "-T", "fields", *fields], check=True, capture_output=True, text=True, timeout=60
    )
    rows = (line.split("\t") for line in listed.stdout.splitlines())
    return [(round(float(time), 6), int(size)) for time, size in rows]


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
        assert broken(octets) == (3, "0 of 262140 octets are there")

    @needs("tshark", "shared-captures")
    @pytest.mark.parametrize("name", recorded_conversations())
    def test_tshark_frames_recorded_conversations_alike(self, name: str) -> None:
        path = captures_dir() / name / "capture.pcap"
        with path.open("rb") as stream:
            assert times_and_sizes(list(read_frames(stream, name))) == by_tshark(path)


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
            (enhanced(b"x", number=1), "PcapNg: invalid interface id 1/1"),
            (enhanced(b"abcd")[:-5], "23 of 24 octets are there"),
            (enhanced(b"abcd")[:-4] + b"\0\0\0\0", "PcapNg: Invalid pcapng block (bad blocklen)"),
            (block(6, b"shrt"), "PcapNg: EPB is too small 4/20 !"),
            (struct.pack("<II", 6, 0xFFFFFFFC), "it claims 4294967280 octets, more than any packet has"),
            (b"\x06\0\0", "3 of 4 octets are there"),
            (b"\x0a\x0d\x0d\x0a" + bytes(8), "PcapNg: Bad magic in Section Header Block (not a pcapng file?)"),
            (section(version=2), "PcapNg: SHB Major version 2 unsupported !"),
        ],
    )
    def test_nonsense_ends_the_reading_after_the_frames_before(self, tail: bytes, why: str) -> None:
        assert broken(section() + interface() + enhanced(b"good") + tail) == (1, why)

    @needs("tshark", "shared-captures")
    @pytest.mark.parametrize("name", recorded_conversations())
    def test_a_pcapng_by_wiresharks_editcap_frames_alike(self, name: str, tmp_path: Path) -> None:
        editcap = shutil.which("editcap")
        assert editcap, "editcap comes with tshark"
        path = tmp_path / "some.pcapng"
        subprocess.run([editcap, "-F", "pcapng", captures_dir() / name / "capture.pcap", path], check=True, timeout=60)
        with path.open("rb") as stream:
            assert times_and_sizes(list(read_frames(stream, name))) == by_tshark(path)


class TestWhatIsNoCapture:
    @pytest.mark.parametrize(
        ("octets", "got"),
        [
            (b"", "expected a pcap or pcapng capture, got an empty file"),
            (b'{"psk"', "got a file that begins with 7b227073 ('{\"ps')"),
            (b"\xff\xfe", "got a file that begins with fffe"),
            (pcap([])[:23], "Invalid pcap file (too short)"),
            (section()[:9], "The first SHB of the pcapng file is malformed !"),
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
