"""Where the two ends cannot meet: what strongSwan says, what ikelab says, and who learns why.

Each failure is tried both ways: ikelab begins and strongSwan refuses, strongSwan begins and ikelab refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from ikelab.wire.numbers import Notify
from tests.interop.gateway import Gateway, gateway
from tests.interop.namespaces import Link
from tests.interop.ours import Told, Words, connect, serving, told
from tests.interop.settings import Connection, Encapsulation, Mode
from tests.needs import needs

pytestmark = needs("netns", "strongswan", "gcc", "tcpdump", "tshark")

MAIN, AGGRESSIVE = Connection(), Connection(mode=Mode.AGGRESSIVE)
OURS, OURS_AGGRESSIVE = Words(), Words(mode=Mode.AGGRESSIVE)
HOSTS = Connection(local_ts="10.99.0.2/32", remote_ts="10.99.0.1/32")
OURS_OF_HOSTS = Words(local_ts="10.99.0.1", remote_ts="10.99.0.2")
WRONG = "another horse, another battery"


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What the two want, and what both sides say.

    at, by, notify: which message was refused, by which role, and with which Notify Message Type, as ikelab tells it.
    why: found in our explanation. heard: the last message that charon could read. complains: a line of its log.
    """

    name: str
    theirs: Connection = MAIN
    ours: Words = OURS
    at: int
    by: str
    notify: int | None
    why: str
    heard: str
    complains: str


SAYS_NO = "the other side says NO-PROPOSAL-CHOSEN"
FIRST, OFFER = "ID_PROT [ SA ]", "QUICK_MODE [ HASH SA No ID ID ]"
OFFER_WITH_KE = "QUICK_MODE [ HASH SA No KE ID ID ]"
FAREWELL = "INFORMATIONAL_V1 [ HASH D ]"

STRONGSWAN_REFUSES = (
    Failure(
        name="pre-shared key, Main Mode",
        ours=replace(OURS, psk=WRONG),
        at=6,
        by="initiator",  # the gateway's refusal is protected, with keys that we do not have
        notify=Notify.PAYLOAD_MALFORMED,
        why="decrypted to nonsense",
        heard="ID_PROT [ KE No ]",
        complains="could not decrypt payloads",
    ),
    Failure(
        name="pre-shared key, Aggressive Mode",
        theirs=AGGRESSIVE,
        ours=replace(OURS_AGGRESSIVE, psk=WRONG),
        at=2,
        by="initiator",
        notify=Notify.AUTHENTICATION_FAILED,
        why="HASH_R of 10.99.0.2: expected",
        heard="AGGRESSIVE [ SA KE No ID ]",
        complains="establishing IKE_SA failed, peer not responding",  # it passes over our refusal, which came in clear
    ),
    Failure(
        name="phase 1 proposal",
        ours=replace(OURS, ike="aes256-sha256-modp2048"),
        at=1,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=FIRST,
        complains="no proposal found",
    ),
    Failure(
        name="phase 1 group",
        ours=replace(OURS, ike="aes128-sha1-modp3072"),
        at=1,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=FIRST,
        complains="no proposal found",
    ),
    Failure(
        name="Aggressive Mode to a Main Mode gateway",
        ours=OURS_AGGRESSIVE,
        at=1,
        by="responder",
        notify=Notify.AUTHENTICATION_FAILED,
        why="the other side says AUTHENTICATION-FAILED",
        heard="AGGRESSIVE [ SA KE No ID ]",
        complains="found 1 matching config, but none allows pre-shared key authentication using Aggressive Mode",
    ),
    Failure(
        name="Main Mode to an Aggressive Mode gateway",
        theirs=AGGRESSIVE,
        at=5,
        by="responder",
        notify=Notify.AUTHENTICATION_FAILED,
        why="the other side says AUTHENTICATION-FAILED",
        heard="ID_PROT [ ID HASH ]",
        complains="found 1 matching config, but none allows pre-shared key authentication using Main Mode",
    ),
    Failure(
        name="identity that the gateway does not know",
        theirs=replace(MAIN, remote_id="carol@ikelab.test"),
        at=5,
        by="responder",
        notify=Notify.AUTHENTICATION_FAILED,
        why="the other side says AUTHENTICATION-FAILED",
        heard="ID_PROT [ ID HASH ]",
        complains="no peer config found",
    ),
    Failure(
        name="identity that we do not expect",
        ours=replace(OURS, more=("--peer-id", "dave@ikelab.test")),
        at=6,
        by="initiator",
        notify=Notify.INVALID_ID_INFORMATION,
        why="expected the identity dave@ikelab.test, got 10.99.0.2",
        heard="INFORMATIONAL_V1 [ N(INVAL_ID) ]",
        complains="message verification failed",  # it came in clear
    ),
    Failure(
        name="phase 2 proposal",
        ours=replace(OURS, esp="aes256-sha256"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=OFFER,
        complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
    ),
    Failure(
        name="PFS on our side alone",
        ours=replace(OURS, pfs="modp2048"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=OFFER_WITH_KE,
        complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
    ),
    Failure(
        name="PFS on the gateway's side alone",
        theirs=replace(MAIN, esp_proposal="aes128-sha1-modp2048"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=OFFER,
        complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
    ),
    Failure(
        name="PFS with different groups",
        theirs=replace(MAIN, esp_proposal="aes128-sha1-modp3072"),
        ours=replace(OURS, pfs="modp2048"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=OFFER_WITH_KE,
        complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
    ),
    Failure(
        name="selectors",
        theirs=replace(MAIN, local_ts="10.7.0.0/24"),
        at=7,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="the other side says INVALID-ID-INFORMATION",
        heard=OFFER,
        complains="no matching CHILD_SA config found for 10.1.0.0/24 === 10.2.0.0/24",
    ),
    Failure(
        name="transport to a gateway that wants a tunnel",
        theirs=HOSTS,
        ours=replace(OURS_OF_HOSTS, more=("--transport",)),
        at=7,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="the other side says INVALID-ID-INFORMATION",
        heard=OFFER,
        complains="no matching CHILD_SA config found for 10.99.0.1/32 === 10.99.0.2/32",
    ),
    Failure(
        name="a tunnel to a gateway that wants transport",
        theirs=replace(HOSTS, encapsulation=Encapsulation.TRANSPORT),
        ours=OURS_OF_HOSTS,
        at=7,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="the other side says INVALID-ID-INFORMATION",
        heard=OFFER,
        complains="no matching CHILD_SA config found for 10.99.0.1/32 === 10.99.0.2/32",
    ),
    Failure(
        name="AH to a gateway that wants ESP",
        ours=replace(OURS, esp=None, more=("--ah", "sha256")),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why=SAYS_NO,
        heard=OFFER,
        complains="no matching proposal found, sending NO_PROPOSAL_CHOSEN",
    ),
)

WE_REFUSE = (
    Failure(
        name="pre-shared key, Main Mode",
        ours=replace(OURS, psk=WRONG),
        at=5,
        by="responder",
        notify=Notify.PAYLOAD_MALFORMED,
        why="decrypted to nonsense",
        heard="INFORMATIONAL_V1 [ N(PLD_MAL) ]",
        complains="establishing IKE_SA failed, peer not responding",
    ),
    Failure(
        name="pre-shared key, Aggressive Mode",
        theirs=AGGRESSIVE,
        ours=replace(OURS_AGGRESSIVE, psk=WRONG),
        at=3,
        by="responder",  # what it is, only the gateway can read: it came with its own keys
        notify=None,
        why="expected the end of Aggressive Mode first",
        heard="AGGRESSIVE [ SA KE No ID HASH ]",
        complains="calculated HASH does not match HASH payload",
    ),
    Failure(
        name="phase 1 proposal",
        ours=replace(OURS, ike="aes256-sha256-modp2048"),
        at=1,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="AES-CBC-128: this side offers only AES-CBC-256, SHA-1: this side offers only SHA-256",
        heard="INFORMATIONAL_V1 [ N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
    Failure(
        name="phase 1 group",
        ours=replace(OURS, ike="aes128-sha1-modp3072"),
        at=1,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="MODP-2048: this side offers only MODP-3072",
        heard="INFORMATIONAL_V1 [ N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
    Failure(
        name="Aggressive Mode to our Main Mode",
        theirs=AGGRESSIVE,
        at=1,
        by="responder",
        notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
        why="expected Main Mode from 10.99.0.2, got Aggressive Mode",
        heard="INFORMATIONAL_V1 [ N((29)) ]",
        complains="received (29) error notify",  # charon has no name for it
    ),
    Failure(
        name="Main Mode to our Aggressive Mode",
        ours=OURS_AGGRESSIVE,
        at=1,
        by="responder",
        notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
        why="expected Aggressive Mode from 10.99.0.2, got Main Mode",
        heard="INFORMATIONAL_V1 [ N((29)) ]",
        complains="received (29) error notify",
    ),
    Failure(
        name="identity that we do not expect",
        ours=replace(OURS, more=("--peer-id", "dave@ikelab.test")),
        at=5,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="expected the identity dave@ikelab.test, got 10.99.0.2",
        heard="INFORMATIONAL_V1 [ N(INVAL_ID) ]",
        complains="establishing IKE_SA failed, peer not responding",
    ),
    Failure(
        name="identity that the gateway does not expect",
        theirs=replace(MAIN, remote_id="carol@ikelab.test"),
        at=7,
        by="initiator",
        notify=None,
        why="the other side deleted it before this side had what it wanted",
        heard="ID_PROT [ ID HASH ]",
        complains="IDir '10.99.0.1' does not match to 'carol@ikelab.test'",
    ),
    Failure(
        name="phase 2 proposal",
        ours=replace(OURS, esp="aes256-sha256"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="AES-CBC-128: this side offers only AES-CBC-256",
        heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
    Failure(
        name="PFS on our side alone",
        ours=replace(OURS, pfs="modp2048"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="no PFS: this side offers only PFS with MODP-2048",
        heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
    Failure(
        name="PFS on the gateway's side alone",
        theirs=replace(MAIN, esp_proposal="aes128-sha1-modp2048"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="PFS with MODP-2048: this side offers only no PFS",
        heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
    Failure(
        name="PFS with different groups",
        theirs=replace(MAIN, esp_proposal="aes128-sha1-modp3072"),
        ours=replace(OURS, pfs="modp2048"),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="PFS with MODP-3072: this side offers only PFS with MODP-2048",
        heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
    Failure(
        name="selectors",
        theirs=replace(MAIN, local_ts="10.7.0.0/24"),
        at=7,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="expected the packets of a configured child (net: 10.2.0.0/24 to 10.1.0.0/24), "
        "got 10.7.0.0/24 to 10.1.0.0/24",
        heard="INFORMATIONAL_V1 [ HASH N(INVAL_ID) ]",
        complains="received INVALID_ID_INFORMATION error notify",
    ),
    Failure(
        name="transport where we want a tunnel",
        theirs=replace(HOSTS, encapsulation=Encapsulation.TRANSPORT),
        ours=OURS_OF_HOSTS,
        at=7,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="Transport mode: this side expects Tunnel",
        heard="INFORMATIONAL_V1 [ HASH N(INVAL_ID) ]",
        complains="received INVALID_ID_INFORMATION error notify",
    ),
    Failure(
        name="a tunnel where we want transport",
        theirs=HOSTS,
        ours=replace(OURS_OF_HOSTS, more=("--transport",)),
        at=7,
        by="responder",
        notify=Notify.INVALID_ID_INFORMATION,
        why="Tunnel mode: this side expects Transport",
        heard="INFORMATIONAL_V1 [ HASH N(INVAL_ID) ]",
        complains="received INVALID_ID_INFORMATION error notify",
    ),
    Failure(
        name="ESP where we want AH",
        ours=replace(OURS, esp=None, more=("--ah", "sha256")),
        at=7,
        by="responder",
        notify=Notify.NO_PROPOSAL_CHOSEN,
        why="ESP: this side offers only AH",
        heard="INFORMATIONAL_V1 [ HASH N(NO_PROP) ]",
        complains="received NO_PROPOSAL_CHOSEN error notify",
    ),
)


LEAVES_HALF_AN_SA = {3, 5}
"""Messages after whose refusal a responder waits for better ones, half a minute long."""


def we_say_why(ours: Told, failure: Failure) -> None:
    refused = ours.refused
    assert (ours.status, ours.result["established"], ours.result["sas"]) == (1, False, []), ours.said
    before = ours.result["messages"][: refused["at"]]
    place = sum(message["retransmission_of"] is None for message in before)  # a busy machine repeats itself
    assert (place, refused["by"], refused["notify"]) == (failure.at, failure.by, failure.notify)
    assert failure.why in f"{refused['why']} {refused['hint']}"
    assert refused["rfc"].startswith("RFC 240")
    assert f"not established: at message {refused['at']} by the {failure.by}" in ours.said
    assert refused["why"] in ours.said
    assert ours.pcap.exists()


def they_say_why(gw: Gateway, failure: Failure) -> None:
    gw.wait_for_log(f"^{re.escape(failure.complains)}$")
    assert failure.complains in gw.log.complaints
    assert [without_companions(each) for each in gw.log.heard if each != FAREWELL][-1] == failure.heard


def without_companions(heard: str) -> str:
    """What charon heard, badges and NAT-D aside."""
    return " ".join(word for word in heard.split() if word not in ("V", "NAT-D"))


class TestStrongSwanRefuses:
    @pytest.mark.parametrize("failure", STRONGSWAN_REFUSES, ids=lambda failure: failure.name)
    def test_both_sides_say_why(self, link: Link, tmp_path: Path, failure: Failure) -> None:
        with gateway(failure.theirs, link=link, directory=tmp_path) as gw:
            we_say_why(connect(gw, failure.ours), failure)
            they_say_why(gw, failure)


class TestWeRefuse:
    @pytest.mark.parametrize("failure", WE_REFUSE, ids=lambda failure: failure.name)
    def test_both_sides_say_why(self, link: Link, tmp_path: Path, failure: Failure) -> None:
        with gateway(failure.theirs, link=link, directory=tmp_path) as gw:
            with serving(gw, failure.ours) as lab:
                assert not gw.initiate().succeeded
                if gw.sas():  # phase 1 is up, and stays so without a child
                    assert gw.terminate().succeeded
                finished = lab.stop() if failure.at in LEAVES_HALF_AN_SA else lab.finish()
            we_say_why(told(finished.status, finished.stdout, finished.stderr, tmp_path), failure)
            they_say_why(gw, failure)
