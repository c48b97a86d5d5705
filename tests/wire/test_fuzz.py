"""Recorded messages spoilt by the thousand: nothing but documented errors, leaves that tile, work that is bounded.

Every run spoils the same way: the seed is in the test's name, and a failure shows the octets.
"""

from __future__ import annotations

import sys
from random import Random
from types import FrameType

import pytest

from ikelab.wire.message import dissect
from tests.wire.claims import check
from tests.wire.corpus import SPOILERS, Sample, pick, samples, spoilt

SHARDS = 10
PER_SHARD, PER_LONG_SHARD = 5_000, 100_000
COUNTED = 100
"""Of so many messages one has its function calls counted."""


def fuzz(seed: int, rounds: int) -> None:
    random = Random(seed)
    for number in range(rounds):
        kept = pick(random)
        octets = spoilt(kept, random)
        try:
            read(kept, octets)
            if number % COUNTED == 0:
                assert calls(kept, octets) <= 40 * len(octets) + 2_000, "too much work for so few octets"
        except BaseException as error:
            error.add_note(f"seed {seed}, round {number}, first {kept.first}: bytes.fromhex({octets.hex()!r})")
            raise


def read(kept: Sample, octets: bytes) -> None:
    """Dissect, and hold the result to every claim; no more pieces than octets, counted."""
    sheet = kept.dissected(octets)
    check(sheet)
    pieces = [piece for top in sheet.tree for piece in top.walk()]
    assert sum(1 for piece in pieces if not piece.children) <= len(octets)
    assert len(pieces) <= 2 * len(octets)


def calls(kept: Sample, octets: bytes) -> int:
    """How many functions, Python's and C's, are called to read, show and remark upon octets."""
    counted = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        assert kept.dissected(octets).remarks is not None
    finally:
        sys.setprofile(before)
    return counted


def test_the_samples_hold_datagrams_and_what_was_inside() -> None:
    kinds = {sample.first is None for sample in samples()}
    assert kinds == {True, False}
    for sample in samples():
        read(sample, sample.octets)
        assert sample.dissected(sample.octets).error is None
        assert sample.dissected(sample.octets).write() == sample.octets


@pytest.mark.parametrize("seed", range(SHARDS))
def test_fifty_thousand_spoilt_messages(seed: int) -> None:
    fuzz(seed, PER_SHARD)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1_000, 1_000 + SHARDS))
def test_a_million_spoilt_messages(seed: int) -> None:
    fuzz(seed, PER_LONG_SHARD)


@pytest.mark.parametrize("spoiler", dict.fromkeys(SPOILERS), ids=lambda spoiler: spoiler.__name__)
def test_every_way_to_spoil_does_spoil(spoiler: object) -> None:
    random, changed = Random(1), 0
    for _ in range(200):
        kept = pick(random)
        octets = bytearray(kept.octets)
        spoiler(octets, kept, random)
        changed += bytes(octets) != kept.octets
    assert changed > 100


def test_spoiling_meets_errors_of_many_kinds() -> None:
    random, met = Random(2), set()
    for _ in range(3_000):
        kept = pick(random)
        error = kept.dissected(spoilt(kept, random)).error
        met.add(error and error.path.rpartition(" > ")[2])
    assert {"Length", "Payload Length", "SPI", "# of Transforms", "Next Payload", "Attribute Length"} <= met


def test_a_reader_of_random_octets() -> None:
    random = Random(3)
    for size in (0, 1, 27, 28, 29, 32, 100, 1_000, 65_507):
        check(dissect(random.randbytes(size)))
