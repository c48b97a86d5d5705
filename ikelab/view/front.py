"""The front end as one module and one style sheet: the ES modules and the CSS of static/, joined in reading order.

One module has no source: `facts.js` holds what the engine knows and a trace does not say, machines and groups.
A widget takes one module and a self-contained page inlines one, while the sources stay small files that import each
other. Joining is all that happens: the `import` lines between our own files and the `export` words go, nothing else.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

from ikelab.crypto.groups import GROUPS, Group, ModpGroup
from ikelab.view.layout import shipped

STATIC = files("ikelab.view") / "static"
STYLES = tuple(
    f"{part}.css" for part in ("player", "spine", "marks", "octets", "secrets", "machines", "hellman", "narrow")
)
FACTS = "facts.js"

_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([a-z]+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const |function |async function |class )", re.MULTILINE)


@cache
def module(entry: str) -> str:
    """The ES module `entry` of static/ with everything that it imports before it; it imports nothing any more."""
    order: list[str] = []
    _visit(entry, order)
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", source(name))) for name in order)


@cache
def styles() -> str:
    """The style sheet of the player; every rule is scoped to its root class."""
    return "\n".join(source(name) for name in STYLES)


def source(name: str) -> str:
    """The text of one file of static/, or the module of facts."""
    if name == FACTS:
        return facts()
    return (STATIC / name).read_text(encoding="utf-8")


@cache
def facts() -> str:
    """A module that exports the machines of `ikelab.view.layout` and the groups, by number."""
    named = {"MACHINES": shipped(), "GROUPS": {group.number: _group(group) for group in GROUPS}}
    lines = (f"export const {name} = {json.dumps(value, ensure_ascii=True)};" for name, value in named.items())
    return "\n".join(["// What the engine knows and a trace does not say.", "", *lines, ""])


def _group(group: Group) -> dict[str, Any]:
    about: dict[str, Any] = {"word": group.word, "family": group.family, "rfc": group.rfc, "strength": group.strength}
    if isinstance(group, ModpGroup):
        about |= {"prime": f"{group.prime:x}", "generator": group.generator, "bits": group.bits}
    return about


def _visit(name: str, order: list[str]) -> None:
    for imported in _IMPORT.findall(source(name)):
        if imported not in order:
            _visit(imported, order)
    order.append(name)
