"""Several protocols for the same packets: what belongs together is offered and answered together or not at all."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import replace

import pytest

from ikelab.errors import Misuse, Refusal
from ikelab.ike.config import Child, ChildOffer, Connection, Selector, child_offers
from ikelab.ike.negotiate import ChildChoice, check_child_answer, choose_child, offer_child
from ikelab.ike.peer import Connect, Disconnect, Peer
from ikelab.net.link import Link
from ikelab.wire.numbers import Encapsulation, Notify, Protocol
from ikelab.wire.payloads import Delete
from ikelab.wire.proposals import SA, Proposal, short
from tests.ike.agreement import agreed, children
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish

ESP, AH, IPCOMP = Protocol.ESP, Protocol.AH, Protocol.IPCOMP
SPI, AH_SPI, CPI = bytes.fromhex("c0000001"), bytes.fromhex("c0000002"), bytes.fromhex("4a5b")
OTHERS = {ESP: bytes.fromhex("d0000001"), AH: bytes.fromhex("d0000002"), IPCOMP: bytes.fromhex("6a6b")}
TUNNEL = Encapsulation.TUNNEL


def offered(offers: tuple[ChildOffer, ...], mode: int = TUNNEL) -> SA:
    sa = offer_child(offers, SPI, mode, 3600, beside={AH: AH_SPI, IPCOMP: CPI})
    return SA.read(sa.write())


def child(offers: tuple[ChildOffer, ...]) -> Child:
    ends = Selector.parse("10.1.0.0/24"), Selector.parse("10.2.0.0/24")
    return Child(name="net", offers=offers, local=ends[0], remote=ends[1])


def answered(choice: ChildChoice) -> SA:
    return SA.read(choice.answer(OTHERS[Protocol(choice.protocol)], OTHERS).write())


def refusal(call: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        call()
    return raised.value


def wanting(**words: str) -> Connection:
    connection = wish()
    ours = replace(connection.children[0], offers=child_offers(**words))
    return replace(connection, children=(ours,))


def talk(**words: str) -> tuple[Peer, Peer, Link]:
    alice, bob = peer(wanting(**words), ALICE), peer(mirrored(wanting(**words)), BOB)
    return alice, bob, run(alice, bob)


WORDS = {
    "ESP and AH": {"esp": "aes128-sha1", "ah": "sha256"},
    "ESP after IPComp": {"esp": "aes256gcm16", "ipcomp": "deflate"},
    "AH after IPComp": {"ah": "sha256", "ipcomp": "lzs"},
    "all three": {"esp": "aes256-aes128-sha256-sha1", "ah": "sha512-sha1", "pfs": "curve25519", "ipcomp": "deflate"},
}


class TestOffering:
    """RFC 2408 §4.2: proposals of one number are a unit, of different numbers alternatives."""

    def test_protocols_that_belong_together_have_one_number(self) -> None:
        sa = offered(child_offers(esp="aes256-aes128-sha1", ah="sha256", ipcomp="deflate"))
        listed = [(each.number, each.protocol, each.spi, len(each.transforms)) for each in sa.proposals]
        assert listed == [
            (1, ESP, SPI, 2),
            (1, AH, AH_SPI, 1),
            (1, IPCOMP, CPI, 1),
            (2, ESP, SPI, 2),
            (2, AH, AH_SPI, 1),
        ]

    def test_each_ah_is_an_alternative_of_its_own(self) -> None:
        sa = offered(child_offers(esp="aes128-sha1", ah="sha256,sha1"))
        assert [(each.number, each.protocol) for each in sa.proposals] == [(1, ESP), (1, AH), (2, ESP), (2, AH)]

    def test_ipcomp_says_the_mode_and_the_lifetime_and_no_more(self) -> None:
        """RFC 3173 §4.1: attributes that do not apply should not be in it, the group of PFS among them."""
        (_, smaller, _) = offered(child_offers(esp="aes128-sha1", pfs="modp2048", ipcomp="deflate")).proposals
        assert smaller.transforms[0].attributes == (short(4, 1), short(1, 1), short(2, 3600))

    @pytest.mark.parametrize("cpi", [b"", b"\x01", b"\x00\xff", b"\xf0\x00", b"\x00\x00\x4a\x5b"])
    def test_a_cpi_is_one_of_those_to_be_negotiated(self, cpi: bytes) -> None:
        with pytest.raises(Misuse, match=r"CPI: expected 2 octets, 256 to 61439 .* \(RFC 3173 §3\.3\)"):
            offer_child(child_offers(esp="aes128-sha1", ipcomp="deflate"), SPI, TUNNEL, 3600, beside={IPCOMP: cpi})


class TestWords:
    def test_a_group_named_once_is_meant_for_both(self) -> None:
        (offer,) = child_offers(esp="aes128-sha1-modp2048", ah="sha256")
        assert (offer.group, offer.part(AH).group) == (14, 14)
        assert str(offer) == "aes128-sha1-modp2048 with AH sha256-modp2048"

    def test_without_compression_comes_second(self) -> None:
        assert [str(each) for each in child_offers(esp="aes128-sha1", ipcomp="deflate")] == [
            "aes128-sha1 after IPComp deflate",
            "aes128-sha1",
        ]

    @pytest.mark.parametrize(
        ("words", "says"),
        [
            ({}, "for ESP, for AH, or for both, got neither"),
            (
                {"esp": "aes128-sha1-modp2048", "ah": "sha1-ecp256"},
                "expected one group for PFS, got PFS with MODP-2048",
            ),
            ({"esp": "aes128-sha1", "ipcomp": "zip"}, 'expected deflate or lzs, got "zip"'),
            ({"ah": "aes128"}, "AH hides nothing"),
        ],
    )
    def test_what_makes_no_sense(self, words: dict[str, str], says: str) -> None:
        with pytest.raises(Misuse, match=says):
            child_offers(**words)

    def test_only_ah_stands_beside_esp(self) -> None:
        esp, ah = child_offers(esp="aes128-sha1")[0], child_offers(ah="sha1")[0]
        for first, second in ((esp, esp), (ah, ah), (ah, esp), (esp, replace(ah, compression=2))):
            with pytest.raises(Misuse, match="expected AH alone beside ESP"):
                replace(first, beside=second)


class TestChoosing:
    @pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
    def test_the_first_unit_is_taken_whole(self, words: dict[str, str]) -> None:
        offers = child_offers(**words)
        choice = choose_child(offered(offers), child(offers))
        assert choice.offer == offers[0]
        assert choice.protocols == offers[0].protocols
        checked = check_child_answer(offered(offers), answered(choice))
        assert (checked.offer, checked.remarks) == (choice.offer, ())
        assert {protocol: checked.spi_of(protocol) for protocol in checked.protocols} == {
            protocol: OTHERS[Protocol(protocol)] for protocol in choice.protocols
        }

    def test_esp_alone_does_not_do_for_whoever_wants_both(self) -> None:
        refused = refusal(
            lambda: choose_child(offered(child_offers(esp="aes128-sha1")), child(child_offers(**WORDS["ESP and AH"])))
        )
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert refused.hint == "transform 1: ESP: this side offers only ESP and AH"

    def test_both_do_not_do_for_whoever_wants_esp_alone(self) -> None:
        refused = refusal(
            lambda: choose_child(offered(child_offers(**WORDS["ESP and AH"])), child(child_offers(esp="aes128-sha1")))
        )
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert "proposal 1 (AH), transform 1: ESP and AH together: this side offers only ESP" in refused.hint

    def test_a_combination_is_judged_as_one(self) -> None:
        theirs, own = child_offers(esp="aes128-sha1", ah="sha256"), child_offers(esp="aes128-sha1", ah="sha1")
        refused = refusal(lambda: choose_child(offered(theirs), child(own)))
        assert refused.hint == (
            "proposal 1, transform 1 (ESP) with transform 1 (AH): "
            "AH with HMAC-SHA-256-128: this side offers only AH with HMAC-SHA-1-96"
        )

    def test_two_modes_in_one_unit_are_refused(self) -> None:
        offers = child_offers(**WORDS["ESP and AH"])
        esp = offered(offers).proposals[0]
        torn = SA(proposals=(esp, offered(offers, Encapsulation.TRANSPORT).proposals[1]))
        assert (
            "Tunnel and Transport mode in one protection suite"
            in refusal(lambda: choose_child(torn, child(offers))).hint
        )

    def test_two_groups_in_one_unit_are_refused(self) -> None:
        esp = offered(child_offers(esp="aes128-sha1", pfs="modp2048")).proposals[0]
        ah = replace(offered(child_offers(ah="sha256")).proposals[0], spi=AH_SPI)
        wanted = child(child_offers(esp="aes128-sha1", ah="sha256", pfs="modp2048"))
        assert (
            "expected the same group in all (RFC 2409 §5.5)"
            in refusal(lambda: choose_child(SA(proposals=(esp, ah)), wanted)).hint
        )

    def test_a_cpi_may_come_in_four_octets(self) -> None:
        """RFC 3173 §4.1: the two most significant ones are to be ignored."""
        offers = child_offers(**WORDS["ESP after IPComp"])
        esp, smaller, *_ = offered(offers).proposals
        long = SA(proposals=(esp, replace(smaller, spi=b"\xde\xad" + CPI)))
        assert choose_child(long, child(offers)).spi_of(IPCOMP) == CPI

    @pytest.mark.parametrize(
        ("cpi", "says"),
        [
            (b"", "CPI: expected 2 octets, or 4"),
            (b"\x4a", "CPI: expected 2 octets, or 4"),
            (b"\x00\x40", "CPI 64: expected 256 or more"),
            (b"\x00\x03", "CPI 3: expected it with that one transform alone"),
        ],
    )
    def test_a_bad_cpi_loses(self, cpi: bytes, says: str) -> None:
        offers = child_offers(**WORDS["ESP after IPComp"])
        esp, smaller, plain = offered(offers).proposals
        bad = replace(smaller, spi=cpi)
        assert choose_child(SA(proposals=(esp, bad, plain)), child(offers)).protocols == (ESP,)
        refused = refusal(lambda: choose_child(SA(proposals=(esp, bad)), child(offers)))
        assert (refused.notify, says in refused.hint) == (Notify.INVALID_SPI, True)

    def test_a_well_known_cpi_is_taken(self) -> None:
        """RFC 3173 §4.1: a CPI below 64 is the transform itself."""
        offers = child_offers(**WORDS["ESP after IPComp"])
        esp, smaller, _ = offered(offers).proposals
        known = SA(proposals=(esp, replace(smaller, spi=b"\x00\x02")))
        assert choose_child(known, child(offers)).spi_of(IPCOMP) == b"\x00\x02"

    def test_ipcomp_without_a_mode_means_transport(self) -> None:
        """RFC 3173 §4.1; so beside ESP in a tunnel it is another one."""
        offers = child_offers(**WORDS["ESP after IPComp"])
        esp, smaller, _ = offered(offers).proposals
        bare = replace(smaller.transforms[0], attributes=smaller.transforms[0].attributes[1:])
        both = SA(proposals=(esp, replace(smaller, transforms=(bare,))))
        assert "Tunnel and Transport mode" in refusal(lambda: choose_child(both, child(offers))).hint

    def test_attributes_that_are_not_ipcomps_are_passed_over(self) -> None:
        """RFC 3173 §4.1: they MUST be ignored."""
        offers = child_offers(**WORDS["ESP after IPComp"])
        esp, smaller, _ = offered(offers).proposals
        more = replace(
            smaller.transforms[0], attributes=(*smaller.transforms[0].attributes, short(5, 2), short(6, 128))
        )
        both = SA(proposals=(esp, replace(smaller, transforms=(more,))))
        assert choose_child(both, child(offers)).offer.compression == 2


class TestCheckingTheAnswer:
    OFFERS = child_offers(esp="aes128-sha1", ah="sha256", ipcomp="deflate")
    SENT = offered(OFFERS)

    def answer(self, *proposals: Proposal) -> Refusal:
        return refusal(lambda: check_child_answer(self.SENT, SA(proposals=proposals)))

    def test_half_of_a_unit_is_no_answer(self) -> None:
        esp, ah, smaller, *_ = answered(choose_child(self.SENT, child(self.OFFERS))).proposals
        for part in ((esp,), (ah,), (ah, smaller), (esp, smaller)):
            refused = self.answer(*part)
            assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
            assert "nothing was offered for " in refused.hint

    def test_one_protocol_twice_is_no_answer(self) -> None:
        esp, ah, *_ = answered(choose_child(self.SENT, child(self.OFFERS))).proposals
        assert self.answer(esp, ah, ah).notify == Notify.BAD_PROPOSAL_SYNTAX

    def test_a_changed_part_is_refused(self) -> None:
        esp, ah, smaller, *_ = answered(choose_child(self.SENT, child(self.OFFERS))).proposals
        for number, part in enumerate((esp, ah, smaller)):
            other = replace(part, transforms=(replace(part.transforms[0], id=99),))
            changed = [each if place != number else other for place, each in enumerate((esp, ah, smaller))]
            assert self.answer(*changed).notify == Notify.NO_PROPOSAL_CHOSEN

    def test_parts_of_two_units_are_no_answer(self) -> None:
        sent = offered(child_offers(esp="aes128-sha1,aes256-sha256", ah="sha1,sha256"))
        wrong = child_offers(esp="aes256-sha256", ah="sha512")
        mixed = offered(wrong)
        assert refusal(lambda: check_child_answer(sent, mixed)).notify == Notify.NO_PROPOSAL_CHOSEN

    def test_what_strongswan_answers_is_the_first_unit(self) -> None:
        """It says all that was offered; one that was not offered spoils it."""
        offers = child_offers(esp="aes128-sha1", ipcomp="deflate")
        sent = offered(offers)
        spis = [OTHERS[Protocol(each.protocol)] for each in sent.proposals]
        whole = [replace(each, spi=spi) for each, spi in zip(sent.proposals, spis, strict=True)]
        assert check_child_answer(sent, SA(proposals=tuple(whole))).protocols == (ESP, IPCOMP)
        strange = replace(whole[2], transforms=(replace(whole[2].transforms[0], id=3),))
        refused = refusal(lambda: check_child_answer(sent, SA(proposals=(*whole[:2], strange))))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN


class TestKeys:
    """RFC 2409 §5.5: the protocol and its SPI make the keys of each SA differ."""

    @pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
    def test_both_sides_hold_the_same_sas(self, words: dict[str, str]) -> None:
        alice, bob, _ = talk(**words)
        agreed(alice, bob, count=len(child_offers(**words)[0].parts))
        cpis = [{each.cpi for each in side.sas[0].children if each.cpi} for side in (alice, bob)]
        assert cpis[0] == cpis[1]
        assert len(cpis[0]) == (2 if "ipcomp" in words else 0)

    def test_keymat_of_each_is_the_rfcs(self) -> None:
        alice, _, _ = talk(**WORDS["all three"])
        (sa,) = alice.sas
        (exchange,) = sa.exchanges.values()
        assert sa.book is not None
        given = {name: value.value for name, value in exchange.given.items()}
        assert [(each.protocol, len(each.enc_key), len(each.auth_key)) for each in sa.children] == [
            (ESP, 32, 32), (ESP, 32, 32), (AH, 0, 64), (AH, 0, 64),
        ]  # fmt: skip
        for each in sa.children:
            seed = given["g(qm)^xy"] + bytes([each.protocol]) + each.spi + given["Ni_b"] + given["Nr_b"]
            blocks = [b""]
            for _ in range(4):
                blocks.append(hmac.digest(sa.book["SKEYID_d"].value, blocks[-1] + seed, "sha1"))
            keymat = b"".join(blocks)
            size = len(each.enc_key)
            assert (each.enc_key, each.auth_key) == (keymat[:size], keymat[size : size + len(each.auth_key)])
            assert b"".join(key.value for key in each.keys) == each.keymat.value
        assert len({each.spi for each in sa.children}) == 4

    def test_all_of_a_bundle_is_deleted_together(self) -> None:
        alice, bob, link = talk(**WORDS["ESP and AH"])
        link.begin(alice, Disconnect())
        link.run()
        deleted = [
            (payload.protocol, len(payload.spis))
            for moment in link.moments
            for payload in moment.outcome.saying
            if isinstance(payload, Delete)
        ]
        assert deleted == [(ESP, 1), (AH, 1), (Protocol.ISAKMP, 1)]
        assert children(bob, alive=False) == {}

    def test_half_a_bundle_is_of_no_use(self) -> None:
        """A Delete for one of its SAs ends all of it."""
        alice, bob, link = talk(**WORDS["ESP and AH"])
        alice.begin(Disconnect(), link.now)
        first, *_ = alice.datagrams_to_send()
        bob.receive_datagram(first.octets, ALICE, link.now)
        assert bob.sas[0].established
        assert bob.sas[0].children == ()

    def test_message_3_that_never_comes_deletes_every_spi(self) -> None:
        wanted = wanting(**WORDS["ESP and AH"])
        alice, bob = peer(wanted, ALICE), peer(mirrored(wanted), BOB)
        link = Link(alice, bob)
        link.begin(alice, Connect(connection="net", remote=BOB))
        link.path = replace(link.path, alter={n: lambda octets: octets[:20] for n in range(9, 40) if n % 2})
        link.run()
        assert not alice.sas[0].children
        assert not bob.sas[0].children
