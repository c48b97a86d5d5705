"""Two peers in memory for the tests of the engine: what one of them wants is said in the words of a proposal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ikelab.ike.config import (
    Child,
    Connection,
    Identity,
    ModeName,
    PeerConfig,
    Seeded,
    Selector,
    Weak,
    esp_offers,
    ike_offers,
)
from ikelab.ike.peer import Connect, Peer
from ikelab.net.link import Link, Path
from ikelab.wire.udp import Endpoint

ALICE, BOB = Endpoint("10.99.0.1", 500), Endpoint("10.99.0.2", 500)


def wish(
    *,
    own: Endpoint = ALICE,
    mode: ModeName = "main",
    ike: str = "aes128-sha1-curve25519",
    esp: str = "aes128-sha1",
    local: str | None = "10.1.0.0/24",
    remote: str | None = "10.2.0.0/24",
    psk: bytes = b"correct horse battery staple",
) -> Connection:
    """A connection with one child."""
    child = Child(
        name="net",
        offers=esp_offers(esp),
        local=Selector.parse(local) if local else None,
        remote=Selector.parse(remote) if remote else None,
    )
    return Connection(
        name="net", offers=ike_offers(ike), local_id=Identity.parse(own.address), mode=mode, psk=psk, children=(child,)
    )


def mirrored(connection: Connection, own: Endpoint = BOB) -> Connection:
    """The same wish as the other side has it."""
    children = tuple(replace(child, local=child.remote, remote=child.local) for child in connection.children)
    return replace(connection, local_id=Identity.parse(own.address), children=children)


def wishes(names: str, **wanted: Any) -> Connection:
    """A connection with a child for each name: each has networks of its own, the rest is as in `wish`."""
    connection = wish(**wanted)
    children = tuple(
        replace(
            connection.children[0],
            name=name,
            local=Selector.parse(f"10.1.{place}.0/24"),
            remote=Selector.parse(f"10.2.{place}.0/24"),
        )
        for place, name in enumerate(names.split())
    )
    return replace(connection, children=children)


def peer(
    connection: Connection, at: Endpoint, *, weak: Weak = Weak.ALLOWED, seed: int | None = None, **settings: Any
) -> Peer:
    """A peer with this one wish, whose chance comes from its address, or from a seed besides."""
    chance = at.address if seed is None else f"{at.address} {seed}"
    config = PeerConfig(connections=(connection,), weak=weak, **settings)
    return Peer(config, Seeded(chance.encode()), at)


def run(alice: Peer, bob: Peer, path: Path | None = None) -> Link:
    """Let alice connect to bob, until both are silent."""
    link = Link(alice, bob, path=path)
    alice.begin(Connect(connection="net", remote=bob.local), 0.0)
    link.run()
    return link
