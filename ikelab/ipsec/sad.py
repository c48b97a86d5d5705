"""The SAD: every SA that there is in either direction, the packets it has carried, and what was refused and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from ikelab.crypto.sa_keys import IpsecProtocol
from ikelab.errors import Misuse
from ikelab.ipsec.association import Association, Inbound, Outbound
from ikelab.ipsec.refused import Reason
from ikelab.ipsec.traffic import Flow

Sa = TypeVar("Sa", Inbound, Outbound)
Name = tuple[IpsecProtocol, bytes]
"""What a packet says of its SA: protocol and SPI."""


def counted(refused: Mapping[Reason, int], reason: Reason) -> Mapping[Reason, int]:
    """The same counts with one more of that reason."""
    return {**refused, reason: refused.get(reason, 0) + 1}


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[Sa]):
    """An SA in the database. policy: the name of the one that it was made for. packets, octets: that it has carried.

    refused: how many packets that named it were refused, by reason; none of them changed `sa`.
    """

    sa: Sa
    policy: str
    packets: int = 0
    octets: int = 0
    refused: Mapping[Reason, int] = field(default_factory=dict)

    def carried(self, sa: Sa, octets: int) -> Entry[Sa]:
        """After one more packet of that many octets inside."""
        return replace(self, sa=sa, packets=self.packets + 1, octets=self.octets + octets)

    def but_refused(self, reason: Reason) -> Entry[Sa]:
        """After one more refusal."""
        return replace(self, refused=counted(self.refused, reason))


@dataclass(frozen=True, kw_only=True)
class Sad:
    """The security association database (RFC 4301 §4.4.2). The newest SA of a kind comes last, and is sent on.

    Outbound and inbound SAs are two name spaces: an SPI is chosen by whoever receives its packets.
    """

    outbound: Mapping[Name, Entry[Outbound]] = field(default_factory=dict)
    inbound: Mapping[Name, Entry[Inbound]] = field(default_factory=dict)

    def sending(self, association: Association, policy: str) -> Sad:
        """With one more SA to send on. Raises Misuse where there is one of that name."""
        entry = Entry(sa=Outbound(association), policy=policy)
        return replace(self, outbound=_with(self.outbound, _name(association), entry))

    def receiving(self, association: Association, policy: str) -> Sad:
        """With one more SA to receive on. Raises Misuse where there is one of that name."""
        entry = Entry(sa=Inbound(association), policy=policy)
        return replace(self, inbound=_with(self.inbound, _name(association), entry))

    def without(self, protocol: IpsecProtocol, spi: bytes) -> Sad:
        """Without the SAs of that name, in whichever direction."""
        gone = protocol, spi
        return Sad(
            outbound={name: entry for name, entry in self.outbound.items() if name != gone},
            inbound={name: entry for name, entry in self.inbound.items() if name != gone},
        )

    def to_send(self, protocol: IpsecProtocol, policy: str, flow: Flow) -> Entry[Outbound] | None:
        """The newest SA of that policy that is for this packet, and that has a number left for it."""
        for entry in reversed(tuple(self.outbound.values())):
            association = entry.sa.association
            if (
                entry.policy == policy
                and association.keys.protocol == protocol
                and entry.sa.sequence < association.last_sequence
                and (association.traffic is None or association.traffic.covers(flow))
            ):
                return entry
        return None

    def after_sending(self, entry: Entry[Outbound]) -> Sad:
        """With that entry in the place of its former self."""
        return replace(self, outbound={**self.outbound, _name(entry.sa.association): entry})

    def after_receiving(self, entry: Entry[Inbound]) -> Sad:
        """With that entry in the place of its former self."""
        return replace(self, inbound={**self.inbound, _name(entry.sa.association): entry})

    def rows(self) -> Iterator[SadRow]:
        """Every SA as a reader wants it."""
        for outbound in self.outbound.values():
            yield _row("out", outbound, outbound.sa.sequence)
        for inbound in self.inbound.values():
            yield _row("in", inbound, inbound.sa.window.top, inbound.sa.window.seen, inbound.sa.window.size)

    def __str__(self) -> str:
        return "\n".join(str(row) for row in self.rows()) or "no SA"


@dataclass(frozen=True, kw_only=True)
class SadRow:
    """One SA, to be read. window: which of the last numbers have come, the newest first; "" for an SA to send on."""

    direction: str
    protocol: str
    spi: str
    mode: str
    ends: str
    traffic: str
    algorithms: str
    esn: bool
    policy: str
    sequence: int
    window: str
    packets: int
    octets: int
    refused: Mapping[str, int]

    def __str__(self) -> str:
        refusals = "".join(f", {count} {words}" for words, count in self.refused.items())
        packets = "1 packet" if self.packets == 1 else f"{self.packets} packets"
        return (
            f"{self.direction:3} {self.protocol} {self.spi} {self.mode} {self.ends or 'between the hosts'}, "
            f"{self.algorithms}, for {self.traffic}, number {self.sequence}, {packets}{refusals}"
        )


def _row(
    direction: str, entry: Entry[Inbound] | Entry[Outbound], sequence: int, seen: int = 0, size: int = 0
) -> SadRow:
    association = entry.sa.association
    tunnel = association.tunnel
    return SadRow(
        direction=direction,
        protocol=association.keys.protocol,
        spi=association.spi.hex(),
        mode=association.mode,
        ends=f"{tunnel.source} > {tunnel.destination}" if tunnel else "",
        traffic=str(association.traffic or "any packet"),
        algorithms=association.algorithms,
        esn=association.keys.esn,
        policy=entry.policy,
        sequence=sequence,
        window="".join("1" if seen >> back & 1 else "0" for back in range(size)),
        packets=entry.packets,
        octets=entry.octets,
        refused={reason.words: count for reason, count in entry.refused.items()},
    )


def _name(association: Association) -> Name:
    return association.keys.protocol, association.spi


def _with(entries: Mapping[Name, Entry[Sa]], name: Name, entry: Entry[Sa]) -> Mapping[Name, Entry[Sa]]:
    if name in entries:
        raise Misuse(f"SAD: expected an SPI that is not in use, got {name[0]} {name[1].hex()} again")
    return {**entries, name: entry}
