"""The player among others on a page: hostile packets, two players, narrow pages, themes, accessibility, no requests."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from ikelab.view.page import page as written
from tests.browser.player_page import Open, lines, lit, player, row, step_is, style
from tests.needs import needs
from tests.view.runs import hostile_run, run_of
from tests.view.sample import hostile, sample

pytestmark = needs("chromium")

ELEMENTS = (
    "b button code dd div dl dt g h1 h2 h3 i input kbd label option p path rect select small span svg table tbody td "
    "text th thead title tr"
)
ATTRIBUTES = (
    "aria-activedescendant aria-checked aria-controls aria-current aria-disabled aria-expanded aria-hidden aria-label "
    "aria-labelledby aria-live aria-pressed aria-selected aria-valuetext class d data-field data-from data-idle "
    "data-moving data-side data-title data-viewpoint for height hidden id max min role rx scope style tabindex "
    "text-anchor title type value viewBox width x y"
)
VIEWS = ("octets", "states", "secrets", "people", "hellman")
CHOOSE_EVERYTHING = """root => {
    const names = new Set(), attributes = new Set(), unseen = new Set();
    const places = '.field, .octet, .secret-node, .edge, .choice, .number-shown';
    for (let k = 0; k < [...root.querySelectorAll(places)].length; k++) {
        root.querySelectorAll(places)[k].click();
        for (const e of root.querySelectorAll('*')) {
            names.add(e.localName);
            for (const attribute of e.attributes) {
                attributes.add(attribute.name);
                for (const found of attribute.value.match(/[\\p{Cc}\\p{Cf}\\u2028]/gu) ?? []) unseen.add(found);
            }
        }
        for (const found of root.textContent.match(/[\\p{Cc}\\p{Cf}\\u2028]/gu) ?? []) unseen.add(found);
    }
    return [[...names], [...attributes], [...unseen]];
}"""
"""Choose every field, octet and secret in turn: the names of all elements and attributes that ever came to be, and
every character in them that does not print."""
REFERENCES = """all => all.flatMap(e => ['aria-controls', 'aria-labelledby', 'aria-activedescendant']
    .map(name => e.getAttribute(name)).filter(Boolean)
    .map(id => e.closest('.ikelab-player').contains(document.getElementById(id))))"""
ASK_ELSEWHERE = """async () => {
    const said = new Promise(resolve => document.addEventListener('securitypolicyviolation', resolve));
    await fetch('http://127.0.0.1:9/').catch(() => {});
    return (await said).violatedDirective;
}"""
BEGIN_WALK = "() => { document.activeElement.blur(); window.walked = new Set(); window.unmarked = []; }"
NOTE_FOCUS = """() => {
    const now = document.activeElement;
    if (now === document.body || window.walked.has(now)) return false;
    window.walked.add(now);
    const look = e => getComputedStyle(e);
    const marked = e => e && look(e).outlineStyle === 'solid' && parseFloat(look(e).outlineWidth) >= 2;
    if (!marked(now) && !marked(now.closest('.scrub'))) window.unmarked.push(now.outerHTML.slice(0, 80));
    return true;
}"""
END_WALK = """() => {
    const controls = [...document.querySelectorAll('.ikelab-player :is(button, input, select, [tabindex])')];
    const reached = e => window.walked.has(e) || e.closest('.spine, [role=tablist], [role=radiogroup]');
    const unreached = controls.filter(e => e.checkVisibility() && !reached(e)).map(e => e.outerHTML.slice(0, 80));
    return [unreached, window.unmarked];
}"""
"""From one Tab to the next: what had the focus, and which of it did not show it. The ladder, the tabs and the points of
view are one stop each."""
STICKING_OUT = """root => {
    const edge = root.getBoundingClientRect().right + 1;
    const kept = e => e !== root && (getComputedStyle(e).overflowX !== 'visible' || kept(e.parentElement));
    const sticks = e => e.getBoundingClientRect().right > edge && !kept(e.parentElement);
    return [...root.querySelectorAll('*')].filter(sticks).map(e => e.className);
}"""


def visibly(character: str) -> str:
    """A character as the player writes it: one that does not print as its code."""
    return character if character.isprintable() else f"\\u{{{ord(character):x}}}"


class TestAPlayerOnAPage:
    def test_numbers_and_arrows_choose_a_view(self, opened: Open) -> None:
        page = opened(at="step=4")
        page.locator(".next").focus()
        for number, view in enumerate(VIEWS, 1):
            page.keyboard.press(str(number))
            expect(page.get_by_role("tab").nth(number - 1)).to_have_attribute("aria-selected", "true")
            expect(page.locator(f".{'machines' if view == 'states' else view}")).to_be_visible()
        expect(page.locator(".octets")).to_be_hidden()
        page.get_by_role("tab", name="Diffie-Hellman").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name="Octets")).to_be_focused()
        expect(page.locator(".octets")).to_be_visible()
        step_is(page, 4)

    def test_keys_work_before_anything_has_the_focus(self, opened: Open) -> None:
        page = opened(sample(), sample(ok=False))
        for key in ("ArrowRight", "ArrowRight", "3"):
            page.keyboard.press(key)
        step_is(player(page), 2)
        step_is(player(page, 1), 0)
        expect(player(page).locator(".secrets")).to_be_visible()
        player(page, 1).locator(".bar").scroll_into_view_if_needed()
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        page.keyboard.press("End")
        step_is(player(page, 1), 5)

    @pytest.mark.parametrize("width", [268, 390])
    def test_on_a_phone_the_chosen_tab_is_in_sight(self, opened: Open, width: int) -> None:
        page = opened(width=width)
        for number in "53124":
            page.keyboard.press(number)
            chosen, bar = (page.locator(f".tabs{part}").bounding_box() for part in (" [aria-selected='true']", ""))
            assert chosen
            assert bar
            assert bar["x"] - 1 <= chosen["x"]
            assert chosen["x"] + chosen["width"] <= bar["x"] + bar["width"] + 1

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_every_control_is_reached_by_keyboard_and_shows_it(self, opened: Open, scheme: str) -> None:
        page = opened(run_of(), at="step=5", scheme=scheme)
        for number in "12345":
            page.keyboard.press(number)
            page.evaluate(BEGIN_WALK)
            for _ in range(120):
                page.keyboard.press("Tab")
                if not page.evaluate(NOTE_FOCUS):
                    break
            unreached, unmarked = page.evaluate(END_WALK)
            assert unreached == [], f"view {number}"
            assert unmarked == [], f"view {number}"

    def test_arrows_reach_what_shares_one_tab_stop(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5")
        spine = page.locator(".spine")
        spine.locator("button[tabindex='0']").focus()
        for _ in range(80):
            page.keyboard.press("ArrowUp")
        reached = []
        for _ in range(80):
            reached.append(
                page.evaluate("document.activeElement.getAttribute('aria-label') || document.activeElement.textContent")
            )
            page.keyboard.press("ArrowDown")
        names = spine.locator("button:visible").evaluate_all(
            "all => all.map(e => e.getAttribute('aria-label') || e.textContent)"
        )
        assert list(dict.fromkeys(reached)) == list(dict.fromkeys(names))
        assert len(names) > 30

    def test_two_players_never_touch_each_other(self, opened: Open) -> None:
        page = opened(sample(), sample(ok=False))
        first, second = player(page), player(page, 1)
        second.locator(".next").click()
        second.locator(".next").click()
        step_is(first, 0)
        step_is(second, 2)
        assert {line.split()[1] for line in lines(first)} == {"dotted"}
        first.get_by_role("tab", name="Secrets").click()
        expect(second.locator(".octets")).to_be_visible()
        ids = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
        assert len(ids) == len(set(ids)) > 20
        names = "[aria-controls], [aria-labelledby], [aria-activedescendant]"
        referring = page.locator(names).evaluate_all(REFERENCES)
        assert referring
        assert all(referring)

    @pytest.mark.parametrize("kind", ["recording", "run"])
    def test_hostile_strings_create_nothing(self, opened: Open, kind: str) -> None:
        trace = hostile() if kind == "recording" else hostile_run()
        page = opened(trace)
        for step in range(6):
            for view in "12345":
                page.locator(".tabs button[tabindex='0']").focus()
                page.keyboard.press(view)
                expect(page.locator(".count")).to_contain_text(f"step {step} of {len(trace['frames'])}")
                names, attributes, unseen = player(page).evaluate(CHOOSE_EVERYTHING)
                assert set(names) <= set(ELEMENTS.split())
                assert set(attributes) <= set(ATTRIBUTES.split())
                assert unseen == []
            page.locator(".next").dispatch_event("click")
        assert page.evaluate("document.body.dataset.owned") is None
        assert page.locator(".title").inner_text() == "".join(map(visibly, trace["title"]))

    def test_an_empty_conversation_is_no_mistake(self, opened: Open) -> None:
        page = opened({**sample(), "messages": [], "frames": [], "secrets": []})
        expect(page.locator(".what")).to_have_text("Nothing has been said yet.")
        page.locator(".next").focus()
        for key in ("ArrowRight", "End", "2", "3", "4", "5", "1"):
            page.keyboard.press(key)
        expect(page.locator(".count")).to_contain_text("step 0 of 0")

    def test_the_page_may_not_ask_anybody(self, chromium: Browser, tmp_path: Path) -> None:
        (tmp_path / "player.html").write_text(written(sample()), encoding="utf-8")
        page = chromium.new_page()
        page.goto((tmp_path / "player.html").as_uri())
        blocked = page.evaluate(ASK_ELSEWHERE)
        page.close()
        assert blocked == "connect-src"

    def test_the_address_remembers_the_place(self, opened: Open) -> None:
        page = opened(at="step=3")
        page.get_by_role("option", name="Responder Cookie").click()
        page.reload()
        step_is(page, 3)
        assert lit(page)[1] == ["Responder Cookie"]

    def test_without_scripts_the_twin_is_shown(self, opened: Open) -> None:
        page = opened(java_script_enabled=False)
        expect(page.locator(".ikelab-twin")).to_contain_text("SKEYID = prf(PSK, Ni_b)")
        expect(page.locator(".ikelab-twin svg")).to_be_visible()

    @pytest.mark.parametrize("width", [268, 390, 700, 852, 1000, 1280, 1600])
    def test_nothing_sticks_out_sideways(self, opened: Open, width: int) -> None:
        for trace in (sample(), hostile()):
            for view in VIEWS:
                page = opened(trace, at=f"step=5&view={view}", width=width)
                step_is(page, 5)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                sticking = player(page).evaluate(STICKING_OUT)
                assert sticking == [], (width, view)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1280])
    def test_axe_finds_nothing(self, opened: Open, scheme: str, width: int) -> None:
        for trace, at in (
            (sample(), "step=0"),
            (sample(ok=False), "step=5"),
            (sample(), "step=5&view=secrets"),
            (sample(), "step=5&view=states"),
            (sample(), "step=5&view=people"),
            (run_of(psk=b"correct horse battery stable"), "step=6&view=secrets"),
        ):
            page = opened(trace, at=at, width=width, scheme=scheme)
            expect(page.locator(".count b")).to_have_text(at[5])
            violations = Axe().run(page).response["violations"]
            found = [(it["id"], [node["target"] for node in it["nodes"]][:3]) for it in violations]
            assert found == [], (at, scheme, width)

    def test_the_theme_follows_the_page(self, opened: Open) -> None:
        page = opened(scheme="dark")
        dark = style(player(page), "backgroundColor")
        page.emulate_media(color_scheme="light")
        expect(player(page)).to_have_attribute("data-theme", "light")
        assert (dark, style(player(page), "backgroundColor")) == ("rgb(20, 23, 28)", "rgb(255, 255, 255)")

    def test_motion_only_for_those_who_want_it(self, opened: Open) -> None:
        moving, still = opened(reduced_motion="no-preference"), opened(reduced_motion="reduce")
        for page, expected in ((moving, "ikelab-send"), (still, "none")):
            page.locator(".next").click()
            assert style(row(page, 1).locator(".wire"), "animationName") == expected
