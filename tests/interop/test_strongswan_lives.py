"""With a live gateway: whoever deletes, the other hears it; and what is lost on the way is said again.

charon reads in several threads: where two Deletes come in a row, the later one may be the first to be read, and then
the other finds no SA any more. So what was sent is looked for on the wire, and what it did in the list of SAs.
Packets are lost in the kernel of the receiving machine: the first one of a kind never arrives, the next ones do.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.interop.gateway import LabSide, gateway, lab_side
from tests.interop.namespaces import Link, Namespace, run_in
from tests.interop.ours import Told, Words, connect, payloads_of, serving, told
from tests.interop.settings import Connection, Mode, Patience
from tests.needs import needs

pytestmark = needs("netns", "strongswan", "gcc", "tcpdump", "tshark")

MAIN, AGGRESSIVE = Connection(), Connection(mode=Mode.AGGRESSIVE)
PATIENT, SLOW = Patience(wait=0.5, tries=8), Patience(wait=6.0, tries=2)
"""A gateway that is quicker to repeat itself than we are, and one that leaves it to us."""
IDENTITY_PROTECTION, AGGRESSIVE_MODE, QUICK_MODE = 2, 4, 32
SA, KE, ID, HASH = 1, 4, 5, 8


def lose_the_first(receiver: Namespace, exchange: int, next_payload: int, *, shorter_than: int = 65535) -> None:
    """Let the first datagram to UDP port 500 with this exchange type and next payload vanish on arrival."""
    rules = f"""
table ip losing {{
  chain arriving {{
    type filter hook input priority 0
    udp dport 500 udp length < {shorter_than} @th,192,8 {next_payload} @th,208,8 {exchange} \\
      limit rate 1/hour burst 1 packets counter drop
  }}
}}
"""
    run_in(receiver, ("nft", "-f", "-"), stdin=rules)


def lost(receiver: Namespace) -> int:
    """How many have vanished."""
    found = re.search(r"counter packets (\d+)", run_in(receiver, ("nft", "list", "table", "ip", "losing")))
    assert found is not None
    return int(found[1])


def finished(lab: LabSide, directory: Path) -> Told:
    ended = lab.finish(within=30)
    return told(ended.status, ended.stdout, ended.stderr, directory)


def repeated(ours: Told) -> list[int]:
    """The numbers of the messages that were said again."""
    return [each["retransmission_of"] for each in ours.result["messages"] if each["retransmission_of"] is not None]


class TestOnThePortOfNatTraversal:
    def test_a_gateway_may_begin_there(self, link: Link, tmp_path: Path) -> None:
        """All of it on UDP 4500, behind Non-ESP Markers (RFC 3948 §2.2): tshark reads none without them there."""
        wish = Connection(more={"local_port": 4500, "remote_port": 4500})
        with gateway(wish, link=link, directory=tmp_path) as gw:
            with serving(gw, Words(more=("--natt-port", "4500"))) as lab:
                outcome = gw.initiate()
                assert outcome.succeeded, outcome.text
                assert gw.terminate().succeeded
                ours = finished(lab, tmp_path)
            assert (ours.status, ours.result["established"]) == (0, True)
            assert {datagram.octets[:4] for datagram in ours.recording} == {bytes(4)}
            assert {frame["dstport"] for frame in ours.frames} == {"4500"}
            assert payloads_of(ours.frames) == ours.payloads() == payloads_of(gw.frames())


class TestDeleting:
    def test_we_began_and_delete(self, link: Link, tmp_path: Path) -> None:
        with gateway(MAIN, link=link, directory=tmp_path) as gw:
            ours = connect(gw, Words())
            gw.wait_for_log(r"received DELETE for IKE_SA ike\[1\]")
            gw.charon.wait_for("no SA", lambda peer: peer.sas() == ())
            assert (ours.status, payloads_of(ours.frames)[-2:]) == (0, [[HASH, 12], [HASH, 12]])

    @pytest.mark.parametrize("wish", [MAIN, AGGRESSIVE], ids=["MAIN", "AGGRESSIVE"])
    def test_we_began_and_the_gateway_deletes(self, link: Link, tmp_path: Path, wish: Connection) -> None:
        with gateway(wish, link=link, directory=tmp_path) as gw:
            words = Words(mode=wish.mode, more=("--keep",))
            with lab_side(gw.lab, ["connect", gw.address, *words.argv(gw)], directory=tmp_path) as lab:
                lab.wait_for_output("established with")
                gw.wait_for_log(r"CHILD_SA net\{1\} established")
                (sa,) = gw.sas()
                assert sa.children
                assert gw.charon.terminate_child().succeeded
                assert gw.terminate().succeeded
                ours = finished(lab, tmp_path)
            assert (ours.status, ours.result["established"]) == (0, True)
            assert payloads_of(ours.frames)[-2:] == [[HASH, 12], [HASH, 12]]
            deleted = [datagram.source.address for datagram in ours.recording[-2:]]
            assert deleted == [gw.address, gw.address]

    def test_the_gateway_began_and_we_delete(self, link: Link, tmp_path: Path) -> None:
        with gateway(MAIN, link=link, directory=tmp_path) as gw:
            with serving(gw, Words()) as lab:
                assert gw.initiate().succeeded
                lab.wait_for_output("established with 10.99.0.2:500")
                ended = lab.stop()
            ours = told(ended.status, ended.stdout, ended.stderr, tmp_path)
            gw.wait_for_log(r"received DELETE for IKE_SA ike\[1\]")
            gw.charon.wait_for("no SA", lambda peer: peer.sas() == ())
            assert (ours.status, ours.payloads()[-2:]) == (0, [[HASH, 12], [HASH, 12]])

    def test_the_gateway_began_and_deletes_the_child_before_the_rest(self, link: Link, tmp_path: Path) -> None:
        with gateway(MAIN, link=link, directory=tmp_path) as gw:
            with serving(gw, Words()) as lab:
                assert gw.initiate().succeeded
                assert gw.charon.terminate_child().succeeded
                (sa,) = gw.sas()
                assert sa.children == ()
                assert gw.terminate().succeeded
                ours = finished(lab, tmp_path)
            senders = [message["from"] for message in ours.result["messages"] if message["payloads"] == [HASH, 12]]
            assert senders == ["initiator", "initiator"]  # nothing was left for us to delete
            assert (ours.status, ours.result["established"]) == (0, True)


@needs("nat")
class TestWhatIsLostIsSaidAgain:
    @pytest.mark.parametrize(
        ("exchange", "first", "to_gateway", "number"),
        [
            (IDENTITY_PROTECTION, SA, True, 1),
            (IDENTITY_PROTECTION, KE, False, 3),  # message 4 is lost, so message 3 is repeated
            (IDENTITY_PROTECTION, ID, True, 5),
            (QUICK_MODE, HASH, False, 7),  # message 8 is lost
        ],
        ids=["message 1", "message 4", "message 5", "message 8"],
    )
    def test_as_initiator(
        self, link: Link, tmp_path: Path, exchange: int, first: int, to_gateway: bool, number: int
    ) -> None:
        with gateway(MAIN, link=link, directory=tmp_path, patience=SLOW) as gw:
            receiver = link.right if to_gateway else link.left
            lose_the_first(receiver, exchange, first)
            ours = connect(gw, Words())
            assert lost(receiver) == 1
            assert (ours.status, ours.result["established"]) == (0, True)
            assert number in repeated(ours)
            gw.wait_for_log("received DELETE for IKE_SA")
            assert [(sa["spi"], sa["enc"]) for sa in ours.result["sas"]] == [
                (sa.spi, sa.enc_key) for sa in sorted(gw.installed, key=lambda sa: sa.source != gw.lab.address)
            ]

    @pytest.mark.parametrize(
        ("exchange", "first", "number"),
        [
            (IDENTITY_PROTECTION, SA, 1),  # message 2 is lost: the gateway repeats 1, we repeat 2
            (IDENTITY_PROTECTION, ID, 5),  # message 6 is lost
            (QUICK_MODE, HASH, 7),  # message 8 is lost
        ],
        ids=["message 2", "message 6", "message 8"],
    )
    def test_as_responder(self, link: Link, tmp_path: Path, exchange: int, first: int, number: int) -> None:
        with gateway(MAIN, link=link, directory=tmp_path, patience=PATIENT) as gw:
            lose_the_first(link.right, exchange, first)
            with serving(gw, Words()) as lab:
                outcome = gw.initiate()
                assert outcome.succeeded, outcome.text
                assert gw.terminate().succeeded
                ours = finished(lab, tmp_path)
            assert lost(link.right) == 1
            assert (ours.status, ours.result["established"]) == (0, True)
            assert {number, number + 1} <= set(repeated(ours))

    def test_message_3_of_aggressive_mode(self, link: Link, tmp_path: Path) -> None:
        """It is repeated when the gateway, which heard none, repeats its own message 2."""
        with gateway(AGGRESSIVE, link=link, directory=tmp_path, patience=PATIENT) as gw:
            lose_the_first(link.right, AGGRESSIVE_MODE, HASH)
            ours = connect(gw, Words(mode=Mode.AGGRESSIVE))
            assert lost(link.right) == 1
            assert (ours.status, ours.result["established"]) == (0, True)
            assert 3 in repeated(ours)

    def test_message_3_of_quick_mode(self, link: Link, tmp_path: Path) -> None:
        """Nothing answers it: the gateway repeats its message 2, and that brings it out again."""
        with gateway(MAIN, link=link, directory=tmp_path, patience=PATIENT) as gw:
            lose_the_first(link.right, QUICK_MODE, HASH, shorter_than=100)
            words = Words(more=("--keep",))
            with lab_side(gw.lab, ["connect", gw.address, *words.argv(gw)], directory=tmp_path) as lab:
                lab.wait_for_output("established with")
                gw.wait_for_log(r"CHILD_SA net\{1\} established")
                assert gw.terminate().succeeded
                ours = finished(lab, tmp_path)
            assert lost(link.right) == 1
            assert (ours.status, ours.result["established"]) == (0, True)
            assert len(gw.installed) == 2
