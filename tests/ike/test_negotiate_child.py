"""Quick Mode is bargained out as RFC 2407 §4.5 and RFC 2409 §5.5 say, and a refusal names what was in the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from ikelab.crypto import groups
from ikelab.crypto.protection import AH_INTEGRITIES, ESP_CIPHERS, INTEGRITIES, AeadCipher, Protection
from ikelab.errors import Misuse, Refusal, WireError
from ikelab.ike.attributes import Lifetime
from ikelab.ike.config import TRANSPORT_MODES, Child, ChildOffer, Selector, ah_offers, esp_offers
from ikelab.ike.negotiate import Preference, check_child_answer, choose_child, offer_child
from ikelab.ike.transforms import child_terms
from ikelab.wire.numbers import Encapsulation, EsnChoice, Notify, Protocol, Situation
from ikelab.wire.proposals import SA, Attribute, Proposal, Transform, long, short
from ikelab.wire.records import behind_header

SPI, OTHER_SPI = bytes.fromhex("c0000001"), bytes.fromhex("c0000002")
TUNNEL, TRANSPORT, UDP_TUNNEL = Encapsulation.TUNNEL, Encapsulation.TRANSPORT, Encapsulation.UDP_TUNNEL
LIFE_TYPE, LIFE_DURATION, GROUP, MODE, AUTH, KEY_LENGTH, ESN = 1, 2, 3, 4, 5, 6, 11

ORDINARY = (short(KEY_LENGTH, 128), short(AUTH, 2), short(MODE, 1))


def child(words: str, *, mode: int = TUNNEL, lifetime: int = 3600, ah: bool = False) -> Child:
    offers = ah_offers(words) if ah else esp_offers(words)
    networks = mode not in TRANSPORT_MODES
    ends = [Selector.parse(text if networks else text.replace("0/24", "1")) for text in ("10.1.0.0/24", "10.2.0.0/24")]
    return Child(name="net", offers=offers, local=ends[0], remote=ends[1], mode=mode, lifetime=lifetime)


def sa_of(*transforms: tuple[Attribute, ...], identifier: int = 12, protocol: int = Protocol.ESP) -> SA:
    """A Quick Mode SA payload of one proposal, whose transforms have these attributes."""
    made = tuple(Transform(number=n, id=identifier, attributes=each) for n, each in enumerate(transforms, 1))
    return SA(proposals=(Proposal(number=1, protocol=protocol, spi=SPI, transforms=made),))


def offer(words: str, *, mode: int = TUNNEL, lifetime: int = 3600) -> SA:
    return offer_child(esp_offers(words), SPI, mode, lifetime)


def without(kind: int) -> tuple[Attribute, ...]:
    return tuple(attribute for attribute in ORDINARY if attribute.type != kind)


def refusal(call: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        call()
    return raised.value


@st.composite
def child_offers(draw: st.DrawFn) -> list[ChildOffer]:
    group = draw(st.none() | st.sampled_from([group.number for group in groups.GROUPS]))
    esn = st.sampled_from([None, EsnChoice.ESN])

    def of_protocol(protocol: int, protection: Protection, esn: int | None) -> ChildOffer:
        return ChildOffer(protocol=protocol, protection=protection, group=group, esn=esn)

    ciphers = [cipher for cipher in ESP_CIPHERS if not isinstance(cipher, AeadCipher)]
    aeads = [cipher for cipher in ESP_CIPHERS if isinstance(cipher, AeadCipher)]
    esp = st.builds(Protection, cipher=st.sampled_from(ciphers), integrity=st.sampled_from(INTEGRITIES))
    aead, ah = (
        st.builds(Protection, cipher=st.sampled_from(aeads)),
        st.builds(Protection, integrity=st.sampled_from(AH_INTEGRITIES)),
    )
    one = st.builds(of_protocol, st.just(Protocol.ESP), esp | aead, esn) | st.builds(
        of_protocol, st.just(Protocol.AH), ah, esn
    )
    return draw(st.lists(one, min_size=1, max_size=8, unique=True))


class TestOffering:
    """RFC 2408 §4.2: transforms of one proposal are alternatives; so are proposals of different numbers."""

    def test_the_octets_of_an_offer(self) -> None:
        assert offer_child(esp_offers("aes128-sha1-modp2048"), SPI, TUNNEL, 3960).write() == bytes.fromhex(
            "00000001 00000001"  # IPsec, identities alone
            "0000002c 01 03 04 01 c0000001"  # proposal 1 for ESP with its SPI, one transform
            "00000020 01 0c 0000"  # transform 1, ESP_AES-CBC
            "80060080 80050002 8003000e 80040001 80010001 80020f78"
        )

    def test_offers_of_one_protocol_share_a_proposal(self) -> None:
        offers = (*esp_offers("aes256-aes128-sha1"), *ah_offers("sha256"), *esp_offers("null-sha1"))
        proposals = offer_child(offers, SPI, TUNNEL, 3600).proposals
        assert [(each.number, each.protocol, len(each.transforms)) for each in proposals] == [
            (1, 3, 2),
            (2, 2, 1),
            (3, 3, 1),
        ]
        assert {each.spi for each in proposals} == {SPI}
        assert [transform.id for each in proposals for transform in each.transforms] == [12, 12, 5, 11]

    @pytest.mark.parametrize("spi", [b"", bytes(4), bytes.fromhex("000000ff"), bytes(5)])
    def test_an_spi_is_four_octets_and_not_reserved(self, spi: bytes) -> None:
        with pytest.raises(Misuse, match=r"RFC 4303 §2\.1"):
            offer_child(esp_offers("aes128-sha1"), spi, TUNNEL, 3600)
        with pytest.raises(Misuse, match=r"RFC 4303 §2\.1"):
            choose_child(offer("aes128-sha1"), child("aes128-sha1")).answer(spi)

    def test_256_is_the_first_spi_that_is_not_reserved(self) -> None:
        first = bytes.fromhex("00000100")
        offered = offer_child(esp_offers("aes128-sha1"), first, TUNNEL, 3600)
        choice = choose_child(offered, child("aes128-sha1"))
        assert choice.spi == first
        assert check_child_answer(offered, choice.answer(first)).spi == first

    def test_nothing_to_offer_is_a_misuse(self) -> None:
        with pytest.raises(Misuse, match="1 to 255, got 0"):
            offer_child((), SPI, TUNNEL, 3600)


class TestChoosing:
    def test_the_first_acceptable_transform_and_why_the_others_lost(self) -> None:
        choice = choose_child(offer("aes256-aes128-sha256-sha1"), child("aes128-sha1,aes128-sha256"))
        assert str(choice.offer) == "aes128-sha256"
        assert (choice.protocol, choice.spi, choice.group, choice.mode) == (Protocol.ESP, SPI, None, TUNNEL)
        assert choice.lost == (
            "transform 1: AES-CBC-256: this side offers only AES-CBC-128",
            "transform 2: AES-CBC-256: this side offers only AES-CBC-128",
            "transform 4: acceptable too, but transform 3 comes first in the initiator's order",
        )

    def test_the_answer_is_the_peers_words_with_ones_own_spi(self) -> None:
        choice = choose_child(offer("aes256-aes128-sha1"), child("aes128-sha1"))
        (proposal,) = choice.answer(OTHER_SPI).proposals
        assert (proposal.number, proposal.protocol, proposal.spi) == (1, Protocol.ESP, OTHER_SPI)
        assert proposal.transforms == (offer("aes256-aes128-sha1").proposals[0].transforms[1],)

    def test_a_responder_may_follow_its_own_order(self) -> None:
        own = child("aes128-sha1,aes128-sha256")
        choice = choose_child(offer("aes128-sha256-sha1"), own, preference=Preference.OWN)
        assert choice.offer == own.offers[0]

    @pytest.mark.parametrize(
        ("words", "own", "says"),
        [
            ("aes128-sha1", "aes256-sha256", ["AES-CBC-128: this side offers only AES-CBC-256", "HMAC-SHA-1-96: this"]),
            ("aes128gcm16", "aes128gcm8", ["AES-GCM-128 with 16-octet ICV: this side offers only AES-GCM-128 with 8"]),
            ("aes128-sha1", "aes128gcm16", ["AES-CBC-128: this side offers only AES-GCM-128 with 16-octet ICV"]),
            ("null-sha1", "aes128-sha1", ["NULL: this side offers only AES-CBC-128"]),
            (
                "aes128-sha1-modp2048",
                "aes128-sha1-modp4096",
                ["PFS with MODP-2048: this side offers only PFS with MODP-4"],
            ),
            ("aes128-sha1", "aes128-sha1-modp2048", ["no PFS: this side offers only PFS with MODP-2048"]),
            ("aes128-sha1-modp2048", "aes128-sha1", ["PFS with MODP-2048: this side offers only no PFS"]),
            ("aes128-sha1-esn", "aes128-sha1", ["64-bit Sequence Number: this side offers only 32-bit"]),
            ("aes128-sha1", "aes128-sha256,aes256-sha1", ["AES-CBC-128 with HMAC-SHA-1-96 with no PFS"]),
        ],
    )
    def test_nothing_acceptable_is_no_proposal_chosen_with_the_reasons(
        self, words: str, own: str, says: list[str]
    ) -> None:
        refused = refusal(lambda: choose_child(offer(words), child(own)))
        assert (refused.notify, refused.rfc) == (Notify.NO_PROPOSAL_CHOSEN, "RFC 2408 §5.4")
        assert [each for each in says if each not in refused.hint] == []

    @given(child_offers(), child_offers(), st.sampled_from(Preference))
    @settings(max_examples=50)
    def test_what_both_know_is_chosen_by_the_one_whose_order_counts(
        self, theirs: list[ChildOffer], own: list[ChildOffer], preference: Preference
    ) -> None:
        offered = SA.read(offer_child(theirs, SPI, TUNNEL, 3600).write())
        mine = replace(child("aes128-sha1"), offers=tuple(own))
        order = theirs if preference is Preference.INITIATOR else own
        common = [each for each in order if each in theirs and each in own]
        if not common:
            assert (
                refusal(lambda: choose_child(offered, mine, preference=preference)).notify == Notify.NO_PROPOSAL_CHOSEN
            )
            return
        choice = choose_child(offered, mine, preference=preference)
        assert choice.offer == common[0]
        assert len(choice.lost) == len(theirs) - 1
        checked = check_child_answer(offered, SA.read(choice.answer(OTHER_SPI).write()))
        assert (checked.offer, checked.spi, checked.transform) == (choice.offer, OTHER_SPI, choice.transform)
        assert (checked.mode, checked.lifetime, checked.remarks) == (TUNNEL, 3600, ())


class TestSuites:
    """RFC 2408 §4.2: proposals of one number are a unit (AND), of different numbers alternatives (OR)."""

    ESP = offer("aes128-sha1").proposals[0]
    AH = offer_child(ah_offers("sha1"), SPI, TUNNEL, 3600).proposals[0]
    IPCOMP = Proposal(
        number=1, protocol=Protocol.IPCOMP, spi=b"\x32\xdd",
        transforms=(Transform(number=1, id=2, attributes=(short(MODE, 1),)),),
    )  # fmt: skip

    def test_a_bundle_loses_and_the_next_alternative_is_taken(self) -> None:
        """As strongSwan offers IPComp: ESP and IPCOMP, or ESP alone."""
        offered = SA(proposals=(self.ESP, self.IPCOMP, replace(self.ESP, number=2)))
        choice = choose_child(offered, child("aes128-sha1"))
        assert [proposal.number for proposal in choice.proposals] == [2]
        assert choice.lost == (
            "proposal 1 (ESP), transform 1: ESP and IPCOMP together: this side offers only ESP",
            "proposal 1 (IPCOMP), transform 1: ESP and IPCOMP together: this side offers only ESP",
        )
        assert choice.remarks == ()

    def test_a_bundle_alone_is_no_proposal_chosen(self) -> None:
        refused = refusal(lambda: choose_child(SA(proposals=(self.AH, self.ESP)), child("aes128-sha1")))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert "AH and ESP together" in refused.hint

    def test_a_unit_must_not_be_torn_apart(self) -> None:
        torn = SA(proposals=(self.ESP, replace(self.ESP, number=2), self.AH))
        refused = refusal(lambda: choose_child(torn, child("aes128-sha1")))
        assert (refused.notify, refused.rfc) == (Notify.BAD_PROPOSAL_SYNTAX, "RFC 2408 §4.2")
        assert "number 1 side by side" in refused.why

    def test_a_protocol_that_was_not_asked_for_loses(self) -> None:
        offered = SA(proposals=(self.AH, replace(self.IPCOMP, number=2), replace(self.ESP, number=3)))
        assert choose_child(offered, child("aes128-sha1")).lost == (
            "proposal 1, transform 1: AH: this side offers only ESP",
            "proposal 2, transform 1: IPCOMP: this side offers only ESP",
        )

    @pytest.mark.parametrize(
        ("change", "notify"),
        [
            ({"doi": 2}, Notify.DOI_NOT_SUPPORTED),
            ({"situation": Situation.INTEGRITY}, Notify.SITUATION_NOT_SUPPORTED),
            ({"proposals": ()}, Notify.BAD_PROPOSAL_SYNTAX),
            ({"proposals": (replace(ESP, transforms=()),)}, Notify.BAD_PROPOSAL_SYNTAX),
        ],
    )
    def test_what_is_wrong_with_the_payload_itself(self, change: dict[str, object], notify: int) -> None:
        wrong = replace(SA(proposals=(self.ESP,)), **change)  # type: ignore[arg-type]
        assert refusal(lambda: choose_child(wrong, child("aes128-sha1"))).notify == notify
        assert refusal(lambda: check_child_answer(offer("aes128-sha1"), wrong)).notify == notify

    @pytest.mark.parametrize("spi", [b"", bytes(3), bytes(4), bytes.fromhex("000000ff"), bytes(16)])
    def test_a_reserved_or_misshapen_spi_loses(self, spi: bytes) -> None:
        bad = replace(self.ESP, spi=spi)
        refused = refusal(lambda: choose_child(SA(proposals=(bad,)), child("aes128-sha1")))
        assert refused.notify == Notify.INVALID_SPI
        assert "SPI: expected" in refused.hint
        assert choose_child(SA(proposals=(bad, replace(self.ESP, number=2))), child("aes128-sha1")).spi == SPI
        refused = refusal(lambda: check_child_answer(offer("aes128-sha1"), SA(proposals=(bad,))))
        assert refused.notify == Notify.INVALID_SPI

    def test_of_several_reasons_the_answer_is_no_proposal_chosen(self) -> None:
        offered = SA(proposals=(replace(self.ESP, spi=bytes(4)), replace(self.AH, number=2)))
        assert refusal(lambda: choose_child(offered, child("aes128-sha1"))).notify == Notify.NO_PROPOSAL_CHOSEN


class TestAttributes:
    """RFC 2407 §4.5: what a transform for ESP or AH must say, and must not."""

    @pytest.mark.parametrize(
        ("attributes", "identifier", "says"),
        [
            (without(KEY_LENGTH), 12, "one of 128, 192, 256 bits, got none (RFC 3602 §5.3)"),
            ((*without(KEY_LENGTH), short(KEY_LENGTH, 0)), 12, "got 0 bits"),
            ((*without(KEY_LENGTH), short(KEY_LENGTH, 65535)), 12, "got 65535 bits"),
            (ORDINARY, 3, "its key is fixed"),
            (ORDINARY, 11, "its key is fixed"),
            (ORDINARY, 7, "ESP_BLOWFISH-128: this side offers only AES-CBC-128"),
            (ORDINARY, 21, "ESP_SEED_CBC-128"),
            (ORDINARY, 23, "AES-GMAC-128 with HMAC-SHA-1-96: expected none beside it (RFC 8221 §4)"),
            ((*without(AUTH), short(AUTH, 11)), 12, "AES-128-GMAC: this side offers only HMAC-SHA-1-96"),
            (without(AUTH), 12, "AES-CBC-128 without an Authentication Algorithm"),
            ((short(MODE, 1),), 11, "NULL without an Authentication Algorithm"),
            (ORDINARY, 20, "AES-GCM-128 with 16-octet ICV with HMAC-SHA-1-96: expected none beside it (RFC 8221 §4)"),
            ((*without(AUTH), short(AUTH, 4)), 12, "KPDK: this side offers only HMAC-SHA-1-96"),
            ((*without(AUTH), short(AUTH, 0)), 12, "this side offers only HMAC-SHA-1-96"),
            (without(MODE), 12, "no Encapsulation Mode"),
            ((*ORDINARY, short(ESN, 0)), 12, "expected 1, or no such attribute (RFC 4304 §3)"),
            ((*ORDINARY, short(ESN, 2)), 12, "expected 1, or no such attribute (RFC 4304 §3)"),
            ((*ORDINARY, short(10, 1)), 12, "ECN Tunnel: this side does not support it"),
            ((*ORDINARY, short(7, 12)), 12, "Key Rounds: this side does not support it"),
            ((*ORDINARY, short(32001, 1)), 12, "this side does not support it"),
            ((*ORDINARY, short(GROUP, 22)), 12, "PFS with MODP-1024/160: this side offers only no PFS"),
            ((*ORDINARY, short(LIFE_TYPE, 1), short(LIFE_DURATION, 0)), 12, "a lifetime of 0 seconds"),
            ((*ORDINARY, short(LIFE_DURATION, 1)), 12, "SA Life Duration without a Life Type before it"),
            ((*without(MODE), Attribute(MODE, b"", False)), 12, "Encapsulation Mode: expected 1 to 8 octets, got 0"),
        ],
    )
    def test_a_transform_that_no_side_should_accept_loses_with_its_reason(
        self, attributes: tuple[Attribute, ...], identifier: int, says: str
    ) -> None:
        offered = sa_of(attributes, identifier=identifier)
        refused = refusal(lambda: choose_child(offered, child("aes128-sha1")))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert says in refused.hint

    @pytest.mark.parametrize(
        ("attributes", "identifier", "says"),
        [
            ((short(MODE, 1),), 3, "AH_SHA without an Authentication Algorithm, which must be specified"),
            ((short(MODE, 1), short(AUTH, 1)), 3, "AH_SHA with HMAC-MD5, which is undefined (RFC 2407 §4.4.3)"),
            ((short(MODE, 1), short(AUTH, 2)), 2, "AH_MD5 with HMAC-SHA, which is undefined"),
            ((short(MODE, 1), short(AUTH, 2), short(KEY_LENGTH, 160)), 3, "Key Length: expected none"),
            ((short(MODE, 1), short(AUTH, 8)), 8, "HMAC-RIPEMD: this side offers only HMAC-SHA-1-96"),
        ],
    )
    def test_an_ah_transform_and_its_algorithm_must_say_the_same(
        self, attributes: tuple[Attribute, ...], identifier: int, says: str
    ) -> None:
        offered = sa_of(attributes, identifier=identifier, protocol=Protocol.AH)
        assert says in refusal(lambda: choose_child(offered, child("sha1", ah=True))).hint

    @pytest.mark.parametrize("kind", [KEY_LENGTH, AUTH, MODE])
    def test_an_attribute_given_twice_ends_the_negotiation(self, kind: int) -> None:
        twice = (*ORDINARY, next(attribute for attribute in ORDINARY if attribute.type == kind))
        refused = refusal(lambda: choose_child(sa_of(ORDINARY, twice), child("aes128-sha1")))
        assert (refused.notify, refused.rfc) == (Notify.ATTRIBUTES_NOT_SUPPORTED, "RFC 2407 §4.5.2")

    def test_no_identifier_leads_to_keys_of_no_length(self) -> None:
        """Every ESP and AH identifier with every integrity check: an offer has KEYMAT or is none (CVE-2024-3652)."""
        for protocol in (Protocol.ESP, Protocol.AH):
            for identifier in range(256):
                for auth in (None, *range(14)):
                    for key_length in (None, 128):
                        said = (("auth", AUTH, auth), ("key", KEY_LENGTH, key_length))
                        attributes = tuple(short(kind, value) for _, kind, value in said if value is not None)
                        transform = Transform(number=1, id=identifier, attributes=(*attributes, short(MODE, 1)))
                        made = child_terms(protocol, transform).offer
                        assert made is None or made.protection.keymat_size > 0

    def test_groups_that_differ_within_a_quick_mode_are_a_remark(self) -> None:
        offered = sa_of(ORDINARY, (*ORDINARY, short(GROUP, 14)))
        choice = choose_child(offered, child("aes128-sha1-modp2048"))
        assert (choice.transform.number, choice.group) == (2, 14)
        assert choice.remarks == (
            "expected the same group in every offer, got no PFS and PFS with MODP-2048 (RFC 2409 §5.5)",
        )


class TestEncapsulation:
    """RFC 2407 §4.5 and RFC 3947 §5.1."""

    @pytest.mark.parametrize(
        ("offered", "configured", "demanded"),
        [(TRANSPORT, TUNNEL, None), (TUNNEL, TRANSPORT, None), (UDP_TUNNEL, TUNNEL, Encapsulation.UDP_TRANSPORT)],
    )
    def test_tunnel_against_transport_is_answered_as_strongswan_does(
        self, offered: int, configured: int, demanded: int | None
    ) -> None:
        own = child("aes128-sha1", mode=configured)
        refused = refusal(lambda: choose_child(offer("aes128-sha1", mode=offered), own, mode=demanded))
        assert refused.notify == Notify.INVALID_ID_INFORMATION
        assert f"{Encapsulation(offered).label} mode: this side expects" in refused.hint

    def test_not_where_something_else_is_wrong_too(self) -> None:
        refused = refusal(lambda: choose_child(offer("aes128-sha1", mode=TRANSPORT), child("aes256-sha1")))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert "AES-CBC-128" in refused.hint
        assert "Transport mode: this side expects Tunnel" in refused.hint

    @pytest.mark.parametrize(("offered", "demanded"), [(TUNNEL, UDP_TUNNEL), (UDP_TUNNEL, None), (99, None)])
    def test_another_way_through_a_nat_is_no_proposal_chosen(self, offered: int, demanded: int | None) -> None:
        refused = refusal(lambda: choose_child(offer("aes128-sha1", mode=offered), child("aes128-sha1"), mode=demanded))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN

    def test_behind_a_nat_udp_encapsulation_is_demanded(self) -> None:
        choice = choose_child(offer("aes128-sha1", mode=UDP_TUNNEL), child("aes128-sha1"), mode=UDP_TUNNEL)
        assert choice.mode == UDP_TUNNEL


class TestLifetimes:
    """RFC 2407 §4.5.4: a responder may keep an SA for less than was offered, and says what it was offered."""

    SECONDS, KILOBYTES = short(LIFE_TYPE, 1), short(LIFE_TYPE, 2)

    @pytest.mark.parametrize(
        ("attributes", "offered", "agreed"),
        [
            ((), Lifetime(), 3600),
            ((SECONDS, short(LIFE_DURATION, 1800)), Lifetime(seconds=1800), 1800),
            ((SECONDS, long(LIFE_DURATION, 86400)), Lifetime(seconds=86400), 3600),
            ((SECONDS, long(LIFE_DURATION, 86400), KILOBYTES, long(LIFE_DURATION, 100000)),
             Lifetime(seconds=86400, kilobytes=100000), 3600),
            ((SECONDS, short(LIFE_DURATION, 5)), Lifetime(seconds=5), 60),
        ],
    )  # fmt: skip
    def test_the_shorter_one_counts_and_the_answer_says_what_was_offered(
        self, attributes: tuple[Attribute, ...], offered: Lifetime, agreed: int
    ) -> None:
        choice = choose_child(sa_of((*ORDINARY, *attributes)), child("aes128-sha1"))
        assert (choice.offered_lifetime, choice.lifetime) == (offered, agreed)
        assert choice.answer(OTHER_SPI).proposals[0].transforms[0].attributes == (*ORDINARY, *attributes)

    def test_unsaid_it_is_eight_hours_at_most(self) -> None:
        assert choose_child(sa_of(ORDINARY), child("aes128-sha1", lifetime=86400)).lifetime == 28800


class TestCheckingTheAnswer:
    SENT = offer("aes256-aes128-sha1-modp2048")

    def answer(self, **change: object) -> SA:
        proposal = self.SENT.proposals[0]
        echoed = replace(proposal, spi=OTHER_SPI, transforms=proposal.transforms[1:])
        return SA(proposals=(replace(echoed, **change),))  # type: ignore[arg-type]

    def test_an_echo_is_recognised(self) -> None:
        choice = check_child_answer(self.SENT, self.answer())
        assert (str(choice.offer), choice.spi, choice.group, choice.mode) == ("aes128-sha1-modp2048", OTHER_SPI, 14, 1)
        assert (choice.lifetime, choice.offered_lifetime) == (3600, Lifetime(seconds=3600))
        assert choice.lost == ("transform 1: the responder chose transform 2",)

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda t: replace(t, id=20), "Transform-Id 20 instead of 12"),
            (lambda t: replace(t, attributes=t.attributes[1:]), "Key Length: 128 left out"),
            (lambda t: replace(t, attributes=(*t.attributes[:2], *t.attributes[3:])), "Group Description"),
            (lambda t: replace(t, attributes=(*t.attributes, short(ESN, 1))), "64-bit Sequence Number"),
            (
                lambda t: replace(t, attributes=(*t.attributes[:-1], short(LIFE_DURATION, 1800))),
                "SA Life Duration: 1800 instead of 3600",
            ),
        ],
    )
    def test_a_changed_value_is_refused_and_named(self, change: Callable[[Transform], Transform], says: str) -> None:
        changed = self.answer(transforms=(change(self.SENT.proposals[0].transforms[1]),))
        refused = refusal(lambda: check_child_answer(self.SENT, changed))
        assert (refused.notify, refused.rfc) == (Notify.NO_PROPOSAL_CHOSEN, "RFC 2409 §5")
        assert says in refused.hint

    def test_another_protocol_was_not_offered(self) -> None:
        refused = refusal(lambda: check_child_answer(self.SENT, self.answer(protocol=Protocol.AH)))
        assert refused.hint == "nothing was offered for AH"

    def test_something_sent_that_this_side_could_not_offer_is_a_misuse(self) -> None:
        foreign = sa_of(ORDINARY, identifier=7)
        with pytest.raises(Misuse, match="unknown algorithms"):
            check_child_answer(foreign, foreign)

    def test_two_proposals_are_no_answer(self) -> None:
        """To ESP with IPComp strongSwan answers all that was offered; RFC 2408 §4.2 asks for the one that is chosen."""
        both = SA(proposals=self.answer().proposals * 2)
        refused = refusal(lambda: check_child_answer(self.SENT, both))
        assert (refused.notify, refused.rfc) == (Notify.BAD_PROPOSAL_SYNTAX, "RFC 2408 §4.2")

    def test_no_flipped_bit_goes_unnoticed_but_in_numbers_reserved_octets_and_the_spi(self) -> None:
        """The SPI is the responder's to choose, and HASH(2) covers it (RFC 2409 §5.5)."""
        octets = behind_header(self.answer(), 0)
        proposal_at, transform_at = 12, 24
        free = {
            proposal_at + 1,
            proposal_at + 4,
            transform_at + 1,
            transform_at + 4,
            transform_at + 6,
            transform_at + 7,
        }
        survivors = set()
        for bit in range(8 * 4, 8 * len(octets)):
            flipped = bytearray(octets)
            flipped[bit // 8] ^= 1 << bit % 8
            try:
                choice = check_child_answer(self.SENT, SA.read(bytes(flipped), 4))
            except (WireError, Refusal):
                continue
            survivors.add(bit // 8)
            assert (str(choice.offer), choice.mode, choice.lifetime) == ("aes128-sha1-modp2048", TUNNEL, 3600)
        assert survivors == free | {20, 21, 22, 23}
