"""The heart of the engine: one pure function from what a peer was and what it hears to what it is and what it says.

`hear` finds the row that waits, opens and reads the message, checks its shape and its hash, lets the row's actions
absorb it and build an answer, seals that, and only then makes new records. If anything refuses on the way, the SA is
left exactly as it was (`after is before`): no IV moved, no nonce kept. Every call answers one `Outcome`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ikelab.crypto.book import Book
from ikelab.crypto.derived import Given
from ikelab.errors import Refusal, WireError
from ikelab.ike.config import Env, PeerConfig
from ikelab.ike.informational import ERRORS, INFORMATIONAL, complained
from ikelab.ike.phase1 import PSK_HINT, SCRIPTS
from ikelab.ike.proof import check
from ikelab.ike.protect import CHAPTERS, NONSENSE, covered, exchange_iv, last_block, plausible, proof_name, seal, unseal
from ikelab.ike.quick_mode import QUICK_MODE
from ikelab.ike.sa import Exchange, IkeSa
from ikelab.ike.script import (
    COMPLAINT,
    DELETED,
    ESTABLISHED,
    GIVE_UP,
    GONE,
    REFUSE,
    REMIND,
    REPEAT,
    RESEND,
    Row,
    Rule,
    Script,
    Shape,
)
from ikelab.ike.turn import Event, Turn
from ikelab.wire.message import HEADER_SIZE, Dissection, Header, dissect, dissect_body, write_chain
from ikelab.wire.numbers import ExchangeType, HeaderFlag, Notify, PayloadType, Protocol
from ikelab.wire.payloads import Hash, Notification
from ikelab.wire.records import Payload

MAX_MESSAGE = 10_000
"""Octets of the largest message that a peer reads; a dissection reads more; strongSwan has the same limit."""
PHASE_2_SCRIPTS: Mapping[int, Script] = {script.exchange: script for script in (QUICK_MODE, INFORMATIONAL)}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one step did: the SA before and after, the row or rule that fired, what was heard and what is said.

    said: at most one datagram. sheet: the message heard, `inside` its decrypted side where it could be opened.
    refused: why nothing changed, as this side explains it. learned: values by RFC name.
    """

    before: IkeSa | None
    after: IkeSa | None
    fired: Row | Rule
    said: bytes | None = None
    heard: bytes | None = None
    sheet: Dissection | None = None
    inside: Dissection | None = None
    refused: Refusal | None = None
    learned: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    message_id: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)


def begin(sa: IkeSa, exchange: Exchange, env: Env, config: PeerConfig, saying: tuple[Payload, ...] = ()) -> Outcome:
    """Start an exchange: fire its first row. `saying` are payloads that belong into the first message as they are."""
    row = exchange.row
    assert row is not None
    assert row.hears is None, f"{exchange.script.name} does not begin with its {exchange.role}"
    turn = Turn(sa=sa.with_exchange(exchange), exchange=exchange, env=env, config=config, saying=list(saying))
    return _fire(sa, turn, row, None)


def hear(sa: IkeSa, octets: bytes, env: Env, config: PeerConfig, *, is_new: bool = False) -> Outcome:
    """What a peer makes of a datagram for this SA. Never raises for anything that the datagram holds.

    is_new: the SA was made for this datagram and is forgotten if the datagram is refused.
    """
    before = None if is_new else sa
    sheet = dissect(octets)
    header = sheet.header
    try:
        if header is None or sheet.error is not None:
            raise _unreadable(sheet)
        _check_header(header, octets)
        exchange = _exchange_for(sa, header)
        if octets == exchange.heard:
            said = exchange.said or None
            return Outcome(
                before=before,
                after=before,
                fired=REPEAT,
                said=said,
                heard=octets,
                sheet=sheet,
                message_id=header.message_id,
            )
        if octets in exchange.older:
            raise Refusal(why="expected something new, got a message that was answered long ago", rfc="RFC 2408 §3.1")
        if header.exchange == ExchangeType.INFORMATIONAL and not header.encrypted:
            return _hear_in_clear(sa, before, octets, sheet)
        if header.exchange == ExchangeType.INFORMATIONAL and _could_open_early(sa):
            return _hear_early(sa, exchange, octets, sheet, env, config)
        row = _waiting_row(sa, exchange, header)
    except _Reminder as reminder:
        return Outcome(
            before=before,
            after=before,
            fired=REMIND,
            said=reminder.said,
            heard=octets,
            sheet=sheet,
            refused=reminder.refusal,
            message_id=header.message_id if header else 0,
        )
    except Refusal as refusal:
        return _refuse(sa, before, octets, sheet, None, refusal, env)
    inside: Dissection | None = None
    assert header is not None
    try:
        assert row.hears is not None
        inside, exchange = _open(sa, exchange, row.hears, sheet)
        found = row.hears.match(inside.payloads)
        known = replace(sa, cookie_r=_responder_cookie(sa, header))
        turn = Turn(
            sa=known.with_exchange(exchange), exchange=exchange, env=env, config=config, sheet=inside, found=found
        )
        if exchange.message_id and row.hears.slots[0].type == PayloadType.HASH:
            _check_hash(turn, row)
        outcome = _fire(sa, turn, row, octets)
    except Refusal as refusal:
        return _refuse(sa, before, octets, sheet, inside if inside is not sheet else None, refusal, env)
    return replace(outcome, before=before, heard=octets, sheet=sheet, inside=inside if inside is not sheet else None)


def resend(sa: IkeSa, message_id: int) -> Outcome:
    """The timer ran out with tries left: say the last message again, and see whether a complaint is repeated too."""
    exchange = sa.exchange(message_id)
    assert exchange is not None
    assert exchange.said
    doubted = replace(exchange, complaint=None, doubted=exchange.complaint)
    after = sa if exchange.complaint is None else sa.with_exchange(doubted)
    return Outcome(before=sa, after=after, fired=RESEND, said=exchange.said, message_id=message_id)


def is_hopeless(exchange: Exchange) -> bool:
    """Whether the other side has complained twice, to the message and to its repetition."""
    return exchange.complaint is not None and exchange.doubted is not None


def is_final(refusal: Refusal) -> bool:
    """Whether what this side refused was an answer that will not become better by being asked for again.

    A wrong HASH, a right one of a wrong name, or what the keys do not open; but once is not believed: it could be
    forged.
    """
    return refusal.notify in (Notify.AUTHENTICATION_FAILED, Notify.INVALID_ID_INFORMATION) or refusal.why.startswith(
        NONSENSE
    )


def give_up(sa: IkeSa, message_id: int, because: Refusal | None = None) -> Outcome:
    """The timer ran out for good: the exchange is over, without fruit.

    because: why this side refused what it was answered, if it was answered at all.
    """
    exchange = sa.exchange(message_id)
    assert exchange is not None
    silence = Refusal(
        why=f"expected an answer to {exchange.script.name} in state {exchange.state}, got none",
        rfc="RFC 2408 §5.1",
        hint=f"whoever cannot open the last message may be silent; {PSK_HINT}"
        if message_id == 0 and exchange.iv
        else "",
    )
    refused = because or exchange.complaint or silence
    after = replace(sa, gone=refused.why) if message_id == 0 else sa.with_exchange(replace(exchange, state=GONE))
    event = Event(name="failed", text=str(refused), detail={"exchange": exchange.script.name, "state": exchange.state})
    return Outcome(before=sa, after=after, fired=GIVE_UP, refused=refused, events=(event,), message_id=message_id)


def notice(notify: int, *, spi: bytes = b"", protocol: int = Protocol.ISAKMP, data: bytes = b"") -> Notification:
    """A Notification payload."""
    return Notification(protocol=protocol, notify=notify, spi=spi, data=data)


# -- hearing -----------------------------------------------------------------------------------------------------------


class _Reminder(Exception):
    """The other side went ahead without our last answer, so it is said again (RFC 2408 §3.1)."""

    def __init__(self, said: bytes, refusal: Refusal) -> None:
        super().__init__(str(refusal))
        self.said, self.refusal = said, refusal


def _unreadable(sheet: Dissection) -> Refusal:
    error = sheet.error
    assert error is not None
    notify = Notify.UNEQUAL_PAYLOAD_LENGTHS if error.path.endswith("Length") else Notify.PAYLOAD_MALFORMED
    return Refusal(notify=notify, why=str(error), rfc=error.rfc or "RFC 2408 §5.1")


def _check_header(header: Header, octets: bytes) -> None:
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
    if len(octets) > MAX_MESSAGE:
        raise Refusal(
            why=f"expected at most {MAX_MESSAGE} octets, got {len(octets)}", hint="a limit of this implementation"
        )
    if header.exchange not in (*SCRIPTS, *PHASE_2_SCRIPTS):
        raise Refusal(
            notify=Notify.UNSUPPORTED_EXCHANGE_TYPE,
            why=f"expected Main, Aggressive, Quick Mode or Informational, got {ExchangeType(header.exchange).label}",
            rfc="RFC 2408 §5.2",
        )


def _exchange_for(sa: IkeSa, header: Header) -> Exchange:
    """The exchange a message belongs to; a phase 2 exchange that the other side begins is made on the spot."""
    if header.exchange in SCRIPTS:
        if header.exchange != sa.main.script.exchange or header.message_id:
            raise Refusal(
                notify=Notify.INVALID_EXCHANGE_TYPE if not header.message_id else Notify.INVALID_MESSAGE_ID,
                why=f"expected {sa.main.script.name} with message ID 0, got {ExchangeType(header.exchange).short} "
                f"with {header.message_id:08x}",
                rfc="RFC 2408 §5.2",
            )
        return sa.main
    known = sa.exchanges.get(header.message_id)
    script = PHASE_2_SCRIPTS[header.exchange]
    if known is None:
        return Exchange(script=script, role="responder", message_id=header.message_id)
    if known.script is not script:
        raise Refusal(
            why=f"message ID {header.message_id:08x}: expected {known.script.name}, got {script.name}",
            rfc="RFC 2408 §3.1",
            hint="one message ID names one exchange, for the whole life of the ISAKMP SA",
        )
    return known


def _waiting_row(sa: IkeSa, exchange: Exchange, header: Header) -> Row:
    if exchange is not sa.main and not sa.established:
        early = Refusal(
            why=f"expected the end of {sa.main.script.name} first (this side is in {sa.state}), "
            f"got {exchange.script.name}",
            rfc="RFC 2409 §5.5",
        )
        row = sa.main.row
        if sa.main.said and header.encrypted and row is not None and row.hears is not None and row.hears.either:
            early.hint = "the message in between was lost, or the other side did not accept HASH_R and says so"
            raise _Reminder(sa.main.said, early)
        raise early
    if exchange.message_id == 0 and exchange is not sa.main:
        raise Refusal(notify=None, why="expected a message ID other than 0 in phase 2", rfc="RFC 2408 §3.1")
    row = exchange.row
    if row is None or row.hears is None:
        over = "is over" if exchange.over else "waits for nothing"
        raise Refusal(
            why=f"{exchange.script.name} {over} on this side (state {exchange.state}): nothing more is expected in it",
            rfc="RFC 2408 §3.1",
        )
    return row


def _open(sa: IkeSa, exchange: Exchange, shape: Shape, sheet: Dissection) -> tuple[Dissection, Exchange]:
    """The readable side of a message, and the exchange with its IV moved on."""
    header = sheet.header
    assert header is not None
    if not header.encrypted:
        if shape.encrypted and not shape.either:
            raise Refusal(
                notify=Notify.INVALID_FLAGS,
                why=f"expected an encrypted message ({shape}), got one in clear",
                rfc="RFC 2409 §5",
            )
        return sheet, exchange
    if not shape.encrypted:
        raise Refusal(
            notify=Notify.INVALID_FLAGS,
            why=f"expected a message in clear ({shape}), got an encrypted one",
            rfc="RFC 2409 §5",
        )
    book = sa.book
    assert book is not None
    assert book.cipher is not None
    iv = exchange.iv or _first_iv(sa, book, exchange)
    try:
        plaintext = unseal(book.cipher, book["Ka"].value, iv, sheet.rest)
    except WireError as error:
        raise Refusal(notify=Notify.PAYLOAD_MALFORMED, why=str(error), rfc=error.rfc) from None
    inside = dissect_body(plaintext, header.next_payload)
    if not plausible(inside):
        complaint = f" (first complaint: {inside.error})" if inside.error else ""
        raise Refusal(
            notify=Notify.PAYLOAD_MALFORMED if exchange is sa.main else None,
            why=f"{NONSENSE}{complaint}",
            rfc="RFC 2409 §5",
            hint="do both sides have the same pre-shared key for each other?" if exchange is sa.main else "",
        )
    return inside, replace(exchange, iv=last_block(sheet.rest, book.cipher))


def _responder_cookie(sa: IkeSa, header: Header) -> bytes:
    """The initiator learns the responder's cookie with the first answer."""
    if sa.role == "responder" or sa.cookie_r != bytes(8):
        return sa.cookie_r
    if header.cookie_r in (bytes(8), sa.cookie_i):
        raise Refusal(
            why=f"expected a responder cookie of its own, got {header.cookie_r.hex()}", rfc="RFC 2408 §3.1",
            hint="the very message of this side sent back, or an answer from something that is no IKE responder",
        )  # fmt: skip
    return header.cookie_r


def _first_iv(sa: IkeSa, book: Book, exchange: Exchange) -> bytes:
    if exchange.message_id == 0:
        return book["IV"].value
    return exchange_iv(book, exchange.script.exchange, exchange.message_id, sa.phase2_iv_base()).value


def _check_hash(turn: Turn, row: Row) -> None:
    """The HASH of a phase 2 message covers all the rest of it: checked before any of the rest is believed."""
    assert turn.sheet is not None
    name = proof_name(turn.exchange.script.exchange, row.number)
    given = {"M-ID": turn.exchange.message_id.to_bytes(4), "payloads": covered(turn.sheet)}
    check(turn.sheet.body(0), _page(turn, given)[name])
    turn.learned.append(name)


def _page(turn: Turn, given: Mapping[str, bytes | Given]) -> Book:
    own = {name: value for name, value in turn.exchange.given.items() if name in ("Ni_b", "Nr_b")}
    return turn.book.chapter(CHAPTERS[turn.exchange.script.exchange], {**own, **given})


def _hear_in_clear(sa: IkeSa, before: IkeSa | None, octets: bytes, sheet: Dissection) -> Outcome:
    """News without proof. An error is noted against the exchange that waits; it counts when the timer runs out."""
    for payload in sheet.payloads:
        if isinstance(payload, Notification) and payload.notify in ERRORS and before is not None and not sa.established:
            complaint = complained(payload, authenticated=False)
            event = Event(name="notified", text=str(complaint), detail={"notify": int(payload.notify)})
            after = sa if sa.main.complaint else sa.with_exchange(replace(sa.main, complaint=complaint))
            return Outcome(before=before, after=after, fired=COMPLAINT, heard=octets, sheet=sheet, events=(event,))
    unproven = Refusal(
        why="expected an encrypted Informational with a HASH, got one in clear that proves nothing",
        rfc="RFC 2409 §5.7",
        hint="anyone on the way could have written it",
    )
    return Outcome(before=before, after=before, fired=REFUSE, heard=octets, sheet=sheet, refused=unproven)


def _could_open_early(sa: IkeSa) -> bool:
    """Whether it has keys and waits for the last message of phase 1, which may never come."""
    row = sa.main.row
    has_keys = sa.book is not None and not sa.book.missing("Ka")
    return has_keys and not sa.established and sa.role == "initiator" and row is not None and row.after == ESTABLISHED


def _hear_early(
    sa: IkeSa, exchange: Exchange, octets: bytes, sheet: Dissection, env: Env, config: PeerConfig
) -> Outcome:
    """Protected news before phase 1 is over, which RFC 2408 §4.8 demands as soon as there are keys.

    An error with a right HASH(1) comes from someone who holds the pre-shared key: phase 1 will not end well, and no
    repetition helps. What the keys do not open is told as such: that is how different pre-shared keys look from here.
    """
    shape = INFORMATIONAL.steps[0].shape
    inside: Dissection | None = None
    try:
        inside, exchange = _open(sa, exchange, shape, sheet)
        turn = Turn(sa=sa, exchange=exchange, env=env, config=config, sheet=inside, found=shape.match(inside.payloads))
        row = exchange.row
        assert row is not None
        _check_hash(turn, row)
        errors = [each for each in turn.all(Notification) if each.notify in ERRORS]
        if not errors:
            raise Refusal(why=f"expected the end of {sa.main.script.name}, got other news", rfc="RFC 2409 §5.5")
    except Refusal as refusal:
        if inside is None:
            refusal.hint = PSK_HINT
        return replace(_refuse(sa, sa, octets, sheet, inside, refusal, env), message_id=0)
    complaint = complained(errors[0], authenticated=True)
    event = Event(name="notified", text=str(complaint), detail={"notify": int(errors[0].notify)})
    after = sa.with_exchange(replace(sa.main, complaint=complaint, doubted=complaint))
    return Outcome(
        before=sa,
        after=after,
        fired=COMPLAINT,
        heard=octets,
        sheet=sheet,
        inside=inside,
        learned=tuple(turn.learned),
        events=(event,),
    )


# -- firing ------------------------------------------------------------------------------------------------------------


def _fire(before: IkeSa, turn: Turn, row: Row, heard: bytes | None) -> Outcome:
    """Let the row's actions work, seal what they built, and commit."""
    for action in row.absorb:
        action(turn)
    for action in row.build:
        action(turn)
    said = _seal(turn, row.says, row.number + 1) if row.says is not None else None
    if row.after == ESTABLISHED and turn.sa.authenticated is None:
        raise AssertionError(f"{row.name}: nothing verified the other side")
    exchange = turn.exchange
    turn.update(
        state=row.after,
        said=said or b"",
        heard=heard or b"",
        older=(*exchange.older, exchange.heard) if exchange.heard else (),
        number=row.number + (said is not None),
        complaint=None,
    )
    fired: Row | Rule = DELETED if turn.sa.gone and not before.gone else row
    return Outcome(
        before=before,
        after=turn.sa,
        fired=fired,
        said=said,
        learned=tuple(turn.learned),
        events=tuple(turn.events),
        message_id=turn.exchange.message_id,
    )


def _seal(turn: Turn, shape: Shape, number: int) -> bytes:
    """The datagram: payloads in the shape's order first, a HASH over all the rest, encryption, header."""
    payloads = _in_order(shape, turn.saying)
    exchange = turn.exchange
    if exchange.message_id and shape.slots[0].type == PayloadType.HASH:
        name = proof_name(exchange.script.exchange, number)
        given = {"M-ID": exchange.message_id.to_bytes(4), "payloads": write_chain(payloads)}
        payloads = (Hash(data=_page(turn, given)[name].value), *payloads)
        turn.learned.append(name)
    body, flags = write_chain(payloads), 0
    if shape.encrypted:
        book = turn.book
        assert book.cipher is not None
        iv = exchange.iv or _first_iv(turn.sa, book, exchange)
        body, flags = seal(book.cipher, book["Ka"].value, iv, body), HeaderFlag.ENCRYPTION
        turn.update(iv=last_block(body, book.cipher))
    header = Header(
        cookie_i=turn.sa.cookie_i,
        cookie_r=turn.sa.cookie_r,
        next_payload=payloads[0].type if payloads else 0,
        exchange=int(exchange.script.exchange),
        flags=int(flags),
        message_id=exchange.message_id,
        length=HEADER_SIZE + len(body),
    )
    return header.write() + body


def _in_order(shape: Shape, saying: list[Payload]) -> tuple[Payload, ...]:
    """What was built, the shape's own payloads in the RFC's order, companions behind them."""
    left = list(saying)
    ordered: list[Payload] = []
    for slot in shape.slots:
        place = next((n for n, payload in enumerate(left) if payload.type == slot.type), None)
        if place is not None:
            ordered.append(left.pop(place))
    return (*ordered, *left)


# -- refusing ----------------------------------------------------------------------------------------------------------


def _refuse(
    sa: IkeSa,
    before: IkeSa | None,
    octets: bytes,
    sheet: Dissection,
    inside: Dissection | None,
    refusal: Refusal,
    env: Env,
) -> Outcome:
    """Nothing changes; the other side is told why where a notification exists for it and it is due."""
    said = _told(sa, sheet, refusal, env, octets) if refusal.notify is not None else None
    header = sheet.header
    return Outcome(
        before=before,
        after=before,
        fired=REFUSE,
        said=said,
        heard=octets,
        sheet=sheet,
        inside=inside,
        refused=refusal,
        events=(Event(name="refused", text=str(refusal), detail={"notify": refusal.notify}),),
        message_id=header.message_id if header else 0,
    )


def _told(sa: IkeSa, sheet: Dissection, refusal: Refusal, env: Env, octets: bytes) -> bytes | None:
    """A notification of the refusal: protected under an established SA, in clear before (RFC 2409 §5.7).

    No notification answers a notification, and what cannot be told from noise is not answered.
    """
    header = sheet.header
    if header is None or header.exchange == ExchangeType.INFORMATIONAL or refusal.notify is None:
        return None
    if sa.established and header.exchange in SCRIPTS:
        return None  # phase 1 is over: whatever comes in its name now is not worth an answer
    if sa.established and not header.encrypted:
        return None
    payload = notice(refusal.notify, spi=sa.cookie_i + header.cookie_r if sa.established else b"")
    digest = sa.book.hash(octets)[:8].hex() if sa.book is not None else sheet.raw[:16].hex()
    message_id = int.from_bytes(env.draw(f"{sa.cookie_i.hex()}/refusal/{digest}", 4)) | 1
    exchange = Exchange(script=INFORMATIONAL, role="initiator", message_id=message_id)
    if sa.established:
        turn = Turn(sa=sa, exchange=exchange, env=env, config=PeerConfig(connections=()), saying=[payload])
        return _seal(turn, INFORMATIONAL.steps[0].shape, 1)
    body = write_chain((payload,))
    return (
        Header(
            cookie_i=header.cookie_i,
            cookie_r=header.cookie_r,
            next_payload=payload.type,
            exchange=int(ExchangeType.INFORMATIONAL),
            message_id=message_id,
            length=HEADER_SIZE + len(body),
        ).write()
        + body
    )
