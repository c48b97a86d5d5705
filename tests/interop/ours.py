"""ikelab as one end of a conversation with a real gateway: what it is told, what it printed, what it wrote."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ikelab.net.capture import CapturedDatagram, read_capture, write_capture
from tests.interop.gateway import Gateway, LabSide, lab_side
from tests.interop.recorder import tshark_decrypt
from tests.interop.settings import Connection, Mode

PROPOSAL_AND_TRANSFORM = {"2", "3"}
"""Payloads that tshark counts and ikelab does not: they stand inside an SA payload."""


@dataclass(frozen=True, kw_only=True)
class Words:
    """What ikelab is told on its command line."""

    mode: Mode = Mode.MAIN
    ike: str = "aes128-sha1-modp2048"
    esp: str | None = "aes128-sha1"
    pfs: str | None = None
    psk: str = Connection().psk
    local_ts: str | None = None
    remote_ts: str | None = None
    more: tuple[str, ...] = ()

    def argv(self, gateway: Gateway) -> list[str]:
        """The options, with files for all that can be written beside the gateway's own."""
        folder = gateway.directory
        told = {
            "--bind": gateway.lab.address,
            "--mode": self.mode.name.lower(),
            "--ike": self.ike,
            **({"--esp": self.esp} if self.esp else {}),
            "--psk": self.psk,
            "--local-ts": self.local_ts or gateway.lab.inner_network,
            "--remote-ts": self.remote_ts or gateway.link.right.inner_network,
            "--pcap": str(folder / "ours.pcap"),
            "--keys": str(folder / "ours.keys"),
            "--trace": str(folder / "ours.trace"),
            **({"--pfs": self.pfs} if self.pfs else {}),
        }
        return [*(word for pair in told.items() for word in pair), "--json", "--allow-weak", *self.more]


@dataclass(kw_only=True)
class Told:
    """How ikelab ended: its exit status, the object that it printed, and what it said beside it."""

    status: int
    result: dict[str, Any]
    said: str
    directory: Path

    @property
    def refused(self) -> dict[str, Any]:
        """Why it came to nothing."""
        refused = self.result["refused"]
        assert refused is not None, self.result
        assert isinstance(refused, dict)
        return refused

    @property
    def keys(self) -> dict[str, Any]:
        """What `--keys` wrote."""
        keys = json.loads((self.directory / "ours.keys").read_text("utf-8"))
        assert isinstance(keys, dict)
        return keys

    @cached_property
    def recording(self) -> list[CapturedDatagram]:
        """What `--pcap` recorded, nothing twice."""
        datagrams = {(each.source, each.octets): each for each in reversed([*read_capture(self.pcap)])}
        return list(reversed(datagrams.values()))

    @property
    def pcap(self) -> Path:
        """What `--pcap` wrote."""
        return self.directory / "ours.pcap"

    def payloads(self) -> list[list[int]]:
        """The payloads of each message that it told of, decrypted; no repetitions."""
        return [each["payloads"] for each in self.result["messages"] if each["retransmission_of"] is None]

    @cached_property
    def frames(self) -> tuple[dict[str, str], ...]:
        """What tshark sees in our recording with our keys; what was sent again is left out."""
        once = self.directory / "ours.once.pcap"
        write_capture(once, self.recording)
        keys = self.keys
        return tshark_decrypt(once, keys["wireshark_ikev1_decryption_table"], esp_table=keys["wireshark_esp_sa"])


def payloads_of(frames: tuple[dict[str, str], ...]) -> list[list[int]]:
    """The payloads that tshark sees in each frame, proposals and transforms not counted."""
    found = []
    for frame in frames:
        types = frame.get("typepayload", "").split(",")
        found.append([int(each) for each in types if each and each not in PROPOSAL_AND_TRANSFORM])
    return found


def connect(gateway: Gateway, words: Words, *, within: float = 60.0) -> Told:
    """Run `ikelab connect` to its end."""
    argv = ["connect", gateway.address, *words.argv(gateway)]
    with lab_side(gateway.lab, argv, directory=gateway.directory) as lab:
        finished = lab.finish(within=within)
    return told(finished.status, finished.stdout, finished.stderr, gateway.directory)


@contextlib.contextmanager
def serving(gateway: Gateway, words: Words) -> Iterator[LabSide]:
    """Run `ikelab serve --once`; it listens when the block begins."""
    argv = ["serve", "--once", *words.argv(gateway)]
    with lab_side(gateway.lab, argv, directory=gateway.directory) as lab:
        lab.wait_for_output("listening on")
        yield lab


def told(status: int, stdout: str, stderr: str, directory: Path) -> Told:
    """What it printed, read."""
    assert stdout.count("\n") == 1, f"{status}\n{stdout}\n{stderr}"
    assert "Traceback" not in stderr, stderr
    return Told(status=status, result=json.loads(stdout), said=stderr, directory=directory)
