"""Holds our dissection of a conversation against tshark's: places, sizes and values, field by field."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ikelab.wire.message import Dissection, dissect, dissect_body
from tests.wire.claims import check
from tests.wire.pdml import TsharkField, TsharkSheet, run_tshark, sheets

KINDS = {
    "no octets": (
        "tshark adds remarks of its own as fields of no size: that notification data is missing, how many fragments",
        "main_rsa",
    ),
    "reserved octets of NAT-OA": (
        "RFC 3947 §5.2 draws two RESERVED fields behind the ID type; tshark shows nothing for them",
        "encap_transport",
    ),
    "data of a fragment": (
        "tshark shows a fragment's number and flags, and its data only as part of the reassembled message",
        "main_rsa4096_frag",
    ),
    "reassembly": (
        "fields that list the fragments count from the start of the reassembled message, not of their own datagram",
        "main_rsa",
    ),
}
"""How tshark's fields and our pieces may differ: why, and a conversation in which they do."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    kind: str
    frame: int
    what: str


def differences(sheet: TsharkSheet, ours: Dissection) -> Iterator[Difference]:
    """Where tshark's fields and our pieces do not agree, each of its kind; a kind of "?" is a mistake of somebody's."""
    leaves = list(ours.leaves())
    places = {(field.at, field.size) for field in sheet.fields}
    for leaf in leaves:
        if (leaf.at, leaf.size) not in places:
            above = next((top for top in ours.tree if top.at <= leaf.at < top.end), leaf)
            yield Difference(kind=_kind_of_leaf(above.name, leaf.name), frame=sheet.frame, what=f"our {leaf!r}")
    begins, ends = {leaf.at for leaf in leaves}, {leaf.end for leaf in leaves}
    for field in sheet.fields:
        within = any(leaf.at <= field.at and field.end <= leaf.end for leaf in leaves)
        if not field.size or not (within or (field.at in begins and field.end in ends)):
            yield Difference(kind=_kind_of_field(field), frame=sheet.frame, what=f"tshark's {field}")
        elif len(field.value) == 2 * field.size and field.value != ours.raw[field.at : field.end].hex():
            yield Difference(kind=_kind_of_field(field), frame=sheet.frame, what=f"the value of tshark's {field}")


def _kind_of_leaf(payload: str, name: str) -> str:
    match payload, name:
        case "NAT-OA", "RESERVED":
            return "reserved octets of NAT-OA"
        case "Fragment", "Fragment Data":
            return "data of a fragment"
    return "?"


def _kind_of_field(field: TsharkField) -> str:
    if field.name in ("isakmp.fragments", "isakmp.fragment"):
        return "reassembly"
    return "no octets" if not field.size else "?"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a comparison of a conversation came to."""

    differences: tuple[Difference, ...]
    nonsense: tuple[int, ...]
    kinds: tuple[str, ...]
    leaves: int
    fields: int


@functools.cache
def read_by_tshark(folder: Path) -> tuple[TsharkSheet, ...]:
    return tuple(sheets(run_tshark(folder)))


@functools.cache
def compare(folder: Path) -> Compared:
    found: list[Difference] = []
    nonsense, kinds, leaves, fields = [], [], 0, 0
    for sheet in read_by_tshark(folder):
        if sheet.octets is None:
            nonsense.append(sheet.frame)
            continue
        ours = dissect_body(sheet.octets, sheet.first) if sheet.kind == "decrypted" else dissect(sheet.octets)
        check(ours)
        assert ours.error is None, f"frame {sheet.frame}: {ours.error}"
        found += differences(sheet, ours)
        kinds.append(sheet.kind)
        leaves += sum(1 for _ in ours.leaves())
        fields += len(sheet.fields)
    return Compared(
        differences=tuple(found), nonsense=tuple(nonsense), kinds=tuple(kinds), leaves=leaves, fields=fields
    )
