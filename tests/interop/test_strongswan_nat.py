"""With a live gateway beyond a NAT: both find it out, move to port 4500, and what they agree on travels in UDP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.gateway import gateway, lab_side
from tests.interop.namespaces import Link
from tests.interop.ours import Words, connect, payloads_of
from tests.interop.settings import Connection, DataPlane, Mode
from tests.interop.test_strongswan_carries import all_arrived, ping
from tests.needs import needs

pytestmark = needs("netns", "nat", "strongswan", "gcc", "tcpdump", "tshark")

NAT_D = 20
FLOATS = {Mode.MAIN: 4, Mode.AGGRESSIVE: 2}
"""How many messages pass on port 500 (RFC 3947 §3.2)."""


@pytest.fixture(params=list(Mode), ids=lambda mode: mode.name)
def mode(request: pytest.FixtureRequest) -> Mode:
    return Mode(request.param)


class TestBehindANat:
    def test_we_move_and_the_gateway_follows(self, link_through_nat: Link, tmp_path: Path, mode: Mode) -> None:
        link = link_through_nat
        wish = Connection(mode=mode, remote_id=link.left.address, more={"remote_addrs": "%any"})
        with gateway(wish, link=link, directory=tmp_path) as gw:
            ours = connect(gw, Words(mode=mode))
            gw.wait_for_log("remote host is behind NAT")
            gw.wait_for_log(r"CHILD_SA net\{1\} established")
            assert (ours.status, ours.result["established"]) == (0, True)
            seen = gw.frames()
            before = FLOATS[mode]
            assert {frame["dstport"] for frame in seen[:before] if frame["dst"] == gw.address} == {"500"}
            assert {frame["dstport"] for frame in seen[before:] if frame["dst"] == gw.address} == {"4500"}
            assert {frame["src"] for frame in seen if frame["dst"] == gw.address} == {link.left_seen_as}
            told = ours.payloads()  # until the SAs were up
            assert payloads_of(seen)[: len(told)] == payloads_of(ours.frames)[: len(told)] == told
            assert sum(kinds.count(NAT_D) for kinds in told) == 4
            assert {sa["mode"] for sa in ours.result["sas"]} == {"udp-tunnel"}

    def test_without_one_nobody_moves(self, link: Link, tmp_path: Path, mode: Mode) -> None:
        with gateway(Connection(mode=mode), link=link, directory=tmp_path) as gw:
            ours = connect(gw, Words(mode=mode))
            assert (ours.status, ours.result["established"]) == (0, True)
            assert {frame["dstport"] for frame in gw.frames()} == {"500"}
            assert {sa["mode"] for sa in ours.result["sas"]} == {"tunnel"}

    def test_who_wants_no_traversal_stays_on_port_500(self, link: Link, tmp_path: Path) -> None:
        with gateway(Connection(), link=link, directory=tmp_path) as gw:
            ours = connect(gw, Words(more=("--nat-traversal", "off")))
            assert (ours.status, ours.result["established"]) == (0, True)
            assert not any(NAT_D in kinds for kinds in ours.payloads())

    @needs("tun")
    def test_pings_cross_the_nat(self, link_through_nat: Link, tmp_path: Path) -> None:
        link = link_through_nat
        wish = Connection(remote_id=link.left.address, more={"remote_addrs": "%any"})
        with gateway(wish, link=link, directory=tmp_path, data_plane=DataPlane.USERSPACE) as gw:
            argv = ["connect", gw.address, *Words(more=("--tun",)).argv(gw)]
            with lab_side(gw.lab, argv, directory=tmp_path) as lab:
                lab.wait_for_output("carries packets to")
                gw.wait_for_log(r"CHILD_SA net\{1\} established")
                for here, there in ((gw.lab, link.right), (link.right, gw.lab)):
                    assert all_arrived(said := ping(here, there)), said
                lab.stop()
