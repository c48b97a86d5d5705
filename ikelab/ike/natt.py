"""Through a NAT: two peers find out what was done to their addresses on the way, and move to where it does no harm.

Both say that they can (a vendor ID), then each tells the hashes of the addresses and ports that it knows (NAT-D). Where
a hash is not what the other side sees, there is a translator in between, and the initiator takes both to UDP port 4500,
where ESP travels beside IKE (RFC 3947 §3 and §4). The hashes prove nothing: they come before anyone is authenticated.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hmac import compare_digest
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ikelab.crypto.book import Chapter
from ikelab.wire.numbers import Encapsulation, IdType
from ikelab.wire.payloads import NatD, NatOa, VendorID
from ikelab.wire.udp import Endpoint
from ikelab.wire.vendors import RFC_3947

if TYPE_CHECKING:
    from ikelab.ike.turn import Turn

NATT_PORT = 4500
"""Where both go when a NAT was found (RFC 3947 §4)."""

ENCAPSULATED = {
    Encapsulation.TUNNEL: Encapsulation.UDP_TUNNEL,
    Encapsulation.TRANSPORT: Encapsulation.UDP_TRANSPORT,
}
"""How a mode is called where a NAT was found (RFC 3947 §5.1)."""


class NatTraversal(Enum):
    """What a peer does about NATs. FORCED pretends to be behind one: for networks that pass UDP and nothing else."""

    OFF = "off"
    OFFERED = "offered"
    FORCED = "forced"


@dataclass(frozen=True, kw_only=True)
class Natt:
    """What the two have found out, once both have said that they can traverse NATs.

    local_port, remote_port: where each goes if there is one. local_behind, remote_behind: whether that end is behind a
    NAT, or pretends it; None before the hashes came.
    """

    local_port: int = NATT_PORT
    remote_port: int = NATT_PORT
    local_behind: bool | None = None
    remote_behind: bool | None = None

    @property
    def found(self) -> bool:
        """Whether there is a NAT between the two."""
        return bool(self.local_behind or self.remote_behind)


def encapsulation(mode: int, natt: Natt | None) -> int:
    """The Encapsulation Mode to ask for: a NAT on the way turns tunnel into UDP-encapsulated tunnel."""
    return ENCAPSULATED.get(Encapsulation(mode), mode) if natt is not None and natt.found else mode


def announce(turn: Turn) -> None:
    """Say that this side can traverse a NAT; the responder does only if the initiator did (RFC 3947 §3.1)."""
    wanted = turn.config.nat_traversal is not NatTraversal.OFF
    if wanted and (turn.exchange.role == "initiator" or turn.sa.natt is not None):
        turn.say(VendorID(data=RFC_3947))


def notice(turn: Turn) -> None:
    """Note whether the other side has said, too, that it can traverse a NAT; only then are addresses compared."""
    assert turn.sheet is not None
    if turn.config.nat_traversal is NatTraversal.OFF:
        return
    if any(isinstance(payload, VendorID) and payload.data == RFC_3947 for payload in turn.sheet.payloads):
        turn.choose(natt=Natt(local_port=turn.config.natt_port, remote_port=turn.sa.remote_natt_port))


def tell_addresses(turn: Turn) -> None:
    """NAT-D, if both can traverse a NAT: hashes of the other end's address and port and of its own (RFC 3947 §3.2)."""
    if turn.sa.natt is None:
        return
    own = _hash(turn, turn.sa.local)
    if turn.config.nat_traversal is NatTraversal.FORCED:
        own = turn.draw("NAT-D", len(own))
    turn.say(NatD(data=_hash(turn, turn.sa.remote)), NatD(data=own))


def compare_addresses(turn: Turn) -> None:
    """Compare the NAT-D hashes with the addresses that this side sees: where they differ, a NAT is in between.

    A peer that sends none does without NAT traversal, whatever it has said before (RFC 3947 §3.2).
    """
    natt = turn.sa.natt
    if natt is None:
        return
    assert turn.sheet is not None
    first, *others = [payload.data for payload in turn.sheet.payloads if isinstance(payload, NatD)] or [b""]
    if not first:
        turn.choose(natt=None)
        return
    remote, local = turn.path or (turn.sa.remote, turn.sa.local)
    seen = _hash(turn, remote)
    forced = turn.config.nat_traversal is NatTraversal.FORCED
    turn.choose(
        natt=Natt(
            local_port=natt.local_port,
            remote_port=natt.remote_port,
            local_behind=forced or not compare_digest(first, _hash(turn, local)),
            remote_behind=not any(compare_digest(other, seen) for other in others),
        )
    )


def tell_originals(turn: Turn) -> None:
    """NAT-OA, for transport mode through a NAT: both addresses as this side knows them (RFC 3947 §5.2).

    The initiator's comes first. Whoever receives a TCP or UDP packet so needs them to mend its checksum, which was made
    over the addresses of before the NAT.
    """
    if turn.child.mode != Encapsulation.UDP_TRANSPORT:
        return
    ends = turn.sa.local, turn.sa.remote
    for end in ends if turn.exchange.role == "initiator" else reversed(ends):
        address = ip_address(end.address)
        kind = IdType.IPV4_ADDR if address.version == 4 else IdType.IPV6_ADDR
        turn.say(NatOa(id_type=int(kind), data=address.packed))


def move(turn: Turn) -> None:
    """If a NAT was found, go to UDP port 4500 at both ends, before anybody says who it is (RFC 3947 §4)."""
    natt, sa = turn.sa.natt, turn.sa
    if natt is not None and natt.found:
        turn.choose(local=sa.local._replace(port=natt.local_port), remote=sa.remote._replace(port=natt.remote_port))


def follow(turn: Turn) -> None:
    """If a NAT was found, answer where the other side was just heard: what it said is proved (RFC 3947 §4)."""
    natt = turn.sa.natt
    if natt is not None and natt.found and turn.path is not None and turn.path != (turn.sa.remote, turn.sa.local):
        remote, local = turn.path
        turn.choose(local=local, remote=remote)
        turn.happen("moved", f"the other side is now at {remote}, and is answered from {local}")


def _hash(turn: Turn, end: Endpoint) -> bytes:
    given = {"IP": ip_address(end.address).packed, "Port": end.port.to_bytes(2)}
    return turn.book.chapter(Chapter.NAT_D, given)["NAT-D"].value
