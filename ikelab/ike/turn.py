"""One peer thinking: what it heard, what it draws and learns, what it will say. The work sheet of one step.

Actions write on it; when all of them agree, `step` makes frozen records of it, and when one refuses it is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ikelab.crypto.book import Book
from ikelab.crypto.derived import Given
from ikelab.errors import Refusal
from ikelab.ike.config import Child, Connection, Env, PeerConfig
from ikelab.ike.negotiate import ChildChoice
from ikelab.ike.proof import Authenticated
from ikelab.ike.rules import Rule
from ikelab.ike.sa import Exchange, IkeSa, IpsecSa, Pact
from ikelab.ike.script import GONE
from ikelab.wire.message import Dissection
from ikelab.wire.records import Payload
from ikelab.wire.udp import Endpoint

P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that the owner of a peer may want to hear of. `name` says what; `text` is a sentence for people."""

    name: str
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Turn:
    """What a peer has before it while it takes one step.

    sa: as this step has made it so far, `exchange` aside, which is put into it at the end (`whole`). path: from where
    the message that was heard came, and where it arrived; sheet: its readable side; found: where each symbol stands in
    it. rule: the shared rule that the news in a message has set off, if any; ended: the message IDs of the exchanges
    that are over for it. complaint: an error that the other side has notified.
    """

    sa: IkeSa
    exchange: Exchange
    env: Env
    config: PeerConfig
    path: tuple[Endpoint, Endpoint] | None = None
    sheet: Dissection | None = None
    found: Mapping[str, int] = field(default_factory=dict)
    saying: list[Payload] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rule: Rule | None = None
    ended: list[int] = field(default_factory=list)
    complaint: Refusal | None = None

    @property
    def whole(self) -> IkeSa:
        """The SA as this step has made it so far."""
        if self.sa.exchange(self.exchange.message_id) is not self.exchange:
            self.sa = self.sa.with_exchange(self.exchange)
        return self.sa

    @property
    def side(self) -> str:
        """This side's letter in the RFC's symbols: "i" or "r", by its role in this exchange."""
        return self.exchange.role[0]

    @property
    def other_side(self) -> str:
        """The other side's letter."""
        return "r" if self.side == "i" else "i"

    def payload(self, symbol: str, kind: type[P]) -> P:
        """The payload that stands for a symbol of the shape that was heard."""
        assert self.sheet is not None
        payload = self.sheet.payloads[self.found[symbol]]
        assert isinstance(payload, kind)
        return payload

    def body(self, symbol: str) -> bytes:
        """Its octets behind the generic header, as they came."""
        assert self.sheet is not None
        return self.sheet.body(self.found[symbol])

    def heard(self, symbol: str) -> bool:
        """Whether an optional payload came."""
        return symbol in self.found

    def say(self, *payloads: Payload) -> None:
        """Put payloads into the message being built."""
        self.saying += payloads

    def draw(self, label: str, size: int) -> bytes:
        """Fresh octets, never the same for two purposes: the label is bound to this SA and exchange."""
        sa, exchange = self.sa, self.exchange
        place = f"SA {sa.serial}/{sa.cookie_i.hex()}/{exchange.role}/{exchange.message_id:08x}"
        return self.env.draw(f"{place}/{label}", size)

    def know(self, name: str, value: bytes, origin: str) -> None:
        """A value by its RFC name, for the formulas."""
        given = Given(name=name, value=value, origin=origin)
        self.update(given={**self.exchange.given, name: given})
        self.learned.append(name)

    def update(self, **changes: Any) -> None:  # noqa: ANN401  (fields of a frozen record, checked by `replace`)
        """The exchange with some fields changed."""
        self.exchange = replace(self.exchange, **changes)

    def agree(self, pacts: Sequence[Pact]) -> None:
        """What each SA payload of a Quick Mode is about."""
        self.exchange = self.exchange.agreeing(pacts)

    def authenticate(self, proof: Authenticated) -> None:
        """The one way to become ESTABLISHED."""
        self.choose(authenticated=proof)

    def choose(self, **changes: Any) -> None:  # noqa: ANN401
        """The SA with some fields changed."""
        self.sa = self.sa.but(**changes)

    def add_children(self, *children: IpsecSa) -> None:
        """SAs that protect packets from now on."""
        self.choose(children=(*self.sa.children, *children))

    def end(self, exchange: Exchange, rule: Rule, because: Refusal) -> None:
        """Another exchange of this SA is over, by a rule that this message has set off."""
        self.sa = self.sa.with_exchange(replace(exchange, state=GONE))
        self.rule, self.complaint = rule, because
        self.ended.append(exchange.message_id)
        self.happen("failed", str(because), exchange=exchange.script.name, state=exchange.state)

    def happen(self, name: str, text: str, **detail: Any) -> None:  # noqa: ANN401
        """Tell the owner of the peer."""
        self.events.append(Event(name=name, text=text, detail=detail))

    @property
    def connection(self) -> Connection:
        """What this SA is meant to be; known from the moment a connection was chosen."""
        assert self.sa.connection is not None
        return self.sa.connection

    @property
    def child(self) -> Child:
        """What this Quick Mode is for."""
        assert self.exchange.child is not None
        return self.exchange.child

    @property
    def child_choice(self) -> ChildChoice:
        """What this Quick Mode has agreed on."""
        assert self.exchange.choice is not None
        return self.exchange.choice

    @property
    def book(self) -> Book:
        """The secrets of phase 1 so far."""
        book = self._keyed.book
        assert book is not None
        return book

    @property
    def iv(self) -> bytes:
        """The IV of the next encrypted message of this exchange."""
        return self._keyed.next_iv(self.exchange)

    @property
    def _keyed(self) -> IkeSa:
        """The SA with all that phase 1 has brought so far: an exchange under it adds nothing to that."""
        return self.sa if self.exchange.message_id else self.whole
