"""strongSwan and ikelab agree on more than ESP in tunnel mode: AH, transport mode, IPComp, each in both roles.

Nothing carries packets here; what both have computed is held to what charon logged and gave its kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop.gateway import gateway, lab_side
from tests.interop.namespaces import Link
from tests.interop.ours import Words, connect, serving, told
from tests.interop.settings import Connection, Encapsulation, Mode
from tests.interop.test_strongswan_agrees import agree
from tests.needs import needs

pytestmark = needs("netns", "strongswan", "gcc", "tcpdump", "tshark")


TOLD = ("protocol", "spi_i", "spi_r", "g_xy", "enc_i", "enc_r", "auth_i", "auth_r")
"""What charon's log and our keys file both say of a Quick Mode."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the gateway wants, and what we are told; how charon lists what came of it: mode and protocol."""

    theirs: Connection
    ours: Words
    listed: tuple[str, str]
    pfs: str | None = None
    cpis: bool = False


AH = Connection(esp_proposal=None, ah_proposal="sha256")
TRANSPORT = Connection(encapsulation=Encapsulation.TRANSPORT, local_ts="10.99.0.2/32", remote_ts="10.99.0.1/32")
PEERS = {"local_ts": "10.99.0.1", "remote_ts": "10.99.0.2"}

CASES = {
    "AH": Case(theirs=AH, ours=Words(esp=None, more=("--ah", "sha256")), listed=("TUNNEL", "AH")),
    "AH with PFS, SHA-1": Case(
        theirs=Connection(esp_proposal=None, ah_proposal="sha1-modp2048"),
        ours=Words(esp=None, pfs="modp2048", more=("--ah", "sha1")),
        listed=("TUNNEL", "AH"),
        pfs="modp2048",
    ),
    "transport": Case(theirs=TRANSPORT, ours=Words(**PEERS, more=("--transport",)), listed=("TRANSPORT", "ESP")),
    "AH, transport": Case(
        theirs=Connection(
            esp_proposal=None,
            ah_proposal="sha384",
            encapsulation=Encapsulation.TRANSPORT,
            local_ts="10.99.0.2/32",
            remote_ts="10.99.0.1/32",
        ),
        ours=Words(esp=None, **PEERS, more=("--transport", "--ah", "sha384")),
        listed=("TRANSPORT", "AH"),
    ),
    "transport, one protocol and port": Case(
        theirs=Connection(
            encapsulation=Encapsulation.TRANSPORT,
            local_ts="10.99.0.2/32[udp/1701]",
            remote_ts="10.99.0.1/32[udp/1701]",
        ),
        ours=Words(local_ts="10.99.0.1[udp/1701]", remote_ts="10.99.0.2[udp/1701]", more=("--transport",)),
        listed=("TRANSPORT", "ESP"),
    ),
    "a range, and a port": Case(
        theirs=Connection(local_ts="10.2.0.5[tcp/80]", remote_ts="10.1.0.5-10.1.0.9[tcp]"),
        ours=Words(local_ts="10.1.0.5-10.1.0.9[tcp]", remote_ts="10.2.0.5[tcp/80]"),
        listed=("TUNNEL", "ESP"),
    ),
    "IPv6 networks": Case(
        theirs=Connection(local_ts="fd00:2::/64", remote_ts="fd00:1::/48"),
        ours=Words(local_ts="fd00:1::/48", remote_ts="fd00:2::/64"),
        listed=("TUNNEL", "ESP"),
    ),
    "we keep it for less time, and less traffic": Case(
        theirs=Connection(),
        ours=Words(more=("--esp-life", "600", "--esp-kilobytes", "90000")),
        listed=("TUNNEL", "ESP"),
    ),
    "64-bit sequence numbers": Case(
        theirs=Connection(esp_proposal="aes128-sha256-esn"),
        ours=Words(esp="aes128-sha256-esn"),
        listed=("TUNNEL", "ESP"),
    ),
    "IPComp": Case(
        theirs=Connection(child_more={"ipcomp": "yes"}),
        ours=Words(more=("--ipcomp", "deflate")),
        listed=("TUNNEL", "ESP"),
        cpis=True,
    ),
    "IPComp that the gateway does not want": Case(
        theirs=Connection(), ours=Words(more=("--ipcomp", "deflate")), listed=("TUNNEL", "ESP")
    ),
    "IPComp that we do not want": Case(
        theirs=Connection(child_more={"ipcomp": "yes"}), ours=Words(), listed=("TUNNEL", "ESP")
    ),
}


@pytest.fixture(params=CASES.values(), ids=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    found = request.param
    assert isinstance(found, Case)
    return found


class TestAsInitiator:
    def test_all_agree(self, link: Link, tmp_path: Path, case: Case) -> None:
        with gateway(case.theirs, link=link, directory=tmp_path) as gw:
            ours = connect(gw, case.ours)
            gw.wait_for_log("received DELETE for IKE_SA")
            agree(gw, ours, Mode.MAIN, case.pfs)
            assert [("cpi" in sa) for sa in ours.result["sas"]] == [case.cpis] * 2


class TestTheResponderOfTheIsakmpSa:
    @pytest.mark.parametrize("pfs", [None, "modp2048"], ids=["no PFS", "PFS"])
    def test_may_begin_a_quick_mode(self, link: Link, tmp_path: Path, pfs: str | None) -> None:
        """The gateway makes a new pair under the SA that we began; both have the keys of both pairs."""
        proposal = f"aes128-sha1-{pfs}" if pfs else "aes128-sha1"
        with gateway(Connection(esp_proposal=proposal), link=link, directory=tmp_path) as gw:
            argv = Words(pfs=pfs, more=("--keep",)).argv(gw)
            with lab_side(gw.lab, ["connect", gw.address, *argv], directory=tmp_path) as lab:
                lab.wait_for_output("established with")
                gw.wait_for_log(r"CHILD_SA net\{1\} established")
                assert gw.charon.rekey_child().succeeded
                gw.wait_for_log(r"CHILD_SA net\{2\} established")
                assert gw.terminate().succeeded
                ended = lab.finish(within=30)
            ours = told(ended.status, ended.stdout, ended.stderr, tmp_path)
            theirs = [
                {name: value for name in TOLD if (value := getattr(each, name)) is not None}
                for each in gw.secrets().quick
            ]
            assert len(theirs) == 2
            assert ours.keys["quick"] == theirs


class TestAsResponder:
    def test_part_of_our_networks_is_enough_where_we_say_so(self, link: Link, tmp_path: Path) -> None:
        ours = Words(local_ts="10.1.0.0/16", remote_ts="10.0.0.0/8", more=("--selectors", "subset"))
        with gateway(Connection(remote_ts="10.1.0.0/25[udp]"), link=link, directory=tmp_path) as gw:
            with serving(gw, ours) as lab:
                outcome = gw.initiate()
                assert outcome.succeeded, outcome.text
                ((child,),) = (sa.children for sa in gw.sas())
                assert child.remote_ts == ("10.1.0.0/25[udp]",)
                assert gw.terminate().succeeded
                finished = lab.finish()
            agree(gw, told(finished.status, finished.stdout, finished.stderr, tmp_path), Mode.MAIN, None)

    def test_all_agree(self, link: Link, tmp_path: Path, case: Case) -> None:
        with gateway(case.theirs, link=link, directory=tmp_path) as gw:
            with serving(gw, case.ours) as lab:
                outcome = gw.initiate()
                assert outcome.succeeded, outcome.text
                ((child,),) = (sa.children for sa in gw.sas())
                assert (child.mode, child.protocol) == case.listed
                assert gw.terminate().succeeded
                finished = lab.finish()
            ours = told(finished.status, finished.stdout, finished.stderr, tmp_path)
            agree(gw, ours, Mode.MAIN, case.pfs)
            assert [("cpi" in sa) for sa in ours.result["sas"]] == [case.cpis] * 2
