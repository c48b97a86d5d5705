"""The Informational exchange: one message that tells news and expects no answer (RFC 2409 §5.7, RFC 2408 §4.8).

Under an established SA it is encrypted and carries HASH(1). Before, it travels in clear, proves nothing, and so changes
nothing: an error told in clear is believed only when the timer runs out and nobody has contradicted it.
"""

from __future__ import annotations

from collections.abc import Iterable

from ikelab.errors import Refusal
from ikelab.ike.rules import DELETED, TOLD
from ikelab.ike.script import DONE, I, Script
from ikelab.ike.turn import Turn
from ikelab.wire.numbers import Doi, ExchangeType, Notify, Protocol
from ikelab.wire.payloads import Delete, Notification
from ikelab.wire.records import Payload

ERRORS = range(1, 16384)
"""Notify Message Types that report an error; higher ones report a status (RFC 2408 §3.14.1)."""

OUR_DOIS = (Doi.ISAKMP, Doi.IPSEC)


def take_news(turn: Turn) -> None:
    """Believe what an authenticated message says; news of another domain of interpretation is passed over."""
    for payload in turn.sheet.payloads if turn.sheet else ():
        match payload:
            case Delete(doi=doi) if doi in OUR_DOIS:
                _take_delete(turn, payload)
            case Notification(doi=doi) if doi in OUR_DOIS:
                _take_notification(turn, payload)
        if turn.sa.gone:
            return  # nothing may happen to an SA after its end, whatever else the message says


def _take_delete(turn: Turn, payload: Delete) -> None:
    sa = turn.sa
    if payload.protocol == Protocol.ISAKMP:
        if sa.cookie_i + sa.cookie_r in payload.spis:
            turn.choose(gone="the other side deleted it", children=())
            turn.rule = DELETED
            turn.happen("deleted", "the other side deleted the ISAKMP SA")
        return
    for spi in dict.fromkeys(payload.spis):
        # The sender names the SPI under which it received: that of this side's outbound SA (RFC 2408 §5.15).
        named = (child for child in turn.sa.children if not child.inbound)
        outbound = next((child for child in named if (child.spi, child.protocol) == (spi, payload.protocol)), None)
        if outbound is not None:
            pair = outbound.message_id, outbound.pair
            left = tuple(child for child in turn.sa.children if (child.message_id, child.pair) != pair)
            turn.choose(children=left)
            text = f"{outbound.name}: the other side deleted SPI {spi.hex()}"
            turn.happen("child gone", text, child=outbound.name, spi_out=spi)


def _take_notification(turn: Turn, payload: Notification) -> None:
    turn.happen("notified", f"the other side says {Notify(payload.notify).label}", notify=int(payload.notify))
    if payload.notify not in ERRORS:
        return
    if payload.spi and payload.spi in {child.spi for child in turn.sa.children}:
        return  # it is about packets, not about an exchange under way
    refusal = complained(payload, with_proof=True)
    waiting = [exchange for exchange in turn.sa.waiting if exchange.message_id != turn.exchange.message_id]
    meant = [each for each in waiting if payload.spi and payload.spi in [pact.spi for pact in each.pacts]] or waiting
    if len(meant) == 1:
        turn.end(meant[0], TOLD, refusal)
    elif meant:
        turn.complaint = refusal  # which one, only time can tell: the others will be answered


def error_in(payloads: Iterable[Payload]) -> Notification | None:
    """The first error that is notified."""
    notified = (payload for payload in payloads if isinstance(payload, Notification))
    return next((payload for payload in notified if payload.notify in ERRORS), None)


def complained(payload: Notification, *, with_proof: bool) -> Refusal:
    """An error that the other side notified, as a refusal by it."""
    kind = Notify(payload.notify)
    return Refusal(
        notify=int(payload.notify),
        why=f"the other side says {kind.label}: {kind.meaning}",
        rfc=kind.rfc,
        hint="" if with_proof else "said in clear: anyone on the way could have written it",
    )


def say_news(turn: Turn) -> None:
    """What there is to tell was put on the turn before it began."""


INFORMATIONAL = Script("Informational", ExchangeType.INFORMATIONAL, "RFC 2409 §5.7", (
    I("HDR*, HASH(1), N/D", then=DONE, build=(say_news,), absorb=(take_news,)),
), done=DONE)  # fmt: skip
