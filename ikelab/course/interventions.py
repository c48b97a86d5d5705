"""What somebody on the way can do to a datagram: make it vanish, or replace some of its octets.

Datagrams are numbered from 1 in the order of sending, copies that the network makes included, as in a trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ikelab.errors import Misuse
from ikelab.ike import given
from ikelab.net.link import Path


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Message number `message` does not arrive."""

    message: int

    def to_json(self) -> dict[str, Any]:
        return {"message": self.message, "drop": True}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """In message number `message`, `size` octets from offset `at` on become `to`; nothing, where it is too short."""

    message: int
    at: int
    size: int
    to: bytes

    def apply(self, octets: bytes) -> bytes:
        """The octets that arrive."""
        end = self.at + self.size
        return octets[: self.at] + self.to + octets[end:] if end <= len(octets) else octets

    def to_json(self) -> dict[str, Any]:
        return {"message": self.message, "at": self.at, "size": self.size, "to": self.to.hex()}


Intervention = Drop | Edit


def difference(message: int, before: bytes, after: bytes) -> Edit:
    """The smallest edit of message number `message` that makes one of the other. Raises Misuse where they are equal."""
    if before == after:
        raise Misuse(f"message {message}: expected other octets than it has, got the same")
    shorter = min(len(before), len(after))
    at = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    tail = next((n for n in range(shorter - at) if before[-1 - n] != after[-1 - n]), shorter - at)
    return Edit(message=message, at=at, size=len(before) - at - tail, to=after[at : len(after) - tail])


def intervention_from_json(value: object, place: str) -> Intervention:
    """From what `to_json` gave. Raises Misuse."""
    told = given.mapping(value, place)
    message = _count(told.get("message"), f"{place}: message", least=1)
    if told.get("drop") is True:
        return Drop(message=message)
    at, size = (_count(told.get(name), f"{place}: {name}", least=0) for name in ("at", "size"))
    replacement = given.text(told.get("to"), f"{place}: to")
    octets = given.octets(replacement, f"{place}: to") if replacement else b""
    return Edit(message=message, at=at, size=size, to=octets)


def path_with(interventions: Iterable[Intervention], **chances: float) -> Path:
    """The network, with whoever does this in it. Raises Misuse where a chance is none."""
    lose = frozenset(each.message for each in interventions if isinstance(each, Drop))
    edits: dict[int, list[Edit]] = {}
    for each in interventions:
        if isinstance(each, Edit):
            edits.setdefault(each.message, []).append(each)
    return Path(lose=lose, alter={message: _one_by_one(each) for message, each in edits.items()}, **chances)


def _one_by_one(edits: list[Edit]) -> Callable[[bytes], bytes]:
    def alter(octets: bytes) -> bytes:
        for edit in edits:
            octets = edit.apply(octets)
        return octets

    return alter


def _count(value: object, place: str, *, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Misuse(f"{place}: expected a whole number from {least} on, got {given.shown(value)}")
    return value
