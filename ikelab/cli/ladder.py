"""What `ikelab dissect` shows a person: the ladder of a recording, and under it what it came to."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console

from ikelab.follow import Followed, FollowedPacket, Follower
from ikelab.ike.conversation import Conversation
from ikelab.timeline.outcome import Outcome
from ikelab.timeline.packets import sheets_of_packet
from ikelab.timeline.rung import Rung, rung_of_message, rung_of_packet
from ikelab.view.terminal import Ladder, closing, terminal

MOST_SAS = 20
"""ISAKMP SAs that are summed up; a hostile capture may hold thousands."""


def draw(
    every: Iterator[Followed | FollowedPacket],
    follower: Follower,
    outcome: Outcome,
    *,
    with_sheets: bool,
    all_octets: bool,
    sums_up: bool,
) -> None:
    """Draw each frame as it is followed, and then, if it `sums_up`, what all of it came to."""
    console = terminal(sys.stdout)
    ladder = Ladder(console, all_octets=all_octets)
    for followed in every:
        ladder.draw(_rung(followed, follower.begun or 0.0, with_sheets))
    if sums_up:
        _sum_up(console, follower, outcome)


def _sum_up(console: Console, follower: Follower, outcome: Outcome) -> None:
    conversations = follower.listener.conversations
    titled = [(_title(conversation), [*outcome.about(conversation)]) for conversation in conversations[:MOST_SAS]]
    if len(conversations) > MOST_SAS:
        titled.append((f"and {len(conversations) - MOST_SAS} more ISAKMP SAs", []))
    closing(console, titled, outcome.counts(), outcome.complaints(), outcome.wishes())


def _rung(followed: Followed | FollowedPacket, begin: float, with_sheets: bool) -> Rung:
    if isinstance(followed, FollowedPacket):
        return rung_of_packet(followed, sheets_of_packet(followed) if with_sheets else (), begin=begin)
    return rung_of_message(followed, begin=begin, with_sheets=with_sheets)


def _title(conversation: Conversation) -> str:
    return f"ISAKMP SA {conversation.cookie_i.hex()} {conversation.cookie_r.hex()}"
