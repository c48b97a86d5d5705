"""What `ikelab connect` and `ikelab serve` are told: the options that both have, and the configuration they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ParamSpec, TypeVar

import click

from ikelab.cli.outputs import Outputs, file_option
from ikelab.errors import Misuse
from ikelab.ike import given
from ikelab.ike.config import (
    CHILD_LIFETIME,
    IKE_LIFETIME,
    Child,
    Connection,
    Identity,
    ModeName,
    NatTraversal,
    PeerConfig,
    Selector,
    SelectorPolicy,
    Weak,
    child_offers,
    ike_offers,
)
from ikelab.ike.identity import IKE_PORT
from ikelab.ike.natt import NATT_PORT
from ikelab.view.plain import visible
from ikelab.wire.numbers import Encapsulation

NATS = {"on": NatTraversal.OFFERED, "off": NatTraversal.OFF, "forced": NatTraversal.FORCED}

NAME = "net"
"""What the one connection of a command is called, and its child."""

ESP = "aes128-sha256"
"""What protects packets where nothing is said of it."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What was asked for, in the words of the options."""

    mode: ModeName
    ike: str
    esp: str | None
    ah: str | None = None
    ipcomp: str | None = None
    transport: bool = False
    esp_kilobytes: int | None = None
    selectors: str = SelectorPolicy.EXACT.value
    pfs: str | None
    psk: str | None
    own_id: str | None
    peer_id: str | None
    local_ts: str | None
    remote_ts: str | None
    bind: str | None
    port: int | None
    natt_port: int | None
    nat_traversal: str
    tun: bool
    ike_life: int
    esp_life: int
    allow_weak: bool
    as_json: bool
    pcap: Path | None
    keys: Path | None
    trace: Path | None

    @property
    def outputs(self) -> Outputs:
        """The files that are to be written."""
        return Outputs(pcap=self.pcap, keys=self.keys, trace=self.trace)

    def config(self, own_address: str, *, remote_address: str | None = None) -> PeerConfig:
        """The configuration of a peer at this address. Raises Misuse, naming the option."""
        if self.psk is None:
            raise Misuse("--psk: expected the pre-shared key, as text or as 0x and hex, got none")
        esp = (ESP if self.ah is None else "") if self.esp is None else self.esp
        child = Child(
            name=NAME,
            offers=child_offers(esp=esp, ah=self.ah or "", pfs=self.pfs or "", ipcomp=self.ipcomp or ""),
            local=None if self.local_ts is None else Selector.parse(self.local_ts),
            remote=None if self.remote_ts is None else Selector.parse(self.remote_ts),
            mode=Encapsulation.TRANSPORT if self.transport else Encapsulation.TUNNEL,
            lifetime=self.esp_life,
            kilobytes=self.esp_kilobytes,
            selectors=SelectorPolicy(self.selectors),
        )
        connection = Connection(
            name=NAME,
            offers=ike_offers(self.ike),
            local_id=Identity.parse(own_address if self.own_id is None else self.own_id),
            remote_id=None if self.peer_id is None else Identity.parse(self.peer_id),
            remote_address=remote_address,
            mode=self.mode,
            psk=given.psk(self.psk, "--psk"),
            children=(child,),
            lifetime=self.ike_life,
        )
        for remark in connection.remarks:
            say(f"remark: {remark}")
        return PeerConfig(
            connections=(connection,),
            weak=Weak.ALLOWED if self.allow_weak else Weak.REFUSED,
            nat_traversal=NatTraversal.FORCED if self.tun else NATS[self.nat_traversal],
        )

    def own_natt_port(self, port: int) -> int | None:
        """The port to go to where a NAT is found, beside this one of IKE; None for none."""
        usual = NATT_PORT if port == IKE_PORT and self.nat_traversal != "off" else None
        return usual if self.natt_port is None else self.natt_port


def say(sentence: str) -> None:
    """A sentence to the person at the terminal, beside whatever a program reads."""
    click.echo(visible(sentence), err=True)


P = ParamSpec("P")
R = TypeVar("R")


def wishing(command: Callable[..., R]) -> Callable[..., R]:
    """Give a command the options of a `Wish`, and hand it that as its argument `wish`."""

    @functools.wraps(command)
    def told(**values: object) -> R:
        own = {field.name: values.pop(field.name) for field in fields(Wish)}
        return command(wish=Wish(**own), **values)  # type: ignore[arg-type]

    for option in reversed(OPTIONS):
        told = option(told)
    return told


OPTIONS = (
    click.option("--psk", metavar="TEXT", help="The pre-shared key, as text or as 0x and hex."),
    click.option(
        "--mode", type=click.Choice(["main", "aggressive"]), default="main", show_default=True, help="Phase 1 exchange."
    ),
    click.option(
        "--ike",
        metavar="PROPOSALS",
        default="aes128-sha256-modp2048",
        show_default=True,
        help="Phase 1: cipher-hash-group, the preferred one first, separated by commas.",
    ),
    click.option(
        "--esp",
        metavar="PROPOSALS",
        help="Quick Mode: cipher-integrity, or an AEAD such as aes128gcm16; a group behind it means PFS.  "
        f"[default: {ESP}, or none with --ah]",
    ),
    click.option("--ah", metavar="PROPOSALS", help="AH, such as sha256; with --esp both protect every packet."),
    click.option(
        "--ipcomp", metavar="ALGORITHM", help="Offer to compress packets before that: deflate or lzs; without it too."
    ),
    click.option("--transport", is_flag=True, help="Transport mode, for the packets of the two peers themselves."),
    click.option("--pfs", metavar="GROUP", help="Perfect forward secrecy with this group, such as modp2048 or x25519."),
    click.option("--id", "own_id", metavar="ID", help="This side's identity.  [default: its address]"),
    click.option("--peer-id", metavar="ID", help="The identity that the other side must have.  [default: any]"),
    click.option(
        "--local-ts", metavar="NETWORK", help="Whose traffic at this end is protected.  [default: this side's address]"
    ),
    click.option(
        "--remote-ts", metavar="NETWORK", help="Whose traffic at the other end.  [default: the other side's address]"
    ),
    click.option("--esp-kilobytes", metavar="NUMBER", type=int, help="Life of phase 2 in traffic.  [default: any]"),
    click.option(
        "--selectors",
        type=click.Choice([policy.value for policy in SelectorPolicy]),
        default=SelectorPolicy.EXACT.value,
        show_default=True,
        help="As responder: take these networks alone, or parts of them too.",
    ),
    click.option(
        "--bind", metavar="ADDRESS", help="The address of this machine to use: the consent to leave loopback."
    ),
    click.option(
        "--port", type=click.IntRange(0, 65535), help="The UDP port of IKE; 0 for any that is free.  [default: 500]"
    ),
    click.option(
        "--natt-port",
        type=click.IntRange(0, 65535),
        help="The UDP port to go to where a NAT is found.  [default: 4500 beside 500, else none]",
    ),
    click.option(
        "--nat-traversal",
        type=click.Choice(list(NATS)),
        default="on",
        show_default=True,
        help="Whether to look for a NAT on the way (RFC 3947); forced: act as if there were one.",
    ),
    click.option(
        "--tun",
        is_flag=True,
        help="Carry real packets: a TUN device takes those from --local-ts to --remote-ts, and they travel as ESP in "
        "UDP. Needs root; goes on until Ctrl-C.",
    ),
    click.option(
        "--ike-life", metavar="SECONDS", type=int, default=IKE_LIFETIME, show_default=True, help="Life of phase 1."
    ),
    click.option(
        "--esp-life", metavar="SECONDS", type=int, default=CHILD_LIFETIME, show_default=True, help="Life of phase 2."
    ),
    click.option(
        "--allow-weak",
        is_flag=True,
        help="Allow MD5, DES, groups 1, 2, 5, and answering Aggressive Mode with a pre-shared key.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    file_option("--pcap", "Record all that passes into a capture."),
    file_option("--keys", "Write the keys that open that capture: for ikelab dissect, and Wireshark's tables."),
    file_option("--trace", "Write the run for the player."),
)
