"""What a number on the wire is called, and why even a number nobody has registered gets a name.

A registry is a class of `Number`s: each member carries the name its RFC prints and one sentence on what it means.
Asking a registry for a number it does not list is no mistake: the answer is a pseudo-member that says which range the
number falls into (`Notify(9999).label == "NotifyType 9999 (private use)"`).
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import ClassVar, NamedTuple, Self


class Standing(Enum):
    """What the registry says of a number: a word for labels, and a sentence for learners."""

    ASSIGNED = "assigned", "A standard, or a widely used draft, gives this number its meaning."
    UNASSIGNED = "unassigned", "No standard gives this number a meaning, so a receiver must not guess one."
    RESERVED = "reserved", "Set aside by the standard: nobody may give this number a meaning without a new RFC."
    PRIVATE = "private use", "Means whatever two consenting implementations agreed on; a Vendor ID may say which."
    DOI_SPECIFIC = "DOI-specific", "The domain of interpretation named in the message decides what this number means."
    IKEV2 = "IKEv2", "This number belongs to IKEv2, which shares UDP port 500 but is another protocol."
    NOT_LISTED = "not listed here", "IANA may well name this number; this lab lists only those that meet IPsec."
    OUT_OF_RANGE = "out of range", "Too large or too small for its field: this number can never travel on the wire."

    def __init__(self, word: str, meaning: str) -> None:
        self.word, self.meaning = word, meaning


class Registry(NamedTuple):
    """Where a class of numbers comes from: its title, the width of its field in octets, its ranges and their clause."""

    title: str
    octets: int
    rfc: str
    ranges: tuple[tuple[int, int, Standing], ...]

    def standing(self, value: int) -> Standing:
        """What this registry says of a number that no member has; `ranges` are inclusive."""
        if not 0 <= value < 1 << 8 * self.octets:
            return Standing.OUT_OF_RANGE
        return next((standing for low, high, standing in self.ranges if low <= value <= high), Standing.UNASSIGNED)


class Number(IntEnum):
    """A number with a name: an `int` everywhere, and to a reader its `label`, its `meaning` and the clause it is from.

    `label` is the name as the RFC or IANA prints it, unique within the registry; `short` is the form for tight places
    ("SA", "Main Mode", "MODP-2048"), the label itself where there is none. A clause declared as "§..." is one of the
    registry's own RFC. Any integer may be looked up; what is not an integer raises ValueError.
    """

    registry: ClassVar[Registry]
    label: str
    meaning: str
    short: str
    standing: Standing
    _clause: str

    def __new__(cls, value: int, label: str = "", meaning: str = "", rfc: str = "", short: str = "") -> Self:
        self = int.__new__(cls, value)
        self._value_ = value
        self.label, self.meaning, self.short = label, meaning, short or label
        self.standing, self._clause = Standing.ASSIGNED, rfc
        return self

    def __init_subclass__(
        cls, *, octets: int = 1, title: str = "", rfc: str = "", ranges: tuple[tuple[int, int, Standing], ...] = ()
    ) -> None:
        super().__init_subclass__()
        cls.registry = Registry(title=title or cls.__name__, octets=octets, rfc=rfc, ranges=ranges)

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        rank = cls.registry.standing(value)
        name = f"{cls.registry.title} {value}"
        return cls._unlisted(value, f"{name} ({rank.word})", rank.meaning, name, rank)

    @classmethod
    def _unlisted(cls, value: int, label: str, meaning: str, short: str, standing: Standing) -> Self:
        # Made anew at every lookup and kept nowhere: what peers send must not grow our memory.
        self = int.__new__(cls, value)
        self._name_, self._value_ = f"UNLISTED_{value}", value
        self.label, self.meaning, self.short = label, meaning, short
        self.standing, self._clause = standing, ""
        return self

    @property
    def rfc(self) -> str:
        """The clause that defines this number, or else the one that defines its registry."""
        if self._clause.startswith("§"):
            kind, number, *_ = self.registry.rfc.split()
            return f"{kind} {number} {self._clause}"
        return self._clause or self.registry.rfc

    @property
    def assigned(self) -> bool:
        """Whether the registry lists this number."""
        return self.standing is Standing.ASSIGNED

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.value}: {self.label}>"


class Bits(Number):
    """A registry of single bits: a value that sets several is named after all of them, `Situation(3)` after two."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        rank = cls.registry.standing(value)
        if rank is Standing.OUT_OF_RANGE:
            return super()._missing_(value)
        if value == 0:
            return cls._unlisted(0, "none", "No bit is set.", "none", Standing.ASSIGNED)
        if value & (value - 1) == 0:
            name = f"0x{value:x}"
            return cls._unlisted(value, f"{name} ({rank.word})", rank.meaning, name, rank)
        bits = [cls(1 << place) for place in range(value.bit_length()) if value >> place & 1]
        return cls._unlisted(
            value,
            " | ".join(bit.label for bit in bits),
            " ".join(bit.meaning for bit in bits),
            " | ".join(bit.short for bit in bits),
            next((bit.standing for bit in bits if not bit.assigned), Standing.ASSIGNED),
        )
