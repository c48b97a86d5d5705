"""What a recording says to whoever listens: IKE messages followed, ESP and AH opened with the keys agreed on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from ikelab.crypto.protection import ESP_CIPHERS, INTEGRITIES, AeadCipher, Integrity
from ikelab.crypto.sa_keys import IpsecProtocol, SaKeys
from ikelab.errors import Misuse, WireError
from ikelab.ike.beliefs import Beliefs, QuickBelief
from ikelab.ike.conversation import OTHER, Child
from ikelab.ike.listen import Followed, Heard, Listener
from ikelab.ipsec.packet import FollowedPacket, carried_esp, inside, open_packet, spi_and_sequence
from ikelab.net.peel import CapturedDatagram
from ikelab.wire.ip import read_ip
from ikelab.wire.numbers import EsnChoice, IpsecAttribute, Protocol
from ikelab.wire.udp import STANDARD_PORTS, Carries, Ports, classify

__all__ = ["Followed", "FollowedPacket", "Follower", "follow", "heard"]

PROTOCOLS: dict[int, IpsecProtocol] = {Protocol.ESP: "ESP", Protocol.AH: "AH"}


def follow(
    datagrams: Iterable[CapturedDatagram], beliefs: Beliefs | None = None, *, ports: Ports = STANDARD_PORTS
) -> Iterator[Followed | FollowedPacket]:
    """What to make of each IKE message, ESP and AH packet in turn; keepalives are passed over. Never raises."""
    follower = Follower(beliefs, ports=ports)
    for datagram in datagrams:
        if (followed := follower.hear(datagram)) is not None:
            yield followed


def heard(datagrams: Iterable[CapturedDatagram], *, ports: Ports = STANDARD_PORTS) -> Iterator[Heard]:
    """The IKE messages alone, as a `Listener` takes them."""
    for datagram in datagrams:
        if datagram.protocol == "udp" and (message := _heard(datagram, ports)) is not None:
            yield message


def _heard(datagram: CapturedDatagram, ports: Ports) -> Heard | None:
    content = classify(datagram.octets, datagram.source.port, datagram.destination.port, ports=ports)
    if content.carries is not Carries.IKE:
        return None
    return Heard(
        frame=datagram.frame,
        time=datagram.time,
        source=datagram.source,
        destination=datagram.destination,
        octets=content.octets,
    )


@dataclass(frozen=True, kw_only=True)
class _KeyRing:
    """What can be tried on the packets of one SPI, with who sends under it where that is known.

    why_not: where there is nothing to try, the reason.
    """

    candidates: Mapping[SaKeys, str | None] = field(default_factory=dict)
    why_not: str = ""


class Follower:
    """Hears the datagrams of a recording in order. `listener` knows the conversations so far.

    begun: the time of the first datagram, None before it.
    """

    def __init__(self, beliefs: Beliefs | None = None, *, ports: Ports = STANDARD_PORTS) -> None:
        self.beliefs, self.ports = beliefs or Beliefs(), ports
        self.listener = Listener(beliefs=self.beliefs)
        self.begun: float | None = None
        self._children: dict[tuple[IpsecProtocol, bytes], list[Child]] = {}
        self._taken: dict[int, int] = {}
        self._rings: dict[tuple[IpsecProtocol, bytes], _KeyRing] = {}
        self._roles: dict[tuple[str, str], str] = {}
        self._sequences: dict[tuple[IpsecProtocol, bytes], int] = {}

    def hear(self, datagram: CapturedDatagram) -> Followed | FollowedPacket | None:
        """What to make of a datagram; None for a NAT-keepalive, which says nothing."""
        self.begun = datagram.time if self.begun is None else self.begun
        if datagram.protocol == "udp":
            if (message := _heard(datagram, self.ports)) is not None:
                return self._message(message, datagram.remarks)
            content = classify(datagram.octets, datagram.source.port, datagram.destination.port, ports=self.ports)
            return self._packet("ESP", datagram, encapsulated=True) if content.carries is Carries.ESP else None
        return self._packet("ESP" if datagram.protocol == "esp" else "AH", datagram)

    def _message(self, message: Heard, remarks: tuple[str, ...]) -> Followed:
        followed = self.listener.hear(message)
        if (conversation := followed.conversation) is not None:
            taken = self._taken.get(id(conversation), 0)
            for child in conversation.children[taken:]:
                key = PROTOCOLS[child.protocol], child.spi
                self._children.setdefault(key, []).insert(0, child)
                self._rings.pop(key, None)
            self._taken[id(conversation)] = len(conversation.children)
        if followed.sender is not None:
            ends = message.source.address, message.destination.address
            self._roles |= {ends: followed.sender, ends[::-1]: OTHER[followed.sender]}
        return replace(followed, remarks=(*remarks, *followed.remarks)) if remarks else followed

    def _packet(
        self, protocol: IpsecProtocol, datagram: CapturedDatagram, *, encapsulated: bool = False
    ) -> FollowedPacket:
        octets = datagram.octets
        packet = FollowedPacket(
            frame=datagram.frame,
            time=datagram.time,
            source=datagram.source,
            destination=datagram.destination,
            protocol=protocol,
            octets=octets,
            encapsulated=encapsulated,
            remarks=datagram.remarks,
        )
        try:
            spi, sequence = spi_and_sequence(protocol, octets)
        except WireError as error:
            return replace(packet, error=error)
        key = protocol, spi
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = self._ring(protocol, spi)
        ends = datagram.source.address, datagram.destination.address
        known, candidates, why_not = self._sequences.get(key, 0), ring.candidates, ring.why_not
        if _cut_short(datagram):
            candidates, why_not = {}, "the capture kept only a part of it"
        opening = open_packet(candidates, protocol, octets, datagram.ip, after=known)
        opened = opening.opened
        if opened is not None and opened.icv_ok:
            self._sequences[key] = max(known, opened.sequence)
        nested = carried_esp(protocol, octets)
        within = None if nested is None else self._packet("ESP", replace(datagram, octets=nested, remarks=()))
        inner = inside(protocol, octets, opened)
        return replace(
            packet,
            spi=spi,
            sequence=opened.sequence if opened else sequence,
            sender=(ring.candidates.get(opening.keys) if opening.keys else None) or self._roles.get(ends),
            keys=opening.keys,
            opened=opened,
            inner=f"{inner}: {within.inner}" if within and within.inner else inner,
            within=within,
            why_not=why_not,
            remarks=(*packet.remarks, *(opened.remarks if opened else ())),
            error=opening.error,
        )

    def _ring(self, protocol: IpsecProtocol, spi: bytes) -> _KeyRing:
        """What may open the packets of an SPI: the newest SA of that name, then ready keys that somebody gave."""
        found: dict[SaKeys, str | None] = {}
        problems: list[str] = []
        for child in self._children.get((protocol, spi), ()):
            if child.missing:
                problems.append(_lacking(child))
                continue
            try:
                found[_of_child(protocol, child)] = child.speaker
            except Misuse as problem:
                problems.append(f"the given keys do not fit what was agreed on: {problem}")
        ready = [*self.beliefs.about_esp(spi)] if protocol == "ESP" else []
        for told in self.beliefs.about_quick(spi):
            if told.protocol in (None, protocol):
                ready += _of_sizes(protocol, spi, told)
        found = found | {keys: found.get(keys) for keys in ready}
        return _KeyRing(candidates=found, why_not="" if found else "; ".join(problems) or "no key is known for its SPI")


def _cut_short(datagram: CapturedDatagram) -> bool:
    """Whether the capture did not keep the whole packet; an ICV over a part of it would prove nothing."""
    try:
        return read_ip(datagram.ip).missing > 0
    except WireError:
        return True


def _lacking(child: Child) -> str:
    """What is in the way of an SA's keys: values that are not known, or an algorithm that is not."""
    if child.protection is None:
        return "; ".join(child.missing)
    return f"its KEYMAT needs {' and '.join(child.missing)}, not known"


def _of_child(protocol: IpsecProtocol, child: Child) -> SaKeys:
    """The keys of an SA that was negotiated. Raises Misuse where given ones do not fit its algorithms."""
    assert child.protection is not None
    cipher, integrity = child.protection.cipher, child.protection.integrity
    esn = child.transform.first(IpsecAttribute.EXTENDED_SEQUENCE_NUMBER)
    return SaKeys(
        protocol=protocol,
        spi=child.spi,
        cipher=cipher,
        enc_key=child.enc_key if cipher and (child.enc_key or not cipher.keymat_size) else None,
        integrity=integrity,
        auth_key=child.auth_key or None,
        esn=esn == EsnChoice.ESN,
    )


def _of_sizes(protocol: IpsecProtocol, spi: bytes, told: QuickBelief) -> Iterator[SaKeys]:
    """Ready keys of a Quick Mode that nobody heard: every pair of algorithms that takes keys of these sizes."""
    enc, auth = (told.enc_i, told.auth_i) if spi == told.spi_i else (told.enc_r, told.auth_r)
    checks = [check for check in INTEGRITIES if auth is not None and check.key_size == len(auth)]
    if protocol == "AH":
        for check in checks:
            yield SaKeys(protocol="AH", spi=spi, integrity=check, auth_key=auth)
        return
    for cipher in ESP_CIPHERS:
        if cipher.keymat_size != len(enc or b"") or (enc is None and auth is None):
            continue
        if auth is None:
            suiting: list[Integrity | None] = [None]
        else:
            suiting = [] if isinstance(cipher, AeadCipher) else [*checks]
        for integrity in suiting:
            yield SaKeys(protocol="ESP", spi=spi, cipher=cipher, enc_key=enc or b"", integrity=integrity, auth_key=auth)
