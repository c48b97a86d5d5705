"""`--tun` says in one sentence what it needs, before anything is negotiated or made."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from ikelab.cli import main
from ikelab.net import tun

SECRET = ("--psk", "correct horse battery staple")
NETWORKS = ("--local-ts", "10.1.0.0/24", "--remote-ts", "10.2.0.0/24")
COMMANDS = (("connect", "127.0.0.1"), ("serve", "--port", "0", "--natt-port", "0"))


def said(*argv: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, argv)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stderr


@pytest.mark.parametrize("command", COMMANDS, ids=["connect", "serve"])
class TestMisuse:
    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ((), "--tun: expected --local-ts and --remote-ts"),
            ((*NETWORKS, "--ah", "sha256"), "--tun: expected ESP alone, in tunnel mode"),
            (("--transport",), "--tun: expected ESP alone, in tunnel mode"),
        ],
    )
    def test_one_sentence_says_what_was_expected(
        self, command: tuple[str, ...], words: tuple[str, ...], expected: str
    ) -> None:
        status, stderr = said(*command, *SECRET, "--tun", *words)
        assert (status, stderr.count(expected)) == (2, 1), stderr
        assert "Traceback" not in stderr

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            (errno.EPERM, "root, or the capability cap_net_admin"),
            (errno.ENOENT, "this kernel has no TUN devices"),
            (errno.EBUSY, "a name that no other program's device has"),
            (errno.ENODEV, os.strerror(errno.ENODEV)),
        ],
    )
    def test_so_does_a_machine_that_gives_no_device(
        self,
        command: tuple[str, ...],
        number: int,
        expected: str,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Path,
    ) -> None:
        def refuse(*_: object) -> NoReturn:
            raise OSError(number, os.strerror(number))

        (tmp_path / "tun").touch()
        monkeypatch.setattr(tun, "DEVICE", tmp_path / "tun")
        monkeypatch.setattr(tun, "own_addresses", tuple)
        monkeypatch.setattr(tun, "ip_command", lambda: "ip")
        monkeypatch.setattr(tun.fcntl, "ioctl", refuse)
        status, stderr = said(*command, *SECRET, "--tun", *NETWORKS)
        assert (status, stderr.count(expected)) == (2, 1), stderr

    def test_and_one_without_iproute2(
        self, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        status, stderr = said(*command, *SECRET, "--tun", *NETWORKS)
        assert (status, stderr.count("package iproute2")) == (2, 1), stderr
