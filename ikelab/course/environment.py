"""What this machine has for ikelab, and what is lost without the rest.

    doctor()          one line where the lessons can begin, and a line for each part that they lack
    doctor().ready    the same as a yes or no

Versions are read from what is installed; only where a part may be there and still not work is it tried.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

SECONDS_FOR_A_PROGRAM = 5.0
WIDTH = 96
"""Columns of what is shown."""
ALL = "pip install 'ikelab[all]'"


class Need(StrEnum):
    """How much ikelab depends on something."""

    REQUIRED = "required"
    LESSONS = "lessons"
    OPTIONAL = "optional"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is there: a version, None where nothing that will do is; `note` says what is odd about it."""

    version: str | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something a machine may have. without: what is lost where it is missing. install: how to get it."""

    name: str
    need: Need
    find: Callable[[], Found]
    at_least: tuple[int, ...] = ()
    use: str
    without: str
    install: str

    def look(self) -> Found:
        """What there is of it. A version too old counts as none."""
        found = self.find()
        if found.version is None or _numbers(found.version) >= self.at_least:
            return found
        return replace(found, version=None, note=f"{found.version} is older than {'.'.join(map(str, self.at_least))}")


@dataclass(frozen=True, kw_only=True, repr=False)
class Environment:
    """The parts that were looked for, with what was found of each."""

    looked: tuple[tuple[Part, Found], ...]

    @property
    def missing(self) -> tuple[Part, ...]:
        """What is not there, or too old."""
        return tuple(part for part, found in self.looked if found.version is None)

    @property
    def ready(self) -> bool:
        """Whether everything is there that the lessons need."""
        return all(part.need is Need.OPTIONAL for part in self.missing)

    def __repr__(self) -> str:
        """One line where the lessons can begin, and a line for each part that is missing."""
        there = ", ".join(f"{part.name} {found.version}" for part, found in self.looked if found.version)
        lines = [f"Ready: {there}." if self.ready else f"Not ready. What is here: {there}."]
        for part, found in self.looked:
            if found.version is None:
                odd = f" ({found.note})" if found.note else ""
                lines.append(
                    f"✗ {part.name} is missing{odd}. Lost without it: {part.without}. To get it: {part.install}"
                )
        return "\n".join(wrapped for line in lines for wrapped in textwrap.wrap(line, WIDTH))


def examine(parts: Iterable[Part]) -> Environment:
    """Look for these parts."""
    return Environment(looked=tuple((part, part.look()) for part in parts))


def doctor() -> Environment:
    """Look for what the lessons need. `ikelab doctor` looks for everything else as well."""
    return examine(part for part in PARTS if part.need is not Need.OPTIONAL)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _package(name: str, module: str = "") -> Callable[[], Found]:
    def look() -> Found:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return Found(version=None)
        if importlib.util.find_spec(module or name) is None:
            return Found(version=None, note=f"version {version} is registered, its files are missing")
        return Found(version=version)

    return look


def _cryptography() -> Found:
    found = _package("cryptography")()
    if found.version is None:
        return found
    try:
        from cryptography.hazmat.backends.openssl import backend
    except ImportError as error:
        return Found(version=None, note=f"version {found.version} cannot be loaded: {error}")
    return Found(version=found.version, note=backend.openssl_version_text())


def _gmpy2() -> Found:
    found = _package("gmpy2")()
    if found.version is None:
        return found
    try:
        import gmpy2
    except ImportError as error:
        return Found(version=None, note=f"version {found.version} cannot be loaded: {error}")
    return found if hasattr(gmpy2, "powmod_sec") else Found(version=None, note=f"{found.version} has no powmod_sec")


def _program(name: str, *arguments: str) -> Callable[[], Found]:
    def look() -> Found:
        path = shutil.which(name)
        if path is None:
            return Found(version=None)
        try:
            run = subprocess.run(
                [path, *arguments], capture_output=True, text=True, timeout=SECONDS_FOR_A_PROGRAM, check=False
            )
        except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError) as error:
            return Found(version=None, note=f"{path} does not answer: {error}")
        said = [line for line in (run.stdout + run.stderr).splitlines() if any(map(str.isdigit, line))]
        if run.returncode or not said:
            return Found(version=None, note=f"{path} ended with status {run.returncode}")
        word = next((word for word in said[0].split() if word[:1].isdigit()), said[0])
        return Found(version=word.rstrip("."), note=path)

    return look


PARTS = (
    Part(name="Python", need=Need.REQUIRED, find=lambda: Found(version=platform.python_version()), at_least=(3, 11),
         use="runs ikelab",
         without="everything", install="python.org, or your system's packages"),
    Part(name="cryptography", need=Need.REQUIRED, find=_cryptography, at_least=(46,),
         use="ciphers, curves and signatures",
         without="nothing can be encrypted or decrypted", install="pip install cryptography"),
    Part(name="click", need=Need.REQUIRED, find=_package("click"), at_least=(8, 1), use="this command",
         without="the command ikelab", install="pip install click"),
    Part(name="rich", need=Need.REQUIRED, find=_package("rich"), at_least=(13, 7),
         use="the ladder that ikelab dissect draws",
         without="ikelab dissect, except with --json", install="pip install rich"),
    Part(name="JupyterLab", need=Need.LESSONS, find=_package("jupyterlab"), at_least=(4, 4), use="opens the lessons",
         without="ikelab lab and the lessons", install=ALL),
    Part(name="ipywidgets", need=Need.LESSONS, find=_package("ipywidgets"), at_least=(8, 1, 7),
         use="controls in the lessons",
         without="sliders and buttons in the lessons", install=ALL),
    Part(name="anywidget", need=Need.LESSONS, find=_package("anywidget"), at_least=(0, 9, 21),
         use="the player that steps through messages",
         without="the player; its picture without a kernel is still shown", install=ALL),
    Part(name="gmpy2", need=Need.OPTIONAL, find=_gmpy2, at_least=(2, 2),
         use="Diffie-Hellman, fast and in constant time",
         without="speed, and secrecy of exponents from whoever can measure time", install=ALL),
    Part(name="graphviz", need=Need.OPTIONAL, find=_package("graphviz"), at_least=(0, 20), use="asks dot for drawings",
         without="drawn state and derivation graphs", install=ALL),
    Part(name="dot", need=Need.OPTIONAL, find=_program("dot", "-V"), use="draws state and derivation graphs",
         without="drawn state and derivation graphs", install="apt-get install graphviz"),
    Part(name="scapy", need=Need.OPTIONAL, find=_package("scapy"), at_least=(2, 6),
         use="reads capture files",
         without="captures of one's own, and recordings in the lessons", install=ALL),
    Part(name="tshark", need=Need.OPTIONAL, find=_program("tshark", "--version"),
         use="a second opinion on every field, in tests", without="tests that compare with it",
         install="apt-get install tshark"),
)  # fmt: skip
