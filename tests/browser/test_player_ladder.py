"""How the player is driven, and how its ladder is drawn at each step."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.player_page import BAD, INITIATOR, RESPONDER, Open, lines, row, step_is, style
from tests.needs import needs
from tests.view.runs import run_of
from tests.view.sample import sample

pytestmark = needs("chromium")


class TestStepping:
    def test_a_step_draws_past_now_and_later_differently(self, opened: Open) -> None:
        page = opened()
        assert {line.split()[1] for line in lines(page)} == {"dotted"}
        page.get_by_role("button", name="Next", exact=True).click()
        assert lines(page)[0] == "4px solid"
        page.get_by_role("button", name="Next", exact=True).click()
        page.get_by_role("button", name="Next", exact=True).click()
        step_is(page, 3)
        drawn = lines(page)
        assert drawn[:3] == ["2px solid", "2px dashed", "4px solid"]
        assert all("dotted" in line for line in drawn[3:])
        assert style(row(page, 3).locator(".wire"), "borderTopColor") == RESPONDER
        assert style(row(page, 1).locator(".wire"), "borderTopColor") == INITIATOR

    def test_the_rails_are_solid_as_far_as_the_conversation_has_come(self, opened: Open) -> None:
        page = opened(at="step=3")
        assert [style(row(page, n), "borderLeftStyle", "::before") for n in (1, 3, 4)] == ["solid", "solid", "dotted"]

    def test_buttons_and_keys_agree(self, opened: Open) -> None:
        page = opened()
        page.get_by_role("button", name="Next", exact=True).focus()
        for key, step in (
            ("ArrowRight", 1),
            ("ArrowRight", 2),
            ("ArrowLeft", 1),
            ("End", 5),
            ("ArrowRight", 5),
            ("Home", 0),
        ):
            page.keyboard.press(key)
            step_is(page, step)
        for name, step in (("Last step (End)", 5), ("Back (left arrow)", 4), ("First step (Home)", 0)):
            page.get_by_role("button", name=name).click()
            step_is(page, step)

    def test_the_slider_steps_and_says_where_it_is(self, opened: Open) -> None:
        page = opened()
        slider = page.get_by_role("slider", name="Step")
        slider.fill("4")
        step_is(page, 4)
        assert slider.get_attribute("aria-valuetext") == "4 of 5"
        box = slider.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 2 + 4, box["y"] + box["height"] / 2)
        step_is(page, 3)

    def test_caption_and_status_say_what_happens_and_why(self, opened: Open) -> None:
        page = opened(at="step=4")
        expect(page.locator(".what")).to_have_text("What happens in message 4.")
        expect(page.locator(".why")).to_have_text("Why message 4 matters.")
        page.keyboard.press("Tab")
        expect(page.get_by_role("status").last).to_contain_text("Step 4 of 5. Message 4, Main Mode.")
        page.get_by_role("button", name="First step (Home)").click()
        expect(page.locator(".what")).to_have_text("Nothing has been said yet.")
        expect(page.locator(".why")).to_have_text("Five messages between nobody and nobody.")

    def test_a_message_still_to_come_is_a_way_to_its_step(self, opened: Open) -> None:
        page = opened(at="step=1")
        row(page, 4).get_by_role("button", name="Message 4").click()
        step_is(page, 4)
        row(page, 1).get_by_role("button", name="Message 1").click()
        step_is(page, 4)
        expect(page.locator(".octets .head")).to_contain_text("Message 1")

    def test_the_focus_stays_while_stepping(self, opened: Open) -> None:
        page = opened(at="step=4")
        page.get_by_role("listbox").focus()
        for key in ("ArrowLeft", "ArrowRight", "End", "Home"):
            page.keyboard.press(key)
            assert page.evaluate("document.activeElement.getAttribute('role')") in ("listbox",)
            if key in ("End", "Home"):
                break

    def test_on_a_wide_page_nothing_jumps(self, opened: Open) -> None:
        for view in ("octets", "states", "secrets", "people", "hellman"):
            page = opened(at=f"view={view}")
            places = set()
            for _ in range(6):
                boxes = [page.locator(name).first.bounding_box() for name in (".stage", ".tabs", ".foot")]
                places.add(tuple((box["x"], box["y"]) for box in boxes if box))
                page.keyboard.press("ArrowRight") if page.locator(":focus").count() else page.locator(".next").click()
            assert len(places) == 1

    @pytest.mark.parametrize("width", [390, 700, 828, 1280])
    def test_not_even_where_captions_are_long(self, opened: Open, width: int) -> None:
        trace = run_of(psk=b"correct horse battery stable")
        page = opened(trace, width=width)
        heights = set()
        for _ in trace["frames"]:
            page.keyboard.press("ArrowRight")
            heights.add(page.locator(".stage").bounding_box()["y"])  # type: ignore[index]
        assert len(heights) == 1
        cut = page.locator(".caption").evaluate("e => e.scrollHeight > e.clientHeight + 1")
        assert not cut

    def test_on_a_phone_the_views_begin_in_sight_and_the_second_sentence_unfolds(self, opened: Open) -> None:
        page = opened(run_of(psk=b"correct horse battery stable"), at="step=6", width=390)
        tabs, why = page.locator(".tabs"), page.locator(".why")
        assert tabs.bounding_box()["y"] < 580  # type: ignore[index]
        expect(why).to_be_hidden()
        more = page.get_by_role("button", name="Why it matters")
        more.click()
        expect(why).to_be_visible()
        expect(more).to_have_attribute("aria-expanded", "true")
        unfolded = tabs.bounding_box()
        page.locator(".next").click()
        assert tabs.bounding_box() == unfolded

    def test_choosing_a_view_moves_no_tab(self, opened: Open) -> None:
        page = opened(run_of(), at="step=4")
        places = set()
        for number in "12345":
            page.keyboard.press(number)
            tabs = page.locator(".tabs button").evaluate_all("all => all.map(e => e.getBoundingClientRect().x).join()")
            foot = page.locator(".foot").bounding_box()
            assert foot
            places.add((tabs, foot["y"]))
        assert len(places) == 1


class TestLadder:
    def test_a_payload_is_dashed_until_a_hash_covers_it(self, opened: Open) -> None:
        page = opened(at="step=4")
        chip = row(page, 1).locator(".chip").first
        assert style(chip, "borderTopStyle") == "dashed"
        expect(chip).to_have_attribute("title", "not authenticated: no hash that covers it has been checked yet")
        page.locator(".next").click()
        assert style(chip, "borderTopStyle") == "solid"
        expect(chip).to_have_attribute("title", "authenticated: covered by HASH_I")
        assert style(row(page, 1).locator(".chip").nth(1), "borderTopStyle") == "dashed", "no hash covers a vendor ID"
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Back (left arrow)").click()
        assert style(chip, "borderTopStyle") == "dashed"

    def test_a_wrong_hash_is_said_in_words_and_vouches_for_nothing(self, opened: Open) -> None:
        page = opened(sample(ok=False), at="step=5")
        tag = row(page, 5).locator(".tag")
        expect(tag).to_have_text("HASH_I")
        assert style(tag, "color") == BAD
        expect(row(page, 5).get_by_role("button", name="HASH_I does not verify")).to_be_visible()
        expect(page.locator(".verdict")).to_have_text("HASH_I does not verify")
        expect(page.locator(".explain")).to_contain_text("HASH_I is not right.")
        assert {style(chip, "borderTopStyle") for chip in page.locator(".row .chip").all()} == {"dashed"}

    def test_a_right_hash_is_said_in_words(self, opened: Open) -> None:
        page = opened(at="step=5")
        expect(page.locator(".verdict")).to_have_text("HASH_I verified")
        expect(row(page, 5).get_by_role("button", name="HASH_I verified")).to_be_visible()

    def test_encrypted_payloads_lie_in_a_hatched_tray(self, opened: Open) -> None:
        page = opened(at="step=5")
        assert "repeating-linear-gradient" in style(row(page, 5).locator(".tray"), "backgroundImage")
        expect(row(page, 4).locator(".tray")).to_have_count(0)

    def test_a_repeat_is_dashed_and_says_so(self, opened: Open) -> None:
        page = opened(at="step=3")
        expect(row(page, 2).locator(".tag")).to_have_text("same octets again")
        assert "dashed" in lines(page)[1]

    def test_what_was_learned_leads_to_where_it_comes_from(self, opened: Open) -> None:
        page = opened(at="step=4")
        row(page, 4).locator(".learned").first.get_by_role("button", name="SKEYID").click()
        expect(page.locator(".formula")).to_have_text("SKEYID = prf(PSK, Ni_b)")

    def test_one_tab_stop_and_arrows_between_messages(self, opened: Open) -> None:
        page = opened(at="step=3")
        stops = page.locator(".spine button[tabindex='0']")
        expect(stops).to_have_count(1)
        stops.focus()
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
        assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("Message 1 ")
        expect(page.locator(".spine button[tabindex='0']")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator(".octets .head")).to_contain_text("Message 1")

    def test_exchanges_fold_and_a_long_conversation_starts_folded(self, opened: Open) -> None:
        trace = sample()
        long: list[dict[str, Any]] = []
        for n in range(1, 61):
            exchange = {"exchange": 32, "exchange_name": "Quick Mode", "message_id": f"{(n + 2) // 3:08x}"}
            long.append({**trace["messages"][(n - 1) % 3], **exchange, "n": n, "retransmission_of": None})
        frames = [{**trace["frames"][0], "step": n, "said": [n]} for n in range(1, 61)]
        page = opened({**trace, "messages": long, "frames": frames, "secrets": []}, at="step=30")
        visible = page.locator(".row:visible")
        expect(visible).to_have_count(3)
        title = page.get_by_role("button", name="Quick Mode 00000001")
        expect(title).to_have_attribute("aria-expanded", "false")
        title.click()
        expect(visible).to_have_count(6)
        expect(title).to_have_attribute("aria-expanded", "true")
