"""`ikelab connect` against `ikelab serve`, each a process of its own, over the loopback interface."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ikelab.cli import main
from ikelab.cli.connect import endpoint_of, own_address, own_ports
from ikelab.cli.wishes import Wish
from ikelab.errors import Misuse
from ikelab.follow import Followed, Follower
from ikelab.ike.beliefs import parse_keys
from ikelab.net.capture import read_capture
from ikelab.timeline.trace import Trace
from ikelab.wire.numbers import Notify
from ikelab.wire.udp import Endpoint, Ports

LOCAL = "127.0.0.1"
SECRET = ("--psk", "a secret of more than twenty octets")
FAST = ("--ike", "aes128-sha256-x25519", *SECRET)
GENEROUS = 60.0
MAIN_AND_QUICK = [[1], [1], [4, 10], [4, 10], [5, 8], [5, 8], [8, 1, 10, 5, 5], [8, 1, 10, 5, 5], [8]]


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended, and what it printed."""

    status: int
    stdout: str
    stderr: str

    @property
    def printed(self) -> dict[str, Any]:
        """The one JSON object that it printed."""
        assert self.stdout.count("\n") == 1, (self.status, self.stdout, self.stderr)
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found


def ikelab(*argv: str) -> Ended:
    """Run a command to its end."""
    done = subprocess.run(command_line(argv), capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return Ended(status=done.returncode, stdout=done.stdout, stderr=done.stderr)


class Serving:
    """A running `ikelab serve`, on whatever port it got. `said`: its line about that."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stderr is not None
        said = []
        for self.said in process.stderr:
            said.append(self.said)
            if found := re.match(r"listening on \S+:(\d+)", self.said):
                self.port = int(found[1])
                break
        else:
            raise AssertionError("".join(said))

    @property
    def gateway(self) -> str:
        """What `connect` is told."""
        return f"{LOCAL}:{self.port}"

    def end(self, by: signal.Signals | None = None) -> Ended:
        """Wait until it ends by itself, or end it."""
        if by is not None:
            self.process.send_signal(by)
        stdout, stderr = self.process.communicate(timeout=GENEROUS)
        assert "Traceback" not in stderr, stderr
        return Ended(status=self.process.returncode, stdout=stdout, stderr=stderr)


@contextmanager
def serving(*argv: str) -> Iterator[Serving]:
    """Run `ikelab serve --json --port 0`; it is gone on leaving."""
    process = subprocess.Popen(
        command_line(("serve", "--json", "--port", "0", *argv)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Serving(process)
    finally:
        process.kill()
        process.communicate()


def command_line(argv: Sequence[str]) -> list[str]:
    """The command as this Python runs it."""
    return [sys.executable, "-m", "ikelab.cli", *argv]


class TestEstablished:
    def test_both_ends_tell_the_same(self) -> None:
        with serving(*FAST, "--once") as gateway:
            ours = ikelab("connect", gateway.gateway, *FAST, "--json")
            theirs = gateway.end()
        assert (ours.status, theirs.status) == (0, 0)
        one, other = ours.printed, theirs.printed
        assert one["established"] is other["established"] is True
        assert one["refused"] is other["refused"] is None
        assert [message["payloads"] for message in one["messages"]] == MAIN_AND_QUICK
        assert [message["payloads"] for message in other["messages"]] == [*MAIN_AND_QUICK, [8, 12], [8, 12]]
        for key in ("secrets", "sas"):
            assert one[key] == other[key]
        octets = [message["octets"] for message in one["messages"]]
        assert octets == [message["octets"] for message in other["messages"][:9]]

    def test_aggressive_mode_with_pfs_and_networks(self) -> None:
        told = (*FAST, "--mode", "aggressive", "--allow-weak", "--pfs", "x25519", "--esp", "aes256gcm16")
        ends = ("--local-ts", "10.2.0.0/24", "--remote-ts", "10.1.0.0/24")
        with serving(*told, *ends, "--id", "gw.ikelab.test", "--peer-id", "carol@ikelab.test", "--once") as gateway:
            ours = ikelab(
                *("connect", gateway.gateway, *told, "--json", "--id", "carol@ikelab.test"),
                *("--local-ts", "10.1.0.0/24", "--remote-ts", "10.2.0.0/24", "--peer-id", "gw.ikelab.test"),
            )
            assert gateway.end().status == 0
        assert ours.status == 0, ours.stderr
        payloads = [message["payloads"] for message in ours.printed["messages"]]
        assert payloads[:3] == [[1, 4, 10, 5], [1, 4, 10, 5, 8], [8]]
        assert [8, 1, 10, 4, 5, 5] in payloads
        assert [sa["auth"] for sa in ours.printed["sas"]] == [None, None]

    def test_ah_in_transport_mode_kept_for_less_time(self) -> None:
        told = (*FAST, "--ah", "sha256", "--transport")
        with serving(*told, "--esp-life", "600", "--once") as gateway:
            ours = ikelab("connect", gateway.gateway, *told, "--json")
            theirs = gateway.end()
        assert (ours.status, theirs.status) == (0, 0), ours.stderr
        assert ours.printed["sas"] == theirs.printed["sas"]
        assert [(sa["protocol"], sa["mode"], sa["enc"]) for sa in ours.printed["sas"]] == [
            ("AH", "transport", None)
        ] * 2
        assert [8, 1, 10, 5, 5, 11] in [message["payloads"] for message in ours.printed["messages"]]

    def test_the_files_hold_all_of_it(self, tmp_path: Path) -> None:
        names = {option: str(tmp_path / option) for option in ("pcap", "keys", "trace")}
        files = [word for option, path in names.items() for word in (f"--{option}", path)]
        with serving(*FAST, "--once", *(word.replace("/pcap", "/p2") for word in files[:2])) as gateway:
            ours = ikelab("connect", gateway.gateway, *FAST, "--json", *files)
            assert gateway.end().status == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == ["keys", "p2", "pcap", "trace"]
        ports = Ports(ike=frozenset({gateway.port}))
        ours_seen, theirs_seen = (list(read_capture(tmp_path / name, ports=ports)) for name in ("pcap", "p2"))
        assert [each.octets for each in ours_seen] == [each.octets for each in theirs_seen]
        assert len(ours_seen) == 11
        follower = Follower(parse_keys((tmp_path / "keys").read_text("utf-8")), ports=ports)
        followed = [follower.hear(datagram) for datagram in ours_seen]
        assert all(isinstance(each, Followed) and all(each.verified.values()) for each in followed)
        assert sum(isinstance(each, Followed) and each.decrypted is True for each in followed) == 7
        trace = Trace.load(tmp_path / "trace")
        assert len(trace.messages) == 11
        assert trace.peers["responder"]["address"] == gateway.gateway
        assert ours.status == 0

    def test_a_person_sees_a_ladder(self) -> None:
        with serving(*FAST, "--once") as gateway:
            ours = ikelab("connect", gateway.gateway, *FAST)
            gateway.end()
        assert ours.status == 0
        for name in (
            "Main Mode 1",
            "Main Mode 6",
            "Quick Mode 3",
            "HDR*, HASH(1), SA, Ni, IDci, IDcr",
            "Informational",
        ):
            assert name in ours.stdout
        assert "established" in ours.stdout
        assert "not established" not in ours.stdout

    def test_keep_lasts_until_interrupted(self, tmp_path: Path) -> None:
        with serving(*FAST, "--once") as gateway:
            process = subprocess.Popen(
                command_line(("connect", gateway.gateway, *FAST, "--json", "--keep", "--pcap", str(tmp_path / "pcap"))),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert process.stdout is not None
            assert json.loads(process.stdout.readline())["established"] is True
            assert process.stderr is not None
            assert "Ctrl-C deletes it" in process.stderr.readline()
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=GENEROUS)
            assert (process.returncode, stderr) == (0, "")
            theirs = gateway.end()
        assert [message["payloads"] for message in theirs.printed["messages"][9:]] == [[8, 12], [8, 12]]
        assert (tmp_path / "pcap").exists()


class TestRefused:
    @pytest.mark.parametrize(
        ("theirs", "ours", "at", "notify", "why"),
        [
            (FAST, ("--ike", "aes256-sha256-x25519", *SECRET), 1, Notify.NO_PROPOSAL_CHOSEN, "NO-PROPOSAL-CHOSEN"),
            ((*FAST, "--esp", "aes256-sha256"), FAST, 7, Notify.NO_PROPOSAL_CHOSEN, "NO-PROPOSAL-CHOSEN"),
            ((*FAST, "--pfs", "x25519"), FAST, 7, Notify.NO_PROPOSAL_CHOSEN, "NO-PROPOSAL-CHOSEN"),
            (
                (*FAST, "--local-ts", "10.7.0.0/24"),
                FAST,
                7,
                Notify.INVALID_ID_INFORMATION,
                "INVALID-ID-INFORMATION",
            ),
            ((*FAST, "--transport"), FAST, 7, Notify.INVALID_ID_INFORMATION, "INVALID-ID-INFORMATION"),
            ((*FAST, "--ah", "sha256"), FAST, 7, Notify.NO_PROPOSAL_CHOSEN, "NO-PROPOSAL-CHOSEN"),
            (FAST, (*FAST, "--mode", "aggressive"), 1, Notify.UNSUPPORTED_EXCHANGE_TYPE, "UNSUPPORTED-EXCHANGE-TYPE"),
            (FAST, ("--ike", "aes128-sha256-x25519", "--psk", "x" * 20), 5, Notify.PAYLOAD_MALFORMED, "MALFORMED"),
        ],
        ids=["proposal", "phase 2", "PFS", "selectors", "transport", "AH", "mode", "PSK"],
    )
    def test_the_protocol_said_no(
        self, theirs: tuple[str, ...], ours: tuple[str, ...], at: int, notify: int, why: str
    ) -> None:
        with serving(*theirs) as gateway:
            ended = ikelab("connect", gateway.gateway, *ours, "--json")
            told = gateway.end(signal.SIGINT)
        assert (ended.status, told.status) == (1, 0)
        refused = ended.printed["refused"]
        assert (refused["at"], refused["by"], refused["notify"]) == (at, "responder", notify)
        assert why in refused["why"]
        assert ended.printed["established"] is False
        assert ended.printed["sas"] == []
        assert f"not established: at message {at} by the responder" in ended.stderr
        first = json.loads(told.stdout.splitlines()[0])["refused"]
        assert (first["at"], first["by"], first["notify"]) == (at, "responder", notify)

    def test_a_person_is_told_which_message_which_side_why_and_the_clause(self) -> None:
        with serving(*FAST, "--esp", "aes256-sha256", "--once") as gateway:
            ours = ikelab("connect", gateway.gateway, *FAST)
            theirs = gateway.end()
        assert (ours.status, theirs.status) == (1, 1)
        told = " ".join(ours.stdout.split())
        assert "not established: at message 7 by the responder, NO-PROPOSAL-CHOSEN (14)" in told
        assert "(RFC 2408 §5.4)" in told
        assert "AES-CBC-128: this side offers only AES-CBC-256" in theirs.printed["refused"]["hint"]

    def test_a_weak_pre_shared_key_and_sha_1_are_remarked_upon(self) -> None:
        told = ("--ike", "aes128-sha1-x25519", "--psk", "short")
        with serving(*told, "--once") as gateway:
            ours = ikelab("connect", gateway.gateway, *told, "--json")
        assert ours.status == 0
        assert "remark: sha1: " in ours.stderr
        assert "remark: the pre-shared key has 5 octets" in ours.stderr


class TestMisuse:
    @pytest.mark.parametrize(
        ("argv", "says"),
        [
            (("127.0.0.1",), "--psk: expected the pre-shared key, as text or as 0x and hex, got none"),
            (("127.0.0.1", "--psk", ""), "--psk: expected a pre-shared key, got an empty text"),
            (("127.0.0.1", "--psk", "0xabc"), "--psk: expected pairs of hex digits"),
            (("gateway.example.org", *SECRET), "GATEWAY: expected an IP address (no name is looked up)"),
            (("127.0.0.1:x", *SECRET), "GATEWAY: expected an IP address"),
            (("127.0.0.1:99999", *SECRET), "gateway: expected one peer's address and a UDP port from 1 to 65535"),
            (("0.0.0.0", *SECRET, "--bind", "127.0.0.1"), "gateway: expected one peer's address"),
            (("127.0.0.1", *SECRET, "--bind", "here"), "--bind: expected an IP address"),
            (("127.0.0.1", *SECRET, "--bind", "::1"), "bind: expected an address of the gateway's family"),
            (("127.0.0.1:5500", *SECRET, "--bind", "192.0.2.1"), "bind: expected an address of this machine"),
            (("127.0.0.1", *SECRET, "--ike", "aes128-sha256"), 'IKE proposal "aes128-sha256": expected a group'),
            (("127.0.0.1", *SECRET, "--ike", "aes129-sha256-modp2048"), "did you mean aes1"),
            (("127.0.0.1", *SECRET, "--esp", "aes128"), "expected an integrity check, got none"),
            (("127.0.0.1", *SECRET, "--pfs", "modp2049"), 'PFS "modp2049": expected a group for PFS'),
            (
                ("127.0.0.1", *SECRET, "--esp", "aes128-sha256-modp3072", "--pfs", "modp2048"),
                "expected the group of the proposal aes128-sha256-modp3072",
            ),
            (("127.0.0.1", *SECRET, "--ike", "3des-md5-modp1024"), "--allow-weak"),
            (("127.0.0.1", *SECRET, "--esp", "des-md5"), "--allow-weak"),
            (("127.0.0.1", *SECRET, "--id", "%any"), "expected a name of one's own as local identity"),
            (("127.0.0.1", *SECRET, "--local-ts", "10.1.0.5/24"), "expected where the network begins"),
            (("127.0.0.1", *SECRET, "--local-ts", "::/0", "--remote-ts", "10.0.0.0/8"), "addresses of one family"),
            (("127.0.0.1", *SECRET, "--transport", "--local-ts", "10.1.0.0/24"), "single addresses in transport mode"),
            (("127.0.0.1", *SECRET, "--esp-kilobytes", "0"), "expected 1 to 4294967295 kilobytes, got 0"),
            (("127.0.0.1", *SECRET, "--selectors", "some"), "'exact', 'subset'"),
            (("127.0.0.1", *SECRET, "--ike-life", "0"), "expected a lifetime of 1 to 86400 seconds, got 0"),
            (("127.0.0.1", *SECRET, "--esp-life", "86401"), "expected a lifetime of 1 to 86400 seconds, got 86401"),
            (("127.0.0.1", *SECRET, "--port", "65536"), "65536"),
            (("127.0.0.1", *SECRET, "--natt-port", "-1"), "-1"),
            (("127.0.0.1", *SECRET, "--mode", "quick"), "'main', 'aggressive'"),
            (("127.0.0.1", *SECRET, "--mode", "aggressive", "--ike", "aes128-sha256-modp2048-x25519"), "one group"),
            (("127.0.0.1", *SECRET, "--pcap", "no/such/folder/f"), "expected a place to write what --pcap asks for"),
            (("127.0.0.1", *SECRET, "--keys", "/"), "expected a place to write what --keys asks for, got: a folder"),
            (("127.0.0.1", *SECRET, "--keys", "one", "--trace", "./one"), "expected a file of its own for each"),
        ],
    )
    def test_one_sentence_says_what_was_expected(
        self, argv: tuple[str, ...], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = CliRunner().invoke(main, ["connect", *argv])
        assert result.exit_code == 2, result.output
        assert says in result.output
        assert "Traceback" not in result.output
        assert list(tmp_path.iterdir()) == []

    def test_leaving_loopback_takes_a_consent(self) -> None:
        result = CliRunner().invoke(main, ["connect", "192.0.2.1", *SECRET])
        assert result.exit_code == 2
        wanted = (
            r"GATEWAY 192\.0\.2\.1: expected --bind ADDRESS, the consent to leave loopback|expected an address that can"
        )
        assert re.search(wanted, result.output)

    def test_a_port_in_use_is_named(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind((LOCAL, 0))
            port = str(taken.getsockname()[1])
            ended = ikelab("connect", "127.0.0.2:5500", "--port", port, *FAST, "--json")
        assert (ended.status, ended.stdout) == (2, "")
        assert f"127.0.0.1:{port}: expected a UDP port that is free, got one that another program listens on" in (
            ended.stderr
        )

    def test_a_gateway_that_is_not_there(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((LOCAL, 0))
            port = free.getsockname()[1]
        ended = ikelab("connect", f"{LOCAL}:{port}", *FAST, "--json", "--pcap", str(tmp_path / "pcap"))
        assert (ended.status, ended.stdout) == (2, "")
        assert f"{LOCAL}:{port}: expected a peer that answers IKE, got: Connection refused" in ended.stderr
        assert list(tmp_path.iterdir()) == []

    def test_interrupted_before_anything_came_of_it(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind((LOCAL, 0))
            silent.settimeout(GENEROUS)
            process = subprocess.Popen(
                command_line(("connect", f"{LOCAL}:{silent.getsockname()[1]}", *FAST, "--json")),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            silent.recv(2000)
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=GENEROUS)
        assert (process.returncode, stderr) == (1, "interrupted\n")
        assert json.loads(stdout)["established"] is False


class TestWhere:
    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("10.99.0.2", Endpoint("10.99.0.2", 500)),
            ("10.99.0.2:4500", Endpoint("10.99.0.2", 4500)),
            ("2001:db8::1", Endpoint("2001:db8::1", 500)),
            ("[2001:db8::1]:4500", Endpoint("2001:db8::1", 4500)),
            ("2001:DB8:0::1", Endpoint("2001:db8::1", 500)),
        ],
    )
    def test_a_gateway_is_an_address_and_perhaps_a_port(self, text: str, found: Endpoint) -> None:
        assert endpoint_of(text, 500) == found

    @pytest.mark.parametrize("text", ["", ":", ":500", "10.99.0.2:", "[::1]", "10.99.0.2:-1", "10.99.0.2:５", "a:1"])
    def test_anything_else_is_misuse(self, text: str) -> None:
        with pytest.raises(Misuse, match="GATEWAY: expected an IP address"):
            endpoint_of(text, 500)

    def test_the_own_address_follows_the_gateways_family(self) -> None:
        assert own_address(Endpoint("127.0.0.7", 500), None) == "127.0.0.1"
        assert own_address(Endpoint("::1", 500), None) == "::1"
        assert own_address(Endpoint("127.0.0.7", 500), "127.0.0.3") == "127.0.0.3"
        assert own_address(Endpoint("127.0.0.1", 500), "0.0.0.0") == "127.0.0.1"

    @pytest.mark.parametrize(
        ("port", "natt_port", "own", "remote", "ports"),
        [
            (None, None, "10.0.0.1", Endpoint("10.0.0.2", 500), (500, 4500)),
            (None, None, "10.0.0.1", Endpoint("10.0.0.2", 5500), (0, None)),
            (5500, 5501, "10.0.0.1", Endpoint("10.0.0.2", 5500), (5500, 5501)),
            (0, None, "10.0.0.1", Endpoint("10.0.0.2", 500), (0, None)),
            (None, None, "127.0.0.1", Endpoint("127.0.0.1", 500), (0, 0)),
            (5500, 5501, "127.0.0.1", Endpoint("127.0.0.1", 5500), (0, 0)),
            (5502, None, "127.0.0.1", Endpoint("127.0.0.1", 5500), (5502, None)),
        ],
    )
    def test_both_ends_use_the_same_ports_unless_they_share_an_address(
        self, port: int | None, natt_port: int | None, own: str, remote: Endpoint, ports: tuple[int, int | None]
    ) -> None:
        wish = Wish(
            mode="main",
            ike="",
            esp="",
            pfs=None,
            psk=None,
            own_id=None,
            peer_id=None,  # type: ignore[arg-type]
            local_ts=None,
            remote_ts=None,
            bind=None,
            port=port,
            natt_port=natt_port,  # type: ignore[arg-type]
            nat_traversal="on",
            tun=False,
            ike_life=1,
            esp_life=1,
            allow_weak=False,
            as_json=False,  # type: ignore[arg-type]
            pcap=None,
            keys=None,
            trace=None,
        )
        assert own_ports(wish, own, remote) == ports
