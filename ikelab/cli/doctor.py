"""Say what this machine has, and what is lost without the rest."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import click

from ikelab import __version__

OLDEST_PYTHON = (3, 11)
SECONDS_FOR_A_PROGRAM = 5.0


class Need(StrEnum):
    """How much ikelab depends on something."""

    REQUIRED = "required"
    LESSONS = "lessons"
    OPTIONAL = "optional"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What is there: a version, None where nothing is; `note` says what is odd about it."""

    version: str | None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something a machine may have. without: what is lost where it is missing. install: how to get it."""

    name: str
    need: Need
    look: Callable[[], Found]
    use: str
    without: str
    install: str


def _python() -> Found:
    enough = sys.version_info >= OLDEST_PYTHON
    return Found(
        version=platform.python_version() if enough else None, note="" if enough else platform.python_version()
    )


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


ALL = "pip install 'ikelab[all]'"
PARTS = (
    Part(name="Python", need=Need.REQUIRED, look=_python, use="runs ikelab",
         without="nothing runs: 3.11 is the oldest that will do", install="python.org, or your system's packages"),
    Part(name="ikelab", need=Need.REQUIRED, look=lambda: Found(version=__version__), use="",
         without="", install=""),
    Part(name="cryptography", need=Need.REQUIRED, look=_cryptography, use="ciphers, curves and signatures",
         without="nothing can be encrypted or decrypted", install="pip install cryptography"),
    Part(name="click", need=Need.REQUIRED, look=_package("click"), use="this command",
         without="the command ikelab", install="pip install click"),
    Part(name="rich", need=Need.REQUIRED, look=_package("rich"), use="the ladder that ikelab dissect draws",
         without="ikelab dissect, except with --json", install="pip install rich"),
    Part(name="JupyterLab", need=Need.LESSONS, look=_package("jupyterlab"), use="opens the lessons",
         without="ikelab lab and the lessons", install=ALL),
    Part(name="ipywidgets", need=Need.LESSONS, look=_package("ipywidgets"), use="controls in the lessons",
         without="sliders and buttons in the lessons", install=ALL),
    Part(name="anywidget", need=Need.LESSONS, look=_package("anywidget"), use="the player that steps through messages",
         without="the player; its picture without a kernel is still shown", install=ALL),
    Part(name="gmpy2", need=Need.OPTIONAL, look=_gmpy2, use="Diffie-Hellman, fast and in constant time",
         without="speed, and secrecy of exponents from whoever can measure time", install=ALL),
    Part(name="graphviz", need=Need.OPTIONAL, look=_package("graphviz"), use="asks dot for drawings",
         without="drawn state and derivation graphs", install=ALL),
    Part(name="dot", need=Need.OPTIONAL, look=_program("dot", "-V"), use="draws state and derivation graphs",
         without="drawn state and derivation graphs", install="apt-get install graphviz"),
    Part(name="scapy", need=Need.OPTIONAL, look=_package("scapy"), use="a second opinion on ESP and AH, in tests",
         without="tests that compare with it", install=ALL),
    Part(name="tshark", need=Need.OPTIONAL, look=_program("tshark", "--version"),
         use="a second opinion on every field, in tests", without="tests that compare with it",
         install="apt-get install tshark"),
)  # fmt: skip


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Say what this machine has, and what is lost without the rest.

    Exit status: 0 ikelab can run; 1 something that it cannot do without is missing.
    """
    looked = [(part, part.look()) for part in PARTS]
    missing = [part.name for part, found in looked if found.version is None and part.need is Need.REQUIRED]
    if as_json:
        parts = {part.name: _shape(part, found) for part, found in looked}
        click.echo(json.dumps({"ready": not missing, "system": platform.platform(), "parts": parts}, indent=2))
    else:
        click.echo("\n".join(_lines(looked)))
    raise SystemExit(1 if missing else 0)


def _shape(part: Part, found: Found) -> dict[str, object]:
    return {
        "version": found.version,
        "note": found.note,
        "need": part.need.value,
        "use": part.use,
        "without": part.without,
        "install": part.install,
    }


def _lines(looked: list[tuple[Part, Found]]) -> Iterator[str]:
    width = max(len(part.name) for part, _ in looked)
    for part, found in looked:
        about = "; ".join(filter(None, (part.use, found.note)))
        if found.version is not None:
            yield f"  has     {part.name:{width}}  {found.version:10}  {about}".rstrip()
        else:
            odd = f" ({found.note})" if found.note else ""
            yield f"  lacks   {part.name:{width}}  {part.need:10}  without it: {part.without}{odd}"
            yield f"          {'':{width}}  {'':10}  {part.install}"
    missing = [part for part, found in looked if found.version is None]
    yield ""
    if not missing:
        yield "Everything is here."
    elif any(part.need is Need.REQUIRED for part in missing):
        yield "ikelab cannot run as it is."
    else:
        yield "ikelab runs; what is missing above is not needed for everything."
