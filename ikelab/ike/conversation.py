"""What a conversation has made known so far: cookies, choices, public values, and under each belief a book of secrets.

A listener hears the same octets as the peers. What it lacks, it may be told (`ikelab.ike.beliefs`): then each belief
opens a book of its own, and whatever the heard and the told together determine can be computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from ikelab.crypto.book import Book, Chapter, Method
from ikelab.crypto.derived import Derived, Given, Value
from ikelab.crypto.protection import Protection, esp_cipher_by_number, integrity_by_number
from ikelab.crypto.suite import Cipher, Hash, cipher_by_number, hash_by_number
from ikelab.errors import Misuse
from ikelab.ike.beliefs import Belief, Beliefs, QuickBelief
from ikelab.ike.protect import exchange_iv
from ikelab.wire.numbers import IkeAttribute, IpsecAttribute, Protocol
from ikelab.wire.payloads import PAYLOADS, SA
from ikelab.wire.proposals import Proposal, Transform
from ikelab.wire.records import Payload
from ikelab.wire.udp import Endpoint

INITIATOR, RESPONDER = "initiator", "responder"
OTHER = {INITIATOR: RESPONDER, RESPONDER: INITIATOR}
UNUSED_COOKIE = bytes(8)
MOST_BLOCKS = 8


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a value was heard: the frame, the sheet (0 as it travelled, 1 decrypted) and the payload, both from 0."""

    frame: int
    sheet: int
    payload: int


@dataclass(frozen=True, kw_only=True)
class Suite:
    """What phase 1 agreed on, as far as a listener needs it."""

    method: Method
    hash: Hash
    cipher: Cipher
    group: int | None
    transform: Transform


@dataclass(frozen=True, kw_only=True)
class Child:
    """The keys of one direction of an SA that a Quick Mode made; `sender` is the Quick Mode role of who sends with it.

    speaker: the same peer's role in the ISAKMP SA; either of its ends may begin a Quick Mode.
    keymat is None where the keys were given ready, or are not determined: `missing` then names what is lacking.
    """

    protocol: int
    spi: bytes
    sender: str
    speaker: str
    frame: int
    transform: Transform
    protection: Protection | None
    keymat: Value | None = None
    enc_key: bytes = b""
    auth_key: bytes = b""
    missing: tuple[str, ...] = ()


@dataclass
class Blocks:
    """The last ciphertext block of each message heard, newest first: the IV of the next one is among them.

    A peer that did not accept a message goes on from an earlier one. Of the messages that could be opened, and of those
    that could not, `MOST_BLOCKS` each are kept: nobody can make a listener try more, or forget the right one.
    """

    opened: list[bytes] = field(default_factory=list)
    closed: list[bytes] = field(default_factory=list)
    _order: list[bytes] = field(default_factory=list)

    def add(self, block: bytes, *, opened: bool) -> None:
        """The last block of one more message."""
        kept = self.opened if opened else self.closed
        kept.append(block)
        self._order.append(block)
        if len(kept) > MOST_BLOCKS:
            self._order.remove(kept.pop(0))

    def __iter__(self) -> Iterator[bytes]:
        return reversed(self._order)


@dataclass
class Exchange:
    """An exchange under the ISAKMP SA: who began it, what was said in it, and the blocks its IVs come from."""

    type: int
    message_id: int
    begun_by: str
    heard: int = 0
    blocks: Blocks = field(default_factory=Blocks)
    given: dict[str, Given] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    offered: tuple[SA, ...] = ()
    pfs: bool = False


@dataclass
class Conversation:
    """One ISAKMP SA as a listener knows it."""

    cookie_i: bytes
    beliefs: Beliefs
    cookie_r: bytes = UNUSED_COOKIE
    endpoints: dict[str, list[Endpoint]] = field(default_factory=lambda: {INITIATOR: [], RESPONDER: []})
    phase1_exchange: int = 0
    phase1_heard: int = 0
    declared: dict[int, type[Payload]] = field(default_factory=lambda: dict(PAYLOADS))
    suite: Suite | None = None
    suite_problem: str = "the SA payload of the responder was not heard"
    given: dict[str, Given] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    blocks: Blocks = field(default_factory=Blocks)
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)
    _books: list[Book] | None = None

    def role_of(self, source: Endpoint, destination: Endpoint) -> str:
        """Which peer sent a datagram; a peer that moved to another port (RFC 3947 §4) is known by its address."""
        for role, other in ((INITIATOR, RESPONDER), (RESPONDER, INITIATOR)):
            if source in self.endpoints[role] and source not in self.endpoints[other]:
                return role
        addresses = {role: {end.address for end in ends} for role, ends in self.endpoints.items()}
        return RESPONDER if source.address in addresses[RESPONDER] - addresses[INITIATOR] else INITIATOR

    def met(self, role: str, source: Endpoint, destination: Endpoint) -> None:
        """Remember under which endpoints the two are seen."""
        for name, endpoint in ((role, source), (OTHER[role], destination)):
            if endpoint not in self.endpoints[name]:
                self.endpoints[name].append(endpoint)

    def learn(self, name: str, value: bytes, origin: Origin | None, words: str) -> None:
        """A value of phase 1 by its RFC name; the first one heard counts."""
        if name not in self.given:
            self.given[name] = Given(name=name, value=value, origin=words)
            self._books = None
            if origin is not None:
                self.origins[name] = origin

    def agree(self, transform: Transform) -> None:
        """Phase 1's chosen transform: which hash, cipher and method the formulas use."""
        first = transform.first
        try:
            self.suite = Suite(
                method=Method.of(first(IkeAttribute.AUTHENTICATION_METHOD) or 0),
                hash=hash_by_number(first(IkeAttribute.HASH_ALGORITHM) or 0),
                cipher=cipher_by_number(first(IkeAttribute.ENCRYPTION_ALGORITHM) or 0, first(IkeAttribute.KEY_LENGTH)),
                group=first(IkeAttribute.GROUP_DESCRIPTION),
                transform=transform,
            )
        except Misuse as problem:
            self.suite, self.suite_problem = None, str(problem)
        self._books = None

    def believed(self) -> tuple[Belief, ...]:
        """What there is to try on this SA; without any belief the heard alone, which still determines a few values."""
        return self.beliefs.about(self.cookie_i, None if self.cookie_r == UNUSED_COOKIE else self.cookie_r) or (
            Belief(cookie_i=self.cookie_i),
        )

    def books(self) -> list[Book]:
        """A book for each belief, from all that was heard so far; none while the algorithms are not known."""
        if self._books is None and self.suite is not None:
            self._books = [self._book(self.suite, belief) for belief in self.believed()]
        return self._books or []

    def _book(self, suite: Suite, belief: Belief) -> Book:
        told = {
            ("IV" if name == "iv0" else name): Given(name="IV" if name == "iv0" else name, value=value, origin="told")
            for name, value in belief.values.items()
            if name not in ("HASH_I", "HASH_R")
        }
        if belief.psk is not None:
            told["PSK"] = Given(name="PSK", value=belief.psk, origin="told")
        return Book(suite.method, None, suite.hash, {**self.given, **told}, cipher=suite.cipher)

    def ivs(self, book: Book, exchange: int, message_id: int) -> Iterator[tuple[bytes, str]]:
        """The IVs a message may have been encrypted with, the usual one first, each with where it comes from.

        A peer that never accepted the other's last message goes on from the last block that it had accepted.
        """
        phase1 = [(block, "the last block of the message before") for block in self.blocks]
        if not book.missing("IV"):
            phase1.append((book["IV"].value, "hash(g^xi | g^xr), RFC 2409 Appendix B"))
        if message_id == 0:
            yield from phase1
            return
        begun = self.exchanges.get(message_id)
        for block in begun.blocks if begun else ():
            yield block, "the last block of this exchange's message before"
        for block, _ in phase1:
            iv = exchange_iv(book, exchange, message_id, block)
            yield iv.value, "hash(last phase 1 block | M-ID), RFC 2409 Appendix B"

    def make_children(self, exchange: Exchange, answered: tuple[SA, ...], frame: int) -> None:
        """The SAs that a Quick Mode's second message settles, with their keys where they are determined."""
        made: list[Child] = []
        for offer, answer in zip(exchange.offered, answered, strict=False):
            # strongSwan answers IPComp with every suite that was offered: the first is meant.
            for chosen in answer.proposals:
                if chosen.number != answer.proposals[0].number:
                    continue
                offered = _counterpart(offer, chosen)
                if chosen.protocol not in (Protocol.ESP, Protocol.AH) or not chosen.transforms or offered is None:
                    continue
                ends = ((INITIATOR, chosen.spi), (RESPONDER, offered.spi))
                made += [self._child(exchange, chosen, spi, sender, frame) for sender, spi in ends]
        self.children += made

    def _child(self, exchange: Exchange, chosen: Proposal, spi: bytes, sender: str, frame: int) -> Child:
        transform = chosen.transforms[0]
        speaker = exchange.begun_by if sender == INITIATOR else OTHER[exchange.begun_by]
        known = {"protocol": chosen.protocol, "spi": spi, "sender": sender, "speaker": speaker}
        known |= {"frame": frame, "transform": transform}
        try:
            protection = protection_of(chosen.protocol, transform)
        except Misuse as problem:
            return Child(**known, protection=None, missing=(str(problem),))  # type: ignore[arg-type]
        told = next(iter(self.beliefs.about_quick(spi)), None)
        if told is not None and (ready := _ready_keys(told, spi)) is not None:
            return Child(**known, protection=protection, enc_key=ready[0], auth_key=ready[1])  # type: ignore[arg-type]
        given: dict[str, bytes | Given] = dict(exchange.given)
        given |= {"protocol": bytes([chosen.protocol]), "SPI": spi}
        if told is not None and told.g_xy is not None:
            given["g(qm)^xy"] = Given(name="g(qm)^xy", value=told.g_xy, origin="told")
        missing: tuple[str, ...] = ("g(qm)^xy",) if exchange.pfs and "g(qm)^xy" not in given else ()
        for book in self.books() if not missing else ():
            page = book.chapter(Chapter.QUICK_MODE, given, keymat_size=protection.keymat_size)
            if missing := page.missing("KEYMAT"):
                continue
            keymat = page["KEYMAT"]
            enc_key, auth_key = protection.split(keymat.value)
            return Child(**known, protection=protection, keymat=keymat, enc_key=enc_key, auth_key=auth_key)  # type: ignore[arg-type]
        return Child(**known, protection=protection, missing=missing or ("SKEYID_d",))  # type: ignore[arg-type]

    def secrets(self) -> list[Derived]:
        """Everything that the first book determines, in the RFC's order."""
        return list(self.books()[0].known().values()) if self.books() else []


def protection_of(protocol: int, transform: Transform) -> Protection:
    """The cipher and integrity check of a chosen ESP or AH transform. Raises Misuse where one is not known."""
    auth = transform.first(IpsecAttribute.AUTHENTICATION_ALGORITHM)
    if protocol == Protocol.AH:
        return Protection(integrity=integrity_by_number(auth or 0))
    cipher = esp_cipher_by_number(transform.id, transform.first(IpsecAttribute.KEY_LENGTH))
    return Protection(cipher=cipher, integrity=integrity_by_number(auth) if auth else None)


def _counterpart(offer: SA, chosen: Proposal) -> Proposal | None:
    """The offered proposal that the answer chose: by number where the responder kept it, else by protocol."""
    same = [proposal for proposal in offer.proposals if proposal.protocol == chosen.protocol]
    return next((proposal for proposal in same if proposal.number == chosen.number), same[0] if same else None)


def _ready_keys(told: QuickBelief, spi: bytes) -> tuple[bytes, bytes] | None:
    enc, auth = (told.enc_i, told.auth_i) if spi == told.spi_i else (told.enc_r, told.auth_r)
    return (enc or b"", auth or b"") if enc is not None or auth is not None else None
