"""One rung of the ladder that a conversation is: who says what to whom, what it means, and which checks hold."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ikelab.crypto.derived import Derived, counted, shortened
from ikelab.ike.conversation import INITIATOR, OTHER, RESPONDER
from ikelab.ike.listen import Followed
from ikelab.ike.naming import arrow
from ikelab.ike.protect import PHASE_1
from ikelab.ike.rules import GIVE_UP, REFUSE, TOLD
from ikelab.ike.script import GONE
from ikelab.ipsec.packet import FollowedPacket
from ikelab.timeline.captions import caption
from ikelab.timeline.gist import SIGNS, Line, Sign, gist
from ikelab.timeline.live import Fate, RunFilm
from ikelab.timeline.recorded import labels_of
from ikelab.timeline.sheets import sheets
from ikelab.wire.numbers import ExchangeType, Protocol
from ikelab.wire.payloads import KE
from ikelab.wire.udp import Endpoint

KEYS_OF_PHASE_1 = ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka")


SAYING_NO = (REFUSE.name, GIVE_UP.name, TOLD.name)


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A message or a packet, ready to be drawn.

    conversation: the ISAKMP SA that it belongs to, "" where that is not said. section: the exchange, and `about` a
    sentence on it. name: its place in it, "Main Mode 5"; of a packet "06041222 #1".
    summary: the message as the RFC draws it, or what a packet carries. what, why: two plain sentences.
    sign: for a packet, what became of its ICV. sheets: its octets and fields, as a trace has them; () if not asked for.
    standing: in a run, the states of both sides after it.
    """

    frame: int
    time: float
    sender: str | None
    source: Endpoint
    destination: Endpoint
    section: str
    name: str
    summary: str = ""
    conversation: str = ""
    about: str = ""
    sign: Sign = Sign.NONE
    what: str = ""
    why: str = ""
    lines: Sequence[Line] = ()
    remarks: Sequence[str] = ()
    error: str = ""
    sheets: Sequence[Mapping[str, Any]] = ()
    standing: Standing | None = None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where the two sides of a run stand. actor: whose thought has just brought it about; states: by role."""

    actor: str
    states: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Thought:
    """A step of a run in which nothing is said: a peer checks, refuses, waits, gives up. error: why, if it says no."""

    time: float
    what: str
    why: str
    standing: Standing
    error: str = ""


def rungs_of_run(film: RunFilm, *, with_sheets: bool) -> Iterator[Rung | Thought]:
    """Every step of a run, and the copies that the network made behind what they are copies of."""
    begin = film.followed[0].heard.time if film.followed else 0.0
    copies = [message["n"] for message in film.trace.messages if message["fate"] == Fate.REPEATED]
    for frame in film.trace.frames:
        standing = Standing(actor=frame["actor"], states=states_in(frame))
        refused = frame["refused"]["text"] if frame["refused"] and frame["rule"] in SAYING_NO else ""
        what, why = frame["caption"]["what"], frame["caption"]["why"] if not refused else ""
        if not frame["said"]:
            yield Thought(time=frame["time"], what=what, why=why, standing=standing, error=refused)
            continue
        number = frame["said"][0]
        rung = rung_of_message(film.followed[number - 1], begin=begin, with_sheets=with_sheets)
        message = film.trace.messages[number - 1]
        yield replace(
            rung,
            sender=frame["actor"],
            what=what,
            why=why,
            standing=standing,
            error=refused or rung.error,
            lines=[*_as_heard(rung.lines, message)],
            remarks=(*_fate(message), *rung.remarks),
        )
        while copies and copies[0] == number + 1:
            copy = rung_of_message(film.followed[copies.pop(0) - 1], begin=begin, with_sheets=False)
            yield replace(copy, what=f"The network makes a copy of message {number}.", why="")


def states_in(frame: Mapping[str, Any]) -> dict[str, str]:
    """Each side's state after a step: of the exchange under the SA that the step is about, else of phase 1."""
    under = {side: known.get(frame["about"], {}).get("state") for side, known in frame["exchanges"].items()}
    return {side: state if state == GONE else under[side] or state for side, state in frame["states"].items()}


def _as_heard(lines: Iterable[Line], message: Mapping[str, Any]) -> Iterator[Line]:
    """Of a proof that nobody came to check, why not."""
    hearer = OTHER[message["from"]]
    why_not = "nobody heard it" if message["heard_at"] is None else f"the {hearer} did not come to check it"
    for line in lines:
        is_open = line.role == "proof" and line.sign is Sign.NONE
        yield line._replace(note=why_not) if is_open else line


def _fate(message: Mapping[str, Any]) -> Iterator[str]:
    if message["fate"] == Fate.LOST:
        yield "lost on the way"
    for change in message["changed"]:
        at, size, was = change["at"], change["size"], bytes.fromhex(change["was"])
        if not size:
            yield f"cut off on the way: octet {at} and all behind it, {shortened(was)}"
        elif not was:
            yield f"altered on the way: {counted(size)} more from octet {at} on"
        else:
            where = f"octet {at}" if size == 1 else f"octets {at} to {at + size - 1}"
            yield f"altered on the way: {where}, before: {shortened(was)}"


def rung_of_message(followed: Followed, *, begin: float, with_sheets: bool) -> Rung:
    """The rung of an IKE message; `begin` is the time from which to count."""
    heard, labels, said = followed.heard, labels_of(followed), caption(followed)
    rung = Rung(
        frame=heard.frame,
        time=heard.time - begin,
        sender=followed.sender,
        source=heard.source,
        destination=heard.destination,
        section="not IKEv1",
        name="unreadable",
        what=said.what,
        why=said.why,
        remarks=followed.remarks,
        error=str(followed.error or ""),
        sheets=sheets(followed, labels) if with_sheets else (),
    )
    header = followed.message.header
    if header is None or followed.conversation is None:
        return rung
    exchange = ExchangeType(header.exchange)
    repeated = followed.retransmission_of is not None
    place = f" {followed.number}" if followed.number else ""
    return replace(
        rung,
        conversation=f"ISAKMP SA {header.cookie_i.hex()}",
        section=f"{exchange.short} {header.message_id:08x}" if header.message_id else exchange.short,
        about=exchange.meaning,
        name=f"{exchange.short}{place}",
        summary=arrow(labels, followed.message.encrypted),
        lines=() if repeated else [*_travelled(followed), *gist(followed, labels), *_made_known(followed)],
    )


def rung_of_packet(packet: FollowedPacket, sheets_of_packet: Sequence[Mapping[str, Any]], *, begin: float) -> Rung:
    """The rung of an ESP or AH packet."""
    known = Protocol.AH if packet.protocol == "AH" else Protocol.ESP
    closed = f"{counted(len(packet.octets))}, closed: {packet.why_not}".removesuffix(": ")
    return Rung(
        frame=packet.frame,
        time=packet.time - begin,
        sender=packet.sender,
        source=packet.source,
        destination=packet.destination,
        section=f"{packet.protocol} in UDP" if packet.encapsulated else packet.protocol,
        about=known.meaning,
        name=f"{packet.spi.hex()} #{packet.sequence}" if packet.spi is not None else packet.protocol,
        summary=packet.inner or closed,
        sign=SIGNS[packet.icv],
        remarks=packet.remarks,
        error=str(packet.error or ""),
        sheets=sheets_of_packet,
    )


def _travelled(followed: Followed) -> Iterator[Line]:
    """How the message came: in how many pieces, and with which key it was opened."""
    if followed.fragments:
        yield Line("FRAG", f"reassembled from frames {', '.join(map(str, followed.fragments))}", "", "plumbing")
    if (opened := followed.opened) is not None:
        books = followed.conversation.books() if followed.conversation else ()
        whose = f" (belief {opened.belief + 1} of {len(books)})" if len(books) > 1 else ""
        key = f"with Ka {shortened(opened.key)}{whose}, IV {shortened(opened.iv)}"
        yield Line("opened", key, f"({opened.iv_from})", "secret")


def _made_known(followed: Followed) -> Iterator[Line]:
    """What can be computed from this message on, by the peers and by whoever was told what they share."""
    header, conversation = followed.message.header, followed.conversation
    assert header is not None
    assert conversation is not None
    answered = followed.sender == RESPONDER and any(isinstance(payload, KE) for payload in followed.inside.payloads)
    if header.exchange in PHASE_1 and answered and (books := conversation.books()):
        names = [name for name in KEYS_OF_PHASE_1 if not books[0].missing(name)]
        if "Ka" in names:
            yield Line("keys", ", ".join(names), "can be computed from here on", "secret")
    made = [child for child in conversation.children if child.frame == followed.heard.frame and not child.missing]
    for place, child in enumerate(made):
        way = "I ▶ R" if child.speaker == INITIATOR else "I ◀ R"
        said = "given"
        if isinstance(child.keymat, Derived):
            formula = f" = {child.keymat.formula_in_full()}" if place == 0 else ", by the same formula"
            said = f"{counted(len(child.keymat.value))}{formula}"
        yield Line("KEYMAT", f"{Protocol(child.protocol).short} {child.spi.hex()} {way}", said, "secret")
