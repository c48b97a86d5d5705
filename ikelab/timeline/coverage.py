"""What a hash vouches for: the payloads, message by message, that its formula takes in.

HASH_I and HASH_R cover the initiator's SA payload, both public values, both nonces (through SKEYID) and the name of
whoever proves itself (RFC 2409 §5); the hashes under an ISAKMP SA cover every payload behind them, and HASH(3) both
nonces alone (§5.5). Vendor IDs, NAT-D payloads and the answer's SA of phase 1 are covered by nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ikelab.ike.conversation import INITIATOR

PHASE_1 = {"HASH_I": "IDii", "HASH_R": "IDir"}
"""The hashes of phase 1, and the name that each proves."""
SHARED = ("KE", "Ni", "Nr")
PARTIAL = {"HASH(3)": ("Ni", "Nr")}
"""Hashes of phase 2 that cover payloads of other messages, and none of their own."""

COOKIE = 16
"""Digits of a cookie."""

Messages = Sequence[Mapping[str, Any]]


def with_coverage(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The messages, each verdict with `covers`: the chips that it vouches for, as {"message", "chip"}."""
    for message in messages:
        for verdict in message["verified"]:
            holds = verdict["ok"] is True
            verdict["covers"] = [*_covered(verdict["name"], message, messages)] if holds else []
    return messages


def _covered(name: str, message: Mapping[str, Any], messages: Messages) -> Iterator[dict[str, int]]:
    exchange = [each for each in messages if _exchange(each) == _exchange(message)]
    if name in PHASE_1:
        for each in exchange:
            first = each["from"] == INITIATOR
            wanted = {*SHARED, PHASE_1[name], *(("SA",) if first else ()), *((name,) if each is message else ())}
            yield from _chips(each, wanted)
    elif name.startswith("HASH"):
        covers = PARTIAL.get(name)
        for each in exchange:
            if each is message:
                yield from _chips(each, {name} if covers else None)
            elif covers:
                yield from _chips(each, set(covers))


def _exchange(message: Mapping[str, Any]) -> tuple[str, str]:
    """Which conversation, by the initiator's cookie, and which exchange in it."""
    return message["sheets"][0]["octets"][:COOKIE], message["message_id"]


def _chips(message: Mapping[str, Any], labels: set[str] | None) -> Iterator[dict[str, int]]:
    for place, chip in enumerate(message["chips"]):
        if labels is None or chip["label"] in labels:
            yield {"message": message["n"], "chip": place}
