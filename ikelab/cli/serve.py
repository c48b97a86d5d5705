"""Wait for real peers over UDP, as the responder, and tell every message of theirs."""

from __future__ import annotations

import asyncio

import click

from ikelab.cli.guests import Guests
from ikelab.cli.tunnels import tunnelled
from ikelab.cli.watch import until_told
from ikelab.cli.wishes import Wish, say, wishing
from ikelab.errors import Misuse
from ikelab.ike.config import PeerConfig
from ikelab.ike.identity import IKE_PORT
from ikelab.ike.peer import Disconnect
from ikelab.net.sockets import address_of
from ikelab.net.udp import LOOPBACK, Station

SECONDS_BETWEEN_LOOKS = 0.5


@click.command()
@wishing
@click.option("--once", is_flag=True, help="End after one peer has come and gone.")
def command(wish: Wish, once: bool) -> None:
    """Answer peers that begin a negotiation: phase 1, then Quick Modes. Ctrl-C ends it and deletes what is up.

    Without --bind it listens on 127.0.0.1 alone. With --json one object is printed for each peer when it has gone.

    \b
    Exit status: 0 done; 1 with --once, the protocol said no: which message, which side, why; 2 the command was misused.
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    address = address_of(LOOPBACK if wish.bind is None else wish.bind, "--bind")
    if wish.own_id is None and address.is_unspecified:
        raise Misuse(f"--id: expected this side's identity, for --bind {address} says none, got none")
    if wish.mode == "aggressive" and not wish.allow_weak:
        raise Misuse(
            "--mode aggressive: expected --allow-weak beside it, got none: who answers Aggressive Mode with a "
            "pre-shared key sends HASH_R to whoever asks, to test guessed keys against"
        )
    config = wish.config(str(address))
    wish.outputs.check()
    raise SystemExit(asyncio.run(_serve(config, wish, str(address), once=once)))


async def _serve(config: PeerConfig, wish: Wish, bind: str, *, once: bool) -> int:
    port = IKE_PORT if wish.port is None else wish.port
    async with Station(config, bind=bind, port=port, natt_port=wish.own_natt_port(port)) as station:
        guests = Guests(station, wish)
        with until_told(station) as told, tunnelled(station, config, wish) as tunnel:
            click.echo(f"listening on {' and '.join(map(str, station.ends))}; Ctrl-C ends", err=wish.as_json)
            while not (told() or (once and guests.gone)):
                await station.until(lambda: guests.look() or told(), at_most=SECONDS_BETWEEN_LOOKS)
            station.begin(Disconnect())
            guests.look()
            guests.dismiss()
        if tunnel is not None:
            say(tunnel.summary)
        for trouble in station.troubles:
            say(trouble)
    return 1 if once and guests.gone and not guests.established else 0
