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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from ikelab.course.calling import told_when_miscalled
from ikelab.course.datasets import dataset, datasets
from ikelab.course.question import echo
from ikelab.course.shown import Shown, place
from ikelab.errors import Misuse
from ikelab.follow import heard as ike_messages
from ikelab.ike import given
from ikelab.ike.beliefs import Belief, Beliefs, parse_keys
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.net.capture import read_capture
from ikelab.timeline import Trace, trace_of

RUN_ALONE = ("at", "diff", "ending", "established", "film", "fork", "gateways", "last", "load", "moments", "ping",
             "result", "save", "says", "scenario", "verdict", "wire")  # fmt: skip
"""What only a run has, whose peers can be asked."""

Keys = str | os.PathLike[str] | Mapping[str, object] | Beliefs | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Recording(Shown):
    """A conversation as somebody heard it who believes something: `heard` are its datagrams, `beliefs` the keys."""

    AS_IN: ClassVar[str] = 'a recording, as in talk = recorded("main_psk_nopfs")'
    ELSEWHERE: ClassVar[tuple[str, ...]] = RUN_ALONE
    INSTEAD: ClassVar[str] = (
        "a recording cannot be run on or asked for what a peer has: that takes a run, as in "
        'talk = run("main"). Of a recording, flipped, with_psk and without_keys change what is heard'
    )

    title: str
    about: str
    heard: tuple[Heard, ...]
    beliefs: Beliefs

    @property
    def heading(self) -> str:
        """The title."""
        return self.title

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

    # -- the same octets, heard otherwise

    @told_when_miscalled
    def without_keys(self) -> Recording:
        """What somebody hears who has no key at all."""
        return replace(self, title=f"{self.title} (heard without keys)", beliefs=Beliefs())

    @told_when_miscalled
    def with_psk(self, psk: str | bytes) -> Recording:
        """What somebody hears who knows the Diffie-Hellman secret, as one of the peers does, and this pre-shared key.

        psk: text, or "0x" and hex digits; or octets.
        """
        if not isinstance(psk, str | bytes):
            raise Misuse(f"with_psk: expected a pre-shared key as text in quotes, or octets, got {echo(psk)}")
        key = psk if isinstance(psk, bytes) else given.psk(psk, "psk")
        ike = tuple(replace(_only_shared_secret(belief), psk=key) for belief in self.beliefs.ike)
        named = f'"{psk}"' if isinstance(psk, str) else f"0x{psk.hex()}"
        beliefs = Beliefs(psk=key, ike=ike, quick=self.beliefs.quick)
        return replace(self, title=f"{self.title} (heard with the pre-shared key {named})", beliefs=beliefs)

    @told_when_miscalled
    def flipped(self, number: int, field: str) -> Recording:
        """What is heard if on the way the last bit of a field is flipped; of fields with one name, the first is meant.

        Only what travels in clear has fields that can be met. Raises Misuse with the names of those.
        """
        at = self._place(number)
        sheet, whole = self.trace.messages[at]["sheets"][0], self.followed[at].heard
        spans = [each for each in sheet["fields"] if each["name"] == field and each["size"]]
        if not spans or self.followed[at].whole:
            names = ", ".join(dict.fromkeys(each["name"] for each in sheet["fields"] if each["leaf"]))
            raise Misuse(f"message {number}: expected one of its fields ({names}), got {field!r}")
        octets = bytearray(whole.octets)
        octets[spans[0]["at"] + spans[0]["size"] - 1] ^= 1
        changed = replace(whole, octets=bytes(octets))
        return replace(
            self,
            beliefs=self._telling,
            title=f"{self.title} (one bit of {field} flipped in message {number})",
            heard=tuple(changed if message is whole else message for message in self.heard),
        )


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
    chosen = talks[place("conversation", conversation, len(talks))]
    which = f", conversation {conversation} of {len(talks)}" if len(talks) > 1 else ""
    name = Path(path).name
    return Recording(title=f"{name}{which}", about=f"Read from {name}.", heard=chosen, beliefs=beliefs)


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
