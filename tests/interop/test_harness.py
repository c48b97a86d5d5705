"""The harness proved on itself, strongSwan against strongSwan: its witnesses are held against each other.

They are the log, the kernel shim, the list of SAs, and the wire as tshark reads it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.interop.namespaces import CommandFailed, Link, run, udp_socket
from tests.interop.recorder import Recording, decrypted, recording
from tests.interop.settings import Connection, DataPlane, Encapsulation, Mode
from tests.interop.strongswan import StrongSwan, strongswan
from tests.interop.waiting import NeverHappened
from tests.needs import needs

pytestmark = needs("netns", "strongswan", "gcc", "tcpdump", "tshark")

MAIN = Connection()
AGGRESSIVE = Connection(mode=Mode.AGGRESSIVE)


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two gateways that face each other, and the recording of their cable."""

    initiator: StrongSwan
    responder: StrongSwan
    cable: Recording

    def frames(self) -> tuple[dict[str, str], ...]:
        """What tshark sees with the initiator's keys, what was sent again left out."""
        return decrypted(self.cable.catch_up(), self.initiator.log.secrets())

    def established(self) -> None:
        """Wait until the responder has its SAs too: it is the last to know."""
        self.responder.wait_for_log(r"CHILD_SA net\{1\} established")


@contextlib.contextmanager
def pair(
    link: Link,
    directory: Path,
    left: Connection,
    right: Connection | None = None,
    *,
    data_plane: DataPlane = DataPlane.NONE,
) -> Iterator[Pair]:
    """Run `left` at the left end and `right`, by default the same wish, at the right end."""
    with (
        recording(link.right, directory / "cable.pcap") as cable,
        strongswan(left, here=link.left, there=link.right, directory=directory / "left", data_plane=data_plane) as one,
        strongswan(
            right or left,
            here=link.right,
            there=link.left,
            there_seen_as=link.left_seen_as,
            directory=directory / "right",
            data_plane=data_plane,
        ) as other,
    ):
        yield Pair(initiator=one, responder=other, cable=cable)


class TestStrongSwanWithItself:
    @pytest.mark.parametrize("mode", list(Mode), ids=lambda mode: mode.name)
    @pytest.mark.parametrize(
        ("ike_proposal", "esp_proposal"),
        [
            ("aes128-sha1-modp2048", "aes128-sha1"),
            ("aes256-sha256-x25519", "aes256-sha256-x25519"),
            ("3des-md5-modp1024", "aes256gcm16-modp1024"),
        ],
    )
    def test_every_witness_tells_the_same(
        self, link: Link, tmp_path: Path, mode: Mode, ike_proposal: str, esp_proposal: str
    ) -> None:
        wish = Connection(mode=mode, ike_proposal=ike_proposal, esp_proposal=esp_proposal)
        with pair(link, tmp_path, wish) as peers:
            outcome = peers.initiator.initiate()
            assert outcome.succeeded, outcome.text
            peers.established()
            frames = peers.frames()
            logs = peers.initiator.log, peers.responder.log
            (own,), (other,) = peers.initiator.sas(), peers.responder.sas()
            installed = {sa.spi: sa for sa in peers.initiator.installed}
            assert installed == {sa.spi: sa for sa in peers.responder.installed}

        assert logs[0].secrets() == logs[1].secrets()
        assert (logs[0].said, logs[0].heard) == (logs[1].heard, logs[1].said)
        assert logs[0].complaints == logs[1].complaints == ()

        (ike,), (quick,) = logs[0].secrets().ike, logs[0].secrets().quick
        assert None not in vars(ike).values()
        assert (own.role, other.role) == ("initiator", "responder")
        for sa in (own, other):
            assert (sa.state, sa.cookie_i, sa.cookie_r) == ("ESTABLISHED", ike.cookie_i, ike.cookie_r)
        ((sent,), (received,)) = own.children, other.children
        assert (sent.spi_out, sent.spi_in) == (received.spi_in, received.spi_out) == (quick.spi_i, quick.spi_r)
        assert (sent.local_ts, sent.remote_ts) == (("10.1.0.0/24",), ("10.2.0.0/24",))

        assert set(installed) == {quick.spi_i, quick.spi_r}
        assert (installed[quick.spi_i].enc_key, installed[quick.spi_r].enc_key) == (quick.enc_i, quick.enc_r)
        assert (installed[quick.spi_i].auth_key, installed[quick.spi_r].auth_key) == (quick.auth_i, quick.auth_r)
        assert installed[quick.spi_i].source == link.left.address
        assert (quick.g_xy is not None) == ("-modp" in esp_proposal or "-x25519" in esp_proposal)

        assert {frame["ispi"] for frame in frames} == {ike.cookie_i}
        assert all("typepayload" in frame for frame in frames)
        assert len(frames) == len(logs[0].messages)
        assert [frame["typepayload"].split(",")[0] for frame in frames] == FIRST_PAYLOADS[mode]

    def test_identities_are_sent_as_they_are_written(self, link: Link, tmp_path: Path) -> None:
        left = replace(AGGRESSIVE, local_id="@#67726f757031", remote_id="vpn@ikelab.test")
        right = replace(AGGRESSIVE, local_id="vpn@ikelab.test", remote_id="@#67726f757031")
        with pair(link, tmp_path, left, right) as peers:
            assert peers.initiator.initiate().succeeded
            (sa,), frames = peers.initiator.sas(), peers.frames()
        assert (sa.local_id, sa.remote_id) == ("group1", "vpn@ikelab.test")
        assert [frame["id.type"] for frame in frames[:2]] == ["11", "3"]

    def test_ah_and_transport_mode(self, link: Link, tmp_path: Path) -> None:
        wish = Connection(
            esp_proposal=None,
            ah_proposal="sha256",
            encapsulation=Encapsulation.TRANSPORT,
            local_ts="dynamic",
            remote_ts="dynamic",
        )
        with pair(link, tmp_path, wish) as peers:
            assert peers.initiator.initiate().succeeded
            peers.established()
            (quick,) = peers.initiator.log.secrets().quick
            ((child,),) = (sa.children for sa in peers.initiator.sas())
            one, other = peers.responder.installed
        assert (child.protocol, child.mode, child.encryption) == ("AH", "TRANSPORT", None)
        assert (quick.protocol, quick.enc_i, quick.integrity) == ("AH", None, "HMAC_SHA2_256_128")
        assert {one.auth_key, other.auth_key} == {quick.auth_i, quick.auth_r}
        assert (one.protocol, one.mode, one.auth_bits) == ("AH", "transport", 128)

    @needs("nat")
    def test_through_a_nat_both_move_to_port_4500(self, link_through_nat: Link, tmp_path: Path) -> None:
        with pair(link_through_nat, tmp_path, MAIN) as peers:
            assert peers.initiator.initiate().succeeded
            peers.established()
            frames = peers.frames()
            ((child,),) = (sa.children for sa in peers.responder.sas())
            installed = peers.responder.installed
        assert {frame["src"] for frame in frames} == {link_through_nat.left_seen_as, link_through_nat.right.address}
        assert [frame["srcport"] for frame in frames if frame["src"] == link_through_nat.right.address] == [
            *("500", "500"),
            *("4500", "4500"),
        ]
        assert child.encapsulated
        assert all(4500 in (sa.encap_ports or ()) for sa in installed)

    def test_deleting_is_said_and_heard(self, link: Link, tmp_path: Path) -> None:
        with pair(link, tmp_path, MAIN) as peers:
            assert peers.initiator.initiate().succeeded
            peers.established()
            assert peers.responder.terminate_child().succeeded
            peers.initiator.wait_for("the child to go", lambda peer: [sa.children for sa in peer.sas()] == [()])
            assert peers.responder.terminate().succeeded
            peers.initiator.wait_for("the ISAKMP SA to go", lambda peer: peer.sas() == ())
            assert peers.initiator.log.heard[-2:] == ("INFORMATIONAL_V1 [ HASH D ]",) * 2

    def test_a_rekeyed_child_has_keys_of_its_own(self, link: Link, tmp_path: Path) -> None:
        with pair(link, tmp_path, replace(MAIN, esp_proposal="aes128-sha1-modp2048")) as peers:
            assert peers.initiator.initiate().succeeded
            peers.established()
            assert peers.responder.rekey_child().succeeded
            peers.initiator.wait_for("a second pair of SAs", lambda peer: len(peer.installed) == 4)
            first, second = peers.initiator.log.secrets().quick
        assert not {first.spi_i, first.spi_r, first.enc_i, first.g_xy} & {
            second.spi_i,
            second.spi_r,
            second.enc_i,
            second.g_xy,
        }

    def test_a_crash_is_not_announced_and_a_stop_is(self, link: Link, tmp_path: Path) -> None:
        with pair(link, tmp_path, MAIN) as peers:
            assert peers.initiator.initiate().succeeded
            peers.established()
            peers.responder.crash()
            assert peers.initiator.sas()
            peers.initiator.stop()
            assert len(peers.frames()) == 9 + 2
            assert peers.initiator.log.said[-2:] == ("INFORMATIONAL_V1 [ HASH D ]",) * 2

    @needs("tun")
    def test_the_user_space_data_plane_carries_packets(self, link: Link, tmp_path: Path) -> None:
        with pair(link, tmp_path, MAIN, data_plane=DataPlane.USERSPACE) as peers:
            assert peers.initiator.initiate().succeeded
            peers.established()
            with (
                udp_socket(link.left, link.left.inner_address) as one,
                udp_socket(link.right, link.right.inner_address, 7) as other,
            ):
                for _ in range(2):
                    one.sendto(b"through the tunnel", (link.right.inner_address, 7))
                    octets, source = other.recvfrom(100)
                    other.sendto(octets, source)
                    assert one.recv(100) == b"through the tunnel"
            ((child,),) = (sa.children for sa in peers.responder.sas())
            (quick,) = peers.initiator.log.secrets().quick
            esp = [frame for frame in peers.frames() if "spi" in frame]
        assert (child.packets_in, child.packets_out) == (2, 2)
        assert {frame["spi"] for frame in esp} == {f"0x{quick.spi_i}", f"0x{quick.spi_r}"}
        assert [frame["sequence"] for frame in esp] == ["1", "1", "2", "2"]
        assert {frame["dstport"].split(",")[0] for frame in esp} == {"4500"}
        assert {frame["dst"].split(",")[1] for frame in esp} == {link.left.inner_address, link.right.inner_address}


FIRST_PAYLOADS = {
    Mode.MAIN: ["1", "1", "4", "4", "5", "5", "8", "8", "8"],
    Mode.AGGRESSIVE: ["1", "1", "8", "8", "8", "8"],
}
"""SA, KE, ID or HASH: what each message of phase 1 and of Quick Mode begins with once tshark has decrypted it."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Two wishes that cannot meet, and how both sides put it."""

    name: str
    left: Connection = MAIN
    right: Connection = MAIN
    initiator_complains: str
    responder_complains: str | None
    last_heard: str


FAILURES = (
    Failure(
        name="phase 1 proposal",
        left=replace(MAIN, ike_proposal="aes256-sha256-modp2048"),
        initiator_complains="received NO_PROPOSAL_CHOSEN error notify",
        responder_complains="no proposal found",
        last_heard="INFORMATIONAL_V1 [ N(NO_PROP) ]",
    ),
    Failure(
        name="phase 1 group",
        left=replace(MAIN, ike_proposal="aes128-sha1-modp3072"),
        initiator_complains="received NO_PROPOSAL_CHOSEN error notify",
        responder_complains="no proposal found",
        last_heard="INFORMATIONAL_V1 [ N(NO_PROP) ]",
    ),
    Failure(
        name="PSK, Main Mode",
        left=replace(MAIN, psk="wrong horse"),
        initiator_complains="establishing IKE_SA failed, peer not responding",
        responder_complains="could not decrypt payloads",
        last_heard="ID_PROT [ KE No NAT-D NAT-D ]",
    ),
    Failure(
        name="PSK, Aggressive Mode",
        left=replace(AGGRESSIVE, psk="wrong horse"),
        right=AGGRESSIVE,
        initiator_complains="calculated HASH does not match HASH payload",
        responder_complains=None,
        last_heard="AGGRESSIVE [ SA KE No ID V V V V NAT-D NAT-D HASH ]",
    ),
    Failure(
        name="identity",
        left=replace(MAIN, local_id="carol@ikelab.test"),
        right=replace(MAIN, remote_id="dave@ikelab.test"),
        initiator_complains="received AUTHENTICATION_FAILED error notify",
        responder_complains="no peer config found",
        last_heard="INFORMATIONAL_V1 [ HASH N(AUTH_FAILED) ]",
    ),
    Failure(
        name="Aggressive Mode to a Main Mode gateway",
        left=AGGRESSIVE,
        initiator_complains="received AUTHENTICATION_FAILED error notify",
        responder_complains="found 1 matching config, but none allows pre-shared key authentication using Aggressive "
        "Mode",
        last_heard="INFORMATIONAL_V1 [ N(AUTH_FAILED) ]",
    ),
    Failure(
        name="phase 2 proposal",
        left=replace(MAIN, esp_proposal="aes256-sha256"),
        initiator_complains="received NO_PROPOSAL_CHOSEN error notify",
        responder_complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
        last_heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
    ),
    Failure(
        name="PFS on one side",
        left=replace(MAIN, esp_proposal="aes128-sha1-modp2048"),
        initiator_complains="received NO_PROPOSAL_CHOSEN error notify",
        responder_complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
        last_heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
    ),
    Failure(
        name="selectors",
        left=replace(MAIN, remote_ts="10.7.0.0/24"),
        initiator_complains="received INVALID_ID_INFORMATION error notify",
        responder_complains="no matching CHILD_SA config found for 10.1.0.0/24 === 10.7.0.0/24",
        last_heard="INFORMATIONAL_V1 [ HASH N(INVAL_ID) ]",
    ),
)


class TestFailures:
    @pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
    def test_both_sides_say_why(self, link: Link, tmp_path: Path, failure: Failure) -> None:
        with pair(link, tmp_path, failure.left, failure.right) as peers:
            outcome = peers.initiator.initiate()
            initiator, responder = peers.initiator.log, peers.responder.log
        assert not outcome.succeeded
        assert failure.initiator_complains in initiator.complaints
        assert initiator.heard[-1] == failure.last_heard
        if failure.responder_complains is None:
            assert responder.complaints == ()
        else:
            assert failure.responder_complains in responder.complaints

    def test_a_wrong_psk_leaves_the_two_with_different_secrets_under_the_same_cookies(
        self, link: Link, tmp_path: Path
    ) -> None:
        with pair(link, tmp_path, replace(MAIN, psk="wrong horse"), MAIN) as peers:
            peers.initiator.initiate()
            (own,), (other,) = peers.initiator.log.secrets().ike, peers.responder.log.secrets().ike
            frames = peers.frames()
        assert (own.cookie_i, own.cookie_r, own.g_xy) == (other.cookie_i, other.cookie_r, other.g_xy)
        assert own.SKEYID != other.SKEYID
        assert own.Ka != other.Ka
        sender = {frame["src"] for frame in frames if frame["flag_e"] == "1" and frame["typepayload"].startswith("5,8")}
        assert sender == {link.left.address}

    def test_nobody_at_the_other_end(self, link: Link, tmp_path: Path) -> None:
        with strongswan(MAIN, here=link.left, there=link.right, directory=tmp_path) as peer:
            outcome = peer.initiate()
            assert not outcome.succeeded
            assert peer.log.complaints[-2:] == (
                "giving up after 2 retransmits",
                "establishing IKE_SA failed, peer not responding",
            )


class TestStrongSwanItself:
    def test_a_configuration_it_refuses_is_quoted(self, link: Link, tmp_path: Path) -> None:
        refused = strongswan(
            replace(MAIN, ike_proposal="aes128-nonsense"), here=link.left, there=link.right, directory=tmp_path
        )
        with pytest.raises(CommandFailed, match="aes128-nonsense"), refused:
            pass

    def test_a_failure_in_the_block_carries_its_story(self, link: Link, tmp_path: Path) -> None:
        with (
            pytest.raises(ZeroDivisionError) as raised,
            strongswan(MAIN, here=link.left, there=link.right, directory=tmp_path),
        ):
            raise ZeroDivisionError
        (note,) = raised.value.__notes__
        assert note.startswith("what charon at 10.99.0.1 had to say:")
        assert "loaded IKE shared key" in note

    def test_what_does_not_happen_is_told_with_the_story(self, link: Link, tmp_path: Path) -> None:
        peer = strongswan(MAIN, here=link.left, there=link.right, directory=tmp_path)
        with peer as charon, pytest.raises(NeverHappened, match="loaded IKE shared key"):
            charon.wait_for_log("no such line", within=0.05)

    def test_it_is_gone_afterwards(self, link: Link, tmp_path: Path) -> None:
        with strongswan(MAIN, here=link.left, there=link.right, directory=tmp_path):
            assert run(("ip", "netns", "pids", link.left.name)).split()
        assert run(("ip", "netns", "pids", link.left.name)).split() == []

    def test_a_socket_path_that_is_too_long(self, link: Link, tmp_path: Path) -> None:
        with (
            pytest.raises(ValueError, match="at most 107 octets"),
            strongswan(MAIN, here=link.left, there=link.right, directory=tmp_path / ("x" * 107)),
        ):
            pass
