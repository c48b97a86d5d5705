"""Why a packet does not pass: every reason there is, and the clause it rests on. A refusal is a value, never raised."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Reason(Enum):
    """A kind of refusal, as counters and tables name it; `rfc` is the clause it rests on, "" where arithmetic does."""

    def __init__(self, words: str, rfc: str) -> None:
        self.words = words
        self.rfc = rfc

    NO_IP_PACKET = "no IP packet", "RFC 4301 §5"
    FRAGMENT = "a fragment", "RFC 4303 §3.4.1"
    TOO_SHORT = "too short", "RFC 4303 §2"
    TOO_LARGE = "too large", ""
    UNKNOWN_SPI = "unknown SPI", "RFC 4303 §3.4.2"
    REPLAYED = "replayed", "RFC 4303 §3.4.3"
    BEFORE_WINDOW = "older than the window", "RFC 4303 §3.4.3"
    WRONG_ICV = "wrong ICV", "RFC 4303 §3.4.4"
    BAD_PADDING = "bad padding", "RFC 4303 §2.4"
    NO_PAYLOAD = "no such payload", "RFC 4303 §3.4.4.1"
    SEQUENCE_OVERFLOW = "sequence numbers used up", "RFC 4303 §3.3.3"
    UNFORESEEABLE = "changes on the way that no sender can foresee", "RFC 4302 §3.3.3.1"
    DISCARDED = "discarded by policy", "RFC 4301 §4.4.1"
    NO_POLICY = "no policy", "RFC 4301 §4.4.1"
    NO_ROUTE = "no route", "RFC 4301 §5.1"
    UNPROTECTED = "not protected, though it should be", "RFC 4301 §5.2"
    SELECTORS = "not for this SA", "RFC 4301 §5.2"


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A packet that does not pass. why: what was expected and what came. rfc: the clause."""

    reason: Reason
    why: str
    rfc: str

    @classmethod
    def because(cls, reason: Reason, why: str, rfc: str = "") -> Refused:
        """With the reason's own clause, where no other is given."""
        return cls(reason=reason, why=why, rfc=rfc or reason.rfc)

    def __str__(self) -> str:
        return f"{self.reason.words}: {self.why}{f' ({self.rfc})' if self.rfc else ''}"
