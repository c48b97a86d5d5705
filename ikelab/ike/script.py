"""An exchange as the RFC draws it: who says what in which order. The same lines are checked, run, drawn and tested.

    MAIN_MODE = Script("Main Mode", 2, "RFC 2409 §5.4", (
        I("HDR, SA", build=(offer_sa,), absorb=(choose_transform,), then="SA_SENT"),
        R("HDR, SA", build=(answer_sa,), absorb=(check_choice,), then="SA_CHOSEN"), ...))

A line names the payloads of one message, what its sender builds, what its receiver absorbs, and the state in which the
sender waits afterwards. `project` turns the lines into the rows that one role runs: in this state, hearing that shape,
absorb it, say this one, and be in that state. What all exchanges share stands in `ikelab.ike.rules`; there is no
transition outside these two tables.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from ikelab.errors import Misuse, Refusal
from ikelab.wire.numbers import ExchangeType, Notify, PayloadType
from ikelab.wire.payloads import Cert, CertRequest, NatD, NatDDraft, NatOa, NatOaDraft, Notification, Opaque, VendorID
from ikelab.wire.records import Payload

Role = Literal["initiator", "responder"]
ROLES: tuple[Role, Role] = ("initiator", "responder")

START = "START"
ESTABLISHED = "ESTABLISHED"
DONE = "DONE"
GONE = "GONE"

Action = Callable[[Any], None]
"""What a peer does with a message, on the turn it is taking (`ikelab.ike.turn`); raises Refusal."""

SYMBOLS: Mapping[str, int] = {
    "SA": PayloadType.SA, "KE": PayloadType.KE, "Ni": PayloadType.NONCE, "Nr": PayloadType.NONCE,
    "IDii": PayloadType.ID, "IDir": PayloadType.ID, "IDci": PayloadType.ID, "IDcr": PayloadType.ID,
    "HASH_I": PayloadType.HASH, "HASH_R": PayloadType.HASH, "HASH": PayloadType.HASH,
    "N": PayloadType.N,
    "HASH(1)": PayloadType.HASH, "HASH(2)": PayloadType.HASH, "HASH(3)": PayloadType.HASH,
    "N/D": 0,
}  # fmt: skip
"""What each symbol of an arrow is on the wire; `N/D` is one or more Notifications or Deletes."""

MAY_JOIN = frozenset(
    record.TYPE for record in (VendorID, NatD, NatDDraft, NatOa, NatOaDraft, Notification, CertRequest, Cert)
)
"""Payloads that any message may carry besides its own (RFC 2408 §3.16, RFC 3947 §3, RFC 2409 §5.5)."""


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One payload of a shape; optional ones of one `group` come together or not at all."""

    symbol: str
    type: int
    group: int | None = None


@dataclass(frozen=True)
class Shape:
    """The payloads that a message must have, as RFC 2409 writes them: `HDR*, HASH(1), SA, Ni [, KE] [, IDci, IDcr]`.

    `HDR*` means encrypted, `HDR(*)` either way; `flags` are what its sender sets in the header besides. `leading`
    symbols must come first and in this order; the rest may come in any order (RFC 2409 §5 and §5.5): a peer that
    demanded more would refuse honest ones.
    """

    text: str
    flags: int = 0

    @property
    def encrypted(self) -> bool:
        """Whether it is said encrypted."""
        return self.text.startswith(("HDR*", "HDR(*)"))

    @property
    def either(self) -> bool:
        """Whether a receiver takes it in clear as well as encrypted."""
        return self.text.startswith("HDR(*)")

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The payloads in the order in which this project says them."""
        slots, group = [], 0
        for part in re.findall(r"\[[^]]*\]|[^\[\]]+", self.text.partition(",")[2]):
            optional = part.startswith("[")
            group += optional
            for symbol in filter(None, (each.strip() for each in part.strip("[] ").split(","))):
                if symbol not in SYMBOLS:
                    raise Misuse(f"shape {self.text!r}: expected one of {', '.join(SYMBOLS)}, got {symbol!r}")
                slots.append(Slot(symbol=symbol, type=SYMBOLS[symbol], group=group if optional else None))
        return tuple(slots)

    @property
    def leading(self) -> tuple[Slot, ...]:
        """What must come first: a HASH that covers the rest, then an SA (RFC 2409 §5, §5.5)."""
        first = self.slots[0]
        if first.type == PayloadType.HASH and len(self.slots) > 1:
            return self.slots[:2] if self.slots[1].type == PayloadType.SA else self.slots[:1]
        return (first,) if first.type == PayloadType.SA else ()

    def match(self, payloads: tuple[Payload, ...]) -> dict[str, int]:
        """Where each symbol stands among the payloads. Raises Refusal naming what is missing, extra or misplaced."""
        free = list(range(len(payloads)))
        found: dict[str, int] = {}
        for slot in self.slots:
            if slot.type == 0:
                news = [place for place in free if payloads[place].type in (PayloadType.N, PayloadType.D)]
                if not news:
                    raise self._refusal("a Notification or Delete payload", payloads)
                found[slot.symbol] = news[0]
                free = [place for place in free if place not in news]
                continue
            place = next((place for place in free if payloads[place].type == slot.type), None)
            if place is not None:
                found[slot.symbol] = place
                free.remove(place)
        for slot in self.slots:
            partners = [other.symbol for other in self.slots if other.group == slot.group]
            wanted = slot.group is None or any(symbol in found for symbol in partners)
            if wanted and slot.symbol not in found:
                raise self._refusal(slot.symbol, payloads)
        for place, slot in enumerate(self.leading):
            if found[slot.symbol] != place:
                raise self._refusal(f"{slot.symbol} as payload {place + 1}", payloads)
        for place in free:
            payload = payloads[place]
            if self._is_one_more_sa(place, payloads):
                continue
            if payload.type not in MAY_JOIN and not (isinstance(payload, Opaque) and payload.error is None):
                raise self._refusal(f"no {PayloadType(payload.type).short} payload here", payloads)
        return found

    def _is_one_more_sa(self, place: int, payloads: tuple[Payload, ...]) -> bool:
        """Whether a payload is an SA right behind another one, where several may be negotiated (RFC 2409 §5.5)."""
        several = [slot.type for slot in self.leading] == [PayloadType.HASH, PayloadType.SA]
        return several and all(payload.type == PayloadType.SA for payload in payloads[1 : place + 1])

    def _refusal(self, expected: str, payloads: tuple[Payload, ...]) -> Refusal:
        came = ", ".join(PayloadType(payload.type).short for payload in payloads) or "no payload"
        return Refusal(
            notify=Notify.INVALID_PAYLOAD_TYPE if expected.startswith("no ") else Notify.PAYLOAD_MALFORMED,
            why=f"expected {expected} in {self.text}, got {came}",
            rfc="RFC 2409 §5",
        )

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, kw_only=True)
class Step:
    """One message of an exchange. `then` is the state in which its sender waits; resend: whether a timer repeats it."""

    sender: Role
    shape: Shape
    build: tuple[Action, ...]
    absorb: tuple[Action, ...]
    then: str
    resend: bool


def I(shape: str, *, build: tuple[Action, ...], absorb: tuple[Action, ...], then: str, resend: bool = True) -> Step:  # noqa: E743
    """A message from the initiator."""
    return Step(sender="initiator", shape=Shape(shape), build=build, absorb=absorb, then=then, resend=resend)


def R(
    shape: str,
    *,
    build: tuple[Action, ...],
    absorb: tuple[Action, ...],
    then: str,
    resend: bool = False,
    flags: int = 0,
) -> Step:
    """A message from the responder, which repeats it only when asked again unless `resend` says otherwise."""
    return Step(sender="responder", shape=Shape(shape, flags), build=build, absorb=absorb, then=then, resend=resend)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one role does in one state: hears a shape (None: begins by itself), says a shape (None: nothing), goes on.

    number: which message of the exchange it hears, from 1; the one it says is the next.
    """

    script: str
    role: Role
    before: str
    hears: Shape | None
    says: Shape | None
    absorb: tuple[Action, ...]
    build: tuple[Action, ...]
    after: str
    number: int
    resend: bool
    rfc: str

    @property
    def does(self) -> tuple[str, Shape | None, Shape | None, str]:
        """Where it begins, what it hears and says, where it ends: what a branch may share with another script."""
        return self.before, self.hears, self.says, self.after

    @property
    def name(self) -> str:
        """The row in words: `SA_SENT: hears HDR, SA; says HDR, KE, Ni; KE_SENT`."""
        hears = f"hears {self.hears}" if self.hears else "begins"
        says = f"says {self.says}" if self.says else "says nothing"
        return f"{self.before}: {hears}; {says}; {self.after}"


@dataclass(frozen=True)
class Script:
    """An exchange: its name, its number on the wire, its clause, and its messages in order.

    `done` is the state of a peer whose part is over. branch_of: the script that it begins as; what a role does alike in
    both is a row of that one alone.
    """

    name: str
    exchange: ExchangeType
    rfc: str
    steps: tuple[Step, ...]
    done: str = DONE
    branch_of: Script | None = None

    @property
    def is_phase_1(self) -> bool:
        """Whether it makes an ISAKMP SA; the others run under one."""
        return self.done == ESTABLISHED

    def project(self, role: str) -> tuple[Row, ...]:
        """The rows that this role runs."""
        return self._rows[role]

    def states(self, role: str) -> tuple[str, ...]:
        """The states that a role can be in, in the order in which an undisturbed run meets them; GONE is the last."""
        met = [state for row in self.project(role) for state in (row.before, row.after)]
        return tuple(dict.fromkeys([START, *met, GONE]))

    def row(self, role: str, state: str) -> Row | None:
        """The one row of a role in a state; None where it waits for nothing."""
        return self._table[role].get(state)

    @cached_property
    def _rows(self) -> Mapping[str, tuple[Row, ...]]:
        return {role: self._projected(role) for role in ROLES}

    @cached_property
    def _table(self) -> Mapping[str, Mapping[str, Row]]:
        return {role: {row.before: row for row in rows} for role, rows in self._rows.items()}

    def _projected(self, role: Role) -> tuple[Row, ...]:
        rows = []
        state = START
        for place, step in enumerate(self.steps):
            heard = self.steps[place - 1] if place else None
            if step.sender != role:
                continue
            last = place + 1 >= len(self.steps)
            after = self.done if last else step.then
            rows.append(self._row(role, state, heard, step, after, place))
            state = after
        if self.steps[-1].sender != role:
            rows.append(self._row(role, state, self.steps[-1], None, self.done, len(self.steps)))
        shared = [] if self.branch_of is None else [row.does for row in self.branch_of.project(role)]
        return tuple(row for row in rows if row.does not in shared)

    def _row(self, role: Role, before: str, heard: Step | None, said: Step | None, after: str, number: int) -> Row:
        return Row(
            script=self.name,
            role=role,
            before=before,
            hears=heard.shape if heard else None,
            says=said.shape if said else None,
            absorb=heard.absorb if heard else (),
            build=said.build if said else (),
            after=after,
            number=number,
            resend=said.resend if said and after != self.done else False,
            rfc=self.rfc,
        )


def __getattr__(name: str) -> Any:  # noqa: ANN401  (until every reader of the rules looks for them where they are)
    from ikelab.ike import rules

    return getattr(rules, name)
