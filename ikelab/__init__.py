"""A lab for IKEv1: every octet, secret and state of a negotiation can be looked at.

    from ikelab import recorded
    talk = recorded("main_psk_nopfs")     a conversation of two real gateways
    talk.play()                           step through it
    talk.message(5)                       open a message
    talk.secret("SKEYID")                 see what a secret is made of
    lab()                                 two peers and a form: change what they are told, run them again

    from ikelab import run
    run("main").play()                    two peers of our own; `scenarios()` names what else there is to run

Names are loaded when they are first used, so that `import ikelab` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0.dev0"

if TYPE_CHECKING:
    from ikelab.course.checks import check, hint, predict
    from ikelab.course.desk import lab
    from ikelab.course.environment import doctor
    from ikelab.course.presets import scenarios
    from ikelab.course.recording import Recording, read, recorded, recordings
    from ikelab.course.runs import Run, run
    from ikelab.crypto.book import Book
    from ikelab.errors import Misuse
    from ikelab.timeline.trace import Trace
    from ikelab.view.player import Player
    from ikelab.wire.message import dissect

__all__ = ["Book", "Misuse", "Player", "Recording", "Run", "Trace", "check", "dissect", "doctor", "hint", "lab",
           "predict", "read", "recorded", "recordings", "run", "scenarios"]  # fmt: skip

_WHERE = {
    "ikelab.course.checks": ("check", "hint", "predict"),
    "ikelab.course.desk": ("lab",),
    "ikelab.course.environment": ("doctor",),
    "ikelab.course.presets": ("scenarios",),
    "ikelab.course.recording": ("Recording", "read", "recorded", "recordings"),
    "ikelab.course.runs": ("Run", "run"),
    "ikelab.crypto.book": ("Book",),
    "ikelab.errors": ("Misuse",),
    "ikelab.timeline.trace": ("Trace",),
    "ikelab.view.player": ("Player",),
    "ikelab.wire.message": ("dissect",),
}
_MODULES = {name: module for module, names in _WHERE.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a name of the front door when it is first used (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'ikelab' has no attribute {name!r}")
    value = getattr(import_module(_MODULES[name]), name)
    if _MODULES[name].startswith("ikelab.course.") and not isinstance(value, type):
        value = import_module("ikelab.course.calling").told_when_miscalled(value)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
