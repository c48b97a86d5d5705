"""What holds in every exchange: the rows that all scripts share, so that no transition lives outside a table.

A script's own rows say how an undisturbed exchange goes. These say what else can happen in each of its states:
datagrams are lost, repeated, forged or unacceptable, owners take leave, strangers never finish.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ikelab.ike.script import GONE, START, Role, Script
from ikelab.wire.numbers import ExchangeType

SAME = "the same state"
OWN_CHOICE = "a decision of this implementation"
"""Instead of a clause, where no RFC says what to do."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A row that exchanges share: when it fires, what the peer then does, and the state afterwards.

    fits: whether it can fire in a state of a role of a script.
    """

    name: str
    when: str
    does: str
    after: str
    rfc: str
    fits: Callable[[Script, Role, str], bool]


def _in_phase_1(script: Script, role: Role, state: str) -> bool:
    """The SA itself: it exists from its first state on."""
    return script.is_phase_1 and state != START


def _waits(script: Script, role: Role, state: str) -> bool:
    return state != START and script.row(role, state) is not None


def _has_the_last_word(script: Script, role: Role, state: str) -> bool:
    """Phase 1 is over on this side, whose last message nobody acknowledges."""
    return script.is_phase_1 and state == script.done and script.steps[-1].sender == role


def _is_timed(script: Script, role: Role, state: str) -> bool:
    return any(row.resend and row.after == state for row in script.project(role)) or _has_the_last_word(
        script, role, state
    )


REPEAT = Rule(
    name="REPEAT",
    when="hears the last message again, octet for octet",
    does="says its last answer again, as often as it would repeat a message by itself",
    after=SAME,
    rfc=f"{OWN_CHOICE}; that the other side sends again is RFC 2408 §5.1",
    fits=lambda script, role, state: any(row.hears and row.after == state for row in script.project(role)),
)
RESEND = Rule(
    name="RESEND",
    when="no answer in time, tries left",
    does="says its last message again",
    after=SAME,
    rfc="RFC 2408 §5.1",
    fits=_is_timed,
)
GIVE_UP = Rule(
    name="GIVE_UP",
    when="no answer in time, no tries left",
    does="forgets the exchange",
    after=GONE,
    rfc="RFC 2408 §5.1",
    fits=_is_timed,
)
REFUSE = Rule(
    name="REFUSE",
    when="hears what it cannot accept",
    does="changes nothing; may say why",
    after=SAME,
    rfc="RFC 2408 §5",
    fits=lambda script, role, state: True,
)
DECLINE = Rule(
    name="DECLINE",
    when="has refused what the other side has proved to have said",
    does="closes the exchange, and says why under the SA's protection",
    after=GONE,
    rfc="RFC 2408 §5.14",
    fits=lambda script, role, state: (
        script.exchange == ExchangeType.QUICK_MODE and (row := script.row(role, state)) is not None and bool(row.hears)
    ),
)
COMPLAINT = Rule(
    name="COMPLAINT",
    when="hears an error notification in clear before the SA is established, or before the other side has used it",
    does="believes it when the timer runs out, if nothing better comes",
    after=SAME,
    rfc=f"{OWN_CHOICE}; that such a notification comes in clear, so that anyone may have said it, is RFC 2409 §5.7",
    fits=lambda script, role, state: (
        script.is_phase_1 and (_waits(script, role, state) or _has_the_last_word(script, role, state))
    ),
)
TOLD = Rule(
    name="TOLD",
    when="hears, with proof, that the other side refuses",
    does="gives up the exchange that is meant",
    after=GONE,
    rfc="RFC 2408 §5.14",
    fits=lambda script, role, state: not script.is_phase_1 and _waits(script, role, state),
)
REMIND = Rule(
    name="REMIND",
    when="hears an encrypted message of a later exchange while it still waits for HASH_I",
    does="says its last answer again, unless it has refused that message since",
    after=SAME,
    rfc="RFC 2408 §3.1",
    fits=lambda script, role, state: (
        (row := script.row(role, state)) is not None and row.hears is not None and row.hears.either
    ),
)
DELETED = Rule(
    name="DELETED",
    when="hears a Delete of the ISAKMP SA, with proof",
    does="forgets the SA and all that is under it",
    after=GONE,
    rfc="RFC 2408 §5.15",
    fits=lambda script, role, state: script.is_phase_1 and state == script.done,
)
LEAVE = Rule(
    name="LEAVE",
    when="its owner takes leave",
    does="forgets the SA and all that is under it, after Deletes have told the other side",
    after=GONE,
    rfc="RFC 2408 §5.15",
    fits=_in_phase_1,
)
EXPIRE = Rule(
    name="EXPIRE",
    when="a stranger does not finish what it began, in time or before too many others begin",
    does="forgets the SA",
    after=GONE,
    rfc="RFC 2408 §1.7.1",
    fits=lambda script, role, state: script.is_phase_1 and role == "responder" and _waits(script, role, state),
)
IGNORE = Rule(
    name="IGNORE",
    when="hears a datagram that names no SA of this side, and begins none",
    does="drops it",
    after=SAME,
    rfc="RFC 2408 §5.2",
    fits=lambda script, role, state: False,
)
RULES = (REPEAT, RESEND, GIVE_UP, REFUSE, DECLINE, COMPLAINT, TOLD, REMIND, DELETED, LEAVE, EXPIRE, IGNORE)
"""What can happen in the states of every exchange, beside the exchange's own rows."""


def rules_for(script: Script, role: Role, state: str) -> tuple[Rule, ...]:
    """The shared rules that can fire in this state."""
    return tuple(rule for rule in RULES if rule.fits(script, role, state))
