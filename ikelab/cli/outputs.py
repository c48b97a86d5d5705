"""The files that a negotiation leaves behind where they are asked for: a capture, its keys, a trace, a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from ikelab.errors import Misuse
from ikelab.net.capture import CapturedDatagram, write_capture
from ikelab.net.keys import keys_object
from ikelab.net.results import Run
from ikelab.timeline.files import check_place, write_json, write_whole
from ikelab.timeline.live import trace_of_run
from ikelab.timeline.trace import Trace

R = TypeVar("R")


def file_option(option: str, help: str) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """An option that names a file."""
    return click.option(option, metavar="FILE", type=click.Path(path_type=Path), help=help)


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """The files that were asked for; None for those that were not."""

    pcap: Path | None
    keys: Path | None
    trace: Path | None
    html: Path | None = None

    def check(self) -> None:
        """Before anything else happens: can they be written? Raises Misuse."""
        asked = {"--pcap": self.pcap, "--keys": self.keys, "--trace": self.trace, "--html": self.html}
        named = {option: path for option, path in asked.items() if path is not None}
        for option, path in named.items():
            check_place(path, f"what {option} asks for")
        if len({path.resolve() for path in named.values()}) < len(named):
            raise Misuse(f"{' and '.join(named)}: expected a file of its own for each, got the same one")

    @property
    def any(self) -> bool:
        """Whether anything has to be remembered for them."""
        return any((self.pcap, self.keys, self.trace, self.html))

    def write(self, run: Run, captured: Iterable[CapturedDatagram], latest: Run, *, title: str, about: str) -> None:
        """All of them, each whole or not at all. `latest` is the one conversation that a trace shows. Raises Misuse."""
        self.put(run, captured, lambda: trace_of_run(latest.moments, latest.wire, latest.sas, title=title, about=about))

    def put(self, run: Run, captured: Iterable[CapturedDatagram], traced: Callable[[], Trace]) -> None:
        """The same of a run whose trace is made elsewhere. Raises Misuse."""
        if self.pcap is not None:
            write_capture(self.pcap, captured)
        if self.keys is not None:
            write_json(self.keys, keys_object(run), "keys")
        trace = traced() if self.trace is not None or self.html is not None else None
        if self.trace is not None and trace is not None:
            trace.save(self.trace)
        if self.html is not None and trace is not None:
            from ikelab.view.page import page

            write_whole(self.html, page(trace).encode("utf-8"), "a page")
