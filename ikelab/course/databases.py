"""What a gateway has written down about packets: its policies (SPD), its SAs (SAD) and its routes, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ikelab.course.shown import whole_lines
from ikelab.ipsec.boundary import WAN, Boundary
from ikelab.ipsec.policy import Policy
from ikelab.ipsec.sad import Sad, SadRow

SA_HEADS = ("", "SA", "mode", "outer header", "for packets", "number", "packets")
POLICY_HEADS = ("", "policy", "local", "remote", "way", "does")
NO_SA = "no SA: there is nothing but the policies"


class SadTable:
    """The SAs of both sides; of each the last number, and what it has carried."""

    def __init__(self, sads: Mapping[str, Sad]) -> None:
        self.sads = sads

    def rows(self, side: str) -> tuple[SadRow, ...]:
        """The SAs of one side."""
        return tuple(self.sads[side].rows())

    def __repr__(self) -> str:
        """A line an SA."""
        return "\n\n".join("\n".join(self._lines(side)) for side in self.sads)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "SADs of both sides")

    def _lines(self, side: str) -> Iterator[str]:
        yield f"in the memory of the {side}"
        rows = [(*_cells(row), _refusals(row)) for row in self.rows(side)]
        yield from _table((*SA_HEADS, ""), rows) if rows else (NO_SA,)


class SpdTable:
    """The policies of both sides, in order, and where packets are routed."""

    def __init__(self, boundaries: Mapping[str, Boundary]) -> None:
        self.boundaries = dict(boundaries)

    def __repr__(self) -> str:
        """A line a policy."""
        return "\n\n".join("\n".join(self._lines(side, boundary)) for side, boundary in self.boundaries.items())

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "SPDs of both sides")

    def _lines(self, side: str, boundary: Boundary) -> Iterator[str]:
        for interface, spd in boundary.spds.items():
            routed = [str(route.destination) for route in boundary.routes if route.interface == interface]
            yield f"the {side}, {interface}; routes: {', '.join(each for each in routed if ':' not in each)}"
            shown = [each for each in spd.policies if each.local.first.version == 4 or interface != WAN]
            yield from _table(POLICY_HEADS, [_policy(number, each) for number, each in enumerate(shown, 1)])


def _policy(number: int, policy: Policy) -> tuple[str, ...]:
    does = policy.action.value
    if policy.template is not None:
        does = f"{does} with {' in '.join(policy.template.protocols)}"
    return f"{number}.", policy.name, str(policy.local), str(policy.remote), policy.direction.value, does


def _cells(row: SadRow) -> tuple[str, ...]:
    name = f"{row.protocol} {row.spi}"
    return row.direction, name, row.mode, row.ends or "–", row.traffic, str(row.sequence), str(row.packets)


def _refusals(row: SadRow) -> str:
    return ", ".join(f"{count} {words}" for words, count in row.refused.items())


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(cells[column]) for cells in (heads, *rows)) for column in range(len(heads))]
    for cells in (heads, *rows):
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
