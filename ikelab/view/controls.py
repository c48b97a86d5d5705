"""A form beside the player: change what two peers are told, run them again, and step through what comes of it.

The form knows nothing of peers: it is given the words it begins with and a function that makes a trace of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets

from ikelab.errors import Misuse
from ikelab.timeline.trace import Trace
from ikelab.view import twin
from ikelab.view.narration import visible
from ikelab.view.player import Player


@dataclass(frozen=True, kw_only=True)
class Field:
    """One thing that can be changed. value: what it begins with, whose kind decides what is drawn for it.

    choices: all that it can be; none: anything. most: the largest that a number can be.
    """

    name: str
    label: str
    value: str | int | float
    choices: Sequence[str] = ()
    most: float = 1.0


Play = Callable[[Mapping[str, str | int | float]], Trace]
"""Makes a trace of the words in the form; raises Misuse where it cannot."""


class Controls(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets says nothing of its types
    """The form, a button that runs, and the player of what came of it.

    Each run begins the player anew, at its last step. What cannot be run is said in words, and the player stays.
    """

    def __init__(self, fields: Sequence[Field], play: Play) -> None:
        self._play = play
        self.inputs = {field.name: _input(field) for field in fields}
        self.button = ipywidgets.Button(description="Run", button_style="primary", tooltip="Run the two peers again")
        self.button.on_click(lambda _: self.run())
        self.complaint = ipywidgets.Label(value="", style={"text_color": "#b3261e"})
        self.player: Player | None = None
        grid = ipywidgets.GridBox(
            [*self.inputs.values(), self.button],
            layout={"grid_template_columns": "repeat(auto-fill, minmax(270px, 1fr))", "grid_gap": "4px 12px"},
        )
        self.form = (grid, self.complaint)
        super().__init__(self.form)
        self.run()

    @property
    def words(self) -> dict[str, str | int | float]:
        """What stands in the form."""
        return {name: each.value for name, each in self.inputs.items()}

    def run(self) -> None:
        """Run with what stands in the form, and show the new player."""
        self.complaint.value = ""
        try:
            trace = self._play(self.words)
        except Misuse as problem:
            self.complaint.value = visible(problem)
            return
        before, self.player = self.player, Player(trace)
        self.children = (*self.form, self.player)
        if before is not None:
            before.close()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, object]:  # noqa: ANN401
        data = super()._repr_mimebundle_(**options) or {}
        if self.player is None:
            return data
        return {**data, "text/html": twin.html(self.player.trace), "text/plain": twin.text(self.player.trace)}

    def __repr__(self) -> str:
        words = ", ".join(f"{name}={value!r}" for name, value in self.words.items())
        return f"<Controls {words}; {self.player!r}>"


def _input(field: Field) -> ipywidgets.ValueWidget:
    common = {"description": field.label, "style": {"description_width": "110px"}, "layout": {"width": "auto"}}
    match field.value:
        case str() if field.choices:
            return ipywidgets.Dropdown(options=list(field.choices), value=field.value, **common)
        case str():
            return ipywidgets.Text(value=field.value, continuous_update=False, **common)
        case int():
            return ipywidgets.BoundedIntText(value=field.value, min=0, max=int(field.most), **common)
        case _:
            return ipywidgets.FloatSlider(
                value=field.value, min=0.0, max=field.most, step=0.05, continuous_update=False, **common
            )
