"""The machines that are shipped are the engine's own tables, and lie where Graphviz lays them."""

from __future__ import annotations

from typing import Any

import pytest

from ikelab.ike.script import GONE, START, Script
from ikelab.view import layout, machines
from tests.needs import needs

ROLES = ("initiator", "responder")
CASES = [(script, role) for script in layout.EXCHANGES for role in ROLES]


def drawing(script: Script, role: str) -> dict[str, Any]:
    shipped: dict[str, Any] = layout.shipped()[script.name][role]
    return shipped


@pytest.mark.parametrize(("script", "role"), CASES)
class TestWhatIsShipped:
    def test_every_state_and_every_row_of_the_engine_is_drawn_and_no_other(self, script: Script, role: str) -> None:
        shipped = drawing(script, role)
        assert sorted(state["name"] for state in shipped["states"]) == sorted(machines.states(script, role))
        drawn = [(edge["id"], edge["before"], edge["after"], edge["fires"]) for edge in shipped["edges"]]
        assert drawn == [(it.id, it.before, it.after, layout.told(it)) for it in machines.edges(script, role)]

    def test_labels_are_those_of_the_tables(self, script: Script, role: str) -> None:
        assert [edge["lines"] for edge in drawing(script, role)["edges"]] == [
            edge.label.split("\n") for edge in machines.edges(script, role)
        ]

    def test_every_row_says_what_it_hears_checks_and_says(self, script: Script, role: str) -> None:
        rows = [fires for edge in drawing(script, role)["edges"] for fires in edge["fires"] if "row" in fires]
        assert [row["row"] for row in rows] == [row.name for row in script.project(role)]
        for row in rows:
            assert row["hears"] or row["says"]
            assert all(words.endswith(".") for words in row["checks"] + row["builds"])

    def test_states_lie_apart_and_inside_the_picture(self, script: Script, role: str) -> None:
        shipped = drawing(script, role)
        boxes = [
            (
                it["x"] - it["width"] / 2,
                it["y"] - it["height"] / 2,
                it["x"] + it["width"] / 2,
                it["y"] + it["height"] / 2,
            )
            for it in shipped["states"]
        ]
        for n, (left, top, right, bottom) in enumerate(boxes):
            assert left >= 0
            assert top >= 0
            assert right <= shipped["width"]
            assert bottom <= shipped["height"]
            for other in boxes[:n]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top

    def test_an_arrow_begins_and_ends_at_its_states(self, script: Script, role: str) -> None:
        shipped = drawing(script, role)
        by_name = {state["name"]: state for state in shipped["states"]}
        for edge in shipped["edges"]:
            for (x, y), name in ((edge["points"][0], edge["before"]), (edge["tip"], edge["after"])):
                state = by_name[name]
                assert abs(x - state["x"]) <= state["width"] / 2 + 6, edge["id"]
                assert abs(y - state["y"]) <= state["height"] / 2 + 6, edge["id"]

    def test_life_goes_down(self, script: Script, role: str) -> None:
        height = {state["name"]: state["y"] for state in drawing(script, role)["states"]}
        assert height[START] == min(height.values())
        assert height.get(GONE, 0) in (0, max(height.values()))


@needs("dot")
@pytest.mark.parametrize(("script", "role"), CASES)
def test_laid_out_anew_it_has_the_same_nodes_and_edges(script: Script, role: str) -> None:
    anew, shipped = layout.laid_out()[script.name][role], drawing(script, role)
    assert {it["name"] for it in anew["states"]} == {it["name"] for it in shipped["states"]}
    assert [(it["id"], it["lines"], it["fires"]) for it in anew["edges"]] == [
        (it["id"], it["lines"], it["fires"]) for it in shipped["edges"]
    ]
