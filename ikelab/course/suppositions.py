"""What hangs on what: the secrets of a conversation if one value had been another, or if a listener knew more.

suppose(talk, "Ni_b")           the last bit of the nonce is another: which secrets would be, too?
listener(talk, "PSK")           somebody heard everything, and was told the pre-shared key: what can they compute?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ikelab.course.shown import Shown, whole_lines
from ikelab.crypto.book import Book
from ikelab.errors import Misuse

IN_CLEAR = ("CKY-I", "CKY-R", "SAi_b", "g^xi", "g^xr", "Ni_b", "Nr_b")
"""What travels in clear in Main Mode, messages 1 to 4."""
ENCRYPTED = ("IDii_b", "IDir_b")
"""What only Ka opens there, in messages 5 and 6."""
UNSAID = ("PSK", "g^xy")
SECRETS = ("SKEYID", "SKEYID_d", "SKEYID_a", "SKEYID_e", "Ka", "IV", "HASH_I", "HASH_R")
"""What the formulas of phase 1 make, in the RFC's order."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Supposition:
    """What became of each secret when the value `name` was another. same: by the secret's name."""

    name: str
    same: Mapping[str, bool]
    formulas: Mapping[str, str]

    def __repr__(self) -> str:
        """A line a secret: whether it is the same, and its formula."""
        lines = [f"If {self.name} were another, its last bit flipped:"]
        for secret, same in self.same.items():
            lines.append(f"  {secret:<8}  {'the same' if same else 'ANOTHER ':<8}  {self.formulas[secret]}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "What would be another")


@dataclass(frozen=True, kw_only=True, repr=False)
class Listening:
    """What somebody makes of a conversation who heard it all. lacking: of each secret, what would be needed for it."""

    told: Sequence[str]
    lacking: Mapping[str, tuple[str, ...]]

    @property
    def computed(self) -> tuple[str, ...]:
        """The secrets that they have."""
        return tuple(name for name, lacking in self.lacking.items() if not lacking)

    def __repr__(self) -> str:
        """A line a secret: whether they have it, and else what they lack for it."""
        lines = [f"heard     {', '.join(IN_CLEAR)}", f"was told  {', '.join(self.told) or 'nothing'}", ""]
        for secret, lacking in self.lacking.items():
            has = (
                f"–  lacks {', '.join(lacking)}" if lacking else "✓  told" if secret in self.told else "✓  computes it"
            )
            lines.append(f"  {secret:<8}  {has}")
        opened = "can be read" if "Ka" in self.computed else "stay closed"
        return "\n".join([*lines, "", f"Messages 5 and 6 {opened}."])


def suppose(talk: Shown, name: str) -> Supposition:
    """The secrets of phase 1 if the last bit of one value were flipped. Raises Misuse for what is no such value."""
    before = _book(talk, [*IN_CLEAR, *UNSAID, *ENCRYPTED])
    given = before.given()
    if name not in given:
        raise Misuse(f"suppose: expected one of {', '.join(given)}, got {name!r}")
    value = given[name].value
    after = before.also({name: value[:-1] + bytes((value[-1] ^ 1,))})
    derived = {secret: before.known()[secret] for secret in SECRETS}
    return Supposition(
        name=name,
        same={secret: after[secret].value == derived[secret].value for secret in SECRETS},
        formulas={secret: each.formula for secret, each in derived.items()},
    )


def listener(talk: Shown, *told: str) -> Listening:
    """What a listener can compute who was told these values as well. Raises Misuse for a name that says nothing."""
    known = (*UNSAID, *SECRETS)
    if unknown := [name for name in told if name not in known]:
        raise Misuse(f"listener: expected any of {', '.join(known)}, got {unknown[0]!r}")
    book = _book(talk, [*IN_CLEAR, *told])
    if not book.missing("Ka"):
        book = _book(talk, [*IN_CLEAR, *told, *ENCRYPTED])
    return Listening(told=told, lacking={secret: book.missing(secret) for secret in SECRETS})


def _book(talk: Shown, names: Sequence[str]) -> Book:
    """Phase 1 of a conversation as one can compute it who knows these values of it."""
    conversation = talk.followed[0].conversation
    if conversation is None or conversation.suite is None:
        raise Misuse(f"{talk.heading}: expected a conversation that agreed on how to compute, got one that did not")
    suite = conversation.suite
    given = {name: talk.secret(name).value for name in names}
    return Book(suite.method, None, suite.hash, given, cipher=suite.cipher)
