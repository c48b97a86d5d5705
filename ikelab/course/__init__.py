"""What a learner works with: lessons, recorded conversations, exercises and their checks.

Names that single lessons need beside the front door are loaded from here when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ikelab.course.behind_nat import nat_trial
    from ikelab.course.group_table import groups
    from ikelab.course.guessing import impostor, overhear
    from ikelab.course.held_keys import keys
    from ikelab.course.suppositions import listener, suppose
    from ikelab.course.theft import stolen
    from ikelab.course.two_gateways import gateways

__all__ = ["gateways", "groups", "impostor", "keys", "listener", "nat_trial", "overhear", "stolen", "suppose"]

_WHERE = {
    "gateways": "ikelab.course.two_gateways",
    "groups": "ikelab.course.group_table",
    "impostor": "ikelab.course.guessing",
    "keys": "ikelab.course.held_keys",
    "listener": "ikelab.course.suppositions",
    "nat_trial": "ikelab.course.behind_nat",
    "overhear": "ikelab.course.guessing",
    "stolen": "ikelab.course.theft",
    "suppose": "ikelab.course.suppositions",
}


def __getattr__(name: str) -> object:
    """Load a name when it is first used (PEP 562)."""
    if name not in _WHERE:
        raise AttributeError(f"module 'ikelab.course' has no attribute {name!r}")
    value = getattr(import_module(_WHERE[name]), name)
    if callable(value):
        value = import_module("ikelab.course.calling").told_when_miscalled(value)
    globals()[name] = value
    return value
