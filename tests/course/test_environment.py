"""What `doctor` says of a machine: one line where all is well, and what is lost where it is not."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from ikelab.course.environment import PARTS, Environment, Found, Need, Part, doctor, examine
from tests.needs import CHECKOUT


def part(name: str) -> Part:
    return next(each for each in PARTS if each.name == name)


def lacking(*names: str) -> Environment:
    """This machine without some parts."""
    return examine(replace(each, find=lambda: Found(version=None)) if each.name in names else each for each in PARTS)


def test_a_machine_that_runs_these_tests_is_ready() -> None:
    assert doctor().ready
    assert re.fullmatch(r"Ready: Python 3\.\d+\.\S+, cryptography \S+,\s.*anywidget \S+\.", repr(doctor()), re.DOTALL)
    assert max(map(len, repr(doctor()).splitlines())) <= 96


def test_the_versions_wanted_are_those_of_the_project() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["all"]]
    asked = {found[1]: found[2] for line in listed if (found := re.match(r"([\w-]+)>=([\d.]+)", line))}
    asked["python"] = project["requires-python"].removeprefix(">=")
    wanted = {each.name.lower(): ".".join(map(str, each.at_least)) for each in PARTS if each.at_least}
    assert wanted == asked


def test_what_is_missing_is_named_with_what_is_lost_and_how_to_get_it() -> None:
    said = repr(lacking("anywidget"))
    assert said.startswith("Not ready. What is here: Python")
    assert "✗ anywidget is missing. Lost without it: the player; " in said
    assert "To get it: pip install 'ikelab[all]'" in said


@pytest.mark.parametrize(("version", "found"), [("7.8.5", None), ("8.1.7", "8.1.7"), ("8.2.0rc1", "8.2.0rc1")])
def test_what_is_too_old_counts_as_missing_and_says_so(version: str, found: str | None) -> None:
    looked = replace(part("ipywidgets"), find=lambda: Found(version=version)).look()
    assert looked.version == found
    assert looked.note == ("" if found else "7.8.5 is older than 8.1.7")


def test_what_only_adds_something_does_not_stand_in_the_way() -> None:
    optional = [each.name for each in PARTS if each.need is Need.OPTIONAL]
    without = lacking(*optional)
    assert without.ready
    assert [each.name for each in without.missing] == optional
    assert not {each.name for each, _ in doctor().looked} & set(optional)


def test_a_package_that_is_not_there_or_only_half(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "its files are missing" in part("JupyterLab").look().note
    monkeypatch.setattr("importlib.metadata.version", absent)
    assert part("JupyterLab").look() == Found(version=None)


def absent(name: str) -> str:
    raise PackageNotFoundError(name)


def test_a_program_that_is_not_there_or_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert part("dot").look() == Found(version=None)
    broken = tmp_path / "dot"
    broken.write_text("no program at all")
    broken.chmod(0o755)
    assert part("dot").look().version is None
    assert "does not answer" in part("dot").look().note
    broken.write_text("#!/bin/sh\necho no figures here\n")
    assert part("dot").look() == Found(version=None, note=f"{broken} ended with status 0")
    broken.write_text("#!/bin/sh\necho 'dot - graphviz version 2.43.0 (0)' >&2\n")
    assert part("dot").look() == Found(version="2.43.0", note=str(broken))
