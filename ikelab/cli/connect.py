"""Negotiate with a real gateway over UDP, as the initiator, and tell every message of it."""

from __future__ import annotations

import asyncio
import json

import click

from ikelab.cli.tunnels import tunnelled
from ikelab.cli.watch import Watch, sentence_on, until_told, wait
from ikelab.cli.wishes import NAME, Wish, say, wishing
from ikelab.errors import Misuse
from ikelab.ike.config import PeerConfig
from ikelab.ike.identity import IKE_PORT, read_address
from ikelab.ike.peer import Connect, Disconnect
from ikelab.net.results import CHILD_UP, FAILED, Run, result_object
from ikelab.net.sockets import address_of, address_towards
from ikelab.net.udp import Station
from ikelab.wire.udp import Endpoint

SECONDS_TO_SETTLE = 0.2
"""Nothing answers message 3 of Quick Mode; a gateway that reads in several threads must not hear the Delete first."""


@click.command()
@click.argument("gateway")
@wishing
@click.option("--keep", is_flag=True, help="Keep what was negotiated until Ctrl-C.")
def command(gateway: str, wish: Wish, keep: bool) -> None:
    """Negotiate with the gateway at the address GATEWAY, as initiator: phase 1, then a Quick Mode.

    GATEWAY is an IP address, with ":" and a port behind it where that is not the one of --port. When the first pair of
    SAs is up, everything is deleted again and the command ends, unless --keep says otherwise.

    \b
    Exit status: 0 established; 1 the protocol said no: which message, which side, why; 2 the command was misused.
    """  # noqa: D301  (click's mark for lines that are not to be joined)
    remote = endpoint_of(gateway, wish.port or IKE_PORT)
    own = own_address(remote, wish.bind)
    config = wish.config(own, remote_address=remote.address)
    wish.outputs.check()
    raise SystemExit(asyncio.run(_connect(config, wish, own, remote, keep=keep)))


def endpoint_of(text: str, port: int) -> Endpoint:
    """The endpoint that "10.99.0.2", "10.99.0.2:500", "2001:db8::1" or "[2001:db8::1]:500" means. Raises Misuse."""
    if read_address(text) is None:
        text, colon, digits = text.rpartition(":")
        if not colon or not digits.isascii() or not digits.isdecimal() or len(digits) > 5:
            address_of(f"{text}{colon}{digits}", "GATEWAY")
        text, port = text.removeprefix("[").removesuffix("]"), int(digits)
    return Endpoint(str(address_of(text, "GATEWAY")), port)


def own_address(remote: Endpoint, bind: str | None) -> str:
    """The address of this machine to use. Raises Misuse where leaving loopback takes a consent that was not given."""
    gateway = address_of(remote.address, "GATEWAY")
    if bind is None:
        if gateway.is_loopback:
            return "::1" if gateway.version == 6 else "127.0.0.1"
        suggested = address_towards(remote.address)
        raise Misuse(
            f"GATEWAY {remote.address}: expected --bind ADDRESS, the consent to leave loopback, got none; "
            f"this machine would use --bind {suggested}"
        )
    address = address_of(bind, "--bind")
    if address.version == gateway.version and address.is_unspecified:
        return address_towards(remote.address)
    return str(address)


def own_ports(wish: Wish, own: str, remote: Endpoint) -> tuple[int, int | None]:
    """The ports of this side, 0 for any: both ends use the same ones, unless they share an address."""
    usual = IKE_PORT if remote.port == IKE_PORT else 0
    port = usual if wish.port is None else wish.port
    natt_port = wish.own_natt_port(port)
    if own != remote.address:
        return port, natt_port
    return 0 if port == remote.port else port, None if natt_port is None else 0


async def _connect(config: PeerConfig, wish: Wish, own: str, remote: Endpoint, *, keep: bool) -> int:
    port, natt_port = own_ports(wish, own, remote)
    station = Station(config, bind=own, port=port, natt_port=natt_port, gateway=remote)
    watch = None if wish.as_json else Watch()

    def run() -> Run:
        return Run(station.tape.moments, station.tape.wire)

    def look() -> None:
        if watch is not None:
            watch.look(run())

    def settled() -> bool:
        look()
        return told() or _gone(station) or any(event.name in (CHILD_UP, FAILED) for _, event in station.news)

    def left() -> bool:
        look()
        return told() or _gone(station)

    async with station:
        with until_told(station) as told, tunnelled(station, config, wish, remote) as tunnel:
            station.begin(Connect(connection=NAME, remote=remote))
            await wait(station, settled, watch, what=lambda: _waiting(station))
            reached = run()
            established = reached.established
            if wish.as_json:
                click.echo(json.dumps(result_object(reached)))
            if established and (keep or tunnel):
                say(f"established with {remote}; Ctrl-C deletes it")
                if tunnel is not None:
                    tunnel.renew()
                    say(f"{tunnel.device.name} carries packets to {' and '.join(tunnel.device.routes)}")
                await station.until(left)
            await station.until(left, at_most=SECONDS_TO_SETTLE)
            if not _gone(station):
                station.begin(Disconnect())
            look()
        if tunnel is not None:
            say(tunnel.summary)
        if watch is not None:
            watch.close(run())
        elif not established:
            say("interrupted" if reached.refused is None else sentence_on(reached.refused))
        for trouble in station.troubles:
            say(trouble)
        title = f"{wish.mode.capitalize()} Mode with {remote}"
        about = f"ikelab connect {remote}: " + ("established" if established else "not established")
        whole = run()
        wish.outputs.write(whole, station.captured(whole.wire), whole, title=title, about=about)
    return 0 if established else 1


def _gone(station: Station) -> bool:
    return all(sa.gone for sa in station.peer.sas)


def _waiting(station: Station) -> str:
    for sa in station.peer.sas:
        names = [exchange.script.name for exchange in sa.exchanges.values() if not exchange.over]
        if not sa.gone:
            return f"{names[-1] if names else sa.main.script.name} with {sa.remote}: waiting for an answer"
    return "waiting"
