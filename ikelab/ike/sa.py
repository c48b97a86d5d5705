"""What a peer remembers: an ISAKMP SA, the exchanges under it, and the SAs that protect packets.

All frozen: a step makes a new record and leaves the old one as it was, so every moment of a run can be looked at later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from ikelab.crypto.book import Book, Method
from ikelab.crypto.derived import Given, Value
from ikelab.errors import Refusal
from ikelab.ike.config import Child, Connection, Selector
from ikelab.ike.negotiate import ChildChoice, IkeChoice
from ikelab.ike.proof import Authenticated
from ikelab.ike.script import DONE, ESTABLISHED, GONE, START, Row, Script
from ikelab.wire.payloads import ID, SA
from ikelab.wire.udp import Endpoint


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One exchange as one peer sees it.

    role: this peer's role in this exchange. message_id: 0 in phase 1. number: messages said and heard so far.
    iv: the IV of the next encrypted message, b"" where it is still to be computed. given: values by RFC name.
    said, heard: the last datagram each way, kept to answer repetitions with the same octets. older: heard before it.
    complaint: an error that the other side has notified; doubted: the same, before the last repetition, or with it
    where it came with proof.
    """

    script: Script
    role: str
    message_id: int = 0
    state: str = START
    number: int = 0
    iv: bytes = b""
    given: Mapping[str, Given] = field(default_factory=dict)
    exponent: bytes = b""
    group: int | None = None
    offered: SA | None = None
    child: Child | None = None
    choice: ChildChoice | None = None
    spi: bytes = b""
    ids: tuple[ID, ...] = ()
    said: bytes = b""
    heard: bytes = b""
    older: tuple[bytes, ...] = ()
    complaint: Refusal | None = None
    doubted: Refusal | None = None

    @property
    def row(self) -> Row | None:
        """The row that waits to fire; None where the exchange is over."""
        return self.script.row(self.role, self.state)

    @property
    def over(self) -> bool:
        """Whether this peer has no part left in it."""
        return self.state in (DONE, ESTABLISHED, GONE)


@dataclass(frozen=True, kw_only=True)
class IpsecSa:
    """One direction of a pair of SAs that protect packets. `spi` was chosen by the receiver of these packets."""

    protocol: int
    spi: bytes
    sender: str
    choice: ChildChoice
    enc_key: bytes
    auth_key: bytes
    keymat: Value
    local: Selector
    remote: Selector
    name: str
    message_id: int


@dataclass(frozen=True, kw_only=True)
class IkeSa:
    """One ISAKMP SA of one peer, from its first thought to its end. `role` is this peer's role in phase 1."""

    role: str
    local: Endpoint
    remote: Endpoint
    cookie_i: bytes
    main: Exchange
    cookie_r: bytes = bytes(8)
    connection: Connection | None = None
    choice: IkeChoice | None = None
    authenticated: Authenticated | None = None
    exchanges: Mapping[int, Exchange] = field(default_factory=dict)
    children: tuple[IpsecSa, ...] = ()
    gone: str = ""

    @property
    def state(self) -> str:
        """The state of phase 1, which is the state of the SA."""
        return GONE if self.gone else self.main.state

    @property
    def established(self) -> bool:
        """Whether both sides are authenticated and phase 2 may begin."""
        return self.state == ESTABLISHED and self.authenticated is not None

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

    def exchange(self, message_id: int) -> Exchange | None:
        """The exchange of that message ID; phase 1 has 0."""
        return self.main if message_id == 0 else self.exchanges.get(message_id)

    def with_exchange(self, exchange: Exchange) -> IkeSa:
        """The same SA with an exchange put in, or in the place of its former self."""
        if exchange.message_id == 0:
            return replace(self, main=exchange)
        return replace(self, exchanges={**self.exchanges, exchange.message_id: exchange})

    def phase2_iv_base(self) -> bytes:
        """The last ciphertext block of phase 1; where phase 1 encrypted nothing, its first IV (RFC 2409 Appendix B)."""
        assert self.book is not None
        return self.main.iv or self.book["IV"].value
