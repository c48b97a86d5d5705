"""Two peers and a form in a notebook cell: change a proposal, a pre-shared key or the network, and look again.

lab()                    the form and the player, beginning with Main Mode
lab("aggressive")        with another scenario
lab("main", loss=0.3)    with other words
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ikelab.course.presets import scenario
from ikelab.course.runs import run
from ikelab.course.scenarios import MODES, ROLES
from ikelab.errors import Misuse
from ikelab.timeline.trace import Trace

if TYPE_CHECKING:
    from ikelab.view.controls import Controls

MOST_SEED = 999_999
MOST_LOSS = 0.9


def lab(name: str = "main", **changes: object) -> Controls:
    """A form for a scenario, and the player of what comes of it. Raises Misuse."""
    begun = scenario(name, **changes)
    try:
        from ikelab.view.controls import Controls, Field
    except ModuleNotFoundError as error:
        raise Misuse(
            f"the form needs {error.name}, which is not installed: pip install 'ikelab[all]'; without it, run(...)"
        ) from None
    one, other = begun.initiator, begun.responder
    fields = (
        Field(name="mode", label="phase 1", value=one.mode, choices=MODES),
        Field(name="ike", label="IKE proposal", value=one.ike),
        Field(name="esp", label="ESP proposal", value=one.esp),
        Field(name="pfs", label="PFS group", value=one.pfs),
        Field(name="initiator_psk", label="initiator's PSK", value=one.psk),
        Field(name="responder_psk", label="responder's PSK", value=other.psk),
        Field(name="loss", label="messages lost", value=float(begun.loss), most=MOST_LOSS),
        Field(name="seed", label="seed", value=begun.seed, most=MOST_SEED),
    )
    own = {"mode": one.mode, "ike": one.ike, "esp": one.esp, "pfs": one.pfs}

    def play(words: Mapping[str, str | int | float]) -> Trace:
        changed: dict[str, Any] = {word: words[word] for word, before in own.items() if words[word] != before}
        sides = {side: {"psk": str(words[f"{side}_psk"])} for side in ROLES}
        return run(begun.changed(**sides, **changed, loss=words["loss"], seed=words["seed"])).trace

    return Controls(fields, play)
