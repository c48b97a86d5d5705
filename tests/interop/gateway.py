"""All that a test of ikelab against a real gateway needs, in one `with gateway(Connection(...)) as gw`.

The gateway sits at `gw.address`; `lab_side(gw.lab, argv)` runs ikelab at the other end of the cable.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.charon_log import CharonLog, Secrets
from tests.interop.fakexfrm import InstalledSa
from tests.interop.listed_sas import IkeSa
from tests.interop.namespaces import Link, Namespace, direct_link, end, running_in
from tests.interop.recorder import Recording, decrypted, recording
from tests.interop.settings import Connection, DataPlane, Patience, Settings
from tests.interop.strongswan import Outcome, StrongSwan, strongswan
from tests.interop.waiting import GENEROUS, wait_until

IKELAB = (str(Path(sys.executable).with_name("ikelab")),)
"""The command as it is installed beside the Python that runs the tests."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A strongSwan at `address`, and `lab`, the machine at the other end of the cable, where ikelab is to run."""

    link: Link
    charon: StrongSwan
    connection: Connection
    directory: Path
    _recording: Recording

    @property
    def address(self) -> str:
        """Where the gateway listens: UDP 500 and 4500."""
        return self.link.right.address

    @property
    def lab(self) -> Namespace:
        """The machine at the other end."""
        return self.link.left

    @property
    def psk(self) -> str:
        """The secret the gateway holds."""
        return self.connection.psk

    @property
    def log(self) -> CharonLog:
        """What the gateway has thought so far."""
        return self.charon.log

    @property
    def installed(self) -> tuple[InstalledSa, ...]:
        """The SAs it gave its kernel so far."""
        return self.charon.installed

    def secrets(self) -> Secrets:
        """What it has computed so far."""
        return self.log.secrets()

    def sas(self) -> tuple[IkeSa, ...]:
        """The SAs it holds now."""
        return self.charon.sas()

    def initiate(self, *, within: float = GENEROUS) -> Outcome:
        """Make it begin, and wait for the end: the lab side must already be listening."""
        return self.charon.initiate(self.connection.child, within=within)

    def terminate(self) -> Outcome:
        """Make it delete the ISAKMP SA and its children, telling the lab."""
        return self.charon.terminate(self.connection.name)

    def wait_for_log(self, pattern: str, *, within: float = GENEROUS) -> None:
        """Wait until its log says so."""
        self.charon.wait_for_log(pattern, within=within)

    def pcap(self) -> Path:
        """Every packet that has passed at the gateway so far."""
        return self._recording.catch_up()

    def frames(self) -> tuple[dict[str, str], ...]:
        """What tshark sees in them with the gateway's own keys; what was sent again is left out."""
        return decrypted(self.pcap(), self.secrets())


@contextlib.contextmanager
def gateway(
    connection: Connection,
    *,
    directory: Path | None = None,
    link: Link | None = None,
    data_plane: DataPlane = DataPlane.NONE,
    patience: Patience | None = None,
    more: Settings | None = None,
    daemon_more: Settings | None = None,
) -> Iterator[Gateway]:
    """Run a strongSwan that knows one connection, record its cable, and yield both; everything is gone on leaving.

    `connection` is the gateway's view (its local identity is the gateway's). Without a `link` there is a direct one;
    without a `directory` a temporary one. The other arguments are those of `strongswan`.
    """
    with contextlib.ExitStack() as stack:
        link = link or stack.enter_context(direct_link())
        directory = directory or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ikelab-")))
        cable = stack.enter_context(recording(link.right, directory / "gateway.pcap"))
        charon = stack.enter_context(
            strongswan(
                connection,
                here=link.right,
                there=link.left,
                there_seen_as=link.left_seen_as,
                directory=directory / "gateway",
                data_plane=data_plane,
                patience=patience,
                more=more,
                daemon_more=daemon_more,
            )
        )
        yield Gateway(link=link, charon=charon, connection=connection, directory=directory, _recording=cable)


@dataclass(frozen=True, kw_only=True)
class Finished:
    """How an `ikelab` ended and what it printed."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, kw_only=True)
class LabSide:
    """An `ikelab` running in a namespace."""

    _process: subprocess.Popen[bytes]
    _stdout: Path
    _stderr: Path

    def wait_for_output(self, text: str, *, within: float = GENEROUS) -> None:
        """Wait until it has printed `text`, on either stream."""
        wait_until(
            lambda: text in self._printed(), what=f"ikelab to print {text!r}", within=within, otherwise=self._printed
        )

    def finish(self, *, within: float = GENEROUS) -> Finished:
        """Wait until it ends by itself."""
        wait_until(
            lambda: self._process.poll() is not None, what="ikelab to end", within=within, otherwise=self._printed
        )
        return self._finished()

    def stop(self) -> Finished:
        """End it now, as SIGTERM does."""
        end(self._process)
        return self._finished()

    def _finished(self) -> Finished:
        return Finished(status=self._process.wait(), stdout=self._stdout.read_text(), stderr=self._stderr.read_text())

    def _printed(self) -> str:
        return self._stdout.read_text() + self._stderr.read_text()


@contextlib.contextmanager
def lab_side(
    namespace: Namespace, argv: Sequence[str], *, directory: Path, command: Sequence[str] = IKELAB
) -> Iterator[LabSide]:
    """Run `ikelab *argv` (or another `command`) inside a namespace; it is gone on leaving."""
    stdout, stderr = directory / "lab.stdout", directory / "lab.stderr"
    with stdout.open("wb") as out, stderr.open("wb") as err:
        running = running_in(
            namespace, (*command, *argv), stdout=out, stderr=err, environment={"PYTHONUNBUFFERED": "1"}
        )
        with running as process:
            yield LabSide(_process=process, _stdout=stdout, _stderr=stderr)
