"""The anti-replay window against a model that remembers every number, at random and at every boundary."""

from __future__ import annotations

import random
from itertools import product

import pytest
from hypothesis import given, strategies as st

from ikelab.ipsec.refused import Reason, Refused
from ikelab.ipsec.window import NUMBERS, WINDOW, ReplayWindow

LONGEST_STEP = 5


class Remembering:
    """A receiver with a set of all the numbers it has ever accepted, and nothing clever."""

    def __init__(self, size: int, top: int = 0) -> None:
        self.size, self.accepted = size, {0, top}

    def wants(self, sequence: int) -> bool:
        return sequence > max(self.accepted) - self.size and sequence not in self.accepted and sequence >= 0

    def whole(self, low: int) -> int:
        """Of all numbers with these lower bits the only one that a window of 2**32 from the bottom up can hold."""
        bottom = max(self.accepted) - self.size + 1
        return bottom + (low - bottom) % NUMBERS


def judged(window: ReplayWindow, sequence: int) -> tuple[bool, ReplayWindow]:
    """Whether the window wants a number, and the window afterwards if the packet proves genuine."""
    refused = window.refusal(sequence)
    assert refused is None or refused.reason in (Reason.REPLAYED, Reason.BEFORE_WINDOW)
    return refused is None, window if refused else window.after(sequence)


def random_sequence(chance: random.Random, size: int) -> list[int]:
    """Up to 40 numbers that creep, leap, repeat and come late, with the edges of the window among them."""
    top, numbers = chance.choice((0, 1, size - 1, size, 1000, NUMBERS - 3)), []
    for _ in range(chance.randrange(1, 40)):
        jump = chance.choice((1, 1, 1, 2, size - 1, size, size + 1, 3 * size, -1, -2, 1 - size, -size, -size - 1, 0))
        number = max(0, top + jump + chance.choice((0, 0, 1, -1)))
        top = max(top, number)
        numbers.append(number)
    return numbers


def agree(chance: random.Random) -> tuple[int, int]:
    """One random sequence through both; how many numbers were accepted and refused."""
    size = chance.choice((1, 8, 32, 64, WINDOW, WINDOW))
    window, model = ReplayWindow(size=size), Remembering(size)
    accepted = refused = 0
    for number in random_sequence(chance, size):
        expected = model.wants(number)
        wanted, after = judged(window, number)
        assert wanted is expected, (window, number)
        genuine = chance.random() > 0.1
        if not wanted:
            assert after is window
            refused += 1
        elif genuine:
            window = after
            model.accepted.add(number)
            accepted += 1
    return accepted, refused


def compare(sequences: int, seed: int) -> tuple[int, int]:
    chance = random.Random(seed)
    totals = [0, 0]
    for _ in range(sequences):
        accepted, refused = agree(chance)
        totals[0] += accepted
        totals[1] += refused
    return totals[0], totals[1]


class TestRfc4303Section343:
    def test_it_equals_the_model_in_20_000_random_sequences(self) -> None:
        accepted, refused = compare(20_000, seed=4303)
        assert accepted > 100_000
        assert refused > 50_000

    @pytest.mark.soak
    def test_it_equals_the_model_in_a_million(self) -> None:
        accepted, refused = compare(1_000_000, seed=1)
        print(f"\na million sequences: {accepted} numbers accepted, {refused} refused, none differently")

    def test_a_small_window_in_every_state(self) -> None:
        """All 128 states of a window of 8, and every number around it."""
        for bits, number in product(range(1, 256, 2), range(100, 130)):
            window, top = ReplayWindow(115, bits, 8), 115
            wanted, after = judged(window, number)
            have = {top - back for back in range(8) if bits >> back & 1}
            assert wanted is (number > top - 8 and number not in have)
            if wanted:
                new_top = max(top, number)
                kept = {each for each in have | {number} if each > new_top - 8}
                assert after == ReplayWindow(new_top, sum(1 << new_top - each for each in kept), 8)

    def test_it_begins_with_1(self) -> None:
        window = ReplayWindow()
        refused = window.refusal(0)
        assert isinstance(refused, Refused)
        assert "expected numbers from 1 on, got 0" in str(refused)
        assert window.refusal(1) is None
        assert window.size == 128

    def test_the_reasons_are_told_apart(self) -> None:
        window = ReplayWindow().after(500)
        for number, reason, words in (
            (500, Reason.REPLAYED, "sequence number 500 has come before"),
            (372, Reason.BEFORE_WINDOW, "expected a sequence number from 373 on, got 372"),
        ):
            refused = window.refusal(number)
            assert refused is not None
            assert (refused.reason, refused.why, refused.rfc) == (reason, words, "RFC 4303 §3.4.3")
        assert window.refusal(373) is None


class TestRfc4303AppendixA2ExtendedSequenceNumbers:
    @pytest.mark.parametrize("size", [1, 8, 64, WINDOW])
    def test_every_number_around_a_boundary_is_recovered(self, size: int) -> None:
        reach = size + LONGEST_STEP
        for boundary in (NUMBERS, 2 * NUMBERS, 7 * NUMBERS):
            for top in range(boundary - reach, boundary + reach):
                window = ReplayWindow(top, 1, size)
                for sequence in range(top - size + 1, top + reach):
                    assert window.whole(sequence % NUMBERS) == sequence

    @given(top=st.integers(WINDOW, 1 << 60), low=st.integers(0, NUMBERS - 1))
    def test_it_is_the_only_number_from_the_windows_bottom_on(self, top: int, low: int) -> None:
        model = Remembering(WINDOW, top)
        assert ReplayWindow(top).whole(low) == model.whole(low)

    @pytest.mark.parametrize("top", [0, 1, WINDOW - 2])
    def test_a_number_from_before_the_first_is_not_wanted(self, top: int) -> None:
        window = ReplayWindow(top)
        sequence = window.whole(NUMBERS - 1)
        assert sequence == -1
        refused = window.refusal(sequence)
        assert refused is not None
        assert refused.reason is Reason.BEFORE_WINDOW

    def test_random_walks_across_the_boundary_equal_the_model(self) -> None:
        chance = random.Random(64)
        for _ in range(300):
            start = chance.choice((1, 5)) * NUMBERS - chance.randrange(2 * WINDOW)
            window, model, top = ReplayWindow(start), Remembering(WINDOW, start), start
            for _ in range(60):
                number = max(1, top + chance.randrange(-WINDOW - 10, 40))
                low = number % NUMBERS
                assert window.whole(low) == model.whole(low)
                sequence = window.whole(low)
                wanted, after = judged(window, sequence)
                assert wanted is model.wants(sequence)
                if wanted and chance.random() < 0.95:  # the rest would be a genuine packet's forgery
                    window, top = after, max(top, sequence)
                    model.accepted.add(sequence)
