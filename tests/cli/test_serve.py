"""`ikelab serve`: who may listen where, and what is told of each peer that comes and goes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from ikelab.cli import main
from ikelab.follow import Followed, Follower
from ikelab.ike.beliefs import parse_keys
from ikelab.net.capture import read_capture
from ikelab.wire.udp import Ports
from tests.cli.test_connect import FAST, LOCAL, SECRET, command_line, ikelab, serving


class TestPeersComeAndGo:
    def test_one_after_the_other_each_has_its_object(self, tmp_path: Path) -> None:
        files = ("--pcap", str(tmp_path / "pcap"), "--keys", str(tmp_path / "keys"))
        with serving(*FAST, *files) as gateway:
            statuses = [
                ikelab("connect", gateway.gateway, *more, "--json").status
                for more in (FAST, ("--ike", "aes256-sha256-x25519", *SECRET), FAST)
            ]
            told = gateway.end(signal.SIGINT)
        assert (statuses, told.status) == ([0, 1, 0], 0)
        found = [json.loads(line) for line in told.stdout.splitlines()]
        assert [each["established"] for each in found if each["established"]] == [True, True]
        refused = [each["refused"] for each in found if not each["established"]]
        assert [(each["at"], each["by"], each["notify"]) for each in refused] == [(1, "responder", 14)]
        ports = Ports(ike=frozenset({gateway.port}))
        recorded = list(read_capture(tmp_path / "pcap", ports=ports))
        assert len(recorded) == sum(len(each["messages"]) for each in found)
        follower = Follower(parse_keys((tmp_path / "keys").read_text("utf-8")), ports=ports)
        followed = [each for each in map(follower.hear, recorded) if isinstance(each, Followed)]
        assert sum(each.decrypted is True for each in followed) == 14
        assert not any(each.decrypted is False for each in followed)

    def test_once_ends_after_a_refusal_too(self) -> None:
        with serving(*FAST, "--once") as gateway:
            ours = ikelab("connect", gateway.gateway, "--ike", "aes256-sha256-x25519", *SECRET, "--json")
            told = gateway.end()
        assert (ours.status, told.status) == (1, 1)
        assert len(told.printed["messages"]) == len(ours.printed["messages"])  # it is still there when asked again
        assert told.printed["refused"]["notify"] == 14
        assert "AES-CBC-256: this side offers only AES-CBC-128" in told.stderr

    def test_garbage_is_no_peer(self) -> None:
        with serving(*FAST, "--once") as gateway:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                for octets in (b"", b"\xff", b"hello", bytes(28), bytes(range(64)) * 20):
                    stranger.sendto(octets, (LOCAL, gateway.port))
            assert ikelab("connect", gateway.gateway, *FAST, "--json").status == 0
            told = gateway.end()
        assert (told.status, told.printed["established"]) == (0, True)

    def test_interrupted_it_takes_leave_of_whoever_is_there(self) -> None:
        with serving(*FAST) as gateway:
            keeper = subprocess.Popen(
                command_line(("connect", gateway.gateway, *FAST, "--json", "--keep")), stdout=subprocess.PIPE, text=True
            )
            assert keeper.stdout is not None
            assert json.loads(keeper.stdout.readline())["established"] is True
            told = gateway.end(signal.SIGTERM)
            stdout, _ = keeper.communicate(timeout=60)
        assert (told.status, keeper.returncode) == (0, 0)
        assert [message["from"] for message in told.printed["messages"][9:]] == ["responder", "responder"]
        assert stdout == ""

    def test_it_names_every_port_that_it_listens_on(self) -> None:
        with serving(*FAST, "--natt-port", "0", "--bind", "127.0.0.1") as gateway:
            assert re.fullmatch(r"listening on 127\.0\.0\.1:\d+ and 127\.0\.0\.1:\d+; Ctrl-C ends\n", gateway.said)

    def test_interrupted_alone_it_has_nothing_to_tell(self) -> None:
        for more in ((), ("--once",)):
            with serving(*FAST, *more) as gateway:
                told = gateway.end(signal.SIGINT)
            assert (told.status, told.stdout) == (0, "")

    def test_a_person_sees_every_message(self) -> None:
        process = subprocess.Popen(
            command_line(("serve", *FAST, "--once", "--port", "0")), stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        listening = process.stdout.readline()
        endpoint = listening.removeprefix("listening on ").partition(";")[0]
        assert ikelab("connect", endpoint, *FAST, "--json").status == 0
        seen, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        for words in ("Main Mode 1", "Quick Mode 3", "A farewell", "· established"):
            assert words in seen


class TestMisuse:
    @pytest.mark.parametrize(
        ("argv", "says"),
        [
            ((), "--psk: expected the pre-shared key"),
            ((*SECRET, "--mode", "aggressive"), "--mode aggressive: expected --allow-weak beside it, got none"),
            ((*SECRET, "--bind", "0.0.0.0"), "--id: expected this side's identity, for --bind 0.0.0.0 says none"),
            ((*SECRET, "--bind", "everywhere"), "--bind: expected an IP address (no name is looked up)"),
            ((*SECRET, "--bind", "192.0.2.77", "--port", "0"), "192.0.2.77: expected an address of this machine"),
            ((*SECRET, "--port", "4500", "--natt-port", "4500"), "NAT-T port: expected a UDP port from 0 (any)"),
            ((*SECRET, "--ike", "des-md5-modp768"), "--allow-weak"),
            ((*SECRET, "--pcap", "no/such/folder/f"), "expected a place to write what --pcap asks for"),
            (("gateway", *SECRET), "unexpected extra argument"),
        ],
    )
    def test_one_sentence_says_what_was_expected(
        self, argv: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(main, ["serve", *argv])
        assert result.exit_code == 2, result.output
        assert says in result.output
        assert list(tmp_path.iterdir()) == []

    def test_a_port_in_use_is_named(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind((LOCAL, 0))
            port = str(taken.getsockname()[1])
            result = CliRunner().invoke(main, ["serve", *FAST, "--port", port])
        assert result.exit_code == 2
        assert f"127.0.0.1:{port}: expected a UDP port that is free" in result.output
