"""An exchange as a state diagram: drawn from the very rows that run it, so that the picture cannot be wrong.

`machine` gives a `graphviz.Digraph` (its `.source` is DOT text, and Jupyter draws it where the program `dot` is). Every
state is a node `st_NAME`, every row an edge `row_N`, and the rules that all exchanges share are dotted.
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
WIDEST = 34
"""Characters of a label's line; a longer shape is broken after a comma."""


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
    rows = script.project(role)
    return tuple(dict.fromkeys([START, *(state for row in rows for state in (row.before, row.after)), GONE]))


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
    graph.attr("graph", rankdir="TB", fontname="sans-serif", tooltip=f"{script.name}, {role} ({script.rfc})")
    graph.attr("node", shape="box" if role == "responder" else "ellipse", fontname="monospace", fontsize="11")
    graph.attr("edge", fontname="monospace", fontsize="9")
    for state in states(script, role):
        graph.node(f"st_{state}", state, id=f"st_{state}", peripheries="2" if state == script.done else "1")
    for edge in edges(script, role):
        style = {"style": "dotted"} if isinstance(edge.fires[0], Rule) else {}
        graph.edge(f"st_{edge.before}", f"st_{edge.after}", edge.label, id=edge.id, tooltip=edge.fires[0].rfc, **style)
    return graph


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
    heard = [f"hears {_broken(str(row.hears))}"] if row.hears is not None else []
    said = [f"says {_broken(str(row.says))}"] if row.says is not None else []
    return "\n".join(heard + said)


def _broken(shape: str) -> str:
    lines, line = [], ""
    for part in shape.split(", "):
        if line and len(line) + len(part) > WIDEST:
            lines.append(line + ",")
            line = "  " + part
        else:
            line = f"{line}, {part}" if line else part
    return "\n".join([*lines, line])
