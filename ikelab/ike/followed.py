"""What a listener is handed, and what it answers: a datagram, how far it could be opened, and which proofs hold."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from ikelab.crypto.derived import Value
from ikelab.errors import WireError
from ikelab.ike.conversation import Conversation
from ikelab.wire.message import Dissection
from ikelab.wire.udp import Endpoint


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One IKE datagram as a listener gets it, without a Non-ESP Marker. `frame` counts from 1, `time` is in seconds."""

    frame: int
    source: Endpoint
    destination: Endpoint
    octets: bytes
    time: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Proof:
    """A hash that could be checked: what came, what it should be (with its formula), and under which belief."""

    name: str
    came: bytes
    expected: Value
    belief: int

    @property
    def holds(self) -> bool:
        return hmac.compare_digest(self.came, self.expected.value)


@dataclass(frozen=True, kw_only=True)
class Opened:
    """An encrypted body that a key opened: the sheet inside, the key and IV, and the belief (from 0) they come from."""

    sheet: Dissection
    belief: int
    key: bytes
    iv: bytes
    iv_from: str


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What the listener makes of one datagram.

    decrypted: None where nothing is encrypted or no key is known, False where a key was tried and gave nonsense.
    whole: the message that the last of several fragments completed; `fragments` are the frames it came in.
    number: which message of its exchange this is, from 1; 0 for a repetition.
    """

    heard: Heard
    sheet: Dissection
    conversation: Conversation | None = None
    sender: str | None = None
    number: int = 0
    opened: Opened | None = None
    decrypted: bool | None = None
    proofs: tuple[Proof, ...] = ()
    nat_d: tuple[bool, ...] = ()
    retransmission_of: int | None = None
    whole: Dissection | None = None
    fragments: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()
    error: WireError | None = None

    @property
    def message(self) -> Dissection:
        """The message itself: reassembled where it came in fragments."""
        return self.whole or self.sheet

    @property
    def inside(self) -> Dissection:
        """The sheet with the payloads: decrypted where that succeeded."""
        return self.opened.sheet if self.opened else self.message

    @property
    def verified(self) -> Mapping[str, bool]:
        """Each hash that could be checked; true if any belief makes it true."""
        held: dict[str, bool] = {}
        for proof in self.proofs:
            held[proof.name] = held.get(proof.name, False) or proof.holds
        return held
