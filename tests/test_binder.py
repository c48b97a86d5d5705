"""What Binder builds from: checked by repo2docker itself, without Docker; it cannot prove that the image builds."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.needs import needs

ROOT = Path(__file__).resolve().parents[1]
BINDER = ROOT / "binder"


class TestTheFiles:
    def test_python_is_one_that_the_project_runs_on(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        version = (BINDER / "runtime.txt").read_text().strip()
        assert version == f"python-{project['requires-python'].removeprefix('>=')}"

    def test_requirements_repeat_nothing_that_pyproject_says(self) -> None:
        assert (BINDER / "requirements.txt").read_text().split("\n") == ["-e .[all]", ""]

    def test_system_packages_are_names_alone(self) -> None:
        assert (BINDER / "apt.txt").read_text().split() == ["fonts-dejavu-core", "graphviz"]

    def test_what_runs_after_the_build_can_be_run(self) -> None:
        assert os.access(BINDER / "postBuild", os.X_OK)
        subprocess.run(["bash", "-n", BINDER / "postBuild"], check=True)


@pytest.fixture(scope="module")
def plan() -> tuple[str, str]:
    """The Dockerfile that repo2docker would build, and what it says on the way."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


@needs("repo2docker")
class TestByRepo2docker:
    def test_the_python_is_ours(self, plan: tuple[str, str]) -> None:
        assert "python=3.11" in plan[1]
        assert "unspecified" not in plan[1].lower()

    def test_packages_come_after_the_project_they_belong_to(self, plan: tuple[str, str]) -> None:
        lines = plan[0].splitlines()
        copied = next(n for n, line in enumerate(lines) if line.startswith("COPY") and line.split()[2] == "src/")
        installed = next(n for n, line in enumerate(lines) if '-r "binder/requirements.txt"' in line)
        assert copied < installed < lines.index("RUN ./binder/postBuild")

    def test_system_packages_are_installed(self, plan: tuple[str, str]) -> None:
        assert "--no-install-recommends fonts-dejavu-core graphviz" in plan[0]
