"""One ESP or AH packet as a listener meets it: whose it is, which of the keys at hand opens it, if it is genuine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ikelab.crypto.sa_keys import IpsecProtocol, SaKeys
from ikelab.errors import WireError
from ikelab.ipsec import ah, esp
from ikelab.ipsec.ah import OpenedAh, open_ah
from ikelab.ipsec.esp import OpenedEsp, open_esp
from ikelab.ipsec.inner import inner_summary
from ikelab.wire.numbers import IpProtocol
from ikelab.wire.udp import Endpoint

SEQUENCE_AT: dict[IpsecProtocol, int] = {"ESP": 4, "AH": 8}
NUMBERS_IN_32_BITS = 1 << 32


@dataclass(frozen=True, kw_only=True)
class FollowedPacket:
    """What a listener makes of one ESP or AH packet.

    octets: the packet from its ESP or AH header on; `encapsulated` says whether it came in UDP (RFC 3948).
    spi, sequence: None where the packet is too short to have them.
    sender: "initiator" or "responder" of the ISAKMP SA that its SA belongs to, None where that is not known.
    opened: what the best of the keys made of it, and `keys` those keys; None where there are none.
    why_not: where nothing could be tried on it, the reason.
    inner: what is inside, in one line; None while it is closed. within: the ESP packet that an AH packet protects.
    """

    frame: int
    time: float = 0.0
    source: Endpoint
    destination: Endpoint
    protocol: IpsecProtocol
    octets: bytes
    encapsulated: bool = False
    spi: bytes | None = None
    sequence: int | None = None
    sender: str | None = None
    keys: SaKeys | None = None
    opened: OpenedEsp | OpenedAh | None = None
    why_not: str = ""
    inner: str | None = None
    within: FollowedPacket | None = None
    remarks: tuple[str, ...] = ()
    error: WireError | None = None

    @property
    def decrypted(self) -> bool | None:
        """None where nothing is hidden (AH) or no key is known, False where a key was tried and did not open it."""
        return self.opened.decrypted if isinstance(self.opened, OpenedEsp) else None

    @property
    def icv(self) -> bool | None:
        """Whether the ICV is right; None where there is none or no key to check it with."""
        return self.opened.icv_ok if self.opened else None


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What became of a packet under the keys that suit it best; `error` where its octets do not even fit those."""

    keys: SaKeys | None = None
    opened: OpenedEsp | OpenedAh | None = None
    error: WireError | None = None

    @property
    def worth(self) -> int:
        """More is better: an ICV that is right, then a plausible plaintext, then anything that could be tried."""
        match self.opened:
            case None:
                return 0
            case OpenedEsp(icv_ok=icv_ok, decrypted=decrypted):
                return 1 + bool(decrypted) + 2 * bool(icv_ok)
            case OpenedAh(icv_ok=icv_ok):
                return 1 + 2 * bool(icv_ok)


def spi_and_sequence(protocol: IpsecProtocol, octets: bytes) -> tuple[bytes, int]:
    """The SPI, and the sequence number as far as the packet carries it. Raises WireError."""
    spi = esp.spi_of(octets) if protocol == "ESP" else ah.spi_of(octets)
    at = SEQUENCE_AT[protocol]
    return spi, int.from_bytes(octets[at : at + 4])


def open_packet(
    candidates: Iterable[SaKeys], protocol: IpsecProtocol, octets: bytes, ip: bytes, *, after: int = 0
) -> Opening:
    """Open a packet with the first of the keys that proves itself, or else with the one that does best.

    ip: the whole IP packet, of which AH's ICV covers the header.
    after: the highest sequence number known before, from which the unsent half of a 64-bit one is guessed.
    """
    best = Opening()
    for keys in candidates:
        for high in _highs(keys, after):
            try:
                opened = (
                    open_esp(keys, octets, sequence_high=high)
                    if protocol == "ESP"
                    else open_ah(keys, ip, sequence_high=high)
                )
            except WireError as error:
                best = best if best.opened or best.error else Opening(keys=keys, error=error)
                continue
            tried = Opening(keys=keys, opened=opened)
            best = tried if tried.worth > best.worth else best
            if opened.icv_ok:
                return best
    return best


def inside(protocol: IpsecProtocol, octets: bytes, opened: OpenedEsp | OpenedAh | None) -> str | None:
    """What a packet carries, in one line; None while it is closed. AH hides nothing, whether or not it was checked."""
    if isinstance(opened, OpenedAh):
        return inner_summary(opened.next_header, opened.payload)
    if protocol == "AH":
        end = (octets[1] + 2) * 4
        return inner_summary(octets[0], octets[end:]) if end <= len(octets) else None
    if opened is None or opened.next_header is None:
        return None
    return inner_summary(opened.next_header, opened.payload)


def carried_esp(protocol: IpsecProtocol, octets: bytes) -> bytes | None:
    """The ESP packet that an AH packet protects, None where there is none (RFC 4301 §4.3 on combining the two)."""
    if protocol != "AH" or octets[:1] != bytes([IpProtocol.ESP]):
        return None
    return octets[(octets[1] + 2) * 4 :]


def _highs(keys: SaKeys, after: int) -> Iterable[int]:
    """Which upper halves the sequence number may have: the last one's and its neighbours (RFC 4303 Appendix A2.2)."""
    high = after // NUMBERS_IN_32_BITS
    return (high, high + 1, *([high - 1] if high else [])) if keys.esn else (0,)
