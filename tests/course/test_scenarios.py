"""A scenario is said in words, kept as JSON, and refused where a word means nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from ikelab.course.interventions import Drop, Edit, difference, intervention_from_json
from ikelab.course.presets import PRESETS, scenario
from ikelab.course.runs import run
from ikelab.course.scenarios import Scenario
from ikelab.errors import Misuse


class TestWords:
    def test_a_word_of_a_side_is_for_both(self) -> None:
        changed = scenario("main", ike="aes256-sha256-x25519")
        assert changed.initiator.ike == changed.responder.ike == "aes256-sha256-x25519"
        assert changed.heading == "Main Mode and Quick Mode; ike aes256-sha256-x25519"

    def test_or_for_one(self) -> None:
        changed = scenario("main", responder={"psk": "other"})
        assert (changed.initiator.psk, changed.responder.psk) == (scenario("main").initiator.psk, "other")
        assert changed.notes == ("the responder's psk other",)

    def test_from_where_the_other_is_expected(self) -> None:
        """Another address than its own keeps it out; "any" lets it in, under any name."""
        told = {
            words: run("main", responder={"peer_address": words}, initiator={"id": "moon.example.org"})
            for words in ("", "10.99.0.7", "any")
        }
        whys = [each.result.refused and each.result.refused.refusal.why for each in told.values()]
        assert whys == [
            'expected the identity 10.99.0.1, got "moon.example.org"',
            "expected one of the configured peers, got a message from 10.99.0.1",
            None,
        ]
        assert told["any"].established

    def test_words_of_the_run(self) -> None:
        changed = scenario("main", seed=7, loss=0.5, delay=1)
        assert (changed.seed, changed.loss, changed.delay) == (7, 0.5, 1)

    @pytest.mark.parametrize(
        ("words", "complaint"),
        [
            ({"ik": "aes128"}, "scenario: expected one of .*, got 'ik'; did you mean 'ike'"),
            ({"ike": "aes129-sha1-modp2048"}, 'IKE proposal .*got "aes129"; did you mean .*aes128'),
            ({"ike": 3}, "initiator: ike: expected a text, got a number"),
            ({"esp": "aes128"}, "ESP proposal .*: expected an integrity check, got none"),
            ({"pfs": "modp2049"}, "modp2048"),
            ({"mode": "base"}, "mode: expected one of main, aggressive, got 'base'"),
            ({"psk": ""}, "psk: expected a pre-shared key, got an empty text"),
            ({"psk": "0xzz"}, "psk: expected pairs of hex digits"),
            ({"profile": "patient"}, "profile: expected one of ikelab, .*, got 'patient'"),
            ({"seed": "1"}, "seed: expected a whole number, got '1'"),
            ({"seed": True}, "seed: expected a whole number, got true"),
            ({"loss": 1.5}, "path: expected loss from 0 to 1, got 1.5"),
            ({"delay": -1}, "path: expected delay from 0 seconds on, got -1"),
            ({"delay": float("inf")}, "delay: expected a number that is finite, got inf"),
            ({"loss": float("nan")}, "loss: expected a number that is finite, got nan"),
            ({"ending": "burnt"}, "ending: expected one of kept, deleted, got 'burnt'"),
            ({"responder": {"adress": "x"}}, "responder: expected one of .*, got 'adress'; did you mean 'address'"),
            ({"responder": {"address": "10.99.0.1"}}, "address: expected one for each side, got 10.99.0.1 for both"),
            ({"responder": {"local_ts": "10.2.0.1/24"}}, "selector .*: expected where the network begins"),
            ({"initiator": {"id": "a=b"}}, "identity"),
            ({"responder": {"peer_address": "moon"}}, "expected an IP address, got 'moon'"),
            ({"mode": "aggressive", "ike": "aes128-sha1-modp2048-x25519"}, "expected one group in every offer"),
        ],
    )
    def test_a_word_that_means_nothing_is_misuse(self, words: dict[str, Any], complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            scenario("main", **words)

    def test_weak_things_are_remarked_upon_and_allowed(self) -> None:
        remarks = scenario("main", ike="3des-md5-modp768").remarks
        assert [remark.partition(":")[0] for remark in remarks] == ["md5", "modp768"]
        assert scenario("main").remarks == ()


class TestJson:
    @pytest.mark.parametrize("name", PRESETS)
    def test_there_and_back(self, name: str) -> None:
        assert Scenario.from_json(json.loads(json.dumps(PRESETS[name].to_json()))) == PRESETS[name]

    def test_with_interventions_and_notes(self) -> None:
        tampered = replace(
            scenario("main"),
            interventions=(
                Drop(message=3),
                Edit(message=5, at=44, size=2, to=b""),
                Edit(message=1, at=0, size=0, to=b"x"),
            ),
            notes=("one", "two"),
        )
        assert Scenario.from_json(json.loads(json.dumps(tampered.to_json()))) == tampered

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"recipe": "ikelab-recipe-2"}, "expected a recipe of the kind 'ikelab-recipe-1'"),
            ({"seed": None}, "seed: expected a whole number, got null"),
            ({"extra": 1}, "and extra is missing or not among them"),
            ({"initiator": []}, "recipe: initiator: expected a JSON object, got a list of 0"),
            ({"initiator": {"psk": 3}}, "initiator: psk: expected a text"),
            ({"interventions": [{"message": 0, "drop": True}]}, "message: expected a whole number from 1 on"),
            ({"interventions": [{"message": 1, "at": 0, "size": 1, "to": "0"}]}, "to: expected pairs of hex digits"),
            ({"interventions": [7]}, r"interventions\[0\]: expected a JSON object"),
            ({"notes": [7]}, r"notes\[0\]: expected a text"),
            ({"title": 7}, "recipe: title: expected a text"),
        ],
    )
    def test_anything_else_is_misuse(self, change: dict[str, Any], complaint: str) -> None:
        with pytest.raises(Misuse, match=complaint):
            Scenario.from_json({**scenario("main").to_json(), **change})

    def test_a_missing_part_is_named(self) -> None:
        recipe = scenario("main").to_json()
        del recipe["loss"]
        with pytest.raises(Misuse, match="and loss is missing"):
            Scenario.from_json(recipe)
        with pytest.raises(Misuse, match="expected a JSON object, got null"):
            Scenario.from_json(None)


class TestInterventions:
    @given(before=st.binary(max_size=40), after=st.binary(max_size=40))
    def test_the_difference_makes_one_of_the_other(self, before: bytes, after: bytes) -> None:
        if before == after:
            with pytest.raises(Misuse, match="expected other octets than it has"):
                difference(1, before, after)
            return
        edit = difference(1, before, after)
        assert edit.apply(before) == after
        assert intervention_from_json(edit.to_json(), "edit") == edit

    def test_it_is_the_smallest(self) -> None:
        assert difference(4, b"abcdef", b"abXdef") == Edit(message=4, at=2, size=1, to=b"X")
        assert difference(4, b"aaaa", b"aaa") == Edit(message=4, at=3, size=1, to=b"")

    def test_what_does_not_reach_so_far_stays_as_it_is(self) -> None:
        assert Edit(message=1, at=30, size=2, to=b"xy").apply(b"short") == b"short"
