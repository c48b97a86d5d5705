"""strongSwan and ikelab agree: in both roles, in Main and Aggressive Mode, on every secret and every key.

Four witnesses: what ikelab computed, what charon logged, what charon gave its kernel, and what tshark reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from ikelab.follow import Followed, Follower
from ikelab.ike.beliefs import Beliefs
from tests.interop.gateway import Gateway, gateway
from tests.interop.namespaces import Link
from tests.interop.ours import Told, Words, connect, payloads_of, serving, told
from tests.interop.settings import Connection, Mode
from tests.needs import needs

pytestmark = needs("netns", "strongswan", "gcc", "tcpdump", "tshark")

PHASE_1 = {
    Mode.MAIN: [[1], [1], [4, 10], [4, 10], [5, 8], [5, 8]],
    Mode.AGGRESSIVE: [[1, 4, 10, 5], [1, 4, 10, 5, 8], [8]],
}
"""The payloads of each message of phase 1, badges, notifications and NAT-D aside."""
BADGES = {11, 13, 20}


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Algorithms for both phases; `esp` is without PFS, `group` is for it."""

    ike: str
    esp: str
    group: str


OLD = Suite(ike="aes128-sha1-modp2048", esp="aes128-sha1", group="modp2048")
NEW = Suite(ike="aes256-sha256-x25519", esp="aes256-sha256", group="x25519")


@pytest.fixture(params=[OLD, NEW], ids=lambda suite: suite.ike)
def suite(request: pytest.FixtureRequest) -> Suite:
    found = request.param
    assert isinstance(found, Suite)
    return found


@pytest.fixture(params=list(Mode), ids=lambda mode: mode.name)
def mode(request: pytest.FixtureRequest) -> Mode:
    return Mode(request.param)


@pytest.fixture(params=["no PFS", "PFS"])
def pfs(request: pytest.FixtureRequest, suite: Suite) -> str | None:
    return suite.group if request.param == "PFS" else None


def wishes(suite: Suite, mode: Mode, pfs: str | None) -> tuple[Connection, Words]:
    """The gateway's and ours: one names the group in its proposal, the other beside it."""
    proposal = f"{suite.esp}-{pfs}" if pfs else suite.esp
    return (
        Connection(mode=mode, ike_proposal=suite.ike, esp_proposal=proposal),
        Words(mode=mode, ike=suite.ike, esp=suite.esp, pfs=pfs),
    )


def agree(gw: Gateway, ours: Told, mode: Mode, pfs: str | None) -> None:
    """Every witness tells the same."""
    assert (ours.status, ours.result["established"], ours.result["refused"]) == (0, True, None), ours.said
    quick_mode = [8, 1, 10, 4, 5, 5] if pfs else [8, 1, 10, 5, 5]
    bare = [[each for each in payloads if each not in BADGES] for payloads in ours.payloads()]
    assert bare[: len(PHASE_1[mode]) + 3] == [*PHASE_1[mode], quick_mode, quick_mode, [8]]
    the_log_knows_the_same_secrets(gw, ours, pfs)
    the_kernel_was_given_the_same_keys(gw, ours)
    tshark_reads_all_of_our_recording(ours)
    the_gateways_own_recording_holds_the_same(gw, ours)
    our_own_listener_verifies_every_hash(ours)


def the_log_knows_the_same_secrets(gw: Gateway, ours: Told, pfs: str | None) -> None:
    (theirs,), (quick,) = gw.secrets().ike, gw.secrets().quick
    secrets = ours.result["secrets"]
    for name in ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "HASH_I", "HASH_R"):
        assert secrets[name] == getattr(theirs, name), name
    assert (secrets["g^xy"], secrets["IV"]) == (theirs.g_xy, theirs.iv0)
    (told_ike,), (told_quick,) = ours.keys["ike"], ours.keys["quick"]
    assert told_ike == {name: value for name, value in vars(theirs).items() if value is not None}
    names = ("protocol", "spi_i", "spi_r", "g_xy", "enc_i", "enc_r", "auth_i", "auth_r")
    assert told_quick == {name: value for name in names if (value := getattr(quick, name)) is not None}
    assert ("g_xy" in told_quick) == (pfs is not None)


def the_kernel_was_given_the_same_keys(gw: Gateway, ours: Told) -> None:
    installed = {(sa.protocol, sa.spi, sa.enc_key, sa.auth_key) for sa in gw.installed}
    made = ours.result["sas"]
    compressed = {("IPCOMP", f"0000{sa['cpi']}", None, None) for sa in made if "cpi" in sa}
    assert installed == {(sa["protocol"], sa["spi"], sa["enc"], sa["auth"]) for sa in made} | compressed
    assert len(made) == 2
    sources = {sa.spi: sa.source for sa in gw.installed}
    we_began = ours.recording[0].source.address == gw.lab.address
    initiator, responder = (gw.lab.address, gw.address) if we_began else (gw.address, gw.lab.address)
    assert [sources[sa["spi"]] for sa in ours.result["sas"]] == [initiator, responder]


def tshark_reads_all_of_our_recording(ours: Told) -> None:
    frames, messages = ours.frames, [m for m in ours.result["messages"] if m["retransmission_of"] is None]
    assert all("typepayload" in frame for frame in frames)
    assert payloads_of(frames)[: len(messages)] == ours.payloads()
    assert payloads_of(frames)[-2:] == [[8, 12], [8, 12]]
    for frame, message in zip(frames, messages, strict=False):
        assert int(frame["exchangetype"]) == message["exchange"]
        assert frame["messageid"] == f"0x{message['message_id']}"
        assert frame["flag_e"] == str(int(message["encrypted"]))


def the_gateways_own_recording_holds_the_same(gw: Gateway, ours: Told) -> None:
    """Decrypted with charon's keys: nothing of ours is in this."""
    assert payloads_of(gw.frames()) == payloads_of(ours.frames)


def our_own_listener_verifies_every_hash(ours: Told) -> None:
    follower = Follower(Beliefs.from_json(ours.keys))
    proofs: dict[str, bool] = {}
    for datagram in ours.recording:
        followed = follower.hear(datagram)
        assert isinstance(followed, Followed)
        assert (followed.decrypted, followed.error) in ((None, None), (True, None))
        for name, holds in followed.verified.items():
            proofs[name] = proofs.get(name, True) and holds
    assert proofs == dict.fromkeys(("HASH_I", "HASH_R", "HASH(1)", "HASH(2)", "HASH(3)"), True)


class TestAsInitiator:
    def test_all_agree(self, link: Link, tmp_path: Path, suite: Suite, mode: Mode, pfs: str | None) -> None:
        theirs, words = wishes(suite, mode, pfs)
        with gateway(theirs, link=link, directory=tmp_path) as gw:
            ours = connect(gw, words)
            gw.wait_for_log("received DELETE for IKE_SA")
            agree(gw, ours, mode, pfs)


class TestAsResponder:
    def test_all_agree(self, link: Link, tmp_path: Path, suite: Suite, mode: Mode, pfs: str | None) -> None:
        theirs, words = wishes(suite, mode, pfs)
        with gateway(theirs, link=link, directory=tmp_path) as gw:
            with serving(gw, words) as lab:
                outcome = gw.initiate()
                assert outcome.succeeded, outcome.text
                assert gw.terminate().succeeded
                finished = lab.finish()
            agree(gw, told(finished.status, finished.stdout, finished.stderr, tmp_path), mode, pfs)
