"""What a list of attributes means, however it is spelt: values, a lifetime, and whether two lists are the same offer.

Order is free, and so is the spelling (TV or TLV) of variable attributes (RFC 2409 Appendix A); a lifetime belongs to
the Life Type before it (RFC 2407 §4.5). Nothing else of an offer may be changed by whoever accepts it (RFC 2409 §5).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ikelab.errors import Misuse
from ikelab.wire.attributes import IKE_ATTRIBUTES, IPSEC_ATTRIBUTES, Attribute, Family, long, short
from ikelab.wire.numbers import IkeAttribute, IpsecAttribute, LifeType
from ikelab.wire.proposals import Transform

LARGEST_NUMBER = 8
"""Octets of the largest number that an attribute is read as."""

LARGEST_SHORT = 0xFFFF


@dataclass(frozen=True, kw_only=True)
class Phase:
    """The attributes of one phase: their names, which two tell a lifetime, which are understood, which are basic.

    Basic attributes are numbers of two octets and must be spelt short (RFC 2409 Appendix A, RFC 2407 §4.5).
    """

    family: Family
    life_type: int
    life_duration: int
    understood: frozenset[int]
    basic: frozenset[int]

    def name(self, kind: int) -> str:
        """What an attribute of this phase is called."""
        return self.family.types(kind).label


PHASE_1 = Phase(
    family=IKE_ATTRIBUTES,
    life_type=IkeAttribute.LIFE_TYPE,
    life_duration=IkeAttribute.LIFE_DURATION,
    understood=frozenset(
        {
            IkeAttribute.ENCRYPTION_ALGORITHM,
            IkeAttribute.KEY_LENGTH,
            IkeAttribute.HASH_ALGORITHM,
            IkeAttribute.GROUP_DESCRIPTION,
            IkeAttribute.AUTHENTICATION_METHOD,
            IkeAttribute.LIFE_TYPE,
            IkeAttribute.LIFE_DURATION,
        }
    ),
    basic=frozenset(
        {
            IkeAttribute.ENCRYPTION_ALGORITHM,
            IkeAttribute.HASH_ALGORITHM,
            IkeAttribute.AUTHENTICATION_METHOD,
            IkeAttribute.GROUP_DESCRIPTION,
            IkeAttribute.GROUP_TYPE,
            IkeAttribute.LIFE_TYPE,
            IkeAttribute.PRF,
            IkeAttribute.KEY_LENGTH,
            IkeAttribute.FIELD_SIZE,
        }
    ),
)
PHASE_2 = Phase(
    family=IPSEC_ATTRIBUTES,
    life_type=IpsecAttribute.SA_LIFE_TYPE,
    life_duration=IpsecAttribute.SA_LIFE_DURATION,
    understood=frozenset(
        {
            IpsecAttribute.KEY_LENGTH,
            IpsecAttribute.AUTHENTICATION_ALGORITHM,
            IpsecAttribute.GROUP_DESCRIPTION,
            IpsecAttribute.ENCAPSULATION_MODE,
            IpsecAttribute.SA_LIFE_TYPE,
            IpsecAttribute.SA_LIFE_DURATION,
            IpsecAttribute.EXTENDED_SEQUENCE_NUMBER,
        }
    ),
    basic=frozenset(
        {
            IpsecAttribute.SA_LIFE_TYPE,
            IpsecAttribute.GROUP_DESCRIPTION,
            IpsecAttribute.ENCAPSULATION_MODE,
            IpsecAttribute.AUTHENTICATION_ALGORITHM,
            IpsecAttribute.KEY_LENGTH,
            IpsecAttribute.KEY_ROUNDS,
            IpsecAttribute.COMPRESS_DICTIONARY_SIZE,
            IpsecAttribute.EXTENDED_SEQUENCE_NUMBER,
        }
    ),
)

GROUP_PARAMETERS = frozenset(
    {
        IkeAttribute.GROUP_TYPE,
        IkeAttribute.GROUP_PRIME,
        IkeAttribute.GROUP_GENERATOR_ONE,
        IkeAttribute.GROUP_GENERATOR_TWO,
        IkeAttribute.GROUP_CURVE_A,
        IkeAttribute.GROUP_CURVE_B,
        IkeAttribute.FIELD_SIZE,
        IkeAttribute.GROUP_ORDER,
    }
)
"""The attributes of phase 1 that describe a group of one's own instead of naming one (RFC 2409 Appendix A)."""


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """How long an SA was offered to live, in seconds, in kilobytes of traffic, or in both; None where not said."""

    seconds: int | None = None
    kilobytes: int | None = None


def lifetime_attributes(phase: Phase, seconds: int, kilobytes: int | None = None) -> tuple[Attribute, ...]:
    """The attributes that say a lifetime: two for each unit. Raises Misuse where it does not fit 32 bits."""
    said: list[Attribute] = []
    for unit, duration in ((LifeType.SECONDS, seconds), (LifeType.KILOBYTES, kilobytes)):
        if duration is None:
            continue
        if not 1 <= duration < 1 << 32:
            raise Misuse(f"lifetime: expected 1 to {(1 << 32) - 1} {unit.label}, got {duration}")
        spelt = short if duration <= LARGEST_SHORT else long
        said += (short(phase.life_type, unit), spelt(phase.life_duration, duration))
    return tuple(said)


def values(transform: Transform, phase: Phase, faults: list[str]) -> dict[int, int]:
    """The first value of each attribute that is understood; for every other attribute a fault is noted."""
    found: dict[int, int] = {}
    for attribute in transform.attributes:
        size = len(attribute.value)
        if attribute.type not in phase.understood:
            faults.append(_not_understood(attribute, phase))
        elif not 1 <= size <= LARGEST_NUMBER:
            faults.append(f"{phase.name(attribute.type)}: expected 1 to {LARGEST_NUMBER} octets, got {size}")
        else:
            found.setdefault(attribute.type, attribute.number)
    return found


def lifetime(transform: Transform, phase: Phase, faults: list[str]) -> Lifetime:
    """The lifetime, in whatever order and spelling; a fault is noted where it makes no sense."""
    said: dict[int, int] = {}
    for unit, duration in _durations(transform, phase):
        if unit is None or duration is None:
            lacking = "Life Type before it" if unit is None else "Life Duration behind it"
            kind = phase.life_duration if unit is None else phase.life_type
            faults.append(f"{phase.name(kind)} without a {lacking} (RFC 2407 §4.5)")
        elif len(unit.value) <= LARGEST_NUMBER and 0 < len(duration.value) <= LARGEST_NUMBER:
            label = LifeType(unit.number).label
            if unit.number not in (LifeType.SECONDS, LifeType.KILOBYTES):
                faults.append(f"{label}: expected a lifetime in seconds or kilobytes (RFC 2407 §4.5)")
            elif duration.number == 0:
                faults.append(f"a lifetime of 0 {label}: expected at least 1")
            said.setdefault(unit.number, duration.number)
    return Lifetime(seconds=said.get(LifeType.SECONDS), kilobytes=said.get(LifeType.KILOBYTES))


def contradictions(transform: Transform, phase: Phase) -> tuple[str, ...]:
    """Attributes given twice. Lifetimes may be given in several units, and in one as long as they agree (§4.5.2)."""
    counted = Counter(attribute.type for attribute in transform.attributes)
    of_lifetimes = {phase.life_type, phase.life_duration}
    found = [f"{phase.name(kind)} twice" for kind, count in counted.items() if count > 1 and kind not in of_lifetimes]
    durations: dict[bytes, set[bytes]] = {}
    for unit, duration in _durations(transform, phase):
        if unit is not None and duration is not None:
            durations.setdefault(_plain(unit), set()).add(_plain(duration))
    found += [f"{len(each)} different lifetimes in one unit" for each in durations.values() if len(each) > 1]
    return tuple(found)


def is_same_offer(offered: Transform, answered: Transform, phase: Phase) -> bool:
    """Whether an answer has changed nothing of an offer but its numbers, its order and its spelling."""
    return offered.id == answered.id and _meant(offered, phase) == _meant(answered, phase)


def differences(offered: Transform, answered: Transform, phase: Phase) -> tuple[str, ...]:
    """What an answer has changed of an offer, a phrase for each attribute; nothing if it is the same offer."""
    found = [] if offered.id == answered.id else [f"Transform-Id {answered.id} instead of {offered.id}"]
    was, now = _meant(offered, phase), _meant(answered, phase)
    lost, gained = tuple((was - now).elements()), tuple((now - was).elements())
    for kind in dict.fromkeys(meaning[0] for meaning in (*lost, *gained)):
        before, after = (
            " and ".join(_text(each, phase) for each in side if each[0] == kind) for side in (lost, gained)
        )
        if before and after:
            found.append(f"{phase.name(kind)}: {after} instead of {before}")
        else:
            found.append(f"{phase.name(kind)}: {before} left out" if before else f"{phase.name(kind)}: {after} added")
    return tuple(found)


def misspelt(transform: Transform, phase: Phase) -> tuple[str, ...]:
    """The basic attributes that are spelt long, which is forbidden and harmless."""
    return tuple(
        f"{phase.name(attribute.type)} is spelt long, and a basic attribute must be short (RFC 2409 Appendix A)"
        for attribute in transform.attributes
        if attribute.type in phase.basic and not attribute.short
    )


Meaning = tuple[int, bytes, bytes]
"""An attribute's type, its value, and for a lifetime its unit; without leading zeros, which spelling adds or takes."""


def _meant(transform: Transform, phase: Phase) -> Counter[Meaning]:
    meant: Counter[Meaning] = Counter()
    unit = b""
    for attribute in transform.attributes:
        if attribute.type == phase.life_type:
            unit = _plain(attribute)
        meant[attribute.type, _plain(attribute), unit if attribute.type == phase.life_duration else b""] += 1
    return meant


def _plain(attribute: Attribute) -> bytes:
    return attribute.value.lstrip(b"\0")


def _text(meaning: Meaning, phase: Phase) -> str:
    kind, value, _ = meaning
    return phase.family.value_field(kind).text(value or b"\0")


def _not_understood(attribute: Attribute, phase: Phase) -> str:
    name = phase.name(attribute.type)
    if phase is PHASE_1 and attribute.type in GROUP_PARAMETERS:
        return f"{name}: a group must be named by its number; its parameters are never accepted from a peer"
    if phase is PHASE_1 and attribute.type == IkeAttribute.PRF:
        return f"{name}: expected none, as IKEv1 never got one defined (RFC 2409 Appendix A)"
    return f"{name}: this side does not support it, and an answer may not leave it out (RFC 2409 §5)"


def _durations(transform: Transform, phase: Phase) -> Iterator[tuple[Attribute | None, Attribute | None]]:
    """Each Life Type with the Life Duration that it is for; None for one of them that is missing."""
    unit: Attribute | None = None
    for attribute in transform.attributes:
        if attribute.type == phase.life_type:
            if unit is not None:
                yield unit, None
            unit = attribute
        elif attribute.type == phase.life_duration:
            yield unit, attribute
            unit = None
    if unit is not None:
        yield unit, None
