"""One step of a run as a still: the states of both sides, what each knows, and what is on the wire."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ikelab.ike.conversation import INITIATOR, RESPONDER
from ikelab.ike.sa import IkeSa
from ikelab.timeline.live import Carried, Moment
from ikelab.timeline.trace import Trace
from ikelab.view.narration import visible

SIDES = (INITIATOR, RESPONDER)
WIDTH = 100


@dataclass(frozen=True, kw_only=True, repr=False)
class Instant:
    """How things stood after a step.

    sas: each side's ISAKMP SA, None where it had none. states, exchanges: by side, the state of phase 1, and of each
    exchange under it by message ID. knows: by side, the names of the values that it had (see `Run.secret`).
    said: the numbers of the messages said so far; on_the_way: of those that had not arrived yet and were not lost.
    """

    step: int
    time: float
    actor: str
    what: str
    why: str
    sas: Mapping[str, IkeSa | None]
    states: Mapping[str, str]
    exchanges: Mapping[str, Mapping[str, str]]
    knows: Mapping[str, tuple[str, ...]]
    said: tuple[int, ...]
    on_the_way: tuple[int, ...]

    def __repr__(self) -> str:
        """Step, caption, and both sides."""
        lines = [f"Step {self.step}, {self.time:.3f} s" + (f", the {self.actor} thinks" if self.actor else "")]
        lines += [*textwrap.wrap(self.what, WIDTH), *textwrap.wrap(self.why, WIDTH)]
        for side in SIDES:
            under = [f"{name} {state}" for name, state in self.exchanges[side].items()]
            lines.append(f"  {side:<9}  {', '.join([self.states[side], *under])}")
            knows = ", ".join(self.knows[side]) or "nothing yet"
            lines += textwrap.wrap(f"knows {knows}", WIDTH, initial_indent=" " * 13, subsequent_indent=" " * 13)
        if self.on_the_way:
            lines.append(f"  on the way: message {', '.join(map(str, self.on_the_way))}")
        return "\n".join(map(visible, lines))


def instant(trace: Trace, moments: Sequence[Moment], wire: Sequence[Carried], step: int) -> Instant:
    """The still of a step, from 0."""
    frames = trace.frames[:step]
    last: Mapping[str, Any] = frames[-1] if frames else {}
    now = moments[step - 1].time if frames else 0.0
    said = tuple(number for frame in frames for number in frame["said"])
    copies = tuple(number for number, carried in enumerate(wire, 1) if number not in said and _is_copy(trace, number))
    heard = {frame["heard"] for frame in frames}
    seen = sorted({*said, *(number for number in copies if wire[number - 1].time <= now and frames)})
    return Instant(
        step=step,
        time=last.get("time", 0.0),
        actor=last.get("actor", ""),
        what=last["caption"]["what"] if frames else "Nothing has been said yet.",
        why=last["caption"]["why"] if frames else trace.about,
        sas={side: _sa_of(side, frames, moments) for side in SIDES},
        states=dict(last["states"]) if frames else dict.fromkeys(SIDES, "START"),
        exchanges={
            side: {
                f"{each['name']} {message_id}": each["state"]
                for message_id, each in (last["exchanges"][side] if frames else {}).items()
            }
            for side in SIDES
        },
        knows={side: tuple(name for frame in frames for name in frame["learned"][side]) for side in SIDES},
        said=tuple(seen),
        on_the_way=tuple(number for number in seen if number not in heard and wire[number - 1].arrives is not None),
    )


def _is_copy(trace: Trace, number: int) -> bool:
    return bool(trace.messages[number - 1]["fate"] == "repeated")


def _sa_of(side: str, frames: Sequence[Mapping[str, Any]], moments: Sequence[Moment]) -> IkeSa | None:
    for frame, moment in zip(reversed(frames), reversed(moments[: len(frames)]), strict=True):
        if frame["actor"] == side and (moment.outcome.after is not None or moment.outcome.before is not None):
            return moment.outcome.after
    return None
