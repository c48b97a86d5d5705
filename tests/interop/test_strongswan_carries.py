"""A tunnel that works: pings cross between ikelab's TUN device and strongSwan's userspace ESP, in both roles.

There is no route between the inner networks, so a ping that arrives has gone through the SAs. The witnesses: ping's own
count, the ESP packets on the gateway's cable and in our recording, tshark that opens them with the keys that we
exported and checks every ICV, and the counters of strongSwan.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.gateway import Gateway, LabSide, gateway, lab_side
from tests.interop.namespaces import Link, Namespace, attempt, run
from tests.interop.ours import Told, Words, serving, told
from tests.interop.settings import Connection, DataPlane
from tests.interop.waiting import GENEROUS, wait_until
from tests.needs import needs

pytestmark = needs("netns", "strongswan", "tun", "tcpdump", "tshark")

PINGS = 5


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Algorithms of both phases; a group in `esp` means PFS."""

    ike: str
    esp: str


SUITES = (
    Suite(ike="aes128-sha1-modp2048", esp="aes128-sha1"),
    Suite(ike="aes256-sha256-x25519", esp="aes256-sha256-x25519"),
    Suite(ike="aes128-sha256-modp2048", esp="aes128gcm16"),
)


@pytest.fixture(params=SUITES, ids=lambda suite: suite.esp)
def suite(request: pytest.FixtureRequest) -> Suite:
    found = request.param
    assert isinstance(found, Suite)
    return found


def ping(here: Namespace, there: Namespace) -> str:
    """From one inner network to the other; what ping says of it."""
    command = ("ping", "-n", "-c", str(PINGS), "-i", "0.2", "-W", "5", "-I", here.inner_address, there.inner_address)
    return inside(here, *command)


def inside(namespace: Namespace, *command: str) -> str:
    """What a program in a namespace prints, however it ends."""
    return attempt(("ip", "netns", "exec", namespace.name, *command)).stdout


def opened(ours: Told) -> list[dict[str, str]]:
    """The ICMP type that tshark finds in each ESP packet of our recording, and what it thinks of the ICV."""
    wanted = ("esp.enable_encryption_decode:TRUE", "esp.enable_authentication_check:TRUE")
    tables = tuple(f"uat:esp_sa:{line}" for line in ours.keys["wireshark_esp_sa"])
    options = [argument for each in (*wanted, *tables) for argument in ("-o", each)]
    fields = ("-T", "fields", "-e", "icmp.type", "-e", "esp.icv_good")
    printed = run(("tshark", "-n", "-r", str(ours.pcap), *options, "-Y", "esp", *fields))
    rows = (line.split("\t") for line in printed.splitlines())
    return [{"icmp": icmp, "icv_good": good} for icmp, good in rows]


def all_arrived(said: str) -> bool:
    return f"{PINGS} packets transmitted, {PINGS} received, 0% packet loss" in said


def both_ways(gw: Gateway) -> None:
    for here, there in ((gw.lab, gw.link.right), (gw.link.right, gw.lab)):
        said = ping(here, there)
        assert all_arrived(said), said


def finished(lab: LabSide, directory: Path) -> Told:
    ended = lab.stop()
    return told(ended.status, ended.stdout, ended.stderr, directory)


def holds(gw: Gateway, ours: Told, suite: Suite) -> None:
    """Every echo and its answer is one ESP packet in UDP, for all who saw it; and tshark opens each of them."""
    assert (ours.status, ours.result["established"]) == (0, True)
    assert f"{2 * PINGS} packets sent through the tunnel, {2 * PINGS} received" in ours.said, ours.said
    spis = {sa["spi"]: sa["from"] for sa in ours.result["sas"]}
    for frames in (gw.frames(), ours.frames):
        packets = [frame for frame in frames if "spi" in frame]
        assert len(packets) == 4 * PINGS
        assert {frame["spi"].removeprefix("0x") for frame in packets} == set(spis)
        assert {frame["dstport"] for frame in packets} == {"4500"}
    inner = opened(ours)
    assert Counter(packet["icmp"] for packet in inner) == {"8": 2 * PINGS, "0": 2 * PINGS}
    if "gcm" not in suite.esp:  # tshark 4.0 checks no ICV of a combined-mode cipher: it opens, or it does not
        assert {packet["icv_good"] for packet in inner} <= {"1", "True"}


class TestPings:
    def test_cross_when_we_begin(self, link: Link, tmp_path: Path, suite: Suite) -> None:
        wish = Connection(ike_proposal=suite.ike, esp_proposal=suite.esp)
        with gateway(wish, link=link, directory=tmp_path, data_plane=DataPlane.USERSPACE) as gw:
            words = Words(ike=suite.ike, esp=suite.esp, more=("--tun",))
            with lab_side(gw.lab, ["connect", gw.address, *words.argv(gw)], directory=tmp_path) as lab:
                lab.wait_for_output("carries packets to")
                gw.wait_for_log(r"CHILD_SA net\{1\} established")
                both_ways(gw)
                (sa,) = gw.sas()
                ours = finished(lab, tmp_path)
            holds(gw, ours, suite)
            assert sa.children

    def test_cross_when_the_gateway_begins(self, link: Link, tmp_path: Path, suite: Suite) -> None:
        wish = Connection(ike_proposal=suite.ike, esp_proposal=suite.esp)
        with gateway(wish, link=link, directory=tmp_path, data_plane=DataPlane.USERSPACE) as gw:
            with serving(gw, Words(ike=suite.ike, esp=suite.esp, more=("--tun",))) as lab:
                outcome = gw.initiate()
                assert outcome.succeeded, outcome.text
                lab.wait_for_output("established with")
                both_ways(gw)
                assert gw.terminate().succeeded
                ended = lab.finish()
            holds(gw, told(ended.status, ended.stdout, ended.stderr, tmp_path), suite)

    def test_that_meet_no_sa_ask_for_one_and_arrive(self, link: Link, tmp_path: Path) -> None:
        """The gateway deletes what it has, and our next packet makes a new pair of SAs."""
        with gateway(Connection(), link=link, directory=tmp_path, data_plane=DataPlane.USERSPACE) as gw:
            words = Words(more=("--tun",))
            with lab_side(gw.lab, ["connect", gw.address, *words.argv(gw)], directory=tmp_path) as lab:
                lab.wait_for_output("carries packets to")
                gw.wait_for_log(r"CHILD_SA net\{1\} established")
                assert gw.charon.terminate_child().succeeded
                # What leaves before we have heard the Delete still uses the old SA.
                again = "a ping through new SAs"
                wait_until(lambda: all_arrived(ping(gw.lab, gw.link.right)), what=again, within=GENEROUS)
                gw.wait_for_log(r"CHILD_SA net\{2\} established")
                both_ways(gw)
                lab.stop()

    def test_of_addresses_that_no_policy_covers_stay_here(self, link: Link, tmp_path: Path) -> None:
        with gateway(Connection(), link=link, directory=tmp_path, data_plane=DataPlane.USERSPACE) as gw:
            words = Words(more=("--tun",))
            with lab_side(gw.lab, ["connect", gw.address, *words.argv(gw)], directory=tmp_path) as lab:
                lab.wait_for_output("carries packets to")
                outside = ("ping", "-n", "-c", "1", "-W", "1", "-I", gw.lab.address, gw.link.right.inner_address)
                assert "1 packets transmitted, 0 received" in inside(gw.lab, *outside)
                ended = lab.stop()
            assert "0 packets sent through the tunnel, 0 received, 1 refused (discarded by policy)" in ended.stderr


class TestWhatIsLeftBehind:
    def test_no_device_and_no_route(self, link: Link, tmp_path: Path) -> None:
        with gateway(Connection(), link=link, directory=tmp_path, data_plane=DataPlane.USERSPACE) as gw:
            before = inside(gw.lab, "ip", "route")
            words = Words(more=("--tun",))
            with lab_side(gw.lab, ["connect", gw.address, *words.argv(gw)], directory=tmp_path) as lab:
                lab.wait_for_output("carries packets to")
                assert f"{gw.link.right.inner_network} dev ikelab0" in inside(gw.lab, "ip", "route")
                lab.stop()
            assert inside(gw.lab, "ip", "route") == before
            assert "ikelab0" not in inside(gw.lab, "ip", "link")
