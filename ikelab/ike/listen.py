"""What a third party makes of a conversation: who speaks, what repeats, what a key opens, and which proofs hold.

A `Listener` is handed datagrams one after the other and answers each with a `Followed`. It never guesses from outside:
the same octets and the same beliefs give the same answers. Where a belief is wrong, that is a finding to be shown.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from ikelab.crypto.book import Chapter
from ikelab.crypto.derived import Given
from ikelab.errors import Misuse, WireError
from ikelab.ike.beliefs import Beliefs
from ikelab.ike.conversation import INITIATOR, UNUSED_COOKIE, Conversation, Exchange, Origin
from ikelab.ike.followed import Followed, Heard, Opened, Proof
from ikelab.ike.protect import (
    CHAPTERS,
    LAST_OF_QUICK_MODE,
    NONSENSE,
    PHASE_1,
    covered,
    last_block,
    plausible,
    proof_name,
    unseal,
)
from ikelab.wire.message import Dissection, dissect, dissect_body
from ikelab.wire.numbers import ExchangeType, Notify, PayloadType
from ikelab.wire.payloads import ID, KE, LATE_DRAFTS, SA, Fragment, Hash, NatD, Nonce, Notification, VendorID
from ikelab.wire.records import Payload
from ikelab.wire.udp import Endpoint
from ikelab.wire.vendors import vendor

__all__ = ["Followed", "Heard", "Listener", "Opened", "Proof", "exchange_name", "payload_types"]

MAX_FRAGMENTS = 32
LATE_DRAFT_NAMES = frozenset(f"draft-ietf-ipsec-nat-t-ike-0{number}" for number in range(4, 9))


@dataclass
class _Attempt:
    opened: Opened
    proofs: tuple[Proof, ...]

    @property
    def worth(self) -> int:
        if self.proofs:
            return 3 if all(proof.holds for proof in self.proofs) else 1
        return 2


@dataclass
class Listener:
    """Follows any number of conversations at once. `beliefs` is what it was told."""

    beliefs: Beliefs = field(default_factory=Beliefs)
    conversations: list[Conversation] = field(default_factory=list)
    _by_cookie: dict[bytes, list[Conversation]] = field(default_factory=dict)
    _said: dict[tuple[Endpoint, bytes], Followed] = field(default_factory=dict)
    _fragments: dict[tuple[bytes, bytes, Endpoint, int], dict[int, tuple[int, bytes, bool]]] = field(
        default_factory=dict
    )

    def hear(self, heard: Heard) -> Followed:
        """What to make of one datagram. Never raises: what cannot be read is an error in the answer."""
        key = heard.source, heard.octets
        if (before := self._said.get(key)) is not None:
            first = before.heard.frame if before.retransmission_of is None else before.retransmission_of
            return replace(before, heard=heard, number=0, retransmission_of=first)
        sheet = dissect(heard.octets)
        followed = self._follow(heard, sheet)
        if followed.conversation is not None:
            self._said[key] = followed
        return followed

    def child(self, spi: bytes, protocol: int) -> tuple[Conversation, int] | None:
        """The conversation and place in its `children` of the newest SA with this SPI."""
        for conversation in reversed(self.conversations):
            for place in range(len(conversation.children) - 1, -1, -1):
                child = conversation.children[place]
                if child.spi == spi and child.protocol == protocol:
                    return conversation, place
        return None

    def _follow(self, heard: Heard, sheet: Dissection) -> Followed:
        header = sheet.header
        if header is None:
            return Followed(heard=heard, sheet=sheet, error=sheet.error)
        if header.version >> 4 != 1:
            came = f"{header.version >> 4}.{header.version & 15}"
            error = WireError(
                expected="major version 1", got=came, at=17, path="ISAKMP Header > Version", rfc="RFC 2408 §3.1"
            )
            return Followed(heard=heard, sheet=sheet, error=error)
        conversation = self._conversation(sheet)
        if conversation.declared != sheet.declared:
            sheet = dissect(heard.octets, conversation.declared)
        begins = header.cookie_r == UNUSED_COOKIE and header.exchange in PHASE_1
        sender = INITIATOR if begins else conversation.role_of(heard.source, heard.destination)
        conversation.met(sender, heard.source, heard.destination)
        if header.next_payload == PayloadType.FRAGMENT:
            return self._fragment(conversation, sender, heard, sheet)
        return self._message(conversation, sender, heard, sheet, sheet)

    def _conversation(self, sheet: Dissection) -> Conversation:
        header = sheet.header
        assert header is not None
        same = self._by_cookie.setdefault(header.cookie_i, [])
        for conversation in reversed(same):
            if UNUSED_COOKIE in (conversation.cookie_r, header.cookie_r) or conversation.cookie_r == header.cookie_r:
                break
        else:
            conversation = Conversation(cookie_i=header.cookie_i, beliefs=self.beliefs)
            self.conversations.append(conversation)
            same.append(conversation)
        if conversation.cookie_r == UNUSED_COOKIE and header.cookie_r != UNUSED_COOKIE:
            # A refusal in clear names no SA: gateways send each one under another cookie.
            in_clear = header.exchange == ExchangeType.INFORMATIONAL and not sheet.encrypted
            conversation.cookie_r = UNUSED_COOKIE if in_clear else header.cookie_r
        return conversation

    def _fragment(self, conversation: Conversation, sender: str, heard: Heard, sheet: Dissection) -> Followed:
        """A slice is kept until its message is complete, then the message is followed as if it had come whole."""
        followed = Followed(heard=heard, sheet=sheet, conversation=conversation, sender=sender, error=sheet.error)
        slice_ = sheet.payloads[0] if sheet.payloads else None
        if not isinstance(slice_, Fragment):
            return followed
        key = conversation.cookie_i, conversation.cookie_r, heard.source, slice_.id
        kept = self._fragments.setdefault(key, {})
        if not 1 <= slice_.number <= MAX_FRAGMENTS:
            remark = f"fragment number {slice_.number}: expected from 1 to {MAX_FRAGMENTS}"
            return replace(followed, remarks=(remark,))
        kept[slice_.number] = heard.frame, slice_.data, bool(slice_.flags & 1)
        tail = next((number for number, (_, _, last) in kept.items() if last), None)
        if tail is None or any(number not in kept for number in range(1, tail + 1)):
            return followed
        del self._fragments[key]
        pieces = [kept[number] for number in range(1, tail + 1)]
        whole = dissect(b"".join(data for _, data, _ in pieces), conversation.declared)
        if whole.header is None or whole.header.next_payload == PayloadType.FRAGMENT:
            return replace(followed, error=whole.error or followed.error)
        frames = tuple(sorted(frame for frame, _, _ in pieces))
        return replace(self._message(conversation, sender, heard, sheet, whole), whole=whole, fragments=frames)

    def _message(
        self, conversation: Conversation, sender: str, heard: Heard, sheet: Dissection, message: Dissection
    ) -> Followed:
        header = message.header
        assert header is not None
        remarks: list[str] = []
        exchange = self._exchange(conversation, sender, message)
        opened, proofs, decrypted = None, tuple[Proof, ...](), None
        inside = message
        self._learn_cookies(conversation, heard.frame)
        if message.encrypted:
            opened, proofs, decrypted, why = self._open(conversation, exchange, sender, message)
            remarks += why
            inside = opened.sheet if opened else message
            if conversation.suite is not None and message.error is None and message.rest:
                cipher = conversation.suite.cipher
                blocks = exchange.blocks if exchange else conversation.blocks
                if len(message.rest) % cipher.block_size == 0:
                    blocks.add(last_block(message.rest, cipher), opened=opened is not None)
        if opened is not None or not message.encrypted:
            self._learn(conversation, exchange, sender, inside, heard.frame, 1 if opened else 0)
        if not message.encrypted:
            proofs = tuple(self._prove(conversation, exchange, sender, inside))
        failing = sorted({proof.belief for proof in proofs if not proof.holds})
        if len(conversation.books()) > 1 and failing and any(proof.holds for proof in proofs):
            remarks.append(f"the hash fails under belief {', '.join(str(number + 1) for number in failing)}")
        remarks += inside.remarks if inside is not message else ()
        remarks += self._observations(inside)
        return Followed(
            heard=heard,
            sheet=sheet,
            conversation=conversation,
            sender=sender,
            number=exchange.heard if exchange else conversation.phase1_heard,
            opened=opened,
            decrypted=decrypted,
            proofs=proofs,
            nat_d=tuple(self._nat_d(conversation, heard, inside)),
            remarks=(*sheet.remarks, *remarks),
            error=message.error or (opened.sheet.error if opened else None),
        )

    def _exchange(self, conversation: Conversation, sender: str, message: Dissection) -> Exchange | None:
        """The exchange under the SA that a message belongs to, begun if it is new; None in phase 1."""
        header = message.header
        assert header is not None
        if header.exchange in PHASE_1 or header.message_id == 0:
            if header.exchange in PHASE_1:
                conversation.phase1_exchange = header.exchange
                conversation.phase1_heard += 1
            return None
        exchange = conversation.exchanges.get(header.message_id)
        connected = exchange is not None and _is_connected(exchange, header.exchange)
        if exchange is None or (exchange.type != header.exchange and not connected):
            exchange = Exchange(type=header.exchange, message_id=header.message_id, begun_by=sender)
            conversation.exchanges[header.message_id] = exchange
        exchange.heard += 1
        return exchange

    def _open(
        self, conversation: Conversation, exchange: Exchange | None, sender: str, message: Dissection
    ) -> tuple[Opened | None, tuple[Proof, ...], bool | None, list[str]]:
        """Try every belief's key with every IV that fits the rules; the first that proves itself is it."""
        header = message.header
        assert header is not None
        if conversation.suite is None:
            return None, (), None, [f"cannot be decrypted: {conversation.suite_problem}"]
        best: _Attempt | None = None
        tried, missing, unfit = 0, tuple[str, ...](), list[str]()
        for number, book in enumerate(conversation.books()):
            if lacking := book.missing("Ka"):
                missing = missing or lacking
                continue
            key = book["Ka"].value
            missing = missing or book.missing("IV")
            for iv, iv_from in conversation.ivs(book, header.exchange, header.message_id):
                try:
                    plaintext = unseal(conversation.suite.cipher, key, iv, message.rest)
                except WireError as problem:
                    return None, (), False, [str(problem)]
                except Misuse as problem:  # a key or an IV that was told, and has the wrong size
                    unfit.append(f"cannot be decrypted: {problem}")
                    continue
                tried += 1
                sheet = dissect_body(plaintext, header.next_payload, conversation.declared)
                if not plausible(sheet):
                    continue
                opened = Opened(sheet=sheet, belief=number, key=key, iv=iv, iv_from=iv_from)
                proofs = tuple(self._prove(conversation, exchange, sender, sheet, only=number))
                attempt = _Attempt(opened, proofs)
                if best is None or attempt.worth > best.worth:
                    best = attempt
                if best.worth == 3:
                    break
            if best is not None and best.worth == 3:
                break
        if best is not None:
            return best.opened, best.proofs, True, []
        if not tried:
            return None, (), None, list(dict.fromkeys(unfit)) or [f"cannot be decrypted: {_not_known(missing)}"]
        return None, (), False, [NONSENSE]

    def _prove(
        self,
        conversation: Conversation,
        exchange: Exchange | None,
        sender: str,
        sheet: Dissection,
        only: int | None = None,
    ) -> Iterator[Proof]:
        """Every check of the HASH payload that each belief (or the one numbered `only`) allows."""
        place = next((n for n, payload in enumerate(sheet.payloads) if isinstance(payload, Hash)), None)
        if place is None:
            return
        came = sheet.body(place)
        for number, book in enumerate(conversation.books()):
            if only is not None and number != only:
                continue
            if exchange is None:
                name = "HASH_I" if sender == INITIATOR else "HASH_R"
                identity = "IDii_b" if sender == INITIATOR else "IDir_b"
                ids = [n for n, payload in enumerate(sheet.payloads) if isinstance(payload, ID)]
                page = book.also({identity: sheet.body(ids[0])}) if ids and identity not in book.given() else book
                names: tuple[str, ...] = (name,)
            else:
                chapter = CHAPTERS.get(exchange.type)
                if chapter is None:
                    continue
                page = book.chapter(chapter, self._page(exchange, sheet))
                names = (proof_name(exchange.type, exchange.heard),)
                if exchange.type == ExchangeType.QUICK_MODE and exchange.heard > LAST_OF_QUICK_MODE:
                    names = ("HASH(1)",)  # CONNECTED, and whatever else comes after: like an Informational's
            for name in names:
                if not page.missing(name):
                    yield Proof(name=name, came=came, expected=page[name], belief=number)

    def _page(self, exchange: Exchange, sheet: Dissection) -> dict[str, bytes | Given]:
        page: dict[str, bytes | Given] = dict(exchange.given)
        return page | {"M-ID": exchange.message_id.to_bytes(4), "payloads": covered(sheet)}

    def _learn_cookies(self, conversation: Conversation, frame: int) -> None:
        conversation.learn(
            "CKY-I", conversation.cookie_i, Origin(frame=frame, sheet=0, payload=-1), f"header of frame {frame}"
        )
        if conversation.cookie_r != UNUSED_COOKIE:
            conversation.learn(
                "CKY-R", conversation.cookie_r, Origin(frame=frame, sheet=0, payload=-1), f"header of frame {frame}"
            )

    def _learn(
        self,
        conversation: Conversation,
        exchange: Exchange | None,
        sender: str,
        sheet: Dissection,
        frame: int,
        depth: int,
    ) -> None:
        """Whatever the payloads of a readable message add to what is known."""
        mine, words = "i" if sender == INITIATOR else "r", f"frame {frame}"
        if exchange is not None:
            if exchange.type == ExchangeType.QUICK_MODE:
                self._learn_quick(conversation, exchange, sheet, frame, depth)
            return
        header = sheet.header
        if header is not None and header.exchange not in PHASE_1:
            return
        for place, payload in enumerate(sheet.payloads):
            origin, body = Origin(frame=frame, sheet=depth, payload=place), sheet.body(place)
            match payload:
                case SA() if sender == INITIATOR:
                    conversation.learn("SAi_b", body, origin, words)
                case SA() if conversation.suite is None and payload.proposals and payload.proposals[0].transforms:
                    conversation.agree(payload.proposals[0].transforms[0])
                case KE():
                    conversation.learn(f"g^x{mine}", body, origin, words)
                case Nonce():
                    conversation.learn(f"N{mine}_b", body, origin, words)
                case ID():
                    conversation.learn(f"IDi{mine}_b", body, origin, words)
                case VendorID() if (badge := vendor(payload.data)) is not None and badge.name in LATE_DRAFT_NAMES:
                    conversation.declared |= LATE_DRAFTS

    def _learn_quick(
        self, conversation: Conversation, exchange: Exchange, sheet: Dissection, frame: int, depth: int
    ) -> None:
        mine = {1: "i", 2: "r"}.get(exchange.heard)
        if mine is None:
            return
        for place, payload in enumerate(sheet.payloads):
            if isinstance(payload, Nonce) and f"N{mine}_b" not in exchange.given:
                name = f"N{mine}_b"
                exchange.given[name] = Given(name=name, value=sheet.body(place), origin=f"frame {frame}")
                exchange.origins[name] = Origin(frame=frame, sheet=depth, payload=place)
            elif isinstance(payload, KE):
                exchange.pfs = True
        offers = tuple(payload for payload in sheet.payloads if isinstance(payload, SA))
        if mine == "i":
            exchange.offered = offers
        else:
            conversation.make_children(exchange, offers, frame)

    def _nat_d(self, conversation: Conversation, heard: Heard, sheet: Dissection) -> Iterator[bool]:
        """The first hash is of where the packet went, any other may be of where it came from (RFC 3947 §3.2)."""
        hashes = [payload.data for payload in sheet.payloads if isinstance(payload, NatD)]
        if not hashes or not conversation.books():
            return
        book = conversation.books()[0]
        for number, came in enumerate(hashes):
            seen = heard.destination if number == 0 else heard.source
            page = book.chapter(Chapter.NAT_D, {"IP": ip_address(seen.address).packed, "Port": seen.port.to_bytes(2)})
            if not page.missing("NAT-D"):
                yield hmac.compare_digest(page["NAT-D"].value, came)

    def _observations(self, sheet: Dissection) -> Iterator[str]:
        for payload in sheet.payloads:
            if isinstance(payload, Notification) and payload.notify in (Notify.INVALID_COOKIE,):
                yield f"{Notify(payload.notify).label}: {Notify(payload.notify).meaning}"


def _is_connected(exchange: Exchange, kind: int) -> bool:
    """Whether news under the message ID of a Quick Mode is what its Commit bit asked for (RFC 2408 §3.1)."""
    over = exchange.type == ExchangeType.QUICK_MODE and exchange.heard >= LAST_OF_QUICK_MODE
    return over and kind == ExchangeType.INFORMATIONAL


def _not_known(names: tuple[str, ...]) -> str:
    *first, last = names or ("the key",)
    return f"{', '.join(first)} and {last} are not known" if first else f"{last} is not known"


def exchange_name(number: int) -> str:
    """The name that people use for an exchange: "Main Mode", "Quick Mode"."""
    return ExchangeType(number).short


def payload_types(payloads: tuple[Payload, ...]) -> list[int]:
    """The types of a message's payloads in order."""
    return [payload.type for payload in payloads]
