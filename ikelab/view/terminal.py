"""A conversation in a terminal: a ladder of messages, and on request every field beside its octets.

Whatever comes from a packet is printed as text and nothing else: it is never read as markup, and characters that do not
print are shown as their codes. Colours are a second voice; signs, words and arrows say everything without them.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TextIO, cast

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ikelab.timeline.gist import Line, Sign
from ikelab.timeline.rung import Rung, Standing, Thought
from ikelab.view.plain import bearing_all_signs, visible

STYLES = {
    "initiator": "bold bright_blue",
    "responder": "bold cyan",
    "choice": "",
    "public": "",
    "number": "",
    "identity": "bold",
    "proof": "yellow",
    "secret": "yellow",
    "cipher": "dim",
    "plumbing": "dim",
    "error": "bold red",
}
SIGNS = {Sign.NONE: "", Sign.HOLDS: "✓", Sign.FAILS: "✗", Sign.DIFFERS: "≠"}
SIGN_STYLES = {Sign.NONE: "", Sign.HOLDS: "bold green", Sign.FAILS: "bold red", Sign.DIFFERS: "bold magenta"}

BLANKS_AT_END = re.compile(r" +$", re.MULTILINE)
SENTENCES = re.compile(r"(?<=[.?!]) (?=[A-Z])")
MARGIN = (0, 0, 0, 7)
PER_ROW = 8
"""Octets in a row."""
MOST_ROWS = 8
"""Rows of one field's octets that are shown, unless all are asked for."""
MOST_LINES = 40
"""Lines about the payloads of one message; a hostile one may have thousands."""


def terminal(stream: TextIO) -> Console:
    """A console on a stream: colours only where it is a terminal, plain signs where it knows no others."""
    return Console(file=bearing_all_signs(stream), highlight=False, markup=False, emoji=False, soft_wrap=False)


class Colours(StrEnum):
    """Whether a text is to hold the codes that colour it in a terminal and in a notebook."""

    NONE = "none"
    STANDARD = "standard"


def drawn(rung: Rung, *, width: int, colours: Colours = Colours.NONE) -> str:
    """One rung by itself, as text of so many columns."""
    printed = io.StringIO()
    console = Console(
        file=printed,
        width=width,
        force_terminal=colours is not Colours.NONE,
        force_jupyter=False,
        color_system="standard" if colours is Colours.STANDARD else None,
        no_color=False,
        highlight=False,
        markup=False,
        emoji=False,
    )
    Ladder(console).draw(rung)
    return printed.getvalue().strip("\n")


def text(said: object, style: str = "") -> Text:
    """What was said, safe to print."""
    return Text(visible(said), style=style)


class Ladder:
    """Draws rungs one after the other, under the title of the exchange that they belong to.

    all_octets: whether long fields are shown whole. An explanation is given where a thing is met for the first time.
    """

    def __init__(self, console: Console, *, all_octets: bool = False) -> None:
        self.console = console
        self.all_octets = all_octets
        self._place = ("", "")
        self._tight = False
        self._explained: dict[str, set[str]] = {}

    def draw(self, rung: Rung) -> None:
        """One more rung."""
        with self.console.capture() as drawn:
            self._draw(rung)
        self.console.file.write(BLANKS_AT_END.sub("", drawn.get()))

    def think(self, thought: Thought) -> None:
        """One more step of a run, in which nothing is said."""
        with self.console.capture() as drawn:
            self._think(thought)
        self.console.file.write(BLANKS_AT_END.sub("", drawn.get()))

    def _think(self, thought: Thought) -> None:
        grid = self._columns(for_name=None)
        sign = ("◆", "bold red") if thought.error else ("●", STYLES[thought.standing.actor])
        is_left = thought.standing.actor == "initiator"
        letter = Text("I" if is_left else "R", STYLES[thought.standing.actor])
        mark = Text.assemble(letter, " ", sign) if is_left else Text.assemble("    ", sign, " ", letter)
        grid.add_row("", Text(f"{thought.time:.3f} s", "dim"), mark, text(thought.what, "italic"), "")
        self.console.print(grid)
        why = self._new("why", thought.why)
        details: list[RenderableType] = [*([text(why, "dim")] if why else []), _standing(thought.standing)]
        if thought.error:
            details.append(Text.assemble(("✗ ", "bold red"), text(thought.error, "red")))
        self.console.print(Padding(Group(*details), MARGIN))
        self.console.print()
        self._tight = False

    def _columns(self, *, for_name: int | None) -> Table:
        """Frame, time, arrow, name and summary."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        for width in (5, 9, 7):
            grid.add_column(width=width, justify="right" if width != 7 else "left", no_wrap=True)
        grid.add_column(min_width=for_name, overflow="fold")
        grid.add_column(ratio=1, overflow="fold")
        return grid

    def _draw(self, rung: Rung) -> None:
        self._titles(rung)
        self.console.print(self._head(rung))
        details = [*self._details(rung)]
        if details:
            self.console.print(Padding(Group(*details), MARGIN))
        for sheet in rung.sheets:
            self._sheet(sheet)
        self._tight = not (details or rung.sheets)
        if not self._tight:
            self.console.print()

    def _titles(self, rung: Rung) -> None:
        """Whose conversation it is and which exchange, where that is not the same as before."""
        before = self._place
        self._place = rung.conversation or before[0], rung.section
        if self._place != before and self._tight:
            self.console.print()
        if self._place[0] != before[0]:
            self.console.print(Rule(text(rung.conversation, "bold"), align="left", style="bold", characters="━"))
            if self._new("peers", rung.conversation):
                self.console.print(Padding(_peers(rung), MARGIN))
                self.console.print()
        if self._place != before:
            self.console.print(Rule(text(rung.section, "bold"), align="left", style="dim"))
            if about := self._new("section", rung.about):
                self.console.print(Padding(text(about, "dim"), MARGIN))
            self.console.print()

    def _head(self, rung: Rung) -> RenderableType:
        grid = self._columns(for_name=15 if rung.conversation else None)
        summary = text(rung.summary, "bold" if rung.lines else "")
        if rung.sign is not Sign.NONE:
            summary = Text.assemble((f"{SIGNS[rung.sign]} ", SIGN_STYLES[rung.sign]), summary)
        grid.add_row(
            Text(str(rung.frame), "dim"), Text(f"{rung.time:.3f} s", "dim"), _arrow(rung), text(rung.name), summary
        )
        return grid

    def _details(self, rung: Rung) -> Iterator[RenderableType]:
        if rung.what:
            yield text(rung.what, "italic")
        if (rung.sheets or rung.standing) and (why := self._new("why", rung.why)):
            yield text(why, "dim")
        if rung.standing is not None:
            yield _standing(rung.standing)
        if rung.lines:
            yield _lines(rung.lines)
        if rung.error:
            yield Text.assemble(("✗ ", "bold red"), text(rung.error, "red"))
        for remark in rung.remarks:
            yield Text.assemble(("! ", "bold magenta"), text(remark))

    def _new(self, about: str, explanation: object) -> str:
        """Those sentences of an explanation that have not been given about this before."""
        known = self._explained.setdefault(about, set())
        sentences = [sentence for sentence in SENTENCES.split(str(explanation)) if sentence not in known]
        known.update(sentences)
        return " ".join(sentences)

    # -- fields beside octets

    def _sheet(self, sheet: Mapping[str, Any]) -> None:
        octets = bytes.fromhex(str(sheet["octets"]))
        self.console.print()
        self.console.print(Padding(_lid(sheet, len(octets)), (0, 0, 0, 2)))
        grid = self._grid()
        for field, parts in _rows(cast("Sequence[Mapping[str, Any]]", sheet["fields"])):
            at, size = int(field["at"]), int(field["size"])
            if field["leaf"] or parts:
                offsets, digits = self._digits(at, octets[at : at + size])
                style = STYLES.get(str(field["role"]), "")
                words = self._words(field, parts, octets[at : at + size])
                grid.add_row(Text("\n".join(offsets)), Text("\n".join(digits), style), words)
            else:
                self.console.print(grid)
                grid = self._grid()
                self.console.print()
                self.console.print(Padding(self._title(field), (0, 0, 0, 2)))
                if explanation := self._new(str(field["name"]), field["explain"]):
                    self.console.print(Padding(text(explanation, "dim"), (0, 0, 0, 8)))
        self.console.print(grid)

    def _grid(self) -> Table:
        grid = Table.grid(padding=(0, 2, 0, 0), pad_edge=False)
        grid.add_column(width=6, justify="right", style="dim", no_wrap=True)
        grid.add_column(width=24, no_wrap=True)
        grid.add_column(ratio=1, overflow="fold")
        return grid

    def _title(self, field: Mapping[str, Any]) -> Text:
        title = Text.assemble((f"{field['at']:04x}  ", "dim"), text(field["name"], "bold underline"))
        if field["symbol"] and field["symbol"] != field["name"]:
            title.append("  ").append(text(field["symbol"], "bold"))
        title.append(text(f"  {field['size']} octets  {field['rfc']}", "dim"))
        return title

    def _words(self, field: Mapping[str, Any], parts: Sequence[Mapping[str, Any]], octets: bytes) -> Text:
        """What a field is called, what it says beyond its octets, and what that means."""
        role, name = str(field["role"]), str(field["name"])
        bad = field["kind"] == "error"
        words = Text.assemble(text(name, "bold red" if bad else "dim" if role == "plumbing" else "bold"))
        value = str(field["text"]).removeprefix(octets.hex()).strip()
        if value and value != name and role != "cipher":
            words.append("  ").append(text(_shown(value, self.all_octets), STYLES.get(role, "")))
        if parts:
            words.append("  ").append(text(str(parts[0]["text"]).removeprefix(name).strip(), "dim"))
        if explanation := self._new(name, field["explain"]):
            words.append("\n").append(text(explanation, "red" if bad else "dim"))
        return words

    def _digits(self, at: int, octets: bytes) -> tuple[list[str], list[str]]:
        rows = [octets[start : start + PER_ROW] for start in range(0, len(octets), PER_ROW)]
        shown = rows if self.all_octets or len(rows) <= MOST_ROWS + 1 else rows[:MOST_ROWS]
        offsets = [f"{at + number * PER_ROW:04x}" for number in range(len(shown))]
        digits = ["  ".join(_spaced(row[start : start + 4]) for start in range(0, len(row), 4)) for row in shown]
        if len(shown) < len(rows):
            offsets.append("…")
            digits.append(f"{len(octets) - MOST_ROWS * PER_ROW} more octets")
        return offsets, digits


def _spaced(octets: bytes) -> str:
    return octets.hex(" ")


def _shown(value: str, whole: bool) -> str:
    """A value in words; the hex of long octets is not repeated, for the octets stand beside it."""
    return value if whole or len(value) <= 64 else f"{value[:48]}…"


def _standing(standing: Standing) -> Text:
    """The state of each side; bold, whose thought has just changed it."""
    parts = []
    for letter, role in (("I", "initiator"), ("R", "responder")):
        state = text(standing.states.get(role, "?"), "bold" if role == standing.actor else "dim")
        parts += [Text(letter, STYLES[role]), Text(" "), state, Text("   ")]
    return Text.assemble(*parts[:-1])


def _arrow(rung: Rung) -> Text:
    if rung.sender == "responder":
        return Text.assemble(("I", STYLES["initiator"]), (" ◀── R", STYLES["responder"]))
    if rung.sender == "initiator":
        return Text.assemble(("I ──▶ ", STYLES["initiator"]), ("R", STYLES["responder"]))
    return Text("? ──▶ ?", "dim")


def _peers(rung: Rung) -> Text:
    ends = (rung.source, rung.destination) if rung.sender != "responder" else (rung.destination, rung.source)
    initiator, responder = text(f" initiator {ends[0]}   "), text(f" responder {ends[1]}")
    return Text.assemble(("I", STYLES["initiator"]), initiator, ("R", STYLES["responder"]), responder)


def _lines(lines: Sequence[Line]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(min_width=7, no_wrap=True)
    grid.add_column(width=1)
    grid.add_column(ratio=1, overflow="fold")
    before = ""
    for line in lines[:MOST_LINES]:
        said = Text.assemble(text(line.text, STYLES.get(line.role, "")))
        if line.note:
            said.append("  ").append(text(line.note, "dim"))
        sign = Text(SIGNS[line.sign], SIGN_STYLES[line.sign])
        grid.add_row(text(line.label if line.label != before else "", "dim"), sign, said)
        before = line.label
    if len(lines) > MOST_LINES:
        grid.add_row("", "", text(f"and {len(lines) - MOST_LINES} more", "dim"))
    return grid


def _lid(sheet: Mapping[str, Any], size: int) -> Text:
    """The line above a sheet: what these octets are, and which key and IV opened them."""
    title = Text(f"{sheet['title']}, {size} octets", "bold")
    if sheet["key"]:
        opened = text(f"  opened with {sheet['key']} {sheet['key_value']}", "yellow")
        title = Text.assemble(("━━ ", "yellow"), title, opened)
    if sheet["iv"]:
        title.append("\n   ").append(text(f"IV {sheet['iv']}, {sheet['iv_note']}", "yellow"))
    return title


def _rows(fields: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]]:
    """The fields worth a row of their own, each with its parts where it says all that they say (an attribute)."""
    parts: dict[int, list[Mapping[str, Any]]] = {}
    for field in fields:
        parts.setdefault(int(field["parent"]), []).append(field)
    joined: set[int] = set()
    for place, field in enumerate(fields):
        if int(field["parent"]) in joined:
            continue
        inside = parts.get(place, [])
        if inside and field["text"] and all(part["leaf"] for part in inside):
            joined.add(place)
            yield field, inside
        else:
            yield field, ()


def opening(console: Console, title: str, about: str) -> None:
    """What stands above the ladder: what is shown, and a sentence on it."""
    with console.capture() as drawn:
        console.print(text(title, "bold"))
        console.print(text(about, "dim"))
        console.print()
    console.file.write(BLANKS_AT_END.sub("", drawn.get()))


def closing(
    console: Console,
    conversations: Iterable[tuple[str, Sequence[Line]]],
    counts: Iterable[str],
    complaints: Iterable[str],
    wishes: Iterable[str],
) -> None:
    """What stands under the ladder: each ISAKMP SA, what was counted, what is wrong, and what it would take."""
    with console.capture() as drawn:
        console.print(Rule(Text("In short", "bold"), align="left", style="bold", characters="━"))
        for title, lines in conversations:
            console.print(text(title, "bold"))
            console.print(Padding(_lines(lines), (0, 0, 1, 2)))
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_column(width=1)
        grid.add_column(ratio=1, overflow="fold")
        for sign, style, sentences in (
            ("·", "dim", counts),
            ("✗", "bold red", complaints),
            ("?", "bold yellow", wishes),
        ):
            for sentence in sentences:
                grid.add_row(Text(sign, style), text(sentence))
        console.print(grid)
    console.file.write(BLANKS_AT_END.sub("", drawn.get()))
