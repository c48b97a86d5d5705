"""The static twin says what the player shows, and nothing from a packet becomes markup or a terminal command."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

import pytest

from ikelab.errors import Misuse
from ikelab.timeline import Trace
from ikelab.view import ladder, twin
from ikelab.view.narration import checked, fate, fields, payloads, summary, visible
from tests.view.runs import hostile_run, run_of
from tests.view.sample import HOSTILE, KE, hostile, sample

OTHER_KEY = b"correct horse battery stable"


class Tags(HTMLParser):
    """The elements and attributes that a browser would make."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data: str) -> None:
        self.words += data


class TestText:
    def test_the_ladder_has_every_message_in_its_direction(self) -> None:
        lines = list(ladder.lines(sample()))
        assert re.fullmatch(r"   1 \|-+ SA VID ×2 -+>\|", lines[2])
        assert re.fullmatch(r"   3 \|<-+ SA -+\|", lines[4])
        assert {len(line.split("|")[1]) for line in lines[2:]} == {ladder.TEXT_WIDTH - 2}

    def test_an_encrypted_message_lies_in_brackets_on_a_double_line(self) -> None:
        assert re.search(r"   5 \|=+ \[IDii HASH_I\] =+>\|  verified: HASH_I", twin.text(sample()))

    @pytest.mark.parametrize("trace", [run_of(psk=OTHER_KEY), run_of("copied"), run_of("altered")])
    def test_the_words_beside_a_run_are_whole_and_no_line_is_wider_than_a_notebook(self, trace: dict[str, Any]) -> None:
        lines = list(ladder.lines(trace))
        assert max(map(len, lines)) <= ladder.LINE_WIDTH
        assert {line.index("|") for line in lines[1:]} == {ladder.STATE_WIDTH + ladder.NUMBER_WIDTH}
        text = "\n".join(lines)
        for frame in trace["frames"]:
            if frame["rule"] == "REFUSE":
                assert f"refuses {frame['heard']}" in text
                assert frame["refused"]["label"] in text
        for message in trace["messages"]:
            assert all(f"erified: {verdict['name']}" in text for verdict in message["verified"] if verdict["ok"])

    def test_words_that_find_no_room_go_on_beneath_each_by_itself(self) -> None:
        trace = sample(ok=False)
        trace["messages"][-1]["fate"] = "altered"
        lines = list(ladder.lines(trace))
        above, beneath = (next(line for line in lines if word in line) for word in ("altered", "does not verify"))
        assert above.endswith("altered on the way,")
        assert above.index("altered") == beneath.index("does not")
        assert beneath[: -len("does not verify: HASH_I")].strip("| ") == ""

    def test_a_wrong_hash_and_a_repeat_are_said_in_words(self) -> None:
        text = twin.text(sample(ok=False))
        assert "does not verify: HASH_I" in text
        assert "✗ HASH_I is not right." in text
        assert "the same octets as message 1" in text
        assert "verified: HASH_I" not in text.replace("does not verify: HASH_I", "")

    def test_fields_are_listed_as_the_player_lists_them(self) -> None:
        text = twin.text(sample())
        assert re.search(r"^      Initiator Cookie +a1f49d7b5141b96b$", text, re.MULTILINE)
        assert re.search(r"^      Encryption Algorithm +AES-CBC \(7\)$", text, re.MULTILINE)
        assert "RESERVED" not in text
        assert "Attribute Type" not in text
        assert "Decrypted with Ka, IV 733ddfc1c896f9d2ce60b0ddf158db31 = hash(g^xi | g^xr)" in text

    def test_secrets_have_formula_value_and_origin(self) -> None:
        text = twin.text(sample())
        assert re.search(r"step 4 +SKEYID = prf\(PSK, Ni_b\)  \(RFC 2409 §5\)\n +(36){20}  from PSK, Ni_b", text)
        assert re.search(r"g\^xy.*\n +not recorded  from told", text)

    def test_a_long_value_is_cut(self) -> None:
        text = twin.text(sample())
        assert KE not in text
        assert f"{KE[:63]}…" in text

    def test_no_control_character_reaches_a_terminal(self) -> None:
        text = twin.text(hostile())
        assert "\\x1b[31m" in text
        assert all(line.isprintable() for line in text.split("\n"))


class TestHtml:
    def test_hostile_strings_stay_words(self) -> None:
        plain, attacked = Tags(twin.html(sample())), Tags(twin.html(hostile()))
        assert attacked.tags == plain.tags
        assert attacked.attributes == plain.attributes
        assert "script" not in attacked.tags
        for attack in HOSTILE:
            assert visible(attack) in attacked.words

    def test_it_needs_no_script_no_style_sheet_and_no_id(self) -> None:
        seen = Tags(twin.html(sample()))
        assert not seen.tags & {"script", "style", "link", "img", "iframe"}
        assert not [name for name in seen.attributes if name == "id" or name.startswith("on")]

    def test_it_holds_the_words_of_the_player(self) -> None:
        words = Tags(twin.html(sample())).words
        for expected in ("Why message 4 matters.", "10.99.0.1", "SKEYID = prf(PSK, Ni_b)", "verified: HASH_I"):
            assert expected in words

    def test_the_picture_is_well_formed(self) -> None:
        for trace in (sample(), hostile()):
            picture = ElementTree.fromstring(ladder.svg(checked(trace)))
            titles = [each.text for each in picture.iter("title")]
            assert len(titles) == 5
            assert titles[0].startswith("Message 1, initiator to responder, 80 octets")


class TestTheOtherViews:
    def test_a_run_lists_its_steps_with_states_and_refusals(self) -> None:
        text = twin.text(run_of(psk=b"correct horse battery stable"))
        assert re.search(r"^  5 +initiator +hears 4, says 5 +ID_SENT +The initiator computes", text, re.MULTILINE)
        assert re.search(r"^  6 +responder +refuses 5, says 6 +KE_SENT +The responder refuses", text, re.MULTILINE)
        assert re.search(r"^  8 +initiator +resend, says 7 +ID_SENT ", text, re.MULTILINE)

    def test_a_recording_has_no_states_to_list(self) -> None:
        assert not re.search("^Steps$", twin.text(sample()), re.MULTILINE)

    def test_who_knows_what_is_told_for_each_person(self) -> None:
        text = twin.text(run_of())
        assert re.search(r"^  SKEYID +5 +4 +never$", text, re.MULTILINE)
        assert re.search(r"^  g\^xi +3 +4 +3$", text, re.MULTILINE)
        assert re.search(r"^  x_r +never +4 +never$", text, re.MULTILINE)
        assert re.search(r"^  HASH_R +3 +2 +2$", twin.text(run_of(mode="aggressive")), re.MULTILINE)

    def test_both_ways_to_the_shared_secret_are_told(self) -> None:
        trace = run_of(ike="aes128-sha1-modp2048")
        shared = next(each["value"] for each in trace["secrets"] if each["name"] == "g^xy")
        line = next(line for line in twin.text(trace).split("\n") if line.startswith("  g^xy = "))
        assert "(g^xi) ^ x_r mod p" in line
        assert "(g^xr) ^ x_i mod p" in line
        assert shared[:40] in line

    def test_html_has_them_and_nothing_hostile(self) -> None:
        words = Tags(twin.html(run_of())).words
        for expected in ("Who knows what since which step", "Diffie-Hellman", "hears 4, says 5"):
            assert expected in words
        plain, attacked = Tags(twin.html(run_of(psk=b"correct horse battery stable"))), Tags(twin.html(hostile_run()))
        assert attacked.tags == plain.tags
        assert attacked.attributes == plain.attributes


class TestNarration:
    def test_what_is_no_trace_is_said(self) -> None:
        trace = sample()
        with pytest.raises(Misuse, match="ikelab-trace-1"):
            checked({**trace, "format": "something else"})
        with pytest.raises(Misuse, match="secrets"):
            checked({name: part for name, part in trace.items() if name != "secrets"})
        with pytest.raises(Misuse, match="list"):
            checked([trace])

    def test_a_trace_and_its_json_object_are_the_same(self) -> None:
        assert checked(Trace.from_json(sample())) == checked(sample()) == sample()

    def test_a_wrapper_of_one_part_is_left_out(self) -> None:
        def field(name: str, kind: str, depth: int, parent: int, *, leaf: bool) -> dict[str, Any]:
            place = {"name": name, "kind": kind, "depth": depth, "parent": parent, "leaf": leaf}
            return {**place, "at": 0, "size": 4, "role": "identity", "text": name}

        wrapped = [
            field("ID", "payload", 0, -1, leaf=False),
            field("Identification Data", "group", 1, 0, leaf=False),
            field("Address", "field", 2, 1, leaf=True),
        ]
        assert [each["name"] for _, each in fields({"fields": wrapped})] == ["ID", "Address"]

    def test_a_finding_is_neither_right_nor_wrong(self) -> None:
        finding = {"verified": [{"name": "NAT-D", "ok": None, "text": "a NAT is on the way"}]}
        assert fate(finding) == ["noted: NAT-D"]

    def test_a_message_without_payloads_shows_its_summary(self) -> None:
        assert payloads({"chips": [], "summary": "HDR*"}) == "HDR*"

    def test_the_summary_counts(self) -> None:
        assert summary(sample()) == "A conversation made by hand: 5 messages, 7 secrets"


def test_who_knows_says_whose_a_value_is_where_the_two_sides_differ() -> None:
    said = twin.text(run_of(psk=b"correct horse battery stable"))
    rows = {line.split("  ")[1].strip(): line.split()[-3:] for line in said.split("\n") if line.startswith("  SKEYID")}
    assert rows["SKEYID (initiator)"] == ["5", "never", "never"]
    assert rows["SKEYID (responder)"] == ["never", "4", "never"]
    assert "from PSK (responder), Ni_b, Nr_b" in said
