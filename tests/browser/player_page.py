"""A page that plays traces, opened in Chromium, and questions to what is drawn there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Locator, Page, expect

from ikelab.view.page import page as written
from tests.view.sample import sample

INITIATOR, RESPONDER, BAD = "rgb(7, 58, 124)", "rgb(10, 116, 85)", "rgb(132, 32, 0)"
SECRET_TINT, INK = "rgb(255, 232, 163)", "rgb(26, 31, 39)"
"""The light theme's colours, as the browser reports what it has drawn."""

Open = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens pages that play traces. In the end they must have asked for nothing but themselves, and not complained."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def listen(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            complaints.append(said.text)

    def dismiss(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    def open_page(*traces: dict[str, Any], at: str = "", width: int = 1280, scheme: str = "light", **how: Any) -> Page:
        path = tmp_path / f"player-{len(contexts)}.html"
        path.write_text(written(*(traces or (sample(),))), encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", listen)
        page.on("dialog", dismiss)
        page.goto(f"{path.as_uri()}#{at}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((tmp_path.as_uri(), "data:"))] == []
    assert complaints == []


def style(element: Locator, name: str, pseudo: str = "") -> str:
    """A computed style of an element, or of a pseudo-element of it."""
    return element.evaluate("(e, [name, pseudo]) => getComputedStyle(e, pseudo || null)[name]", [name, pseudo])


def player(page: Page, nth: int = 0) -> Locator:
    return page.locator(".ikelab-player").nth(nth)


def row(root: Page | Locator, number: int) -> Locator:
    """The row of the ladder that shows a message."""
    return root.locator(".row").nth(number - 1)


def lines(root: Page | Locator) -> list[str]:
    """Width and kind of every message's line."""
    drawn = "(all) => all.map(e => `${getComputedStyle(e).borderTopWidth} ${getComputedStyle(e).borderTopStyle}`)"
    return root.locator(".wire").evaluate_all(drawn)


def lit(root: Page | Locator) -> tuple[list[str], list[str]]:
    """The octets, and the names of the fields, whose drawn background is a side's full colour."""
    filled = "(all, sides) => all.filter(e => sides.includes(getComputedStyle(e).backgroundColor))"
    octets = root.locator(".octet").evaluate_all(
        f"(all, sides) => ({filled})(all, sides).map(e => e.textContent)", [INITIATOR, RESPONDER]
    )
    fields = root.locator(".field").evaluate_all(
        f"(all, sides) => ({filled})(all, sides).map(e => e.firstChild.textContent)", [INITIATOR, RESPONDER]
    )
    return octets, fields


def step_is(root: Page | Locator, number: int) -> None:
    expect(root.locator(".count")).to_contain_text(f"step {number} of 5")
