"""What a run leaves behind: every datagram with its fate, and every thought of a peer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ikelab.ike.step import Outcome
from ikelab.wire.udp import Endpoint


class Fate(StrEnum):
    """What became of a datagram on its way."""

    DELIVERED = "delivered"
    LOST = "lost"
    ALTERED = "altered"
    REPEATED = "repeated"


@dataclass(frozen=True, kw_only=True)
class Carried:
    """One datagram on the path: `sent` is what was said, `octets` what arrives, if it arrives. number counts from 1."""

    number: int
    time: float
    arrives: float | None
    source: Endpoint
    destination: Endpoint
    sent: bytes
    octets: bytes
    fate: Fate


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One peer thinking: who, when, the outcome, and the numbers of the datagrams it heard and said.

    timeout: when it would wake up by itself after this, in seconds; None where it waits for nothing.
    """

    actor: Endpoint
    time: float
    outcome: Outcome
    heard: int | None = None
    said: int | None = None
    timeout: float | None = None
