"""What listening came to, in sentences: what is wrong, what stays closed, what it would take."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ikelab.follow import Follower
from ikelab.ike.beliefs import Beliefs
from ikelab.net.capture import CapturedDatagram
from ikelab.timeline.outcome import Outcome, frames_in_words
from tests.cli.dissecting import datagrams, facts, only_psk_and_dh
from tests.needs import needs


def outcome_of(made: list[CapturedDatagram], keys: dict[str, Any] | None = None) -> Outcome:
    outcome, follower = Outcome(), Follower(Beliefs.from_json(keys or {}))
    for datagram in made:
        if (followed := follower.hear(datagram)) is not None:
            outcome.take(followed)
    return outcome


class TestFramesInWords:
    @pytest.mark.parametrize(
        ("frames", "words"),
        [
            ([5], "frame 5"),
            ([5, 5], "frame 5"),
            ([6, 5], "frames 5 and 6"),
            ([5, 6, 7], "frames 5 to 7"),
            ([1, 3, 4, 9, 10, 11], "frames 1, 3, 4 and 9 to 11"),
            (list(range(1, 40, 2)), "frames 1, 3, 5, 7, 9, 11, 13, 15 and others, 20 in all"),
        ],
    )
    def test_runs_are_joined(self, frames: list[int], words: str) -> None:
        assert frames_in_words(frames) == words

    @given(st.lists(st.integers(1, 400), min_size=1))
    def test_it_stays_short(self, frames: list[int]) -> None:
        assert len(frames_in_words(frames)) < 100


@needs("shared-captures")
class TestWishes:
    def test_a_pre_shared_key_alone_is_asked_for_by_its_option(self) -> None:
        known = only_psk_and_dh(facts("main_psk_nopfs"))
        del known["psk"]
        (wish,) = outcome_of(datagrams("main_psk_nopfs"), known).wishes()
        assert wish == "frames 5 to 11 stayed closed: PSK is not known. Give --psk"

    def test_with_signatures_only_g_xy_is_asked_for(self) -> None:
        (wish,) = outcome_of(datagrams("main_rsa4096_frag")).wishes()
        assert "g^xy is not known. Give --keys a file with" in wish
        assert '"psk"' not in wish
        document = wish[wish.index("{") : wish.rindex("}") + 1].replace('"..."', '"00"')
        assert Beliefs.from_json(json.loads(document)).ike[0].values == {"g^xy": b"\0"}

    def test_a_recording_that_begins_too_late(self) -> None:
        (wish,) = outcome_of(datagrams("main_psk_nopfs")[4:], only_psk_and_dh(facts("main_psk_nopfs"))).wishes()
        assert "the SA payload of the responder was not heard (initiator cookie a1f49d7b5141b96b)" in wish

    def test_a_recording_with_a_gap(self) -> None:
        made = datagrams("main_psk_nopfs")
        (wish,) = outcome_of([*made[:3], *made[4:]], only_psk_and_dh(facts("main_psk_nopfs"))).wishes()
        assert "Nr_b is not known: the recording lacks messages that carry them" in wish

    def test_an_iv_that_was_not_heard(self) -> None:
        """Ka is given, but the public values whose hash is the first IV were not recorded."""
        made = datagrams("main_psk_nopfs")
        entry = facts("main_psk_nopfs")["ike"][0]
        keys = {"ike": [{name: entry[name] for name in ("cookie_i", "Ka")}]}
        (wish,) = outcome_of([*made[:2], *made[4:5]], keys).wishes()
        assert wish == "frame 5 stayed closed: g^xi and g^xr are not known"

    def test_a_told_key_of_a_wrong_size(self) -> None:
        keys = {"ike": [facts("main_psk_nopfs")["ike"][0] | {"Ka": "00"}]}
        (wish,) = outcome_of(datagrams("main_psk_nopfs"), keys).wishes()
        assert wish == "frames 5 to 11 stayed closed: AES-CBC-128 key: expected 16 octets, got 1"

    def test_an_ah_packet_is_not_closed_but_unchecked(self) -> None:
        wishes = list(outcome_of(datagrams("uml_ah_tunnel")).wishes())
        assert len(wishes) == 2
        assert wishes[1].startswith("frames 10 to 19 could not be checked: no key is known for its SPI.")


@needs("shared-captures")
class TestComplaints:
    def test_all_is_well(self) -> None:
        outcome = outcome_of(datagrams("uml_main_psk_esp"), facts("uml_main_psk_esp"))
        assert outcome.all_is_well
        assert list(outcome.complaints()) == []
        assert list(outcome.wishes()) == []

    def test_a_false_icv(self) -> None:
        made = [
            replace(each, octets=each.octets[:-1] + b"\0") if each.protocol == "esp" else each
            for each in datagrams("uml_main_psk_esp")
        ]
        outcome = outcome_of(made, only_psk_and_dh(facts("uml_main_psk_esp")))
        assert not outcome.all_is_well
        (complaint,) = outcome.complaints()
        assert complaint.startswith("ICV is false in frames 10 to 17: another key, or a packet that was altered")

    def test_a_false_hash(self) -> None:
        known = facts("main_psk_nopfs")["ike"][0]
        keys = {"ike": [{name: known[name] for name in ("cookie_i", "Ka", "SKEYID_a")} | {"SKEYID_a": "00" * 20}]}
        (complaint, *_) = outcome_of(datagrams("main_psk_nopfs"), keys).complaints()
        assert (
            complaint
            == "HASH(1) is false in frames 7, 10 and 11: another key, or a message that was altered on the way"
        )

    def test_a_message_that_breaks_off(self) -> None:
        made = datagrams("main_psk_nopfs")
        made[2] = replace(made[2], octets=made[2].octets[:-1])
        outcome = outcome_of(made)
        assert not outcome.all_is_well
        assert list(outcome.complaints()) == ["frame 3 could not be read in full; each says where it breaks off"]
