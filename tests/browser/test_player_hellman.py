"""The numbers of a Diffie-Hellman exchange as they are drawn, and who is shown to know what."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from ikelab.crypto.groups import group_by_word
from ikelab.view.narration import titles
from tests.browser.player_page import SECRET_TINT, Open, style
from tests.needs import needs
from tests.view.runs import run_of

pytestmark = needs("chromium")

OTHER_KEY = b"correct horse battery stable"
MODP = {"ike": "aes128-sha1-modp2048"}
SPY = "rgb(179, 56, 159)"
GOLD = "rgb(185, 137, 0)"


def lane(page: Page, side: str) -> Locator:
    return page.locator(f".deal .lane[data-side='{side}']")


def numbers(page: Page, side: str) -> list[str]:
    return lane(page, side).locator("button.number-shown").all_text_contents()


class TestThisRun:
    def test_both_sides_show_their_own_way_to_the_same_secret(self, opened: Open) -> None:
        trace = run_of(**MODP)
        value = {each["name"]: each["value"] for each in trace["secrets"]}
        page = opened(trace, at="step=5&view=hellman")
        assert numbers(page, "initiator") == [value[name] for name in ("x_i", "g^xi", "g^xr", "g^xy")]
        assert numbers(page, "responder") == [value[name] for name in ("x_r", "g^xr", "g^xi", "g^xy")]
        expect(lane(page, "initiator")).to_contain_text("(g^xr) ^ x_i mod p")
        expect(lane(page, "responder")).to_contain_text("(g^xi) ^ x_r mod p")
        expect(page.locator(".group")).to_contain_text("Group 14")
        prime = page.locator(".group .number-shown")
        prime.click()
        group = group_by_word("modp2048")
        expect(prime).to_have_text(f"{group.prime:x}")  # type: ignore[attr-defined]
        secret = lane(page, "initiator").locator(".is-secret").first
        assert style(secret, "backgroundColor") == SECRET_TINT

    def test_the_browser_computes_both_powers_itself(self, opened: Open) -> None:
        page = opened(run_of(**MODP), at="step=5&view=hellman")
        page.get_by_role("button", name="compute both here").click()
        expect(page.locator(".equal")).to_contain_text(re.compile(r"both powers are g\^xy; \d+ ms"))

    def test_a_value_is_shown_when_its_side_has_it(self, opened: Open) -> None:
        page = opened(run_of(**MODP), at="step=4&view=hellman")
        assert len(numbers(page, "initiator")) == 2
        assert len(numbers(page, "responder")) == 4
        expect(page.locator(".equal")).to_contain_text("not yet")

    def test_the_listener_lacks_what_was_never_sent(self, opened: Open) -> None:
        page = opened(run_of(**MODP), at="step=5&view=hellman")
        expect(page.locator(".wiretap")).to_contain_text("has p, g, g^xi, g^xr. It lacks x_i and x_r.")
        assert style(page.locator(".wiretap"), "borderTopColor") == SPY

    def test_a_quick_mode_with_pfs_has_numbers_of_its_own(self, opened: Open) -> None:
        trace = run_of(esp="aes128-sha1-modp2048")
        page = opened(trace, at=f"step={len(trace['frames'])}&view=hellman")
        chosen = page.locator(".hellman .choice[aria-pressed='true']")
        expect(chosen).to_contain_text("Quick Mode")
        expect(page.locator(".wiretap")).to_contain_text("even the public values travel encrypted")
        page.locator(".hellman .choice", has_text="Phase 1").click()
        expect(page.locator(".group")).to_contain_text("Group 31: Curve25519")
        expect(lane(page, "initiator")).to_contain_text("X25519(x_i, g^xr)")

    def test_a_recording_says_that_it_has_no_exponents(self, opened: Open) -> None:
        page = opened(at="step=5&view=hellman")
        expect(lane(page, "initiator")).to_contain_text("not in this trace: whoever draws it tells nobody")
        expect(page.get_by_role("button", name="compute both here")).to_have_count(0)


class TestToyGroup:
    def test_sliders_change_all_that_follows(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5&view=hellman")
        page.locator(".hellman .choice", has_text="toy").click()
        page.get_by_label("private exponent x_i").fill("100")
        page.get_by_label("private exponent x_r").fill("77")
        group = group_by_word("toy")
        prime = group.prime  # type: ignore[attr-defined]
        secret = str(pow(2, 7700, prime))
        for side in ("initiator", "responder"):
            expect(lane(page, side).locator("b.number-shown").last).to_have_text(secret)
        expect(lane(page, "initiator")).to_contain_text(f"2^100 mod {prime} = {pow(2, 100, prime)}")

    @pytest.mark.parametrize("motion", ["reduce", "no-preference"])
    def test_the_listener_finds_the_exponent_by_trying(self, opened: Open, motion: str) -> None:
        page = opened(run_of(), at="view=hellman", reduced_motion=motion)
        page.locator(".hellman .choice", has_text="toy").click()
        page.get_by_label("private exponent x_i").fill("4321")
        page.get_by_role("button", name="search for x_i").click()
        expect(page.locator(".tries")).to_contain_text("4321 tries")


def cell(page: Page, name: str, person: str) -> Locator:
    heads = page.get_by_role("button", name=name, exact=True)
    return page.locator(".people tbody tr").filter(has=heads).first.locator(f"td.{person} .since")


class TestWhoKnows:
    def test_each_side_knows_a_value_since_its_own_step(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5&view=people")
        known = {person: cell(page, "SKEYID", person).inner_text() for person in ("initiator", "responder", "listener")}
        assert known == {"initiator": "5", "responder": "4", "listener": "–"}
        assert cell(page, "PSK", "responder").inner_text() == "0"
        assert cell(page, "g^xi", "listener").inner_text() == "3"
        assert cell(page, "x_i", "responder").inner_text() == "–"

    def test_what_is_new_has_a_gold_frame(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5&view=people")
        assert style(cell(page, "SKEYID", "initiator"), "outlineColor") == GOLD
        assert style(cell(page, "SKEYID", "initiator"), "outlineStyle") == "solid"
        assert style(cell(page, "SKEYID", "responder"), "outlineStyle") == "none"

    def test_the_listener_computes_what_needs_no_secret(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5&view=people")
        assert cell(page, "IV", "listener").inner_text() == "4"
        expect(page.locator(".summary")).to_contain_text("none that is secret")

    def test_in_aggressive_mode_the_proof_is_there_for_anyone(self, opened: Open) -> None:
        page = opened(run_of(mode="aggressive"), at="step=3&view=people")
        assert cell(page, "HASH_R", "listener").inner_text() == "2"
        assert cell(page, "IDii_b", "listener").inner_text() == "1"

    def test_a_leaked_secret_opens_what_follows_from_it(self, opened: Open) -> None:
        page = opened(run_of(), at="step=11&view=people")
        assert cell(page, "Ka", "listener").inner_text() == "–"
        page.get_by_label("if the listener also had").select_option(label="PSK")
        assert cell(page, "SKEYID", "listener").inner_text() == "4"
        expect(page.locator(".summary")).to_contain_text(": PSK, which it was given, and 1 more that follows from it.")
        assert cell(page, "Ka", "listener").inner_text() == "–", "it takes g^xy as well"
        page.get_by_label("if the listener also had").select_option(label="SKEYID_e")
        assert style(cell(page, "Ka", "listener"), "color") == SPY
        page.get_by_label("if the listener also had").select_option(label="x_i")
        assert cell(page, "g^xy", "listener").inner_text() == "4"

    def test_where_the_two_sides_differ_it_is_said_whose_a_value_is(self, opened: Open) -> None:
        page = opened(run_of(psk=OTHER_KEY), at="step=6&view=people")
        named = page.locator(".people tbody th").all_inner_texts()
        assert len(set(named)) == len(named)
        for name in ("PSK", "SKEYID", "Ka"):
            assert {f"{name} (initiator)", f"{name} (responder)"} <= set(named)
            assert name not in named
        assert cell(page, "SKEYID (initiator)", "initiator").inner_text() == "5"
        assert cell(page, "SKEYID (initiator)", "responder").inner_text() == "–"
        assert "PSK (responder)" in page.get_by_label("if the listener also had").inner_text()

    def test_values_of_two_exchanges_are_told_apart(self, opened: Open) -> None:
        page = opened(run_of(), at="view=people")
        named = page.locator(".people tbody th").all_inner_texts()
        assert named == list(titles(run_of()).values()), "the static twin says the same"
        assert len(set(named)) == len(named)

    def test_what_a_side_could_not_open_it_does_not_know(self, opened: Open) -> None:
        refused = opened(run_of(psk=OTHER_KEY), at="step=6&view=people")
        assert cell(refused, "IDii_b", "initiator").inner_text() == "5"
        assert cell(refused, "IDii_b", "responder").inner_text() == "–"
        opening = opened(run_of(), at="step=6&view=people")
        assert cell(opening, "IDii_b", "responder").inner_text() == "6"

    def test_a_value_leads_to_where_it_comes_from(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5&view=people")
        page.get_by_role("button", name="SKEYID", exact=True).last.click()
        expect(page.locator(".formula")).to_contain_text("SKEYID = prf(")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing(opened: Open, scheme: str, width: int) -> None:
    for view in ("hellman", "people"):
        page = opened(run_of(**MODP), at=f"step=5&view={view}", width=width, scheme=scheme)
        violations = Axe().run(page).response["violations"]
        assert [(it["id"], [node["target"] for node in it["nodes"]][:3]) for it in violations] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
