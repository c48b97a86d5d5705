"""The first lesson as a learner has it: opened in a real JupyterLab, run, stepped through, answered."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, cast

import pytest
from playwright.sync_api import Locator, Page, expect

from ikelab.course.datasets import dataset
from ikelab.course.lessons import FIRST_LESSON
from tests.browser.lab import KERNEL_IS_READY, accessibility_complaints, open_lesson, run_all, shot
from tests.browser.player_page import INITIATOR, RESPONDER, lines, lit, player, row, style
from tests.browser.test_player_states import filled, role
from tests.needs import needs

pytestmark = needs("chromium")

FACTS = cast("dict[str, Any]", dataset("main_psk_nopfs").facts["ike"])[0]
LATER, PAST, NOW = "1px dotted", "2px solid", "4px solid"
RIGHT, WRONG = "rgb(21, 144, 111)", "rgb(194, 65, 12)"
OpenPage = Callable[..., Page]

LIVE, RECORDED, WALKING = 0, 1, 2
"""The players of the lesson, in their order."""

CLEAR = "() => { window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs'); }"
RESTART = "() => { window.jupyterapp.shell.currentWidget.sessionContext.restartKernel(); }"


def lesson(lab_page: OpenPage, *, scheme: Literal["light", "dark"] = "light", width: int = 1280) -> Page:
    """The first lesson, opened and run from top to bottom."""
    page = lab_page(scheme=scheme, width=width, height=1000)
    open_lesson(page, FIRST_LESSON)
    run_all(page)
    return page


def picture(page: Page) -> None:
    """What README shows: keep it as lessons/pictures/start.png."""
    page.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area'); }")
    player(page, RECORDED).evaluate(
        "e => e.closest('.jp-Cell').previousElementSibling.scrollIntoView({ block: 'start' })"
    )
    page.mouse.move(5, 5)
    page.wait_for_timeout(1000)
    shot(page, "start")


def step_to_5(shown: Locator) -> None:
    """Three steps by Next, two by the arrow key."""
    for _ in range(3):
        shown.locator(".next").click()
    for _ in range(2):
        shown.page.keyboard.press("ArrowRight")
    at(shown, 5)


def at(shown: Locator, step: int) -> None:
    expect(shown.locator(".count")).to_contain_text(f"step {step} of 11")


def pairs(octets: str) -> list[str]:
    return [octets[place : place + 2] for place in range(0, len(octets), 2)]


class TestTheLiveHandshake:
    def test_both_states_move_until_both_are_established_and_done(self, lab_page: OpenPage) -> None:
        page = lesson(lab_page)
        live = player(page, LIVE)
        live.scroll_into_view_if_needed()
        states = live.locator(".role").get_by_role("heading")
        expect(states).to_have_text(["ISTART", "RSTART"])
        for _ in range(7):
            live.locator(".next").click()
        expect(states).to_have_text(["IESTABLISHED", "RESTABLISHED"])
        assert filled(role(live, "initiator"), INITIATOR) == ["ESTABLISHED"]
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        at(live, 11)
        expect(states).to_have_text(["IDONE", "RDONE"])
        assert filled(role(live, "responder"), RESPONDER) == ["DONE"]
        page.wait_for_timeout(300)
        shot(page, "start-live")
        memories = cell(page, "keys(live)").locator(".jp-OutputArea-output")
        expect(memories).to_contain_text("None of these was ever sent, in clear or encrypted.")
        assert memories.inner_text().count("the same") == 7


class TestStepping:
    def test_to_message_5_its_octets_and_skeyid(self, lab_page: OpenPage) -> None:
        page = lesson(lab_page)
        first, second = player(page, RECORDED), player(page, WALKING)
        first.scroll_into_view_if_needed()
        at(first, 0)
        assert lines(first) == [LATER] * 11
        step_to_5(first)

        assert lines(first) == [PAST] * 4 + [NOW] + [LATER] * 6
        assert style(row(first, 5).locator(".wire"), "borderTopColor") == INITIATOR
        assert "repeating-linear-gradient" in style(row(first, 5).locator(".tray"), "backgroundImage")
        expect(first.locator(".verdict")).to_have_text("HASH_I verified")

        assert lit(first) == (pairs(FACTS["HASH_I"]), ["Hash Data"])
        first.locator(".octet").nth(108 + 8).click()
        assert lit(first) == (["0a", "63", "00", "01"], ["Address"])
        expect(first.locator(".explain")).to_contain_text("10.99.0.1")
        picture(page)

        first.get_by_role("tab", name="Secrets").click()
        first.locator(".secret-node", has_text=re.compile("^SKEYID")).first.click()
        expect(first.locator(".formula")).to_have_text("SKEYID = prf(PSK, Ni_b | Nr_b)")
        expect(first.locator(".recipe")).to_contain_text('"correct horse battery staple"')
        value = "".join(first.locator(".recipe .hex").all_inner_texts()).replace("\n", "")
        assert FACTS["SKEYID"] in value

        at(second, 5)
        expect(second.locator(".formula")).to_have_text("Ka = SKEYID_e, first 16 of 20 octets")
        second.get_by_role("button", name="Back (left arrow)").click()
        at(second, 4)
        at(first, 5)

    def test_from_ka_back_to_the_pre_shared_key(self, lab_page: OpenPage) -> None:
        """What the lesson tells the reader to do in section 2."""
        walking = player(lesson(lab_page), WALKING)
        for name in ("SKEYID_e", "SKEYID", "PSK"):
            walking.locator(".formula").get_by_role("button", name=name, exact=True).click()
        expect(walking.locator(".recipe")).to_contain_text("correct horse battery staple")

    def test_looking_needs_no_kernel(self, lab_page: OpenPage) -> None:
        page = lesson(lab_page)
        page.evaluate(RESTART)
        first = player(page, RECORDED)
        step_to_5(first)
        assert lit(first)[1] == ["Hash Data"]
        first.get_by_role("tab", name="Secrets").click()
        expect(first.locator(".secrets")).to_be_visible()

        page.wait_for_function(KERNEL_IS_READY)
        page.evaluate(CLEAR)
        expect(page.locator(".ikelab-player")).to_have_count(0)
        run_all(page)
        at(player(page, RECORDED), 0)


class TestAnswering:
    def test_predict_look_compare(self, lab_page: OpenPage) -> None:
        page = lesson(lab_page)
        write(page, 'predict("readable", ...)', 'predict("readable", range(1, 12))')
        expect(said(page, "predict", "readable")).to_contain_text("Noted: 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11")
        write(page, 'check("readable")')
        answer = said(page, "check", "readable")
        expect(answer).to_contain_text("It is: 1, 2, 3, 4")
        expect(answer).to_contain_text("The header of every message can be read")
        assert style(answer.locator("div"), "borderLeftColor") == WRONG

    def test_the_exercise(self, lab_page: OpenPage) -> None:
        page = lesson(lab_page)
        answer = said(page, "check", "SKEYID")
        expect(answer).to_contain_text("Your turn: replace the three dots")
        exercise = cell(page, 'check("SKEYID"')
        source = "\n".join(exercise.locator(".cm-line").all_text_contents())
        assert source.count("...") == 1
        source = source.replace("...", 'hmac.new(psk, nr + ni, "sha1").digest()')
        write(page, 'check("SKEYID"', source)
        expect(answer).to_contain_text("The initiator's comes first")
        write(page, 'check("SKEYID"', source.replace("nr + ni", "ni + nr"))
        expect(answer).to_contain_text(f"Right: {FACTS['SKEYID']} (20 octets)")
        assert style(answer.locator("div"), "borderLeftColor") == RIGHT


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)])
def test_it_fits_and_is_accessible(lab_page: OpenPage, scheme: Literal["light", "dark"], width: int) -> None:
    page = lesson(lab_page, scheme=scheme, width=width)
    first = player(page, RECORDED)
    expect(first).to_have_attribute("data-theme", scheme)
    step_to_5(first)
    assert lines(first)[4] == NOW
    cut_off = page.locator(".jp-OutputArea-output").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 60))"
    )
    assert cut_off == [], "outputs that must be scrolled sideways"
    assert accessibility_complaints(page, ".jp-OutputArea-output") == []
    first.evaluate("e => e.scrollIntoView({ block: 'start' })")
    page.wait_for_timeout(400)
    shot(page, f"lesson-{scheme}-{width}")
    shot(first, f"lesson-player-{scheme}-{width}")


def cell(page: Page, begins: str) -> Locator:
    """The code cell with a line that begins so."""
    return page.locator(".jp-CodeCell").filter(has=page.locator(".cm-line", has_text=begins)).first


def said(page: Page, ask: str, name: str) -> Locator:
    """What a cell that asks `check` or `predict` about this shows."""
    return cell(page, f'{ask}("{name}"').locator(".jp-OutputArea-output")


def write(page: Page, begins: str, source: str | None = None) -> None:
    """Put this into the cell, or leave it as it is, and run it, by keyboard."""
    editor = cell(page, begins).locator(".cm-content")
    editor.click()
    if source is not None:
        page.keyboard.press("Control+A")
        page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
