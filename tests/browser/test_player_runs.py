"""How the lives of two peers are drawn: states on the rails, refusals, timers, and what a network does to messages."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from ikelab import run
from tests.browser.player_page import BAD, INITIATOR, RESPONDER, Open, lines, row, style
from tests.needs import needs
from tests.view.runs import run_of

pytestmark = needs("chromium")

SPY = "rgb(179, 56, 159)"
OVERLAPS = """() => ['initiator', 'responder'].flatMap(side => {
    const shown = mark => [...mark.querySelectorAll('.state, .did, .key')].filter(e => e.offsetParent && e.innerText);
    const marks = [...document.querySelectorAll(`.mark[data-side=${side}]`)];
    const all = marks.flatMap(mark => shown(mark).map(e => [mark, e.innerText, e.getBoundingClientRect()]));
    const over = (p, q) => Math.min(p.right, q.right) - Math.max(p.left, q.left) > 2
        && Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 5;
    return all.flatMap(([mark, text, box], k) => all.slice(k + 1)
        .filter(([other, _, place]) => other !== mark && over(box, place)).map(([_, other]) => `${text} / ${other}`));
})"""
"""Words of two different states on one side that lie over each other by more than the air around a line."""
OTHER_KEY = b"correct horse battery stable"


def fired(page: Page) -> Locator:
    """The state whose name is drawn on its side's full colour: the one that the step has just reached."""
    filled = [
        mark
        for mark in page.locator(".mark").all()
        if style(mark.locator(".state"), "backgroundColor") in (INITIATOR, RESPONDER, BAD)
    ]
    assert len(filled) == 1
    return filled[0]


class TestStates:
    def test_the_state_that_a_step_reaches_is_filled_and_says_what_it_did(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5")
        mark = fired(page)
        expect(mark.locator(".state")).to_have_text("ID_SENT")
        expect(mark.locator(".did")).to_have_text("hears 4, says 5")
        expect(mark.locator(".key").first).to_have_text("g^xy")
        assert style(mark.locator(".state"), "backgroundColor") == INITIATOR

    def test_it_stands_where_the_arrow_ends_that_caused_it(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5")
        dot, arrow = fired(page).locator(".dot").bounding_box(), row(page, 5).locator(".wire").bounding_box()
        assert dot
        assert arrow
        assert abs(dot["y"] + dot["height"] / 2 - arrow["y"]) < 4

    def test_the_other_side_says_what_it_waits_for(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5")
        now = page.locator(".mark.now")
        expect(now).to_have_count(1)
        expect(now.locator(".state")).to_have_text("KE_SENT")
        expect(now.locator(".did")).to_contain_text("awaits 5")
        assert style(now.locator(".state"), "backgroundColor") != style(now.locator(".state"), "color")

    def test_rails_are_solid_as_far_as_each_life_has_come(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5")
        left = [style(row(page, n), "borderLeftStyle", "::before") for n in (2, 5, 6)]
        right = [style(row(page, n), "borderLeftStyle", "::after") for n in (2, 4, 6)]
        assert left == ["solid", "solid", "dotted"]
        assert right == ["solid", "solid", "dotted"]
        thick = [style(row(page, n), "borderLeftWidth", "::before") for n in (3, 4, 5)]
        assert thick == ["3px", "7px", "7px"]

    def test_a_later_state_is_a_way_to_its_step(self, opened: Open) -> None:
        page = opened(run_of(), at="step=1")
        page.get_by_role("button", name="Responder, step 6").click()
        expect(fired(page).locator(".state")).to_have_text("ESTABLISHED")

    def test_a_quick_mode_has_states_of_its_own(self, opened: Open) -> None:
        page = opened(run_of(), at="step=9")
        expect(fired(page).locator(".state")).to_have_text("QM_ANSWERED")

    def test_a_recording_has_no_states(self, opened: Open) -> None:
        page = opened(at="step=3")
        expect(page.locator(".mark")).to_have_count(0)


class TestWhatGoesWrong:
    def test_a_refusal_is_a_diamond_with_the_same_state_again(self, opened: Open) -> None:
        page = opened(run_of(psk=OTHER_KEY), at="step=6")
        mark = fired(page)
        assert style(mark.locator(".state"), "backgroundColor") == BAD
        assert style(mark.locator(".dot"), "rotate") == "45deg"
        expect(mark.locator(".state")).to_have_text("KE_SENT")
        expect(mark.locator(".did")).to_contain_text("refuses 5")
        assert style(page.locator(".thumb"), "rotate") == "45deg"
        assert style(page.locator(".thumb"), "backgroundColor") == BAD

    def test_a_timer_is_a_dashed_ring(self, opened: Open) -> None:
        page = opened(run_of("lost"), at="step=4")
        mark = fired(page)
        assert style(mark.locator(".dot"), "borderTopStyle") == "dashed"
        expect(mark.locator(".did")).to_contain_text("timer: says 4")
        expect(row(page, 5).locator(".tag")).to_have_text("same octets again")

    def test_an_exchange_that_ended_is_named_and_the_sa_lives_on(self, opened: Open) -> None:
        trace = run("selectors").trace.to_json()
        page = opened(trace, at=f"step={len(trace['frames'])}")
        mark = fired(page)
        expect(mark.locator(".state")).to_have_text("QM GONE")
        expect(mark.locator(".did")).to_contain_text("ISAKMP SA stays ESTABLISHED")
        page.get_by_role("tab", name="States").click()
        been = page.locator(".role[data-side='initiator'] .node.been title").all_text_contents()
        assert set(been) == {"START", "QM_SENT", "GONE"}
        expect(page.locator(".edge[aria-pressed='true']")).to_contain_text("QM_SENT → GONE")

    def test_a_lost_message_has_half_a_dashed_line(self, opened: Open) -> None:
        page = opened(run_of("lost"), at="step=4")
        lost, whole = (row(page, n).locator(".wire").bounding_box() for n in (4, 3))
        assert lost
        assert whole
        assert 0.4 < lost["width"] / whole["width"] < 0.6
        assert lines(page)[2].endswith("dashed")
        expect(row(page, 4).locator(".tag")).to_have_text("lost")
        expect(row(page, 4).get_by_role("button", name="lost on the way")).to_be_visible()

    def test_an_altered_message_changes_its_colour_half_way(self, opened: Open) -> None:
        page = opened(run_of("altered"), at="step=6")
        expect(row(page, 6).locator(".tag")).to_have_text("1 bit altered")
        assert style(row(page, 6).locator(".tag"), "color") == SPY
        assert SPY in style(row(page, 6).locator(".wire"), "borderImageSource")

    def test_the_octets_that_were_changed_are_underlined(self, opened: Open) -> None:
        page = opened(run_of("altered"), at="step=6&message=5")
        changed = page.locator(".octet.changed")
        expect(changed).to_have_count(1)
        assert SPY in style(changed, "boxShadow")
        expect(page.locator(".remark.spy")).to_contain_text("1 bit altered on the way: octet 60 was ")

    def test_a_copy_says_so_and_is_refused_or_known(self, opened: Open) -> None:
        trace = run_of("copied")
        page = opened(trace, at=f"step={len(trace['frames'])}")
        copies = [each for each in trace["messages"] if each["fate"] == "repeated"]
        assert len(copies) >= 9
        expect(page.locator(".tag", has_text="copied on the way")).to_have_count(len(copies))

    def test_a_step_without_a_message_has_a_row(self, opened: Open) -> None:
        trace = run_of(psk=OTHER_KEY)
        last = len(trace["frames"])
        page = opened(trace, at=f"step={last}")
        silence = page.locator(".silence").last
        expect(silence).to_have_text(trace["frames"][-1]["caption"]["what"])
        expect(fired(page).locator(".did")).to_have_text("forgets")
        page.locator(".silence").first.click()
        expect(page.locator(".count")).to_contain_text(f"step {last - 1} of {last}")
        expect(fired(page).locator(".state")).to_have_text("GONE")

    @pytest.mark.parametrize("width", [390, 828, 1280])
    def test_states_have_room(self, opened: Open, width: int) -> None:
        for trace in (run_of(), run_of(mode="aggressive")):
            page = opened(trace, at="step=7", width=width)
            cut = "all => all.filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent)"
            assert page.locator(".mark .state").evaluate_all(cut) == []
            edges = page.locator(".spine").evaluate(
                "s => [...s.querySelectorAll('.state')].filter(e => e.getBoundingClientRect().left"
                " < s.getBoundingClientRect().left || e.getBoundingClientRect().right"
                " > s.getBoundingClientRect().right).map(e => e.textContent)"
            )
            assert edges == []

    @pytest.mark.parametrize("width", [268, 390, 828])
    def test_what_stands_beside_the_rails_does_not_overlap(self, opened: Open, width: int) -> None:
        for trace in (run_of(), run_of("lost"), run_of(mode="aggressive"), run_of(psk=OTHER_KEY)):
            page = opened(trace, width=width)
            for _ in trace["frames"]:
                page.keyboard.press("ArrowRight")
                assert page.evaluate(OVERLAPS) == []

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1280])
    def test_axe_finds_nothing(self, opened: Open, scheme: str, width: int) -> None:
        for trace, step in ((run_of("altered"), 6), (run_of("lost"), 4), (run_of(psk=OTHER_KEY), 12)):
            page = opened(trace, at=f"step={step}", width=width, scheme=scheme)
            violations = Axe().run(page).response["violations"]
            assert [(it["id"], [node["target"] for node in it["nodes"]][:3]) for it in violations] == []
