"""The player in a real JupyterLab: it keeps its keys to itself, answers Python, and needs no kernel to be looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import KERNEL_IS_READY, Lab, accessibility_complaints, open_lesson, run_all, shot, write_notebook
from tests.browser.player_page import lines, player, row, step_is, style
from tests.needs import CHECKOUT, needs

pytestmark = needs("chromium")

IMPORTS = f"""import sys; sys.path.insert(0, {str(CHECKOUT)!r})
from ikelab.view.player import Player
from tests.view.sample import sample
first, second = Player(sample()), Player(sample(ok=False), step=5)"""
CELLS = "() => document.querySelectorAll('.jp-Notebook .jp-CodeCell').length"


def test_two_players_in_a_notebook(lab: Lab, lab_page: Callable[..., Page]) -> None:
    write_notebook(lab.folder / "players.ipynb", IMPORTS, "first", "second")
    page = lab_page(width=1280, height=1600)
    open_lesson(page, "players.ipynb")
    run_all(page)
    one, two = player(page), player(page, 1)
    step_is(one, 0)
    step_is(two, 5)
    hash_data = two.locator(".octet.lit").first.bounding_box()
    sheets = two.locator(".sheets").bounding_box()
    assert hash_data
    assert sheets
    assert sheets["y"] < hash_data["y"] < sheets["y"] + sheets["height"], "the lit octets are out of sight"
    cells = page.evaluate(CELLS)

    one.locator(".next").click()
    for key in ("ArrowRight", "b", "d", "d", "a", "x"):
        page.keyboard.press(key)
    step_is(one, 2)
    step_is(two, 5)
    assert page.evaluate(CELLS) == cells, "JupyterLab took a letter for a command"
    assert lines(one)[1] == "4px dashed"
    expect(row(two, 5).locator(".tag")).to_have_text("HASH_I")
    shot(page, "player-lab")
    assert accessibility_complaints(page, ".ikelab-player") == []


def test_python_and_the_reader_move_the_same_player(lab: Lab, lab_page: Callable[..., Page]) -> None:
    write_notebook(
        lab.folder / "moved.ipynb", IMPORTS, "first", "first.step = 4; first.view = 'secrets'", "print(first)"
    )
    page = lab_page(width=1280)
    open_lesson(page, "moved.ipynb")
    run_all(page)
    step_is(player(page), 4)
    expect(player(page).locator(".formula")).to_have_text("SKEYID = prf(PSK, Ni_b)")
    player(page).locator(".next").click()
    player(page).get_by_role("tab", name="Octets").click()
    step_is(player(page), 5)
    run_last_cell(page)
    expect(page.locator(".jp-OutputArea-output").last).to_contain_text("step 5 of 5")


def test_a_restarted_kernel_is_said_too(lab: Lab, lab_page: Callable[..., Page]) -> None:
    write_notebook(lab.folder / "restarted.ipynb", IMPORTS, "first")
    page = lab_page(width=1280)
    open_lesson(page, "restarted.ipynb")
    run_all(page)
    page.evaluate("() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }")
    expect(player(page).locator(".notice")).to_contain_text("Kernel stopped")
    player(page).locator(".next").click()
    step_is(player(page), 1)
    page.wait_for_function(KERNEL_IS_READY, timeout=60_000)


@pytest.mark.parametrize(("scheme", "paper"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(17, 17, 17)")])
def test_it_wears_jupyterlabs_theme(lab: Lab, lab_page: Callable[..., Page], scheme: str, paper: str) -> None:
    write_notebook(lab.folder / "theme.ipynb", IMPORTS, "second")
    page = lab_page(scheme=scheme, width=1280, height=1200)
    open_lesson(page, "theme.ipynb")
    run_all(page)
    expect(player(page)).to_have_attribute("data-theme", scheme)
    assert style(player(page), "backgroundColor") == paper
    shot(player(page), f"player-lab-{scheme}")


def run_last_cell(page: Page) -> None:
    page.evaluate("""async () => {
        const panel = window.jupyterapp.shell.currentWidget;
        panel.content.activeCellIndex = panel.content.widgets.length - 1;
        await window.jupyterapp.commands.execute('notebook:run-cell');
    }""")
