"""What `doctor` says of a machine: one line where all is well, and what is lost where it is not."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from ikelab.course.environment import WANTED, Environment, Use, doctor
from tests.needs import CHECKOUT


def test_a_machine_that_runs_these_tests_is_ready() -> None:
    found = doctor()
    assert found.ready
    assert re.fullmatch(r"Ready: Python 3\.\d+\.\S+, cryptography \S+, JupyterLab \S+, .*anywidget \S+\.", repr(found))


def test_the_versions_wanted_are_those_of_the_project() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["all"]]
    asked = {found[1]: found[2] for line in listed if (found := re.match(r"([\w-]+)>=([\d.]+)", line))}
    asked["python"] = project["requires-python"].removeprefix(">=")
    for wanted in WANTED:
        if wanted.at_least:
            assert ".".join(map(str, wanted.at_least)) == asked[wanted.name.lower()]


def test_what_is_missing_is_named_with_what_is_lost_and_how_to_get_it() -> None:
    parts = tuple(replace(part, version=None) if part.name == "anywidget" else part for part in doctor().parts)
    said = repr(Environment(parts=parts))
    assert said.startswith("Not ready. Found: Python")
    assert "✗ anywidget is missing. There is no player to click on" in said
    assert "pip install 'ikelab[all]'" in said


def test_what_is_too_old_says_so() -> None:
    wanted = next(each for each in WANTED if each.name == "ipywidgets")
    part = replace(wanted, find=lambda: "7.8.5").examine()
    assert not part.good
    assert str(part).startswith("✗ ipywidgets 7.8.5: older than 8.1.7. ")
    assert replace(wanted, find=lambda: "8.1.7").examine().good
    assert replace(wanted, find=lambda: "8.2.0rc1").examine().good


def test_what_only_adds_something_does_not_stand_in_the_way() -> None:
    parts = tuple(replace(part, version=None) if part.use is Use.MORE else part for part in doctor().parts)
    assert Environment(parts=parts).ready


def test_a_program_that_is_not_there_or_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    dot = next(each for each in WANTED if each.name == "dot")
    assert dot.find() is None
    broken = tmp_path / "dot"
    broken.write_text("no program at all")
    broken.chmod(0o755)
    assert dot.find() is None
    broken.write_text("#!/bin/sh\necho no figures here\n")
    assert dot.find() == "of an unknown version"


def test_every_part_says_what_is_lost_and_how_to_get_it() -> None:
    assert all(part.lost.endswith(".") and part.get for part in doctor().parts)
