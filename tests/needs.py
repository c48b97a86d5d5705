"""What a test may need of the machine it runs on, and the list of what was not run for want of it.

A test says `@needs("tshark", "dot")`. Where one of these is absent the test is skipped, and the run closes with a list
of what was not run and what to install. Where IKELAB_FORBID_SKIP=1 (CI), any skip at all is a failure, save for the
capabilities named in IKELAB_MAY_SKIP (separated by blanks or commas).
"""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
MISSING = "missing capability"
LEFT_OUT = pytest.StashKey[int]()


@dataclass(frozen=True, kw_only=True)
class Capability:
    """Something a machine may lack: how to find out, and what to tell who wants it."""

    present: Callable[[], bool]
    install: str


def program(name: str) -> str | None:
    """Where the program `name` is, looking also where only root's PATH leads."""
    return shutil.which(name, path=SYSTEM_PATH)


def chromium_path() -> str | None:
    """The Chromium that browser tests drive: IKELAB_CHROMIUM, or the system's."""
    named = os.environ.get("IKELAB_CHROMIUM")
    return program(named) if named else program("chromium") or program("chromium-browser") or program("google-chrome")


def captures_dir() -> Path:
    """The recorded conversations: one folder each, holding capture.pcap, facts.json and tshark.json."""
    return Path(os.environ.get("IKELAB_CAPTURES") or CHECKOUT.parent / "shared" / "captures")


def vectors_dir() -> Path:
    """The NIST vectors of the IKEv1 key derivation: ikev1_psk.fax.gz and ikev1_dsa.fax.gz."""
    return Path(os.environ.get("IKELAB_VECTORS") or CHECKOUT.parent / "shared" / "vectors")


def rfc_dir() -> Path:
    """The texts of the RFCs that the project cites: rfc2409.txt and so on."""
    return Path(os.environ.get("IKELAB_RFCS") or CHECKOUT.parent / "shared" / "rfc")


def floor_python() -> Path:
    """The Python of the environment that holds the oldest JupyterLab the lab is opened in; see tests/floor.txt."""
    return Path(sys.prefix) / "floor" / "bin" / "python"


def recorded_conversations() -> tuple[str, ...]:
    """Names to parametrize a test with; where there are none a stand-in, so that the test is counted as not run."""
    folders = captures_dir().glob("*/capture.pcap")
    return tuple(sorted(pcap.parent.name for pcap in folders)) or ("no recorded conversations here",)


def _all_programs(*names: str) -> Callable[[], bool]:
    return lambda: all(program(name) for name in names)


def _compiles_c() -> bool:
    gcc = program("gcc")
    source = b"#include <stdio.h>\n#include <dlfcn.h>\n"
    return bool(gcc) and _succeeds(str(gcc), "-x", "c", "-fsyntax-only", "-", stdin=source)


def _makes_network_namespaces() -> bool:
    ip, name = program("ip"), f"ikelab-probe-{os.getpid()}"
    return bool(ip) and _succeeds(str(ip), "netns", "add", name) and _succeeds(str(ip), "netns", "del", name)


def _translates_addresses() -> bool:
    nft = program("nft")
    table = b"table ip ikelab_probe { chain out { type nat hook postrouting priority 100; masquerade; }; }"
    return bool(nft) and _succeeds(str(nft), "--check", "--file", "-", stdin=table)


def _succeeds(*command: str, stdin: bytes = b"") -> bool:
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=20).returncode == 0


CAPABILITIES = {
    "tshark": Capability(present=_all_programs("tshark"), install="apt-get install tshark"),
    "dot": Capability(present=_all_programs("dot"), install="apt-get install graphviz"),
    "chromium": Capability(
        present=lambda: chromium_path() is not None,
        install="apt-get install chromium fonts-dejavu-core (or name another one in IKELAB_CHROMIUM)",
    ),
    "floor-lab": Capability(
        present=lambda: (floor_python().parents[1] / "floor.stamp").is_file(),
        install=f"make {os.path.relpath(floor_python().parents[1] / 'floor.stamp')}",
    ),
    "netns": Capability(
        present=_makes_network_namespaces,
        install="apt-get install iproute2, and run as root (in a container: privileged)",
    ),
    "strongswan": Capability(
        present=_all_programs("charon-systemd", "swanctl"),
        install="apt-get install charon-systemd strongswan-swanctl libcharon-extra-plugins libcharon-extauth-plugins "
        "libstrongswan-extra-plugins libstrongswan-standard-plugins",
    ),
    "tcpdump": Capability(present=_all_programs("tcpdump"), install="apt-get install tcpdump"),
    "nat": Capability(
        present=_translates_addresses, install="apt-get install nftables, and run as root on a kernel with masquerading"
    ),
    "tun": Capability(present=Path("/dev/net/tun").is_char_device, install="give the container /dev/net/tun"),
    "gcc": Capability(present=_compiles_c, install="apt-get install gcc libc6-dev"),
    "nist-vectors": Capability(
        present=lambda: (vectors_dir() / "ikev1_psk.fax.gz").is_file(),
        install="put NIST's ikev1_psk.fax.gz and ikev1_dsa.fax.gz into a folder and name it in IKELAB_VECTORS",
    ),
    "repo2docker": Capability(
        present=lambda: importlib.util.find_spec("repo2docker") is not None, install="pip install jupyter-repo2docker"
    ),
    "rfc-texts": Capability(
        present=lambda: (rfc_dir() / "rfc2409.txt").is_file(),
        install="put the texts of the RFCs (rfc2409.txt and so on) into a folder and name it in IKELAB_RFCS",
    ),
    "shared-captures": Capability(
        present=lambda: any(captures_dir().glob("*/capture.pcap")),
        install="name the folder of recorded conversations in IKELAB_CAPTURES",
    ),
}


def needs(*capabilities: str) -> pytest.MarkDecorator:
    """Mark a test, a class or (as pytestmark) a module as needing these capabilities of the machine."""
    return pytest.mark.needs(*capabilities)


@functools.cache
def is_present(capability: str) -> bool:
    """Whether this machine has the capability; asked once in a process."""
    return CAPABILITIES[capability].present()


def skipping_is_forbidden() -> bool:
    """Whether a skip fails the run."""
    return os.environ.get("IKELAB_FORBID_SKIP", "") not in ("", "0")


def may_be_absent() -> frozenset[str]:
    """Capabilities that may be missing even where skipping is forbidden."""
    return frozenset(os.environ.get("IKELAB_MAY_SKIP", "").replace(",", " ").split())


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*capabilities): what the machine must have; see tests/needs.py")
    if unknown := may_be_absent() - CAPABILITIES.keys():
        raise pytest.UsageError(f"IKELAB_MAY_SKIP: expected some of {_listed(CAPABILITIES)}, got {_listed(unknown)}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if unknown := set(_needed(item)) - CAPABILITIES.keys():
            raise pytest.UsageError(
                f"{item.nodeid}: needs(...) expected some of {_listed(CAPABILITIES)}, got {_listed(unknown)}"
            )


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [name for name in dict.fromkeys(_needed(item)) if not is_present(name)]
    if missing:
        item.user_properties.extend((MISSING, name) for name in missing)
        pytest.skip("; ".join(f"needs {name}: {CAPABILITIES[name].install}" for name in missing))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report: pytest.TestReport = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _forbid(report, _missing(report))
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report: pytest.CollectReport = yield
    if report.skipped:
        _forbid(report, frozenset())
    return report


def pytest_deselected(items: list[pytest.Item]) -> None:
    for item in items[:1]:
        item.config.stash[LEFT_OUT] = item.config.stash.get(LEFT_OUT, 0) + len(items)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = session.config.stash.get(LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: object) -> None:
    """Every worker leaves out the same tests: what one of them says is what the run left out."""
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    config.stash[LEFT_OUT] = getattr(node, "workeroutput", {}).get("left out", config.stash.get(LEFT_OUT, 0))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for kind in ("skipped", "error", "failed") for report in terminalreporter.stats.get(kind, ())]
    lacking = Counter(name for report in reports for name in _missing(report))
    otherwise = [report for report in terminalreporter.stats.get("skipped", ()) if not _missing(report)]
    if not terminalreporter.stats:
        return
    terminalreporter.section("what was not run")
    for name, tests in sorted(lacking.items()):
        terminalreporter.write_line(f"Not run here: {_counted(tests)}, needs {name}: {CAPABILITIES[name].install}")
    for report in otherwise:
        terminalreporter.write_line(f"Not run here: {report.nodeid}: {_reason(report)}")
    if not lacking and not otherwise:
        terminalreporter.write_line("Nothing was skipped: this machine has all that the tests need.")
    if left_out := terminalreporter.config.stash.get(LEFT_OUT, 0):
        terminalreporter.write_line(f"Left out by choice: {_counted(left_out)}; `make soak` runs the long ones.")


def _needed(item: pytest.Item) -> Iterator[str]:
    for mark in item.iter_markers("needs"):
        yield from mark.args


def _missing(report: object) -> frozenset[str]:
    properties = getattr(report, "user_properties", ())
    return frozenset(str(value) for name, value in properties if name == MISSING)


def _forbid(report: pytest.TestReport | pytest.CollectReport, missing: frozenset[str]) -> None:
    if skipping_is_forbidden() and not (missing and missing <= may_be_absent()):
        report.outcome = "failed"
        report.longrepr = f"Not run, and IKELAB_FORBID_SKIP forbids that: {_reason(report)}"


def _reason(report: object) -> str:
    longrepr = getattr(report, "longrepr", "")
    text = str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
    return text.removeprefix("Skipped: ")


def _counted(tests: int) -> str:
    return f"{tests} test" if tests == 1 else f"{tests} tests"


def _listed(names: object) -> str:
    return ", ".join(sorted(names))
