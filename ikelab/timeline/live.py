"""How a run becomes a trace: one step is one peer thinking, with what it heard, what it said and what it then knew.

The octets are also handed to a listener who is told both sides' secrets, so that a live run and a recorded conversation
are explained by one and the same code. To the format of `ikelab.timeline.trace` a run adds:

    messages[]  fate      "delivered", "lost", "altered" or "repeated" (a copy that the network made)
                arrives   seconds, null where it is lost
                heard_at  the step in which it was heard, null where nobody did
                sent      of an altered one, the octets as they were said; changed: where they differ, on sheet 0:
                          [{"at", "size", "was"}]; of what was cut off size is 0, of what was added was is ""
                verified  what the hearer found; of a hash that it never came to check, nothing
    frames[]    about     the message ID of the exchange that the step belongs to, zeros for phase 1
                states    each side's state of phase 1; exchanges: those under it, by message ID: {"name", "role",
                          "state"}
                waits     what each side waits for, as the RFC draws it, "" for nothing; timers: when it will lose its
                          patience, in seconds, or null
                row       the row of the exchange's table that fired; rule: the shared rule that did; the other is null
                refused   {"notify", "label", "why", "hint", "rfc", "text"} or null
                events    [{"name", "text"}]: what the peer tells its owner
                learned   by side; a run knows who learned what when
    secrets[]   also      other ways in which the same value was computed: [{"by", "formula", "inputs"}]

Of a peer on the network only its messages are known: its steps have no row and no rule, and its state is "?".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ikelab.crypto.derived import Derived
from ikelab.errors import Refusal
from ikelab.ike.conversation import INITIATOR, OTHER, RESPONDER
from ikelab.ike.listen import Followed
from ikelab.ike.sa import IkeSa
from ikelab.ike.script import START, Row
from ikelab.timeline.captions import caption
from ikelab.timeline.coverage import with_coverage
from ikelab.timeline.hearers import (
    changes,
    everything_of,
    followed_both_ways,
    found_by_hearer,
    roles_of,
    secrets_of,
    unreadable_to_hearer,
)
from ikelab.timeline.knowledge import Knowledge, Occasion
from ikelab.timeline.moments import Carried, Fate, Moment
from ikelab.timeline.recorded import Film
from ikelab.timeline.thoughts import Keys, Seen, explained, thought, waiting
from ikelab.timeline.trace import Trace
from ikelab.wire.numbers import Notify
from ikelab.wire.udp import Endpoint

__all__ = ["Carried", "Fate", "Moment", "RunFilm", "film_of_run", "secrets_of", "trace_of_run"]

UNSEEN = "?"
"""The state of a side that nobody watches."""


def trace_of_run(
    moments: Sequence[Moment], carried: Sequence[Carried], sas: Sequence[IkeSa], *, title: str, about: str,
    more: Mapping[str, Any] | None = None,
) -> Trace:  # fmt: skip
    """The trace of a run between two peers. `sas` are the ISAKMP SAs of each side that was watched, as they ended.

    Numbers of datagrams become places: message n of the trace is the n-th of `carried`.
    """
    return film_of_run(moments, carried, sas, title=title, about=about, more=more).trace


@dataclass(frozen=True, kw_only=True)
class RunFilm:
    """A run as a trace, and each of its messages as its hearer found it."""

    trace: Trace
    followed: tuple[Followed, ...]


def film_of_run(
    moments: Sequence[Moment], carried: Sequence[Carried], sas: Sequence[IkeSa], *, title: str, about: str,
    more: Mapping[str, Any] | None = None, watched: Collection[Endpoint] = (),
) -> RunFilm:  # fmt: skip
    """The same as `trace_of_run`, with its messages as they were followed.

    watched: sides whose thoughts are all there, even if there is none.
    """
    shooting = _Shooting(moments, carried, sas, watched)
    trace = shooting.trace(title, about, more or {})
    return RunFilm(trace=trace, followed=tuple(shooting.arrived[number] for number in sorted(shooting.arrived)))


class _Shooting:
    """Puts messages, steps and values together."""

    def __init__(
        self,
        moments: Sequence[Moment],
        carried: Sequence[Carried],
        sas: Sequence[IkeSa],
        watched: Collection[Endpoint],
    ) -> None:
        self.place = {datagram.number: place for place, datagram in enumerate(carried, 1)}
        self.moments = [
            replace(each, heard=self.place.get(each.heard or 0), said=self.place.get(each.said or 0))
            for each in moments
        ]
        self.carried = carried
        self.roles = roles_of(carried, sas)
        ends = {*watched, *(sa.local for sa in sas), *(each.actor for each in self.moments)}
        self.watched = {self._role(end) for end in ends}
        self.said, self.arrived = followed_both_ways(carried, everything_of(carried, sas))
        self.steps = [*self._steps()]
        self.film = Film()
        self.knowledge = Knowledge(self.film.values, {self._role(sa.local): sa for sa in sas})
        self.states = {role: START if role in self.watched else UNSEEN for role in (INITIATOR, RESPONDER)}
        self.exchanges: dict[str, dict[str, Any]] = {INITIATOR: {}, RESPONDER: {}}
        self.waits = {INITIATOR: "", RESPONDER: ""}
        self.timers: dict[str, float | None] = {INITIATOR: None, RESPONDER: None}
        roots = {sa.book["SKEYID_e"].value for sa in sas if sa.book is not None and not sa.book.missing("SKEYID_e")}
        self.keys = Keys.DIFFERENT if len(roots) > 1 else Keys.EQUAL
        self.spoken: dict[bytes, tuple[int, float]] = {}

    def trace(self, title: str, about: str, more: Mapping[str, Any]) -> Trace:
        heard = {step.heard: (n, step) for n, step in enumerate(self.steps, 1) if isinstance(step, Moment)}
        for number, datagram in enumerate(self.carried, 1):
            self._message(number, datagram, *heard.get(number, (None, None)))
        frames = [self._frame(number, step) for number, step in enumerate(self.steps, 1)]
        ends = {role: str(end) for end, role in self.roles.items()}
        return Trace(
            title=title,
            about=about,
            peers={role: {"label": role.capitalize(), "address": ends.get(role, "")} for role in sorted(self.states)},
            messages=with_coverage(self.film.messages),
            frames=frames,
            secrets=list(self.film.values.entries.values()),
            more=more,
        )

    def _role(self, end: Endpoint) -> str:
        """A peer that moved to another port is known by its address."""
        addresses = {known.address: role for known, role in self.roles.items()}
        return self.roles.get(end) or addresses.get(end.address, RESPONDER)

    def _steps(self) -> Iterator[Moment | int]:
        """Every thought, and in its place every message (by number) of a side whose thoughts nobody knows."""
        unexplained = sorted(set(range(1, len(self.carried) + 1)) - {moment.said for moment in self.moments})
        mute = [n for n in unexplained if self._role(self.carried[n - 1].source) not in self.watched]
        for moment in self.moments:
            latest = max(moment.heard or 0, (moment.said or 0) - 1)
            while mute and mute[0] <= latest:
                yield mute.pop(0)
            yield moment
        yield from mute

    # -- messages

    def _message(self, number: int, datagram: Carried, heard_at: int | None, hearing: Moment | None) -> None:
        followed = self.arrived[number]
        message = self.film.show(followed)
        message["from"] = self._role(datagram.source)
        message["fate"] = datagram.fate.value
        message["arrives"] = datagram.arrives
        message["heard_at"] = heard_at
        message["sent"] = datagram.sent.hex() if datagram.octets != datagram.sent else None
        message["changed"] = [*changes(datagram.sent, datagram.octets)]
        message["remarks"] = [*followed.sheet.remarks]
        if followed.inside is not followed.sheet:
            message["remarks"] += followed.inside.remarks
        if hearing is not None:
            message["verified"] = found_by_hearer(followed, hearing.outcome)
            message["remarks"] += unreadable_to_hearer(followed, hearing.outcome, OTHER[message["from"]])
        elif OTHER[message["from"]] in self.watched:
            message["verified"] = []
        found = {verdict["name"]: verdict["ok"] for verdict in message["verified"]}
        proofs = tuple(proof for proof in followed.proofs if found.get(proof.name) is proof.holds)
        self.arrived[number] = replace(followed, proofs=proofs, remarks=tuple(message["remarks"]))

    # -- steps

    def _frame(self, step: int, moment: Moment | int) -> dict[str, Any]:
        if isinstance(moment, int):
            return self._unseen(step, moment)
        outcome, role = moment.outcome, self._role(moment.actor)
        sa = outcome.after
        if sa is not None:
            self.states[role] = sa.state
            self.exchanges[role] = {
                f"{exchange.message_id:08x}": {
                    "name": exchange.script.name, "role": exchange.role, "state": exchange.state
                }
                for exchange in sa.exchanges.values()
            }  # fmt: skip
        elif outcome.before is not None:
            self.states[role], self.exchanges[role] = START, {}
        self.waits[role] = waiting(sa)
        self.timers[role] = None if moment.timeout is None else round(moment.timeout, 6)
        told = thought(outcome, self._seen(moment, role))
        if outcome.said is not None and moment.said is not None:
            first, _ = self.spoken.get(outcome.said, (moment.said, 0.0))
            self.spoken[outcome.said] = first, moment.time
        learned = self._learned(step, moment) if sa is not None and sa is not outcome.before else []
        return {
            "step": step,
            "actor": role,
            "heard": moment.heard,
            "said": [moment.said] if moment.said is not None else [],
            "time": round(moment.time - self._begin, 6),
            "about": f"{outcome.ended[0] if outcome.ended else outcome.message_id:08x}",
            **self._standing(),
            "row": outcome.fired.name if isinstance(outcome.fired, Row) else None,
            "rule": None if isinstance(outcome.fired, Row) else outcome.fired.name,
            "refused": _refused(outcome.refused),
            "events": [{"name": event.name, "text": event.text} for event in outcome.events],
            "caption": {"what": told.what, "why": told.why},
            "learned": {INITIATOR: [], RESPONDER: [], role: learned},
        }

    def _unseen(self, step: int, number: int) -> dict[str, Any]:
        """A message of a side whose thoughts nobody knows."""
        followed, datagram = self.said[number], self.carried[number - 1]
        told = caption(followed)
        return {
            "step": step,
            "actor": self._role(datagram.source),
            "heard": None,
            "said": [number],
            "time": round(datagram.time - self._begin, 6),
            "about": self.film.messages[number - 1]["message_id"],
            **self._standing(),
            "row": None,
            "rule": None,
            "refused": None,
            "events": [],
            "caption": {"what": told.what, "why": told.why},
            "learned": {INITIATOR: [], RESPONDER: []},
        }

    def _standing(self) -> dict[str, Any]:
        return {
            "states": dict(self.states),
            "exchanges": {side: dict(known) for side, known in self.exchanges.items()},
            "waits": dict(self.waits),
            "timers": dict(self.timers),
        }

    @property
    def _begin(self) -> float:
        return self.carried[0].time if self.carried else 0.0

    def _seen(self, moment: Moment, role: str) -> Seen:
        heard = self.carried[moment.heard - 1] if moment.heard else None
        again, since = self.spoken.get(moment.outcome.said or b"", (None, moment.time))
        return Seen(
            role=role,
            heard=moment.heard,
            altered=heard is not None and heard.octets != heard.sent,
            saying=self.said[moment.said].inside.payloads if moment.said else (),
            again=again,
            waited=moment.time - since,
            keys=self.keys,
        )

    def _learned(self, step: int, moment: Moment) -> list[str]:
        sa = moment.outcome.after
        assert sa is not None
        about = [self.arrived[moment.heard]] if moment.heard and moment.outcome.proven else []
        about += [self.said[moment.said]] if moment.said else []
        proofs = [
            (followed.message.header.message_id, proof.expected)
            for followed in about
            for proof in followed.proofs
            if followed.message.header is not None and followed.message.header.message_id
            if proof.holds and isinstance(proof.expected, Derived)
        ]
        return self.knowledge.learn(Occasion(sa=sa, step=step, heard=moment.heard, said=moment.said, proofs=proofs))


def _refused(refusal: Refusal | None) -> dict[str, Any] | None:
    if refusal is None:
        return None
    return {
        "notify": None if refusal.notify is None else int(refusal.notify),
        "label": Notify(refusal.notify).label if refusal.notify is not None else "",
        "why": refusal.why,
        "hint": refusal.hint,
        "rfc": refusal.rfc,
        "text": explained(refusal),
    }
