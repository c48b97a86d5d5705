"""Progress is shown to whoever watches a long run, and to nobody else."""

from __future__ import annotations

import io
import sys

import pytest

from ikelab.cli import progress
from ikelab.cli.progress import Progress


class Watched(io.StringIO):
    """A terminal that remembers what was written."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which the test sets."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_the_first_second_is_silent_and_the_line_is_taken_away(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Watched())
    with Progress() as shown:
        clock[0] += 0.9
        shown.say("early")
        clock[0] += 0.2
        shown.say("at last")
        clock[0] += 0.01
        shown.say("too soon")
        clock[0] += 0.3
        shown.say("more")
    assert sys.stderr.getvalue() == "\rat last\rmore   \r    \r"  # type: ignore[attr-defined]
    assert shown.seconds == pytest.approx(1.41)


def test_a_file_is_not_written_to(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with Progress() as shown:
        clock[0] += 10
        shown.say("nobody reads this")
    assert sys.stderr.getvalue() == ""


def test_no_time_at_all_is_still_more_than_nothing(clock: list[float]) -> None:
    assert Progress().seconds > 0
