"""Capture files, read and written; tshark is the oracle."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse
from ikelab.net.capture import MOST_REMARKS, read_capture, sent, write_capture
from ikelab.wire.udp import Carries, Endpoint, Ports, classify
from tests.needs import captures_dir, needs, recorded_conversations
from tests.net.made import (
    ALICE,
    ALICE6,
    BOB,
    BOB6,
    ETHERNET,
    ETHERNET_LINK,
    enhanced,
    interface,
    message,
    pcap,
    saved,
    section,
)

FOUR = [message(frame) for frame in (1, 2, 3, 4)]


class TestReading:
    def test_pcap_and_pcapng_and_both_compressed(self, tmp_path: Path) -> None:
        plain = pcap([each.ip for each in FOUR])
        blocks = section() + interface() + b"".join(enhanced(each.ip) for each in FOUR)
        for octets in (plain, blocks, gzip.compress(plain), gzip.compress(blocks)):
            found = list(read_capture(saved(tmp_path, octets)))
            assert [(each.frame, each.ip) for each in found] == [(each.frame, each.ip) for each in FOUR]

    def test_it_can_be_read_again(self, tmp_path: Path) -> None:
        capture = read_capture(saved(tmp_path, pcap([ETHERNET, FOUR[0].ip, FOUR[1].ip])[:-1]))
        assert list(capture) == list(capture)
        assert (capture.frames, len(capture.remarks)) == (2, 1)

    def test_frames_that_are_none_of_ours_are_counted(self, tmp_path: Path) -> None:
        other = ETHERNET[:12] + b"\x08\x06" + bytes(28)
        capture = read_capture(saved(tmp_path, pcap([other, ETHERNET + FOUR[0].ip, other], linktype=ETHERNET_LINK)))
        assert [each.frame for each in capture] == [2]
        assert (capture.frames, capture.remarks) == (3, ())

    def test_other_ports_by_agreement(self, tmp_path: Path) -> None:
        odd = message(source=Endpoint(ALICE.address, 1500))
        capture = read_capture(saved(tmp_path, pcap([odd.ip])), ports=Ports(ike=frozenset({1500})))
        assert [each.source.port for each in capture] == [1500]

    def test_a_pipe_can_be_read_again_too(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        writer = threading.Thread(target=pipe.write_bytes, args=[pcap([each.ip for each in FOUR])])
        writer.start()
        capture = read_capture(pipe)
        writer.join()
        assert len(list(capture)) == len(list(capture)) == 4

    @needs("shared-captures")
    @pytest.mark.parametrize("name", recorded_conversations())
    def test_recorded_conversations_hold_the_ike_messages_that_tshark_sees(self, name: str) -> None:
        folder = captures_dir() / name
        seen = json.loads((folder / "tshark.json").read_text("utf-8"))
        # Lists: of addresses where an ICMP error quotes an IKE message, of cookies where fragments were put together.
        expected = [
            (
                int(each["frame"]),
                each["src"],
                each["dst"],
                int(each["srcport"]),
                int(each["dstport"]),
                each["ispi"][:16],
            )
            for each in seen
            if each.get("ispi") and "," not in each["src"]
        ]
        found = []
        for each in read_capture(folder / "capture.pcap"):
            if each.protocol == "udp":
                content = classify(each.octets, each.source.port, each.destination.port)
                if content.carries is Carries.IKE:
                    ends = (each.source.address, each.destination.address, each.source.port, each.destination.port)
                    found.append((each.frame, *ends, content.octets[:8].hex()))
        assert found == expected


class TestWhatCannotBeRead:
    @pytest.mark.parametrize(
        ("name", "octets", "complaint"),
        [
            ("empty.pcap", b"", "expected a pcap or pcapng capture, got an empty file"),
            ("facts.json", b"{}", "expected a pcap or pcapng capture, got a file that begins with 7b7d"),
            ("short.pcap", pcap([])[:10], "expected a pcap or pcapng capture, got a file that begins with d4c3b2a1"),
            ("broken.gz", b"\x1f\x8b\x08garbage here", "expected a capture, got a file that cannot be unpacked"),
            (
                "text.gz",
                gzip.compress(b"text", mtime=0),
                "expected a pcap or pcapng capture, got a file that begins with 74657874",
            ),
        ],
    )
    def test_what_is_no_capture(self, tmp_path: Path, name: str, octets: bytes, complaint: str) -> None:
        path = saved(tmp_path, octets, name)
        with pytest.raises(Misuse) as caught:
            read_capture(path)
        assert str(caught.value).startswith(f"{path}: {complaint}")

    def test_what_is_not_there_or_no_file(self, tmp_path: Path) -> None:
        for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "directory"), (Path("a\0b"), "null")):
            with pytest.raises(Misuse, match=f"expected a capture file that can be read, got: .*{reason}"):
                read_capture(path)

    def test_a_capture_that_breaks_off_is_read_up_to_there(self, tmp_path: Path) -> None:
        whole = pcap([each.ip for each in FOUR])
        for octets in (whole[:-1], gzip.compress(whole, mtime=0)[:-40]):
            capture = read_capture(saved(tmp_path, octets))
            assert [each.frame for each in capture] == [1, 2, 3][: capture.frames]
            (remark,) = capture.remarks
            assert remark.startswith(f"the capture breaks off in frame {capture.frames + 1}: ")

    def test_remarks_do_not_drown_a_reader(self, tmp_path: Path) -> None:
        damaged = b"\x44" + FOUR[0].ip[1:9] + b"\x32" + FOUR[0].ip[10:]
        capture = read_capture(saved(tmp_path, pcap([damaged] * 100)[:-1]))
        assert list(capture) == []
        assert len(capture.remarks) == MOST_REMARKS + 2
        assert capture.remarks[-2:] == (
            "... and 79 more of the kind",
            "the capture breaks off in frame 100: 87 of 88 octets are there",
        )

    @given(
        st.sampled_from(
            [b"", pcap([FOUR[0].ip] * 2), section() + interface() + enhanced(FOUR[0].ip), b"\x1f\x8b\x08\0"]
        ),
        st.integers(0, 250),
        st.binary(max_size=8),
        st.binary(max_size=40),
        st.booleans(),
    )
    def test_whatever_the_file_holds_misuse_is_all_that_comes(
        self, tmp_path: Path, begun: bytes, at: int, patch: bytes, rest: bytes, compress: bool
    ) -> None:
        octets = bytearray(begun + rest)
        octets[at : at + len(patch)] = patch
        path = saved(tmp_path, gzip.compress(octets, compresslevel=1) if compress else bytes(octets))
        try:
            capture = read_capture(path)
        except Misuse:
            return
        assert len(list(capture)) <= capture.frames


class TestWriting:
    def test_what_was_written_is_read(self, tmp_path: Path) -> None:
        esp = sent(
            frame=2,
            time=7.25,
            source=Endpoint("1.1.1.1"),
            destination=Endpoint("2.2.2.2"),
            octets=b"esp",
            protocol="esp",
        )
        made = [message(1), esp, message(3, ALICE6, BOB6), message(4, octets=b"")]
        path = tmp_path / "made.pcap"
        write_capture(path, made)
        assert list(read_capture(path)) == made

    @pytest.mark.parametrize("time", [-1.0, 2.0**32])
    def test_a_misuse_leaves_an_older_file_whole(self, tmp_path: Path, time: float) -> None:
        path = saved(tmp_path, b"older")
        never = sent(frame=1, time=time, source=ALICE, destination=BOB, octets=b"")
        with pytest.raises(Misuse, match="seconds since 1970"):
            write_capture(path, [message(), never])
        assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"older"]

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        with pytest.raises(Misuse, match="cannot write a capture there"):
            write_capture(tmp_path / "no folder" / "some.pcap", [])

    @needs("tshark")
    def test_tshark_finds_its_checksums_right(self, tmp_path: Path) -> None:
        path = tmp_path / "made.pcap"
        ike = bytes(range(16)) + b"\x00\x10\x02\x00" + bytes(4) + b"\0\0\0\x1c"
        write_capture(path, [message(1, octets=ike), message(2, BOB, ALICE, ike), message(3, ALICE6, BOB6, ike)])
        fields = [
            "frame.number",
            "frame.time_epoch",
            "ip.checksum.status",
            "udp.checksum.status",
            "isakmp.ispi",
            "_ws.malformed",
        ]
        command = [
            "tshark",
            "-r",
            path,
            "-o",
            "ip.check_checksum:TRUE",
            "-o",
            "udp.check_checksum:TRUE",
            "-T",
            "fields",
        ]
        command += [argument for field in fields for argument in ("-e", field)]
        shown = subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout.splitlines()
        rows = [line.split("\t") for line in shown]
        assert [row[0] for row in rows] == ["1", "2", "3"]
        assert [float(row[1]) for row in rows] == [1_700_000_001.0, 1_700_000_002.0, 1_700_000_003.0]
        assert [row[2] for row in rows] == ["1", "1", ""]
        assert [row[3:] for row in rows] == [["1", ike[:8].hex(), ""]] * 3


def test_reading_captures_does_not_load_scapy() -> None:
    program = "import sys, ikelab.net.capture; sys.exit('scapy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
