"""How two peers bargain: an SA holds proposals, a proposal holds transforms, a transform holds attributes."""

from __future__ import annotations

from collections.abc import Sequence

from ikelab.errors import Misuse
from ikelab.wire.attributes import (
    CONFIG_ATTRIBUTES,
    IKE_ATTRIBUTES,
    IPSEC_ATTRIBUTES,
    Attribute,
    Attributes,
    long,
    short,
)
from ikelab.wire.fields import (
    Field,
    Labels,
    Octets,
    Reading,
    Reserved,
    Uint,
    UintBy,
    Unfit,
    count_of,
    declared,
    length_of,
    octets,
    reserved,
    u8,
    u32,
)
from ikelab.wire.numbers import (
    Doi,
    Number,
    Protocol,
    Situation,
    TransformAh,
    TransformEsp,
    TransformIpcomp,
    TransformIsakmp,
)
from ikelab.wire.records import Chain, Payload, payload
from ikelab.wire.spans import Span

__all__ = [
    "CONFIG_ATTRIBUTES",
    "IKE_ATTRIBUTES",
    "IPSEC_ATTRIBUTES",
    "SA",
    "Attribute",
    "Attributes",
    "Proposal",
    "Transform",
    "long",
    "short",
]

TRANSFORMS: dict[int, type[Number]] = {
    Protocol.ISAKMP: TransformIsakmp,
    Protocol.AH: TransformAh,
    Protocol.ESP: TransformEsp,
    Protocol.IPCOMP: TransformIpcomp,
}
LABELED = (Situation.SECRECY | Situation.INTEGRITY).real


def _transform_names(transform: Reading) -> Labels:
    proposal = transform.around
    return TransformIsakmp if proposal is None else TRANSFORMS.get(proposal.seen["protocol"])


@payload(3, "Transform", "T", rfc="RFC 2408 §3.6")
class Transform(Payload):
    """One way to do it: an algorithm and its settings. The responder chooses exactly one of the list."""

    number: int = u8("Transform #", "Where it stands in the sender's list; earlier is preferred.", role="number")
    id: int = declared(
        UintBy(1, "Transform-Id", "The algorithm that this transform is about.", choose=_transform_names, role="choice")
    )
    reserved2: int = reserved(2, "RESERVED2", default=0)
    attributes: tuple[Attribute, ...] = declared(
        Attributes("SA Attributes", "The settings that make the algorithm complete.")
    )

    def values(self, kind: int) -> tuple[int, ...]:
        """The numbers of every attribute of this type, in order."""
        return tuple(attribute.number for attribute in self.attributes if attribute.type == kind)

    def first(self, kind: int) -> int | None:
        """The number of the first attribute of this type, None if there is none."""
        return next((attribute.number for attribute in self.attributes if attribute.type == kind), None)


@payload(2, "Proposal", "P", rfc="RFC 2408 §3.5")
class Proposal(Payload):
    """An offer for one protocol: its SPI and the transforms to choose from."""

    number: int = u8("Proposal #", "Equal numbers mean AND; different numbers mean OR.", role="number")
    protocol: int = u8("Protocol-Id", "The protocol that this offer is for.", labels=Protocol, role="choice")
    spi_size = length_of("spi", "SPI Size", "Octets of the SPI. For ISAKMP itself 0: the cookies already name the SA.")
    transform_count = count_of("transforms", "# of Transforms", "How many transforms this proposal holds.")
    spi: bytes = octets(
        "SPI",
        "How the sender of this proposal wants to be addressed in protected packets.",
        size="spi_size",
        role="number",
        default=b"",
    )
    transforms: tuple[Transform, ...] = declared(Chain(Transform, "Transforms", "Exactly one may be chosen."))


class Padded(Octets):
    """Octets filled up with zeros to a multiple of 4; their length counts, in units of `bits`, what is not filler."""

    def __init__(self, label: str, explain: str, *, size: str, bits: int, rfc: str) -> None:
        super().__init__(label, explain, size=size, role="choice", rfc=rfc)
        self.bits = bits

    def extent(self, said: int) -> int:
        return -(-said * self.bits // 32) * 4


def _label_fields(what: str) -> tuple[Field, ...]:
    """A sensitivity level and a bitmap of categories, each behind its length."""
    rfc = SensitivityLabels.RFC
    length = Uint(2, f"{what} Length", "Octets of the level, filler not counted.", role="plumbing", rfc=rfc)
    bits = Uint(2, f"{what} Category Length", "Bits of the bitmap, filler not counted.", role="plumbing", rfc=rfc)
    length.name, bits.name = "length", "bits"
    return (
        length,
        Reserved(2, rfc=rfc),
        Padded(f"{what} Level", f"The {what.lower()} level that is required.", size="length", bits=8, rfc=rfc),
        bits,
        Reserved(2, rfc=rfc),
        Padded(f"{what} Category Bitmap", "The categories that are required.", size="bits", bits=1, rfc=rfc),
    )


class SensitivityLabels(Field):
    """What follows the situation where it says SIT_SECRECY or SIT_INTEGRITY; no octets otherwise."""

    RFC = "RFC 2407 §4.6.1"
    needs = ("doi", "situation")

    def __init__(self) -> None:
        super().__init__(
            "Sensitivity Labels", "How secret, or how trustworthy, the traffic is.", role="choice", rfc=self.RFC
        )
        self.domain = Uint(
            4, "Labeled Domain Identifier", "Whose secrecy and integrity levels these are.", role="choice", rfc=self.RFC
        )
        self.secrecy, self.integrity = _label_fields("Secrecy"), _label_fields("Integrity")

    def fields(self, doi: int, situation: int) -> Sequence[Field]:
        """The fields that such a situation calls for."""
        if not situation & LABELED or doi != Doi.IPSEC:
            return ()
        secrecy = self.secrecy if situation & Situation.SECRECY else ()
        return (self.domain, *secrecy, *(self.integrity if situation & Situation.INTEGRITY else ()))

    def read(self, octets: bytes, at: int, end: int, *needed: int) -> tuple[bytes, int]:
        fields = self.fields(*needed)
        if not fields:
            return b"", at
        reading = Reading(octets, end)
        spans = reading.cut(fields, at)
        if reading.refused:
            raise Unfit
        return octets[at : spans[-1].end], spans[-1].end

    def spans(self, reading: Reading, at: int) -> list[Span]:
        fields = self.fields(reading.seen["doi"], reading.seen["situation"])
        return reading.cut(fields, at) if fields else []

    def write(self, record: object) -> bytes:
        value = super().write(record)
        doi, situation = (getattr(record, name) for name in self.needs)
        try:
            fits = self.read(value, 0, len(value), doi, situation) == (value, len(value))
        except Unfit:
            fits = False
        if not fits:
            asked = f"what DOI {doi} and situation {situation} call for"
            raise Misuse(f"{self.label} expects {asked}, got {value.hex() or 'nothing'} ({self.RFC})")
        return value


@payload(1, "Security Association", "SA", rfc="RFC 2408 §3.4")
class SA(Payload):
    """What is being bargained about: from the initiator all that it offers, from the responder the one thing chosen."""

    doi: int = u32(
        "Domain of Interpretation",
        "Whose vocabulary the numbers below come from.",
        labels=Doi,
        role="plumbing",
        default=Doi.IPSEC,
    )
    situation: int = u32(
        "Situation",
        "What the responder must understand; everybody uses IDENTITY_ONLY, an SA for whoever is named (RFC 2407 §4.2).",
        labels=Situation,
        role="plumbing",
        default=Situation.IDENTITY_ONLY,
    )
    labels: bytes = declared(SensitivityLabels(), default=b"")
    proposals: tuple[Proposal, ...] = declared(Chain(Proposal, "Proposals", "In order of preference."))
