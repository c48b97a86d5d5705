"""How long a learner waits for the player: until it is first painted, and from a key to the next step."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from ikelab import run
from ikelab.view.page import page as written
from tests.browser.lab import CHROMIUM_FLAGS
from tests.needs import chromium_path

ROUNDS = 7
VIEWS = ("octets", "states", "secrets", "people", "hellman")
FRAME = 1000 / 60

PAINTED = """() => new Promise(resolve => {
    const painted = () => requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
    const look = () => (document.querySelector('.count b, body > p') ? painted() : setTimeout(look, 1));
    look();
})"""
"""Milliseconds from the beginning of the page until what it has to show was handed to the screen."""
EMPTY = "<!doctype html><title>nothing</title><p>nothing</p>"
STEP = """async forward => {
    const root = document.querySelector('.ikelab-player'), taken = [];
    root.querySelector('.next').focus();
    const presses = Number(root.querySelector("input[type='range']").max);
    for (let k = 0; k < presses; k++) {
        await new Promise(requestAnimationFrame);
        const began = performance.now();
        const key = forward ? 'ArrowRight' : 'ArrowLeft';
        document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
        root.getBoundingClientRect();
        taken.push(performance.now() - began);
    }
    return taken;
}"""
"""Press a key as often as there are steps: the milliseconds that each takes, with the layout that follows from it."""


def main() -> None:
    """Print medians, and their ratios to an empty page and to one frame of a 60 Hz screen."""
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=CHROMIUM_FLAGS)
        runs = {name: Path(folder) / f"{name}.html" for name in ("main", "aggressive", "loss")}
        for name, path in runs.items():
            path.write_text(written(run(name).trace), encoding="utf-8")
        empty = Path(folder) / "empty.html"
        empty.write_text(EMPTY, encoding="utf-8")
        _first_paint(browser, {"empty page": empty, **runs})
        _steps(browser, runs["main"])
        browser.close()


def _first_paint(browser: Browser, pages: dict[str, Path]) -> None:
    taken: dict[str, list[float]] = {name: [] for name in pages}
    for _ in range(ROUNDS):
        for name, path in pages.items():
            page = _opened(browser, path)
            taken[name].append(page.evaluate("window.painted"))
            page.close()
    base = statistics.median(taken["empty page"])
    for name, milliseconds in taken.items():
        median = statistics.median(milliseconds)
        print(f"  first paint, {name:12} median {median:7.1f} ms   {median / base:5.1f} times an empty page")


def _steps(browser: Browser, path: Path) -> None:
    for view in VIEWS:
        page = _opened(browser, path, f"#view={view}")
        page.evaluate(STEP, True)
        page.evaluate(STEP, False)
        taken = [*page.evaluate(STEP, True), *page.evaluate(STEP, False)]
        page.close()
        median, worst = statistics.median(taken), max(taken)
        print(f"  one step, {view:9} median {median:5.1f} ms   worst {worst:5.1f} ms   {median / FRAME:4.2f} frames")


def _opened(browser: Browser, path: Path, place: str = "") -> Page:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.add_init_script(f"window.painted = ({PAINTED})()")
    page.goto(f"{path.as_uri()}{place}")
    return page
