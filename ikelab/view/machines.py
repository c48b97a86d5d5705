"""An exchange as a state diagram: drawn from the very rows that run it, so that the picture cannot be wrong.

`machine` gives a `graphviz.Digraph` (its `.source` is DOT text, and Jupyter draws it where the program `dot` is). Every
state is a node `st_NAME`, every row an edge `row_N`, and the rules that all exchanges share are dotted. Numbers count
the messages of the exchange; what each of them holds is in the rows.

The player draws them without the program: they were laid out once, by `python -m ikelab.view.layout`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ikelab.ike.phase1 import SCRIPTS
from ikelab.ike.script import (
    COMPLAINT,
    DELETED,
    ESTABLISHED,
    GIVE_UP,
    GONE,
    REFUSE,
    REMIND,
    REPEAT,
    RESEND,
    START,
    Row,
    Rule,
    Script,
)

if TYPE_CHECKING:
    from graphviz import Digraph

IN_CLEAR = frozenset(script.name for script in SCRIPTS.values())
"""Exchanges during which a complaint can only come in clear, and so is noted and not believed at once."""


@dataclass(frozen=True, kw_only=True)
class Edge:
    """One way from a state to a state, and the rows or rules that are this way."""

    id: str
    before: str
    after: str
    label: str
    fires: tuple[Row | Rule, ...]


def states(script: Script, role: str) -> tuple[str, ...]:
    """The states that a role can be in, in the order in which an undisturbed run meets them."""
    ways = [state for edge in edges(script, role) for state in (edge.before, edge.after)]
    return tuple(sorted(dict.fromkeys([START, *ways]), key=lambda state: state == GONE))


def edges(script: Script, role: str) -> tuple[Edge, ...]:
    """Every way between these states: the exchange's own rows first, then the shared rules in each state that waits."""
    rows = script.project(role)
    own = [
        Edge(id=f"row_{number}", before=row.before, after=row.after, label=_words(row), fires=(row,))
        for number, row in enumerate(rows, 1)
    ]
    return (*own, *_shared(rows, script.done))


def machine(script: Script, role: str) -> Digraph:
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
    return graph


def _drawn(edge: Edge) -> dict[str, str]:
    """How dot is told to draw an edge: the life straight down, loops to its right, ways out of it to its left."""
    fires = edge.fires[0]
    look = {"id": edge.id, "tooltip": fires.rfc, "label": edge.label.replace("\n", "\\l") + "\\l", "weight": "10"}
    if isinstance(fires, Rule):
        look["style"] = "dotted"
    if edge.before == edge.after:
        return look | {"tailport": "e", "headport": "e"}
    if fires is GIVE_UP:
        return look | {"tailport": "w", "headport": "w", "weight": "0", "label": "", "xlabel": fires.name}
    return look


def _shared(rows: Sequence[Row], done: str) -> Iterator[Edge]:
    """The shared rules in each state where they can fire: those that change nothing as one loop, the others by name."""
    timed = {row.after for row in rows if row.resend}
    for row in rows:
        state = row.before
        if state == START:
            continue
        possible = [REPEAT, REFUSE]
        if row.script in IN_CLEAR:
            possible.append(COMPLAINT)
        if state in timed:
            possible.append(RESEND)
        if row.hears is not None and row.hears.either:
            possible.append(REMIND)
        names = "\n".join(rule.name for rule in possible)
        yield Edge(id=f"loop_{state}", before=state, after=state, label=names, fires=tuple(possible))
        if state in timed:
            yield Edge(id=f"out_{state}", before=state, after=GONE, label=GIVE_UP.name, fires=(GIVE_UP,))
    if done == ESTABLISHED:
        yield Edge(id="end", before=ESTABLISHED, after=GONE, label=DELETED.name, fires=(DELETED,))


def _words(row: Row) -> str:
    heard = [f"hears {row.number}"] if row.hears is not None else []
    said = [f"says {row.number + 1}"] if row.says is not None else []
    return ", ".join(heard + said)
