"""What a person sees of a negotiation while it goes on: each message as it travels, and at the end what it came to."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ikelab.cli.ladder import outcome_of
from ikelab.cli.progress import Progress
from ikelab.net.results import Refused, Run
from ikelab.net.udp import Station
from ikelab.timeline.rung import Rung, rung_of_message
from ikelab.view.terminal import Ladder, closing, terminal
from ikelab.wire.numbers import Notify

SECONDS_BETWEEN_LOOKS = 0.25


class Watch:
    """Draws the messages of a run as they come. before_drawing: what must be done first, whenever something is new."""

    def __init__(self) -> None:
        self.before_drawing: Callable[[], None] = lambda: None
        self._console = terminal(sys.stdout)
        self._ladder = Ladder(self._console)
        self._drawn = 0

    def look(self, run: Run) -> None:
        """Draw what is new. What this side refused is told beside the message."""
        if len(run.wire) == self._drawn:
            return
        self.before_drawing()
        begin = run.wire[0].time
        for place, followed in enumerate(run.followed[self._drawn :], self._drawn):
            rung = rung_of_message(followed, begin=begin, with_sheets=False)
            self._ladder.draw(_with_refusals(rung, run, run.wire[place].number))
        self._drawn = len(run.wire)

    def close(self, run: Run) -> None:
        """What it came to."""
        outcome, titled = outcome_of(run.followed)
        wrong = [] if run.refused is None else [sentence_on(run.refused)]
        counts = [*(["established"] if run.established else []), *outcome.counts()]
        closing(self._console, titled, counts, wrong, outcome.wishes() if run.established else ())
        self._console.file.flush()


def sentence_on(refused: Refused) -> str:
    """Which message, which side, why, and the clause."""
    notify = refused.refusal.notify
    label = f", {Notify(notify).label} ({int(notify)})" if notify is not None else ""
    at = f"at message {refused.at} " if refused.at is not None else ""
    return f"not established: {at}by the {refused.by}{label}: {refused.refusal}"


def _with_refusals(rung: Rung, run: Run, number: int) -> Rung:
    for moment in run.moments:
        refused = moment.outcome.refused
        if moment.heard == number and refused is not None:
            if refused.notify is not None:
                return replace(rung, error=f"refused: {refused}")
            return replace(rung, remarks=(*rung.remarks, str(refused)))
    return rung


@contextmanager
def until_told(station: Station) -> Iterator[Callable[[], bool]]:
    """What says whether Ctrl-C was pressed (or SIGTERM came) meanwhile; neither ends the program by itself."""
    told = False

    def tell(*_: object) -> None:
        nonlocal told
        told = True
        station.stir()

    loop = asyncio.get_running_loop()
    former = {}
    for each in (signal.SIGINT, signal.SIGTERM):
        former[each] = signal.getsignal(each)
        try:
            loop.add_signal_handler(each, tell)
        except NotImplementedError:  # on Windows a loop hears no signals
            signal.signal(each, lambda *_: loop.call_soon_threadsafe(tell))
    try:
        yield lambda: told
    finally:
        for each, handler in former.items():
            try:
                loop.remove_signal_handler(each)
            except NotImplementedError:
                pass
            signal.signal(each, handler)


async def wait(station: Station, done: Callable[[], bool], watch: Watch | None, *, what: Callable[[], str]) -> None:
    """Wait until it is done, and say on the terminal what for, if that takes more than a second. Raises Misuse."""
    with Progress() as progress:
        if watch is not None:
            watch.before_drawing = progress.clear
        while not done():
            await station.until(done, at_most=SECONDS_BETWEEN_LOOKS)
            progress.say(f"{what()}, {progress.seconds:.0f} s")
