"""Say what this machine has, and what is lost without the rest."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator

import click

from ikelab import __version__
from ikelab.course.environment import PARTS, Environment, Found, Need, Part, examine

ITSELF = Part(
    name="ikelab", need=Need.REQUIRED, find=lambda: Found(version=__version__), use="", without="", install=""
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Say what this machine has, and what is lost without the rest.

    Exit status: 0 ikelab can run; 1 something that it cannot do without is missing.
    """
    found = examine((ITSELF, *PARTS))
    runs = all(part.need is not Need.REQUIRED for part in found.missing)
    if as_json:
        parts = {part.name: _shape(part, what) for part, what in found.looked}
        click.echo(json.dumps({"ready": runs, "system": platform.platform(), "parts": parts}, indent=2))
    else:
        click.echo("\n".join(_lines(found)))
    raise SystemExit(0 if runs else 1)


def _shape(part: Part, found: Found) -> dict[str, object]:
    return {
        "version": found.version,
        "note": found.note,
        "need": part.need.value,
        "use": part.use,
        "without": part.without,
        "install": part.install,
    }


def _lines(environment: Environment) -> Iterator[str]:
    width = max(len(part.name) for part, _ in environment.looked)
    for part, found in environment.looked:
        about = "; ".join(filter(None, (part.use, found.note)))
        if found.version is not None:
            yield f"  has     {part.name:{width}}  {found.version:10}  {about}".rstrip()
        else:
            odd = f" ({found.note})" if found.note else ""
            yield f"  lacks   {part.name:{width}}  {part.need:10}  without it: {part.without}{odd}"
            yield f"          {'':{width}}  {'':10}  {part.install}"
    yield ""
    if not environment.missing:
        yield "Everything is here."
    elif any(part.need is Need.REQUIRED for part in environment.missing):
        yield "ikelab cannot run as it is."
    else:
        yield "ikelab runs; what is missing above is not needed for everything."
