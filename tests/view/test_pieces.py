"""A protected packet's fields beside their octets, as text and as HTML; both say the same without any colour."""

from __future__ import annotations

import re

from ikelab.ipsec.coverage import Piece
from ikelab.view import pieces

PACKET = bytes(range(40))
FIELDS = (
    Piece(name="SPI", at=0, size=4, encrypted=False, covered=True, explain="Names the SA.", rfc="RFC 4303 §2.1"),
    Piece(name="Inner payload", at=4, size=20, encrypted=True, covered=True),
    Piece(name="ICV", at=24, size=16, encrypted=False, covered=False, explain="<b>The proof</b>"),
)


def test_text_has_a_row_for_each_field_and_each_sixteen_octets() -> None:
    assert pieces.text(FIELDS, PACKET).splitlines() == [
        "  at  field          encrypted  ICV covers  octets",
        "   0  SPI            –          ✓           00 01 02 03",
        "   4  Inner payload  ✓          ✓           04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13",
        "                                            14 15 16 17",
        "  24  ICV            –          –           18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27",
    ]


def test_html_has_the_same_cells_and_a_colour_for_each_fate() -> None:
    html = pieces.html(FIELDS, PACKET, "a packet")
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html)[1:]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    assert [row[:4] for row in cells] == [
        ["0", "SPI", "–", "✓"],
        ["4", "Inner payload", "✓", "✓"],
        ["24", "ICV", "–", "–"],
    ]
    assert cells[1][4] == "04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13<br>14 15 16 17"
    assert [re.search(r"background: (#\w+)", row)[1] for row in re.findall(r"<tr[^>]*>", html)[1:]] == [  # type: ignore[index]
        pieces.COVERED,
        pieces.ENCRYPTED,
        pieces.PROOF,
    ]


def test_what_fields_are_for_is_text() -> None:
    html = pieces.html(FIELDS, PACKET, "<i>")
    assert "<b>SPI</b>: Names the SA. RFC 4303 §2.1" in html
    assert "<b>The proof</b>" not in html
    assert "<i>" not in html
