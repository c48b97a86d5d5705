"""What can be looked at, wherever it comes from: the ladder, the player, one message laid open, one secret walked back.

A recording and a run are both shown so; what else can be done with each is its own business.
"""

from __future__ import annotations

import os
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from ikelab.course.calling import told_when_miscalled
from ikelab.crypto.derived import counted, shortened
from ikelab.errors import Misuse
from ikelab.ike.listen import Followed
from ikelab.timeline.rung import Rung, rung_of_message
from ikelab.timeline.trace import Trace
from ikelab.view import ladder
from ikelab.view.narration import visible
from ikelab.view.page import page
from ikelab.view.terminal import Colours, drawn

if TYPE_CHECKING:
    from ikelab.view.player import Player

WIDTH = 100
"""Columns of what is shown as text; a notebook has room for about as many."""
SHORTEST_TEXT = 6
"""Octets from which a printable value is taken for a text; fewer may be so by chance."""


class Printer(Protocol):
    """What IPython prints with."""

    def text(self, words: str, /) -> None:
        """Print these words."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Message:
    """One message of a conversation. `number` counts from 1, `octets` are those that travelled.

    decrypted: the octets of the payloads without their encryption; None where there is none, or nothing opens it.
    verified: each hash that could be checked, by name.
    """

    number: int
    octets: bytes
    encrypted: bool
    decrypted: bytes | None
    verified: Mapping[str, bool]
    rung: Rung

    def __repr__(self) -> str:
        """Who says it to whom, what it means, and every field beside its octets."""
        return drawn(self.rung, width=WIDTH)

    def _repr_pretty_(self, printer: Printer, cycle: bool) -> None:
        """The same in colours, for IPython and notebooks."""
        printer.text(drawn(self.rung, width=WIDTH, colours=Colours.STANDARD))


@dataclass(frozen=True, kw_only=True, repr=False)
class Secret:
    """A value of a conversation with where it comes from.

    name: unique in it. label: what the RFC calls it. formula: "" for one that nothing makes; then `origin`
    says where it was given or heard. step: when it was first known; since: the same in words. explain: what it is for.
    """

    AS_IN: ClassVar[str] = 'a secret, as in talk.secret("Ka")'

    name: str
    label: str
    value: bytes
    formula: str
    rfc: str
    explain: str
    inputs: tuple[Secret, ...]
    origin: str
    step: int
    since: str

    def __repr__(self) -> str:
        """Formula, what it is for, its inputs and their origins, and its value."""
        head = f"{self.label} = {self.formula}    {self.rfc}" if self.formula else f"{self.label}: {self.origin}"
        lines = [head, *textwrap.wrap(self.explain, WIDTH)]
        width = max((len(made_of.label) for made_of in self.inputs), default=0)
        for made_of in self.inputs:
            how = f"= {made_of.formula}" if made_of.formula else made_of.origin
            lines.append(f"  {made_of.label:<{width}} = {_readable(made_of.value, short=True)}  {how}")
        since = f", known since {self.since}" if self.step else ""
        lines.append(f"= {_readable(self.value)} ({counted(len(self.value))}{since})")
        return "\n".join(map(visible, lines))


class NotHere(Misuse, AttributeError):
    """A recording was asked for what only a run can do, or a run for what only a recording can."""


class Shown(ABC):
    """A conversation as one can look at it. `STEP` is what its steps are called.

    AS_IN: what it is, and how to come by one. ELSEWHERE: what only its sibling can do; INSTEAD: what to do then.
    """

    STEP: ClassVar[str] = "message"
    AS_IN: ClassVar[str] = 'a run or a recording, as in talk = run("main")'
    ELSEWHERE: ClassVar[tuple[str, ...]] = ()
    INSTEAD: ClassVar[str] = ""

    if not TYPE_CHECKING:  # to a type checker, what is not declared is not there

        def __getattr__(self, name: str) -> object:
            """Say where that can be had which is only to be had elsewhere."""
            if name in self.ELSEWHERE:
                raise NotHere(f"{name}: {self.INSTEAD}")
            return object.__getattribute__(self, name)

    @property
    @abstractmethod
    def heading(self) -> str:
        """What it is called."""

    @property
    @abstractmethod
    def trace(self) -> Trace:
        """All of it as one trace, which a player or a file takes."""

    @property
    @abstractmethod
    def followed(self) -> Sequence[Followed]:
        """What a listener makes of each datagram."""

    def __len__(self) -> int:
        """The number of messages."""
        return len(self.followed)

    def __repr__(self) -> str:
        """Title and ladder: who said what to whom, and which hashes hold."""
        return "\n".join([visible(self.heading), "", *ladder.lines(self.trace.to_json())])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "Ladder")

    @told_when_miscalled
    def play(
        self,
        *,
        step: int | None = None,
        view: str | None = None,
        message: int | None = None,
        field: Sequence[int] | None = None,
        secret: str | None = None,
        viewpoint: str | None = None,
    ) -> Player:
        """The player, as the last line of a notebook's cell, and where it begins: step=5, view="secrets".

        All of these are told in `ikelab.Player`. Raises Misuse for what there is not.
        """
        try:
            from ikelab.view.player import Player
        except ModuleNotFoundError as error:
            raise Misuse(
                f"the player needs {error.name}, which is not installed: pip install 'ikelab[all]'; "
                "without it, print the recording, or a message of it"
            ) from None
        where = {"step": step, "view": view, "message": message, "field": field, "viewpoint": viewpoint}
        if secret is not None:
            where["secret"] = self.secret(secret).name
        return Player(self.trace, **{name: value for name, value in where.items() if value is not None})

    @told_when_miscalled
    def save_page(self, path: str | os.PathLike[str]) -> None:
        """Write the player as one HTML file that needs neither Jupyter nor a network. Raises Misuse."""
        try:
            Path(path).write_text(page(self.trace), encoding="utf-8")
        except OSError as error:
            raise Misuse(f"{path}: expected a file that can be written, got: {error.strerror or error}") from None

    @told_when_miscalled
    def message(self, number: int) -> Message:
        """The message of that number, from 1. Raises Misuse."""
        place = self._place(number)
        followed = self.followed[place]
        return Message(
            number=number,
            octets=followed.heard.octets,
            encrypted=followed.message.encrypted,
            decrypted=followed.opened.sheet.raw if followed.opened else None,
            verified=followed.verified,
            rung=rung_of_message(followed, begin=self.followed[0].heard.time, with_sheets=True),
        )

    @property
    def messages(self) -> tuple[Message, ...]:
        """All messages."""
        return tuple(map(self.message, range(1, len(self) + 1)))

    @told_when_miscalled
    def secret(self, name: str) -> Secret:
        """The value of that name, such as "SKEYID" or "Ni_b". Raises Misuse with the names there are."""
        entries = {entry["name"]: entry for entry in self.trace.secrets}
        if name not in entries:
            labelled = [each for each, entry in entries.items() if name == entry["label"]]
            close = labelled or get_close_matches(name, entries, n=3, cutoff=0.5)
            if close:
                raise Misuse(
                    f"secret: expected a value of this, got {name!r}; did you mean {' or '.join(map(repr, close))}?"
                )
            raise Misuse(f"secret: expected one of {', '.join(entries) or 'none: nothing is known'}, got {name!r}")
        return _secret(entries[name], entries, self.STEP)

    def _place(self, number: object) -> int:
        return place("message", number, len(self))


def whole_lines(words: str, label: str) -> str:
    """Text for a notebook: where it is too narrow, lines stay whole and can be scrolled. label: what it is, for who
    does not see it.
    """
    style = (
        "overflow-x: auto; white-space: pre; margin: 0; padding: 0 0 0 8px; background: none; "
        "font-size: var(--jp-code-font-size, inherit); line-height: var(--jp-code-line-height, 1.3)"
    )
    return f'<pre tabindex="0" role="group" aria-label="{escape(label)}" style="{style}">{escape(words)}</pre>'


def wrapped_lines(words: str, label: str) -> str:
    """The same, where a sentence too long goes on in the next line: nothing stands in columns."""
    return whole_lines(words, label).replace("white-space: pre;", "white-space: pre-wrap;", 1)


def place(of: str, number: object, last: int) -> int:
    """The place, from 0, of what is counted from 1."""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= last:
        raise Misuse(f"{of}: expected a number from 1 to {last}, got {number!r}")
    return number - 1


def _secret(entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]], unit: str) -> Secret:
    return Secret(
        name=entry["name"],
        label=entry["label"],
        value=bytes.fromhex(entry["value"]),
        formula=entry["formula"],
        rfc=entry["rfc"],
        explain=entry["explain"],
        inputs=tuple(_secret(entries[name], entries, unit) for name in entry["inputs"]),
        origin=entry["origin"]["text"],
        step=entry["step"],
        since=f"{unit} {entry['step']}",
    )


def _readable(value: bytes, *, short: bool = False) -> str:
    """A text in quotes where the octets are one, as a pre-shared key is; else hex."""
    if len(value) >= SHORTEST_TEXT and value.isascii() and value.decode("ascii").isprintable():
        return f'"{value.decode("ascii")}"'
    return shortened(value) if short else value.hex()
