"""Quick Mode with the Commit bit: the responder asks the initiator to wait until it says CONNECTED (RFC 2408 §3.1).

Without it the initiator may send packets before the responder is ready for them. The script is Quick Mode's with a
fourth message: an Informational with the message ID of the Quick Mode, in the same chain of IVs. Which of the two
scripts runs is decided when message 1 or 2 is heard, by what `CommitBit` says (`ikelab.ike.hearing`).
"""

from __future__ import annotations

from dataclasses import replace

from ikelab.errors import Refusal
from ikelab.ike.quick_mode import QUICK_MODE, make_keys
from ikelab.ike.script import DONE, I, R, Script
from ikelab.ike.turn import Turn
from ikelab.wire.numbers import HeaderFlag, Notify
from ikelab.wire.payloads import Notification


def say_connected(turn: Turn) -> None:
    """The responder is ready for packets under its SPI."""
    exchange, choice = turn.exchange, turn.child_choice
    turn.say(Notification(protocol=choice.protocol, notify=Notify.CONNECTED, spi=exchange.spi))


def take_connected(turn: Turn) -> None:
    """The initiator has waited for this news and no other. Raises Refusal."""
    said = turn.payload("N", Notification)
    if said.notify != Notify.CONNECTED:
        raise Refusal(
            why=f"expected CONNECTED, for which the Commit bit made this side wait, got {Notify(said.notify).label}",
            rfc="RFC 2408 §3.1",
        )


_offer, _answer, _proof = QUICK_MODE.steps

QUICK_MODE_WITH_COMMIT = Script("Quick Mode with Commit bit", QUICK_MODE.exchange, "RFC 2408 §3.1", (
    _offer,
    replace(_answer, shape=replace(_answer.shape, flags=HeaderFlag.COMMIT)),
    I(_proof.shape.text, then="QM_CONFIRMED",
      build=(),
      absorb=(make_keys,)),
    R("HDR*, HASH(1), N", then=DONE,
      build=(say_connected,),
      absorb=(take_connected, make_keys)),
), done=DONE, branch_of=QUICK_MODE)  # fmt: skip
