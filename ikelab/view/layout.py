"""Where every state and arrow of the machines lies, laid out once by Graphviz and shipped, so that no learner needs it.

`python -m ikelab.view.layout` lays them out anew and writes static/machines.json; `shipped` reads it. Lengths are in
points from the upper left corner, one point to a pixel.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import AGGRESSIVE_MODE, MAIN_MODE
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.rules import Rule
from ikelab.ike.script import ROLES, Action, Role, Row, Script
from ikelab.timeline.files import write_whole
from ikelab.view import machines
from ikelab.view.machines import Edge

EXCHANGES = (MAIN_MODE, AGGRESSIVE_MODE, QUICK_MODE, INFORMATIONAL)
SHIPPED = files("ikelab.view") / "static" / "machines.json"
_MARGIN = 4
_POINTS = 72

Drawing = dict[str, Any]


@cache
def shipped() -> dict[str, Any]:
    """By exchange: its clause, and for each role the drawing of its machine."""
    drawings: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return drawings


def laid_out() -> dict[str, Any]:
    """The same, laid out by the program dot, which must be there."""
    return {
        script.name: {"rfc": script.rfc, **{role: _drawing(script, role) for role in ROLES}} for script in EXCHANGES
    }


def told(edge: Edge) -> list[dict[str, Any]]:
    """What makes an edge fire, in words: a row with what it hears, checks and says, or rules with when and what."""
    return [_told(each) for each in edge.fires]


def _told(fires: Row | Rule) -> dict[str, Any]:
    if isinstance(fires, Rule):
        return {"rule": fires.name, "when": fires.when, "does": fires.does, "rfc": fires.rfc}
    return {
        "row": fires.name,
        "hears": str(fires.hears) if fires.hears else "",
        "checks": [_action(action) for action in fires.absorb],
        "says": str(fires.says) if fires.says else "",
        "builds": [_action(action) for action in fires.build],
        "rfc": fires.rfc,
    }


def _action(action: Action) -> str:
    """What an action of the engine does: the first line of its own words, without what a caller must be ready for."""
    return (inspect.getdoc(action) or action.__name__).partition("\n")[0].partition(" Raises ")[0]


def _drawing(script: Script, role: Role) -> Drawing:
    drawn = json.loads(machines.machine(script, role).pipe(format="json0"))
    height = float(drawn["bb"].split(",")[3])
    nodes = {node["name"]: _state(node, height, script.done) for node in drawn["objects"]}
    by_id = {edge["id"]: edge for edge in drawn["edges"]}
    edges = [_edge(edge, by_id[edge.id], nodes, height) for edge in machines.edges(script, role)]
    drawing: Drawing = {"states": list(nodes.values()), "edges": edges}
    left, right = _sides(drawing)
    _moved(drawing, _MARGIN - left, _MARGIN)
    return {"width": round(right - left + 2 * _MARGIN, 1), "height": round(height + 2 * _MARGIN, 1), **drawing}


def _state(node: Mapping[str, str], height: float, done: str) -> Drawing:
    x, y = map(float, node["pos"].split(","))
    wide, high = (float(node[name]) * _POINTS for name in ("width", "height"))
    name = node["label"]
    return {"name": name, "x": x, "y": height - y, "width": wide, "height": high, "done": name == done}


def _edge(edge: Edge, drawn: Mapping[str, str], nodes: Mapping[str, Drawing], height: float) -> Drawing:
    points = [_point(each, height) for each in drawn["pos"].split()]
    tip = next(point for point, each in zip(points, drawn["pos"].split(), strict=True) if each.startswith("e,"))
    if edge.is_way_out:
        node = nodes[f"st_{edge.before}"]
        label = {"x": node["x"] - node["width"] / 2 - 5, "y": node["y"] - 6, "anchor": "end"}
    else:
        right = max(x for x, _ in points)
        label = {"x": right + 5, "y": _point(drawn["lp"], height)[1], "anchor": "start"}
    return {
        "id": edge.id,
        "before": edge.before,
        "after": edge.after,
        "points": [point for point in points if point is not tip],
        "tip": tip,
        "label": label,
        "lines": edge.label.split("\n"),
        "fires": told(edge),
    }


def _point(text: str, height: float) -> list[float]:
    x, y = map(float, text.removeprefix("e,").split(","))
    return [x, height - y]


_CHARACTER = 6.8
"""Points that a character of a label has: a little more than most fonts need."""


def _width(label: str) -> float:
    return max(map(len, label.split("\n"))) * _CHARACTER


def _sides(drawing: Drawing) -> tuple[float, float]:
    """The leftmost and the rightmost point of all that is drawn."""
    places = list(_places(drawing))
    return min(places), max(places)


def _places(drawing: Drawing) -> Iterator[float]:
    for state in drawing["states"]:
        yield from (state["x"] - state["width"] / 2, state["x"] + state["width"] / 2)
    for edge in drawing["edges"]:
        yield from (x for x, _ in edge["points"])
        label, wide = edge["label"], _width("\n".join(edge["lines"]))
        yield from ((label["x"] - wide, label["x"]) if label["anchor"] == "end" else (label["x"], label["x"] + wide))


def _moved(drawing: Drawing, right: float, down: float) -> None:
    """Shift everything, and keep one digit behind the point."""
    for each in (*drawing["states"], *(edge["label"] for edge in drawing["edges"])):
        each["x"], each["y"] = round(each["x"] + right, 1), round(each["y"] + down, 1)
    for edge in drawing["edges"]:
        for point in (*edge["points"], edge["tip"]):
            point[:] = round(point[0] + right, 1), round(point[1] + down, 1)


if __name__ == "__main__":
    text = json.dumps(laid_out(), indent=1, ensure_ascii=False)
    write_whole(Path(str(SHIPPED)), f"{text}\n".encode(), "the machines")
