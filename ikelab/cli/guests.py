"""The peers that come to a responder: each is watched while it is here, and told of when it has gone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import click

from ikelab.cli.watch import Watch, sentence_on
from ikelab.cli.wishes import Wish, say
from ikelab.ike.rules import IGNORE
from ikelab.ike.sa import IkeSa
from ikelab.net.results import Run, result_object
from ikelab.net.tape import COOKIE, cookie_of
from ikelab.net.udp import Station
from ikelab.timeline.live import Carried, Moment

SECONDS_TO_LINGER = 3.0
"""Whoever was refused at once may ask again: all of that is one visit, and it is answered each time."""


@dataclass
class Guest:
    """What was thought and said with one initiator's cookie. watch: where a person sees it; None where none does.

    announced: whether it has been said that the SAs are up.
    """

    watch: Watch | None
    announced: bool = False
    moments: list[Moment] = field(default_factory=list)
    wire: list[Carried] = field(default_factory=list)

    @property
    def run(self) -> Run:
        """All of it."""
        return Run(self.moments, self.wire)

    @property
    def made_sense(self) -> bool:
        """Whether anything of it was more than a datagram that names no SA."""
        return any(moment.outcome.fired is not IGNORE for moment in self.moments)

    @property
    def sa(self) -> IkeSa | None:
        """The ISAKMP SA as it is now; None where there never was one."""
        for moment in reversed(self.moments):
            if (sa := moment.outcome.after or moment.outcome.before) is not None:
                return sa
        return None


class Guests:
    """Everyone who comes. `gone` counts those who have left, `established` those of them who got what they wanted."""

    def __init__(self, station: Station, wish: Wish) -> None:
        self.gone = 0
        self.established = 0
        self._station, self._wish = station, wish
        self._here: dict[bytes, Guest] = {}
        self._lingering: dict[bytes, float] = {}
        self._kept = Run([], [])

    def look(self) -> bool:
        """Show what is new; whether a peer has gone since the last look."""
        before = self.gone
        for cookie in self._sorted_out():
            guest = self._here[cookie]
            self._lingering.pop(cookie, None)
            if not guest.made_sense:
                self._put_away(self._here.pop(cookie))
                continue
            self._show(guest)
            if guest.sa is None:
                self._lingering[cookie] = self._station.now
            elif guest.sa.gone:
                self._farewell(cookie)
        while self._lingering and self._station.now - next(iter(self._lingering.values())) >= SECONDS_TO_LINGER:
            self._farewell(next(iter(self._lingering)))
        return self.gone > before

    def dismiss(self) -> None:
        """The end: whoever is still here has gone too."""
        for cookie in list(self._here):
            self._farewell(cookie)

    def _sorted_out(self) -> list[bytes]:
        """Give what was recorded to the guests whom it is about; their cookies."""
        moments, wire = self._station.tape.drain()
        for carried in wire:
            self._guest(carried.octets[COOKIE]).wire.append(carried)
        for moment in moments:
            self._guest(cookie_of(moment)).moments.append(moment)
        about = [*(carried.octets[COOKIE] for carried in wire), *(cookie_of(moment) for moment in moments)]
        return list(dict.fromkeys(about))

    def _show(self, guest: Guest) -> None:
        """To a person every message; who reads JSON hears at least that something is up."""
        run = guest.run
        if guest.watch is not None:
            guest.watch.look(run)
        elif run.established and not guest.announced and guest.sa is not None:
            guest.announced = True
            say(f"established with {guest.sa.remote}")

    def _guest(self, cookie: bytes) -> Guest:
        if cookie not in self._here:
            self._here[cookie] = Guest(watch=None if self._wish.as_json else Watch())
        return self._here[cookie]

    def _farewell(self, cookie: bytes) -> None:
        guest = self._here.pop(cookie)
        self._lingering.pop(cookie, None)
        run = guest.run
        self.gone += 1
        self.established += run.established
        if guest.watch is not None:
            guest.watch.close(run)
        else:
            click.echo(json.dumps(result_object(run)))
            if run.refused is not None:
                say(sentence_on(run.refused))
        self._station.peer.forget(cookie)
        self._put_away(guest)
        if self._wish.outputs.any:
            title = f"{self._wish.mode.capitalize()} Mode"
            about = f"ikelab serve on {self._station.local}: {'' if run.established else 'not '}established"
            captured = self._station.captured(self._kept.wire)
            self._wish.outputs.write(self._kept, captured, run, title=title, about=about)

    def _put_away(self, guest: Guest) -> None:
        """What is over need not be remembered, unless a recording was asked for: then all of it."""
        if self._wish.outputs.any:
            wire = sorted((*self._kept.wire, *guest.wire), key=lambda carried: carried.number)
            self._kept = Run([*self._kept.moments, *guest.moments], wire)
