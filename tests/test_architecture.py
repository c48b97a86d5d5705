"""The house rules that a machine can hold: who imports whom, how secrets are compared, what is never committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.needs import CHECKOUT

PACKAGE = CHECKOUT / "ikelab"

LOWER_ROOMS = {
    "errors": set(),
    "wire": {"errors"},
    "crypto": {"errors", "wire"},
    "ike": {"errors", "wire", "crypto"},
    "ipsec": {"errors", "wire", "crypto"},
    "timeline": {"errors", "wire", "crypto", "ike", "ipsec"},
    "net": {"errors", "wire", "crypto", "ike", "ipsec", "timeline"},
    "follow": {"errors", "wire", "crypto", "ike", "ipsec", "timeline", "net"},
    "view": {"errors", "wire", "crypto", "ike", "ipsec", "timeline"},
    "course": {"errors", "wire", "crypto", "ike", "ipsec", "timeline", "net", "follow", "view"},
    "cli": {"errors", "wire", "crypto", "ike", "ipsec", "timeline", "net", "follow", "view", "course", ""},
    "": {"errors", "wire", "crypto", "ike", "ipsec", "timeline", "net", "follow", "view", "course"},
}
"""For each room of the package ("" is its front door) the rooms that it may look into besides its own."""

PURE = {"wire", "crypto", "ike", "ipsec"}
IMPURE = {"datetime", "os", "random", "secrets", "socket", "time"}  # and asyncio, which has a rule of its own
WIDGETS = {"anywidget", "ipywidgets"}

COMPARED_IN_CONSTANT_TIME = re.compile(r"(^|_)(hash|psk|digest|icv|mac|skeyid)(_[irade12])?$", re.IGNORECASE)

LOCK_FILES = {"Pipfile.lock", "package-lock.json", "pdm.lock", "poetry.lock", "pylock.toml", "uv.lock", "yarn.lock"}
REGISTRY_HOSTS = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "deb" + "ian.org/debian",
]
MACHINE_PATH = re.compile(r"(?<![\w.~}$*-])/(?:work|farm|home|Users)/")


def modules() -> Iterator[tuple[str, Path]]:
    """Every module of the package by its dotted name."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(CHECKOUT).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def room_of(module: str) -> str:
    """The room that a name is in: "ikelab.wire.fields" is in "wire", "ikelab.__version__" in the front door, ""."""
    room = [*module.split("."), ""][1]
    return room if room in LOWER_ROOMS else ""


def imports(source: str, module: str, *, is_package: bool = False) -> set[str]:
    """Dotted names of all that a module imports, wherever in it and by whatever spelling."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: len(module.split(".")) - node.level + is_package] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{origin}.{alias.name}" for alias in node.names} if origin == "ikelab" else {origin}
            if node.level and not node.module:
                found |= {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("__import__", "importlib.import_module"):
            found |= {str(argument.value) for argument in node.args[:1] if isinstance(argument, ast.Constant)}
    return found


def broken_import_rules(module: str, imported: set[str]) -> list[str]:
    """What is wrong with the imports of a module; nothing, if it keeps to the table."""
    room, complaints = room_of(module), []
    for name in sorted(imported):
        top = name.split(".")[0]
        if top == "ikelab":
            if room_of(name) not in LOWER_ROOMS[room] | {room}:
                complaints.append(f"{module} ({room or 'front door'}) looks into {name}")
        elif room == "wire" and top not in sys.stdlib_module_names:
            complaints.append(f"{module} imports {name}: wire has the standard library and ikelab.errors alone")
        if room in PURE and top in IMPURE:
            complaints.append(f"{module} imports {name}: the engine has no clock, no randomness, no machine")
        if top == "scapy" and module != "ikelab.net.framing":
            complaints.append(f"{module} imports {name}: only ikelab.net.capture may")
        if top == "asyncio" and module != "ikelab.net.udp" and room != "cli":
            complaints.append(f"{module} imports {name}: only ikelab.net.udp and the command may")
        if top in WIDGETS and room != "view":
            complaints.append(f"{module} imports {name}: widgets are ikelab.view's")
    return complaints


def leaky_comparisons(source: str) -> list[str]:
    """Comparisons by == or != of what an attacker could guess octet by octet.

    Numbers that name an algorithm (`hash == Hash.SHA`, `auth_hash == 2`) are compared as they like.
    """
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            sides = [node.left, *node.comparators]
            if any(_is_secret(side) for side in sides) and not any(_names_an_algorithm(side) for side in sides):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def _is_secret(side: ast.expr) -> bool:
    name = side.id if isinstance(side, ast.Name) else side.attr if isinstance(side, ast.Attribute) else ""
    return bool(COMPARED_IN_CONSTANT_TIME.search(name)) and not _names_an_algorithm(side)


def _names_an_algorithm(side: ast.expr) -> bool:
    if isinstance(side, ast.Constant):
        return side.value is None or isinstance(side.value, int)
    return isinstance(side, ast.Attribute) and isinstance(side.value, ast.Name) and side.value.id[:1].isupper()


def committed_files() -> list[Path]:
    """What is committed or about to be; everything under the checkout where git cannot say."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=CHECKOUT, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        hidden = (".git", ".venv", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", "__pycache__")
        everything = (path.relative_to(CHECKOUT) for path in CHECKOUT.rglob("*"))
        listing = [str(path) for path in everything if not set(path.parts) & set(hidden)]
    return [path for name in listing if name and (path := CHECKOUT / name).is_file()]


def forbidden_words(text: str) -> list[str]:
    """Lines that name a package registry's host or a path of the machine they were written on."""
    return [
        line.strip()[:160]
        for line in text.splitlines()
        if any(host in line for host in REGISTRY_HOSTS) or MACHINE_PATH.search(line)
    ]


class TestWhoImportsWhom:
    @pytest.mark.parametrize(("module", "path"), list(modules()), ids=[module for module, _ in modules()])
    def test_every_module_keeps_to_the_table(self, module: str, path: Path) -> None:
        imported = imports(path.read_text("utf-8"), module, is_package=path.name == "__init__.py")
        assert broken_import_rules(module, imported) == []

    def test_every_room_of_the_package_is_in_the_table(self) -> None:
        assert {[*module.split("."), ""][1] for module, _ in modules()} <= LOWER_ROOMS.keys()

    def test_the_table_has_no_cycle(self) -> None:
        done: set[str] = set()
        while ready := {room for room, below in LOWER_ROOMS.items() if room not in done and below <= done}:
            done |= ready
        assert done == LOWER_ROOMS.keys()

    def test_widgets_are_imported_where_they_are_drawn_and_nowhere_else(self) -> None:
        importers = {
            module
            for module, path in modules()
            if any(name.split(".")[0] in WIDGETS for name in imports(path.read_text("utf-8"), module))
        }
        assert importers <= {"ikelab.view.player", "ikelab.view.controls"}

    @pytest.mark.parametrize(
        ("module", "source"),
        [
            ("ikelab.errors", "from ikelab.wire import message"),
            ("ikelab.wire.fields", "import ikelab.crypto.suite"),
            ("ikelab.wire.fields", "from ..crypto import suite"),
            ("ikelab.wire.fields", "from ikelab import crypto"),
            ("ikelab.wire.fields", "import cryptography"),
            ("ikelab.wire.fields", "def f():\n    import socket"),
            ("ikelab.crypto.suite", "from os import urandom"),
            ("ikelab.crypto.suite", "importlib.import_module('secrets')"),
            ("ikelab.ike.listen", "from ikelab.timeline import Trace"),
            ("ikelab.ike.listen", "from .. import timeline"),
            ("ikelab.ike.listen", "import asyncio"),
            ("ikelab.ipsec.esp", "from ikelab.ike import beliefs"),
            ("ikelab.ipsec.esp", "import datetime"),
            ("ikelab.net.link", "import scapy.all"),
            ("ikelab.net.link", "import asyncio"),
            ("ikelab.view.octets", "from ikelab.net import capture"),
            ("ikelab.course.checks", "import ipywidgets"),
            ("ikelab.course.checks", "from ikelab.cli import main"),
        ],
    )
    def test_a_breach_is_seen(self, module: str, source: str) -> None:
        assert len(broken_import_rules(module, imports(source, module))) == 1

    @pytest.mark.parametrize(
        ("module", "source"),
        [
            ("ikelab.wire.message", "import struct\nfrom ikelab.errors import WireError\nfrom . import fields"),
            ("ikelab.crypto.suite", "import hmac\nfrom cryptography.hazmat.primitives import ciphers"),
            ("ikelab.net.framing", "from scapy.utils import RawPcapReader"),
            ("ikelab.net.udp", "import asyncio, socket"),
            ("ikelab.view.player", "import anywidget"),
            ("ikelab.cli.run", "import asyncio\nfrom ikelab import __version__"),
        ],
    )
    def test_what_is_allowed_passes(self, module: str, source: str) -> None:
        assert broken_import_rules(module, imports(source, module)) == []

    def test_the_front_door_opens_without_scapy_jupyter_or_cryptography(self) -> None:
        heavy = ["anywidget", "cryptography", "ipywidgets", "IPython", "jupyterlab", "rich", "scapy"]
        program = f"import sys, ikelab; print(*sorted(sys.modules.keys() & {set(heavy)!r}))"
        run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
        assert run.stdout.split() == []


class TestSecretsAreComparedInConstantTime:
    @pytest.mark.parametrize("room", ["crypto", "ike", "ipsec"])
    def test_no_equals_sign_between_secrets(self, room: str) -> None:
        found = {str(path): leaky_comparisons(path.read_text("utf-8")) for path in (PACKAGE / room).rglob("*.py")}
        assert {path: lines for path, lines in found.items() if lines} == {}

    @pytest.mark.parametrize(
        "source",
        ["computed == hash_i", "if sa.psk != other.psk: pass", "x = digest == expected", "payload.HASH_R == b''"],
    )
    def test_a_leak_is_seen(self, source: str) -> None:
        assert len(leaky_comparisons(source)) == 1

    @pytest.mark.parametrize(
        "source",
        [
            "hash == Hash.SHA",
            "offer.number == hash_number",
            "sa.hash != 2",
            "psk == None",
            "payload.type == PayloadType.HASH",
            "len(digest) == 20",
        ],
    )
    def test_numbers_that_name_an_algorithm_are_no_secret(self, source: str) -> None:
        assert leaky_comparisons(source) == []


class TestWhatIsNeverCommitted:
    def test_no_registry_host_and_no_path_of_a_machine(self) -> None:
        found = {str(path): forbidden_words(path.read_text("utf-8", errors="ignore")) for path in committed_files()}
        assert {path: lines for path, lines in found.items() if lines} == {}

    def test_no_lock_file(self) -> None:
        assert [str(path) for path in committed_files() if path.name in LOCK_FILES] == []

    @pytest.mark.parametrize("text", [f"see {REGISTRY_HOSTS[0]}/simple", "open('/wo" + "rk/main')", "/ho" + "me/me/x"])
    def test_a_forbidden_word_is_seen(self, text: str) -> None:
        assert forbidden_words(text) == [text]

    @pytest.mark.parametrize(
        "text", ["https://example.org/wo" + "rk/", "../shared/captures", "$HOME/wo" + "rk/", "~/wo" + "rk/x"]
    )
    def test_other_words_pass(self, text: str) -> None:
        assert forbidden_words(text) == []

    def test_the_files_are_found(self) -> None:
        assert CHECKOUT / "pyproject.toml" in committed_files()
