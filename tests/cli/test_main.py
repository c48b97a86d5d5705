"""The `ikelab` command finds its sub-commands without importing them, and complains in one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import ikelab.cli
from ikelab import __version__
from ikelab.cli import main
from ikelab.errors import IkelabError, Misuse, Refusal, WireError


def test_help_lists_every_command_with_its_first_line() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "lab  " in result.output
    assert "Open JupyterLab at the first lesson." in result.output


def test_help_imports_no_command_and_nothing_heavy() -> None:
    program = (
        "import sys\nfrom ikelab.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: print(*sorted(name for name in sys.modules if name.startswith('ikelab.cli.')))\n"
        "print(*sorted({'cryptography', 'scapy', 'rich', 'jupyterlab'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert run.stdout.endswith("\n\n\n")


def test_every_command_listed_can_be_loaded_and_explains_itself() -> None:
    for name in main.list_commands(click.Context(main)):
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, result.output
        assert result.output.startswith(f"Usage: main {name}")


def test_version() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"ikelab, version {__version__}\n"


def test_an_unknown_command_is_misuse() -> None:
    result = CliRunner().invoke(main, ["dance"])
    assert result.exit_code == 2
    assert "No such command 'dance'" in result.output


class TestComplaints:
    @pytest.fixture
    def commands(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder whose modules are commands too."""
        monkeypatch.setattr(ikelab.cli, "COMMANDS", tmp_path)
        monkeypatch.setattr(ikelab.cli, "__path__", [str(tmp_path)])
        for name in list(sys.modules):
            if name.startswith("ikelab.cli."):
                monkeypatch.delitem(sys.modules, name)
        return tmp_path

    @pytest.mark.parametrize(
        ("error", "status"),
        [
            (Misuse("--port: expected a number, got x"), 2),
            (Refusal(why="no proposal was chosen", rfc="RFC 2408 §5.5"), 1),
            (WireError(expected="28 octets", got="3", at=0, path="HDR"), 1),
        ],
    )
    def test_one_sentence_and_the_status_of_its_kind(self, commands: Path, error: IkelabError, status: int) -> None:
        arguments = ", ".join(f"{name}={value!r}" for name, value in vars(error).items())
        (commands / "complain.py").write_text(
            '"""Complain."""\nimport click\nfrom ikelab.errors import *\n\n'
            f"@click.command()\ndef command():\n    raise {type(error).__name__}({arguments})\n"
        )
        result = CliRunner().invoke(main, ["complain"])
        assert (result.exit_code, result.output) == (status, f"Error: {error}\n")

    def test_a_missing_library_is_named(self, commands: Path) -> None:
        (commands / "draw.py").write_text('"""Draw."""\nimport no_such_library.part\ncommand = None\n')
        result = CliRunner().invoke(main, ["draw"])
        sentence = "ikelab draw needs no_such_library, which is not installed: pip install 'ikelab[all]'"
        assert (result.exit_code, result.output) == (2, f"Error: {sentence}\n")

    def test_a_broken_import_of_our_own_is_a_bug_and_shown_as_one(self, commands: Path) -> None:
        (commands / "draw.py").write_text('"""Draw."""\nimport ikelab.no_such_module\ncommand = None\n')
        result = CliRunner().invoke(main, ["draw"])
        assert isinstance(result.exception, ModuleNotFoundError)

    def test_a_package_may_be_a_command_and_a_module_without_one_is_none(self, commands: Path) -> None:
        (commands / "words.py").write_text('"""Shared by the commands."""\n')
        (commands / "paint").mkdir()
        (commands / "paint" / "__init__.py").write_text(
            '"""Paint."""\nimport click\ncommand = click.Command("paint")\n'
        )
        assert main.list_commands(click.Context(main)) == ["paint"]
        assert CliRunner().invoke(main, ["paint"]).exit_code == 0
        assert CliRunner().invoke(main, ["words"]).exit_code == 2
