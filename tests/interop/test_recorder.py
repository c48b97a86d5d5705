"""The recorder loses nothing, and its tshark sees what the recorded conversations' tshark saw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.interop.namespaces import Link, udp_socket
from tests.interop.recorder import recording, tshark_decrypt, without_repeats
from tests.needs import captures_dir, needs, recorded_conversations

IKE_HEADER = bytes(16) + bytes.fromhex("00100200 00000000 0000001c")


@needs("netns", "tcpdump", "tshark")
class TestRecording:
    def test_a_burst_is_recorded_whole(self, link: Link, tmp_path: Path) -> None:
        """Tcpdump as it is usually called kept 375 of these 500."""
        with recording(link.right, tmp_path / "burst.pcap") as cable:
            assert tshark_decrypt(cable.catch_up(), ()) == ()
            with udp_socket(link.left, link.left.address) as sender:
                for _ in range(500):
                    sender.sendto(IKE_HEADER, (link.right.address, 500))
            assert len(tshark_decrypt(cable.catch_up(), ())) == 500

    def test_what_was_sent_again_can_be_left_out(self, link: Link, tmp_path: Path) -> None:
        other = b"\1" + IKE_HEADER[1:]
        with recording(link.right, tmp_path / "repeats.pcap") as cable:
            with udp_socket(link.left, link.left.address) as sender:
                for octets in (IKE_HEADER, other, IKE_HEADER, other):
                    sender.sendto(octets, (link.right.address, 500))
            pcap = cable.catch_up()
        assert [frame["ispi"] for frame in tshark_decrypt(without_repeats(pcap), ())] == ["00" * 8, "01" + "00" * 7]
        assert len(tshark_decrypt(pcap, ())) == 4


@needs("shared-captures", "tshark")
@pytest.mark.parametrize("name", recorded_conversations())
def test_tshark_sees_what_it_saw_when_it_was_recorded(name: str) -> None:
    folder = captures_dir() / name
    facts = json.loads((folder / "facts.json").read_text())
    seen = tshark_decrypt(
        folder / "capture.pcap",
        facts.get("wireshark_ikev1_decryption_table", ()),
        esp_table=facts.get("wireshark_esp_sa", ()),
    )
    assert list(seen) == json.loads((folder / "tshark.json").read_text())
