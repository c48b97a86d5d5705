"""Runs worth looking at, each by one short name: every mode as it should go, and the ways in which it usually does not.

scenario("psk")                                  one of them
scenario("main", seed=2, esp="aes256gcm16")      the same with other words, for both sides
scenario("main", responder={"pfs": "modp2048"})  or for one of them
scenarios()                                      all their names
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from ikelab.course.scenarios import ALICE, BOB, Scenario
from ikelab.errors import Misuse


def _both(**words: str) -> dict[str, Any]:
    """The two sides, both with these words."""
    return {"initiator": replace(ALICE, **words), "responder": replace(BOB, **words)}


_HEALTHY = (
    Scenario(
        name="main",
        title="Main Mode and Quick Mode",
        about="Six messages until both know with whom they talk, three more until packets can be protected.",
    ),
    Scenario(
        name="aggressive",
        title="Aggressive Mode and Quick Mode",
        about="Three messages instead of six. The names travel in clear, and HASH_R is there for anyone to guess at.",
        **_both(mode="aggressive"),
    ),
    Scenario(
        name="quick-pfs",
        title="Quick Mode with perfect forward secrecy",
        about="A second Diffie-Hellman exchange inside Quick Mode: its secret goes into KEYMAT and nowhere else.",
        **_both(pfs="modp2048"),
    ),
    Scenario(
        name="transport",
        title="Quick Mode in transport mode",
        about="Packets of the two peers themselves need no outer header: IDci and IDcr are their addresses.",
        **_both(encapsulation="transport", local_ts="", remote_ts=""),
    ),
    Scenario(
        name="ah",
        title="Quick Mode for AH",
        about="Packets stay readable and cannot be altered. KEYMAT holds a key for integrity and none for encryption.",
        **_both(esp="", ah="sha256"),
    ),
    Scenario(
        name="route-based",
        title="Quick Mode for a tunnel interface",
        about="IDci and IDcr say any address: what is protected is decided by routes, unknown to Quick Mode.",
        **_both(local_ts="0.0.0.0/0", remote_ts="0.0.0.0/0"),
    ),
    Scenario(
        name="bundle",
        title="Quick Mode for IPComp, ESP and AH together",
        about="Proposals of one number belong together: three protocols for one packet, each with an SPI of its own.",
        **_both(ah="sha256", ipcomp="deflate"),
    ),
    Scenario(
        name="curve",
        title="Main Mode on a curve",
        about="Curve25519 and AES-256 throughout: what both send in public has 32 octets, not 256.",
        **_both(ike="aes256-sha256-x25519", esp="aes256-sha256", pfs="x25519"),
    ),
    Scenario(
        name="delete",
        title="Main Mode, Quick Mode, and farewell",
        about="The initiator deletes what was made: one Informational for the pair of SAs, one for the ISAKMP SA.",
        ending="deleted",
    ),
    Scenario(
        name="loss",
        title="Main Mode over a bad network",
        about="Three datagrams in ten are lost. Timers and repetitions bring the negotiation to its end all the same.",
        loss=0.3,
        seed=3,
    ),
    Scenario(
        name="copies",
        title="Main Mode on a network that repeats itself",
        about="Every datagram arrives twice. A peer answers a copy with the same octets, and does not think again.",
        repeat=1.0,
    ),
)

_FAILURES = (
    Scenario(
        name="psk",
        title="Two different pre-shared keys, Main Mode",
        about="Both sides compute keys, and not the same ones: message 5 decrypts to nonsense.",
        responder=replace(BOB, psk="correct horse battery stable"),
    ),
    Scenario(
        name="psk-aggressive",
        title="Two different pre-shared keys, Aggressive Mode",
        about="Nothing is encrypted yet, so the initiator can read HASH_R, recompute it, and see that it is another.",
        initiator=replace(ALICE, mode="aggressive"),
        responder=replace(BOB, mode="aggressive", psk="correct horse battery stable"),
    ),
    Scenario(
        name="proposal",
        title="No common cipher in phase 1",
        about="The initiator offers AES-128, the responder takes nothing but 3DES.",
        responder=replace(BOB, ike="3des-sha256-modp2048"),
    ),
    Scenario(
        name="group",
        title="No common Diffie-Hellman group",
        about="Cipher and hash agree, the group does not: that is as good as no common proposal at all.",
        responder=replace(BOB, ike="aes128-sha256-curve25519"),
    ),
    Scenario(
        name="identity",
        title="The right key and the wrong name",
        about="The initiator proves that it has the pre-shared key, and calls itself by a name nobody expects.",
        initiator=replace(ALICE, id="moon.example.org"),
    ),
    Scenario(
        name="aggressive-refused",
        title="Aggressive Mode against a peer that only does Main Mode",
        about="The responder does not even look at the offer: a HASH_R in clear is more than it will give.",
        initiator=replace(ALICE, mode="aggressive"),
    ),
    Scenario(
        name="selectors",
        title="The two sides mean different networks",
        about="Phase 1 is complete. In Quick Mode the responder does not know the initiator's network.",
        responder=replace(BOB, remote_ts="10.7.0.0/24"),
    ),
    Scenario(
        name="pfs",
        title="Perfect forward secrecy on one side only",
        about="The responder insists on a fresh Diffie-Hellman exchange in Quick Mode, and the initiator offers none.",
        responder=replace(BOB, pfs="modp2048"),
    ),
    Scenario(
        name="esp-proposal",
        title="No common cipher in phase 2",
        about="The two agree on how to talk to each other, and not on how to protect packets.",
        responder=replace(BOB, esp="aes256gcm16"),
    ),
    Scenario(
        name="pfs-group",
        title="Perfect forward secrecy with two different groups",
        about="The KE payload came with the offers, so its group cannot be negotiated: it fits or it does not.",
        initiator=replace(ALICE, pfs="modp2048"),
        responder=replace(BOB, pfs="modp3072"),
    ),
    Scenario(
        name="tunnel-transport",
        title="Tunnel mode on one side, transport mode on the other",
        about="Whose packets, which cipher: all agreed. Whether the whole packet travels inside another one: not.",
        initiator=replace(ALICE, local_ts="", remote_ts=""),
        responder=replace(BOB, encapsulation="transport", local_ts="", remote_ts=""),
    ),
    Scenario(
        name="silence",
        title="Nobody answers",
        about="Every datagram is lost. The initiator asks again and again, less and less often, and gives up.",
        loss=1.0,
    ),
)

PRESETS: Mapping[str, Scenario] = {each.name: each for each in (*_HEALTHY, *_FAILURES)}
"""Every scenario that comes with ikelab, the healthy ones first."""


def scenario(name: str, **changes: object) -> Scenario:
    """The scenario of that name, with other words where some are given (see `Scenario.changed`).

    Raises Misuse, with the names that are close, where there is none.
    """
    if name not in PRESETS:
        close = [each for each in PRESETS if each.startswith(str(name)) or str(name).startswith(each)]
        close = close or get_close_matches(str(name), PRESETS, n=3)
        meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise Misuse(f"scenario: expected one of {', '.join(PRESETS)}, got {name!r}{meant}")
    return PRESETS[name].changed(**changes) if changes else PRESETS[name]  # type: ignore[arg-type]


class Names(tuple[str, ...]):
    """Names of scenarios; shown one a line with what each is."""

    __slots__ = ()

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name:<{width}}  {PRESETS[name].title}" for name in self)


def scenarios() -> Names:
    """The names of the scenarios that come with ikelab, to be handed to `run`."""
    return Names(PRESETS)
