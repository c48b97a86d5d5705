"""The situations that peers are attacked in: every state of every script is among them, each goes well by itself."""

from __future__ import annotations

from ikelab.ike.script import GONE, ROLES, START
from tests.ike.situations import situations
from tests.ike.transitions import SCRIPTS


def test_every_state_of_every_role_is_among_them() -> None:
    met = set()
    for situation in situations():
        alice, bob = situation.twins()
        for sa in situation.listening(alice, bob).sas:
            met.add((sa.main.script.name, sa.role, sa.state))
            met |= {(each.script.name, each.role, each.state) for each in sa.exchanges.values()}
    expected = {(script.name, role, state) for script in SCRIPTS for role in ROLES for state in script.states(role)}
    entered = {(s.name, role, s.project(role)[0].before) for s in SCRIPTS for role in ROLES if s.branch_of is not None}
    missing = expected - entered - met  # until it is entered, a branch is still the other script
    assert {state for _, _, state in missing} <= {START, GONE}
    assert ("Main Mode", "initiator", GONE) in met


def test_each_goes_well_if_nobody_disturbs_it() -> None:
    for situation in situations():
        situation.finish(*situation.twins())
