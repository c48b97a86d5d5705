"""How a peer is believed: a value that only a successful check can make.

An SA becomes ESTABLISHED only by an `Authenticated`, and `verify` is the only maker of one. What a peer sends decides
whether the check succeeds, never whether it is made.
"""

from __future__ import annotations

import hmac

from ikelab.crypto.derived import Value
from ikelab.errors import Refusal
from ikelab.wire.numbers import Notify

_SEAL = object()


class Authenticated:
    """Proof that the other side knows what it must: its name and the check that it passed."""

    __slots__ = ("identity", "proof")

    def __init__(self, identity: str, proof: Value, seal: object = None) -> None:
        if seal is not _SEAL:
            raise TypeError("Authenticated is made by verify alone")
        self.identity, self.proof = identity, proof

    def __repr__(self) -> str:
        return f"<Authenticated {self.identity} by {self.proof.name}>"


def verify(came: bytes, expected: Value, *, identity: str, hint: str = "") -> Authenticated:
    """Compare what came with what it must be, in constant time. Raises Refusal where they differ."""
    if not hmac.compare_digest(came, expected.value):
        raise Refusal(
            notify=Notify.AUTHENTICATION_FAILED,
            why=f"{expected.name} of {identity}: expected {expected.value.hex()}, got {came.hex()}",
            rfc="RFC 2409 §5",
            hint=hint,
        )
    return Authenticated(identity, expected, _SEAL)


def check(came: bytes, expected: Value) -> None:
    """The same for the hash of a message under an established SA; the sender is not told."""
    if not hmac.compare_digest(came, expected.value):
        raise Refusal(
            why=f"{expected.name}: expected {expected.value.hex()}, got {came.hex()}",
            rfc="RFC 2409 §5.5",
            hint="altered on the way, or made by someone who does not know SKEYID_a",
        )
