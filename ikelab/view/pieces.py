"""A protected packet octet by octet: its fields, which of them are encrypted, and which the ICV covers.

Colours say it a second time: the columns have a sign for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ikelab.ipsec.coverage import Piece

PER_ROW = 16
YES, NO = "✓", "–"
COVERS = "ICV covers"
ENCRYPTED, COVERED, PROOF = "#3576c940", "#15906f30", "#b4690e40"
"""Backgrounds that are light enough on white and dark enough on black: their last two digits let it shine through."""


def text(pieces: Sequence[Piece], packet: bytes, covers: str = COVERS) -> str:
    """A row for each field, and another one for each 16 octets more that it has. covers: the head of that column."""
    heads = _heads(covers)
    width = max((len(piece.name) for piece in pieces), default=0)
    lines = [f"{heads[0]:>4}  {heads[1]:<{width}}  {heads[2]}  {heads[3]}  {heads[4]}"]
    for piece in pieces:
        first, *more = _rows(packet[piece.at : piece.end])
        signs = f"{_sign(piece.encrypted):<9}  {_sign(piece.covered):<{len(covers)}}"
        lines.append(f"{piece.at:>4}  {piece.name:<{width}}  {signs}  {first}")
        lines += [f"{'':>4}  {'':<{width}}  {'':<9}  {'':<{len(covers)}}  {row}" for row in more]
    return "\n".join(lines)


def html(pieces: Sequence[Piece], packet: bytes, caption: str, covers: str = COVERS) -> str:
    """The same as a table; what each field is for can be unfolded below it."""
    heads = "".join(f'<th style="text-align: left; padding: 1px 8px">{head}</th>' for head in _heads(covers))
    rows = "".join(_row(piece, packet[piece.at : piece.end]) for piece in pieces)
    return (
        f'<div style="font-size: 12px; margin-top: 4px">{escape(caption)}</div>'
        f'<div style="overflow-x: auto" tabindex="0" role="group" aria-label="{escape(caption)}">'
        '<table style="margin: 4px 0; border-collapse: collapse; font-size: 12px">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{_explained(pieces)}"
    )


def _heads(covers: str) -> tuple[str, ...]:
    return ("at", "field", "encrypted", covers, "octets")


def _explained(pieces: Sequence[Piece]) -> str:
    """A line for each field that there is something to say of."""
    lines = "".join(
        f"<div><b>{escape(piece.name)}</b>: {escape(piece.explain)} {escape(piece.rfc)}</div>"
        for piece in pieces
        if piece.explain
    )
    return f'<details style="font-size: 12px"><summary>What each field is for</summary>{lines}</details>'


def _row(piece: Piece, octets: bytes) -> str:
    colour = ENCRYPTED if piece.encrypted else COVERED if piece.covered else PROOF if piece.name == "ICV" else ""
    style = f' style="background: {colour}"' if colour else ""
    cell = '<td style="text-align: left; vertical-align: top; padding: 1px 8px; white-space: nowrap'
    mono = "; font-family: var(--jp-code-font-family, monospace)"
    hexes = "<br>".join(_rows(octets))
    return (
        f'<tr{style}>{cell}{mono}">{piece.at}</td>{cell}">{escape(piece.name)}</td>'
        f'{cell}">{_sign(piece.encrypted)}</td>{cell}">{_sign(piece.covered)}</td>{cell}{mono}">{hexes}</td></tr>'
    )


def _rows(octets: bytes) -> Iterator[str]:
    for at in range(0, max(len(octets), 1), PER_ROW):
        yield octets[at : at + PER_ROW].hex(" ")


def _sign(holds: bool) -> str:
    return YES if holds else NO
