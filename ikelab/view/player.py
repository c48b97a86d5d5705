"""One negotiation in a notebook cell: step through it, read every octet, walk every secret back to where it came from.

`Player(trace)` as the last line of a cell is all there is to it. The whole trace goes to the browser at once, so that
stepping, hovering and keys never wait for the kernel; what the reader looks at comes back as `player.step` and its
neighbours, and setting those moves the picture. This is the only module that knows about Jupyter's widgets.
"""

from __future__ import annotations

from typing import Any, ClassVar

import anywidget
import traitlets

from ikelab.errors import Misuse
from ikelab.timeline.trace import Trace
from ikelab.view import front, twin
from ikelab.view.narration import Part, checked, summary

VIEWPOINTS = ("everything", "initiator", "responder", "listener")
VIEWS = ("octets", "states", "secrets", "people", "hellman")


class Player(anywidget.AnyWidget):
    """The player of a trace.

    step: 0 before anything is said, then 1 to the number of frames. view: one of VIEWS. message: the number of
    the message laid open, None for the newest. field: its sheet and the index of the field in it, None for the most
    telling one. secret: the name of the chosen secret, None for the newest. viewpoint: who
    looks, one of VIEWPOINTS. All of them may be set at any time.

    Raises Misuse for what is not a trace, and for a step or a view that it does not have.
    """

    _esm = front.module("widget.js")
    _css = front.styles()

    trace = traitlets.Dict().tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    view = traitlets.Unicode("octets").tag(sync=True)
    message = traitlets.Int(None, allow_none=True).tag(sync=True)
    field = traitlets.List(traitlets.Int(), None, allow_none=True, minlen=2, maxlen=2).tag(sync=True)
    secret = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    viewpoint = traitlets.Unicode("everything").tag(sync=True)

    PLACES: ClassVar[tuple[str, ...]] = ("step", "view", "message", "field", "secret", "viewpoint")

    def __init__(self, trace: Trace | Part, **place: object) -> None:
        unknown = [name for name in place if name not in self.PLACES]
        if unknown:
            raise Misuse(f"a Player takes a trace and {', '.join(self.PLACES)}; got {', '.join(unknown)}")
        super().__init__(trace=dict(checked(trace)), **place)

    @property
    def last(self) -> int:
        """The number of the last step."""
        return len(self.trace["frames"])

    @traitlets.validate("step")
    def _within_the_trace(self, proposal: Any) -> int:  # noqa: ANN401  (traitlets hands over a bunch)
        step = int(proposal["value"])
        if not 0 <= step <= self.last:
            raise Misuse(f"this trace has steps 0 to {self.last}; got step {step}")
        return step

    @traitlets.validate("view")
    def _one_of_the_views(self, proposal: Any) -> str:  # noqa: ANN401
        if proposal["value"] not in VIEWS:
            raise Misuse(f"the views are {', '.join(VIEWS)}; got {proposal['value']!r}")
        return str(proposal["value"])

    @traitlets.validate("viewpoint")
    def _one_of_the_viewpoints(self, proposal: Any) -> str:  # noqa: ANN401
        if proposal["value"] not in VIEWPOINTS:
            raise Misuse(f"the points of view are {', '.join(VIEWPOINTS)}; got {proposal['value']!r}")
        return str(proposal["value"])

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, object], dict[str, object]]:  # noqa: ANN401
        data, metadata = super()._repr_mimebundle_(**options) or ({}, {})
        return {**data, "text/html": twin.html(self.trace), "text/plain": twin.text(self.trace)}, metadata

    def __repr__(self) -> str:
        return f"<Player of {summary(self.trace)}; step {self.step} of {self.last}>"
