"""The Diffie-Hellman groups side by side: number, size, octets on the wire and strength, which do not go together.

groups              the table
groups[14]          the group of that number, to compute in; groups["modp2048"] is the same one
"""

from __future__ import annotations

from dataclasses import dataclass

from ikelab.crypto.groups import GROUPS, SWITCHED_OFF, Group, ModpGroup, group, group_by_word

VERDICTS = {
    1: "MUST NOT", 2: "SHOULD NOT", 5: "SHOULD NOT", 14: "MUST", 19: "SHOULD",
    22: "MUST NOT", 23: "SHOULD NOT", 24: "SHOULD NOT",
}  # fmt: skip
"""What RFC 8247 §2.4 says of a group; it leaves the others to taste. It is about IKEv2, which has the same groups."""

SIZES_OF_SWITCHED_OFF = {22: (1024, 160), 23: (2048, 224), 24: (2048, 256)}
"""The bits of the prime, and of the subgroup, of those that ikelab does not compute in (RFC 5114 §4)."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One group. bits: of the prime that one computes modulo. octets: of its public value. strength: in bits.

    Of a modp group it is the lower estimate of RFC 3526 §8, for groups 1 and 2 that of RFC 2412 Appendix E; of a curve
    it is half its bits.
    """

    number: int
    word: str
    kind: str
    bits: int
    octets: int
    strength: int

    def __str__(self) -> str:
        verdict = VERDICTS.get(self.number, "")
        columns = f"{self.number:>5}  {self.word:<12}  {self.kind:<5}  {self.bits:>5}  {self.octets:>6}"
        return f"{columns}  {'2^' + str(self.strength):>8}  {verdict}".rstrip()


class GroupTable:
    """All groups; one of them by its number or its word."""

    def __getitem__(self, which: int | str) -> Group:
        """The group. Raises Misuse, with those there are."""
        return group(which) if isinstance(which, int) else group_by_word(which)

    @property
    def rows(self) -> tuple[Row, ...]:
        """The groups in the order of their numbers."""
        computed_in = [_row(each) for each in GROUPS]
        known = [
            Row(
                number=number,
                word=word,
                kind="modp",
                bits=bits,
                octets=bits // 8,
                strength=_in_a_subgroup(bits, subgroup),
            )
            for number, word in SWITCHED_OFF.items()
            for bits, subgroup in [SIZES_OF_SWITCHED_OFF[number]]
        ]
        return tuple(sorted([*computed_in, *known], key=lambda row: row.number))

    def __repr__(self) -> str:
        """A line a group: what it is, what it costs on the wire, and how many steps the best known attack takes."""
        head = f"{'group':>5}  {'word':<12}  {'kind':<5}  {'bits':>5}  {'octets':>6}  {'strength':>8}  RFC 8247 §2.4"
        return "\n".join([head, *map(str, self.rows)])


def _in_a_subgroup(bits: int, subgroup: int) -> int:
    """The strength of a group that is part of another: a prime so long gives no more, and of the subgroup half its bits
    are left, by attacks that take the square root of its size.
    """
    of_the_prime = next(each.strength for each in GROUPS if isinstance(each, ModpGroup) and each.bits == bits)
    return min(of_the_prime, subgroup // 2)


def _row(each: Group) -> Row:
    bits = each.bits if isinstance(each, ModpGroup) else getattr(each, "prime", 2**255 - 19).bit_length()
    kind = "modp" if isinstance(each, ModpGroup) else "curve"
    return Row(
        number=each.number,
        word=each.word,
        kind=kind,
        bits=bits,
        octets=each.public_size,
        strength=each.strength,
    )


groups = GroupTable()
