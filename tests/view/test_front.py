"""The joined front end is one module: nothing left to import, no name given twice, every style kept to the player."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from ikelab.view import front

ENTRIES = ["widget.js", "page.js"]


def names() -> list[str]:
    return sorted(path.name for path in front.STATIC.iterdir() if path.name.endswith(".js"))


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_is_left_to_import(entry: str) -> None:
    module = front.module(entry)
    assert not re.search(r"^\s*import\b|\bimport\(", module, re.MULTILINE)
    assert re.findall(r"^export .*", module, re.MULTILINE) == (
        ["export default { render };"] if entry == "widget.js" else []
    )


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_top_level_name_is_given_twice(entry: str) -> None:
    declared = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", front.module(entry), re.MULTILINE)
    assert declared
    assert [name for name, count in Counter(declared).items() if count > 1] == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_module_comes_before_those_that_import_it(entry: str) -> None:
    module = front.module(entry)
    for name in names():
        if front.source(name).splitlines()[0] not in module:
            continue
        for imported in re.findall(r'from "\./(\w+\.js)"', front.source(name)):
            first = front.source(imported).splitlines()[0]
            assert module.index(first) < module.index(front.source(name).splitlines()[0])


def test_every_source_is_used() -> None:
    joined = "".join(front.module(entry) for entry in ENTRIES)
    assert all(front.source(name).splitlines()[0] in joined for name in names())


@pytest.mark.parametrize("name", names())
def test_only_one_function_writes_to_the_page(name: str) -> None:
    source = front.source(name)
    markup = "innerHTML|outerHTML|insertAdjacent|createContextualFragment|srcdoc|document\\.write"
    assert not re.search(rf"{markup}|\beval\b|new Function", source)
    if name != "dom.js":
        assert "createElementNS" not in source
        assert re.findall(r"createElement\(([^)]*)\)", source) in ([], ['"div"'])


@pytest.mark.parametrize("name", names())
def test_nothing_is_asked_of_the_network(name: str) -> None:
    asking = r"\bfetch\(|XMLHttpRequest|WebSocket|sendBeacon|https?://(?!www\.w3\.org/2000/svg)"
    assert not re.search(asking, front.source(name))


def test_every_style_is_kept_to_the_player() -> None:
    depth, selector, outer = 0, "", ""
    for piece in re.findall(r"[{}]|[^{}]+", re.sub(r"/\*.*?\*/", "", front.styles(), flags=re.DOTALL)):
        if piece == "{":
            if depth == 0 or (depth == 1 and outer.startswith(("@container ", "@media "))):
                check_scope(selector.strip(), outer if depth else "")
            outer = selector.strip() if depth == 0 else outer
            depth += 1
        elif piece == "}":
            depth -= 1
        selector = piece
    assert depth == 0


def check_scope(selector: str, outer: str) -> None:
    if not outer or selector.startswith("@"):
        outside = (
            "@container player ",
            "@container view ",
            "@container spine ",
            "@media ",
            "@keyframes ikelab-",
            ".ikelab-player",
        )
        assert selector.startswith(outside), selector
    else:
        assert all(part.strip().startswith(".ikelab-player") for part in selector.split(",")), f"{outer}: {selector}"


def test_nothing_is_smaller_than_eleven_pixels_but_the_letters_in_badges() -> None:
    sizes = re.findall(r"([^{}]*)\{[^{}]*?\bfont(?:-size)?:[^;{}]*?(\d+(?:\.\d+)?)px", front.styles())
    small = [(selector.strip(), size) for selector, size in sizes if float(size) < 11]
    assert all("badge" in selector or "icon" in selector or "seal" in selector for selector, _ in small), small
