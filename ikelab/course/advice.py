"""Where Python stops a learner's function: its own words are quoted, and those that a formula explains get one more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ikelab.course.question import NotUnderstood, Results

Understood = TypeVar("Understood")

JOINED = "Octets are joined with +: what a formula writes as | is + in Python."
IMPORTED = "Put `import hmac, hashlib` in front of your function: a cell can be run before the one that imported them."
COMMON: Mapping[str, str] = {
    "operand type(s) for |": JOINED,
    "name 'hmac' is not defined": IMPORTED,
    "name 'hashlib' is not defined": IMPORTED,
}
"""What may stand in Python's complaint about a function of any of the lessons, and what to say to it."""


@dataclass(frozen=True)
class Advised(Results[Understood]):
    """A function of the learner's. advice: what may stand in Python's complaint, and what to say to it besides."""

    advice: Mapping[str, str] = field(default_factory=dict)

    def understand(self, answer: object) -> tuple[Understood, ...]:
        """What it answered, call by call. Raises NotBegun where it answers three dots."""
        try:
            return super().understand(answer)
        except NotUnderstood as complaint:
            words = str(complaint)
            advice = next((said for part, said in (*self.advice.items(), *COMMON.items()) if part in words), "")
            raise NotUnderstood(f"{words} {advice}".rstrip()) from None
