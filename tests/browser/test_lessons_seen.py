"""Lessons in a real JupyterLab: every cell runs as a learner gets it, and what it should draw is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.lab import accessibility_complaints, open_lesson, run_all, shot
from tests.needs import needs

pytestmark = needs("chromium")

TALL = 12000
"""Pixels of height, so that JupyterLab, which only draws the cells in view, draws all."""

in_every_look = pytest.mark.parametrize(
    ("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390)]
)


def opened(lab_page: Callable[..., Any], lesson: str, scheme: str, width: int) -> Any:
    """The page of a lesson in which every cell has run."""
    page = lab_page(scheme=scheme, width=width, height=TALL)
    open_lesson(page, f"{lesson}.ipynb")
    run_all(page)
    page.locator(".jp-OutputArea .tabs").last.wait_for()
    shot(page, f"l{lesson[:2]}-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return page


def cell(page: Any, words: str) -> Any:
    """The cell in whose source these words are."""
    return page.locator(".jp-CodeCell", has=page.locator(".jp-InputArea", has_text=words)).first


@in_every_look
def test_diffie_hellman(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = opened(lab_page, "03_diffie_hellman", scheme, width)
    player = cell(page, 'talk = run("main")')
    assert "A listener on the wire" in player.inner_text()
    assert "The same secret on both sides" in player.inner_text()
    assert "INVALID-KEY-INFORMATION" in cell(page, "to=1)").inner_text()
    assert "? Your turn" in cell(page, "def shared").inner_text()


@in_every_look
def test_secrets(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = opened(lab_page, "04_secrets", scheme, width)
    assert "SKEYID_a | g^xy | CKY-I | CKY-R | 2" in cell(page, "recorded(").locator(".formula").first.inner_text()
    assert "K1 | K2, first 32 of 40 octets" in cell(page, "aes256-sha1").inner_text()
    assert "Messages 5 and 6 stay closed." in cell(page, "listener(talk").inner_text()
    assert "? Your turn" in cell(page, "def derive").inner_text()


@in_every_look
def test_main_mode(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = opened(lab_page, "05_main_mode", scheme, width)
    assert "KE_SENT" in cell(page, 'talk.play(view="states")').inner_text()
    assert "one of 2 offers" in cell(page, "choice.play").inner_text()
    assert "got a message from 10.99.0.1" in cell(page, "peer_address").inner_text()
    assert "PAYLOAD-MALFORMED" in cell(page, 'run("psk")').inner_text()
    assert "? Your turn" in cell(page, "def hash_r").inner_text()


@in_every_look
def test_aggressive_mode(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = opened(lab_page, "06_aggressive_mode", scheme, width)
    assert "AM_SENT" in cell(page, 'talk = run("aggressive")').inner_text()
    listener = cell(page, 'viewpoint="listener"').inner_text()
    assert "IDir" in listener
    assert "HASH_R" in listener
    assert "First write the function" in cell(page, "overhear(run").inner_text()
    assert '"swordfish", fits' in cell(page, "impostor(run").inner_text()
    assert "AUTHENTICATION-FAILED" in cell(page, 'run("psk-aggressive")').inner_text()
    assert "? Your turn" in cell(page, "def attempt").inner_text()


@in_every_look
def test_quick_mode(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = opened(lab_page, "07_quick_mode", scheme, width)
    first = cell(page, "talk.play(step=8)")
    assert "HASH(1)" in first.inner_text()
    assert "SPI" in first.inner_text()
    assert "timer: says 8 again" in cell(page, "drop=True").inner_text()
    assert "INVALID-ID-INFORMATION" in cell(page, 'run("selectors")').inner_text()
    assert "g(qm)^xy" in cell(page, "again.play").inner_text()
    robbed = cell(page, "stolen(again").inner_text()
    assert (robbed.count("✓  computes it"), robbed.count("–  lacks g(qm)^xy")) == (4, 4)
    assert "? Your turn" in cell(page, "def esp_keys").inner_text()


@in_every_look
def test_esp_and_ah(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = lab_page(scheme=scheme, width=width, height=TALL)
    open_lesson(page, "08_esp_and_ah.ipynb")
    run_all(page)
    packet = cell(page, 'sent = pair.send("ping")')
    packet.locator("table").wait_for()
    shot(page, f"l08-{scheme}-{width}")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert "84 octets have become 156" in packet.inner_text()
    assert accessibility_complaints(page, ".jp-OutputArea-output") == []
    assert packet.locator("tr", has_text="Next Header").inner_text().split()[3:5] == ["✓", "✓"]
    assert "wrong ICV" in cell(page, "sent.flipped").inner_text()
    assert cell(page, "nat_trial").inner_text().count("✓ arrives") == 3
    assert "? Your turn" in cell(page, "def icv").inner_text()


@in_every_look
def test_policies(lab_page: Callable[..., Any], scheme: str, width: int) -> None:
    page = opened(lab_page, "09_policies", scheme, width)
    assert "no SA: IKE is asked" in cell(page, 'pair = gateways("main")').inner_text()
    assert "Established" in cell(page, "pair.negotiate()").inner_text()
    assert cell(page, "for place in").inner_text().count("discarded by policy") == 3
    assert "not protected, though it should be" in cell(page, "answer.inner").inner_text()
    assert "0.0.0.0/0" in cell(page, "wide.play").inner_text()
    assert "vti0; routes: 10.3.0.0/24" in cell(page, "pair.route").inner_text()
    assert "? Your turn" in cell(page, "def fits").inner_text()
