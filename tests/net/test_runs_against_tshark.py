"""tshark opens what `ikelab run` records, with the keys that `ikelab run` exports, and sees every field where we do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ikelab.cli import main
from tests.interop.recorder import tshark_decrypt
from tests.needs import needs
from tests.wire.agreement import compare, read_by_tshark

pytestmark = needs("tshark")

RUNS = {
    "as it comes": "main",
    "AES-128, SHA-1, MODP-2048": "main --ike aes128-sha1-modp2048 --esp aes128-sha1",
    "AES-256, SHA-256, Curve25519": "main --ike aes256-sha256-x25519 --esp aes256-sha256",
    "the same with PFS": "main --ike aes256-sha256-x25519 --esp aes256-sha256 --pfs x25519",
    "3DES, MD5, MODP-1024": "main --ike 3des-md5-modp1024 --esp 3des-md5",
    "AES-256, SHA-512, P-384": "main --ike aes256-sha512-ecp384 --esp aes256gcm16",
    "AES-256, SHA-384, P-521, PFS": "main --ike aes256-sha384-ecp521 --esp aes256-sha512 --pfs ecp521",
    "AES-192, SHA-256, MODP-4096": "main --ike aes192-sha256-modp4096 --esp null-sha256",
    "Aggressive Mode": "aggressive",
    "Aggressive Mode, PFS": "aggressive --ike aes128-sha256-ecp256 --pfs modp2048",
    "several offers": "main --ike aes256-aes128-sha256-sha1-modp2048 --esp aes256-sha256,aes128-sha1",
    "with farewell": "delete",
    "selectors refused": "selectors",
    "transport mode": "transport --pfs ecp256",
    "AH": "ah",
    "AH with SHA-512 and PFS": "main --ah sha512 --pfs x25519",
    "IPComp, or not": "main --ipcomp deflate --esp aes256-aes128-sha256",
    "IPComp, ESP and AH together": "bundle",
    "tunnel against transport": "tunnel-transport",
}
PROPOSAL, TRANSFORM = 2, 3


class Recorded:
    """A run as the command recorded it, in the files that a recorded conversation has."""

    def __init__(self, folder: Path, words: str) -> None:
        self.folder = folder
        files = {"--pcap": "capture.pcap", "--keys": "facts.json", "--trace": "trace.json"}
        options = [word for option, name in files.items() for word in (option, str(folder / name))]
        result = CliRunner().invoke(main, ["run", *words.split(), *options, "--json"])
        self.told: dict[str, Any] = json.loads(result.stdout)
        self.trace: dict[str, Any] = json.loads((folder / "trace.json").read_text("utf-8"))
        self.keys: dict[str, Any] = json.loads((folder / "facts.json").read_text("utf-8"))


@pytest.fixture(params=RUNS.values(), ids=RUNS)
def recorded(request: pytest.FixtureRequest, tmp_path: Path) -> Recorded:
    return Recorded(tmp_path, request.param)


def test_every_field_lies_where_tshark_has_one(recorded: Recorded) -> None:
    compared = compare(recorded.folder)
    assert compared.nonsense == ()
    assert {difference.kind for difference in compared.differences} <= {"no octets"}, compared.differences
    encrypted = [message for message in recorded.told["messages"] if message["encrypted"]]
    assert compared.kinds.count("decrypted") == len(encrypted) > 0
    assert compared.kinds.count("datagram") == len(recorded.told["messages"])
    assert compared.leaves > 100
    assert compared.fields > 100


def test_tshark_decrypts_to_the_octets_that_the_trace_shows(recorded: Recorded) -> None:
    inside = {sheet.frame: sheet.octets for sheet in read_by_tshark(recorded.folder) if sheet.kind == "decrypted"}
    shown = {
        message["n"]: bytes.fromhex(message["sheets"][1]["octets"])
        for message in recorded.trace["messages"]
        if message["encrypted"]
    }
    assert inside == shown


def test_every_message_has_the_payloads_that_tshark_finds(recorded: Recorded) -> None:
    table = recorded.keys["wireshark_ikev1_decryption_table"]
    frames = tshark_decrypt(recorded.folder / "capture.pcap", table, esp_table=recorded.keys["wireshark_esp_sa"])
    found = [
        [int(number) for number in frame["typepayload"].split(",") if int(number) not in (PROPOSAL, TRANSFORM)]
        for frame in frames
    ]
    assert found == [message["payloads"] for message in recorded.told["messages"]]
