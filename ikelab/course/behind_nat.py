"""One NAT, six ways to protect a packet: which get through, and what stops the others. Nothing of it is looked up.

nat_trial("tcp")     every way is negotiated, a packet is sent, translated and received
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from ikelab.course.protected import Arrived, Sent
from ikelab.course.runs import run
from ikelab.course.shown import whole_lines
from ikelab.course.two_gateways import gateways
from ikelab.ipsec.refused import Refused
from ikelab.wire import ip

OUTSIDE = "203.0.113.7"
AH_ALONE = {"esp": "", "ah": "sha256"}
WAYS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("AH, tunnel", "ah", {}),
    ("AH, transport", "transport", AH_ALONE),
    ("ESP, tunnel", "main", {}),
    ("ESP, transport", "transport", {}),
    ("ESP in UDP, tunnel", "main", {"encapsulation": "udp-tunnel"}),
    ("ESP in UDP, transport", "transport", {"encapsulation": "udp-transport"}),
)
"""What each way is called, the scenario that agrees on it, and what is told otherwise."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One way. sent: as it left; arrived: what became of it behind the NAT."""

    way: str
    sent: Sent
    arrived: Arrived


@dataclass(frozen=True, kw_only=True, repr=False)
class NatTrial:
    """All of them, with the same kind of packet."""

    trials: tuple[Trial, ...]

    @property
    def through(self) -> tuple[int, ...]:
        """The numbers, from 1, of those whose packet reached its host and was taken."""
        return tuple(number for number, trial in enumerate(self.trials, 1) if trial.arrived.taken)

    def __repr__(self) -> str:
        """A line a way."""
        width = max(len(trial.way) for trial in self.trials)
        first = self.trials[0]
        before, behind = (ip.read_ip(octets).source for octets in (first.sent.packet, first.arrived.octets))
        lines = (f"{number}. {each.way:<{width}}  {_short(each.arrived)}" for number, each in enumerate(self.trials, 1))
        return "\n".join([f"source address: {before} before the NAT, {behind} behind it", *lines])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "What gets through a NAT")


@cache
def nat_trial(what: str = "tcp") -> NatTrial:
    """Send a packet of each way through a NAT before the initiator: "tcp", "udp" or "ping". Raises Misuse."""
    return NatTrial(trials=tuple(_trial(way, name, words, what) for way, name, words in WAYS))


def _trial(way: str, name: str, words: dict[str, str], what: str) -> Trial:
    pair = gateways(run(name, **words), nat=OUTSIDE)
    sent = pair.send(what)
    assert isinstance(sent, Sent)
    return Trial(way=way, sent=sent, arrived=pair.receive(sent))


def _short(arrived: Arrived) -> str:
    if isinstance(arrived.outcome, Refused):
        return f"✗ gateway: {arrived.outcome.reason.words}"
    return "✗ host: wrong checksum of TCP or UDP" if arrived.complaint else "✓ arrives"
