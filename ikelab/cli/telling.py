"""What a person reads of a run: every step on a ladder, then how it ended and what each side says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TextIO

from ikelab.cli.ladder import outcome_of
from ikelab.course.runs import Run
from ikelab.course.scenarios import ROLES
from ikelab.timeline.rung import Rung, Thought, rungs_of_run
from ikelab.view.terminal import Ladder, closing, opening, terminal


def tell(talk: Run, stream: TextIO, *, wait: Callable[[], bool] | None) -> None:
    """Draw a run. wait: asked before each step but the first, whether to go on; None to go on without asking."""
    console = terminal(stream)
    opening(console, talk.heading, talk.scenario.about)
    ladder = Ladder(console)
    for number, step in enumerate(rungs_of_run(talk.film, with_sheets=False)):
        if number and wait is not None:
            console.file.flush()
            if not wait():
                return
        _draw(ladder, step)
    outcome, titled = outcome_of(talk.followed)
    good = [talk.verdict] if talk.established else []
    closing(console, titled, [*good, *outcome.counts()], _complaints(talk), ())


def _draw(ladder: Ladder, step: Rung | Thought) -> None:
    if isinstance(step, Thought):
        ladder.think(step)
    else:
        ladder.draw(step)


def _complaints(talk: Run) -> Iterator[str]:
    if not talk.established:
        yield talk.verdict
        for role in ROLES:
            for words in talk.says(role):
                yield f"the {role} says: {words}"
