"""What a payload is called where it stands: an ID payload is IDii or IDcr, a HASH is HASH_I or HASH(2)."""

from __future__ import annotations

from ikelab.ike.protect import PHASE_1, proof_name
from ikelab.wire.numbers import ExchangeType, PayloadType
from ikelab.wire.payloads import ID, Hash, Nonce, Opaque, Signature
from ikelab.wire.records import Payload


def payload_labels(payloads: tuple[Payload, ...], exchange: int, number: int, from_initiator: bool) -> list[str]:
    """RFC 2409's symbol of each payload of message `number` (from 1) of an exchange.

    from_initiator: whether its sender began this exchange (in Quick Mode that may be either end of the ISAKMP SA).
    """
    side = "i" if from_initiator else "r"
    clients = iter(("IDci", "IDcr"))
    labels = []
    for payload in payloads:
        match payload:
            case Hash():
                label = f"HASH_{side.upper()}" if exchange in PHASE_1 else proof_name(exchange, number)
            case Signature():
                label = f"SIG_{side.upper()}"
            case Nonce():
                label = f"N{side}"
            case ID() if exchange == ExchangeType.QUICK_MODE:
                label = next(clients, "ID")
            case ID():
                label = f"IDi{side}"
            case Opaque():
                label = PayloadType(payload.number).short
            case _:
                label = payload.SYMBOL
        labels.append(label)
    return labels


def arrow(labels: list[str], encrypted: bool) -> str:
    """A message as RFC 2409 draws it: `HDR*, IDii, HASH_I`; equal neighbours are counted."""
    counted: list[tuple[str, int]] = []
    for label in labels:
        if counted and counted[-1][0] == label:
            counted[-1] = label, counted[-1][1] + 1
        else:
            counted.append((label, 1))
    names = [label if count == 1 else f"{label} x{count}" for label, count in counted]
    return ", ".join(["HDR*" if encrypted else "HDR", *names])
