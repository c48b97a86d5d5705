"""How what a peer has to say becomes a datagram: put in order, covered by a HASH, encrypted, behind a header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ikelab.ike.protect import exchange_of, last_block, message_hash, proof_name, seal
from ikelab.ike.sa import Exchange
from ikelab.ike.script import Shape
from ikelab.ike.turn import Turn
from ikelab.wire.message import HEADER_SIZE, Dissection, Header, write_chain
from ikelab.wire.numbers import ExchangeType, HeaderFlag, PayloadType, Protocol
from ikelab.wire.payloads import SA, Hash, Notification
from ikelab.wire.records import Payload

IPSEC_SPI_SIZE = 4


def say(turn: Turn, shape: Shape, number: int) -> bytes:
    """The datagram of what is on the turn, message `number` of its exchange; the exchange's IV moves on with it."""
    payloads = in_order(shape, turn.saying)
    exchange = turn.exchange
    if exchange.message_id and shape.slots[0].type == PayloadType.HASH:
        kind = exchange_of(exchange.script.exchange, number)
        digest = message_hash(turn.book, kind, number, hash_inputs(exchange, write_chain(payloads)))
        payloads = (Hash(data=digest.value), *payloads)
        turn.learned.append(proof_name(kind, number))
    turn.saying = list(payloads)
    body, flags = write_chain(payloads), 0
    if shape.encrypted:
        book = turn.book
        assert book.cipher is not None
        body, flags = seal(book.cipher, book["Ka"].value, turn.iv, body), HeaderFlag.ENCRYPTION | shape.flags
        turn.update(iv=last_block(body, book.cipher))
    header = Header(
        cookie_i=turn.sa.cookie_i,
        cookie_r=turn.sa.cookie_r,
        next_payload=payloads[0].type,
        exchange=int(exchange_of(exchange.script.exchange, number)),
        flags=int(flags),
        message_id=exchange.message_id,
    )
    return _datagram(header, body)


def hash_inputs(exchange: Exchange, covered: bytes) -> dict[str, bytes]:
    """What a HASH under the SA is computed from, besides its keys."""
    nonces = {name: exchange.given[name].value for name in ("Ni_b", "Nr_b") if name in exchange.given}
    return {**nonces, "M-ID": exchange.message_id.to_bytes(4), "payloads": covered}


def in_order(shape: Shape, saying: Sequence[Payload]) -> tuple[Payload, ...]:
    """What was built, the shape's own payloads in the RFC's order, companions behind them."""
    left = list(saying)
    ordered: list[Payload] = []
    for slot in shape.slots:
        meant = [n for n, payload in enumerate(left) if payload.type == slot.type]
        taken = meant if slot.type == PayloadType.SA else meant[:1]  # several SAs stand together
        ordered += (left[n] for n in taken)
        left = [payload for n, payload in enumerate(left) if n not in taken]
    return (*ordered, *left)


def notice_in_clear(header: Header, notify: int, message_id: int) -> bytes:
    """An Informational without proof, in answer to a message before the SA is established (RFC 2409 §5.7)."""
    payload = Notification(protocol=Protocol.ISAKMP, notify=notify)
    answer = Header(
        cookie_i=header.cookie_i,
        cookie_r=header.cookie_r,
        next_payload=payload.type,
        exchange=int(ExchangeType.INFORMATIONAL),
        message_id=message_id,
    )
    return _datagram(answer, write_chain((payload,)))


def notice_of(sheet: Dissection, notify: int) -> Notification:
    """A notification about what a message offers, by the SPI of whoever offers it (RFC 2408 §3.14)."""
    offered = [proposal for payload in sheet.payloads if isinstance(payload, SA) for proposal in payload.proposals]
    for proposal in offered[:1]:
        if len(proposal.spi) == IPSEC_SPI_SIZE:
            return Notification(protocol=proposal.protocol, notify=notify, spi=proposal.spi)
    return Notification(protocol=Protocol.ISAKMP, notify=notify)


def _datagram(header: Header, body: bytes) -> bytes:
    return replace(header, length=HEADER_SIZE + len(body)).write() + body
