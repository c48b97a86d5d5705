"""Where a peer's chance comes from: the engine draws by label, and whoever runs it decides how.

A running peer draws octets that nobody can foresee; a lesson draws the same ones again from a seed.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Protocol

from ikelab.errors import Misuse


class Env(Protocol):
    """The chance that a peer lives by: cookies, nonces, exponents, SPIs, message IDs."""

    def draw(self, label: str, size: int) -> bytes:
        """That many octets that nobody can foresee. `label` says what for, and is never used twice."""
        ...


@dataclass(frozen=True)
class Seeded:
    """Chance that repeats itself: the same seed, label and size give the same octets, on every machine, in any order.

    Each draw depends on nothing but these three, so that drawing one thing more, or fewer octets of one thing, changes
    no other. Block n of a draw is HMAC-SHA256(seed, label | 0 | n). For lessons and tests: whoever knows the seed knows
    every secret.
    """

    seed: int | bytes

    def draw(self, label: str, size: int) -> bytes:
        """Octets determined by the seed, the label and the size. Raises Misuse for a negative size."""
        if size < 0:
            raise Misuse(f"draw {label!r}: expected a size from 0 on, got {size}")
        key = b"octets " + self.seed if isinstance(self.seed, bytes) else f"number {int(self.seed)}".encode()
        start = label.encode("utf-8") + b"\0"
        blocks = (hmac.digest(key, start + number.to_bytes(4), "sha256") for number in range((size + 31) // 32))
        return b"".join(blocks)[:size]
