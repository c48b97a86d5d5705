"""A book that is handed what is known and works out every secret it determines, each with the formula that made it.

    book = Book("psk", "sha1", "sha1", {"PSK": b"secret", "Ni_b": ..., "Nr_b": ..., "CKY-I": ..., ...})
    book["SKEYID_a"].value            octets
    print(book["SKEYID_a"].tree())    the whole way back to what was given
    book.known()                      everything that is determined so far
    quick = book.chapter(Chapter.QUICK_MODE, {"M-ID": ..., "Ni_b": ..., "Nr_b": ..., "last_block": ...})
    quick["HASH(3)"], quick["IV"]

The formulas are in `ikelab.crypto.lines`. A value that is given wins over the formula that would make it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from ikelab.crypto import weakness
from ikelab.crypto.derived import Derived, Given, Role, Value, counted
from ikelab.crypto.formula import Formula, MissingInputs
from ikelab.crypto.lines import BOOK, SYMBOLS, Chapter, Cut, Line, Method
from ikelab.crypto.registry import nearest
from ikelab.crypto.suite import Cipher, Hash, Prf, cipher_by_word, hash_by_word, prf_by_word, prf_for
from ikelab.errors import Misuse

__all__ = ["BOOK", "SYMBOLS", "Book", "Chapter", "Derived", "Given", "Line", "Method", "MissingInputs", "Role", "Value"]


class Book:
    """What one ISAKMP SA, or one exchange under it, lets anyone compute who knows what is given.

    method, prf, hash, cipher: as negotiated, or their words ("psk", "sha1", "aes128"); a prf of None is the HMAC of the
    hash. given: octets, or `Given` with an origin, by their RFC names (see `SYMBOLS`).
    Raises Misuse where a name is unknown or a value has a size that the RFC rules out.
    """

    def __init__(
        self,
        method: Method | str,
        prf: Prf | str | None,
        hash: Hash | str,
        given: Mapping[str, bytes | Given],
        *,
        cipher: Cipher | str | None = None,
    ) -> None:
        self.method = _method(method)
        self.hash = hash_by_word(hash) if isinstance(hash, str) else hash
        self.prf = prf_for(self.hash) if prf is None else prf_by_word(prf) if isinstance(prf, str) else prf
        self.cipher = cipher_by_word(cipher) if isinstance(cipher, str) else cipher
        self.exchange = Chapter.PHASE_1
        self._keymat_size: int | None = None
        self._above: Book | None = None
        self._given = _checked(given)
        self._derived: dict[str, Derived] = {}

    def chapter(self, chapter: Chapter, given: Mapping[str, bytes | Given], *, keymat_size: int | None = None) -> Book:
        """The formulas of an exchange under this SA (or of one message or SA of this exchange), with values of its own.

        keymat_size: how many octets of KEYMAT the negotiated transform takes.
        Names that such an exchange brings anew (nonces, M-ID, payloads) are never taken from phase 1.
        """
        book = Book(self.method, self.prf, self.hash, given, cipher=self.cipher)
        book.exchange, book._above = chapter, self
        book._keymat_size = self._keymat_size if keymat_size is None else keymat_size
        return book

    def also(self, given: Mapping[str, bytes | Given]) -> Book:
        """The same book with more given. What was worked out stays, unless it could depend on that."""
        book = Book(self.method, self.prf, self.hash, self._given | _checked(given), cipher=self.cipher)
        book.exchange, book._above, book._keymat_size = self.exchange, self._above, self._keymat_size
        if not any(name in self._given or name in _MADE or name in _optional(self.exchange) for name in given):
            book._derived = dict(self._derived)
        return book

    def __getitem__(self, name: str) -> Value:
        """The value of that name. Raises MissingInputs, naming them, where it is not determined."""
        if name not in SYMBOLS and not any(name in table for table in self._tables()):
            known = [*SYMBOLS, *(name for table in self._tables() for name in table)]
            raise Misuse(f"name: expected one of {', '.join(dict.fromkeys(known))}, got {name!r}{nearest(name, known)}")
        try:
            return self._find(name)
        except MissingInputs as missing:
            raise MissingInputs(self._explained(name, missing.names), missing.names) from None

    def missing(self, name: str) -> tuple[str, ...]:
        """What would have to be given as well for that name to be determined; () if it is."""
        try:
            self[name]
        except MissingInputs as missing:
            return missing.names
        return ()

    def known(self) -> dict[str, Derived]:
        """Everything that the formulas of this chapter determine, in the RFC's order."""
        return {
            name: value
            for name in self._table()
            if not self.missing(name) and isinstance(value := self._find(name), Derived)
        }

    def given(self) -> dict[str, Given]:
        """What was given, by name."""
        return dict(self._given)

    def __repr__(self) -> str:
        cipher = f", {self.cipher.label}" if self.cipher else ""
        title = f"{self.exchange.value}: {self.method}, {self.prf.label}{cipher}"
        return "\n\n".join([title, "\n".join(map(str, self._given.values())), *map(str, self.known().values())])

    def _table(self) -> Mapping[str, Line]:
        return _lines(self.exchange, self.method)

    def _tables(self) -> Iterator[Mapping[str, Line]]:
        yield self._table()
        if self._above is not None:
            yield from self._above._tables()

    def _find(self, name: str) -> Value:
        if name in self._given:
            return self._given[name]
        if name in self._derived:
            return self._derived[name]
        if line := self._table().get(name):
            return self._derived.setdefault(name, self._work_out(line))
        if self._may_look_above(name) and self._above is not None:
            return self._above._find(name)
        raise MissingInputs(f"{name} is not known", (name,))

    def _may_look_above(self, name: str) -> bool:
        new_here = name in SYMBOLS and self.exchange in SYMBOLS[name].chapters
        return self._above is not None and (self._above.exchange is self.exchange or not new_here)

    def _has(self, name: str) -> bool:
        above = self._above if self._may_look_above(name) else None
        return name in self._given or (above is not None and above._has(name))

    def _work_out(self, line: Line) -> Derived:
        formula = _formula(line.formula)
        inputs = self._inputs(formula)
        size = self._size(line)
        whole = self._evaluate(formula, inputs)
        if size is None or size <= len(whole):
            return self._derive(line, formula, inputs, whole, size)
        blocks = self._blocks(line, size)
        joined = Formula(" | ".join(block.name for block in blocks))
        return self._derive(
            line, joined, {block.name: block for block in blocks}, b"".join(b.value for b in blocks), size
        )

    def _derive(
        self, line: Line, formula: Formula, inputs: Mapping[str, Value], whole: bytes, size: int | None
    ) -> Derived:
        size = len(whole) if size is None else size
        at = weakness.first_strong_des_key(whole) if self._is_des_key(line) else 0
        place = f"first {size}" if at == 0 else f"{at + 1} to {at + size}"
        return Derived(
            name=line.name,
            value=whole[at : at + size],
            formula=str(formula.resolved(inputs)),
            rfc=line.rfc,
            inputs=tuple(inputs.values()),
            explain=line.explain,
            role=line.role,
            kept="" if size == len(whole) else f"{place} of {counted(len(whole))}",
        )

    def _blocks(self, line: Line, size: int) -> list[Derived]:
        blocks: list[Derived] = []
        first, again = _formula(line.first or line.formula), _formula(line.again)
        while sum(len(block.value) for block in blocks) < size:
            number = len(blocks) + 1
            before = {block.name: block for block in blocks[-1:]}
            formula = again.renamed({"K1": f"K{number - 1}"}) if blocks else first
            inputs = self._inputs(formula, before)
            ready = formula.resolved(inputs)
            blocks.append(
                Derived(
                    name=f"K{number}",
                    value=self._evaluate(ready, inputs),
                    formula=str(ready),
                    rfc=line.rfc,
                    inputs=tuple(inputs.values()),
                    explain=f"Block {number} of {line.name}: each is fed back to make the next.",
                )
            )
        return blocks

    def _inputs(self, formula: Formula, at_hand: Mapping[str, Value] | None = None) -> dict[str, Value]:
        values: dict[str, Value] = dict(at_hand or {})
        missing: dict[str, None] = {}
        required = formula.required()
        for name in formula.names():
            if name not in values and (name in required or self._has(name)):
                try:
                    values[name] = self._find(name)
                except MissingInputs as error:
                    missing |= dict.fromkeys(error.names)
        if missing:
            raise MissingInputs(f"{formula} is not determined", tuple(missing))
        return {name: values[name] for name in formula.names() if name in values}

    def _evaluate(self, formula: Formula, inputs: Mapping[str, Value]) -> bytes:
        values = {name: value.value for name, value in inputs.items()}
        return formula.evaluate(values, prf=self.prf, hash=self.hash)

    def _size(self, line: Line) -> int | None:
        if line.cut is Cut.ALL:
            return None
        if line.cut is Cut.KEYMAT:
            if self._keymat_size is None:
                raise MissingInputs("KEYMAT has no size", (_KEYMAT_SIZE,))
            return self._keymat_size
        if self.cipher is None:
            raise MissingInputs("no cipher", (_CIPHER,))
        return self.cipher.key_size if line.cut is Cut.KEY else self.cipher.block_size

    def _is_des_key(self, line: Line) -> bool:
        return line.cut is Cut.KEY and self.cipher is not None and self.cipher.block_cipher == "DES"

    def _explained(self, name: str, names: tuple[str, ...]) -> str:
        line = next((table[name] for table in self._tables() if name in table), None)
        needs = "; ".join(f"{each}, {_EXPLAINED[each]}" for each in names)
        if line is None:
            return f"{needs}: not given, and no formula gives it"
        return f"{name} = {line.as_printed} ({line.rfc}): not determined yet; it still needs {needs}"


_MADE = dict.fromkeys(line.name for lines in BOOK.values() for line in lines)
_CIPHER, _KEYMAT_SIZE = "cipher", "keymat_size"
_EXPLAINED = {
    **{name: symbol.explain for name, symbol in SYMBOLS.items()},
    _CIPHER: "the negotiated cipher, which says how many octets to take",
    _KEYMAT_SIZE: "the octets that the negotiated ESP or AH transform takes",
}


@functools.cache
def _lines(chapter: Chapter, method: Method) -> Mapping[str, Line]:
    return {line.name: line for line in BOOK[chapter] if method in line.methods}


@functools.cache
def _optional(chapter: Chapter) -> frozenset[str]:
    """Names that a formula of this chapter can do without."""
    formulas = [_formula(line.formula) for line in BOOK[chapter]]
    return frozenset(name for formula in formulas for name in {*formula.names()} - {*formula.required()})


@functools.cache
def _formula(text: str) -> Formula:
    return Formula(text)


def _method(method: Method | str) -> Method:
    try:
        return Method(method)
    except ValueError:
        raise Misuse(f"method: expected one of {', '.join(Method)}, got {method!r}") from None


def _checked(given: Mapping[str, bytes | Given]) -> dict[str, Given]:
    checked = {}
    for name, value in given.items():
        if name not in SYMBOLS and name not in _MADE:
            advice = nearest(name, [*SYMBOLS, *_MADE])
            raise Misuse(f"given: expected RFC names such as {', '.join(SYMBOLS)}, got {name!r}{advice}")
        octets, origin = (value.value, value.origin) if isinstance(value, Given) else (value, "given")
        if not isinstance(octets, bytes):
            raise Misuse(f"{name}: expected octets (bytes), got {type(octets).__name__}")
        sizes = SYMBOLS[name].sizes if name in SYMBOLS else ()
        if sizes and len(octets) not in sizes:
            raise Misuse(f"{name}: expected {' or '.join(map(str, sizes))} octets, got {len(octets)}")
        checked[name] = Given(name=name, value=octets, origin=origin)
    return checked
