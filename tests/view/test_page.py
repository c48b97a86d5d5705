"""A page carries all that it needs, allows nothing else, and cannot be left by what stands in a packet."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html import unescape

import pytest

from ikelab.errors import Misuse
from ikelab.view.page import page
from tests.view.sample import hostile, sample


def policy(text: str) -> dict[str, str]:
    content = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text)
    assert content
    return dict(part.strip().split(" ", 1) for part in unescape(content[1]).split(";"))


def inline(text: str, tag: str) -> list[str]:
    return re.findall(rf"<{tag}>(.*?)</{tag.split()[0]}>", text, re.DOTALL)


def test_the_policy_forbids_every_request() -> None:
    assert policy(page(sample())).keys() == {
        "default-src",
        "script-src",
        "style-src",
        "img-src",
        "base-uri",
        "form-action",
    }
    rules = policy(page(sample()))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    assert "unsafe" not in str(rules)


def test_the_policy_comes_before_anything_it_governs() -> None:
    text = page(sample())
    assert text.index("Content-Security-Policy") < min(text.index("<style"), text.index("<script"), text.index("<link"))


def test_the_policy_allows_the_script_and_the_style_that_are_there() -> None:
    text, rules = page(sample()), policy(page(sample()))
    for tag, rule in (('script type="module"', "script-src"), ("style", "style-src")):
        (content,) = inline(text, tag)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_the_traces_come_back_whole() -> None:
    first, second = sample(), hostile()
    data = inline(page(first, second), 'script type="application/json"')
    assert [json.loads(each) for each in data] == [first, second]


def test_hostile_strings_cannot_leave_their_place() -> None:
    plain, attacked = page(sample()), page(hostile())
    assert attacked.count("<script") == plain.count("<script") == 2
    assert attacked.count("</script>") == plain.count("</script>") == 2
    assert attacked.count("</noscript>") == plain.count("</noscript>") == 1
    assert not re.search(r"<img|<svg onload", attacked)
    (data,) = inline(attacked, 'script type="application/json"')
    assert not set(data) & set("<>&\u2028\u2029")


def test_nothing_is_fetched_from_elsewhere() -> None:
    text = page(sample())
    assert re.findall(r'(?:src|href)="([^"]*)"', text) == ["data:,"]
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) == {"http://www.w3.org/2000/svg"}


def test_what_is_no_trace_is_refused() -> None:
    with pytest.raises(Misuse):
        page({"format": "something else"})
