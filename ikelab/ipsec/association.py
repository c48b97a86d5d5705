"""What one direction of an IPsec SA is: keys and mode, which never change, and a counter or a window, which do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from ipaddress import ip_address

from ikelab.crypto.protection import AeadCipher
from ikelab.crypto.sa_keys import IpsecProtocol, SaKeys
from ikelab.errors import Misuse
from ikelab.ipsec.traffic import Traffic
from ikelab.ipsec.window import NUMBERS, ReplayWindow
from ikelab.wire.numbers import IpProtocol

LEAST_SPI = 256
NAT_T_PORT = 4500
PROTOCOLS: dict[IpsecProtocol, int] = {"ESP": int(IpProtocol.ESP), "AH": int(IpProtocol.AH)}


class DontFragment(Enum):
    """What an outer IPv4 header says of fragmenting (RFC 4301 §8.1)."""

    COPIED = "as the inner packet says"
    SET = "never"
    CLEAR = "allowed"


@dataclass(frozen=True, kw_only=True)
class Tunnel:
    """The ends of a tunnel, as the outer header of this direction's packets names them. Raises Misuse."""

    source: str
    destination: str
    dont_fragment: DontFragment = DontFragment.COPIED

    def __post_init__(self) -> None:
        try:
            versions = {ip_address(end).version for end in (self.source, self.destination)}
        except ValueError as error:
            raise Misuse(f"tunnel: expected two IP addresses, got {self.source!r} and {self.destination!r}") from error
        if len(versions) != 1:
            raise Misuse(
                f"tunnel: expected addresses of one IP version, got {self.source} and {self.destination} "
                "(RFC 4301 §5.1.2)"
            )


@dataclass(frozen=True, kw_only=True)
class UdpPorts:
    """The ports of UDP that ESP travels in where there is a NAT (RFC 3948 §2.1)."""

    source: int = NAT_T_PORT
    destination: int = NAT_T_PORT


@dataclass(frozen=True, kw_only=True)
class Association:
    """What both ends agreed on for one direction.

    tunnel: its ends; None for transport mode. udp: the ports of UDP around ESP; None where it travels bare.
    traffic: which packets it is for; None for any. Raises Misuse where these do not fit together, where a key is
    missing, or for an SPI from 0 to 255, which are reserved (RFC 4303 §2.1).
    """

    keys: SaKeys
    tunnel: Tunnel | None = None
    udp: UdpPorts | None = None
    traffic: Traffic | None = None

    def __post_init__(self) -> None:
        keys, spi = self.keys, self.keys.spi
        if spi is None or len(spi) != 4 or int.from_bytes(spi) < LEAST_SPI:
            raise Misuse(f"SA: expected an SPI of 4 octets from {LEAST_SPI:#010x} on, got {spi.hex() if spi else spi}")
        missing = [
            name
            for name, algorithm, key in (
                ("encryption", keys.cipher, keys.enc_key),
                ("integrity", keys.integrity, keys.auth_key),
            )
            if algorithm is not None and key is None
        ]
        if missing or keys.unchecked_icv:
            raise Misuse(f"SA {spi.hex()}: expected every key, got no {' and no '.join(missing) or 'integrity check'}")
        if self.udp is not None and keys.protocol != "ESP":
            raise Misuse(
                f"SA {spi.hex()}: expected ESP in UDP, got {keys.protocol}, which no NAT lets be (RFC 3948 §1)"
            )

    @cached_property
    def spi(self) -> bytes:
        """Tells the receiver which SA a packet belongs to."""
        return self.keys.spi or b""

    @cached_property
    def has_integrity(self) -> bool:
        """Whether there is an ICV; where there is none, nothing tells a replayed packet (RFC 4303 §3.4.3)."""
        return self.keys.integrity is not None or isinstance(self.keys.cipher, AeadCipher)

    @cached_property
    def last_sequence(self) -> int:
        """The last sequence number that may be sent (RFC 4303 §3.3.3)."""
        return (NUMBERS * NUMBERS if self.keys.esn else NUMBERS) - 1

    @cached_property
    def outer_protocol(self) -> int:
        """What the IP header in front of its packets says follows: ESP, AH, or UDP."""
        return PROTOCOLS[self.keys.protocol] if self.udp is None else int(IpProtocol.UDP)

    @property
    def mode(self) -> str:
        """Which of the two: "tunnel" or "transport"."""
        return "transport" if self.tunnel is None else "tunnel"

    @property
    def algorithms(self) -> str:
        """What protects, in words."""
        parts = (self.keys.cipher, self.keys.integrity)
        return " with ".join(part.label for part in parts if part is not None)

    def __str__(self) -> str:
        inside = f", in UDP {self.udp.source} > {self.udp.destination}" if self.udp else ""
        numbers = ", 64-bit sequence numbers" if self.keys.esn else ""
        between = f" {self.tunnel.source} > {self.tunnel.destination}" if self.tunnel else ""
        return f"{self.keys.protocol} {self.spi.hex()} {self.mode}{between}, {self.algorithms}{numbers}{inside}"


@dataclass(frozen=True, slots=True)
class Outbound:
    """An SA on which this side sends. sequence: the number of the last packet sent; 0 before the first."""

    association: Association
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Inbound:
    """An SA on which this side receives."""

    association: Association
    window: ReplayWindow = field(default_factory=ReplayWindow)
