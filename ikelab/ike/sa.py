"""What a peer remembers: an ISAKMP SA, the exchanges under it, and the SAs that protect packets.

All frozen: a step makes a new record and leaves the old one as it was, so every moment of a run can be looked at later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from typing import Any

from ikelab.crypto.book import Book, Method
from ikelab.crypto.derived import Derived, Given, Value
from ikelab.crypto.keymat import keys_of
from ikelab.crypto.protection import Protection
from ikelab.ike.config import Child, Connection, Selector
from ikelab.ike.natt import NATT_PORT, Natt
from ikelab.ike.negotiate import ChildChoice, IkeChoice
from ikelab.ike.proof import Authenticated
from ikelab.ike.protect import exchange_iv
from ikelab.ike.script import DONE, ESTABLISHED, GONE, START, Role, Row, Script
from ikelab.ike.spent import Spent
from ikelab.wire.numbers import Protocol
from ikelab.wire.payloads import ID, SA
from ikelab.wire.udp import Endpoint

UNUSED_COOKIE = bytes(8)
FINISHED_KEPT = 16
"""Exchanges that are over and still remembered whole, for late repetitions; of older ones only the message ID is."""

MADE_OF = frozenset({"connection", "choice", "cookie_i", "cookie_r"})
"""What the book of an SA is made of, besides the values of phase 1."""


def fingerprint(octets: bytes) -> bytes:
    """What is kept of a datagram to know it again."""
    return sha256(octets).digest()


@dataclass(frozen=True, kw_only=True)
class Pact:
    """What one SA payload of a Quick Mode offers, and what came of it.

    spi: under which this side wants to receive; beside: the same of the protocols that are offered besides (an AH
    beside ESP, IPComp), by protocol.
    """

    offered: SA | None = None
    spi: bytes = b""
    beside: Mapping[int, bytes] = field(default_factory=dict)
    choice: ChildChoice | None = None

    @property
    def own(self) -> dict[int, bytes]:
        """This side's SPIs of the protocols that were agreed on; for IPComp its CPI."""
        assert self.choice is not None
        return {each: self.beside.get(each, self.spi) for each in self.choice.protocols} | {
            self.choice.protocol: self.spi
        }

    @property
    def theirs(self) -> dict[int, bytes]:
        """The other side's."""
        assert self.choice is not None
        return {each: self.choice.spi_of(each) for each in self.choice.protocols}


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One exchange as one peer sees it.

    role: this peer's role in this exchange. message_id: 0 in phase 1. number: messages said and heard so far.
    iv: the IV of the next encrypted message, b"" where it is still to be computed. given: values by RFC name.
    exponent: of this side, public: the other side's half, of the Diffie-Hellman exchange in `group`.
    offered, spi, beside, choice: of the first SA payload of Quick Mode, as in a `Pact`; more: of those behind it.
    said: the last datagram of this side, to be said again; b"" where nobody can need it any more.
    heard: the fingerprint of the last datagram heard; older: those of the ones before it.
    """

    script: Script
    role: Role
    message_id: int = 0
    state: str = START
    number: int = 0
    iv: bytes = b""
    given: Mapping[str, Given] = field(default_factory=dict)
    exponent: bytes = b""
    public: bytes = b""
    group: int | None = None
    offered: SA | None = None
    child: Child | None = None
    choice: ChildChoice | None = None
    spi: bytes = b""
    beside: Mapping[int, bytes] = field(default_factory=dict)
    more: tuple[Pact, ...] = ()
    ids: tuple[ID, ...] = ()
    said: bytes = b""
    heard: bytes = b""
    older: tuple[bytes, ...] = ()

    @property
    def row(self) -> Row | None:
        """The row that waits to fire; None where the exchange is over."""
        return self.script.row(self.role, self.state)

    @property
    def pacts(self) -> tuple[Pact, ...]:
        """What each SA payload of a Quick Mode is about, in their order."""
        return Pact(offered=self.offered, spi=self.spi, beside=self.beside, choice=self.choice), *self.more

    def agreeing(self, pacts: Sequence[Pact]) -> Exchange:
        """The same with these pacts."""
        first, *more = pacts
        return replace(
            self, offered=first.offered, spi=first.spi, beside=first.beside, choice=first.choice, more=tuple(more)
        )

    def ends(self, local: str, remote: str) -> tuple[Selector, Selector]:
        """Whose packets it is for, this side's first: IDci's and IDcr's, else the peers' own (RFC 2409 §5.5)."""
        if self.ids:
            first, second = (Selector.from_payload(payload) for payload in self.ids)
            return (first, second) if self.role == "initiator" else (second, first)
        return Selector.parse(local), Selector.parse(remote)

    @property
    def over(self) -> bool:
        """Whether this peer has no part left in it."""
        return self.state in (DONE, ESTABLISHED, GONE)


@dataclass(frozen=True, kw_only=True)
class IpsecSa:
    """One direction of a pair of SAs that protect packets; several protocols for the same packets are several pairs.

    spi: chosen by the receiver of these packets. cpi: of IPComp, by which they are compressed before; b"" without, and
    for an AH beside ESP. sender: who sends them, by role in the Quick Mode that made the pair;
    role: this peer's own role in it. message_id: of that Quick Mode; pair: which of its SA payloads it is of, from 0.
    """

    protocol: int
    spi: bytes
    sender: Role
    role: Role
    choice: ChildChoice
    enc_key: bytes
    auth_key: bytes
    keymat: Value
    local: Selector
    remote: Selector
    name: str
    message_id: int
    pair: int = 0
    cpi: bytes = b""

    @property
    def protection(self) -> Protection:
        """The algorithms that its keys are for."""
        return self.choice.offer.part(self.protocol).protection

    @property
    def keys(self) -> tuple[Derived, ...]:
        """What KEYMAT is cut into, each key with the whole way back to where it came from."""
        return keys_of(self.keymat, self.protection)

    @property
    def words(self) -> str:
        """Its algorithms as a proposal says them; those of AH with the protocol before them."""
        part = self.choice.offer.part(self.protocol)
        return str(part) if self.protocol == Protocol.ESP else f"{Protocol(self.protocol).short} {part}"

    @property
    def inbound(self) -> bool:
        """Whether this peer receives these packets, and so has chosen the SPI."""
        return self.sender != self.role


@dataclass(frozen=True, kw_only=True)
class IkeSa:
    """One ISAKMP SA of one peer, from its first thought to its end.

    role: this peer's role in phase 1. serial: which of this peer's SAs it is, so that no two draw the same chance.
    exchanges: those under way and those lately finished, by message ID; spent: the message IDs of all others.
    natt: what is known of NATs on the way; None unless both can traverse them. remote_natt_port: where the other side
    would be then. gone: why it is over; "" while it lives. Whoever is ESTABLISHED has `authenticated`: no other record
    can be made.
    """

    role: Role
    local: Endpoint
    remote: Endpoint
    cookie_i: bytes
    main: Exchange
    serial: int = 0
    cookie_r: bytes = UNUSED_COOKIE
    connection: Connection | None = None
    choice: IkeChoice | None = None
    authenticated: Authenticated | None = None
    exchanges: Mapping[int, Exchange] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)
    children: tuple[IpsecSa, ...] = ()
    natt: Natt | None = None
    remote_natt_port: int = NATT_PORT
    gone: str = ""

    def __post_init__(self) -> None:
        if self.main.state == ESTABLISHED and not isinstance(self.authenticated, Authenticated):
            raise AssertionError(f"{self.main.script.name}: ESTABLISHED, but nothing has verified the other side")

    @property
    def state(self) -> str:
        """The state of phase 1, which is the state of the SA."""
        return GONE if self.gone else self.main.state

    @property
    def established(self) -> bool:
        """Whether the other side is authenticated and phase 2 may begin."""
        return self.state == ESTABLISHED

    @property
    def has_keys(self) -> bool:
        """Whether both halves of the Diffie-Hellman exchange are known, and so every key."""
        return "g^xy" in self.main.given

    @property
    def unconfirmed(self) -> bool:
        """Whether phase 1 ended with a message of this side, and nothing has shown yet that it arrived."""
        return self.established and bool(self.main.said)

    @property
    def waiting(self) -> tuple[Exchange, ...]:
        """The exchanges under the SA that are not over, the oldest first."""
        return tuple(exchange for exchange in self.exchanges.values() if not exchange.over)

    @cached_property
    def book(self) -> Book | None:
        """The secrets of phase 1, from what this peer has drawn, heard and computed; None before a suite is agreed."""
        if self.choice is None:
            return None
        cookies = {"CKY-I": self.cookie_i, "CKY-R": self.cookie_r}
        given = {name: Given(name=name, value=value, origin="ISAKMP header") for name, value in cookies.items()}
        if self.connection is not None and self.connection.psk is not None:
            given["PSK"] = Given(name="PSK", value=self.connection.psk, origin="configured")
        offer = self.choice.offer
        return Book(Method.PSK, None, offer.hash, {**given, **self.main.given}, cipher=offer.cipher)

    def but(self, **changes: Any) -> IkeSa:  # noqa: ANN401  (fields of a frozen record, checked by `replace`)
        """The same SA with some fields changed; its book is handed on where nothing that was in it can have changed."""
        changed = replace(self, **changes)
        book: Book | None = self.__dict__.get("book")
        if book is not None and MADE_OF.isdisjoint(changes):
            old, new = self.main.given, changed.main.given
            if old is new:
                changed.__dict__["book"] = book
            elif all(new.get(name) is value for name, value in old.items()):
                changed.__dict__["book"] = book.also({name: new[name] for name in new if name not in old})
        return changed

    def exchange(self, message_id: int) -> Exchange | None:
        """The exchange of that message ID, if it is remembered; phase 1 has 0."""
        return self.main if message_id == 0 else self.exchanges.get(message_id)

    def with_exchange(self, exchange: Exchange) -> IkeSa:
        """The same SA with an exchange put in, or in the place of its former self."""
        if exchange.message_id == 0:
            return self.but(main=exchange)
        exchanges = {**self.exchanges, exchange.message_id: exchange}
        finished = [message_id for message_id, each in exchanges.items() if each.over]
        spent = self.spent
        for message_id in finished[: max(0, len(finished) - FINISHED_KEPT)]:
            del exchanges[message_id]
            spent = spent.also(message_id)
        return self.but(exchanges=exchanges, spent=spent)

    def has_seen(self, message_id: int) -> bool:
        """Whether this message ID names an exchange that was begun, by whichever side."""
        return message_id in self.exchanges or message_id in self.spent

    @property
    def exchange_count(self) -> int:
        """How many exchanges there have been under it."""
        return len(self.exchanges) + len(self.spent)

    def next_iv(self, exchange: Exchange) -> bytes:
        """The IV of the exchange's next encrypted message (RFC 2409 Appendix B).

        The first one of phase 2 is made of the last ciphertext block of phase 1; where phase 1 encrypted nothing, of
        the IV that it would have begun with.
        """
        if exchange.iv:
            return exchange.iv
        assert self.book is not None
        if exchange.message_id == 0:
            return self.book["IV"].value
        base = self.main.iv or self.book["IV"].value
        return exchange_iv(self.book, exchange.script.exchange, exchange.message_id, base).value
