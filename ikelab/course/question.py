"""What a lesson asks, and what it says to each answer: the right one, likely wrong ones, and those of another kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ikelab.crypto.derived import counted, shortened

Understood = TypeVar("Understood")

MOST_MEMBERS = 1000
"""Members of a list that are looked at; a longer one is no answer to anything asked here."""
LONGEST_ECHO = 60
LONGEST_COMPLAINT = 100
"""Letters of what Python says of a failing function."""


ADVICE = {
    "can't concat int to bytes": "; one octet of a number is bytes([number])",
    "unsupported operand type(s) for +: 'int' and 'bytes'": "; one octet of a number is bytes([number])",
    "can't concat str to bytes": '; octets of a text are text.encode(), those of hex digits bytes.fromhex("...")',
    'can only concatenate str (not "bytes") to str': "; octets of a text are text.encode()",
}
"""What helps where Python complains so: mistakes that everybody makes once."""


class NotUnderstood(Exception):
    """An answer of another kind than the one asked for; says what was expected and what came."""


class NotBegun(Exception):
    """No answer yet: the three dots still stand where it will be."""


class Kind(Protocol[Understood]):
    """A kind of answers. Nothing that a learner hands over may make it fail."""

    @property
    def wanted(self) -> str:
        """What to write, in words."""

    def understand(self, answer: object) -> Understood:
        """The answer, tidied up. Raises NotUnderstood."""

    def show(self, answer: Understood) -> str:
        """The answer in words."""


@dataclass(frozen=True)
class Choice:
    """One of several, by its letter."""

    options: Mapping[str, str]

    @property
    def wanted(self) -> str:
        """What to write."""
        letters = [f'"{letter}"' for letter in self.options]
        return f"{', '.join(letters[:-1])} or {letters[-1]}"

    def understand(self, answer: object) -> str:
        """Its letter; case and blanks around it do not matter."""
        letter = answer.strip().strip("()").lower() if isinstance(answer, str) else ""
        if letter not in self.options:
            raise NotUnderstood(f"Expected {self.wanted}, got {echo(answer)}.")
        return letter

    def show(self, answer: str) -> str:
        """The letter and what it stands for."""
        return f"{answer}) {self.options[answer]}"


@dataclass(frozen=True)
class Numbers:
    """Some of the numbers from 1 to `last`, in any order."""

    last: int
    wanted: str = "a list of message numbers, such as [1, 2]"

    def understand(self, answer: object) -> tuple[int, ...]:
        """The numbers in order, each once; a single number will do for a list of one."""
        members = (answer,) if isinstance(answer, int) else answer
        if not isinstance(members, list | tuple | set | frozenset | range) or len(members) > MOST_MEMBERS:
            raise NotUnderstood(f"Expected {self.wanted}, got {echo(answer)}.")
        for member in members:
            if isinstance(member, bool) or not isinstance(member, int) or not 1 <= member <= self.last:
                raise NotUnderstood(f"Expected numbers from 1 to {self.last}, got {echo(member)} among them.")
        return tuple(sorted(set(members)))

    def show(self, answer: tuple[int, ...]) -> str:
        """The numbers."""
        return ", ".join(map(str, answer)) or "none"


@dataclass(frozen=True)
class Octets:
    """Octets, as `bytes`."""

    wanted: str = "octets (bytes)"

    def understand(self, answer: object) -> bytes:
        """The octets of `bytes` and their like."""
        if isinstance(answer, bytes | bytearray | memoryview):
            return bytes(answer)
        if type(answer).__module__ in ("hmac", "_hashlib") or hasattr(type(answer), "hexdigest"):
            raise NotUnderstood("This is the hash object, not yet its result: put .digest() behind it.")
        if isinstance(answer, str) and _is_hex(answer):
            raise NotUnderstood(
                "These are hex digits, a text. Octets are wanted: of a hash, .digest() instead of .hexdigest(); of "
                "anything else, bytes.fromhex(...)."
            )
        raise NotUnderstood(f"Expected {self.wanted}, got {echo(answer)}.")

    def show(self, answer: bytes) -> str:
        """Their hex digits."""
        return f"{answer.hex()} ({counted(len(answer))})"


@dataclass(frozen=True)
class Whole:
    """A whole number."""

    wanted: str = "a whole number"

    def understand(self, answer: object) -> int:
        """The number."""
        if isinstance(answer, bool) or not isinstance(answer, int):
            raise NotUnderstood(f"Expected {self.wanted}, got {echo(answer)}.")
        return answer

    def show(self, answer: int) -> str:
        """Its digits, if they can be read at all."""
        return echo(answer)


@dataclass(frozen=True)
class Truth:
    """True or False."""

    wanted: str = "True or False"

    def understand(self, answer: object) -> bool:
        """The truth value; no other value will do for one."""
        if not isinstance(answer, bool):
            raise NotUnderstood(f"Expected {self.wanted}, got {echo(answer)}.")
        return answer

    def show(self, answer: bool) -> str:
        """In Python's words."""
        return str(answer)


@dataclass(frozen=True)
class Parts(Generic[Understood]):
    """So many answers of one kind, side by side in a tuple."""

    each: Kind[Understood]
    count: int

    @property
    def wanted(self) -> str:
        """What to write."""
        return f"{self.count} values, with a comma between them"

    def understand(self, answer: object) -> tuple[Understood, ...]:
        """The parts. Raises NotBegun where one of them still is three dots."""
        if not isinstance(answer, tuple | list) or len(answer) != self.count:
            came = f"{len(answer)} of them" if isinstance(answer, tuple | list) else echo(answer)
            raise NotUnderstood(f"Expected {self.wanted}, got {came}.")
        if any(part is ... for part in answer):
            raise NotBegun
        return tuple(map(self.each.understand, answer))

    def show(self, answer: tuple[Understood, ...]) -> str:
        """Each part."""
        return ", ".join(map(self.each.show, answer))


@dataclass(frozen=True)
class Results(Generic[Understood]):
    """A function of the learner's, judged by what it answers when it is called with each of `calls()`."""

    calls: Callable[[], Sequence[tuple[object, ...]]]
    each: Kind[Understood]
    wanted: str = "a function"

    def understand(self, answer: object) -> tuple[Understood, ...]:
        """What it answered, call by call. Raises NotBegun where it answers three dots."""
        if not callable(answer):
            raise NotUnderstood(f"Expected {self.wanted}, got {echo(answer)}.")
        return tuple(self._result(answer, call) for call in self.calls())

    def _result(self, function: Callable[..., object], call: tuple[object, ...]) -> Understood:
        shown = _called_with(function, call)
        try:
            result = function(*call)
        except Exception as error:  # noqa: BLE001  (whatever a learner's function does)
            raise NotUnderstood(f"Your function failed: {_ended(error)}. ({shown})") from None
        if result is ...:
            raise NotBegun
        if result is None:
            raise NotUnderstood(f"Your function answers nothing: is there a return? ({shown})")
        try:
            return self.each.understand(result)
        except NotUnderstood as complaint:
            raise NotUnderstood(f"{complaint} (That is its answer. {shown})") from None

    def show(self, answer: tuple[Understood, ...]) -> str:
        """How many answers there are; and which, if that is short."""
        answers = ", ".join(map(self.each.show, answer))
        return answers if len(answers) <= LONGEST_ECHO else f"called {len(answer)} times, and every answer fits"


@dataclass(frozen=True, kw_only=True)
class Slip(Generic[Understood]):
    """A wrong answer that is likely, and the hint for whoever gives it."""

    made: Callable[[Understood], bool]
    hint: str


@dataclass(frozen=True, kw_only=True)
class Question(Generic[Understood]):
    """Something asked. `right` works the right answer out, with the engine where that can be.

    because: what to say with the right answer. slips: the first that was made is answered. otherwise: the hint for any
    other wrong answer. hints: from a nudge to the solution, for whoever asks; an exercise has some. A prediction has
    one `nudge` instead.
    """

    name: str
    ask: str
    nudge: str = "Run the next cell: it shows what happens."
    kind: Kind[Understood]
    right: Callable[[], Understood]
    because: str
    slips: tuple[Slip[Understood], ...] = ()
    otherwise: str
    hints: tuple[str, ...] = ()

    def hint_for(self, answer: Understood) -> str:
        """What to say to a wrong answer."""
        return next((slip.hint for slip in self.slips if slip.made(answer)), self.otherwise)


def echo(answer: object) -> str:
    """What came, in a few words that cannot fail: its type, and for simple things the thing itself."""
    if answer is None or isinstance(answer, bool | int | float | str | bytes):
        try:
            shown = repr(answer)
        except ValueError:  # an int of thousands of digits
            shown = "a huge number"
        return shown if len(shown) <= LONGEST_ECHO else f"{shown[:LONGEST_ECHO]}…"
    return f"something of the type {type(answer).__name__}"


def _ended(error: Exception) -> str:
    """How a function of a learner's failed, in one line."""
    try:
        words = str(error)
    except Exception:  # noqa: BLE001  (an exception of the learner's own may fail at this, too)
        words = ""
    if not words.strip():
        return type(error).__name__
    advice = next((each for complaint, each in ADVICE.items() if complaint in words), "")
    return f"{type(error).__name__}: {_cut(words.splitlines()[0])}{advice}"


def _cut(words: str) -> str:
    """What there is room for, with a sign where that is not all."""
    return words if len(words) <= LONGEST_COMPLAINT else f"{words[:LONGEST_COMPLAINT]}…"


def _called_with(function: Callable[..., object], call: tuple[object, ...]) -> str:
    """How a function of a learner's was called, in words: its own names of the arguments, if it has so many."""
    try:
        names = list(inspect.signature(function).bind(*call).arguments)
    except Exception:  # noqa: BLE001  (it takes another number of them, or cannot tell)
        names = []
    values = [_argument(each) for each in call]
    if len(names) == len(values):
        values = [f"{name} = {value}" for name, value in zip(names, values, strict=True)]
    return f"Called with {', '.join(values)}."


def _argument(value: object) -> str:
    if isinstance(value, bytes):
        return shortened(value)
    if isinstance(value, Mapping):
        return f"a dict of {', '.join(map(str, value))}"
    return echo(value)


def _is_hex(text: str) -> bool:
    digits = text.strip()
    return len(digits) % 2 == 0 and len(digits) >= 8 and all(digit in "0123456789abcdefABCDEF" for digit in digits)
