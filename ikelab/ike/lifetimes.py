"""How long the SAs of a Quick Mode live: who accepts may not change the offer, but may say that it keeps them for less.

The offer is echoed unchanged, its lifetime included; a responder that will not keep the SA so long says so beside its
answer, in RESPONDER-LIFETIME (RFC 2407 §4.5.4, §4.6.3.1), and both go by the shorter one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ikelab.errors import Misuse
from ikelab.ike.attributes import PHASE_2, Lifetime, lifetime, lifetime_attributes
from ikelab.ike.negotiate import UNSAID_CHILD_LIFETIME, ChildChoice, agreed_seconds
from ikelab.wire.attributes import read_attributes
from ikelab.wire.numbers import Notify
from ikelab.wire.payloads import Notification
from ikelab.wire.proposals import Transform
from ikelab.wire.records import Payload


def kept_shorter(choice: ChildChoice, spi: bytes) -> tuple[Notification, ...]:
    """What a responder has to say of a lifetime that is shorter than the one it accepted; nothing if it is not.

    spi: under which it wants to receive.
    """
    offered = choice.offered_lifetime
    shorter = choice.lifetime < (offered.seconds or UNSAID_CHILD_LIFETIME)
    less = choice.kilobytes is not None and (offered.kilobytes is None or choice.kilobytes < offered.kilobytes)
    if not shorter and not less:
        return ()
    attributes = lifetime_attributes(PHASE_2, choice.lifetime, choice.kilobytes)
    data = b"".join(attribute.write() for attribute in attributes)
    return (Notification(protocol=choice.protocol, notify=Notify.RESPONDER_LIFETIME, spi=spi, data=data),)


def as_the_responder_keeps_it(choice: ChildChoice, heard: Iterable[Payload], cookies: bytes) -> ChildChoice:
    """The same choice with the lifetime that the responder notifies, where that is shorter; else as it is.

    cookies: of the ISAKMP SA; a notification names it or the responder's SPI (RFC 2407 §4.6.3.1).
    """
    for payload in heard:
        match payload:
            case Notification(notify=Notify.RESPONDER_LIFETIME) if payload.spi in (choice.spi, cookies):
                said = _said(payload)
                least = [each for each in (said.kilobytes, choice.kilobytes) if each is not None]
                choice = replace(
                    choice,
                    lifetime=agreed_seconds(said.seconds or choice.lifetime, choice.lifetime),
                    kilobytes=min(least, default=None),
                )
    return choice


def _said(payload: Notification) -> Lifetime:
    """The lifetime in a notification; what makes no sense in it says nothing."""
    faults: list[str] = []
    try:
        found = lifetime(Transform(number=1, id=0, attributes=read_attributes(payload.data)), PHASE_2, faults)
    except Misuse:
        return Lifetime()
    return Lifetime() if faults else found
