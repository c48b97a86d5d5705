"""Conversations that must fail, as a table: who says what wrongly, and how the other side answers.

The wrong message is sealed with the right keys and carries right hashes, so that nothing but its content speaks against
it. Each refusal leaves the hearer exactly as it was; under an established SA the exchange is then closed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from ikelab.ike.config import Identity, ModeName
from ikelab.ike.rules import DECLINE, REFUSE
from ikelab.wire.numbers import IdType, IpProtocol, Notify
from ikelab.wire.payloads import ID, KE, SA, Delete, Hash, Nonce, VendorID
from ikelab.wire.proposals import Transform
from tests.ike.agreement import agreed
from tests.ike.traitors import Edit, converse, instead, plus, saying_otherwise, without
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, wish

MAIN, AGGRESSIVE, QUICK = "Main Mode", "Aggressive Mode", "Quick Mode"
P_MINUS_1 = bytes.fromhex("fe26")
"""Of the toy group, whose p is 65063."""


def transforms(sa: SA, change: object) -> SA:
    """An SA payload with each transform changed."""
    made = [
        replace(proposal, transforms=tuple(change(each) for each in proposal.transforms))  # type: ignore[operator]
        for proposal in sa.proposals
    ]
    return replace(sa, proposals=tuple(made))


def longer_life(transform: Transform) -> Transform:
    attributes = [
        each._replace(value=(each.number + 1).to_bytes(4), short=False) if each.type == 12 else each
        for each in transform.attributes
    ]
    return replace(transform, attributes=tuple(attributes))


def with_spi(spi: bytes) -> Edit:
    return instead(SA, lambda sa: replace(sa, proposals=tuple(replace(each, spi=spi) for each in sa.proposals)))


def ke(octets: bytes) -> Edit:
    return instead(KE, lambda payload: replace(payload, data=octets))


def with_port(port: int) -> Callable[[ID], ID]:
    return lambda payload: replace(payload, protocol=IpProtocol.UDP, port=port)


def nonce(octets: bytes) -> Edit:
    return instead(Nonce, lambda payload: replace(payload, data=octets))


@dataclass(frozen=True)
class Case:
    """Message `number` of an exchange is edited; it is refused with this notification, these words, this clause.

    closes: whether the exchange is over then. A message of Quick Mode that has not Quick Mode's shape may be a genuine
    one of another exchange with its type changed on the way, as no hash covers that: it closes nothing.
    """

    script: str
    number: int
    name: str
    edit: Edit
    notify: Notify | None
    says: str
    rfc: str = "RFC 2409 §5"
    closes: bool = False
    ike: str = "aes128-sha1-curve25519"
    esp: str = "aes128-sha1"

    @property
    def mode(self) -> ModeName:
        return "aggressive" if self.script == AGGRESSIVE else "main"


BAD_ID = ID(id_type=IdType.FQDN, data=b"moon.example.org")
SUBNET = ID(id_type=IdType.IPV4_ADDR_SUBNET, data=bytes([10, 9, 0, 0, 255, 255, 0, 0]))
BAD = Notify.PAYLOAD_MALFORMED
ODD = Notify.INVALID_PAYLOAD_TYPE
KEY = Notify.INVALID_KEY_INFORMATION
NO = Notify.NO_PROPOSAL_CHOSEN
WHO = Notify.INVALID_ID_INFORMATION
OF_NAMES, OF_IPV4 = "RFC 2407 §4.6.2", "RFC 2407 §4.6.2.2"

CASES = [
    Case(MAIN, 1, "no SA", lambda _: [VendorID(data=bytes(16))], BAD, "expected SA in HDR, SA"),
    Case(MAIN, 1, "two SAs", lambda all: [all[0], *all], ODD, "expected no SA payload here"),
    Case(MAIN, 1, "a KE too early", plus(KE(data=bytes(32))), ODD, "expected no KE payload here"),
    Case(
        MAIN,
        2,
        "an answer with a longer life",
        instead(SA, lambda sa: transforms(sa, longer_life)),
        NO,
        "expected one of the offers unchanged",
    ),
    Case(
        MAIN,
        2,
        "an answer of two transforms",
        instead(
            SA,
            lambda sa: replace(
                sa, proposals=tuple(replace(each, transforms=each.transforms * 2) for each in sa.proposals)
            ),
        ),
        Notify.BAD_PROPOSAL_SYNTAX,
        "expected one transform, got 2",
        "RFC 2408 §4.2",
    ),
    Case(MAIN, 3, "no nonce", without(Nonce), BAD, "expected Ni in"),
    Case(MAIN, 3, "no KE", without(KE), BAD, "expected KE in"),
    Case(MAIN, 3, "two KEs", lambda all: [all[0], *all], ODD, "no KE"),
    Case(MAIN, 3, "a nonce of 7 octets", nonce(bytes(7)), BAD, "Ni: expected from 8 to 256 octets, got 7"),
    Case(MAIN, 4, "a nonce of 257 octets", nonce(bytes(257)), BAD, "Nr: expected from 8 to 256 octets, got 257"),
    Case(MAIN, 3, "a short KE", ke(bytes(31)), KEY, "expected 32 octets, got 31"),
    Case(MAIN, 4, "a long KE", ke(bytes(33)), KEY, "expected 32 octets, got 33"),
    Case(
        MAIN,
        3,
        "KE 0",
        ke(bytes(2)),
        KEY,
        "more than 1 and less than p-1, got 0",
        "RFC 6989 §2.1",
        ike="aes128-sha1-toy",
    ),
    Case(
        MAIN,
        4,
        "KE 1",
        ke(b"\0\1"),
        KEY,
        "more than 1 and less than p-1, got 1",
        "RFC 6989 §2.1",
        ike="aes128-sha1-toy",
    ),
    Case(
        MAIN,
        4,
        "KE p-1",
        ke(P_MINUS_1),
        KEY,
        "more than 1 and less than p-1, got p-1",
        "RFC 6989 §2.1",
        ike="aes128-sha1-toy",
    ),
    Case(MAIN, 3, "a KE that makes g^xy zero", ke(bytes(32)), KEY, "all zeros", "RFC 7748 §6.1"),
    Case(MAIN, 5, "no name", without(ID), BAD, "expected IDii in"),
    Case(MAIN, 5, "no proof", without(Hash), BAD, "expected HASH_I in"),
    Case(
        MAIN,
        5,
        "an empty proof",
        instead(Hash, lambda _: Hash(data=b"")),
        Notify.AUTHENTICATION_FAILED,
        "HASH_I of 10.99.0.1: expected",
    ),
    Case(MAIN, 5, "another name", instead(ID, lambda _: BAD_ID), Notify.AUTHENTICATION_FAILED, 'HASH_I of "moon'),
    Case(
        MAIN,
        6,
        "half a proof",
        instead(Hash, lambda it: Hash(data=it.data[:10])),
        Notify.AUTHENTICATION_FAILED,
        "HASH_R of 10.99.0.2: expected",
    ),
    *(
        Case(
            script, number, "a name with a port", instead(ID, with_port(80)), WHO, "0/0 or 17/500, got 17/80", OF_NAMES
        )
        for script, number in ((MAIN, 5), (MAIN, 6), (AGGRESSIVE, 1), (AGGRESSIVE, 2))
    ),
    Case(
        MAIN, 5, "a name of no length", instead(ID, lambda it: replace(it, data=b"")), WHO, "got ID_IPV4_ADDR", OF_IPV4
    ),
    Case(AGGRESSIVE, 2, "no proof in message 2", without(Hash), BAD, "expected HASH_R in"),
    Case(
        AGGRESSIVE,
        2,
        "a wrong proof in message 2",
        instead(Hash, lambda _: Hash(data=bytes(20))),
        Notify.AUTHENTICATION_FAILED,
        "HASH_R of 10.99.0.2: expected",
    ),
    Case(
        AGGRESSIVE,
        3,
        "a wrong proof in message 3",
        instead(Hash, lambda _: Hash(data=bytes(20))),
        Notify.AUTHENTICATION_FAILED,
        "HASH_I of 10.99.0.1: expected",
    ),
    Case(QUICK, 1, "one client", lambda all: all[:-1], BAD, "expected IDcr in"),
    Case(QUICK, 1, "a third client", plus(SUBNET), ODD, "no ID payload"),
    Case(QUICK, 1, "a Delete among the offers", plus(Delete(protocol=3, spis=(bytes(4),))), ODD, "no D payload"),
    Case(
        QUICK,
        1,
        "a client by name",
        instead(ID, lambda _: BAD_ID),
        WHO,
        "expected addresses",
        "RFC 2409 §5.5",
        closes=True,
    ),
    Case(
        QUICK,
        1,
        "clients nobody knows",
        instead(ID, lambda _: SUBNET),
        WHO,
        "expected the packets of a configured child",
        "RFC 2409 §5.5",
        closes=True,
    ),
    Case(
        QUICK,
        1,
        "a KE without PFS",
        plus(KE(data=bytes(32))),
        NO,
        "expected no KE payload",
        "RFC 2409 §5.5",
        closes=True,
    ),
    Case(
        QUICK,
        1,
        "PFS without a KE",
        without(KE),
        NO,
        "expected a KE payload",
        "RFC 2409 §5.5",
        esp="aes128-sha1-curve25519",
        closes=True,
    ),
    *(
        Case(
            QUICK,
            number,
            "a KE of another group",
            ke(bytes(256)),
            KEY,
            "expected 32 octets, got 256",
            closes=True,
            esp="aes128-sha1-curve25519",
        )
        for number in (1, 2)
    ),
    Case(
        QUICK,
        1,
        "an SPI of 255",
        with_spi(bytes([0, 0, 0, 255])),
        Notify.INVALID_SPI,
        "the offer is not acceptable",
        "RFC 2408 §5.4",
        closes=True,
    ),
    Case(QUICK, 1, "a nonce of 7 octets", nonce(bytes(7)), BAD, "Ni: expected from 8", closes=True),
    Case(
        QUICK,
        2,
        "an answer with a longer life",
        instead(
            SA,
            lambda sa: transforms(
                sa,
                lambda each: replace(
                    each,
                    attributes=tuple(
                        one._replace(value=b"\0\0\x10\0", short=False) if one.type == 2 else one
                        for one in each.attributes
                    ),
                ),
            ),
        ),
        NO,
        "expected one of the offers unchanged",
        closes=True,
    ),
    Case(
        QUICK,
        2,
        "no clients in the answer",
        without(ID),
        WHO,
        "expected the same IDci and IDcr .* got none",
        "RFC 2409 §5.5",
        closes=True,
    ),
    Case(
        QUICK,
        2,
        "other clients in the answer",
        instead(ID, lambda _: SUBNET),
        WHO,
        "expected the same IDci and IDcr .* got 10.9.0.0/16",
        "RFC 2409 §5.5",
        closes=True,
    ),
    Case(QUICK, 2, "an answer without nonce", without(Nonce), BAD, "expected Nr in"),
    Case(QUICK, 3, "more than a hash at the end", plus(SUBNET), ODD, "no ID payload"),
    Case(MAIN, 1, "21 vendors", plus(*[VendorID(data=bytes(16))] * 21), BAD, "at most 20 VID payloads, got 21", ""),
    Case(QUICK, 1, "65 payloads", plus(*[VendorID(data=bytes(16))] * 65), BAD, "at most 64 payloads, got 70", ""),
]


def identified(case: Case) -> str:
    return f"{case.script} {case.number}: {case.name}"


@pytest.mark.parametrize("case", CASES, ids=identified)
def test_what_is_said_wrongly_is_refused(case: Case) -> None:
    wanted = wish(mode=case.mode, ike=case.ike, esp=case.esp)
    alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
    with saying_otherwise(case.script, case.number, case.edit):
        heard = converse(alice, bob)
    hearer = heard.bob if case.number % 2 else heard.alice
    refused = [outcome for outcome in hearer if outcome.fired is REFUSE]
    first = refused[0]
    assert first.refused is not None
    assert re.search(case.says, str(first.refused)), first.refused
    assert (first.refused.notify, first.refused.rfc) == (case.notify, case.rfc)
    assert first.after is first.before
    if case.script == QUICK:
        assert first.said is None
        closed = [each for each in hearer if each.fired is DECLINE]
        assert [each.refused for each in closed] == ([first.refused] if case.closes else [])
        assert not any(sa.children for sa in bob.sas)
    else:
        assert (first.said is not None) == (case.notify is not None)
        assert not any(sa.children for sa in (*alice.sas, *bob.sas))


@pytest.mark.parametrize(
    ("script", "number", "field"),
    [(MAIN, 4, "KE"), (MAIN, 4, "Nonce"), (AGGRESSIVE, 2, "KE"), (AGGRESSIVE, 2, "Nonce"), (QUICK, 2, "Nonce")],
)
def test_the_initiators_own_value_sent_back_is_refused(script: str, number: int, field: str) -> None:
    """A reflection: with its own half and nonce a peer would agree on keys with nobody."""
    kind = KE if field == "KE" else Nonce
    said: list[bytes] = []

    def remember(payloads: list) -> list:  # type: ignore[type-arg]
        said.extend(payload.data for payload in payloads if isinstance(payload, kind))
        return payloads

    wanted = wish(mode="aggressive" if script == AGGRESSIVE else "main")
    alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
    with (
        saying_otherwise(script, number - 1, remember),
        saying_otherwise(script, number, instead(kind, lambda payload: replace(payload, data=said[0]))),
    ):
        heard = converse(alice, bob)
    first = heard.refusals()[0]
    assert first in heard.alice
    assert "got this side's" in str(first.refused)
    assert not any(sa.children for sa in alice.sas)


def test_an_answer_with_the_initiators_own_spi_is_refused() -> None:
    """Two directions with one SPI would have the same keys (RFC 2409 §5.5)."""
    said: list[bytes] = []

    def remember(payloads: list) -> list:  # type: ignore[type-arg]
        said.extend(each.spi for sa in payloads if isinstance(sa, SA) for each in sa.proposals)
        return payloads

    alice, bob = peer(wish(), ALICE), peer(mirrored(wish()), BOB)
    with (
        saying_otherwise(QUICK, 1, remember),
        saying_otherwise(QUICK, 2, lambda payloads: with_spi(said[0])(payloads)),
    ):
        heard = converse(alice, bob)
    first = heard.refusals()[0]
    assert first.refused is not None
    assert first.refused.notify == Notify.INVALID_SPI
    assert not any(sa.children for sa in (*alice.sas, *bob.sas))


@pytest.mark.parametrize("mode", ["main", "aggressive"])
def test_a_name_may_come_with_the_port_of_ike(mode: ModeName, monkeypatch: pytest.MonkeyPatch) -> None:
    """0/0 as strongSwan and libreswan send it, or 17/500 (RFC 2407 §4.6.2)."""
    plain = Identity.payload
    monkeypatch.setattr(Identity, "payload", lambda self: with_port(500)(plain(self)))
    alice, bob = peer(wish(mode=mode), ALICE), peer(mirrored(wish(mode=mode)), BOB)
    converse(alice, bob)
    agreed(alice, bob)
    assert alice.sas[0].main.given["IDir_b"].value == bytes.fromhex("011101f4 0a630002")


def test_a_right_proof_of_a_name_that_is_not_expected_is_refused() -> None:
    alice = peer(wish(), ALICE)
    bob = peer(replace(mirrored(wish()), remote_id=Identity.parse("moon.example.org")), BOB)
    first = converse(alice, bob).refusals()[0]
    assert first.refused is not None
    assert first.refused.notify == Notify.INVALID_ID_INFORMATION
    assert first.after is first.before
    assert not any(sa.established for sa in bob.sas)


def test_the_table_reaches_both_sides_of_every_exchange() -> None:
    assert {(case.script, case.number % 2) for case in CASES} >= {(MAIN, 0), (MAIN, 1), (QUICK, 0), (QUICK, 1)}
