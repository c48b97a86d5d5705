"""What becomes readable when secrets are stolen afterwards: somebody recorded a whole run, and now gets hold of some.

stolen(run("main"), "SKEYID_d", "SKEYID_e")         the keys of ESP, one after the other
stolen(run("quick-pfs"), "SKEYID_d", "SKEYID_e")    with perfect forward secrecy, none of them
stolen(run("quick-pfs"), "SKEYID", "g(qm)^xy")      a label will do for a name where only one secret has it
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ikelab.course.shown import Shown, whole_lines
from ikelab.errors import Misuse
from ikelab.view.narration import visible

KEYS_FOR_PACKETS = ("encryption key", "integrity key")
ON_THE_WAY = ("K1", "K2", "K3", "KEYMAT")
"""Between the ingredients and a key for packets; whoever lacks such a block lacks an ingredient, and that is told."""
IN_CLEAR = ("protocol", "SPI")
"""What every packet says of itself, so that whoever recorded some need not open Quick Mode for it (RFC 2406 §2)."""

Entries = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, repr=False)
class Theft:
    """What somebody has who recorded everything, packets too, and stole these.

    opened: numbers of the messages that he can decrypt. lacking: of each key for packets, by its label, the ingredients
    that he does not have; none where he computes it.
    """

    heading: str
    told: tuple[str, ...]
    opened: tuple[int, ...]
    encrypted: tuple[int, ...]
    lacking: Mapping[str, tuple[str, ...]]

    @property
    def computed(self) -> tuple[str, ...]:
        """The keys for packets that he computes."""
        return tuple(name for name, lacking in self.lacking.items() if not lacking)

    def __repr__(self) -> str:
        """What was stolen, which messages that opens, and a line for each key for packets."""
        numbers = ", ".join(map(str, self.encrypted))
        lines = [
            self.heading,
            f"stolen    {', '.join(self.told) or 'nothing'}",
            f"messages  {numbers}: {'he can read them' if self.opened else 'they stay closed'}",
            "",
        ]
        width = max(map(len, self.lacking), default=0)
        for name, lacking in self.lacking.items():
            has = f"–  lacks {', '.join(lacking)}" if lacking else "✓  computes it"
            lines.append(f"{name:<{width}}  {has}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return whole_lines(repr(self), "What a thief has")


def stolen(talk: Shown, *told: str) -> Theft:
    """What somebody makes of a conversation he recorded with its packets, and of these secrets of it.

    told: names of secrets, or labels that only one of them has. Raises Misuse for others.
    """
    entries: Entries = {entry["name"]: entry for entry in talk.trace.secrets}
    told = tuple(_secret_called(each, entries) for each in told)
    known = _known(entries, told)
    encrypted = tuple(message.number for message in talk.messages if message.encrypted)
    return Theft(
        heading=visible(talk.heading),
        told=told,
        opened=encrypted if "Ka" in known else (),
        encrypted=encrypted,
        lacking={
            entry["label"]: tuple(dict.fromkeys(_lacking(name, entries, known)))
            for name, entry in entries.items()
            if entry["label"].startswith(KEYS_FOR_PACKETS)
        },
    )


def _secret_called(name: str, entries: Entries) -> str:
    """The name of the secret that is meant. Raises Misuse where there is none, or more than one."""
    secret = [each for each, entry in entries.items() if entry["secret"]]
    labelled = [each for each in secret if entries[each]["label"] == name]
    if name in secret or len(labelled) == 1:
        return name if name in secret else labelled[0]
    close = labelled or get_close_matches(name, secret, n=3)
    advice = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise Misuse(f"stolen: expected the name of a secret, got {name!r}{advice} There are {', '.join(secret)}")


def _known(entries: Entries, told: tuple[str, ...]) -> set[str]:
    """Every value that he has: told, read in a message that is not closed to him, or made of such by its formula."""
    known, before = {*told, *(name for name, entry in entries.items() if entry["label"] in IN_CLEAR)}, -1
    while len(known) > before:
        before = len(known)
        deepest = 1 if "Ka" in known else 0
        for name, entry in entries.items():
            is_read = "message" in entry["origin"] and entry["origin"]["sheet"] <= deepest
            is_made = entry["inputs"] and known.issuperset(entry["inputs"])
            if is_read or is_made:
                known.add(name)
    return known


def _lacking(name: str, entries: Entries, known: set[str]) -> Iterator[str]:
    if name in known:
        return
    label = entries[name]["label"]
    if label.startswith((*KEYS_FOR_PACKETS, *ON_THE_WAY)):
        for each in entries[name]["inputs"]:
            yield from _lacking(each, entries, known)
    else:
        yield label
