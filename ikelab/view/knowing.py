"""Who can know what since when, in words: each side as the trace says, a listener by what travels in clear.

A listener has a value that stands in a field of a message as it travels, or whose every input it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from ikelab.view.narration import Part, parts

PEOPLE = ("initiator", "responder", "listener")
SURE = 8
"""Digits from which the same octets in a field are no coincidence."""
_GENERIC_HEADER = 4

Since = dict[str, dict[str, int]]
"""By the name of a value and by person, the step since which it is known."""


def since(trace: Part) -> Since:
    """Since which step each person knows each value; who never does is not named."""
    known: Since = {str(secret["name"]): {} for secret in parts(trace, "secrets")}
    for frame in parts(trace, "frames"):
        for side, names in cast("Mapping[str, list[str]]", frame.get("learned") or {}).items():
            for name in names:
                if name in known:
                    known[name].setdefault(side, cast(int, frame["step"]))
    said = {n: cast(int, frame["step"]) for frame in parts(trace, "frames") for n in cast("list[int]", frame["said"])}
    for secret in parts(trace, "secrets"):
        own = known[str(secret["name"])]
        if secret.get("step") == 0:
            own |= dict.fromkeys(own, 0)
        readable = min((said[n] for n in _read_in(secret, trace) if n in said), default=None)
        if readable is not None:
            own["listener"] = readable
    _compute(trace, known)
    return known


def _read_in(secret: Part, trace: Part) -> Iterator[int]:
    """The messages in which a value stands in clear."""
    octets, origin = str(secret.get("value") or ""), cast(Part, secret.get("origin") or {})
    for message in parts(trace, "messages"):
        sheet, number = parts(message, "sheets")[0], cast(int, message["n"])
        if (origin.get("message"), origin.get("sheet")) == (number, 0) or (
            len(octets) >= SURE and octets in set(_bodies(sheet))
        ):
            yield number


def _bodies(sheet: Part) -> Iterator[str]:
    """The octets of every field, and of every payload without its generic header."""
    octets = str(sheet["octets"])
    for field in parts(sheet, "fields"):
        at, end = cast(int, field["at"]), cast(int, field["at"]) + cast(int, field["size"])
        if field.get("leaf"):
            yield octets[2 * at : 2 * end]
        elif field["kind"] == "payload":
            yield octets[2 * (at + _GENERIC_HEADER) : 2 * end]


def _compute(trace: Part, known: Since) -> None:
    """Add what the listener can compute; inputs are listed before what is made of them."""
    for secret in parts(trace, "secrets"):
        own = known[str(secret["name"])]
        for way in (secret, *parts(secret, "also")):
            steps = [known.get(name, {}).get("listener") for name in cast("list[str]", way.get("inputs") or [])]
            if steps and all(step is not None for step in steps):
                own.setdefault("listener", max(step for step in steps if step is not None))
