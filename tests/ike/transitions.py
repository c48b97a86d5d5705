"""The oracle for every step: what changed, and whether the row or the rule that fired has declared just that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ikelab.ike.commit import QUICK_MODE_WITH_COMMIT
from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import AGGRESSIVE_MODE, MAIN_MODE
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.rules import DECLINE, DELETED, RULES, SAME, TOLD, Rule
from ikelab.ike.sa import IkeSa
from ikelab.ike.script import GONE, ROLES, START, Row, Script
from ikelab.ike.step import Outcome

SCRIPTS = (MAIN_MODE, AGGRESSIVE_MODE, QUICK_MODE, QUICK_MODE_WITH_COMMIT, INFORMATIONAL)
Change = tuple[Script, str, str, str]
"""Script, role, state before, state after."""

NEWS_HEARD: Change = (INFORMATIONAL, "responder", START, "DONE")
NEWS_SAID: Change = (INFORMATIONAL, "initiator", START, "DONE")


def every_row() -> list[Row]:
    return [row for script in SCRIPTS for role in ROLES for row in script.project(role)]


def changes(outcome: Outcome) -> Counter[Change]:
    """Every change of state in a step, of the SA and of each exchange under it."""
    before, after = outcome.before, outcome.after
    found: Counter[Change] = Counter()
    if after is None:
        assert before is None
        return found
    if _sa_state(before) != after.state:
        found[after.main.script, after.role, _sa_state(before), after.state] += 1
    old = dict(before.exchanges) if before is not None else {}
    for message_id, exchange in after.exchanges.items():
        was = old.pop(message_id).state if message_id in old else START
        if was != exchange.state:
            found[exchange.script, exchange.role, was, exchange.state] += 1
    for message_id, exchange in old.items():
        assert exchange.over, "an exchange under way was forgotten"
        assert after.has_seen(message_id)
    return found


def _sa_state(sa: IkeSa | None) -> str:
    return START if sa is None else sa.state


def declared(outcome: Outcome) -> Counter[Change]:
    """What the row or the rule that fired says about this step."""
    fired, sa = outcome.fired, outcome.before or outcome.after
    if isinstance(fired, Row):
        script = next(script for script in SCRIPTS if script.name == fired.script)
        return Counter([(script, fired.role, fired.before, fired.after)])
    if fired.after == SAME:
        return Counter()
    assert fired.after == GONE
    assert sa is not None
    assert outcome.before is not None
    end_of_sa: Change = (sa.main.script, sa.role, outcome.before.state, GONE)
    if fired is DELETED:
        return Counter([NEWS_HEARD, end_of_sa])
    if fired is TOLD:
        (message_id,) = outcome.ended
        return Counter([NEWS_HEARD, _end(outcome.before, message_id)])
    if fired is DECLINE:
        told = [NEWS_SAID] if outcome.said is not None else []
        return Counter([_end(outcome.before, outcome.message_id), *told])
    return Counter([_end(outcome.before, outcome.message_id) if outcome.message_id else end_of_sa])


def _end(sa: IkeSa, message_id: int) -> Change:
    exchange = sa.exchanges.get(message_id)
    if exchange is None:
        return QUICK_MODE, "responder", START, GONE
    return exchange.script, exchange.role, exchange.state, GONE


def check(outcome: Outcome) -> None:
    """Fail if anything changed that was not declared, or where a rule fired that does not fit the state."""
    assert changes(outcome) == declared(outcome), outcome.fired.name
    if isinstance(outcome.fired, Rule):
        if outcome.fired.after == SAME:
            assert outcome.after is outcome.before, outcome.fired.name
        for script, role, before, after in changes(outcome):
            if after == GONE:
                assert outcome.fired.fits(script, role, before), (outcome.fired.name, script.name, role, before)
    if outcome.after is not None and outcome.after.main.state == "ESTABLISHED":
        assert outcome.after.authenticated is not None


def names_of(outcomes: Iterable[Outcome]) -> set[str]:
    """Which rows and rules fired."""
    return {
        f"{outcome.fired.script}, {outcome.fired.role}: {outcome.fired.name}"
        if isinstance(outcome.fired, Row)
        else outcome.fired.name
        for outcome in outcomes
    }


EVERYTHING = names_of(Outcome(before=None, after=None, fired=fired) for fired in (*every_row(), *RULES))
"""Every row of every script, and every rule."""
