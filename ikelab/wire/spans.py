"""Where each thing lies: octets cut into named pieces, in a tree whose leaves leave no octet out and share none.

What cannot be read is a piece too: a leaf of its own, or, where no octets are left to show, an `error` on the piece
that lacks them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from ikelab.errors import WireError

if TYPE_CHECKING:
    from ikelab.wire.fields import Field


class Span(NamedTuple):
    """A named piece of octets: where it lies, what it holds, the pieces inside it, and what is wrong with it.

    `at` and `size` count octets from the start of the sheet: of the datagram, or of the decrypted data. A span without
    children is a leaf; leaves have at least one octet, and tile their sheet.
    """

    field: Field
    at: int
    size: int
    value: Any = None
    children: tuple[Span, ...] = ()
    error: WireError | None = None

    @property
    def name(self) -> str:
        """The field's name as the RFC prints it."""
        return self.field.label

    @property
    def text(self) -> str:
        """The value as a person reads it; empty for a piece that only groups others."""
        return self.field.text(self.value)

    @property
    def meaning(self) -> str:
        """What this field is for, and what this value of it says."""
        return self.field.meaning(self.value)

    @property
    def rfc(self) -> str:
        """The clause that declares this field, and the one that names its value where that is another."""
        return self.field.cited(self.value)

    @property
    def end(self) -> int:
        """The offset behind its last octet."""
        return self.at + self.size

    def walk(self) -> Iterator[Span]:
        """This piece and all inside it, parents first, in wire order."""
        waiting = [self]
        while waiting:
            span = waiting.pop()
            yield span
            waiting.extend(reversed(span.children))

    def leaves(self) -> Iterator[Span]:
        """Every innermost piece, in wire order."""
        return (span for span in self.walk() if not span.children)

    def errors(self) -> Iterator[WireError]:
        """All that is wrong with this piece and those inside it."""
        return (span.error for span in self.walk() if span.error is not None)

    def blaming(self, field: Field, error: WireError) -> Span:
        """The same piece, with `error` on its direct child that shows `field`."""
        children = (child._replace(error=error) if child.field is field else child for child in self.children)
        return self._replace(children=tuple(children))

    def __repr__(self) -> str:
        return f"<Span {self.name} [{self.at}:{self.end}] {self.text}>".replace("] >", "]>")
