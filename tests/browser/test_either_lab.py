"""What a learner does first, in the newest JupyterLab and in the oldest that is promised (tests/floor.txt)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.lab import Lab, open_lesson, run_all, shot, watched_pages, write_notebook
from tests.browser.player_page import BAD, INITIATOR, lines, player, style
from tests.browser.test_lessons_seen import TALL
from tests.needs import CHECKOUT, needs

pytestmark = needs("chromium")

FLOOR = dict(line.split("==") for line in (CHECKOUT / "tests" / "floor.txt").read_text().split("\n") if "==" in line)
CELLS = (
    "import ipywidgets; from ikelab import run; print(ipywidgets.__version__)",
    "run('main').play(step=4)",
    "run('psk').play(step=6, view='states')",
)
FILLED = (
    """all => all.map(g => [g.querySelector('text').textContent, getComputedStyle(g.querySelector('rect')).fill])"""
)


@dataclass(frozen=True, kw_only=True)
class Either:
    """One of the two: the lab, how to open a page in it, and whether it is the oldest."""

    lab: Lab
    open_page: Callable[..., Page]
    is_floor: bool


@pytest.fixture(params=["newest", pytest.param("floor", marks=needs("floor-lab"))])
def either(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Either]:
    is_floor = request.param == "floor"
    lab: Lab = request.getfixturevalue("floor_lab" if is_floor else "lab")
    with watched_pages(chromium, site=lab.site, token=lab.token) as open_page:
        yield Either(lab=lab, open_page=open_page, is_floor=is_floor)
    lab.stop_kernels()


def test_two_players_are_looked_at_and_outlive_their_kernel(either: Either) -> None:
    write_notebook(either.lab.folder / "either.ipynb", *CELLS)
    page = either.open_page(height=1800)
    open_lesson(page, "either.ipynb")
    run_all(page)
    one, two = player(page), player(page, 1)
    if either.is_floor:
        assert page.evaluate("window.jupyterapp.version") == FLOOR["jupyterlab"]
        expect(page.locator(".jp-OutputArea-output").first).to_have_text(FLOOR["ipywidgets"])
    expect(two.locator(".count")).to_contain_text("step 6 of")

    one.locator(".octet").nth(3).hover()
    assert sorted(one.locator(".hot").evaluate_all("all => all.map(e => e.classList[0])")) == ["field"] + ["octet"] * 8

    one.locator(".next").click()
    expect(one.locator(".count")).to_contain_text("step 5 of 11")
    state = one.locator(".mark.fired .state")
    expect(state).to_have_text("ID_SENT")
    assert style(state, "backgroundColor") == INITIATOR
    assert lines(one)[4] == "4px solid"
    assert {style(octet, "backgroundColor") for octet in one.locator(".octet.lit").all()} == {INITIATOR}
    expect(one.locator(".field.lit")).to_contain_text("Hash Data")

    one.get_by_role("tab", name="States").click()
    assert ["ID_SENT", INITIATOR] in one.locator(".role[data-side='initiator'] .node").evaluate_all(FILLED)
    assert ["KE_SENT", BAD] in two.locator(".role[data-side='responder'] .node").evaluate_all(FILLED)
    tall = one.locator(".fires dt").evaluate_all(
        "all => all.filter(e => e.firstChild && e.scrollWidth > e.clientWidth)"
    )
    assert tall == []
    assert style(one.locator(".fires dt").first, "float") == "none", "JupyterLab sets lists of its own prose so"

    one.get_by_role("tab", name="Secrets").click()
    one.locator(".secret-node", has_text="SKEYID_d").click()
    expect(one.locator(".formula")).to_have_text("SKEYID_d = prf(SKEYID, g^xy | CKY-I | CKY-R | 0)")
    expect(two.locator(".count")).to_contain_text("step 6 of")
    expect(two.locator(".machines")).to_be_visible()
    shot(one, f"either-{'floor' if either.is_floor else 'newest'}")

    expect(one.locator(".notice")).to_have_text("")
    either.lab.stop_kernels()
    for each in (one, two):
        expect(each.locator(".notice")).to_contain_text("Kernel stopped", timeout=30_000)
    one.locator(".next").click()
    expect(one.locator(".count")).to_contain_text("step 6 of 11")
    expect(one.locator(".secrets")).to_be_visible()


def code_cells(lesson: str) -> list[nbformat.NotebookNode]:
    notebook = nbformat.read(CHECKOUT / "lessons" / lesson, as_version=4)
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@needs("floor-lab")
@pytest.mark.parametrize("lesson", sorted(path.name for path in (CHECKOUT / "lessons").glob("*.ipynb")))
def test_every_lesson_runs_in_the_oldest(floor_lab: Lab, chromium: Browser, lesson: str) -> None:
    with watched_pages(chromium, site=floor_lab.site, token=floor_lab.token) as open_page:
        page = open_page(height=TALL)
        open_lesson(page, lesson)
        run_all(page)
        drawn = ".play(" in "".join(cell.source for cell in code_cells(lesson))
        assert bool(page.locator(".ikelab-player").count()) is drawn
        if drawn:
            player(page).locator(".next").click()
            expect(player(page).locator(".mark.fired .state, .row.now .message").first).to_be_visible()
    floor_lab.stop_kernels()
