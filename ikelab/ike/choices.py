"""What two peers have agreed on: one transform in phase 1, one or more protocols in Quick Mode, and why others lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ikelab.errors import Misuse
from ikelab.ike.attributes import Lifetime
from ikelab.ike.bargain import CHILD_SPI_SIZE, CPI_SIZE, LEAST_SPI, NEGOTIATED_CPIS, cpi_of
from ikelab.ike.offers import ChildOffer, IkeOffer
from ikelab.wire.numbers import Protocol
from ikelab.wire.proposals import SA, Proposal, Transform

NOTHING_BESIDE: Mapping[int, bytes] = {}
"""The SPIs of the protocols beside the first, where there is but one."""


@dataclass(frozen=True, kw_only=True)
class IkeChoice:
    """What phase 1 has agreed on.

    transform: as it was received. answer: the SA payload that says so. offered_lifetime: what the transform says;
    lifetime: the seconds that this side will keep the SA. lost: why each other transform was not taken, in their order.
    remarks: what is odd and harmless.
    """

    offer: IkeOffer
    method: int
    transform: Transform
    answer: SA
    offered_lifetime: Lifetime
    lifetime: int
    lost: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def group(self) -> int:
        """The group that KE payloads must belong to."""
        return self.offer.group


@dataclass(frozen=True, kw_only=True)
class ChildChoice:
    """What a Quick Mode has agreed on.

    proposals: as received from the peer, each with the one transform that was chosen; several where several protocols
    protect the same packets. mode: the Encapsulation Mode. kilobytes: how much traffic this side lets the SA protect;
    None for any amount. The rest is as in an `IkeChoice`.
    """

    offer: ChildOffer
    proposals: tuple[Proposal, ...]
    mode: int
    offered_lifetime: Lifetime
    lifetime: int
    kilobytes: int | None = None
    lost: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def transform(self) -> Transform:
        """The transform that was chosen, as it was received; of several, ESP's."""
        return self._proposal(self.protocol).transforms[0]

    @property
    def spi(self) -> bytes:
        """The peer's SPI: where it wants to receive packets; of several, ESP's."""
        return self.spi_of(self.protocol)

    def spi_of(self, protocol: int) -> bytes:
        """The peer's SPI for one of the protocols; for IPComp its CPI, in 2 octets."""
        proposal = self._proposal(protocol)
        return cpi_of(proposal) if protocol == Protocol.IPCOMP else proposal.spi

    @property
    def protocols(self) -> tuple[int, ...]:
        """The protocols that were agreed on together, as they came."""
        return tuple(proposal.protocol for proposal in self.proposals)

    def _proposal(self, protocol: int) -> Proposal:
        return next(proposal for proposal in self.proposals if proposal.protocol == protocol)

    @property
    def protocol(self) -> int:
        """`Protocol.ESP` or `Protocol.AH`."""
        return self.offer.protocol

    @property
    def group(self) -> int | None:
        """The group that KE payloads must belong to; None where there must be none (RFC 2409 §5.5)."""
        return self.offer.group

    def answer(self, spi: bytes, beside: Mapping[int, bytes] = NOTHING_BESIDE) -> SA:
        """The SA payload that accepts: the peer's words, with the SPI where this side wants to receive. Else Misuse.

        beside: the SPIs of the protocols besides the first, as in `offer_child`.
        """
        spis = {**checked_beside(beside), self.protocol: checked_spi(spi)}
        return SA(proposals=tuple(replace(each, spi=spis[each.protocol]) for each in self.proposals))


def checked_spi(spi: bytes) -> bytes:
    """The SPI of this side. Raises Misuse where it is none of ESP or AH."""
    if len(spi) != CHILD_SPI_SIZE or int.from_bytes(spi) < LEAST_SPI:
        raise Misuse(f"SPI: expected 4 octets, {LEAST_SPI} or more as a number, got {spi.hex()} (RFC 4303 §2.1)")
    return spi


def checked_beside(spis: Mapping[int, bytes]) -> dict[int, bytes]:
    """This side's numbers for the protocols besides the first: SPIs, and the CPI of IPComp. Raises Misuse."""
    for protocol, spi in spis.items():
        if protocol != Protocol.IPCOMP:
            checked_spi(spi)
        elif len(spi) != CPI_SIZE or int.from_bytes(spi) not in NEGOTIATED_CPIS:
            raise Misuse(f"CPI: expected 2 octets, 256 to 61439 as a number, got {spi.hex()} (RFC 3173 §3.3)")
    return dict(spis)
