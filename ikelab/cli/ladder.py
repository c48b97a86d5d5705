"""What a person is shown of a recording or a run: the ladder, and under it what it came to."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console

from ikelab.follow import Followed, FollowedPacket, Follower
from ikelab.ike.conversation import Conversation
from ikelab.timeline.gist import Line
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
    titled = summaries(follower.listener.conversations, outcome)
    closing(console, titled, outcome.counts(), outcome.complaints(), outcome.wishes())


def outcome_of(every: Iterable[Followed]) -> tuple[Outcome, list[tuple[str, list[Line]]]]:
    """What a run came to, and the same ISAKMP SA by ISAKMP SA."""
    outcome, conversations = Outcome(), list[Conversation]()
    for followed in every:
        outcome.take(followed)
        if followed.conversation is not None and followed.conversation not in conversations:
            conversations.append(followed.conversation)
    return outcome, summaries(conversations, outcome)


def summaries(conversations: Sequence[Conversation], outcome: Outcome) -> list[tuple[str, list[Line]]]:
    """A title and some lines about each ISAKMP SA."""
    titled = [(_title(conversation), [*outcome.about(conversation)]) for conversation in conversations[:MOST_SAS]]
    if len(conversations) > MOST_SAS:
        titled.append((f"and {len(conversations) - MOST_SAS} more ISAKMP SAs", []))
    return titled


def _rung(followed: Followed | FollowedPacket, begin: float, with_sheets: bool) -> Rung:
    if isinstance(followed, FollowedPacket):
        return rung_of_packet(followed, sheets_of_packet(followed) if with_sheets else (), begin=begin)
    return rung_of_message(followed, begin=begin, with_sheets=with_sheets)


def _title(conversation: Conversation) -> str:
    return f"ISAKMP SA {conversation.cookie_i.hex()} {conversation.cookie_r.hex()}"
