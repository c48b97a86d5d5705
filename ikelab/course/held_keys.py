"""What each side holds in the end: keys that nobody sent, read out of the memories of both peers, side by side.

keys(run("main"))     what either peer computed, and whether it is the same
keys(run("psk"))      with two pre-shared keys, everything that they go into is two things
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ikelab.course.runs import Run
from ikelab.course.shown import whole_lines
from ikelab.crypto.derived import shortened
from ikelab.errors import Misuse
from ikelab.ike.conversation import INITIATOR, RESPONDER
from ikelab.ike.sa import IkeSa
from ikelab.net.results import PROTOCOLS
from ikelab.wire.numbers import Protocol

PHASE_1 = ("g^xy", "SKEYID", "Ka")
"""What is shown of phase 1: the shared secret, the root of all keys, and the key that encrypts IKE's own messages."""
NOTHING = "–"
NEVER_SENT = "None of these was ever sent, in clear or encrypted."


@dataclass(frozen=True, kw_only=True)
class Held:
    """One value as either side has it; None where a side never came so far."""

    name: str
    initiator: bytes | None
    responder: bytes | None

    @property
    def same(self) -> bool:
        """Whether both have it, and it is the same."""
        return self.initiator is not None and self.initiator == self.responder


@dataclass(frozen=True, kw_only=True, repr=False)
class HeldKeys:
    """The keys of both sides. travelled: the numbers of messages in which one of them stands, decrypted or as sent."""

    values: tuple[Held, ...]
    travelled: tuple[int, ...]

    @property
    def same(self) -> bool:
        """Whether both sides have all of them, and the same ones."""
        return all(held.same for held in self.values)

    def __repr__(self) -> str:
        """A line a key, and whether any of them was ever sent."""
        width = max(len(held.name) for held in self.values)
        lines = [f"{'':<{width}}  {'the initiator has':<17}  {'the responder has':<17}"]
        for held in self.values:
            one, other = (shortened(each) if each else NOTHING for each in (held.initiator, held.responder))
            same = "the same" if held.same else "ANOTHER" if held.initiator and held.responder else ""
            lines.append(f"{held.name:<{width}}  {one:<17}  {other:<17}  {same}".rstrip())
        sent = f"Sent in message {', '.join(map(str, self.travelled))}." if self.travelled else NEVER_SENT
        return "\n".join([*lines, "", sent])

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "Keys of both sides")


def keys(talk: Run) -> HeldKeys:
    """The keys in the memories of the two peers of a run. Raises Misuse for what is no run."""
    if not isinstance(talk, Run):
        raise Misuse(f"keys: expected a run, whose peers can be asked, got {type(talk).__name__}")
    sides = {role: next((sa for sa in talk.result.sas if sa.role == role), None) for role in (INITIATOR, RESPONDER)}
    has = {role: dict(_held(sa)) if sa else {} for role, sa in sides.items()}
    names = dict.fromkeys((*PHASE_1, *has[INITIATOR], *has[RESPONDER]))
    values = tuple(
        Held(name=name, initiator=has[INITIATOR].get(name), responder=has[RESPONDER].get(name)) for name in names
    )
    return HeldKeys(values=values, travelled=tuple(_travelled(talk, values)))


def _held(sa: IkeSa) -> Iterator[tuple[str, bytes]]:
    """What one peer has worked out, from its own memory alone."""
    if sa.book is not None and sa.has_keys:
        yield from ((name, sa.book[name].value) for name in PHASE_1)
    for child in sa.children:
        which = f"{PROTOCOLS[Protocol(child.protocol)]} {child.spi.hex()}"
        yield from ((f"{which}, {use}", key) for use, key in _uses(child.enc_key, child.auth_key))


def _uses(encryption: bytes, integrity: bytes) -> Iterator[tuple[str, bytes]]:
    """The keys of one direction; AH has none that encrypts, a combined cipher none for integrity alone."""
    yield from ((use, key) for use, key in (("encryption", encryption), ("integrity", integrity)) if key)


def _travelled(talk: Run, values: tuple[Held, ...]) -> Iterator[int]:
    secret = {each for held in values for each in (held.initiator, held.responder) if each}
    for message in talk.messages:
        if any(each in octets for each in secret for octets in (message.octets, message.decrypted or b"")):
            yield message.number
