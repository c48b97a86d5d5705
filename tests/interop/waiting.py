"""How the harness waits for another process: by asking again until it is so, and never without a bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE = 0.01
GENEROUS = 15.0
"""Seconds: far more than any of these waits takes, so that a busy machine does not fail a test."""


class NeverHappened(AssertionError):
    """What a test waited for did not come about; the message holds what was seen instead."""


def wait_until(
    look: Callable[[], Found | None],
    *,
    what: str,
    within: float = GENEROUS,
    otherwise: Callable[[], str] = lambda: "",
) -> Found:
    """Return the first true answer of `look`; after `within` seconds raise NeverHappened, quoting `otherwise()`."""
    deadline = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NeverHappened(f"waited {within:g} s for {what}\n{otherwise()}".rstrip())
        time.sleep(PAUSE)
    return found
