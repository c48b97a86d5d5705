"""RFC 2409 §5.4, Aggressive Mode: HASH_R in clear lets a listener try pre-shared keys at home."""

from __future__ import annotations

import hmac
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from ikelab.follow import Followed, follow
from ikelab.ike.guess import Target, guess, target_of
from tests.cli.dissecting import datagrams, facts
from tests.needs import needs, recorded_conversations

WITH_TARGETS = {
    "aggr_psk_keyid": b"correct horse battery staple",
    "aggr_psk_libipsec": b"correct horse battery staple",
    "pluto_resp_aggr_psk": b"correct horse battery staple",
    "fail_psk_mismatch_aggr": b"wrong key",
}
"""The recordings that hold such a HASH_R, and the pre-shared key that the responder really had."""


def target(word: bytes, *, frame: int = 2) -> Target:
    """A target that this word opens, computed by hand."""
    skeyid = hmac.digest(word, b"nonces", "sha1")
    return Target(
        frame=frame,
        cookie_i=bytes(8),
        cookie_r=bytes(8),
        algorithm="sha1",
        keyed_first=b"nonces",
        keyed_then=b"the rest",
        hash_r=hmac.digest(skeyid, b"the rest", "sha1"),
    )


@needs("shared-captures")
@pytest.mark.parametrize("conversation", recorded_conversations())
def test_only_an_aggressive_psk_exchange_is_a_target(conversation: str) -> None:
    messages = [each for each in follow(datagrams(conversation)) if isinstance(each, Followed)]
    targets = [found for each in messages if (found := target_of(each)) is not None]
    assert len(targets) == (conversation in WITH_TARGETS)
    for found in targets:
        known = {str(entry.get("psk", facts(conversation)["psk"])).encode() for entry in facts(conversation)["ike"]}
        assert [word for word in known if found.fits(word)] == [WITH_TARGETS[conversation]]
        assert (found.frame, found.algorithm) == (2, "sha1")
        assert not found.fits(b"")
        assert not found.fits(WITH_TARGETS[conversation].upper())


class TestGuessing:
    def test_words_are_counted_from_one(self) -> None:
        targets = [target(b"c"), target(b"a", frame=7)]
        assert list(guess(targets, [b"a", b"b", b"c", b"d"])) == [(1, b"a", targets[1]), (3, b"c", targets[0])]

    def test_it_stops_when_nothing_is_left_to_guess(self) -> None:
        words = iter([b"a", b"b", b"c"])
        assert len(list(guess([target(b"a")], words))) == 1
        assert list(words) == [b"b", b"c"]

    def test_no_word_fits(self) -> None:
        assert list(guess([target(b"a")], [b"b", b"c"])) == []

    def test_two_conversations_with_one_key_fall_together(self) -> None:
        targets = [target(b"a"), replace(target(b"a"), frame=9)]
        assert [found.frame for _, _, found in guess(targets, [b"x", b"a"])] == [2, 9]

    @given(st.binary(max_size=80), st.binary(max_size=80))
    def test_a_word_fits_itself_and_no_other(self, word: bytes, other: bytes) -> None:
        """HMAC pads a short key with zeros: such keys are one and the same."""
        same = word.ljust(64, b"\0") == other.ljust(64, b"\0")
        assert target(word).fits(word)
        assert target(word).fits(other) == same
