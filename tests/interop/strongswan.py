"""A live gateway to talk to: one charon in one network namespace, told what it wants, asked what it did.

`strongswan(...)` keeps a daemon running: `initiate`, `terminate`, `sas`, `log`, `installed` are what tests use.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import re
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.interop.charon_log import CharonLog
from tests.interop.fakexfrm import InstalledSa, compiled, installed_sas
from tests.interop.listed_sas import IkeSa, listed_sas
from tests.interop.namespaces import CommandFailed, Namespace, attempt, end, running_in
from tests.interop.settings import Connection, DataPlane, Patience, Settings, daemon_settings, merged, settings_text
from tests.interop.waiting import GENEROUS, wait_until

CREDENTIAL_FOLDERS = (
    *("x509", "x509ca", "x509ocsp", "x509aa", "x509ac", "x509crl"),
    *("pubkey", "private", "rsa", "ecdsa", "bliss", "pkcs8", "pkcs12"),
)
"""Where swanctl looks for certificates and keys, below the daemon's directory."""
LONGEST_SOCKET_PATH = 107


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a request to charon ended, and all that swanctl printed meanwhile."""

    succeeded: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class StrongSwan:
    """A running charon. `directory` holds its configuration, its log and the shim's."""

    namespace: Namespace
    directory: Path
    _process: subprocess.Popen[bytes]

    @property
    def address(self) -> str:
        """Where it listens: UDP 500 and 4500."""
        return self.namespace.address

    @property
    def log(self) -> CharonLog:
        """Its log as of now."""
        return CharonLog(self.log_path.read_text(errors="replace"))

    @property
    def log_path(self) -> Path:
        """The file it logs to."""
        return self.directory / "charon.log"

    @property
    def installed(self) -> tuple[InstalledSa, ...]:
        """The SAs it gave its kernel so far (empty with a user-space data plane)."""
        return installed_sas(self.directory / "installed.jsonl")

    def load(self, settings: Settings) -> None:
        """Replace what it is configured to want; CommandFailed where swanctl or charon refuses it."""
        path = self.directory / "swanctl.conf"
        path.write_text(settings_text(settings))
        loaded = self._swanctl("--load-all", "--clear", "--file", str(path))
        if not loaded.succeeded:
            raise CommandFailed(f"{path}:\n{loaded.text}\n{path.read_text()}")

    def initiate(self, child: str = "net", *, within: float = GENEROUS) -> Outcome:
        """Begin phase 1 and a Quick Mode for `child`, and wait for the end."""
        return self._swanctl("--initiate", "--child", child, "--timeout", f"{within:.0f}", within=within + 5)

    def terminate(self, ike: str = "ike", *, within: float = GENEROUS) -> Outcome:
        """Delete an ISAKMP SA and its children, telling the peer."""
        return self._swanctl("--terminate", "--ike", ike, "--timeout", f"{within:.0f}", within=within + 5)

    def terminate_child(self, child: str = "net", *, within: float = GENEROUS) -> Outcome:
        """Delete one pair of IPsec SAs, telling the peer."""
        return self._swanctl("--terminate", "--child", child, "--timeout", f"{within:.0f}", within=within + 5)

    def rekey_child(self, child: str = "net") -> Outcome:
        """Begin a Quick Mode that replaces `child`; returns before it is over."""
        return self._swanctl("--rekey", "--child", child)

    def rekey_ike(self, ike: str = "ike") -> Outcome:
        """Begin a phase 1 that replaces the ISAKMP SA; returns before it is over."""
        return self._swanctl("--rekey", "--ike", ike)

    def sas(self) -> tuple[IkeSa, ...]:
        """The ISAKMP SAs it holds now, with their children."""
        listed = self._swanctl("--list-sas", "--pretty")
        if not listed.succeeded:
            raise CommandFailed(listed.text)
        return listed_sas(listed.text)

    def wait_for(self, what: str, seen: Callable[[StrongSwan], object], *, within: float = GENEROUS) -> None:
        """Wait until `seen(self)` is true; NeverHappened quotes the log where it does not become so."""
        wait_until(lambda: bool(seen(self)), what=what, within=within, otherwise=lambda: "\n".join(self.log.story))

    def wait_for_log(self, pattern: str, *, within: float = GENEROUS) -> None:
        """Wait until the story in the log has a line in which the regular expression is found."""
        line = re.compile(pattern)
        self.wait_for(f"a log line like {pattern!r}", lambda peer: any(map(line.search, peer.log.story)), within=within)

    def stop(self) -> None:
        """End it as an administrator would: it deletes its SAs and says so to its peers."""
        end(self._process)

    def crash(self) -> None:
        """End it without a word, as a power cut does."""
        end(self._process, signal.SIGKILL)

    def _swanctl(self, *arguments: str, within: float = GENEROUS) -> Outcome:
        argv = ("swanctl", *arguments, "--uri", f"unix://{_socket(self.directory)}")
        done = attempt(argv, environment=_environment(self.directory), within=within)
        return Outcome(succeeded=done.returncode == 0, text=done.stdout + done.stderr)


@contextlib.contextmanager
def strongswan(
    *connections: Connection,
    here: Namespace,
    there: Namespace,
    there_seen_as: str | None = None,
    directory: Path,
    data_plane: DataPlane = DataPlane.NONE,
    patience: Patience | None = None,
    more: Settings | None = None,
    daemon_more: Settings | None = None,
) -> Iterator[StrongSwan]:
    """Run a charon in `here` that knows these connections to the machine `there`; it is gone on leaving.

    `there_seen_as` is the peer's address as seen from here, where a NAT makes it another; `more` is merged into
    swanctl.conf, `daemon_more` into strongswan.conf. A failure inside the block carries what charon had to say.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if len(str(_socket(directory))) > LONGEST_SOCKET_PATH:
        raise ValueError(
            f"a socket's path has at most {LONGEST_SOCKET_PATH} octets; choose a shorter one than {directory}"
        )
    for folder in CREDENTIAL_FOLDERS:
        (directory / folder).mkdir(exist_ok=True)
    told = daemon_settings(
        log=directory / "charon.log",
        vici=_socket(directory),
        data_plane=data_plane,
        patience=patience or Patience(),
        more=daemon_more,
    )
    (directory / "strongswan.conf").write_text(settings_text(told))
    environment = _environment(directory)
    if data_plane is DataPlane.NONE:
        environment |= {"LD_PRELOAD": str(_shim()), "FAKEXFRM_LOG": str(directory / "installed.jsonl")}
    with contextlib.ExitStack() as stack:
        printed = stack.enter_context((directory / "printed").open("wb"))
        running = running_in(here, ("charon-systemd",), stdout=printed, stderr=printed, environment=environment)
        peer = StrongSwan(namespace=here, directory=directory, _process=stack.enter_context(running))
        wait_until(
            lambda: _listens(_socket(directory)),
            what="charon to listen",
            otherwise=(directory / "printed").read_text,
        )
        settings: Settings = {}
        for connection in connections:
            wish = connection.settings(here=here, there=there, there_seen_as=there_seen_as or there.address)
            settings = merged(settings, wish)
        peer.load(merged(settings, more or {}))
        try:
            yield peer
        except BaseException as failure:
            failure.add_note("\n".join((f"what charon at {here.address} had to say:", *peer.log.story)))
            raise


def _socket(directory: Path) -> Path:
    return directory / "vici"


def _listens(path: Path) -> bool:
    """Whether somebody answers at the socket: a file alone may be a predecessor's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0


def _environment(directory: Path) -> dict[str, str]:
    return {"STRONGSWAN_CONF": str(directory / "strongswan.conf"), "SWANCTL_DIR": str(directory)}


@functools.cache
def _shim() -> Path:
    """The kernel shim, compiled once in a process and removed at its end."""
    directory = Path(tempfile.mkdtemp(prefix="ikelab-shim-"))
    atexit.register(shutil.rmtree, directory)
    return compiled(directory)
