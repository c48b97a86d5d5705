"""One peer thinking: what it heard, what it draws and learns, what it will say. The work sheet of one step.

Actions write on it; when all of them agree, `step` makes frozen records of it, and when one refuses it is thrown away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from ikelab.crypto.book import Book
from ikelab.crypto.derived import Given
from ikelab.errors import Refusal
from ikelab.ike.config import Child, Connection, Env, PeerConfig
from ikelab.ike.negotiate import ChildChoice
from ikelab.ike.proof import Authenticated
from ikelab.ike.rules import Rule
from ikelab.ike.sa import Exchange, IkeSa, IpsecSa
from ikelab.ike.script import GONE
from ikelab.wire.message import Dissection
from ikelab.wire.records import Payload

P = TypeVar("P", bound=Payload)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that the owner of a peer may want to hear of. `name` says what; `text` is a sentence for people."""

    name: str
    text: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Turn:
    """What a peer has before it while it takes one step. `sheet` is the readable side of what it heard, if it heard.

    rule: the shared rule that the news in a message has set off, if any; ended: the message IDs of the exchanges that
    are over for it. complaint: an error that the other side has notified.
    """

    before: IkeSa
    exchange: Exchange
    env: Env
    config: PeerConfig
    sheet: Dissection | None = None
    found: Mapping[str, int] = field(default_factory=dict)
    saying: list[Payload] = field(default_factory=list)
    learned: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rule: Rule | None = None
    ended: list[int] = field(default_factory=list)
    complaint: Refusal | None = None

    @property
    def sa(self) -> IkeSa:
        """The SA as this step has made it so far."""
        if self.before.exchange(self.exchange.message_id) is not self.exchange:
            self.before = self.before.with_exchange(self.exchange)
        return self.before

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
        sa, exchange = self.before, self.exchange
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

    def authenticate(self, proof: Authenticated) -> None:
        """The one way to become ESTABLISHED."""
        self.choose(authenticated=proof)

    def choose(self, **changes: Any) -> None:  # noqa: ANN401
        """The SA with some fields changed."""
        self.before = self.sa.but(**changes)

    def add_children(self, *children: IpsecSa) -> None:
        """SAs that protect packets from now on."""
        self.choose(children=(*self.sa.children, *children))

    def end(self, exchange: Exchange, rule: Rule, because: Refusal) -> None:
        """Another exchange of this SA is over, by a rule that this message has set off."""
        self.before = self.sa.with_exchange(replace(exchange, state=GONE))
        self.rule, self.complaint = rule, because
        self.ended.append(exchange.message_id)
        self.happen("failed", str(because), exchange=exchange.script.name, state=exchange.state)

    def happen(self, name: str, text: str, **detail: Any) -> None:  # noqa: ANN401
        """Tell the owner of the peer."""
        self.events.append(Event(name=name, text=text, detail=detail))

    @property
    def connection(self) -> Connection:
        """What this SA is meant to be; known from the moment a connection was chosen."""
        assert self.before.connection is not None
        return self.before.connection

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
        book = self.sa.book
        assert book is not None
        return book
