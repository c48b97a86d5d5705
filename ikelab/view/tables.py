"""The player's other views as tables of words: the steps with their states, Diffie-Hellman, and who knows what."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from ikelab.view.knowing import PEOPLE, since
from ikelab.view.narration import Part, is_run, origin, parts, recipe, secret_value, state_after, titles

_OF_DIFFIE_HELLMAN = re.compile(r"(x(\(qm\))?_[ir]|g(\(qm\))?\^x[iry])")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A heading, the names of the columns, and the rows, all in plain words."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


def tables(trace: Part) -> Iterator[Table]:
    """The tables that a trace has something to say in."""
    every = (
        Table(title="Steps", heads=("Step", "Who", "Does", "State", "What happens"), rows=[*_steps(trace)]),
        Table(title="Diffie-Hellman", heads=("Value", "Octets", "Made from"), rows=[*_diffie_hellman(trace)]),
        Table(title="Who knows what since which step", heads=("Value", *map(str.capitalize, PEOPLE)),
              rows=[*_knowledge(trace)]),
    )  # fmt: skip
    yield from (table for table in every if table.rows)


def _steps(trace: Part) -> Iterator[tuple[str, ...]]:
    for frame in parts(trace, "frames") if is_run(trace) else []:
        caption = cast("Mapping[str, object]", frame.get("caption") or {})
        yield str(frame["step"]), str(frame["actor"]), _does(frame), state_after(frame), str(caption.get("what") or "")


def _does(frame: Part) -> str:
    """What a step does, in a few words: `hears 4, says 5`, `refuses 5`, `resend, says 4`."""
    rule, heard, said = frame.get("rule"), frame["heard"], cast("list[object]", frame["said"])
    words = [f"{'refuses' if rule == 'REFUSE' else 'hears'} {heard}"] if heard is not None else []
    words += [str(rule).lower().replace("_", " ")] if rule and rule != "REFUSE" else []
    words += [f"says {', '.join(map(str, said))}"] if said else []
    return ", ".join(words)


def _diffie_hellman(trace: Part) -> Iterator[tuple[str, ...]]:
    named = titles(trace)
    for secret in parts(trace, "secrets"):
        if _OF_DIFFIE_HELLMAN.fullmatch(str(secret["label"])):
            ways = [recipe(secret)] + [f"= {way['formula']}" for way in parts(secret, "also")]
            yield " ".join(ways), secret_value(secret), origin(secret, named)


def _knowledge(trace: Part) -> Iterator[tuple[str, ...]]:
    known, named = since(trace), titles(trace)
    for secret in parts(trace, "secrets"):
        own = known[str(secret["name"])]
        yield named[str(secret["name"])], *(str(own.get(person, "never")) for person in PEOPLE)
