"""Attribute lists mean what RFC 2409 Appendix A, RFC 2407 §4.5 and RFC 4304 §2 say, whatever their spelling."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from ikelab.errors import Misuse
from ikelab.ike.attributes import (
    GROUP_PARAMETERS,
    PHASE_1,
    PHASE_2,
    Phase,
    differences,
    is_same_offer,
    lifetime,
    lifetime_attributes,
    misspelt,
    values,
)
from ikelab.wire.proposals import Attribute, Transform, long, short

BASIC = {PHASE_1.life_type: {1, 2, 3, 4, 5, 11, 13, 14, 15}, PHASE_2.life_type: {1, 3, 4, 5, 6, 7, 8, 11}}
"""As the tables print them: B in the column "type"."""

ATTRIBUTES = st.builds(short, st.integers(1, 16), st.integers(0, 65535)) | st.builds(
    long, st.integers(1, 16), st.integers(0, 65535), st.integers(2, 9)
)
BOTH = pytest.mark.parametrize("phase", [PHASE_1, PHASE_2], ids=["phase 1", "phase 2"])


def transform(*attributes: Attribute, identifier: int = 1) -> Transform:
    return Transform(number=1, id=identifier, attributes=attributes)


@BOTH
@pytest.mark.parametrize("kind", range(1, 18))
def test_basic_attributes_must_be_short_and_variable_ones_may_be_long(phase: Phase, kind: int) -> None:
    assert len(misspelt(transform(long(kind, 1)), phase)) == (kind in BASIC[phase.life_type])
    assert misspelt(transform(short(kind, 1)), phase) == ()


def test_a_group_is_described_by_these_attributes() -> None:
    """RFC 2409 Appendix A: Group Type to Group Curve B, Field Size, Group Order."""
    assert sorted(GROUP_PARAMETERS) == [5, 6, 7, 8, 9, 10, 15, 16]
    for kind in GROUP_PARAMETERS:
        faults: list[str] = []
        assert values(transform(long(kind, 5)), PHASE_1, faults) == {}
        assert "its parameters are never accepted" in faults[0]


@BOTH
@pytest.mark.parametrize(("seconds", "good"), [(0, False), (1, True), (2**32 - 1, True), (2**32, False)])
def test_a_lifetime_fits_32_bits(phase: Phase, seconds: int, good: bool) -> None:
    if good:
        faults: list[str] = []
        assert lifetime(transform(*lifetime_attributes(phase, seconds)), phase, faults).seconds == seconds
        assert faults == []
    else:
        with pytest.raises(Misuse, match=f"1 to 4294967295 seconds, got {seconds}"):
            lifetime_attributes(phase, seconds)


@pytest.mark.parametrize("size", [1, 8])
def test_a_number_has_one_to_eight_octets(size: int) -> None:
    faults: list[str] = []
    said = transform(long(11, 1, size), long(12, 200, size))
    assert values(said, PHASE_1, faults) == {11: 1, 12: 200}
    assert lifetime(said, PHASE_1, faults).seconds == 200
    assert faults == []


@pytest.mark.parametrize("size", [0, 9, 2048])
def test_a_duration_that_is_no_number_is_named_once(size: int) -> None:
    faults: list[str] = []
    said = transform(short(11, 1), Attribute(12, bytes(size), False))
    values(said, PHASE_1, faults)
    assert lifetime(said, PHASE_1, faults).seconds is None
    assert faults == [f"Life Duration: expected 1 to 8 octets, got {size}"]


class TestTheSameOffer:
    @given(st.lists(ATTRIBUTES, max_size=8), st.randoms(use_true_random=False))
    def test_order_and_spelling_are_free_where_there_is_no_lifetime(
        self, attributes: list[Attribute], random: object
    ) -> None:
        plain = [each for each in attributes if each.type not in (PHASE_1.life_type, PHASE_1.life_duration)]
        respelt = [short(each.type, each.number) if each.number < 65536 else each for each in plain]
        random.shuffle(respelt)  # type: ignore[attr-defined]
        assert is_same_offer(transform(*plain), transform(*respelt), PHASE_1)

    @given(st.lists(ATTRIBUTES, max_size=6), st.lists(ATTRIBUTES, max_size=6), st.integers(1, 2))
    def test_there_are_differences_exactly_where_it_is_not_the_same(
        self, one: list[Attribute], other: list[Attribute], identifier: int
    ) -> None:
        first, second = transform(*one), transform(*other, identifier=identifier)
        for phase in (PHASE_1, PHASE_2):
            assert (differences(first, second, phase) == ()) == is_same_offer(first, second, phase)

    def test_a_lifetime_belongs_to_its_unit(self) -> None:
        seconds, kilobytes = (short(1, 1), short(2, 10)), (short(1, 2), short(2, 20))
        assert is_same_offer(transform(*seconds, *kilobytes), transform(*kilobytes, *seconds), PHASE_2)
        swapped = transform(seconds[0], kilobytes[1], kilobytes[0], seconds[1])
        assert not is_same_offer(transform(*seconds, *kilobytes), swapped, PHASE_2)
