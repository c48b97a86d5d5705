"""Phase 1 is bargained out as RFC 2408 §4.2 and RFC 2409 §5 say: offered, chosen, echoed, checked, and explained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from ikelab.crypto import groups
from ikelab.crypto.suite import CIPHERS, HASHES
from ikelab.errors import IkelabError, Misuse, Refusal, WireError
from ikelab.ike.attributes import Lifetime
from ikelab.ike.config import IkeOffer, ike_offers
from ikelab.ike.negotiate import IkeChoice, Preference, check_answer, choose_ike, offer_ike
from ikelab.ike.transforms import ike_terms
from ikelab.wire.numbers import AuthMethod, IkeAttribute, Notify, Situation
from ikelab.wire.proposals import SA, Attribute, Proposal, Transform, long, short
from ikelab.wire.records import behind_header

PSK = AuthMethod.PRE_SHARED_KEY
AES_SHA = ike_offers("aes128-sha1-modp2048")
SEVERAL = ike_offers("aes256-sha256-ecp256,aes128-sha1-modp2048,3des-md5-modp1024")
ENC, HASH, METHOD, GROUP = 1, 2, 3, 4
LIFE_TYPE, LIFE_DURATION, KEY_LENGTH = 11, 12, 14

ORDINARY = (short(ENC, 7), short(KEY_LENGTH, 128), short(HASH, 2), short(GROUP, 14), short(METHOD, 1))
A_DAY = (short(LIFE_TYPE, 1), long(LIFE_DURATION, 86400))

OFFERS = st.lists(
    st.builds(
        IkeOffer,
        cipher=st.sampled_from(CIPHERS),
        hash=st.sampled_from(HASHES),
        group=st.sampled_from([group.number for group in groups.GROUPS]),
    ),
    min_size=1,
    max_size=12,
    unique=True,
)


def sa_of(*transforms: tuple[Attribute, ...]) -> SA:
    """A phase 1 SA payload whose transforms have these attributes."""
    made = tuple(Transform(number=number, id=1, attributes=each) for number, each in enumerate(transforms, 1))
    return SA(proposals=(Proposal(number=1, protocol=1, transforms=made),))


def without(kind: int, attributes: tuple[Attribute, ...] = ORDINARY) -> tuple[Attribute, ...]:
    return tuple(attribute for attribute in attributes if attribute.type != kind)


def refusal(call: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as raised:
        call()
    return raised.value


def in_proposal(sa: SA, **change: object) -> SA:
    return replace(sa, proposals=(replace(sa.proposals[0], **change),))  # type: ignore[arg-type]


class TestOffering:
    """RFC 2409 §5: one proposal, a transform for each offer."""

    def test_transforms_are_numbered_from_one_in_order_of_preference(self) -> None:
        (proposal,) = offer_ike(SEVERAL, PSK, 28800).proposals
        assert (proposal.number, proposal.protocol, proposal.spi) == (1, 1, b"")
        assert [(transform.number, transform.id) for transform in proposal.transforms] == [(1, 1), (2, 1), (3, 1)]
        assert [ike_terms(transform).offer for transform in proposal.transforms] == list(SEVERAL)

    def test_the_octets_of_an_offer(self) -> None:
        assert offer_ike(AES_SHA, PSK, 15840).write() == bytes.fromhex(
            "00000001 00000001"  # IPsec, identities alone
            "0000002c 01 01 00 01"  # proposal 1 for ISAKMP, no SPI, one transform
            "00000024 01 01 0000"  # transform 1, KEY_IKE
            "80010007 800e0080 80020002 8004000e 80030001 800b0001 800c3de0"
        )

    def test_a_fixed_key_has_no_key_length(self) -> None:
        (transform,) = offer_ike(ike_offers("3des-sha1-modp2048"), PSK, 3600).proposals[0].transforms
        assert transform.values(KEY_LENGTH) == ()

    @pytest.mark.parametrize(("seconds", "spelt"), [(65535, short), (65536, long), (86400, long)])
    def test_a_lifetime_is_spelt_as_short_as_it_can_be(
        self, seconds: int, spelt: Callable[[int, int], Attribute]
    ) -> None:
        (transform,) = offer_ike(AES_SHA, PSK, seconds).proposals[0].transforms
        assert transform.attributes[-2:] == (short(LIFE_TYPE, 1), spelt(LIFE_DURATION, seconds))

    def test_nothing_to_offer_or_no_lifetime_is_a_misuse(self) -> None:
        with pytest.raises(Misuse, match="1 to 255, got 0"):
            offer_ike((), PSK, 3600)
        assert len(offer_ike(AES_SHA * 255, PSK, 3600).proposals[0].transforms) == 255
        with pytest.raises(Misuse, match="got 256"):
            offer_ike(AES_SHA * 256, PSK, 3600)
        with pytest.raises(Misuse, match="got 0"):
            offer_ike(AES_SHA, PSK, 0)


class TestChoosing:
    """RFC 2408 §4.2: the responder selects a single transform, and says why each other one lost."""

    def test_the_first_of_the_initiators_transforms_that_is_acceptable(self) -> None:
        offered = offer_ike(ike_offers("aes256-aes128-sha256-sha1-modp2048,3des-md5-modp1024"), PSK, 28800)
        choice = choose_ike(offered, ike_offers("aes128-sha1-modp2048,aes128-sha256-modp2048"), PSK)
        assert str(choice.offer) == "aes128-sha256-modp2048"
        assert choice.transform == offered.proposals[0].transforms[2]
        assert choice.lost == (
            "transform 1: AES-CBC-256: this side offers only AES-CBC-128",
            "transform 2: AES-CBC-256: this side offers only AES-CBC-128",
            "transform 4: acceptable too, but transform 3 comes first in the initiator's order",
            "transform 5: 3DES-CBC: this side offers only AES-CBC-128, MD5: this side offers only SHA-1 or SHA-256, "
            "MODP-1024: this side offers only MODP-2048",
        )

    def test_a_responder_may_follow_its_own_order(self) -> None:
        offered = offer_ike(ike_offers("aes128-sha256-sha1-modp2048"), PSK, 28800)
        own = ike_offers("aes128-sha1-modp2048,aes128-sha256-modp2048")
        choice = choose_ike(offered, own, PSK, preference=Preference.OWN)
        assert choice.offer == own[0]
        assert choice.lost == ("transform 1: acceptable too, but transform 2 comes first in the responder's own order",)

    def test_the_answer_keeps_numbers_and_attributes_as_they_came(self) -> None:
        shuffled = (*A_DAY, *reversed(ORDINARY))
        offered = sa_of(without(HASH), shuffled)
        (proposal,) = choose_ike(offered, AES_SHA, PSK).answer.proposals
        assert (proposal.number, proposal.protocol, proposal.spi) == (1, 1, b"")
        (transform,) = proposal.transforms
        assert (transform.number, transform.id, transform.attributes) == (2, 1, shuffled)

    def test_reserved_octets_are_not_echoed(self) -> None:
        (transform,) = offer_ike(AES_SHA, PSK, 3600).proposals[0].transforms
        dirty = replace(transform, reserved=1, reserved2=2)
        offered = SA(reserved=3, proposals=(Proposal(reserved=4, number=1, protocol=1, transforms=(dirty,)),))
        assert choose_ike(offered, AES_SHA, PSK).answer == offer_ike(AES_SHA, PSK, 3600)

    def test_an_spi_in_phase_1_is_ignored(self) -> None:
        """RFC 2408 §3.5: from zero to sixteen octets, the content of which MUST be ignored."""
        offered = in_proposal(offer_ike(AES_SHA, PSK, 3600), spi=bytes(16))
        assert choose_ike(offered, AES_SHA, PSK).answer.proposals[0].spi == b""
        refused = refusal(lambda: choose_ike(in_proposal(offered, spi=bytes(17)), AES_SHA, PSK))
        assert (refused.notify, refused.rfc) == (Notify.BAD_PROPOSAL_SYNTAX, "RFC 2408 §3.5")

    @pytest.mark.parametrize(
        ("words", "method", "says"),
        [
            ("aes256-sha1-modp2048", 1, ["AES-CBC-128: this side offers only AES-CBC-256"]),
            ("aes128-sha256-modp2048", 1, ["SHA-1: this side offers only SHA-256"]),
            ("aes128-sha1-modp4096", 1, ["MODP-2048: this side offers only MODP-4096"]),
            ("aes128-sha1-toy", 1, ["MODP-2048: this side offers only toy group of 16 bits"]),
            ("aes128-sha1-modp2048", 3, ["pre-shared key: this side offers only RSA signatures"]),
            ("3des-sha256-ecp256,des-md5-modp768", 1, ["3DES-CBC or DES-CBC", "SHA-256 or MD5", "P-256 or MODP-768"]),
            (
                "aes128-sha256-modp2048,aes256-sha1-modp2048",
                1,
                ["AES-CBC-128 with SHA-1 with MODP-2048", "AES-CBC-128 with SHA-256", "or AES-CBC-256 with SHA-1"],
            ),
        ],
    )
    def test_nothing_acceptable_is_no_proposal_chosen_with_the_reasons(
        self, words: str, method: int, says: list[str]
    ) -> None:
        refused = refusal(lambda: choose_ike(offer_ike(AES_SHA, PSK, 3600), ike_offers(words), method))
        assert (refused.notify, refused.why, refused.rfc) == (
            Notify.NO_PROPOSAL_CHOSEN,
            "the offer is not acceptable",
            "RFC 2408 §5.4",
        )
        assert [each for each in says if each not in refused.hint] == []

    def test_a_responder_without_offers_refuses_everything(self) -> None:
        refused = refusal(lambda: choose_ike(offer_ike(AES_SHA, PSK, 3600), (), PSK))
        assert refused.hint.endswith("this side offers only nothing")

    def test_every_transform_that_was_refused_gets_its_sentence(self) -> None:
        refused = refusal(lambda: choose_ike(offer_ike(SEVERAL, PSK, 3600), ike_offers("aes192-sha512-modp8192"), PSK))
        assert refused.why == "none of the 3 offers is acceptable"
        assert [each.partition(":")[0] for each in refused.hint.split("; ")] == [f"transform {n}" for n in (1, 2, 3)]

    @given(OFFERS, OFFERS, st.sampled_from(Preference))
    def test_what_both_know_is_chosen_by_the_one_whose_order_counts(
        self, theirs: list[IkeOffer], own: list[IkeOffer], preference: Preference
    ) -> None:
        offered = offer_ike(theirs, PSK, 3600)
        common = [
            offer
            for offer in (theirs if preference is Preference.INITIATOR else own)
            if offer in set(theirs) & set(own)
        ]
        if not common:
            refused = refusal(lambda: choose_ike(offered, own, PSK, preference=preference))
            assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
            assert len(refused.hint.split("; ")) == len(theirs)
            return
        choice = choose_ike(offered, own, PSK, preference=preference)
        assert choice.offer == common[0]
        assert len(choice.lost) == len(theirs) - 1
        assert all(str(number) in said for number, said in zip(_others(choice, len(theirs)), choice.lost, strict=True))
        checked = check_answer(offered, SA.read(choice.answer.write()))
        assert (checked.offer, checked.transform, checked.remarks) == (choice.offer, choice.transform, ())
        assert len(checked.lost) == len(theirs) - 1


def _others(choice: IkeChoice, count: int) -> list[int]:
    return [number for number in range(1, count + 1) if number != choice.transform.number]


class TestSyntax:
    """RFC 2408 §5.4 and §5.5, RFC 2409 §5: what is wrong with the payload itself."""

    OFFER = offer_ike(AES_SHA, PSK, 3600)

    @pytest.mark.parametrize(
        ("offered", "notify", "rfc"),
        [
            (replace(OFFER, doi=0), Notify.DOI_NOT_SUPPORTED, "RFC 2408 §5.4"),
            (replace(OFFER, doi=2), Notify.DOI_NOT_SUPPORTED, "RFC 2408 §5.4"),
            (replace(OFFER, situation=0), Notify.SITUATION_NOT_SUPPORTED, "RFC 2407 §4.2"),
            (replace(OFFER, situation=Situation.SECRECY), Notify.SITUATION_NOT_SUPPORTED, "RFC 2407 §4.2"),
            (replace(OFFER, situation=3), Notify.SITUATION_NOT_SUPPORTED, "RFC 2407 §4.2"),
            (replace(OFFER, situation=0x80000001), Notify.SITUATION_NOT_SUPPORTED, "RFC 2407 §4.2"),
            (replace(OFFER, proposals=()), Notify.BAD_PROPOSAL_SYNTAX, "RFC 2409 §5"),
            (replace(OFFER, proposals=OFFER.proposals * 2), Notify.BAD_PROPOSAL_SYNTAX, "RFC 2409 §5"),
            (in_proposal(OFFER, transforms=()), Notify.BAD_PROPOSAL_SYNTAX, "RFC 2408 §4.2"),
            (in_proposal(OFFER, protocol=3), Notify.INVALID_PROTOCOL_ID, "RFC 2408 §5.5"),
            (in_proposal(OFFER, protocol=200), Notify.INVALID_PROTOCOL_ID, "RFC 2408 §5.5"),
        ],
    )
    def test_refused_by_both_sides_with_the_notify_type_for_it(self, offered: SA, notify: int, rfc: str) -> None:
        refused = refusal(lambda: choose_ike(offered, AES_SHA, PSK))
        assert (refused.notify, refused.rfc) == (notify, rfc)
        assert "expected" in refused.why
        assert refusal(lambda: check_answer(self.OFFER, offered)).notify == notify

    def test_transform_numbers_that_do_not_increase_are_a_remark(self) -> None:
        first, second = sa_of(without(HASH), ORDINARY).proposals[0].transforms
        offered = in_proposal(self.OFFER, transforms=(first, replace(second, number=1)))
        (remark,) = choose_ike(offered, AES_SHA, PSK).remarks
        assert remark == "expected transform numbers that increase, got 1, 1 (RFC 2408 §4.2)"


class TestAttributes:
    """RFC 2409 Appendix A: what a transform must say, and must not."""

    @pytest.mark.parametrize("kind", [ENC, HASH, METHOD, GROUP])
    def test_four_attributes_must_be_negotiated(self, kind: int) -> None:
        refused = refusal(lambda: choose_ike(sa_of(without(kind)), AES_SHA, PSK))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert f"no {IkeAttribute(kind).label}, which must be negotiated (RFC 2409 §4)" in refused.hint

    @pytest.mark.parametrize(
        ("attributes", "says"),
        [
            (without(KEY_LENGTH), "one of 128, 192, 256 bits, got none"),
            ((*without(KEY_LENGTH), short(KEY_LENGTH, 0)), "got 0 bits"),
            ((*without(KEY_LENGTH), short(KEY_LENGTH, 127)), "got 127 bits"),
            ((*without(KEY_LENGTH), short(KEY_LENGTH, 65535)), "got 65535 bits"),
            ((*without(KEY_LENGTH), Attribute(KEY_LENGTH, b"", False)), "expected 1 to 8 octets, got 0"),
            ((*without(KEY_LENGTH), Attribute(KEY_LENGTH, bytes(2048), False)), "expected 1 to 8 octets, got 2048"),
            ((*without(ENC), short(ENC, 5)), "its key is fixed, so expected no Key Length"),
            ((*without(ENC), short(ENC, 3)), "Blowfish-CBC-128: this side offers only AES-CBC-128"),
            ((*without(ENC), short(ENC, 65005)), "TWOFISH-CBC-128"),
            ((*without(ENC), short(ENC, 9)), "EncryptionAlgorithm 9 (unassigned)-128"),
            ((*without(HASH), short(HASH, 3)), "Tiger: this side offers only SHA-1"),
            ((*without(GROUP), short(GROUP, 22)), "MODP-1024/160: this side offers only MODP-2048"),
            ((*without(METHOD), short(METHOD, 65001)), "XAUTHInitPreShared: this side offers only pre-shared key"),
            ((*ORDINARY, short(13, 65001)), "PRF: expected none"),
            ((*ORDINARY, short(5, 1)), "Group Type: a group must be named by its number"),
            ((*ORDINARY, long(6, 23, 96)), "never accepted from a peer"),
            ((*ORDINARY, short(16384, 1)), "this side does not support it"),
        ],
    )
    def test_a_transform_that_no_side_should_accept_loses_with_its_reason(
        self, attributes: tuple[Attribute, ...], says: str
    ) -> None:
        refused = refusal(lambda: choose_ike(sa_of(attributes), AES_SHA, PSK))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert says in refused.hint
        choice = choose_ike(sa_of(attributes, ORDINARY), AES_SHA, PSK)
        assert choice.transform.number == 2
        assert says in choice.lost[0]

    @pytest.mark.parametrize("kind", [ENC, HASH, METHOD, GROUP, KEY_LENGTH])
    def test_an_attribute_given_twice_ends_the_negotiation(self, kind: int) -> None:
        twice = (*ORDINARY, next(attribute for attribute in ORDINARY if attribute.type == kind))
        refused = refusal(lambda: choose_ike(sa_of(ORDINARY, twice), AES_SHA, PSK))
        assert (refused.notify, refused.rfc) == (Notify.ATTRIBUTES_NOT_SUPPORTED, "RFC 2408 §5.6")
        assert refused.why == f"transform 2: expected each attribute once, got {IkeAttribute(kind).label} twice"

    def test_the_only_transform_is_key_ike(self) -> None:
        (transform,) = sa_of(ORDINARY).proposals[0].transforms
        offered = in_proposal(sa_of(ORDINARY), transforms=(replace(transform, id=2),))
        assert "expected KEY_IKE (1)" in refusal(lambda: choose_ike(offered, AES_SHA, PSK)).hint

    def test_a_basic_attribute_spelt_long_is_a_remark(self) -> None:
        choice = choose_ike(sa_of((*without(HASH), long(HASH, 2, 2))), AES_SHA, PSK)
        assert choice.offer == AES_SHA[0]
        assert choice.remarks == (
            "Hash Algorithm is spelt long, and a basic attribute must be short (RFC 2409 Appendix A)",
        )

    def test_no_number_of_a_group_leads_to_one_that_ikelab_does_not_compute_in(self) -> None:
        computed = {group.number for group in groups.GROUPS}
        for number in range(65536):
            (transform,) = sa_of((*without(GROUP), short(GROUP, number))).proposals[0].transforms
            assert (ike_terms(transform).offer is not None) == (number in computed)


class TestLifetimes:
    """RFC 2409 Appendix A and RFC 2407 §4.5: how long an SA may live, however that is spelt."""

    SECONDS, KILOBYTES = short(LIFE_TYPE, 1), short(LIFE_TYPE, 2)

    @pytest.mark.parametrize(
        ("attributes", "offered", "agreed"),
        [
            ((), Lifetime(), 28800),
            ((SECONDS, short(LIFE_DURATION, 3600)), Lifetime(seconds=3600), 3600),
            ((SECONDS, long(LIFE_DURATION, 3600)), Lifetime(seconds=3600), 3600),
            ((SECONDS, long(LIFE_DURATION, 3600, 2)), Lifetime(seconds=3600), 3600),
            ((SECONDS, long(LIFE_DURATION, 3600, 8)), Lifetime(seconds=3600), 3600),
            ((SECONDS, long(LIFE_DURATION, 86400)), Lifetime(seconds=86400), 28800),
            ((SECONDS, long(LIFE_DURATION, 2**32 - 1)), Lifetime(seconds=2**32 - 1), 28800),
            ((SECONDS, short(LIFE_DURATION, 1)), Lifetime(seconds=1), 60),
            ((KILOBYTES, short(LIFE_DURATION, 4608)), Lifetime(kilobytes=4608), 28800),
            (
                (SECONDS, short(LIFE_DURATION, 3600), KILOBYTES, long(LIFE_DURATION, 4608000)),
                Lifetime(seconds=3600, kilobytes=4608000),
                3600,
            ),
            (
                (KILOBYTES, short(LIFE_DURATION, 9), SECONDS, short(LIFE_DURATION, 3600)),
                Lifetime(seconds=3600, kilobytes=9),
                3600,
            ),
            (
                (SECONDS, short(LIFE_DURATION, 3600), SECONDS, long(LIFE_DURATION, 3600)),
                Lifetime(seconds=3600),
                3600,
            ),
        ],
    )
    def test_twelve_spellings(self, attributes: tuple[Attribute, ...], offered: Lifetime, agreed: int) -> None:
        choice = choose_ike(sa_of((*ORDINARY, *attributes)), AES_SHA, PSK, 28800)
        assert (choice.offered_lifetime, choice.lifetime) == (offered, agreed)
        assert choice.answer.proposals[0].transforms[0].attributes == (*ORDINARY, *attributes)
        differs = offered.seconds is not None and offered.seconds != agreed
        assert [f"keeps the SA for {agreed}" in remark for remark in choice.remarks] == [True] * differs

    @pytest.mark.parametrize(
        ("attributes", "says"),
        [
            ((SECONDS, short(LIFE_DURATION, 0)), "a lifetime of 0 seconds"),
            ((SECONDS, long(LIFE_DURATION, 0)), "a lifetime of 0 seconds"),
            ((SECONDS, short(LIFE_DURATION, 3600), KILOBYTES, short(LIFE_DURATION, 0)), "a lifetime of 0 kilobytes"),
            ((SECONDS,), "Life Type without a Life Duration behind it"),
            ((short(LIFE_DURATION, 3600),), "Life Duration without a Life Type before it"),
            ((short(LIFE_DURATION, 3600), SECONDS), "Life Duration without a Life Type before it"),
            ((SECONDS, KILOBYTES, short(LIFE_DURATION, 1)), "Life Type without a Life Duration behind it"),
            ((short(LIFE_TYPE, 3), short(LIFE_DURATION, 1)), "expected a lifetime in seconds or kilobytes"),
            ((SECONDS, Attribute(LIFE_DURATION, b"", False)), "Life Duration: expected 1 to 8 octets, got 0"),
            ((SECONDS, Attribute(LIFE_DURATION, b"\1" * 9, False)), "Life Duration: expected 1 to 8 octets, got 9"),
            ((SECONDS, Attribute(LIFE_DURATION, b"\xff" * 2048, False)), "got 2048"),
        ],
    )
    def test_a_lifetime_that_makes_no_sense_loses(self, attributes: tuple[Attribute, ...], says: str) -> None:
        refused = refusal(lambda: choose_ike(sa_of((*ORDINARY, *attributes)), AES_SHA, PSK))
        assert refused.notify == Notify.NO_PROPOSAL_CHOSEN
        assert says in refused.hint

    def test_two_different_lifetimes_in_one_unit_contradict_each_other(self) -> None:
        """RFC 2407 §4.5.2: conflicting attributes end the setup with ATTRIBUTES-NOT-SUPPORTED."""
        twice = (self.SECONDS, short(LIFE_DURATION, 3600), self.SECONDS, short(LIFE_DURATION, 7200))
        refused = refusal(lambda: choose_ike(sa_of((*ORDINARY, *twice)), AES_SHA, PSK))
        assert refused.notify == Notify.ATTRIBUTES_NOT_SUPPORTED
        assert "2 different lifetimes in one unit" in refused.why

    @pytest.mark.parametrize(("own", "agreed"), [(3, 3), (59, 59), (60, 60), (3600, 60)])
    def test_a_peer_cannot_force_less_than_a_minute_but_ones_own_configuration_can(self, own: int, agreed: int) -> None:
        offered = sa_of((*ORDINARY, self.SECONDS, short(LIFE_DURATION, 5)))
        assert choose_ike(offered, AES_SHA, PSK, own).lifetime == agreed


class TestCheckingTheAnswer:
    """RFC 2409 §5: an answer whose attributes were changed, added or left out MUST be rejected."""

    SENT = offer_ike(SEVERAL, PSK, 15840)

    def answered(self, *attributes: Attribute, number: int = 2) -> SA:
        return in_proposal(sa_of(attributes), transforms=(Transform(number=number, id=1, attributes=attributes),))

    def echoed(self) -> tuple[Attribute, ...]:
        return self.SENT.proposals[0].transforms[1].attributes

    def test_an_echo_is_recognised(self) -> None:
        choice = check_answer(self.SENT, self.answered(*self.echoed()))
        assert (choice.offer, choice.method, choice.lifetime, choice.group) == (SEVERAL[1], PSK, 15840, 14)
        assert choice.lost == (
            "transform 1: the responder chose transform 2",
            "transform 3: the responder chose transform 2",
        )
        assert choice.remarks == ()

    def test_order_spelling_and_numbers_are_free(self) -> None:
        shuffled = [long(a.type, a.number) if a.type == LIFE_DURATION else a for a in reversed(self.echoed())]
        life = [shuffled.pop(0), shuffled.pop(0)]
        answer = in_proposal(self.answered(*shuffled, *reversed(life), number=0), number=0)
        choice = check_answer(self.SENT, answer)
        assert choice.offer == SEVERAL[1]
        assert choice.remarks == (
            "offered as proposal 1, transform 2, and answered as proposal 0, transform 0 "
            "(RFC 2408 §4.2: should be retained)",
        )

    @pytest.mark.parametrize(
        ("change", "says"),
        [
            (lambda a: without(KEY_LENGTH, a), "Key Length: 128 left out"),
            (lambda a: (*without(KEY_LENGTH, a), short(KEY_LENGTH, 256)), "Key Length: 256 instead of 128"),
            (lambda a: (*without(HASH, a), short(HASH, 1)), "Hash Algorithm: MD5 (1) instead of SHA (2)"),
            (lambda a: (*without(GROUP, a), short(GROUP, 1)), "default 768-bit MODP group (1) instead of"),
            (lambda a: (*without(METHOD, a), short(METHOD, 3)), "RSA signatures (3) instead of pre-shared key (1)"),
            (lambda a: (*a[:-1], short(LIFE_DURATION, 15841)), "Life Duration: 15841 instead of 15840"),
            (lambda a: (*a[:-1], Attribute(LIFE_DURATION, b"\1" * 2000, False)), "instead of 15840"),
            (lambda a: (*a[:-2], short(LIFE_TYPE, 2), a[-1]), "Life Type: kilobytes (2) instead of seconds (1)"),
            (lambda a: a[:-2], "Life Type: seconds (1) left out"),
            (lambda a: (*a, short(LIFE_TYPE, 2), short(LIFE_DURATION, 9)), "Life Duration: 9 added"),
            (lambda a: (*a, a[0]), "Encryption Algorithm: AES-CBC (7) added"),
            (lambda a: (*a, short(13, 1)), "PRF"),
            (lambda a: (), "left out"),
        ],
    )
    def test_a_changed_value_is_refused_and_named(
        self, change: Callable[[tuple[Attribute, ...]], tuple[Attribute, ...]], says: str
    ) -> None:
        refused = refusal(lambda: check_answer(self.SENT, self.answered(*change(self.echoed()))))
        assert (refused.notify, refused.rfc) == (Notify.NO_PROPOSAL_CHOSEN, "RFC 2409 §5")
        assert says in refused.hint
        assert "closest to transform" in refused.hint

    def test_a_lifetime_belongs_to_the_life_type_before_it(self) -> None:
        both = (short(LIFE_TYPE, 1), short(LIFE_DURATION, 10), short(LIFE_TYPE, 2), short(LIFE_DURATION, 20))
        swapped = (both[0], both[3], both[2], both[1])
        sent = sa_of((*ORDINARY, *both))
        assert check_answer(sent, sa_of((*both[2:], *ORDINARY, *both[:2]))).offer == AES_SHA[0]
        assert refusal(lambda: check_answer(sent, sa_of((*ORDINARY, *swapped)))).notify == Notify.NO_PROPOSAL_CHOSEN

    def test_two_transforms_are_no_answer(self) -> None:
        refused = refusal(lambda: check_answer(self.SENT, self.SENT))
        assert (refused.notify, refused.rfc) == (Notify.BAD_PROPOSAL_SYNTAX, "RFC 2408 §4.2")
        assert "expected one transform, got 3" in refused.why

    def test_of_equal_offers_the_one_of_the_same_number_was_meant(self) -> None:
        sent = sa_of(ORDINARY, ORDINARY)
        choice = check_answer(sent, self.answered(*ORDINARY, number=2))
        assert choice.lost == ("transform 1: the responder chose transform 2",)
        assert choice.remarks == ()

    def test_something_sent_that_this_side_could_not_offer_is_a_misuse(self) -> None:
        foreign = sa_of((*without(ENC), short(ENC, 3)))
        with pytest.raises(Misuse, match="unknown algorithms"):
            check_answer(foreign, foreign)

    def test_no_flipped_bit_of_an_answer_goes_unnoticed_but_in_numbers_and_reserved_octets(self) -> None:
        """No hash covers the responder's SA payload, so this comparison is all that guards it."""
        octets = behind_header(self.answered(*self.echoed()), 0)
        proposal_at, transform_at = 12, 20
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
                choice = check_answer(self.SENT, SA.read(bytes(flipped), 4))
            except (WireError, Refusal):
                continue
            survivors.add(bit // 8)
            assert (choice.offer, choice.method, choice.lifetime) == (SEVERAL[1], PSK, 15840)
        assert survivors == free

    @given(st.binary(max_size=120), st.integers(0, 120))
    def test_any_octets_are_a_choice_or_refused(self, noise: bytes, at: int) -> None:
        octets = behind_header(self.answered(*self.echoed()), 0)
        changed = octets[: 4 + at] + noise + octets[4 + at + len(noise) :]
        outcome: object
        try:
            outcome = check_answer(self.SENT, SA.read(changed, 4))
        except (WireError, Refusal) as error:
            outcome = error
        assert isinstance(outcome, IkeChoice | IkelabError)
        try:
            outcome = choose_ike(SA.read(changed, 4), SEVERAL, PSK)
        except (WireError, Refusal) as error:
            outcome = error
        assert isinstance(outcome, IkeChoice | IkelabError)
