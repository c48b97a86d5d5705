"""What the player draws of a message and of a secret, and the ways between them."""

from __future__ import annotations

from playwright.sync_api import expect

from ikelab import run
from tests.browser.lab import shot
from tests.browser.player_page import INITIATOR, INK, SECRET_TINT, Open, lit, row, step_is, style
from tests.needs import needs
from tests.view.runs import run_of
from tests.view.sample import sample

pytestmark = needs("chromium")

OFFSETS = """view => [...view.querySelectorAll('.sheet')].flatMap(sheet => {
    const octets = [...sheet.querySelectorAll('.octet')];
    return [...sheet.querySelectorAll('.offset')].filter(e => e.offsetParent)
        .map(e => [parseInt(e.textContent, 16), octets.indexOf(e.nextElementSibling.firstChild)]);
})"""
"""What each offset that is shown says, and the place of the octet beside it."""


class TestOctets:
    def test_the_most_telling_field_is_lit_first(self, opened: Open) -> None:
        assert lit(opened(at="step=5")) == (["9f"] * 20, ["Hash Data"])
        assert lit(opened(at="step=1")) == (["80", "01", "00", "07"], ["Encryption Algorithm"])

    def test_an_octet_lights_its_field_and_its_cell(self, opened: Open) -> None:
        page = opened(at="step=1")
        page.locator(".octet").nth(19).click()
        assert lit(page) == (["00"], ["Flags"])
        expect(page.locator(".explain .path b")).to_have_text("Flags")
        (cell,) = [each for each in page.locator(".cell").all() if style(each, "backgroundColor") == INITIATOR]
        expect(cell).to_have_text("Flags")
        expect(page.locator(".explain")).to_contain_text("What Flags is for.")
        expect(page.locator(".explain")).to_contain_text("RFC 2408 §3.1; octet 19")

    def test_a_field_and_a_cell_light_their_octets(self, opened: Open) -> None:
        page = opened(at="step=3")
        page.get_by_role("option", name="Responder Cookie").click()
        assert lit(page) == (["49", "f0", "aa", "6d", "bd", "5b", "97", "0c"], ["Responder Cookie"])
        page.get_by_role("button", name="Initiator Cookie").click()
        assert lit(page) == (["a1", "f4", "9d", "7b", "51", "41", "b9", "6b"], ["Initiator Cookie"])

    def test_hovering_an_octet_shows_the_field_without_choosing_it(self, opened: Open) -> None:
        page = opened(at="step=5")
        before = lit(page)
        page.locator(".octet").nth(3).hover()
        hot = page.locator(".hot")
        assert sorted(hot.evaluate_all("all => all.map(e => e.className.split(' ')[0])")) == ["field"] + ["octet"] * 8
        expect(page.locator(".explain .path b")).to_have_text("Initiator Cookie")
        assert lit(page) == before
        page.locator(".title").hover()
        expect(hot).to_have_count(0)
        expect(page.locator(".explain .path b")).to_have_text("Hash Data")

    def test_keys_walk_the_fields_and_the_octets_follow(self, opened: Open) -> None:
        page = opened(at="step=3")
        listbox = page.get_by_role("listbox")
        listbox.focus()
        page.keyboard.press("Home")
        for _ in range(2):
            page.keyboard.press("ArrowDown")
        assert lit(page)[1] == ["Responder Cookie"]
        active = listbox.get_attribute("aria-activedescendant")
        expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")
        expect(page.locator(f"#{active}")).to_contain_text("Responder Cookie")
        step_is(page, 3)

    def test_keys_walk_the_octets_and_the_fields_follow(self, opened: Open) -> None:
        page = opened(at="step=3")
        page.get_by_role("group", name="Octets of message 3").focus()
        page.keyboard.press("Home")
        assert lit(page)[1] == ["Initiator Cookie"]
        for _ in range(2):
            page.keyboard.press("ArrowDown")
        octets, fields = lit(page)
        assert octets == ["01"]
        assert fields == ["ISAKMP Header"], "plumbing is not listed: the structure around it is lit"
        expect(page.locator(".explain .path b")).to_have_text("Next Payload")

    def test_before_anything_is_said_the_reading_begins_at_the_beginning(self, opened: Open) -> None:
        page = opened(run_of(), at="step=0")
        assert lit(page)[1] == ["ISAKMP Header"]
        assert page.locator(".fields").evaluate("e => e.scrollTop") == 0

    def test_it_is_said_why_the_answer_stays_unauthenticated(self, opened: Open) -> None:
        page = opened(run_of(), at="step=2")
        remark = page.locator(".remark", has_text="cover the initiator's SA payload alone")
        expect(remark).to_have_count(1)
        page.locator(".next").click()
        expect(remark).to_have_count(0)

    def test_a_message_laid_open_before_is_shown_as_it_was_built(self, opened: Open) -> None:
        page = opened(run_of(), at="step=5")
        page.evaluate("document.querySelector('.sheet').dataset.side = 'mine'")
        for key in ("ArrowLeft", "ArrowRight"):
            page.locator(".next").focus()
            page.keyboard.press(key)
        expect(page.locator(".sheet[data-side='mine']")).to_have_count(1)
        assert lit(page)[1] == ["Hash Data"]

    def test_plumbing_is_listed_when_asked_for(self, opened: Open) -> None:
        page = opened(at="step=1")
        expect(page.get_by_role("option", name="RESERVED")).to_have_count(0)
        page.get_by_label("lengths and reserved octets too").check()
        expect(page.get_by_role("option", name="RESERVED")).to_have_count(3)
        expect(page.get_by_role("option", name="Attribute Type")).to_have_count(2)

    def test_decrypted_octets_lie_under_a_lid_that_names_key_and_iv(self, opened: Open) -> None:
        page = opened(at="step=5")
        lid = page.locator(".lid")
        expect(lid).to_contain_text("Opened with Ka")
        expect(lid).to_contain_text("IV = hash(g^xi | g^xr)")
        assert style(lid, "backgroundColor") == SECRET_TINT
        assert "repeating-linear-gradient" in style(page.locator(".octet", has_text="5a").first, "backgroundImage")
        lid.get_by_role("button", name="Ka").click()
        expect(page.locator(".formula")).to_have_text("Ka = first 16 octets of SKEYID_e")

    def test_without_a_key_the_lid_is_shut(self, opened: Open) -> None:
        trace = sample()
        closed = trace["messages"][4]
        closed |= {"sheets": closed["sheets"][:1], "chips": [], "verified": []}
        page = opened(trace, at="step=5")
        expect(page.locator(".lid.shut")).to_contain_text("No key opens this here")
        expect(row(page, 5).locator(".chip")).to_have_text("48 octets")

    def test_a_long_value_is_folded_and_opens(self, opened: Open) -> None:
        page = opened(at="step=4")
        total = 28 + 260 + 20
        fold = page.get_by_role("button", name="octets folded")
        hidden = int(fold.inner_text().split()[0])
        assert page.locator(".octet").count() == total - hidden
        assert hidden >= 96
        fold.click()
        assert page.locator(".octet").count() == total
        assert (
            page.locator(".octet").evaluate_all("all => all.map(e => e.textContent).join('')")
            == (sample()["messages"][3]["sheets"][0]["octets"])
        )

    def test_the_offsets_are_those_of_the_octets_beside_them(self, opened: Open) -> None:
        for width in (1280, 852):
            page = opened(at="step=5", width=width)
            pairs = page.locator(".octets").evaluate(OFFSETS)
            assert len(pairs) > 8
            assert all(offset == index for offset, index in pairs)

    def test_the_figure_is_32_bits_wide(self, opened: Open) -> None:
        page = opened(at="step=3&field=0.5")
        widths = {each.inner_text(): each.bounding_box() for each in page.locator(".cell").all()}
        box = page.locator(".figure").bounding_box()
        assert box
        octet = widths["Version"]["width"]
        assert abs(octet * 4 - box["width"]) < 4
        assert abs(widths["Message ID"]["width"] - box["width"]) < 4
        assert widths["Version"]["y"] == widths["Flags"]["y"] != widths["Length"]["y"]


class TestSecrets:
    def test_after_message_4_both_have_the_root_of_all_keys(self, opened: Open) -> None:
        """The picture main_mode.png of README."""
        page = opened(run("main").trace.to_json(), at="step=5&view=secrets&secret=SKEYID")
        expect(page.locator(".formula")).to_have_text("SKEYID = prf(PSK, Ni_b | Nr_b)")
        expect(page.locator(".recipe")).to_contain_text("Initiator since step 5, Responder since step 4")
        assert page.locator(".foot").evaluate("e => e.getBoundingClientRect().bottom") <= 900
        shot(page, "main_mode")

    def test_a_formula_walks_back_to_the_pre_shared_key(self, opened: Open) -> None:
        page = opened(at="step=5&view=secrets")
        formula = page.locator(".formula")
        expect(formula).to_have_text("Ka = first 16 octets of SKEYID_e")
        for name in ("SKEYID_e", "SKEYID", "PSK"):
            formula.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(".recipe")).to_contain_text('"correct horse"')
        way = page.get_by_role("group", name="The way here")
        expect(way.get_by_role("button")).to_have_text(["Ka", "SKEYID_e", "SKEYID"])
        way.get_by_role("button", name="SKEYID_e").click()
        expect(formula).to_have_text("SKEYID_e = prf(SKEYID, g^xy | 2)")

    def test_the_other_sides_way_to_the_same_value_is_told_too(self, opened: Open) -> None:
        page = opened(run_of(ike="aes128-sha1-modp2048"), at="step=5&view=secrets&secret=g^xy")
        expect(page.locator(".formula")).to_have_text("g^xy = (g^xi) ^ x_r mod p")
        other = page.locator(".other-way")
        expect(other).to_have_text("the initiator's way: (g^xr) ^ x_i mod p")
        expect(page.locator(".values .input")).to_have_text(["g^xi", "x_r", "g^xr", "x_i"])
        other.get_by_role("button", name="x_i").click()
        expect(page.locator(".formula")).to_contain_text("x_i")
        expect(page.locator("path.used")).to_have_count(2)  # into g^xi and into g^xy

    def test_an_origin_leads_to_the_octets(self, opened: Open) -> None:
        page = opened(at="step=5&view=secrets&secret=SKEYID")
        page.locator(".values").get_by_role("button", name="message 4").click()
        expect(page.locator(".octets .head")).to_contain_text("Message 4")
        assert lit(page) == (["be"] * 16, ["Nonce Data"])
        page.locator(".explain").get_by_role("button", name="Ni_b").click()
        expect(page.locator(".recipe")).to_contain_text("What Ni_b is for.")

    def test_only_the_lines_of_the_chosen_secret_are_drawn(self, opened: Open) -> None:
        page = opened(at="step=5&view=secrets&secret=SKEYID")
        made, used = page.locator("path.made"), page.locator("path.used")
        expect(made).to_have_count(2)
        expect(used).to_have_count(1)
        assert style(made.first, "strokeDasharray") == "none"
        assert style(used.first, "strokeDasharray") != "none"
        names = {each.inner_text(): each.bounding_box() for each in page.locator(".secret-node").all()}
        starts = [
            each.evaluate(
                "e => { const p = e.getPointAtLength(0).matrixTransform(e.getScreenCTM()); return [p.x, p.y]; }"
            )
            for each in made.all()
        ]
        for name, (x, y) in zip(("PSK", "Ni_b"), starts, strict=True):
            box = names[name]
            assert abs(x - box["x"] - box["width"]) < 2
            assert abs(y - box["y"] - box["height"] / 2) < 2

    def test_what_is_not_known_yet_and_what_nobody_wrote_down_is_said(self, opened: Open) -> None:
        page = opened(at="step=3&view=secrets&secret=SKEYID_e")
        node = page.locator(".secret-node", has_text="SKEYID_e")
        assert style(node, "borderTopStyle") == "dotted" or style(node, "backgroundColor") == INK
        expect(page.locator(".recipe")).to_contain_text("not known before step 4")
        assert page.locator(".hex").first.inner_text() == "not known yet"
        page.locator(".next").click()
        expect(page.locator(".recipe")).to_contain_text("not recorded")
        assert style(page.locator(".secret-node", has_text="PSK"), "backgroundColor") == SECRET_TINT

    def test_a_value_can_be_copied(self, opened: Open) -> None:
        page = opened(at="step=5&view=secrets&secret=SKEYID", permissions=["clipboard-read", "clipboard-write"])
        page.locator(".recipe").get_by_role("button", name="copy").click()
        expect(page.locator(".recipe").get_by_role("button", name="copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "36" * 20

    def test_the_payloads_that_feed_the_chosen_secret_are_golden(self, opened: Open) -> None:
        page = opened(at="step=5&view=secrets&secret=SKEYID")
        golden = [
            chip.inner_text()
            for chip in page.locator(".row .chip").all()
            if style(chip, "backgroundColor") == SECRET_TINT
        ]
        assert golden == ["Ni"]
