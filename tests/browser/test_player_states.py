"""How the two state machines are drawn: what is filled, thick, solid and dotted after a step, and what a row says."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from ikelab.view.layout import shipped
from tests.browser.player_page import BAD, INITIATOR, RESPONDER, Open, player, style
from tests.needs import needs
from tests.view.runs import run_of

pytestmark = needs("chromium")

OTHER_KEY = b"correct horse battery stable"
FILLS = "all => all.map(g => [g.querySelector('text').textContent, getComputedStyle(g.querySelector('rect')).fill])"
STROKES = """all => all.filter(g => getComputedStyle(g.querySelector('rect')).strokeDasharray === 'none')
    .map(g => g.querySelector('text').textContent)"""
LINES = """all => all.map(g => { const line = getComputedStyle(g.querySelector('.line'));
    return [parseFloat(line.strokeWidth), line.strokeDasharray === 'none']; })"""


def role(page: Page | Locator, side: str) -> Locator:
    return page.locator(f".role[data-side='{side}']")


def filled(machine: Locator, colour: str) -> list[str]:
    """The states that are drawn in this colour."""
    return [name for name, fill in machine.locator(".node").evaluate_all(FILLS) if fill == colour]


def test_the_state_just_reached_is_filled_and_its_arrow_thick(opened: Open) -> None:
    page = opened(run_of(), at="step=5&view=states")
    initiator, responder = role(page, "initiator"), role(page, "responder")
    assert filled(initiator, INITIATOR) == ["ID_SENT"]
    assert filled(responder, RESPONDER) == []
    assert filled(responder, "rgb(220, 244, 236)") == ["KE_SENT"]
    drawn = initiator.locator(".way:not(.shared)").evaluate_all(LINES)
    assert drawn == [[1.75, True], [1.75, True], [4, True], [1.25, False]]
    assert set(initiator.locator(".node").evaluate_all(STROKES)) == {"START", "SA_SENT", "KE_SENT", "ID_SENT"}
    page.locator(".next").click()
    assert filled(initiator, INITIATOR) == []
    assert filled(responder, RESPONDER) == ["ESTABLISHED"]


def test_a_refusal_leads_back_to_the_same_state(opened: Open) -> None:
    page = opened(run_of(psk=OTHER_KEY), at="step=6&view=states")
    responder = role(page, "responder")
    assert filled(responder, BAD) == ["KE_SENT"]
    loop = responder.locator(".way.shared", has_text="REFUSE").nth(1)
    assert style(loop.locator(".line"), "stroke") == BAD
    assert style(loop.locator(".line"), "strokeWidth") == "4px"
    assert style(loop.get_by_text("REFUSE"), "fill") == BAD
    assert style(loop.get_by_text("REPEAT"), "fill") != BAD


def test_the_picture_says_in_words_where_each_side_is(opened: Open) -> None:
    page = opened(run_of(), at="step=5&view=states")
    picture = page.get_by_role("img", name=re.compile("^Main Mode, initiator: now in ID_SENT"))
    expect(picture).to_have_attribute("aria-label", re.compile("just fired: hears 4, says 5$"))
    expect(role(page, "responder").get_by_role("heading")).to_have_text("RKE_SENT")


def test_the_machine_of_the_exchange_comes_by_itself_and_others_when_asked(opened: Open) -> None:
    page = opened(run_of(), at="step=9&view=states")
    expect(page.locator(".choice").get_by_text("Quick Mode", exact=True)).to_have_attribute("aria-pressed", "true")
    assert filled(role(page, "responder"), RESPONDER) == ["QM_ANSWERED"]
    page.locator(".choice").get_by_text("Main Mode", exact=True).click()
    assert filled(role(page, "initiator"), "rgb(226, 236, 250)") == ["ESTABLISHED"]
    page.locator(".choice").get_by_text("Aggressive Mode", exact=True).click()
    assert filled(role(page, "initiator"), "rgb(226, 236, 250)") == ["START"]
    page.locator(".next").click()
    expect(page.locator(".choice").get_by_text("Quick Mode", exact=True)).to_have_attribute("aria-pressed", "true")


def test_all_states_and_arrows_of_every_machine_are_drawn(opened: Open) -> None:
    page = opened(run_of(), at="view=states")
    for name, machine in shipped().items():
        page.locator(".choice").get_by_text(name, exact=True).click()
        for side in ("initiator", "responder"):
            names = role(page, side).locator(".node > text").all_text_contents()
            assert names == [state["name"] for state in machine[side]["states"]]
            expect(role(page, side).locator(".way")).to_have_count(len(machine[side]["edges"]))


def test_an_arrow_and_its_row_say_shape_checks_and_clause(opened: Open) -> None:
    page = opened(run_of(), at="step=5&view=states")
    words = page.locator(".edge-words")
    expect(words).to_contain_text("HDR, KE, Nr")
    role(page, "responder").locator(".way text", has_text="hears 1, says 2").click()
    expect(words).to_contain_text("HDR, SA")
    expect(words).to_contain_text("RFC 2409 §5.4")
    assert "underline" in style(role(page, "responder").locator(".way.picked text").first, "textDecorationLine")
    page.locator(".edge", has_text="KE_SENT again").click()
    expect(words).to_contain_text("REFUSE: hears what it cannot accept?")


def test_a_recording_says_that_nobody_recorded_states(opened: Open) -> None:
    page = opened(at="step=3&view=states")
    expect(page.locator(".edge-words")).to_contain_text("A recording has messages and no thoughts")
    assert role(page, "initiator").locator(".node").evaluate_all(STROKES) == []


def test_two_players_keep_their_machines_apart(opened: Open) -> None:
    page = opened(run_of(), run_of(mode="aggressive"))
    first, second = player(page), player(page, 1)
    for root in (first, second):
        root.get_by_role("tab", name="States").click()
    second.locator(".next").click()
    assert filled(role(second, "initiator"), INITIATOR) == ["AM_SENT"]
    assert filled(role(first, "initiator"), INITIATOR) == []
    expect(first.locator("style")).to_have_count(0)
    ids = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(("width", "beside"), [(390, False), (852, True), (1280, True)])
def test_side_by_side_where_there_is_room(opened: Open, width: int, beside: bool) -> None:
    page = opened(run_of(), at="step=5&view=states", width=width)
    boxes = [role(page, side).bounding_box() for side in ("initiator", "responder")]
    assert boxes[0]
    assert boxes[1]
    assert (boxes[0]["y"] == boxes[1]["y"]) is beside
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(opened: Open, scheme: str, width: int) -> None:
    for trace, step in ((run_of(), 5), (run_of(psk=OTHER_KEY), 6)):
        page = opened(trace, at=f"step={step}&view=states", width=width, scheme=scheme)
        violations = Axe().run(page).response["violations"]
        assert [(it["id"], [node["target"] for node in it["nodes"]][:3]) for it in violations] == []
