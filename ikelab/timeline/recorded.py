"""How a recorded conversation becomes a trace: every message explained, every value with where it came from.

A step is one message. What the two peers know at each step follows from what has been said by then.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ikelab.crypto.derived import Derived
from ikelab.errors import Misuse
from ikelab.ike.beliefs import Beliefs
from ikelab.ike.conversation import INITIATOR, RESPONDER, Conversation
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.ike.naming import arrow, payload_labels
from ikelab.timeline.captions import caption
from ikelab.timeline.coverage import with_coverage
from ikelab.timeline.sheets import chips, sheets
from ikelab.timeline.trace import Trace
from ikelab.timeline.values import Values
from ikelab.wire.numbers import ExchangeType
from ikelab.wire.payloads import SA
from ikelab.wire.records import Payload


def trace_of(heard: Iterable[Heard], beliefs: Beliefs, *, title: str, about: str) -> Trace:
    """The trace of the first conversation among these datagrams, as far as the beliefs open it.

    Raises Misuse where there is no conversation at all.
    """
    listener = Listener(beliefs=beliefs)
    film = Film()
    for datagram in heard:
        followed = listener.hear(datagram)
        if followed.conversation is not None and followed.conversation is listener.conversations[0]:
            film.step(followed)
    if not listener.conversations:
        raise Misuse(f"{title}: expected at least one IKEv1 message, got none")
    endpoints = listener.conversations[0].endpoints
    return Trace(
        title=title,
        about=about,
        peers={
            role: {"label": role.capitalize(), "address": str(endpoints[role][0])}
            for role in (INITIATOR, RESPONDER)
            if endpoints[role]
        },
        messages=with_coverage(film.messages),
        frames=film.frames,
        secrets=list(film.values.entries.values()),
    )


SECOND = "(responder)"
"""Marks the values that follow from a second belief: where two beliefs differ, the second is the responder's."""


class Film:
    """Collects messages, steps and values as a listener hears them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.values = Values(self.messages)
        self.begin: float | None = None
        self.children = 0

    def take(self, followed: Followed, *, step: int) -> None:
        """One more datagram: explain it, and list the values that it makes known at this step."""
        self.show(followed)
        if followed.conversation is not None and followed.retransmission_of is None:
            self.learn(followed, followed.conversation, step)

    def show(self, followed: Followed) -> dict[str, Any]:
        """Explain one more datagram; answers it as the trace keeps it."""
        number = len(self.messages) + 1
        self.values.numbers[followed.heard.frame] = number
        self.begin = followed.heard.time if self.begin is None else self.begin
        self.messages.append(self.message(followed, number))
        return self.messages[-1]

    def step(self, followed: Followed) -> None:
        """The same as a step of its own, in which both sides learn what can then be known."""
        step = len(self.messages) + 1
        known = len(self.values.entries)
        self.take(followed, step=step)
        learned = [name for name in self.values.since(known) if self.values.entries[name]["step"] == step]
        what, why = caption(followed)
        self.frames.append(
            {
                "step": step,
                "actor": followed.sender,
                "heard": None,
                "said": [step],
                "time": self.messages[-1]["time"],
                "states": None,
                "caption": {"what": what, "why": why},
                "learned": {INITIATOR: learned, RESPONDER: learned},
            }
        )

    def message(self, followed: Followed, number: int) -> dict[str, Any]:
        """A message as the trace keeps it."""
        header = followed.message.header
        labels = labels_of(followed)
        repeated = followed.retransmission_of
        return {
            "n": number,
            "frame": followed.heard.frame,
            "time": round(followed.heard.time - (self.begin or 0.0), 6),
            "from": followed.sender,
            "exchange": header.exchange if header else None,
            "exchange_name": ExchangeType(header.exchange).short if header else "",
            "message_id": f"{header.message_id:08x}" if header else "",
            "encrypted": followed.message.encrypted,
            "decrypted": followed.decrypted,
            "summary": arrow(labels, followed.message.encrypted),
            "retransmission_of": self.values.numbers.get(repeated) if repeated is not None else None,
            "error": str(followed.error) if followed.error else None,
            "remarks": list(followed.remarks),
            "chips": chips(followed, labels),
            "verified": verdicts(followed),
            "sheets": sheets(followed, labels),
        }

    def learn(self, followed: Followed, conversation: Conversation, step: int) -> None:
        """List the values that this message makes known."""
        book = next(iter(conversation.books()), None)
        psk = conversation.believed()[0].psk
        if book is not None and psk is not None:
            self.values.given(book["PSK"], 0)
        for name, given in conversation.given.items():
            self.values.given(given, step, origin=conversation.origins.get(name))
        if {"g^xi", "g^xr"} <= conversation.given.keys():
            for number, each in enumerate(conversation.books()):
                whose = SECOND if number else ""
                for given in each.given().values():
                    self.values.given(given, step, exchange=whose)
                for derived in each.known().values():
                    self.values.derived(derived, step, exchange=whose)
        header = followed.message.header
        exchange = conversation.exchanges.get(header.message_id) if header and header.message_id else None
        if exchange is not None:
            name = f"{exchange.message_id:08x}"
            for key, given in exchange.given.items():
                self.values.given(given, step, exchange=name, origin=exchange.origins.get(key))
            for proof in followed.proofs:
                if isinstance(proof.expected, Derived):
                    self.values.derived(proof.expected, step, exchange=name)
        for child in conversation.children[self.children :]:
            self.values.keys(child, step, speaker=child.speaker)
        self.children = len(conversation.children)


def labels_of(followed: Followed) -> list[str]:
    """What each payload of a followed message is called; nothing while it is closed."""
    header = followed.message.header
    if header is None:
        return []
    begun_by_sender = followed.sender == INITIATOR
    if header.message_id and followed.conversation is not None:
        exchange = followed.conversation.exchanges.get(header.message_id)
        begun_by_sender = exchange is None or exchange.begun_by == followed.sender
    number = followed.number or _place_of_repeated(followed.inside.payloads, begun_by_sender)
    return payload_labels(followed.inside.payloads, header.exchange, number, begun_by_sender)


def _place_of_repeated(payloads: tuple[Payload, ...], begun_by_sender: bool) -> int:
    """Which message of a Quick Mode is said again, by what is in it; elsewhere it makes no difference."""
    if not begun_by_sender:
        return 2
    return 1 if any(isinstance(payload, SA) for payload in payloads) else 3


def verdicts(followed: Followed) -> list[dict[str, Any]]:
    """Each check that could be made, with its outcome in words; of a finding that is neither right nor wrong, None."""
    found: list[dict[str, Any]] = [
        {"name": name, "ok": holds, "text": f"{name} {'is' if holds else 'is not'} what its formula gives"}
        for name, holds in followed.verified.items()
    ]
    for place, holds in enumerate(followed.nat_d):
        whose = "the packet's destination" if place == 0 else "the packet's source"
        differs = f"does not match {whose}: a NAT on the way, or a peer that pretends one"
        text = f"NAT-D matches {whose}" if holds else f"NAT-D {differs}"
        found.append({"name": "NAT-D", "ok": holds or None, "text": text})
    return found
