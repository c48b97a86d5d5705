"""The browser fixture itself: a notebook opens, runs and shows what it printed, in both themes and on a narrow page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.lab import (
    Lab,
    accessibility_complaints,
    open_lesson,
    run_all,
    shot,
    watched_pages,
    write_notebook,
)
from tests.needs import needs

pytestmark = needs("chromium")

LIGHT, DARK = "rgb(255, 255, 255)", "rgb(17, 17, 17)"


@pytest.mark.parametrize(("scheme", "width", "background"), [("light", 1280, LIGHT), ("dark", 390, DARK)])
def test_a_tiny_notebook_runs(
    lab: Lab, lab_page: Callable[..., Page], scheme: Literal["light", "dark"], width: int, background: str
) -> None:
    write_notebook(lab.folder / "tiny.ipynb", "import ikelab", "print('six times seven is', 6 * 7)", "")
    page = lab_page(scheme=scheme, width=width)
    open_lesson(page, "tiny.ipynb")
    run_all(page)
    output = page.locator(".jp-OutputArea-output").first
    assert output.inner_text().strip() == "six times seven is 42"
    assert page.locator(".jp-InputPrompt").first.inner_text().strip() == "[1]:", "the kernel was not a fresh one"
    assert page.locator(".jp-Notebook").evaluate("e => getComputedStyle(e).backgroundColor") == background
    assert page.locator(".jp-toast-message, .Toastify__toast").count() == 0
    shot(page, f"tiny-{scheme}-{width}")


def test_the_list_of_files_shows_lessons_and_no_solutions(lab: Lab) -> None:
    assert {"00_start.ipynb", "README.md"} <= set(lab.listed())
    assert "00_start.md" not in lab.listed()


def test_a_failing_cell_is_told(lab: Lab, lab_page: Callable[..., Page]) -> None:
    write_notebook(lab.folder / "failing.ipynb", "1 / 0", "print('never')")
    page = lab_page()
    open_lesson(page, "failing.ipynb")
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        run_all(page)


def test_a_request_that_leaves_the_machine_is_seen(lab: Lab, chromium: Browser) -> None:
    def ask_elsewhere() -> None:
        with watched_pages(chromium, site=lab.site) as open_page:
            page = open_page()
            page.evaluate("() => { fetch('http://example.org/x').catch(() => {}); new WebSocket('ws://[::1]/y'); }")
            page.wait_for_timeout(500)

    with pytest.raises(AssertionError, match=r"http://example\.org/x.*ws://\[::1\]/y"):
        ask_elsewhere()


def test_axe_complains_of_a_picture_without_words(lab_page: Callable[..., Page]) -> None:
    page = lab_page()
    page.goto("/api")
    page.set_content("<main><h1>Ladder</h1><img src='data:,'></main>")
    assert [complaint.split()[0] for complaint in accessibility_complaints(page, "main")] == ["image-alt"]
