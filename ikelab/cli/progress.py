"""A line on the terminal that says how far a long piece of work is; nothing where it is short or nobody is watching."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

SECONDS_OF_SILENCE = 1.0
SECONDS_BETWEEN = 0.2


class Progress:
    """Used as a context: call `say` as often as you like; the line is taken away at the end."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self._next = self.begun + SECONDS_OF_SILENCE
        self._width = 0
        self._watched = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._show("")

    @property
    def seconds(self) -> float:
        """How long it has taken so far; more than nothing."""
        return max(time.monotonic() - self.begun, 1e-6)

    def say(self, line: str) -> None:
        """Show this line, if a second has passed and the one before is not fresh."""
        now = time.monotonic()
        if self._watched and now >= self._next:
            self._next = now + SECONDS_BETWEEN
            self._show(line)

    def clear(self) -> None:
        """Take the line away, for something else is about to be printed."""
        self._show("")

    def _show(self, line: str) -> None:
        if line or self._width:
            sys.stderr.write(f"\r{line.ljust(self._width)}" + ("" if line else "\r"))
            sys.stderr.flush()
            self._width = len(line)
