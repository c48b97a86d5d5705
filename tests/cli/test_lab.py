"""`ikelab lab` really starts JupyterLab at the first lesson: from a clone, and from an installed wheel."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from ikelab.cli import main
from ikelab.course import shipped
from tests.needs import CHECKOUT

LESSON = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
STRAIGHT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone of the project with one lesson of its own."""
    folder = tmp_path / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "ikelab", folder / "ikelab", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, folder)
    (folder / "lessons").mkdir()
    (folder / "lessons" / "00_start.ipynb").write_text(json.dumps(LESSON))
    (folder / "datasets").mkdir()
    (folder / "datasets" / "README.md").write_text("Recorded conversations.\n")
    return folder


@pytest.fixture
def installed(clone: Path, tmp_path: Path) -> Path:
    """The wheel of that clone, unpacked as an installer does it."""
    wheels = tmp_path / "wheels"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)],
        cwd=clone,
        check=True,
        capture_output=True,
    )
    (wheel,) = wheels.glob("ikelab-*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    return tmp_path / "site"


@contextlib.contextmanager
def started(
    python_path: Path, home: Path, *arguments: str, **extra: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command `ikelab lab` of the package below `python_path`, and what it said up to its URL."""
    home.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "IPYTHON"))}
    environment |= {"HOME": str(home), "PYTHONPATH": str(python_path)} | extra
    command = [sys.executable, "-c", "from ikelab.cli import main; main()", "lab", *arguments]
    with subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = ""
            for line in process.stdout:
                said += line
                if line.startswith("Stop:"):
                    break
            yield process, said
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def address(said: str) -> tuple[str, str]:
    """The site and the token in what `ikelab lab` printed."""
    found = re.search(r"(http://127\.0\.0\.1:\d+)/lab/tree/00_start\.ipynb\?token=([\w-]+)\n", said)
    assert found, said
    return found[1], found[2]


def get(site: str, path: str, token: str) -> str:
    request = urllib.request.Request(f"{site}{path}", headers={"Authorization": f"token {token}"})
    with STRAIGHT.open(request, timeout=30) as answer:
        return answer.read().decode()


def test_from_a_clone_the_lessons_are_those_of_the_clone(clone: Path, tmp_path: Path) -> None:
    with started(clone, tmp_path / "home", "--no-browser") as (process, said):
        site, token = address(said)
        listing = json.loads(get(site, "/api/contents", token))
        assert [item["name"] for item in listing["content"]] == ["00_start.ipynb"]
        assert f"Lessons: {clone / 'lessons'}\n" in said
        assert json.loads(get(site, "/api/contents/00_start.ipynb", token))["content"]["cells"] == []
        page = get(site, "/lab/tree/00_start.ipynb", token)
        assert re.search(r'"disabledExtensions": \["@jupyterlab/apputils-extension:announcements"', page)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            get(site, "/api/contents", "guessed")
    assert process.returncode == 0
    with pytest.raises(urllib.error.URLError):
        get(site, "/api", token)


def test_from_a_wheel_the_lessons_are_copied_and_changes_kept(installed: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    lessons = home / "ikelab-lessons"
    with started(installed, home, "--no-browser") as (_, said):
        assert said.startswith(f"Put 00_start.ipynb into {lessons}.\nLessons: {lessons}\n")
        site, token = address(said)
        assert json.loads(get(site, "/api/contents/00_start.ipynb", token))["type"] == "notebook"
    changed = json.dumps(LESSON | {"metadata": {"mine": True}})
    (lessons / "00_start.ipynb").write_text(changed)
    with started(installed, home, "--no-browser") as (_, said):
        assert said.startswith(f"Kept what you changed in {lessons}: 00_start.ipynb.\n")
    assert (lessons / "00_start.ipynb").read_text() == changed


def test_the_browser_is_sent_to_the_first_lesson(clone: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\ncat "${{1#file://}}" > {tmp_path}/page.tmp && mv {tmp_path}/page.tmp {tmp_path}/page\n'
    )
    browser.chmod(0o755)
    with started(clone, home, BROWSER=f"{browser} %s") as (_, said):
        site, token = address(said)
        deadline = time.monotonic() + 60
        while not (tmp_path / "page").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert f"{site}/lab/tree/00_start.ipynb?token={token}" in (tmp_path / "page").read_text()


def test_two_that_start_at_once_get_a_port_each(clone: Path, tmp_path: Path) -> None:
    with contextlib.ExitStack() as both, ThreadPoolExecutor() as threads:
        labs = [started(clone, tmp_path / name, "--no-browser") for name in ("home", "other home")]
        (one, token), (other, other_token) = (address(said) for _, said in threads.map(both.enter_context, labs))
        assert one != other
        assert get(one, "/api/status", token)
        assert get(other, "/api/status", other_token)


class TestMisuse:
    def test_a_port_that_is_taken(self, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shipped, "PACKAGE", clone / "ikelab")
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            result = CliRunner().invoke(main, ["lab", "--no-browser", "--port", str(port)])
        assert result.exit_code == 2
        sentence = f"--port: expected a free port on 127.0.0.1, but {port} cannot be had; name another one"
        assert result.output == f"Error: {sentence}\n"

    @pytest.mark.parametrize("port", ["0", "65536", "x"])
    def test_a_port_that_is_none(self, port: str) -> None:
        result = CliRunner().invoke(main, ["lab", "--port", port])
        assert result.exit_code == 2
        assert "Invalid value for '--port'" in result.output

    def test_no_jupyterlab(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        result = CliRunner().invoke(main, ["lab"])
        sentence = "ikelab lab needs JupyterLab, which is not installed: pip install 'ikelab[all]'"
        assert (result.exit_code, result.output) == (2, f"Error: {sentence}\n")

    def test_no_lessons(self, clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shipped, "PACKAGE", clone / "ikelab")
        (clone / "lessons" / "00_start.ipynb").unlink()
        result = CliRunner().invoke(main, ["lab"])
        assert result.exit_code == 2
        assert "lessons: expected the first lesson, 00_start.ipynb, there, and found none" in result.output
        shutil.rmtree(clone / "lessons")
        result = CliRunner().invoke(main, ["lab"])
        assert result.exit_code == 2
        assert "_lessons, which came with ikelab, and found none; install ikelab anew" in result.output

    def test_a_jupyterlab_that_ends_at_once(self, clone: Path, tmp_path: Path) -> None:
        (clone / "jupyterlab.py").write_text("raise SystemExit(3)")
        with started(clone, tmp_path / "home", "--no-browser") as (process, said):
            assert said == ""
            assert process.wait(30) == 2
