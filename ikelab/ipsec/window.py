"""How a receiver knows a packet again: the highest sequence number so far, and which of the ones below it have come."""

from __future__ import annotations

from dataclasses import dataclass

from ikelab.ipsec.refused import Reason, Refused

WINDOW = 128
NUMBERS = 1 << 32
"""Sequence numbers that 32 bits can tell apart."""


@dataclass(frozen=True, slots=True)
class ReplayWindow:
    """The anti-replay window (RFC 4303 §3.4.3, Appendix A2.1). It changes by `after` alone, once the ICV holds.

    top: the highest sequence number accepted, of 64 bits where the SA has such. seen: a bit for each number from `top`
    (bit 0) down to `top - size + 1`; 0 counts as seen, since senders begin with 1 (§3.3.3).
    """

    top: int = 0
    seen: int = 1
    size: int = WINDOW

    def whole(self, low: int) -> int:
        """The 64-bit number that a packet with these lower 32 bits means (Appendix A2.2).

        Negative, or from 2**64 on, where the guess leads out of what an SA can count.
        """
        top_high, top_low = divmod(self.top, NUMBERS)
        bottom_low = (top_low - self.size + 1) % NUMBERS
        if top_low >= self.size - 1:  # case A: the window lies in one subspace
            high = top_high if low >= bottom_low else top_high + 1
        else:  # case B: it spans two
            high = top_high - 1 if low >= bottom_low else top_high
        return high * NUMBERS + low

    def refusal(self, sequence: int) -> Refused | None:
        """Why a packet of this number is not wanted, or None."""
        behind = self.top - sequence
        if behind < 0:
            return None
        if behind >= self.size or sequence < 0:
            return Refused.because(
                Reason.BEFORE_WINDOW,
                f"expected a sequence number from {max(self.top - self.size + 1, 1)} on, got {sequence}",
            )
        if self.seen >> behind & 1:
            why = f"sequence number {sequence} has come before" if sequence else "expected numbers from 1 on, got 0"
            return Refused.because(Reason.REPLAYED, why)
        return None

    def after(self, sequence: int) -> ReplayWindow:
        """The window once a packet of this number, which was not refused, has proved genuine."""
        ahead = sequence - self.top
        if ahead <= 0:
            return ReplayWindow(self.top, self.seen | 1 << -ahead, self.size)
        seen = (self.seen << ahead | 1) & ((1 << self.size) - 1) if ahead < self.size else 1
        return ReplayWindow(sequence, seen, self.size)
