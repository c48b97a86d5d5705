"""How octets become a flat list of explained fields, for a datagram or for its decrypted inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ikelab.ike.listen import Followed
from ikelab.wire.fields import Span
from ikelab.wire.message import CIPHERTEXT, PADDING, TRAILING, Dissection
from ikelab.wire.records import Whole


def sheets(followed: Followed, labels: Sequence[str]) -> list[dict[str, Any]]:
    """The sheets of a message: as it travelled and, where a key opened it, what was inside.

    labels: what each payload of the innermost sheet is called.
    """
    message = followed.message
    plain = [] if followed.opened else labels
    wire = sheet(message, "Reassembled" if followed.whole else "On the wire", plain)
    if followed.opened is None:
        return [wire]
    inside = sheet(followed.opened.sheet, "Decrypted", labels)
    inside |= {"key": "Ka", "key_value": followed.opened.key.hex()}
    inside |= {"iv": followed.opened.iv.hex(), "iv_note": followed.opened.iv_from}
    return [wire, inside]


def sheet(dissection: Dissection, title: str, labels: Sequence[str]) -> dict[str, Any]:
    """One run of octets with its fields, parents before children; the leaves tile it."""
    fields: list[dict[str, Any]] = []
    names = iter(labels)
    starts = set(dissection.starts)
    for span in dissection.tree:
        is_payload = bool(span.children) and span.at in starts
        _append(fields, span, -1, 0, "", next(names, "") if is_payload else "")
    return {"title": title, "octets": dissection.raw.hex(), "key": None, "iv": None, "iv_note": None, "fields": fields}


def _append(fields: list[dict[str, Any]], span: Span, parent: int, depth: int, rfc: str, symbol: str) -> None:
    rfc = (span.error.rfc if span.error is not None else "") or span.rfc or rfc
    place = len(fields)
    fields.append(
        {
            "name": span.name,
            "symbol": symbol or (span.field.record.SYMBOL if isinstance(span.field, Whole) else ""),
            "at": span.at,
            "size": span.size,
            "depth": depth,
            "parent": parent,
            "kind": _kind(span, parent),
            "role": span.field.role,
            "text": span.text,
            "explain": span.meaning,
            "rfc": rfc,
            "leaf": not span.children,
        }
    )
    for child in span.children or ():
        _append(fields, child, place, depth + 1, rfc, "")


def _kind(span: Span, parent: int) -> str:
    if span.error is not None:
        return "error"
    if span.field is PADDING or span.field is TRAILING:
        return "padding"
    if span.field is CIPHERTEXT:
        return "ciphertext"
    if not span.children:
        return "field"
    if parent < 0:
        return "header" if isinstance(span.field, Whole) and span.field.record.SYMBOL == "HDR" else "payload"
    return "group"


def chips(followed: Followed, labels: Sequence[str]) -> list[dict[str, Any]]:
    """A message's payloads as the ladder shows them, each with its place among the fields of its sheet."""
    depth = 1 if followed.opened else 0
    inside = followed.inside
    roots = _payload_places(inside)
    return [
        {"label": label, "type": payload.type, "sheet": depth, "field": place}
        for label, payload, place in zip(labels, inside.payloads, roots, strict=False)
    ]


def _payload_places(dissection: Dissection) -> list[int]:
    places, count, starts = [], 0, set(dissection.starts)
    for span in dissection.tree:
        if span.children and span.at in starts:
            places.append(count)
        count += sum(1 for _ in span.walk())
    return places
