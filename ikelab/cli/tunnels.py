"""What `--tun` adds to a command: a device of this machine whose packets go through what was negotiated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ikelab.cli.wishes import Wish
from ikelab.errors import Misuse
from ikelab.ike.config import TUNNEL_MODES, PeerConfig
from ikelab.ike.peer import Connect, Protect
from ikelab.ipsec.policy import Template
from ikelab.net.udp import Station
from ikelab.wire.numbers import Protocol
from ikelab.wire.udp import Endpoint

if TYPE_CHECKING:
    from ikelab.net.tunnel import Tunnel

DEVICE = "ikelab%d"


@contextmanager
def tunnelled(
    station: Station, config: PeerConfig, wish: Wish, gateway: Endpoint | None = None
) -> Iterator[Tunnel | None]:
    """The tunnel of a station, if one was asked for; it is taken away again in the end. Raises Misuse.

    gateway: whom to ask for SAs where there is no peer yet.
    """
    if not wish.tun:
        yield None
        return
    for child in (child for connection in config.connections for child in connection.children):
        if child.mode not in TUNNEL_MODES or any(offer.protocols != (Protocol.ESP,) for offer in child.offers):
            words = ", ".join(map(str, child.offers))
            raise Misuse(f"--tun: expected ESP alone, in tunnel mode, which can travel in UDP, got {words}")
    from ikelab.net.tun import own_addresses
    from ikelab.net.tunnel import Tunnel, boundary_of, device_for

    def ask(template: Template) -> None:
        alive = [sa for sa in station.peer.sas if not sa.gone]
        if any(sa.established and not sa.waiting for sa in alive):
            station.begin(Protect(connection=template.connection, child=template.child))
        elif not alive and gateway is not None:
            station.begin(Connect(connection=template.connection, remote=gateway))

    device = device_for(config, DEVICE, own_addresses())
    with Tunnel(station, device, boundary_of(config), ask=ask) as tunnel:
        yield tunnel
