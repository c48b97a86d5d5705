"""An exchange as a state diagram: drawn from the very rows that run it, so that the picture cannot be wrong.

`machine` gives a `graphviz.Digraph` (its `.source` is DOT text, and Jupyter draws it where the program `dot` is). Every
state is a node `st_NAME`, every row an edge `row_N`, and the rules that all exchanges share are dotted. Numbers count
the messages of the exchange; what each of them holds is in the rows.

The player draws them without the program: they were laid out once, by `python -m ikelab.view.layout`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ikelab.ike.rules import SAME, Rule, rules_for
from ikelab.ike.script import GONE, START, Role, Row, Script

if TYPE_CHECKING:
    from graphviz import Digraph


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One way from a state to a state, and the rows or rules that are this way."""

    id: str
    before: str
    after: str
    label: str
    fires: tuple[Row | Rule, ...]

    @property
    def is_way_out(self) -> bool:
        """Whether shared rules end it all here."""
        return self.after == GONE


def states(script: Script, role: Role) -> tuple[str, ...]:
    """The states that a role can be in, in the order in which an undisturbed run meets them."""
    ways = [state for edge in edges(script, role) for state in (edge.before, edge.after)]
    return tuple(sorted(dict.fromkeys([START, *ways]), key=lambda state: state == GONE))


def edges(script: Script, role: Role) -> tuple[Edge, ...]:
    """Every way between these states: the exchange's own rows first, then the shared rules of each state."""
    own = [
        Edge(id=f"row_{number}", before=row.before, after=row.after, label=_words(row), fires=(row,))
        for number, row in enumerate(script.project(role), 1)
    ]
    return (*own, *_shared(script, role))


def machine(script: Script, role: Role) -> Digraph:
    """The diagram of one role of an exchange. Needs the Python package graphviz; drawing it needs the program dot."""
    from graphviz import Digraph

    graph = Digraph(f"{script.name}, {role}", comment=script.rfc)
    graph.attr("graph", rankdir="TB", ranksep="0.3", nodesep="0.1", tooltip=f"{script.name}, {role} ({script.rfc})")
    graph.attr("node", shape="box", fontname="monospace", fontsize="11", height="0.3", margin="0.08,0.04", group="life")
    graph.attr("edge", fontname="sans-serif", fontsize="11", arrowsize="0.6")
    for state in states(script, role):
        graph.node(f"st_{state}", state, id=f"st_{state}", peripheries="2" if state == script.done else "1")
    for edge in edges(script, role):
        graph.edge(f"st_{edge.before}", f"st_{edge.after}", **_drawn(edge))
    *_, last, end = states(script, role)
    if end == GONE:  # below the others, in line with them
        graph.edge(f"st_{last}", f"st_{end}", id="plumb", style="invis", weight="20")
    return graph


def _drawn(edge: Edge) -> dict[str, str]:
    """How dot is told to draw an edge: the life straight down, loops to its right, ways out of it to its left."""
    fires = edge.fires[0]
    look = {"id": edge.id, "tooltip": fires.rfc, "label": edge.label.replace("\n", "\\l") + "\\l", "weight": "10"}
    if isinstance(fires, Rule):
        look["style"] = "dotted"
    if edge.before == edge.after:
        return look | {"tailport": "e", "headport": "e"}
    if edge.is_way_out:
        return look | {"tailport": "w", "headport": "w", "weight": "0", "label": "", "xlabel": edge.label}
    return look


def _shared(script: Script, role: Role) -> Iterator[Edge]:
    """The shared rules of each state: those that change nothing as one loop, those that end it as one way out.

    Before anything has happened only the ways out are drawn: that a message is refused there goes without saying.
    """
    for state in script.states(role):
        fitting = rules_for(script, role, state) if state != GONE else ()
        staying = tuple(rule for rule in fitting if rule.after == SAME and state != START)
        ending = tuple(rule for rule in fitting if rule.after == GONE)
        for name, after, rules in (("loop", state, staying), ("out", GONE, ending)):
            if rules:
                label = "\n".join(rule.name for rule in rules)
                yield Edge(id=f"{name}_{state}", before=state, after=after, label=label, fires=rules)


def _words(row: Row) -> str:
    heard = [f"hears {row.number}"] if row.hears is not None else []
    said = [f"says {row.number + 1}"] if row.says is not None else []
    return ", ".join(heard + said)
