"""The Informational exchange: one message that tells news and expects no answer (RFC 2409 §5.7, RFC 2408 §4.8).

Under an established SA it is encrypted and carries HASH(1). Before, it travels in clear, proves nothing, and so changes
nothing: an error told in clear is believed only when the timer runs out and nobody has contradicted it.
"""

from __future__ import annotations

from dataclasses import replace

from ikelab.errors import Refusal
from ikelab.ike.script import DONE, GONE, I, Script
from ikelab.ike.turn import Turn
from ikelab.wire.numbers import ExchangeType, Notify, Protocol
from ikelab.wire.payloads import Delete, Notification

ERRORS = range(1, 16384)
"""Notify Message Types that report an error; higher ones report a status (RFC 2408 §3.14.1)."""


def take_news(turn: Turn) -> None:
    """Believe what an authenticated message says."""
    for payload in turn.sheet.payloads if turn.sheet else ():
        if isinstance(payload, Delete):
            _take_delete(turn, payload)
        elif isinstance(payload, Notification):
            _take_notification(turn, payload)
        if turn.sa.gone:
            return  # nothing may happen to an SA after its end, whatever else the message says


def _take_delete(turn: Turn, payload: Delete) -> None:
    if payload.protocol == Protocol.ISAKMP:
        if turn.sa.cookie_i + turn.sa.cookie_r in payload.spis:
            turn.choose(gone="the other side deleted it", children=())
            turn.happen("deleted", "the other side deleted the ISAKMP SA")
        return
    for spi in payload.spis:
        outbound = next((c for c in turn.sa.children if c.spi == spi and c.protocol == payload.protocol), None)
        if outbound is None:
            continue
        pair = [child for child in turn.sa.children if child.message_id == outbound.message_id]
        turn.choose(children=tuple(child for child in turn.sa.children if child not in pair))
        turn.happen("child gone", f"{outbound.name}: the other side deleted SPI {spi.hex()}", child=outbound.name)


def _take_notification(turn: Turn, payload: Notification) -> None:
    kind = Notify(payload.notify)
    turn.happen("notified", f"the other side says {kind.label}", notify=int(payload.notify))
    if payload.notify in ERRORS:
        refusal = complained(payload, authenticated=True)
        for exchange in turn.sa.exchanges.values():
            if not exchange.over and exchange.role == "initiator":
                ended = replace(exchange, state=GONE, complaint=refusal)
                turn.choose(exchanges={**turn.sa.exchanges, exchange.message_id: ended})
                turn.happen("failed", str(refusal), exchange=exchange.script.name, state=exchange.state)


def complained(payload: Notification, *, authenticated: bool) -> Refusal:
    """An error that the other side notified, as a refusal by it."""
    kind = Notify(payload.notify)
    return Refusal(
        notify=int(payload.notify),
        why=f"the other side says {kind.label}: {kind.meaning}",
        rfc=kind.rfc,
        hint="" if authenticated else "said in clear: anyone on the way could have written it",
    )


def say_news(turn: Turn) -> None:
    """What there is to tell was put on the turn before it began."""


INFORMATIONAL = Script("Informational", ExchangeType.INFORMATIONAL, "RFC 2409 §5.7", (
    I("HDR*, HASH(1), N/D", then=DONE, build=(say_news,), absorb=(take_news,)),
), done=DONE)  # fmt: skip
