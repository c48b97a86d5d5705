"""What differs: between two steps of one run, and between two runs, down to the field in which they part."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ikelab.course.instants import SIDES, WIDTH, Instant
from ikelab.crypto.derived import shortened
from ikelab.timeline.trace import Trace
from ikelab.view.narration import visible

Part = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, repr=False)
class Passage:
    """What happened between two steps: the messages said, and for each side its states and what it learned."""

    before: int
    after: int
    said: tuple[int, ...]
    states: Mapping[str, tuple[str, str]]
    exchanges: Mapping[str, Mapping[str, tuple[str, str]]]
    learned: Mapping[str, tuple[str, ...]]

    def __repr__(self) -> str:
        said = ", ".join(map(str, self.said)) or "none"
        lines = [f"From step {self.before} to step {self.after}: message {said}"]
        for side in SIDES:
            changes = [_change(*self.states[side])]
            changes += [f"{name} {_change(*states)}" for name, states in self.exchanges[side].items()]
            lines.append(f"  {side:<9}  {', '.join(changes)}")
            learned = ", ".join(self.learned[side]) or "nothing"
            lines += textwrap.wrap(f"learned {learned}", WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13)
        return "\n".join(map(visible, lines))


def compare_steps(one: Instant, other: Instant) -> Passage:
    """What happened between two instants of one run, in the order of time."""
    before, after = sorted((one, other), key=lambda each: each.step)
    under = {side: {**before.exchanges[side], **after.exchanges[side]} for side in SIDES}
    return Passage(
        before=before.step,
        after=after.step,
        said=tuple(number for number in after.said if number not in before.said),
        states={side: (before.states[side], after.states[side]) for side in SIDES},
        exchanges={
            side: {
                name: (before.exchanges[side].get(name, "START"), after.exchanges[side].get(name, "START"))
                for name in under[side]
            }
            for side in SIDES
        },
        learned={side: tuple(name for name in after.knows[side] if name not in before.knows[side]) for side in SIDES},
    )


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A field, or a run of octets without one name, in which two messages differ. `sheet` is its title."""

    sheet: str
    field: str
    at: int
    size: int
    one: bytes
    other: bytes


@dataclass(frozen=True, kw_only=True, repr=False)
class Divergence:
    """Where two runs part.

    message: the first that differs, None where none does. how: in what, in words. differences: its fields, if both have
    the message. steps: the step of each run in which it is said or lost. states: each side's in both runs after that.
    endings: what each run came to.
    """

    titles: tuple[str, str]
    message: int | None
    how: str
    differences: tuple[Difference, ...]
    steps: tuple[int | None, int | None]
    states: tuple[Mapping[str, str], Mapping[str, str]]
    endings: tuple[str, str]

    def __repr__(self) -> str:
        lines = [f"one:   {self.titles[0]}", f"other: {self.titles[1]}"]
        if self.message is None:
            return "\n".join([*lines, "Not one octet differs."])
        lines.append(f"They part at message {self.message}: {self.how}")
        for each in self.differences:
            lines.append(f"  {each.field}, {each.sheet.lower()}, octets {each.at} to {each.at + each.size - 1}")
            lines += [f"    one:   {shortened(each.one)}", f"    other: {shortened(each.other)}"]
        for side in SIDES:
            here, there = (states.get(side, "?") for states in self.states)
            lines.append(f"  {side}: {here}" + ("" if here == there else f" | {there}"))
        lines += [f"In the end, one: {self.endings[0]}", f"          other: {self.endings[1]}"]
        return "\n".join(map(visible, lines))


def compare_runs(one: Trace, other: Trace) -> Divergence:
    """Where two runs part, message by message."""
    titles, endings = (one.title, other.title), (_ending(one), _ending(other))
    for number in range(1, max(len(one.messages), len(other.messages)) + 1):
        pair = [trace.messages[number - 1] if number <= len(trace.messages) else None for trace in (one, other)]
        how = _how(*pair)
        if how:
            steps = (_step_of(one, number), _step_of(other, number))
            return Divergence(
                titles=titles,
                message=number,
                how=how,
                differences=tuple(_differences(*pair)),
                steps=steps,
                states=(_states(one, steps[0]), _states(other, steps[1])),
                endings=endings,
            )
    return Divergence(
        titles=titles, message=None, how="", differences=(), steps=(None, None),
        states=(_states(one, None), _states(other, None)), endings=endings,
    )  # fmt: skip


def _change(before: str, after: str) -> str:
    return after if before == after else f"{before} to {after}"


def _ending(trace: Trace) -> str:
    result: Part = trace.more.get("result") or {}
    refused = result.get("refused")
    if result.get("established") or refused is None:
        return "established" if result.get("established") else "unknown"
    at = f" at message {refused['at']}" if refused["at"] else ""
    return f"refused{at} by the {refused['by']}: {refused['why']}"


def _how(one: Part | None, other: Part | None) -> str:
    """In what two messages of one number differ, "" for nothing."""
    if one is None or other is None:
        return f"only the {'other' if one is None else 'one'} has it"
    if one["from"] != other["from"]:
        return f"the {one['from']} says it, in the other the {other['from']}"
    if one["sheets"][0]["octets"] != other["sheets"][0]["octets"]:
        return "other octets"
    if one["fate"] != other["fate"]:
        return f"{one['fate']}, in the other {other['fate']}"
    return "at another time" if one["time"] != other["time"] else ""


def _step_of(trace: Trace, number: int) -> int | None:
    return next((frame["step"] for frame in trace.frames if number in frame["said"]), None)


def _states(trace: Trace, step: int | None) -> Mapping[str, str]:
    frames = trace.frames if step is None else trace.frames[:step]
    return dict(frames[-1]["states"]) if frames else {}


def _differences(one: Part | None, other: Part | None) -> Iterator[Difference]:
    """The fields that differ; inside, where both messages could be opened, for there ciphertext says nothing."""
    if one is None or other is None:
        return
    depth = 1 if len(one["sheets"]) > 1 and len(other["sheets"]) > 1 else 0
    sheets = one["sheets"][depth], other["sheets"][depth]
    if depth and sheets[0]["octets"] == sheets[1]["octets"]:
        sheets = one["sheets"][0], other["sheets"][0]
    first, second = (_leaves(sheet["fields"]) for sheet in sheets)
    alike = [(name, field["size"]) for name, field in first] == [(name, field["size"]) for name, field in second]
    here, there = (bytes.fromhex(sheet["octets"]) for sheet in sheets)
    if not alike:
        at = next((n for n, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), min(len(here), len(there)))
        name = next((name for name, field in first if field["at"] <= at < field["at"] + field["size"]), "the end")
        yield Difference(
            sheet=sheets[0]["title"], field=f"from {name} on", at=at, size=max(len(here), len(there)) - at,
            one=here[at:], other=there[at:],
        )  # fmt: skip
        return
    for name, field in first:
        at, end = field["at"], field["at"] + field["size"]
        if here[at:end] != there[at:end]:
            yield Difference(
                sheet=sheets[0]["title"], field=name, at=at, size=field["size"], one=here[at:end], other=there[at:end]
            )


def _leaves(fields: Sequence[Part]) -> list[tuple[str, Part]]:
    """The innermost fields, each with the name of what it is in."""
    named = []
    for field in fields:
        if field["leaf"]:
            around = fields[field["parent"]] if field["parent"] >= 0 else None
            named.append((f"{around['name']} > {field['name']}" if around is not None else field["name"], field))
    return named
