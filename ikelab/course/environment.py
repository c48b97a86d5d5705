"""What this machine has for ikelab, and what is lost without the rest.

    doctor()           every part, with what is lost where it is missing
    doctor().ready     whether the lessons can be stepped through

Nothing is imported to find out: versions are read from what is installed.
"""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Use(StrEnum):
    """Who misses a part that is not there."""

    LESSONS = "lessons"
    MORE = "more"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that ikelab can use: what was found of it, or what is lost without it and how to get it.

    version: None where it is missing. fault: what is wrong with the version found; "" where nothing is.
    """

    name: str
    version: str | None
    fault: str = ""
    lost: str
    get: str
    use: Use

    @property
    def good(self) -> bool:
        """Whether it is there, and new enough."""
        return self.version is not None and not self.fault

    def __str__(self) -> str:
        if self.good:
            return f"✓ {self.name} {self.version}"
        trouble = f"{self.version}: {self.fault}" if self.version else "is missing"
        return f"✗ {self.name} {trouble}. {self.lost} To get it: {self.get}"


@dataclass(frozen=True, kw_only=True, repr=False)
class Environment:
    """All the parts, those that the lessons need first."""

    parts: tuple[Part, ...]

    @property
    def ready(self) -> bool:
        """Whether all is there that the lessons need."""
        return all(part.good for part in self.parts if part.use is Use.LESSONS)

    def __repr__(self) -> str:
        """One line where the lessons can begin; below it, or instead, a line for each part that is missing."""
        needed = [part for part in self.parts if part.use is Use.LESSONS]
        good = ", ".join(f"{part.name} {part.version}" for part in needed if part.good)
        lines = [f"Ready: {good}." if self.ready else f"Not ready. Found: {good}."]
        return "\n".join([*lines, *(str(part) for part in needed if not part.good)])


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    name: str
    find: Callable[[], str | None]
    at_least: tuple[int, ...] = ()
    lost: str
    get: str
    use: Use = Use.LESSONS

    def examine(self) -> Part:
        version = self.find()
        old = version is not None and _numbers(version) < self.at_least
        fault = f"older than {'.'.join(map(str, self.at_least))}" if old else ""
        return Part(name=self.name, version=version, fault=fault, lost=self.lost, get=self.get, use=self.use)


def _package(name: str) -> Callable[[], str | None]:
    def find() -> str | None:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    return find


def _program(name: str, asking: str) -> Callable[[], str | None]:
    def find() -> str | None:
        path = shutil.which(name)
        if path is None:
            return None
        try:
            run = subprocess.run([path, asking], capture_output=True, text=True, timeout=10, errors="replace")
        except (OSError, subprocess.TimeoutExpired):
            return None
        found = re.search(r"\d+(\.\d+)+", run.stdout + run.stderr)
        return found[0] if found else "of an unknown version"

    return find


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version.split("+")[0])[:3])


ALL = "pip install 'ikelab[all]'"
WANTED = (
    _Wanted(
        name="Python",
        find=platform.python_version,
        at_least=(3, 11),
        lost="ikelab does not run.",
        get="install Python 3.11 or newer",
    ),
    _Wanted(
        name="cryptography",
        find=_package("cryptography"),
        at_least=(46,),
        lost="Nothing can be decrypted.",
        get=ALL,
    ),
    _Wanted(
        name="JupyterLab",
        find=_package("jupyterlab"),
        at_least=(4, 4),
        lost="There are no notebooks; the command and Python still work.",
        get=ALL,
    ),
    _Wanted(
        name="ipywidgets",
        find=_package("ipywidgets"),
        at_least=(8, 1, 7),
        lost="There is no player to click on; everything is still shown as text.",
        get=ALL,
    ),
    _Wanted(
        name="anywidget",
        find=_package("anywidget"),
        at_least=(0, 9, 21),
        lost="There is no player to click on; everything is still shown as text.",
        get=ALL,
    ),
    _Wanted(
        name="gmpy2",
        find=_package("gmpy2"),
        lost="Diffie-Hellman takes about five times as long.",
        get=ALL,
        use=Use.MORE,
    ),
    _Wanted(
        name="dot",
        find=_program("dot", "-V"),
        lost="Nothing yet: the diagrams to come will be drawn with it.",
        get="install Graphviz (Debian: apt-get install graphviz)",
        use=Use.MORE,
    ),
    _Wanted(
        name="scapy",
        find=_package("scapy"),
        lost="Tests cannot compare with it; nothing a lesson needs.",
        get=ALL,
        use=Use.MORE,
    ),
    _Wanted(
        name="tshark",
        find=_program("tshark", "--version"),
        lost="Tests cannot compare with it; nothing a lesson needs.",
        get="install Wireshark's tshark (Debian: apt-get install tshark)",
        use=Use.MORE,
    ),
)


def doctor() -> Environment:
    """What this machine has."""
    return Environment(parts=tuple(wanted.examine() for wanted in WANTED))
