"""How a peer listens: which exchange a message belongs to, what opens it, and what must be right before it is believed.

The checks stand in this order: the header, the exchange, whether these octets were heard or said before, what waits for
them, the key, the HASH over all the rest, the numbers of payloads, their shape. What comes first costs little and
trusts nothing; no payload is interpreted before the HASH that covers it is checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ikelab.errors import Refusal, WireError
from ikelab.ike.commit import QUICK_MODE_WITH_COMMIT
from ikelab.ike.config import CommitBit
from ikelab.ike.informational import INFORMATIONAL
from ikelab.ike.phase1 import PSK_HINT, SCRIPTS
from ikelab.ike.proof import check
from ikelab.ike.protect import NONSENSE, covered, exchange_of, last_block, message_hash, plausible, unseal
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.sa import UNUSED_COOKIE, Exchange, IkeSa, fingerprint
from ikelab.ike.saying import hash_inputs
from ikelab.ike.script import START, Row, Script, Shape
from ikelab.ike.spent import MOST
from ikelab.wire.message import Dissection, Header, dissect_body
from ikelab.wire.numbers import ExchangeType, HeaderFlag, Notify, PayloadType
from ikelab.wire.payloads import Cert, CertRequest, Delete, NatD, NatDDraft, Notification, VendorID
from ikelab.wire.records import Payload

PHASE_2_SCRIPTS: Mapping[int, Script] = {script.exchange: script for script in (QUICK_MODE, INFORMATIONAL)}

CONNECTED_COMES_AS = (ExchangeType.QUICK_MODE, ExchangeType.INFORMATIONAL)
"""As the RFC has it an Informational; some say it as a fourth message of Quick Mode."""

MOST_OCTETS = 10_000
"""Of a message that a peer reads; a dissection reads longer ones. strongSwan has the same limit."""
MOST_PAYLOADS = 64
MOST_OF_A_KIND: Mapping[int, int] = {
    Notification.TYPE: 20, Delete.TYPE: 20, VendorID.TYPE: 20, CertRequest.TYPE: 20,
    NatD.TYPE: 10, NatDDraft.TYPE: 10, Cert.TYPE: 8,
}  # fmt: skip
"""Payloads of one type in a message; strongSwan's limits."""
MOST_BEGUN_BY_OTHERS = 8
"""Exchanges under one SA that the other side may have begun and not finished."""


@dataclass
class Hearing:
    """A datagram on its way through the checks: how far it had come, should one of them refuse.

    commit: what this side does about that bit. exchange: which one it belongs to. row: the one that waits for it.
    inside: the readable side of an encrypted message. found: where each symbol of the row's shape stands. proven:
    whether a HASH under the SA's keys vouches for it, as a message of this exchange.
    """

    sa: IkeSa
    octets: bytes
    sheet: Dissection
    commit: CommitBit = CommitBit.IGNORED
    exchange: Exchange | None = None
    row: Row | None = None
    inside: Dissection | None = None
    found: Mapping[str, int] = field(default_factory=dict)
    proven: bool = False

    @property
    def header(self) -> Header:
        """The header, which every message that came past the first check has."""
        assert self.sheet.header is not None
        return self.sheet.header

    @property
    def readable(self) -> Dissection:
        """The sheet with the payloads."""
        return self.inside or self.sheet

    def place(self) -> Exchange:
        """Read the header and find the exchange. Raises Refusal."""
        refuse_unreadable(self.sheet)
        check_header(self.header, self.octets)
        if self.sa.gone:
            raise Refusal(why=f"expected nothing more for this ISAKMP SA ({self.sa.gone})", rfc="RFC 2408 §5.15")
        self.exchange = exchange_for(self.sa, self.header)
        return self.exchange

    def take(self) -> Exchange:
        """Open the message and check its HASH and its shape; answer the exchange with its IV moved on. Else Refusal."""
        assert self.exchange is not None
        self.exchange = with_or_without_commit(self.exchange, self.header, self.commit)
        self.row = waiting_row(self.exchange)
        assert self.row.hears is not None
        exchange = self.open(self.row.hears)
        if exchange.message_id:
            self.prove(exchange, self.row.number)
        refuse_crowds(self.readable.payloads)
        try:
            self.found = self.row.hears.match(self.readable.payloads)
        except Refusal:
            if self.inside is not None and not exchange.message_id and not plausible(self.inside):
                raise nonsense(self.sa, self.inside) from None
            raise
        # Only now: HASH(1) of one exchange is a right HASH(1) of another, and no hash covers the exchange type.
        self.proven = exchange.message_id != 0
        return exchange

    def open(self, shape: Shape) -> Exchange:
        """Decrypt, if the message is encrypted and may be. The exchange that this gives has its IV moved on."""
        sa, exchange = self.sa, self.exchange
        assert exchange is not None
        if not self.header.encrypted:
            if shape.encrypted and not shape.either:
                raise _wrong_flag(f"expected an encrypted message ({shape}), got one in clear")
            return exchange
        if not shape.encrypted:
            raise _wrong_flag(f"expected a message in clear ({shape}), got an encrypted one")
        assert sa.book is not None
        assert sa.book.cipher is not None
        try:
            plaintext = unseal(sa.book.cipher, sa.book["Ka"].value, sa.next_iv(exchange), self.sheet.rest)
        except WireError as error:
            raise Refusal(notify=Notify.PAYLOAD_MALFORMED, why=str(error), rfc=error.rfc) from None
        inside = dissect_body(plaintext, self.header.next_payload)
        if inside.error is not None:
            raise nonsense(sa, inside)
        self.inside = inside
        return replace(exchange, iv=last_block(self.sheet.rest, sa.book.cipher))

    def prove(self, exchange: Exchange, number: int) -> None:
        """Check the HASH of a message under the SA: it covers all the rest. Raises Refusal."""
        sa, inside = self.sa, self.readable
        assert sa.book is not None
        if not inside.payloads or inside.payloads[0].type != PayloadType.HASH:
            if not plausible(inside):
                raise nonsense(sa, inside)
            came = ", ".join(PayloadType(payload.type).short for payload in inside.payloads) or "no payload"
            raise Refusal(why=f"expected HASH as first payload, got {came}", rfc="RFC 2409 §5.5")
        kind = exchange_of(exchange.script.exchange, number)
        expected = message_hash(sa.book, kind, number, hash_inputs(exchange, covered(inside)))
        check(inside.body(0), expected)


def refuse_unreadable(sheet: Dissection) -> None:
    """Raise Refusal if the octets in clear are not what they say they are."""
    error = sheet.error
    if error is not None:
        notify = Notify.UNEQUAL_PAYLOAD_LENGTHS if error.path.endswith("Length") else Notify.PAYLOAD_MALFORMED
        raise Refusal(notify=notify, why=str(error), rfc=error.rfc or "RFC 2408 §5.1")


def check_header(header: Header, octets: bytes) -> None:
    """Raise Refusal for a version, a length, a size or an exchange that this engine does not speak (RFC 2408 §5.2)."""
    if header.version >> 4 != 1:
        raise Refusal(
            notify=Notify.INVALID_MAJOR_VERSION,
            why=f"expected IKE version 1, got {header.version >> 4}",
            rfc="RFC 2408 §5.2",
        )
    if header.length != len(octets):
        raise Refusal(
            notify=Notify.UNEQUAL_PAYLOAD_LENGTHS,
            why=f"expected {len(octets)} octets in the header's length, as the datagram has, got {header.length}",
            rfc="RFC 2408 §5.1",
        )
    if len(octets) > MOST_OCTETS:
        raise Refusal(
            why=f"expected at most {MOST_OCTETS} octets, got {len(octets)}", hint="a limit of this implementation"
        )
    if header.exchange not in (*SCRIPTS, *PHASE_2_SCRIPTS):
        raise Refusal(
            notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
            why=f"expected Main, Aggressive, Quick Mode or Informational, got {ExchangeType(header.exchange).label}",
            rfc="RFC 2408 §5.2",
        )


def exchange_for(sa: IkeSa, header: Header) -> Exchange:
    """The exchange a message belongs to; one of phase 2 that the other side begins is made on the spot.

    Raises Refusal where the exchange type or the message ID belongs to something else.
    """
    if header.exchange in SCRIPTS:
        if header.exchange != sa.main.script.exchange or header.message_id:
            raise Refusal(
                notify=Notify.INVALID_EXCHANGE_TYPE if not header.message_id else Notify.INVALID_MESSAGE_ID,
                why=f"expected {sa.main.script.name} with message ID 0, got {ExchangeType(header.exchange).short} "
                f"with {header.message_id:08x}",
                rfc="RFC 2408 §5.2",
            )
        return sa.main
    script = PHASE_2_SCRIPTS[header.exchange]
    begun = sa.exchanges.get(header.message_id)
    if begun is None:
        if header.message_id in sa.spent:
            raise _used_up(header.message_id, "an exchange that was over long ago")
        return Exchange(script=script, role="responder", message_id=header.message_id)
    if begun.script is QUICK_MODE_WITH_COMMIT and header.exchange in CONNECTED_COMES_AS:
        return begun
    if begun.script is not script:
        raise _used_up(header.message_id, begun.script.name)
    return begun


def with_or_without_commit(exchange: Exchange, header: Header, commit: CommitBit) -> Exchange:
    """The exchange with the script that runs from here: whether CONNECTED is said or waited for behind message 3."""
    said = exchange.role == "responder" and commit is CommitBit.SET
    asked = exchange.role == "initiator" and header.flags & HeaderFlag.COMMIT and commit is not CommitBit.IGNORED
    hears_first = exchange.state == (START if exchange.role == "responder" else "QM_SENT")
    if exchange.script is QUICK_MODE and hears_first and (said or asked):
        return replace(exchange, script=QUICK_MODE_WITH_COMMIT)
    return exchange


def check_cookie(sa: IkeSa, header: Header) -> None:
    """Raise Refusal unless the message names the responder's cookie, once there is one (RFC 2408 §5.2).

    Whoever knows it has heard the responder's first answer: nothing is computed for anyone else.
    """
    if sa.cookie_r not in (UNUSED_COOKIE, header.cookie_r):
        raise Refusal(
            why=f"expected the responder cookie {sa.cookie_r.hex()}, got {header.cookie_r.hex()}", rfc="RFC 2408 §5.2"
        )


def refuse_echoes(exchange: Exchange, octets: bytes) -> None:
    """Raise Refusal for what this side has said itself, and for what it has answered before the last message."""
    if octets == exchange.said:
        raise Refusal(
            why="expected the other side's words, got this side's own",
            rfc="RFC 2409 §5.5",
            hint="a message sent back: both directions have the same keys, so it would even open",
        )
    if fingerprint(octets) in exchange.older:
        raise Refusal(why="expected something new, got a message that was answered long ago", rfc="RFC 2408 §3.1")


def waiting_row(exchange: Exchange) -> Row:
    """The row that waits for a message. Raises Refusal where none does."""
    row = exchange.row
    if row is None or row.hears is None:
        over = "is over" if exchange.over else "waits for nothing"
        raise Refusal(
            why=f"{exchange.script.name} {over} on this side (state {exchange.state}): nothing more is expected in it",
            rfc="RFC 2408 §3.1",
        )
    return row


def refuse_new_exchange(sa: IkeSa, exchange: Exchange) -> None:
    """Raise Refusal for an exchange that the other side must not begin now."""
    if exchange.message_id == 0:
        raise Refusal(why="expected a message ID other than 0 in phase 2", rfc="RFC 2408 §3.1")
    if exchange.message_id in sa.exchanges:
        return
    if sum(each.role == "responder" for each in sa.waiting) >= MOST_BEGUN_BY_OTHERS:
        raise Refusal(
            why=f"expected at most {MOST_BEGUN_BY_OTHERS} exchanges at once, got one more",
            hint="a limit of this implementation",
        )
    if sa.exchange_count >= MOST:
        raise Refusal(
            why=f"expected at most {MOST} exchanges under one ISAKMP SA, got one more", hint="a new one is due"
        )


def refuse_crowds(payloads: tuple[Payload, ...]) -> None:
    """Raise Refusal for more payloads than any honest message has."""
    if len(payloads) > MOST_PAYLOADS:
        raise _crowd(f"expected at most {MOST_PAYLOADS} payloads, got {len(payloads)}")
    for kind, number in Counter(payload.type for payload in payloads).items():
        if number > MOST_OF_A_KIND.get(kind, MOST_PAYLOADS):
            raise _crowd(f"expected at most {MOST_OF_A_KIND[kind]} {PayloadType(kind).short} payloads, got {number}")


def responder_cookie(sa: IkeSa, header: Header) -> bytes:
    """The responder's cookie: the initiator learns it with the first answer. Raises Refusal where that has none."""
    if sa.role == "responder" or sa.cookie_r != UNUSED_COOKIE:
        return sa.cookie_r
    if header.cookie_r in (UNUSED_COOKIE, sa.cookie_i):
        raise Refusal(
            why=f"expected a responder cookie of its own, got {header.cookie_r.hex()}",
            rfc="RFC 2408 §3.1",
            hint="a message of this side sent back, or an answer from something that is no IKE responder",
        )
    return header.cookie_r


def nonsense(sa: IkeSa, inside: Dissection) -> Refusal:
    """What was decrypted cannot be read: the likely reason, and the first thing that is wrong with it."""
    in_phase_1 = not sa.established
    first = f"The first thing that does not fit: {inside.error}" if inside.error else ""
    return Refusal(
        notify=Notify.PAYLOAD_MALFORMED if in_phase_1 else None,
        why=NONSENSE,
        rfc="RFC 2409 §5",
        hint=f"{PSK_HINT if in_phase_1 else ''} {first}".strip(),
    )


def _wrong_flag(why: str) -> Refusal:
    return Refusal(notify=Notify.INVALID_FLAGS, why=why, rfc="RFC 2409 §5")


def _crowd(why: str) -> Refusal:
    return Refusal(notify=Notify.PAYLOAD_MALFORMED, why=why, hint="a limit of this implementation")


def _used_up(message_id: int, by: str) -> Refusal:
    return Refusal(
        why=f"expected a message ID of its own, got {message_id:08x}, which belongs to {by}",
        rfc="RFC 2409 §5.5",
        hint="one message ID names one exchange, for the whole life of the ISAKMP SA",
    )
