"""A recorded conversation to work with: step through it, open it, walk secrets back, change one thing and listen again.

talk = recorded("main_psk_nopfs")       one that came with ikelab
talk = read("my.pcap", psk="secret")    one of your own
talk                                    who said what to whom
talk.play()                             the player, in a notebook
talk.message(5)                         octets, fields and what they mean
talk.secret("SKEYID").value             octets; shown with its formula and where the inputs come from
talk.with_psk("another")                the same octets, heard by somebody who believes something else
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ikelab.course.datasets import dataset, datasets
from ikelab.crypto.derived import counted, shortened
from ikelab.errors import Misuse
from ikelab.follow import heard as ike_messages
from ikelab.ike import given
from ikelab.ike.beliefs import Belief, Beliefs, parse_keys
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.net.capture import read_capture
from ikelab.timeline import Trace, trace_of
from ikelab.timeline.rung import Rung, rung_of_message
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


Keys = str | os.PathLike[str] | Mapping[str, object] | Beliefs | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Message:
    """One message of a recording. `number` counts from 1, `octets` are those that travelled.

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
    """A value of a recording with where it comes from.

    name: unique in the recording. label: what the RFC calls it. formula: "" for one that nothing makes; then `origin`
    says where it was given or heard. step: the message with which it was known. explain: what it is for.
    """

    name: str
    label: str
    value: bytes
    formula: str
    rfc: str
    explain: str
    inputs: tuple[Secret, ...]
    origin: str
    step: int

    def __repr__(self) -> str:
        """Formula, what it is for, its inputs and their origins, and its value."""
        head = f"{self.label} = {self.formula}    {self.rfc}" if self.formula else f"{self.label}: {self.origin}"
        lines = [head, *textwrap.wrap(self.explain, WIDTH)]
        width = max((len(made_of.label) for made_of in self.inputs), default=0)
        for made_of in self.inputs:
            how = f"= {made_of.formula}" if made_of.formula else made_of.origin
            lines.append(f"  {made_of.label:<{width}} = {_readable(made_of.value, short=True)}  {how}")
        since = f", known since message {self.step}" if self.step else ""
        lines.append(f"= {_readable(self.value)} ({counted(len(self.value))}{since})")
        return "\n".join(map(visible, lines))


@dataclass(frozen=True, kw_only=True, repr=False)
class Recording:
    """A conversation as somebody heard it who believes something: `heard` are its datagrams, `beliefs` the keys."""

    title: str
    about: str
    heard: tuple[Heard, ...]
    beliefs: Beliefs

    @cached_property
    def trace(self) -> Trace:
        """All of it as one trace, which a player or a file takes."""
        return trace_of(self.heard, self._telling, title=self.title, about=self.about)

    @cached_property
    def followed(self) -> tuple[Followed, ...]:
        """What a listener makes of each datagram."""
        return _followed(self.heard, self._telling)

    @cached_property
    def _telling(self) -> Beliefs:
        """The least that opens as much: whatever follows from it is then shown with the formula that makes it."""
        least = replace(
            self.beliefs,
            ike=tuple(_only_shared_secret(belief) for belief in self.beliefs.ike),
            quick=tuple(replace(each, enc_i=None, enc_r=None, auth_i=None, auth_r=None) for each in self.beliefs.quick),
        )
        as_much = _opened(_followed(self.heard, least)) >= _opened(_followed(self.heard, self.beliefs))
        return least if as_much else self.beliefs

    def __len__(self) -> int:
        """The number of messages."""
        return len(self.followed)

    def __repr__(self) -> str:
        """Title and ladder: who said what to whom, and which hashes hold."""
        return "\n".join([visible(self.title), "", *ladder.lines(self.trace.to_json())])

    def play(self, **place: object) -> Player:
        """The player, as the last line of a notebook's cell. `place` is where it begins: step=5, view="secrets"."""
        try:
            from ikelab.view.player import Player
        except ModuleNotFoundError as error:
            raise Misuse(
                f"the player needs {error.name}, which is not installed: pip install 'ikelab[all]'; "
                "without it, print the recording, or a message of it"
            ) from None
        return Player(self.trace, **place)

    def save_page(self, path: str | os.PathLike[str]) -> None:
        """Write the player as one HTML file that needs neither Jupyter nor a network. Raises Misuse."""
        try:
            Path(path).write_text(page(self.trace), encoding="utf-8")
        except OSError as error:
            raise Misuse(f"{path}: expected a file that can be written, got: {error.strerror or error}") from None

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

    def secret(self, name: str) -> Secret:
        """The value of that name, such as "SKEYID" or "Ni_b". Raises Misuse with the names there are."""
        entries = {entry["name"]: entry for entry in self.trace.secrets}
        if name not in entries:
            labelled = [each for each, entry in entries.items() if name == entry["label"]]
            close = labelled or get_close_matches(name, entries, n=3)
            advice = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
            raise Misuse(
                f"secret: expected one of {', '.join(entries) or 'none: nothing is known'}, got {name!r}{advice}"
            )
        return _secret(entries[name], entries)

    # -- the same octets, heard otherwise

    def without_keys(self) -> Recording:
        """What somebody hears who has no key at all."""
        return replace(self, title=f"{self.title} (heard without keys)", beliefs=Beliefs())

    def with_psk(self, psk: str | bytes) -> Recording:
        """What somebody hears who knows the Diffie-Hellman secret, as one of the peers does, and this pre-shared key.

        psk: text, or "0x" and hex digits; or octets.
        """
        key = psk if isinstance(psk, bytes) else given.psk(psk, "psk")
        ike = tuple(replace(_only_shared_secret(belief), psk=key) for belief in self.beliefs.ike)
        named = f'"{psk}"' if isinstance(psk, str) else f"0x{psk.hex()}"
        beliefs = Beliefs(psk=key, ike=ike, quick=self.beliefs.quick)
        return replace(self, title=f"{self.title} (heard with the pre-shared key {named})", beliefs=beliefs)

    def flipped(self, number: int, field: str) -> Recording:
        """What is heard if on the way the last bit of a field is flipped; of fields with one name, the first is meant.

        Only what travels in clear has fields that can be met. Raises Misuse with the names of those.
        """
        place = self._place(number)
        sheet, whole = self.trace.messages[place]["sheets"][0], self.followed[place].heard
        spans = [each for each in sheet["fields"] if each["name"] == field and each["size"]]
        if not spans or self.followed[place].whole:
            names = ", ".join(dict.fromkeys(each["name"] for each in sheet["fields"] if each["leaf"]))
            raise Misuse(f"message {number}: expected one of its fields ({names}), got {field!r}")
        at = spans[0]["at"] + spans[0]["size"] - 1
        octets = bytearray(whole.octets)
        octets[at] ^= 1
        changed = replace(whole, octets=bytes(octets))
        return replace(
            self,
            beliefs=self._telling,
            title=f"{self.title} (one bit of {field} flipped in message {number})",
            heard=tuple(changed if message is whole else message for message in self.heard),
        )

    def _place(self, number: object) -> int:
        return _place("message", number, len(self))


class Shelf(tuple[str, ...]):
    """Names of recordings; shown one a line with what each is."""

    __slots__ = ()

    def __repr__(self) -> str:
        width = max(map(len, self))
        return "\n".join(f"{name:<{width}}  {dataset(name).what}" for name in self)


def recordings() -> Shelf:
    """The names of the recordings that came with ikelab, to be handed to `recorded`."""
    return Shelf(each.name for each in datasets())


def recorded(name: str) -> Recording:
    """A recording that came with ikelab. Raises Misuse, with the names there are."""
    found = dataset(name)
    title = found.readme.partition("\n")[0].removeprefix("# ")
    heard = _conversations(ike_messages(found.capture()))[0]
    return Recording(title=title, about=found.what, heard=heard, beliefs=found.beliefs())


def read(
    path: str | os.PathLike[str],
    *,
    keys: Keys = None,
    psk: str | None = None,
    conversation: int = 1,
) -> Recording:
    """A conversation of your own: a pcap or pcapng, and what you know.

    keys: a key file as `ikelab dissect --keys` takes it, or what would be in one. psk: a pre-shared key, as text or as
    "0x" and hex digits; it overrides one in the keys. conversation: which of those in the file, from 1.
    Raises Misuse for what cannot be read or is none of these.
    """
    beliefs = _believed(keys)
    beliefs = beliefs if psk is None else beliefs.with_psk(given.psk(psk, "psk"))
    talks = _conversations(ike_messages(read_capture(path)))
    if not talks:
        raise Misuse(f"{path}: expected at least one IKEv1 message, got none")
    chosen = talks[_place("conversation", conversation, len(talks))]
    which = f", conversation {conversation} of {len(talks)}" if len(talks) > 1 else ""
    name = Path(path).name
    return Recording(title=f"{name}{which}", about=f"Read from {name}.", heard=chosen, beliefs=beliefs)


def _place(of: str, number: object, last: int) -> int:
    """The place, from 0, of what is counted from 1."""
    if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= last:
        raise Misuse(f"{of}: expected a number from 1 to {last}, got {number!r}")
    return number - 1


# -- hearing


def _conversations(messages: Iterable[Heard]) -> list[tuple[Heard, ...]]:
    """The messages of each conversation, in the order in which they begin; what cannot be read belongs to none."""
    listener, talks = Listener(), dict[int, list[Heard]]()
    for message in messages:
        conversation = listener.hear(message).conversation
        if conversation is not None:
            talks.setdefault(id(conversation), []).append(message)
    return [tuple(talk) for talk in talks.values()]


def _followed(messages: Iterable[Heard], beliefs: Beliefs) -> tuple[Followed, ...]:
    """The messages of the first conversation, as a listener with these beliefs follows them."""
    listener = Listener(beliefs=beliefs)
    every = [listener.hear(message) for message in messages]
    return tuple(
        each for each in every if each.conversation is not None and each.conversation is listener.conversations[0]
    )


def _opened(followed: Sequence[Followed]) -> tuple[int, int]:
    """How much a listener got out of a conversation: messages opened, and proofs that hold."""
    return (
        sum(each.opened is not None for each in followed),
        sum(holds for each in followed for holds in each.verified.values()),
    )


def _only_shared_secret(belief: Belief) -> Belief:
    """The same without what the pre-shared key and the Diffie-Hellman secret determine."""
    return replace(belief, values={name: value for name, value in belief.values.items() if name == "g^xy"})


def _believed(keys: Keys) -> Beliefs:
    if keys is None or isinstance(keys, Beliefs):
        return keys or Beliefs()
    if isinstance(keys, Mapping):
        return Beliefs.from_json(dict(keys))
    try:
        return parse_keys(Path(keys).read_bytes(), name=str(keys))
    except OSError as error:
        raise Misuse(f"{keys}: expected a key file that can be read, got: {error.strerror or error}") from None


# -- words


def _secret(entry: Mapping[str, Any], entries: Mapping[str, Mapping[str, Any]]) -> Secret:
    return Secret(
        name=entry["name"],
        label=entry["label"],
        value=bytes.fromhex(entry["value"]),
        formula=entry["formula"],
        rfc=entry["rfc"],
        explain=entry["explain"],
        inputs=tuple(_secret(entries[name], entries) for name in entry["inputs"]),
        origin=entry["origin"]["text"],
        step=entry["step"],
    )


def _readable(value: bytes, *, short: bool = False) -> str:
    """A text in quotes where the octets are one, as a pre-shared key is; else hex."""
    if len(value) >= SHORTEST_TEXT and value.isascii() and value.decode("ascii").isprintable():
        return f'"{value.decode("ascii")}"'
    return shortened(value) if short else value.hex()
