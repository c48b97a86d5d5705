"""How ikelab says no: three kinds of complaint, each naming what was expected, what came, where, and by which clause.

- `WireError`: octets that the declaration of a field forbids.
- `Refusal`: a message that was understood and is unacceptable.
- `Misuse`: a mistake of whoever calls ikelab; the only kind that the public functions raise.

All are values first: their attributes are what a view shows, and `str()` is the one sentence a terminal prints.
They compare by content and survive pickling, so that a test and another process see the same complaint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self


class IkelabError(Exception):
    """Any complaint of ikelab's own; catching it catches nothing else."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), str(self)))

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), self.args, dict(vars(self)))


class WireError(IkelabError):
    """Octets that a declaration forbids.

    expected: what the declaration asks for, e.g. "4 octets".
    got: what was there instead, e.g. "2".
    at: offset, in octets from the start of the sheet being read, of the field complained about.
    path: names from the outermost structure inwards, joined by " > ", e.g. "SA > Proposal 1 > SPI"; "" if unknown.
    rfc: the clause that declares the field, e.g. "RFC 2408 §3.5"; "" if none does.
    """

    def __init__(self, *, expected: str, got: str, at: int, path: str = "", rfc: str = "") -> None:
        super().__init__(expected, got, at, path, rfc)
        self.expected = expected
        self.got = got
        self.at = at
        self.path = path
        self.rfc = rfc

    def __str__(self) -> str:
        place = f"{self.path} at octet {self.at}" if self.path else f"octet {self.at}"
        return f"{place}: expected {self.expected}, got {self.got}{_clause(self.rfc)}"

    def within(self, name: str, *, offset: int = 0, rfc: str = "") -> Self:
        """The same complaint seen from the structure around it.

        name: what that structure is called, put before the path; "" adds nothing.
        offset: octets from its start to where this complaint was counting from.
        rfc: the clause that declares it, for a complaint that names none itself.
        """
        return type(self)(
            expected=self.expected,
            got=self.got,
            at=self.at + offset,
            path=" > ".join(part for part in (name, self.path) if part),
            rfc=self.rfc or rfc,
        )


class Refusal(IkelabError):
    """A message that was understood and is unacceptable to the one who heard it.

    notify: the Notify Message Type that says so on the wire (RFC 2408 §3.14.1), None where silence is the answer.
    why: the reason in a sentence a learner understands, naming what was expected and what came.
    rfc: the clause that makes it unacceptable; "" if only this peer's own policy does.
    hint: what to try next; "" if there is nothing useful to say.
    """

    def __init__(self, *, why: str, notify: int | None = None, rfc: str = "", hint: str = "") -> None:
        super().__init__(notify, why, rfc, hint)
        self.notify = notify
        self.why = why
        self.rfc = rfc
        self.hint = hint

    def __str__(self) -> str:
        advice = f"; {self.hint}" if self.hint else ""
        return f"{self.why}{_clause(self.rfc)}{advice}"


class Misuse(IkelabError):
    """A mistake of whoever calls ikelab. The message says what was expected, what came, and where."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence alone, for the mistake is in the cell and not further down."""
        return [f"{type(self).__name__}: {self}"]


def _clause(rfc: str) -> str:
    return f" ({rfc})" if rfc else ""


def _restored(kind: type[IkelabError], args: tuple[object, ...], attributes: Mapping[str, object]) -> IkelabError:
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error
