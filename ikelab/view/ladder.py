"""Who said what to whom: the messages of a trace between two lifelines, as lines of text and as a picture."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape
from typing import cast

from ikelab.view.narration import (
    Part,
    deed,
    end,
    exchanges,
    fate,
    is_run,
    judged,
    parts,
    payloads,
    receiver,
    size,
    state_after,
    visible,
)

SIDES = ("initiator", "responder")
TEXT_WIDTH = 56
"""Columns from one lifeline of the text ladder to the other, both included."""
RUN_WIDTH, STATE_WIDTH, NUMBER_WIDTH = 41, 12, 5
"""The same of a run, where the states take room on both sides."""
LINE_WIDTH = 100
"""Columns of a line of either: what a notebook has room for. Words that need more go on in the next line."""


def lines(trace: Part) -> Iterator[str]:
    """The ladder as text; encrypted payloads lie in brackets on a double line.

    Of a run, every step has a line: the state of whoever thinks stands on its side.
    """
    if is_run(trace):
        yield from _lines_of_run(trace)
        return
    left, right = _ends(trace)
    yield f"     {left}{right:>{max(1, TEXT_WIDTH - len(left))}}"
    for title, messages in exchanges(trace):
        yield f"     |{visible(f' {title} '):^{TEXT_WIDTH - 2}}|"
        for message in messages:
            drawn = f"{visible(message['n']):>4} |{_arrow(message, TEXT_WIDTH)}|  "
            yield from _told(drawn, f"     |{'':{TEXT_WIDTH - 2}}|  ", fate(message))


def _told(drawn: str, beneath: str, words: list[str]) -> Iterator[str]:
    """A line with words to its right, cut nowhere: what finds no room there goes on beneath."""
    room, whole = LINE_WIDTH - len(drawn), visible(", ".join(words))
    told = [whole]
    if len(whole) > room:
        each = [f"{visible(part)}," for part in words[:-1]] + [visible(words[-1])]
        told = [line for part in each for line in textwrap.wrap(part, room, break_on_hyphens=False)]
    for begin, part in zip([drawn] + [beneath] * (len(told) - 1), told, strict=True):
        yield f"{begin}{part}".rstrip()


def _ends(trace: Part) -> tuple[str, str]:
    left, right = (visible(f"{peer['label']} {peer['address']}") for peer in (end(trace, side) for side in SIDES))
    return left, right


def _lines_of_run(trace: Part) -> Iterator[str]:
    by_number = {message["n"]: message for message in parts(trace, "messages")}
    titles = {message["n"]: title for title, messages in exchanges(trace) for message in messages}
    margin = STATE_WIDTH + NUMBER_WIDTH
    left, right = _ends(trace)
    yield f"{left}{right:>{margin + RUN_WIDTH + STATE_WIDTH + 1 - len(left)}}"
    current = ""
    copies = [message for message in by_number.values() if message.get("fate") == "repeated"]
    for frame in parts(trace, "frames"):
        said = cast("list[object]", frame["said"])
        title = titles[said[0]] if said else current
        if title != current:
            yield f"{'':{margin}}|{visible(f' {title} '):^{RUN_WIDTH - 2}}|"
            current = title
        message = by_number[said[0]] if said else None
        yield from _lines_of_step(frame, message, by_number.get(frame["heard"]))
        while copies and message is not None and copies[0]["n"] == cast(int, message["n"]) + 1:
            yield from _lines_of_step(None, copies.pop(0))


def _lines_of_step(frame: Part | None, message: Part | None, heard: Part | None = None) -> Iterator[str]:
    state = visible(state_after(frame)) if frame is not None else ""
    left, right = (state if frame is not None and frame["actor"] == side else "" for side in SIDES)
    number, rung = ("", " " * (RUN_WIDTH - 2)) if message is None else (message["n"], _arrow(message, RUN_WIDTH))
    words = (deed(frame, message, heard) if frame is not None else []) + ([] if message is None else judged(message))
    drawn = f"{left:<{STATE_WIDTH}}{number:>{NUMBER_WIDTH - 1}} |{rung}| {right:<{STATE_WIDTH}} "
    yield from _told(drawn, f"{'':{STATE_WIDTH + NUMBER_WIDTH}}|{'':{RUN_WIDTH - 2}}| {'':{STATE_WIDTH}} ", words)


def _arrow(message: Part, width: int) -> str:
    said, room = visible(payloads(message)), width - 8
    said = said if len(said) <= room else f"{said[: room - 1]}…"
    body = f" [{said}] ".center(width - 3, "=") if message["encrypted"] else f" {said} ".center(width - 3, "-")
    outward = message["from"] == SIDES[0]
    if message.get("fate") == "lost":  # it breaks off behind what it says
        reach = (width - 3 + len(said)) // 2 + 4
        return f"{body[:reach]}x".ljust(width - 2) if outward else f"x{body[-reach:]}".rjust(width - 2)
    return f"{body}>" if outward else f"<{body}"


# The picture. No style sheet, no ids: it may stand many times on a page. Mid-tones read on white and on black.
_COLOURS = {"initiator": "#3576c9", "responder": "#15906f"}
_QUIET = "#7b8695"
_LEFT, _RIGHT, _WIDTH = 40, 520, 880
_ROW, _TITLE, _HEAD = 40, 24, 44
_MONO = 'font-family="monospace" font-weight="600" font-size="13"'
_CHARACTER = 7.9


def svg(trace: Part) -> str:
    """The ladder as one SVG element; what each message says and what became of it is in its words as well."""
    drawn = [_lifeline(trace, side) for side in SIDES]
    y = _HEAD
    for title, messages in exchanges(trace):
        y += _TITLE
        drawn.append(_title(title, y))
        for message in messages:
            y += _ROW
            drawn.append(_message(message, y))
    height = y + 20
    rails = "".join(
        f'<line x1="{x}" x2="{x}" y1="{_HEAD - 6}" y2="{height - 8}" stroke="{_COLOURS[side]}" stroke-width="3"/>'
        for side, x in zip(SIDES, (_LEFT, _RIGHT), strict=True)
    )
    told = f"{len(parts(trace, 'messages'))} messages between {end(trace, 'initiator')['label']} and "
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" '
        f'aria-label="{_safe(told + str(end(trace, "responder")["label"]))}" fill="currentColor" '
        f'font-family="sans-serif" font-size="13">{rails}{"".join(drawn)}</svg>'
    )


def _lifeline(trace: Part, side: str) -> str:
    peer, outward = end(trace, side), side == "initiator"
    x, anchor = (_LEFT, "start") if outward else (_RIGHT, "end")
    return (
        f'<text x="{x}" y="16" text-anchor="{anchor}" font-size="14" font-weight="bold" fill="{_COLOURS[side]}">'
        f"{_safe(peer['label'])}</text>"
        f'<text x="{x}" y="32" text-anchor="{anchor}" fill="{_QUIET}">{_safe(peer["address"])}</text>'
    )


def _title(title: str, y: int) -> str:
    middle = (_LEFT + _RIGHT) / 2
    return f'<text x="{middle}" y="{y - 6}" text-anchor="middle" fill="{_QUIET}">{_safe(title)}</text>'


def _message(message: Part, y: int) -> str:
    side = str(message["from"])
    colour, outward = _COLOURS[side], side == "initiator"
    start, tip = (_LEFT + 4, _RIGHT - 4) if outward else (_RIGHT - 4, _LEFT + 4)
    back = tip - 10 if outward else tip + 10
    repeat = ' stroke-dasharray="6 4"' if message.get("retransmission_of") is not None else ""
    middle, said = (_LEFT + _RIGHT) / 2, visible(payloads(message))
    told = f"Message {message['n']}, {side} to {receiver(message)}, {size(message)}: {message['summary']}"
    tray = ""
    if message["encrypted"]:
        width = min(_RIGHT - _LEFT - 60, len(said) * _CHARACTER + 24)
        tray = (
            f'<rect x="{middle - width / 2:.0f}" y="{y - 25}" width="{width:.0f}" height="20" rx="6" fill="none" '
            f'stroke="{_QUIET}" stroke-dasharray="2 2"/>'
        )
    return (
        f"<g><title>{_safe(told)}</title>{tray}"
        f'<text x="{middle}" y="{y - 11}" text-anchor="middle" {_MONO}>{escape(said)}</text>'
        f'<line x1="{start}" x2="{back}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"{repeat}/>'
        f'<path d="M{back} {y - 5}L{tip} {y}L{back} {y + 5}z" fill="{colour}"/>'
        f'<text x="{_LEFT - 10}" y="{y + 4}" text-anchor="end" font-weight="bold">{_safe(message["n"])}</text>'
        f'<text x="{_RIGHT + 12}" y="{y + 4}">{_safe("; ".join(_words(message)))}</text></g>'
    )


def _words(message: Part) -> list[str]:
    return (["encrypted"] if message["encrypted"] else []) + fate(message)


def _safe(text: object) -> str:
    return escape(visible(text), quote=True)
