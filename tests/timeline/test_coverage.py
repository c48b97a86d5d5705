"""What a hash vouches for, held to the RFC's formulas and to what an altered octet does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.view.runs import run_of


def covered(trace: dict[str, Any], name: str) -> set[tuple[int, str]]:
    """Message and label of every payload that the verdict of this name covers."""
    labels = {
        (message["n"], place): chip["label"]
        for message in trace["messages"]
        for place, chip in enumerate(message["chips"])
    }
    (verdict,) = [each for message in trace["messages"] for each in message["verified"] if each["name"] == name]
    return {(it["message"], labels[it["message"], it["chip"]]) for it in verdict["covers"]}


class TestRfc2409Section5:
    SHARED = frozenset({(1, "SA"), (3, "KE"), (3, "Ni"), (4, "KE"), (4, "Nr")})

    def test_main_mode(self) -> None:
        assert covered(run_of(), "HASH_I") == self.SHARED | {(5, "IDii"), (5, "HASH_I")}
        assert covered(run_of(), "HASH_R") == self.SHARED | {(6, "IDir"), (6, "HASH_R")}

    def test_aggressive_mode(self) -> None:
        trace = run_of(mode="aggressive")
        shared = {(1, "SA"), (1, "KE"), (1, "Ni"), (2, "KE"), (2, "Nr")}
        assert covered(trace, "HASH_R") == shared | {(2, "IDir"), (2, "HASH_R")}
        assert covered(trace, "HASH_I") == shared | {(1, "IDii"), (3, "HASH_I")}

    def test_the_chosen_sa_of_phase_1_is_covered_by_nothing(self) -> None:
        assert not any((2, "SA") in covered(run_of(), name) for name in ("HASH_I", "HASH_R", "HASH(1)", "HASH(2)"))


class TestRfc2409Section55:
    def test_hash_1_and_2_cover_their_whole_message(self) -> None:
        for number, name, nonce in ((7, "HASH(1)", "Ni"), (8, "HASH(2)", "Nr")):
            assert covered(run_of(), name) == {(number, it) for it in (name, "SA", nonce, "IDci", "IDcr")}

    def test_hash_3_covers_both_nonces(self) -> None:
        assert covered(run_of(), "HASH(3)") == {(7, "Ni"), (8, "Nr"), (9, "HASH(3)")}


@pytest.mark.parametrize("trace", [run_of(psk=b"correct horse battery stable"), run_of("altered")])
def test_what_does_not_hold_covers_nothing(trace: dict[str, Any]) -> None:
    verdicts = [each for message in trace["messages"] for each in message["verified"]]
    assert all(each["covers"] == [] for each in verdicts if each["ok"] is not True)
