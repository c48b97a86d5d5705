"""Wait for real peers over UDP, as the responder, and tell every message of theirs."""

from __future__ import annotations

import asyncio
import json

import click

from ikelab.cli.watch import Watch, sentence_on, until_told
from ikelab.cli.wishes import Wish, say, wishing
from ikelab.errors import Misuse
from ikelab.ike.config import PeerConfig
from ikelab.ike.identity import IKE_PORT
from ikelab.ike.peer import Disconnect
from ikelab.net.results import Run, result_object
from ikelab.net.sockets import address_of
from ikelab.net.tape import COOKIE, cookie_of
from ikelab.net.udp import LOOPBACK, Station


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
    async with Station(config, bind=bind, port=port, natt_port=wish.natt_port) as station:
        guests = Guests(station, wish)
        with until_told(station) as told:
            click.echo(f"listening on {station.local}; Ctrl-C ends", err=wish.as_json)
            while not (told() or (once and guests.gone)):
                await station.until(lambda: guests.look() or told())
            station.begin(Disconnect())
            guests.look()
            guests.dismiss()
        for trouble in station.troubles:
            say(trouble)
    return 1 if once and guests.gone and not guests.established else 0


class Guests:
    """The peers that have come: each is watched, and told of when it has gone."""

    def __init__(self, station: Station, wish: Wish) -> None:
        self.gone = 0
        self.established = 0
        self._station, self._wish = station, wish
        self._watches: dict[bytes, Watch | None] = {}
        self._kept = Run([], [])

    def look(self) -> bool:
        """Show what is new; whether a peer has gone since the last look."""
        before = self.gone
        tape = self._station.tape
        thought = dict.fromkeys(cookie_of(moment) for moment in tape.moments)
        alive = {sa.cookie_i for sa in self._station.peer.sas if not sa.gone}
        for cookie in dict.fromkeys(carried.octets[COOKIE] for carried in tape.wire):
            if cookie not in thought:
                self._put_away(cookie)  # nothing that anybody here could make sense of
                continue
            self._watch(cookie)
            if cookie not in alive:
                self._farewell(cookie)
        return self.gone > before

    def dismiss(self) -> None:
        """The end: whoever is still here has gone too."""
        for cookie in list(self._watches):
            self._farewell(cookie)

    def _run(self, cookie: bytes) -> Run:
        return Run(self._station.tape.moments, self._station.tape.wire).about(cookie)

    def _watch(self, cookie: bytes) -> None:
        if cookie not in self._watches:
            self._watches[cookie] = None if self._wish.as_json else Watch()
        if (watch := self._watches[cookie]) is not None:
            watch.look(self._run(cookie))

    def _farewell(self, cookie: bytes) -> None:
        run, watch = self._run(cookie), self._watches.pop(cookie)
        self.gone += 1
        self.established += run.established
        if watch is not None:
            watch.close(run)
        else:
            click.echo(json.dumps(result_object(run)))
            if run.refused is not None:
                say(sentence_on(run.refused))
        self._station.peer.forget(cookie)
        self._put_away(cookie)
        if self._wish.outputs.any:
            about = f"ikelab serve on {self._station.local}: {'' if run.established else 'not '}established"
            captured = self._station.captured(self._kept.wire)
            self._wish.outputs.write(
                self._kept, captured, run, title=f"{self._wish.mode.capitalize()} Mode", about=about
            )

    def _put_away(self, cookie: bytes) -> None:
        """What is over need not be remembered, unless a recording was asked for: then all of it."""
        if self._wish.outputs.any:
            run = self._run(cookie)
            wire = sorted((*self._kept.wire, *run.wire), key=lambda carried: carried.number)
            self._kept = Run([*self._kept.moments, *run.moments], wire)
        self._station.tape.forget(cookie)
