"""What a UDP datagram on IKE's two ports carries: an IKE message, an ESP packet, or one octet that keeps a NAT awake.

On port 500 there is only IKE. On port 4500 ESP and IKE share the socket (RFC 3948 §2): an ESP packet begins with its
SPI, which is never zero, so four zero octets there (the Non-ESP Marker) announce IKE.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

NON_ESP_MARKER = bytes(4)
NAT_KEEPALIVE = b"\xff"


class Endpoint(NamedTuple):
    """An address as text and a UDP port; port 0 where the protocol has none (ESP, AH)."""

    address: str
    port: int = 0

    def __str__(self) -> str:
        address = f"[{self.address}]" if self.port and ":" in self.address else self.address
        return f"{address}:{self.port}" if self.port else address


@dataclass(frozen=True, kw_only=True, slots=True)
class Ports:
    """The UDP ports that a conversation uses: plain ones, and those where ESP and IKE share (RFC 3947 §4)."""

    ike: frozenset[int] = frozenset({500})
    encapsulating: frozenset[int] = frozenset({4500})

    @property
    def all(self) -> frozenset[int]:
        """Every port worth listening to."""
        return self.ike | self.encapsulating


STANDARD_PORTS = Ports()


class Carries(Enum):
    """What a UDP datagram turned out to carry."""

    IKE = "IKE message"
    ESP = "UDP-encapsulated ESP"
    KEEPALIVE = "NAT-keepalive"


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """What a datagram carries, and its octets without a Non-ESP Marker; `marked` says whether one stood before them."""

    carries: Carries
    octets: bytes
    marked: bool = False


def classify(octets: bytes, source_port: int, destination_port: int, *, ports: Ports = STANDARD_PORTS) -> Content:
    """Tell IKE, ESP and keepalives apart by the rules of RFC 3948 §2; a lone 0xFF is a keepalive on any port."""
    if octets == NAT_KEEPALIVE:
        return Content(carries=Carries.KEEPALIVE, octets=octets)
    if source_port not in ports.encapsulating and destination_port not in ports.encapsulating:
        return Content(carries=Carries.IKE, octets=octets)
    if octets.startswith(NON_ESP_MARKER):
        return Content(carries=Carries.IKE, octets=octets[len(NON_ESP_MARKER) :], marked=True)
    return Content(carries=Carries.ESP, octets=octets)
