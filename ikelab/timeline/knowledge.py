"""Who knows what since when: each value of a run, listed at the step in which a side first had it, with what made it.

The values are the peers' own, taken from their SAs. Where two sides disagree (two pre-shared keys, a nonce that was
altered on the way) both values are listed, the responder's marked as such.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ikelab.crypto import groups
from ikelab.crypto.derived import Derived, Given, Value
from ikelab.ike.conversation import INITIATOR, OTHER, RESPONDER
from ikelab.ike.sa import Exchange, IkeSa
from ikelab.timeline.recorded import SECOND
from ikelab.timeline.values import COMPUTED, EXPLAINED, Values

CARRIERS = {"SAi_b": "SA", "g^x": "KE", "g(qm)^x": "KE", "Ni_b": "Ni", "Nr_b": "Nr", "IDii_b": "IDii", "IDir_b": "IDir"}
"""The payload in which a value travels, as the ladder names it."""
HEADER_FIELDS = {"CKY-I": "Initiator Cookie", "CKY-R": "Responder Cookie"}
GENERIC_HEADER = 4


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """One step of one side: its SA afterwards, and the numbers of the messages heard and said.

    proofs: the hashes under the SA that it made or found to hold, each with the message ID of its message.
    """

    sa: IkeSa
    step: int
    heard: int | None = None
    said: int | None = None
    proofs: Sequence[tuple[int, Derived]] = ()


class Knowledge:
    """Grows with every step. `last` is each side's SA at the end of the run, by role.

    The initiator's values have the plain names; the responder's have them wherever they are the same.
    """

    def __init__(self, values: Values, last: Mapping[str, IkeSa]) -> None:
        self.values = values
        self._known: dict[str, set[str]] = {INITIATOR: set(), RESPONDER: set()}
        self._reserved = dict(_every_value(last[INITIATOR])) if INITIATOR in last else {}
        self._psks = [sa.connection.psk for sa in last.values() if sa.connection is not None]

    def learn(self, occasion: Occasion) -> list[str]:
        """List what a side knows after this step; answers the names of the entries that are new to it."""
        known = self._known[occasion.sa.role]
        fresh = [name for name in dict.fromkeys(self._names(occasion)) if name not in known]
        known.update(fresh)
        return fresh

    def _names(self, now: Occasion) -> Iterator[str]:
        sa = now.sa
        yield self._given(now, sa.main, "CKY-I", sa.cookie_i)
        if any(sa.cookie_r):
            yield self._given(now, sa.main, "CKY-R", sa.cookie_r)
        if sa.connection is not None and sa.connection.psk is not None:
            yield self._pre_shared_key(now, sa.connection.psk)
        for exchange in (sa.main, *sa.exchanges.values()):
            yield from self._of_exchange(now, exchange)
            if exchange is sa.main and sa.book is not None:
                for value in sa.book.known().values():
                    whose = SECOND if self._is_second(value) else self._whose(sa, "", value.name, value.value)
                    name = self.values.derived(value, now.step, exchange=whose)
                    yield from self._made_of(value)
                    yield name
        for message_id, proof in now.proofs:
            name = self.values.derived(proof, now.step, exchange=f"{message_id:08x}")
            yield from self._made_of(proof)
            yield name
        for child in sa.children:
            speaker = OTHER[sa.role] if child.inbound else sa.role
            names = self.values.keys(child, now.step, speaker=speaker)
            if isinstance(child.keymat, Derived):
                yield from self._made_of(child.keymat)
            yield from names

    def _of_exchange(self, now: Occasion, exchange: Exchange) -> Iterator[str]:
        """What was drawn, heard and computed in it."""
        own, other = _sides(exchange)
        power = "g(qm)^" if exchange.message_id else "g^"
        if exchange.exponent and exchange.group is not None:
            yield from self._exponent(now, exchange, groups.group(exchange.group))
        if exchange.public:
            yield self._given(now, exchange, f"{power}x{other}", exchange.public)
        for name, given in exchange.given.items():
            if name == f"{power}xy":
                yield self._shared(now, exchange, given.value)
            elif name != f"g^x{own}":
                yield self._given(now, exchange, name, given.value)
        for pact in exchange.pacts:
            for spi in filter(None, (pact.spi, *pact.beside.values())):
                yield self._spi(now, spi, f"drawn by the {now.sa.role}")
            for spi in pact.theirs.values() if pact.choice is not None else ():
                yield self._spi(now, spi, f"drawn by the {OTHER[now.sa.role]}")

    def _made_of(self, value: Derived) -> Iterator[str]:
        """The entries of all that whoever computed this value had in hand for it."""
        for made_of in value.inputs:
            if isinstance(made_of, Derived):
                yield from self._made_of(made_of)
            yield self.values.name_of(made_of.name, made_of.value)

    # -- one value

    def _given(self, now: Occasion, exchange: Exchange, name: str, octets: bytes) -> str:
        whose = self._whose(now.sa, _message_id(exchange), name, octets)
        origin = self._origin(now, name, octets, drawn=_is_own(exchange, name))
        return self.values.given(Given(name=name, value=octets), now.step, exchange=whose, origin=origin)

    def _spi(self, now: Occasion, spi: bytes, how: str) -> str:
        value = Given(name="SPI", value=spi)
        place = self.values.seen(value)
        text = f"{how}, {place['text']}" if "message" in place else how
        return self.values.given(value, now.step, exchange=spi.hex(), origin={**place, "kind": "drawn", "text": text})

    def _pre_shared_key(self, now: Occasion, psk: bytes) -> str:
        both = len(self._psks) > 1 and len(set(self._psks)) == 1
        origin = {"kind": "given", "text": f"configured {'on both sides' if both else f'at the {now.sa.role}'}"}
        whose = self._whose(now.sa, "", "PSK", psk)
        return self.values.given(Given(name="PSK", value=psk), 0, exchange=whose, origin=origin)

    def _exponent(self, now: Occasion, exchange: Exchange, group: groups.Group) -> Iterator[str]:
        """The private value, which is never sent, and the public one that is made of it."""
        own, _ = _sides(exchange)
        fresh = "(qm)" if exchange.message_id else ""
        exponent, public = f"x{fresh}_{own}", f"g{fresh}^x{own}"
        suffix = _message_id(exchange)
        octets = exchange.given[public].value if public in exchange.given else group.public(exchange.exponent)
        made = self.values.put(
            Given(name=exponent, value=exchange.exponent),
            now.step,
            suffix,
            explain=f"The {now.sa.role}'s private value in the {group.family}: {_drawn(group)}. It never leaves the "
            f"{now.sa.role}, serves this exchange alone, and whoever learns it can compute {_shared_name(exchange)}.",
            secret=True,
            origin={"kind": "drawn", "text": f"drawn by the {now.sa.role}, never sent"},
            rfc=group.rfc,
        )
        yield made
        place = self._origin(now, public, octets, drawn=True)
        yield self.values.put(
            Given(name=public, value=octets),
            now.step,
            suffix,
            formula=_formula_of_public(group, exponent),
            explain=f"The {now.sa.role}'s public value: anyone may see it, and nobody can find {exponent} in it.",
            secret=False,
            origin={**place, "kind": "computed", "text": f"computed by the {now.sa.role}{_in_message(now.said)}"},
            rfc=group.rfc,
            inputs=[made],
        )

    def _shared(self, now: Occasion, exchange: Exchange, octets: bytes) -> str:
        """g^xy, which each side computes in its own way; where both agree, the entry tells the other way too."""
        own, other = _sides(exchange)
        assert exchange.group is not None
        group, name, suffix = groups.group(exchange.group), _shared_name(exchange), _message_id(exchange)
        fresh = "(qm)" if exchange.message_id else ""
        exponent, public = f"x{fresh}_{own}", f"g{fresh}^x{other}"
        heard = exchange.public if exchange.message_id else exchange.given[public].value
        inputs = [
            self._given(now, exchange, public, heard),
            self.values.name_of(exponent, exchange.exponent),
        ]
        formula = _formula_of_shared(group, public, exponent)
        made = self.values.put(
            Given(name=name, value=octets),
            now.step,
            self._whose(now.sa, suffix, name, octets),
            formula=formula,
            explain=EXPLAINED["g^xy"] if not fresh else f"The same once more, for this Quick Mode alone: {PFS}",
            secret=True,
            origin=COMPUTED,
            rfc=group.rfc,
            inputs=inputs,
        )
        entry = self.values.entries[made]
        if entry["formula"] != formula:
            entry["also"] = [{"by": now.sa.role, "formula": formula, "inputs": inputs}]
        return made

    # -- names and places

    def _whose(self, sa: IkeSa, message_id: str, name: str, octets: bytes) -> str:
        """What stands behind the name of a value: its exchange, and whose it is where the two sides differ."""
        differs = sa.role == RESPONDER and self._reserved.get((message_id, name), octets) != octets
        return " ".join(filter(None, (message_id, SECOND if differs else "")))

    def _is_second(self, value: Value) -> bool:
        """Whether a value is made of one on which the two sides differ, and is the responder's."""
        if isinstance(value, Derived):
            return any(self._is_second(made_of) for made_of in value.inputs)
        return SECOND in self.values.name_of(value.name, value.value)

    def _origin(self, now: Occasion, name: str, octets: bytes, *, drawn: bool) -> dict[str, Any]:
        """How a side came by a value, and the field of the message in which it can be seen."""
        number = now.said if drawn else now.heard
        configured = name.startswith(("SA", "ID"))
        kind = ("given" if configured else "drawn") if drawn else "received"
        verb = ("configured at" if configured else "drawn by") if drawn else "heard by"
        place = self._place(name, octets, number) if number is not None else None
        return {**(place or {}), "kind": kind, "text": f"{verb} the {now.sa.role}{_in_message(number)}"}

    def _place(self, name: str, octets: bytes, number: int) -> dict[str, Any] | None:
        message = self.values.messages[number - 1]
        if name in HEADER_FIELDS:
            sheet = message["sheets"][0]
            for place, field in enumerate(sheet["fields"]):
                if field["name"] == HEADER_FIELDS[name] and _octets(sheet, field) == octets:
                    return self.values.place(number, 0, place)
            return None
        carrier = CARRIERS.get(name) or CARRIERS.get(name[:-1])
        for chip in message["chips"]:
            sheet = message["sheets"][chip["sheet"]]
            payload = _octets(sheet, sheet["fields"][chip["field"]])
            if chip["label"] == carrier and payload[GENERIC_HEADER:] == octets:
                return self.values.place(number, chip["sheet"], chip["field"])
        return None


def _octets(sheet: Mapping[str, Any], field: Mapping[str, Any]) -> bytes:
    """What a field holds."""
    return bytes.fromhex(sheet["octets"][2 * field["at"] : 2 * (field["at"] + field["size"])])


PFS = "it goes into KEYMAT, so that whoever learns every secret of phase 1 later still cannot read these packets."


def _every_value(sa: IkeSa) -> Iterator[tuple[tuple[str, str], bytes]]:
    """Exchange and name, and the octets, of all that a side knows at the end."""
    if sa.connection is not None and sa.connection.psk is not None:
        yield ("", "PSK"), sa.connection.psk
    yield ("", "CKY-I"), sa.cookie_i
    if any(sa.cookie_r):
        yield ("", "CKY-R"), sa.cookie_r
    for exchange in (sa.main, *sa.exchanges.values()):
        for name, given in exchange.given.items():
            yield (_message_id(exchange), name), given.value
    for value in sa.book.known().values() if sa.book is not None else ():
        yield ("", value.name), value.value


def _in_message(number: int | None) -> str:
    return f", message {number}" if number is not None else ""


def _message_id(exchange: Exchange) -> str:
    return f"{exchange.message_id:08x}" if exchange.message_id else ""


def _sides(exchange: Exchange) -> tuple[str, str]:
    """The letter of this side in the exchange, and the other's."""
    return ("i", "r") if exchange.role == INITIATOR else ("r", "i")


def _is_own(exchange: Exchange, name: str) -> bool:
    """Whether a value comes from the side whose exchange this is."""
    from_initiator = name in ("CKY-I", "SAi_b", "Ni_b", "IDii_b") or name.endswith("^xi")
    return from_initiator == (exchange.role == INITIATOR)


def _shared_name(exchange: Exchange) -> str:
    return "g(qm)^xy" if exchange.message_id else "g^xy"


def _drawn(group: groups.Group) -> str:
    if isinstance(group, groups.ModpGroup):
        return f"an exponent of {group.exponent_bits} bits"
    return "a scalar, with which a point of the curve is multiplied"


def _formula_of_public(group: groups.Group, exponent: str) -> str:
    match group:
        case groups.ModpGroup():
            return f"{group.generator} ^ {exponent} mod p"
        case groups.X25519Group():
            return f"X25519({exponent}, 9)"
    return f"{exponent} * G, as x | y"


def _formula_of_shared(group: groups.Group, public: str, exponent: str) -> str:
    match group:
        case groups.ModpGroup():
            return f"({public}) ^ {exponent} mod p"
        case groups.X25519Group():
            return f"X25519({exponent}, {public})"
    return f"x of {exponent} * ({public})"
