"""What a peer wants: which offers, which secret, for whose traffic; and where its chance and its patience come from.

Everything here is a value, checked when it is made: a configuration that exists makes sense. Whatever the engine needs
of the outside world that is not a datagram or the time comes through `Env`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import ip_address
from typing import Literal, Protocol

from ikelab.errors import Misuse
from ikelab.ike.chance import Env, Seeded
from ikelab.ike.identity import ANY, Identity
from ikelab.ike.natt import NATT_PORT, NatTraversal
from ikelab.ike.offers import ChildOffer, IkeOffer
from ikelab.ike.selector import Selector
from ikelab.ike.words import ah_offers, child_offers, esp_offers, ike_offers
from ikelab.wire.numbers import AuthAlgorithm, AuthMethod, Encapsulation, Encryption, Group, Hash, TransformEsp

__all__ = [
    "ANY",
    "PROFILES",
    "Child",
    "ChildOffer",
    "CommitBit",
    "Connection",
    "Env",
    "Identity",
    "IkeOffer",
    "NatTraversal",
    "PeerConfig",
    "Profile",
    "Seeded",
    "Selector",
    "SelectorPolicy",
    "Weak",
    "ah_offers",
    "child_offers",
    "esp_offers",
    "ike_offers",
]

LEAST_LIFETIME, MOST_LIFETIME = 60, 86400
"""Seconds: no peer can make an SA live shorter than the one, no configuration longer than the other."""

IKE_LIFETIME, CHILD_LIFETIME = 28800, 3600
MOST_AT_ONCE = 3
MOST_PAIRS = 4
"""Pairs of SAs that one Quick Mode makes."""

LEAST_NONCE, MOST_NONCE = 8, 256
"""Octets of a nonce (RFC 2409 §5)."""

GOOD_PSK = 20
"""Octets of a pre-shared key from which on guessing it offline is hopeless, if they are random."""

ModeName = Literal["main", "aggressive"]

TUNNEL_MODES = frozenset(
    {
        Encapsulation.TUNNEL,
        Encapsulation.UDP_TUNNEL,
        Encapsulation.UDP_TUNNEL_DRAFT,
        Encapsulation.UDP_TUNNEL_CHECK_POINT,
    }
)
TRANSPORT_MODES = frozenset({Encapsulation.TRANSPORT, Encapsulation.UDP_TRANSPORT, Encapsulation.UDP_TRANSPORT_DRAFT})
ENCAPSULATIONS = {
    "tunnel": Encapsulation.TUNNEL,
    "transport": Encapsulation.TRANSPORT,
    "udp-tunnel": Encapsulation.UDP_TUNNEL,
    "udp-transport": Encapsulation.UDP_TRANSPORT,
    "udp-tunnel-draft": Encapsulation.UDP_TUNNEL_DRAFT,
    "udp-transport-draft": Encapsulation.UDP_TRANSPORT_DRAFT,
}
"""The Encapsulation Modes that this engine negotiates, by their words."""


# -- what is wanted ----------------------------------------------------------------------------------------------------


class SelectorPolicy(Enum):
    """Whose packets a responder lets an initiator ask for: just those of a child, or fewer of them as well.

    RFC 2409 §5.5 leaves it to local policy; nothing can be negotiated, as an answer repeats what was asked for.
    """

    EXACT = "exact"
    SUBSET = "subset"


@dataclass(frozen=True, kw_only=True)
class Child:
    """A pair of SAs that a Quick Mode is to make.

    offers: the preferred one first, all with the same group for PFS or all without. local, remote: whose traffic; None
    for the peer at that end alone, whatever its address is.
    mode: the Encapsulation Mode, tunnel or transport, plain or inside UDP (RFC 3947 §5.1, or a draft's number).
    lifetime: seconds; kilobytes: of traffic, None for any amount. selectors: what it accepts as responder.
    pairs: how many pairs of SAs one Quick Mode makes as initiator, each with an SA payload (RFC 2409 §5.5).
    Raises Misuse where these do not fit together.
    """

    name: str
    offers: tuple[ChildOffer, ...]
    local: Selector | None = None
    remote: Selector | None = None
    mode: int = Encapsulation.TUNNEL
    lifetime: int = CHILD_LIFETIME
    kilobytes: int | None = None
    selectors: SelectorPolicy = SelectorPolicy.EXACT
    pairs: int = 1

    def __post_init__(self) -> None:
        if not self.offers:
            raise Misuse(f"child {self.name}: expected at least one offer, got none")
        if len({offer.group for offer in self.offers}) > 1:
            raise Misuse(f"child {self.name}: expected the same group for PFS in every offer (RFC 2409 §5.5)")
        if self.mode not in ENCAPSULATIONS.values():
            known = ", ".join(f"{word} ({number})" for word, number in ENCAPSULATIONS.items())
            raise Misuse(f"child {self.name}: expected mode {known}, got {self.mode}")
        for end in (self.local, self.remote) if self.mode in TRANSPORT_MODES else ():
            if end is not None and end.first != end.last:
                raise Misuse(
                    f"child {self.name}: expected single addresses in transport mode, which protects the packets of "
                    f"the two peers themselves, got {end} (RFC 4301 §4.1)"
                )
        if self.local and self.remote and self.local.first.version != self.remote.first.version:
            raise Misuse(
                f"child {self.name}: expected addresses of one family at both ends, got {self.local} and {self.remote}"
            )
        _check_lifetime(f"child {self.name}", self.lifetime)
        if not 1 <= self.pairs <= MOST_PAIRS:
            raise Misuse(f"child {self.name}: expected 1 to {MOST_PAIRS} pairs of SAs, got {self.pairs}")
        if self.kilobytes is not None and not 1 <= self.kilobytes < 1 << 32:
            raise Misuse(f"child {self.name}: expected 1 to {(1 << 32) - 1} kilobytes, got {self.kilobytes}")

    @property
    def group(self) -> int | None:
        """The number of the group for perfect forward secrecy; None without."""
        return self.offers[0].group

    def takes(self, ends: tuple[Selector, Selector], asked: tuple[Selector, Selector]) -> bool:
        """Whether packets between the ones that were asked for are among those between its ends, by its policy."""
        if self.selectors is SelectorPolicy.EXACT:
            return ends == asked
        return all(own.contains(theirs) for own, theirs in zip(ends, asked, strict=True))

    def ends(self, local: str, remote: str) -> tuple[Selector, Selector]:
        """Whose traffic it is between peers at these two addresses: this side's, then the other's."""
        return self.local or Selector.parse(local), self.remote or Selector.parse(remote)


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A peer that one wants to talk to, and how.

    mode: "main" or "aggressive". method: the Authentication Method attribute. remote_id, remote_address: None for any.
    children: what to protect afterwards. lifetime: of the ISAKMP SA, in seconds. Raises Misuse where these do not fit
    together.
    """

    name: str
    offers: tuple[IkeOffer, ...]
    local_id: Identity
    remote_id: Identity | None = None
    remote_address: str | None = None
    mode: ModeName = "main"
    method: int = AuthMethod.PRE_SHARED_KEY
    psk: bytes | None = field(default=None, repr=False)
    children: tuple[Child, ...] = ()
    lifetime: int = IKE_LIFETIME

    def __post_init__(self) -> None:
        where = f"connection {self.name}"
        if not self.offers:
            raise Misuse(f"{where}: expected at least one offer, got none")
        if self.mode not in ("main", "aggressive"):
            raise Misuse(f'{where}: expected mode "main" or "aggressive", got {self.mode!r}')
        if self.mode == "aggressive" and len({offer.group for offer in self.offers}) > 1:
            raise Misuse(
                f"{where}: expected one group in every offer, got {', '.join(map(str, self.offers))}: in Aggressive "
                "Mode the group cannot be negotiated, its public value travels with the offers (RFC 2409 §5)"
            )
        if self.method == AuthMethod.PRE_SHARED_KEY and not self.psk:
            raise Misuse(f"{where}: expected a pre-shared key, got none")
        if self.local_id == ANY:
            raise Misuse(f"{where}: expected a name of one's own as local identity, got %any")
        if self.remote_address is not None:
            try:
                ip_address(self.remote_address)
            except ValueError:
                raise Misuse(f"{where}: expected an IP address, got {self.remote_address!r}") from None
        _check_names(where, "child", self.children)
        _check_lifetime(where, self.lifetime)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What works and is worth knowing: SHA-1, a pre-shared key that could be guessed."""
        words = {str(offer) for offer in self.offers} | {
            str(part) for child in self.children for offer in child.offers for part in offer.parts
        }
        found = [f"sha1: {Hash.SHA.meaning}"] if any("sha1" in each.split("-") for each in words) else []
        if self.psk is not None and len(self.psk) < GOOD_PSK:
            found.append(
                f"the pre-shared key has {len(self.psk)} octets: whoever plays the responder once can try words "
                f"against it offline; {GOOD_PSK} random ones are hopeless to guess"
            )
        return tuple(found)

    @property
    def weaknesses(self) -> tuple[str, ...]:
        """What should not be used where others can listen: each a word of a proposal, and what is wrong with it."""
        return tuple(dict.fromkeys(_weaknesses(self.offers, self.children)))


class Weak(Enum):
    """Whether a peer may use what is broken: MD5, DES, small groups."""

    REFUSED = "refused"
    ALLOWED = "allowed"


class CommitBit(Enum):
    """What a peer does about the header's Commit bit in Quick Mode (RFC 2408 §3.1).

    No hash covers the bit, so whoever is on the way can set it and keep an initiator waiting that honours it: by
    default it is passed over. HONOURED: as initiator, wait for CONNECTED where it is set. SET: besides, set it as
    responder.
    """

    IGNORED = "ignored"
    HONOURED = "honoured"
    SET = "set"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How patient a peer is: when a message that nobody answers is sent again. All times are in seconds.

    first: the wait after a message was sent for the first time. factor: how many times as long each further wait is;
    cap: the longest wait, None for no limit. tries: how often a message is sent again; give_up: the sum of waits at
    which a message is given up all the same, None for no limit. jitter: by which part of itself a wait may be longer or
    shorter. half_open: how long a responder keeps an SA that is not complete.
    """

    name: str
    first: float
    factor: float
    tries: int
    cap: float | None = None
    give_up: float | None = None
    jitter: float = 0.0
    half_open: float = 30.0

    def __post_init__(self) -> None:
        if self.first <= 0 or self.factor < 1 or self.tries < 0 or not 0 <= self.jitter < 1:
            raise Misuse(
                f"profile {self.name}: expected first > 0, factor >= 1, tries >= 0 and jitter from 0 to 1, "
                f"got {self.first}, {self.factor}, {self.tries}, {self.jitter}"
            )

    def wait(self, sent: int) -> float | None:
        """How long to wait for an answer when a message has been sent `sent` times (from 1); None: stop trying."""
        waits = self.waits
        return waits[sent - 1] if 1 <= sent <= len(waits) else None

    @property
    def waits(self) -> tuple[float, ...]:
        """Every wait in turn, one for each time that the message goes out; after the last one it is given up."""
        waits: list[float] = []
        for sent in range(self.tries + 1):
            wait = self.first * self.factor**sent
            wait = wait if self.cap is None else min(wait, self.cap)
            left = None if self.give_up is None else self.give_up - sum(waits)
            if left is not None and wait >= left:
                return (*waits, left)
            waits.append(wait)
        return tuple(waits)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(name="ikelab", first=1.0, factor=1.8, tries=6, cap=20.0, jitter=0.1),
        Profile(name="strongswan", first=4.0, factor=1.8, tries=5),
        Profile(name="libreswan", first=0.5, factor=2.0, tries=12, give_up=60.0, half_open=60.0),
        Profile(name="cisco", first=10.0, factor=1.0, tries=5),
        Profile(name="lossy-lab", first=0.5, factor=1.3, tries=24, cap=2.0, half_open=120.0),
    )
}
"""Presets by name: our own, those of three families of peers, and one for networks that lose a third of all packets."""


@dataclass(frozen=True, kw_only=True)
class PeerConfig:
    """All that one peer wants and allows.

    vendor_ids: what it shows in Vendor ID payloads. weak: whether it may use what is broken; `Weak.REFUSED` raises
    Misuse where a connection names such a thing, and forbids Aggressive Mode with a pre-shared key as responder.
    nonce_size: octets. at_once: Quick Modes that it has under way under one ISAKMP SA, 1 to 3 (strongSwan knows the IVs
    of three). natt_port: where this side goes when a NAT was found.
    """

    connections: tuple[Connection, ...]
    vendor_ids: tuple[bytes, ...] = ()
    weak: Weak = Weak.REFUSED
    nonce_size: int = 32
    at_once: int = 1
    nat_traversal: NatTraversal = NatTraversal.OFF
    natt_port: int = NATT_PORT
    profile: Profile = PROFILES["ikelab"]
    commit: CommitBit = CommitBit.IGNORED

    def __post_init__(self) -> None:
        _check_names("peer", "connection", self.connections)
        if not LEAST_NONCE <= self.nonce_size <= MOST_NONCE:
            raise Misuse(
                f"nonce size: expected {LEAST_NONCE} to {MOST_NONCE} octets, got {self.nonce_size} (RFC 2409 §5)"
            )
        if not 1 <= self.at_once <= MOST_AT_ONCE:
            raise Misuse(f"at once: expected 1 to {MOST_AT_ONCE} Quick Modes, got {self.at_once}")
        for connection in self.connections if self.weak is Weak.REFUSED else ():
            if connection.weaknesses:
                raise Misuse(
                    f"connection {connection.name}: expected nothing weak, got {'; '.join(connection.weaknesses)} "
                    "(allow it with weak=Weak.ALLOWED, on the command line with --allow-weak)"
                )

    def connection(self, name: str) -> Connection:
        """The connection of that name. Raises Misuse."""
        for connection in self.connections:
            if connection.name == name:
                return connection
        known = ", ".join(connection.name for connection in self.connections) or "none"
        raise Misuse(f"connection: expected one of {known}, got {name!r}")


def _check_lifetime(where: str, lifetime: int) -> None:
    if not 1 <= lifetime <= MOST_LIFETIME:
        raise Misuse(f"{where}: expected a lifetime of 1 to {MOST_LIFETIME} seconds, got {lifetime}")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


def _check_names(where: str, what: str, named: Iterable[_Named]) -> None:
    names = [each.name for each in named]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Misuse(f"{where}: expected each {what} to have a name of its own, got {', '.join(twice)} twice")


def _weaknesses(offers: Iterable[IkeOffer], children: Iterable[Child]) -> Iterable[str]:
    small = {Group.MODP_768, Group.MODP_1024, Group.MODP_1536}
    for offer in offers:
        if offer.cipher.number == Encryption.DES_CBC:
            yield f"{offer.cipher.word}: {Encryption.DES_CBC.meaning}"
        if offer.hash.number == Hash.MD5:
            yield f"{offer.hash.word}: {Hash.MD5.meaning}"
        if offer.group in small or not Group(offer.group).assigned:
            yield f"{offer.dh.word}: {Group(offer.group).meaning}"
    for offered in (part for child in children for offer in child.offers for part in offer.parts):
        cipher, integrity, dh = offered.protection.cipher, offered.protection.integrity, offered.dh
        if cipher is not None and cipher.number == TransformEsp.DES:
            yield f"{cipher.word}: {TransformEsp.DES.meaning}"
        if integrity is not None and integrity.number == AuthAlgorithm.HMAC_MD5:
            yield f"{integrity.word}: {Hash.MD5.meaning}"
        if dh is not None and (dh.number in small or not Group(dh.number).assigned):
            yield f"{dh.word}: {Group(dh.number).meaning}"
