"""The table of groups says of each what the engine computes in, and what the RFCs say of it."""

from __future__ import annotations

import re

import pytest

from ikelab.course import groups
from ikelab.course.group_table import SIZES_OF_SWITCHED_OFF, VERDICTS
from ikelab.crypto.groups import GROUPS, SWITCHED_OFF, ModpGroup
from ikelab.errors import Misuse
from tests.needs import needs, rfc_dir


def test_a_group_is_found_by_number_and_by_word() -> None:
    assert groups[14] is groups["modp2048"]
    with pytest.raises(Misuse, match="expected one of"):
        groups["modp2047"]
    with pytest.raises(Misuse, match="small subgroups"):
        groups[22]


def test_it_has_every_group_once_in_the_order_of_numbers() -> None:
    numbers = [row.number for row in groups.rows]
    assert numbers == sorted({each.number for each in GROUPS} | SWITCHED_OFF.keys())
    assert len(repr(groups).splitlines()) == len(numbers) + 1


def test_octets_are_those_of_a_public_value() -> None:
    assert {row.number: row.octets for row in groups.rows if row.number not in SWITCHED_OFF} == {
        each.number: each.public_size for each in GROUPS
    }
    assert {row.number: row.bits for row in groups.rows}[31] == 255
    assert all(row.bits == each.bits for row in groups.rows for each in GROUPS
               if isinstance(each, ModpGroup) and each.number == row.number)  # fmt: skip


@needs("rfc-texts")
class TestTheRfcsSaySo:
    def test_rfc_8247_section_2_4(self) -> None:
        text = (rfc_dir() / "rfc8247.txt").read_text("utf-8", errors="replace")
        table = text[text.index("2.4.  Type 4") : text.index("2.5.  Summary")]
        said = dict(re.findall(r"^ +\| (\d+) +\|.*\| ([A-Z ]+?) +\|$", table, re.MULTILINE))
        assert {int(number): verdict for number, verdict in said.items()} == VERDICTS

    def test_rfc_5114_section_4(self) -> None:
        text = (rfc_dir() / "rfc5114.txt").read_text("utf-8", errors="replace")
        said = re.findall(r"^ +(\d+)-bit MODP with (\d+)-bit Prime Subgroup +\|", text, re.MULTILINE)
        assert [(int(bits), int(subgroup)) for bits, subgroup in said] == list(SIZES_OF_SWITCHED_OFF.values())

    def test_rfc_3526_section_8(self) -> None:
        text = (rfc_dir() / "rfc3526.txt").read_text("utf-8", errors="replace")
        said = re.findall(r"^ +\| +(\d+) +\| +\d+-bit \| +(\d+) \|", text, re.MULTILINE)
        assert len(said) == 6
        strength = {row.number: row.strength for row in groups.rows}
        assert [strength[int(number)] for number, _ in said] == [int(bits) for _, bits in said]


@pytest.mark.parametrize(("number", "like"), [(22, 2), (23, 14), (24, 14)])
def test_a_small_subgroup_makes_no_group_stronger(number: int, like: int) -> None:
    row = {row.number: row for row in groups.rows}
    assert row[number].bits == row[like].bits
    assert row[number].strength <= row[like].strength
