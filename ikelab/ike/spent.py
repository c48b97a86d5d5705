"""Which message IDs an ISAKMP SA has used up: every one, for its whole life, so that no old message can begin again.

A message ID is never used twice (RFC 2409 §5.5, RFC 2408 §3.1): a recording of Quick Mode's first message, played again
after its exchange was forgotten, would otherwise make the responder begin anew.
"""

from __future__ import annotations

from dataclasses import dataclass

BLOCK = 256
MOST = 65_536
"""Exchanges under one ISAKMP SA; then a new SA is due."""


@dataclass(frozen=True)
class Spent:
    """A frozen set of message IDs that is cheap to add to: full blocks are shared with the sets it was made from."""

    blocks: tuple[frozenset[int], ...] = ()
    latest: frozenset[int] = frozenset()

    def __contains__(self, message_id: int) -> bool:
        return message_id in self.latest or any(message_id in block for block in self.blocks)

    def __len__(self) -> int:
        return BLOCK * len(self.blocks) + len(self.latest)

    def also(self, message_id: int) -> Spent:
        """The same and one more, which must be new."""
        latest = self.latest | {message_id}
        return Spent((*self.blocks, latest)) if len(latest) == BLOCK else Spent(self.blocks, latest)
