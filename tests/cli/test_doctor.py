"""`ikelab doctor`: what this machine has, and what is lost without the rest."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ikelab import __version__
from ikelab.cli import main
from ikelab.course import environment
from tests.needs import needs


def consult(*options: str) -> Result:
    result = CliRunner().invoke(main, ["doctor", *options])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Packages put into this list are not installed any more."""
    names: list[str] = []
    installed = importlib.metadata.version

    def version(name: str) -> str:
        if name in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    return names


class TestThisMachine:
    def test_what_the_tests_run_with_is_found(self) -> None:
        result = consult("--json")
        report = json.loads(result.stdout)
        assert (result.exit_code, report["ready"]) == (0, True)
        found = {name: part["version"] for name, part in report["parts"].items()}
        assert found["Python"] == platform.python_version()
        assert found["ikelab"] == __version__
        for name in ("cryptography", "click", "rich", "scapy"):
            assert found[name] == importlib.metadata.version(name)
        assert "OpenSSL" in report["parts"]["cryptography"]["note"]

    def test_a_person_sees_a_line_for_each(self) -> None:
        lines = consult().stdout.splitlines()
        for part in environment.PARTS:
            assert any(line.split()[:2] in (["has", part.name], ["lacks", part.name]) for line in lines), part.name
        assert max(map(len, lines)) <= 120

    @needs("tshark", "dot")
    def test_programs_tell_their_versions(self) -> None:
        parts = json.loads(consult("--json").stdout)["parts"]
        for name in ("tshark", "dot"):
            assert parts[name]["version"][0].isdigit()
            assert parts[name]["note"].endswith(f"/{name}")


class TestSomethingIsMissing:
    def test_what_is_lost_and_how_to_get_it(self, without: list[str]) -> None:
        without += ["anywidget", "jupyterlab"]
        result = consult()
        assert result.exit_code == 0
        assert "lacks   JupyterLab    lessons     without it: ikelab lab and the lessons" in result.stdout
        assert "pip install 'ikelab[all]'" in result.stdout
        assert result.stdout.endswith("ikelab runs; what is missing above is not needed for everything.\n")

    @pytest.mark.parametrize("name", ["cryptography", "rich"])
    def test_what_is_required(self, without: list[str], name: str) -> None:
        without.append(name)
        result = consult()
        assert result.exit_code == 1
        assert result.stdout.endswith("ikelab cannot run as it is.\n")
        assert json.loads(consult("--json").stdout)["ready"] is False

    def test_programs(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        for name, script in (("tshark", "exit 3"), ("dot", "echo no number")):
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        parts = json.loads(consult("--json").stdout)["parts"]
        assert [parts[name]["version"] for name in ("tshark", "dot")] == [None, None]
        assert "ended with status 3" in parts["tshark"]["note"]

    def test_a_program_that_never_answers(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(environment, "SECONDS_FOR_A_PROGRAM", 0.05)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        (tmp_path / "tshark").write_text("#!/bin/sh\nexec sleep 20\n")
        (tmp_path / "tshark").chmod(0o755)
        part = json.loads(consult("--json").stdout)["parts"]["tshark"]
        assert part["version"] is None
        assert "does not answer" in part["note"]

    def test_a_package_without_its_files(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)
        part = json.loads(consult("--json").stdout)["parts"]["scapy"]
        assert part["version"] is None
        assert "its files are missing" in part["note"]
