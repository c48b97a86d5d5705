"""One trace seen by each side and by a listener: what is drawn as unknown, closed or never heard."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.player_page import Open, player, row, style
from tests.needs import needs
from tests.view.runs import run_of

pytestmark = needs("chromium")

SPY = "rgb(179, 56, 159)"


def choose(page: Page, who: str) -> None:
    page.get_by_role("radio", name=who).click()


def names(page: Page, side: str) -> list[str]:
    return page.locator(f".mark[data-side='{side}'] .state").all_inner_texts()


def test_a_side_sees_no_state_of_the_other(opened: Open) -> None:
    page = opened(run_of(), at="step=5")
    assert "KE_SENT" in names(page, "responder")
    choose(page, "Initiator")
    assert set(names(page, "responder")) == {"?"}
    assert "ID_SENT" in names(page, "initiator")
    expect(page.locator(".count")).to_contain_text("step 5 of")
    choose(page, "Everything")
    assert "KE_SENT" in names(page, "responder")


def test_a_listener_reads_what_is_clear_and_the_length_of_the_rest(opened: Open) -> None:
    page = opened(run_of(), at="step=5")
    expect(row(page, 6).locator(".chip")).to_have_text(["IDii", "HASH_I"])
    choose(page, "Listener")
    expect(row(page, 6).locator(".chip")).to_have_text(re.compile(r"^\d+ octets$"))
    expect(row(page, 4).locator(".chip")).to_have_text(["KE", "Ni"])
    expect(page.locator(".lid.shut")).to_be_visible()
    expect(page.locator(".what")).to_contain_text("Message 5 comes by")
    assert style(page.get_by_role("radio", name="Listener"), "backgroundColor") == SPY
    page.get_by_role("tab", name="Secrets").click()
    assert "SKEYID" not in page.locator(".secret-node").all_inner_texts()
    assert "g^xi" in page.locator(".secret-node").all_inner_texts()


def test_each_side_makes_the_secret_in_its_own_way(opened: Open) -> None:
    for who, formula in (("Initiator", r"\(g\^xr\) \^ x_i"), ("Responder", r"\(g\^xi\) \^ x_r")):
        page = opened(run_of(ike="aes128-sha1-modp2048"), at="step=5&view=secrets&secret=g^xy")
        choose(page, who)
        expect(page.locator(".formula")).to_contain_text(re.compile(formula))


def test_whoever_thinks_unseen_is_captioned_so(opened: Open) -> None:
    page = opened(run_of(), at="step=4&viewpoint=initiator")
    expect(page.locator(".what")).to_have_text("Message 4 is on its way from the responder.")
    page.locator(".next").click()
    expect(page.locator(".what")).to_contain_text("computes the same keys")


def test_a_side_opens_no_message_before_it_has_come(opened: Open) -> None:
    page = opened(run_of(), at="step=5&viewpoint=responder")
    expect(page.locator(".lid.shut")).to_have_count(1)
    expect(row(page, 6).locator(".lock")).to_have_attribute("title", "encrypted, not here yet")
    page.locator(".next").click()
    row(page, 6).locator(".message").click()
    expect(page.locator(".lid.shut")).to_have_count(0)
    expect(page.locator(".lid")).to_contain_text("Opened with Ka")
    expect(row(page, 6).locator(".lock")).to_have_attribute("title", "encrypted, opened with the keys of this trace")


def test_who_knows_leaves_the_other_side_open(opened: Open) -> None:
    page = opened(run_of(), at="step=5&view=people&viewpoint=responder")
    assert set(page.locator(".people td.initiator").all_inner_texts()) == {"?"}
    assert "?" not in page.locator(".people td.responder").all_inner_texts()


def test_arrows_choose_the_point_of_view_and_the_focus_stays(opened: Open) -> None:
    page = opened(run_of(), at="step=5")
    page.get_by_role("radio", name="Everything").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Initiator")).to_be_focused()
    expect(page.get_by_role("radio", name="Initiator")).to_have_attribute("aria-checked", "true")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("radio", name="Listener")).to_be_focused()
    expect(page.locator(".count")).to_contain_text("step 5 of")
    page.reload()
    expect(page.get_by_role("radio", name="Listener")).to_have_attribute("aria-checked", "true")


def test_another_player_keeps_its_own(opened: Open) -> None:
    page = opened(run_of(), run_of())
    player(page).get_by_role("radio", name="Listener").click()
    expect(player(page, 1).get_by_role("radio", name="Everything")).to_have_attribute("aria-checked", "true")


@pytest.mark.parametrize("who", ["initiator", "responder", "listener"])
def test_every_view_works_from_every_point_of_view(opened: Open, who: str) -> None:
    for trace in (run_of(psk=b"correct horse battery stable"), run_of("lost")):
        page = opened(trace, at=f"step=6&viewpoint={who}")
        for key in "12345":
            page.locator(".tabs button[tabindex='0']").focus()
            page.keyboard.press(key)
        page.keyboard.press("End")
        page.keyboard.press("1")
        violations = Axe().run(page).response["violations"]
        assert [(it["id"], [node["target"] for node in it["nodes"]][:3]) for it in violations] == []
