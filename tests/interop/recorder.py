"""What passed on the wire: every packet, recorded, and what tshark, the independent reader, sees in it."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.interop.charon_log import Secrets
from tests.interop.namespaces import Namespace, run, running_in
from tests.interop.waiting import wait_until

_COUNTS = re.compile(r"(?P<captured>\d+) packets? captured, (?P<received>\d+) packets? received by filter")
_DROPPED = re.compile(r"^(?P<dropped>\d+) packets? dropped by kernel$", re.MULTILINE)

TSHARK_FIELDS = (
    ("frame", "frame.number"),
    ("src", "ip.src"),
    ("dst", "ip.dst"),
    ("srcport", "udp.srcport"),
    ("dstport", "udp.dstport"),
    ("ispi", "isakmp.ispi"),
    ("rspi", "isakmp.rspi"),
    ("exchangetype", "isakmp.exchangetype"),
    ("messageid", "isakmp.messageid"),
    ("flag_e", "isakmp.flag_e"),
    ("nextpayload", "isakmp.nextpayload"),
    ("typepayload", "isakmp.typepayload"),
    ("notify.msgtype", "isakmp.notify.msgtype"),
    ("id.type", "isakmp.id.type"),
    ("spi", "esp.spi"),
    ("spi", "ah.spi"),
    ("sequence", "esp.sequence"),
)
"""The keys of a recorded conversation's tshark.json, and the fields of tshark that they hold."""


ETHERNET_IP_UDP = 14 + 20 + 8
"""Octets before the datagram's own: they differ when it is sent again."""


class PacketsLost(AssertionError):
    """The recording is not what passed on the wire."""


class Recording:
    """A capture in progress; `pcap` may be read once `catch_up` has returned.

    The kernel also counts packets that came before tcpdump's filter was in place, a neighbour solicitation for
    instance; tcpdump throws those away. So what is missing is compared with what was missing at the beginning.
    """

    def __init__(self, pcap: Path, process: subprocess.Popen[bytes], speech: Path) -> None:
        self.pcap = pcap
        self._process = process
        self._speech = speech
        wait_until(lambda: "listening" in speech.read_text(), what="tcpdump to listen", otherwise=speech.read_text)
        self._never_wanted = self._missing()

    def catch_up(self) -> Path:
        """Wait until every packet that has passed so far is in the file; return the file."""
        wait_until(
            lambda: self._missing() <= self._never_wanted,
            what="tcpdump to have written every packet",
            otherwise=self._speech.read_text,
        )
        return self.pcap

    def _missing(self) -> int:
        """Ask tcpdump (SIGUSR1) how many packets the kernel has given it that it has not written."""
        already = len(self._counts())
        self._process.send_signal(signal.SIGUSR1)
        wait_until(lambda: len(self._counts()) > already, what="tcpdump to count", otherwise=self._speech.read_text)
        captured, received = self._counts()[-1]
        return int(received) - int(captured)

    def _counts(self) -> list[tuple[str, str]]:
        return _COUNTS.findall(self._speech.read_text())


@contextlib.contextmanager
def recording(
    namespace: Namespace, pcap: Path, *, port: str = "eth0", packets: str = "udp or esp or ah"
) -> Iterator[Recording]:
    """Record what passes `port` of a namespace, first packet to last; PacketsLost is raised if some are missing.

    Begin it before the first packet. The small snapshot length matters: tcpdump's ring buffer has one slot of that
    length per packet, so with the usual 256 KiB eight packets in a burst fill it.
    """
    speech = pcap.with_suffix(".tcpdump")
    argv = ("tcpdump", "-i", port, "-U", "--immediate-mode", "-Z", "root", "-s", "2048", "-B", "4096", "-w", str(pcap))
    with speech.open("wb") as stderr:
        tcpdump = running_in(namespace, (*argv, packets), stdout=stderr, stderr=stderr, ended_by=signal.SIGINT)
        with tcpdump as process:
            going = Recording(pcap, process, speech)
            yield going
            going.catch_up()
    if (dropped := _DROPPED.search(speech.read_text())) is None or dropped["dropped"] != "0":
        raise PacketsLost(f"{pcap}: {speech.read_text()}")


def without_repeats(pcap: Path) -> Path:
    """A copy in which a datagram that was sent again is left out: tshark would decrypt it with the wrong IV."""
    copy = pcap.with_suffix(".unrepeated.pcap")
    run(("editcap", "-D", "1000", "-I", str(ETHERNET_IP_UDP), str(pcap), str(copy)))
    return copy


def decrypted(pcap: Path, secrets: Secrets) -> tuple[dict[str, str], ...]:
    """What tshark sees with the keys of one peer; what was sent again is left out."""
    return tshark_decrypt(without_repeats(pcap), secrets.decryption_table(), esp_table=secrets.esp_sa_table())


def tshark_decrypt(pcap: Path, table: Iterable[str], *, esp_table: Iterable[str] = ()) -> tuple[dict[str, str], ...]:
    """What tshark sees in each IKE, ESP and AH frame, shaped as a recorded conversation's tshark.json.

    `table` holds lines of Wireshark's ikev1_decryption_table ("cookie_i,Ka"), `esp_table` of its esp_sa. Fields that
    repeat are joined by commas; a message that tshark could decrypt shows its payloads in "typepayload".
    """
    preferences = ("esp.enable_encryption_decode:TRUE", *(f"uat:ikev1_decryption_table:{line}" for line in table))
    preferences += tuple(f"uat:esp_sa:{line}" for line in esp_table)
    columns = [argument for _, field in TSHARK_FIELDS for argument in ("-e", field)]
    options = [argument for preference in preferences for argument in ("-o", preference)]
    with tempfile.TemporaryDirectory() as own_settings:
        printed = run(
            ("tshark", "-n", "-r", str(pcap), *options, "-Y", "isakmp or esp or ah", "-T", "fields", *columns),
            environment={"WIRESHARK_CONFIG_DIR": own_settings, "XDG_CONFIG_HOME": own_settings},
        )
    keys = [key for key, _ in TSHARK_FIELDS]
    rows = (line.split("\t") for line in printed.splitlines())
    return tuple({key: value for key, value in zip(keys, row, strict=True) if value} for row in rows)
