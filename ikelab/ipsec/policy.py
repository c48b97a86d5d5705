"""The SPD: which packets cross the IPsec boundary protected, which as they are, and which not at all.

The clauses are RFC 4301's. A policy names local and remote ends; which of them is a packet's source depends on the way
it goes. The list is in order, and the first policy that covers a packet decides (§4.4.1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from ikelab.crypto.sa_keys import IpsecProtocol
from ikelab.errors import Misuse
from ikelab.ipsec.traffic import Ends, Flow, IpAddress, Selector, Traffic
from ikelab.wire.numbers import IpProtocol

IKE_PORTS = (500, 4500)


class Action(Enum):
    """What becomes of a packet."""

    PROTECT = "protect"
    BYPASS = "bypass"
    DISCARD = "discard"


class Direction(Enum):
    """Which way a packet crosses the boundary, seen from the protected side."""

    OUT = "out"
    IN = "in"
    BOTH = "both"

    def includes(self, way: Direction) -> bool:
        """Whether a policy for this direction counts for a packet that goes that way."""
        return self in (Direction.BOTH, way)


@dataclass(frozen=True, kw_only=True)
class Template:
    """How PROTECT protects, and whom to ask for keys.

    protocols: what is applied, the innermost first: ("ESP",), ("AH",), or ("ESP", "AH") for a bundle. connection,
    child: the names under which IKE knows how to make the SAs. Raises Misuse where no protocol is named, or one twice.
    """

    protocols: tuple[IpsecProtocol, ...] = ("ESP",)
    connection: str
    child: str

    def __post_init__(self) -> None:
        if not self.protocols or len(set(self.protocols)) != len(self.protocols):
            raise Misuse(f"template: expected ESP, AH, or both once, got {', '.join(self.protocols) or 'none'}")


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One entry of an SPD. template: for PROTECT, and for nothing else, which is for both directions (§4.4.1).

    Raises Misuse where these do not fit together.
    """

    name: str
    local: Selector
    remote: Selector
    action: Action
    direction: Direction = Direction.BOTH
    template: Template | None = None

    def __post_init__(self) -> None:
        if (self.template is None) == (self.action is Action.PROTECT):
            got = "none" if self.template is None else f"one for {self.action.value}"
            raise Misuse(f"policy {self.name}: expected a template for protect and for it alone, got {got}")
        if self.action is Action.PROTECT and self.direction is not Direction.BOTH:
            raise Misuse(
                f"policy {self.name}: expected both directions for protect, got {self.direction.value} (§4.4.1)"
            )

    def traffic(self, way: Direction) -> Traffic:
        """The packets that it covers on their way out or in."""
        outbound = Traffic(source=self.local, destination=self.remote)
        return outbound if way is Direction.OUT else outbound.reversed()

    def __str__(self) -> str:
        both = "" if self.direction is Direction.BOTH else f" {self.direction.value}"
        how = f" with {' in '.join(self.template.protocols)}" if self.template else ""
        return f"{self.name}: {self.local} - {self.remote}{both}: {self.action.value}{how}"


@dataclass(frozen=True)
class Spd:
    """A security policy database: policies in order. Raises Misuse where two have one name."""

    policies: tuple[Policy, ...] = ()

    def __post_init__(self) -> None:
        names = [policy.name for policy in self.policies]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Misuse(f"SPD: expected each name once, got {', '.join(twice)} more often")

    def policy_for(self, flow: Flow, way: Direction) -> Policy | None:
        """The first policy that covers the packet; None means that it is discarded (§4.4.1)."""
        for policy in self.policies:
            if policy.direction.includes(way) and policy.traffic(way).covers(flow):
                return policy
        return None

    def named(self, name: str) -> Policy | None:
        """The policy of that name."""
        return next((policy for policy in self.policies if policy.name == name), None)

    def __str__(self) -> str:
        return "\n".join(f"{number}. {policy}" for number, policy in enumerate(self.policies, 1))


def ike_bypass(addresses: Iterable[IpAddress]) -> tuple[Policy, ...]:
    """The gateway's own IKE must be let through, which takes policies of its own (§5.2 step 2).

    addresses: the gateway's. Whoever behind it sends from the same ports is no part of this.
    """
    return tuple(
        Policy(
            name=f"ike {port} of {address}",
            local=Ends(version=address.version, protocol=int(IpProtocol.UDP), port=port, address=address),
            remote=Ends(version=address.version),
            action=Action.BYPASS,
        )
        for address in sorted(addresses, key=lambda each: (each.version, int(each)))
        for port in IKE_PORTS
    )


def discard_rest() -> tuple[Policy, ...]:
    """The final entries that every SPD should have (§4.4.1)."""
    return tuple(
        Policy(
            name=f"all other IPv{version}",
            local=Ends(version=version),
            remote=Ends(version=version),
            action=Action.DISCARD,
        )
        for version in (4, 6)
    )
