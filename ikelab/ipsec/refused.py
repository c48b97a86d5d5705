"""Why a packet does not pass: every reason there is, and the clause it rests on. A refusal is a value, never raised."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from ikelab.crypto.sa_keys import IpsecProtocol

OF_AH = {
    "RFC 4303 §2": "RFC 4302 §2",
    "RFC 4303 §3.3.3": "RFC 4302 §3.3.2",
    "RFC 4303 §3.3.4": "RFC 4302 §3.3.4",
    **{f"RFC 4303 §3.4.{number}": f"RFC 4302 §3.4.{number}" for number in (1, 2, 3, 4)},
}
"""Where RFC 4302 says of AH what RFC 4303 says of ESP."""


class Reason(Enum):
    """A kind of refusal, as counters and tables name it; `rfc` is the clause it rests on, "" where none does."""

    def __init__(self, words: str, rfc: str) -> None:
        self.words = words
        self.rfc = rfc

    NO_IP_PACKET = "no IP packet", ""
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
    NO_ROUTE = "no route", ""
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

    def on(self, protocol: IpsecProtocol) -> Refused:
        """The same, with AH's clause where the packet is AH's, as RFC 4302 has most rules again."""
        return replace(self, rfc=OF_AH.get(self.rfc, self.rfc)) if protocol == "AH" else self

    def __str__(self) -> str:
        return f"{self.reason.words}: {self.why}{f' ({self.rfc})' if self.rfc else ''}"
