"""What a test of ikelab against a gateway will use, before there is an ikelab to test."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path

from tests.interop.gateway import gateway, lab_side
from tests.interop.namespaces import Link, call_in, run, udp_socket
from tests.interop.settings import Connection
from tests.interop.strongswan import strongswan
from tests.needs import captures_dir, needs

pytestmark = needs("netns")
live_peers = needs("strongswan", "gcc", "tcpdump", "tshark")

MAIN = Connection()
MAIN_AND_QUICK = ["1", "1", "4", "4", "5", "5", "8", "8", "8"]
"""SA, KE, ID or HASH: what each message begins with once tshark has decrypted it."""


@live_peers
class TestGateway:
    def test_it_initiates_and_its_keys_open_the_recording(self, link: Link, tmp_path: Path) -> None:
        with (
            gateway(MAIN, link=link, directory=tmp_path) as gw,
            strongswan(MAIN, here=gw.lab, there=link.right, directory=tmp_path / "lab"),
        ):
            assert gw.initiate().succeeded
            (sa,), (ike,) = gw.sas(), gw.secrets().ike
            assert (sa.role, sa.cookie_i) == ("initiator", ike.cookie_i)
            assert [frame["typepayload"].split(",")[0] for frame in gw.frames()] == MAIN_AND_QUICK
            assert len(gw.installed) == 2
            assert gw.terminate().succeeded
            gw.wait_for_log("deleting IKE_SA")

    def test_its_facts_have_the_shape_of_a_recorded_conversation(self, swept: None) -> None:
        with (
            gateway(MAIN) as gw,
            strongswan(MAIN, here=gw.lab, there=gw.link.right, directory=gw.directory / "lab") as lab,
        ):
            assert lab.initiate().succeeded
            gw.wait_for_log("CHILD_SA .* established")
            facts = json.loads(json.dumps(gw.secrets().facts(gw.psk)))
        assert facts.keys() == {"psk", "ike", "quick"}
        assert facts["ike"][0].keys() == {
            *(
                "cookie_i",
                "cookie_r",
                "g_xy",
                "SKEYID",
                "SKEYID_d",
                "SKEYID_a",
                "SKEYID_e",
                "Ka",
                "iv0",
                "HASH_I",
                "HASH_R",
            )
        }
        assert facts["quick"][0].keys() == {"protocol", "spi_i", "spi_r", "enc_i", "enc_r", "auth_i", "auth_r"}

    @needs("shared-captures")
    def test_it_answers_a_socket_of_the_test_itself(self, swept: None) -> None:
        recorded = captures_dir() / "main_psk_nopfs" / "capture.pcap"
        message_1 = bytes.fromhex(run(("tshark", "-r", str(recorded), "-c", "1", "-T", "fields", "-e", "udp.payload")))
        with gateway(MAIN) as gw, udp_socket(gw.lab, gw.lab.address, 500) as lab:
            lab.sendto(message_1, (gw.address, 500))
            answer = lab.recv(2000)
            assert gw.log.said == ("ID_PROT [ SA V V V V ]",)
        assert answer[:8] == message_1[:8]


class TestLabSide:
    def test_it_runs_in_the_namespace_and_says_what_it_printed(self, link: Link, tmp_path: Path) -> None:
        with lab_side(link.left, ("--version",), directory=tmp_path) as lab:
            finished = lab.finish()
        assert finished.status == 0, finished.stderr
        assert "ikelab" in finished.stdout

    def test_misuse_is_an_exit_status_not_an_exception(self, link: Link, tmp_path: Path) -> None:
        with lab_side(link.left, ("no-such-command",), directory=tmp_path) as lab:
            assert lab.finish().status == 2

    def test_a_server_is_waited_for_and_stopped(self, link: Link, tmp_path: Path) -> None:
        server = (sys.executable, "-m", "http.server", "--bind", link.right.address)
        with lab_side(link.right, ("8080",), directory=tmp_path, command=server) as lab:
            lab.wait_for_output("Serving HTTP")
            with call_in(link.left, socket.create_connection, (link.right.address, 8080), 10):
                pass
            assert lab.stop().status == -signal.SIGTERM
