"""Runs between two peers in memory, as traces: what the player draws of lives, refusals, timers and lost messages."""

from __future__ import annotations

from functools import cache
from typing import Any

from ikelab.net.link import Path
from ikelab.timeline.live import trace_of_run
from tests.ike.two_peers import ALICE, BOB, mirrored, peer, run, wish
from tests.view.sample import hostile

PATHS = {
    "plain": Path(),
    "lost": Path(lose=frozenset({3})),
    "altered": Path(alter={5: lambda octets: octets[:60] + bytes([octets[60] ^ 1]) + octets[61:]}),
    "copied": Path(repeat=1.0),
}


@cache
def run_of(path: str = "plain", *, psk: bytes | None = None, **wanted: Any) -> dict[str, Any]:
    """The trace of a run: `path` names a network, psk is another key at the responder, the rest a wish."""
    connection = wish(**wanted)
    other = mirrored(connection if psk is None else wish(**wanted, psk=psk))
    alice, bob = peer(connection, ALICE), peer(other, BOB)
    link = run(alice, bob, PATHS[path])
    title = f"A run: {path}" + (" with two pre-shared keys" if psk else "")
    sas = [*alice.sas, *bob.sas]
    return trace_of_run(link.moments, link.wire, sas, title=title, about="Two peers in memory.").to_json()


def hostile_run() -> dict[str, Any]:
    """A run with a refusal and a timer, and every string of it an attack."""
    return hostile(run_of(psk=b"correct horse battery stable"))
