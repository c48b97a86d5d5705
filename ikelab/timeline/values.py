"""Where every value of a conversation comes from: given, heard in some field, or computed by a formula from others.

The list grows as the conversation goes on. A value is listed once: two formulas that use the same nonce point to the
same entry, and two exchanges that use different nonces get an entry each.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ikelab.crypto.book import SYMBOLS
from ikelab.crypto.derived import Derived, Role, Value
from ikelab.crypto.keymat import keys_of
from ikelab.crypto.lines import BOOK
from ikelab.ike.conversation import INITIATOR, Child, Origin
from ikelab.ike.sa import IpsecSa
from ikelab.wire.numbers import Protocol

ROLES = {line.name: line.role for lines in BOOK.values() for line in lines}
NEVER_SENT = ("PSK", "g^xy", "g(qm)^xy")
EXPLAINED = {
    "PSK": "The pre-shared key: the one thing both sides had before the first message.",
    "g^xy": "The Diffie-Hellman shared secret: g^xi to the power of xr, which equals g^xr to the power of xi.",
}
COMPUTED = {"kind": "computed", "text": "computed"}
TOLD = "from the recording's facts; no listener could compute it"


class Values:
    """The values known so far, in the order in which they became known; `messages` are those of the trace."""

    def __init__(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.messages = messages
        self.numbers: dict[int, int] = {}
        self._names: dict[tuple[str, str], str] = {}

    def since(self, count: int) -> list[str]:
        """The names of all entries but the first `count`."""
        return list(self.entries)[count:]

    def name_of(self, label: str, octets: bytes) -> str:
        """The name of the entry of a value that is listed."""
        return self._names[label, octets.hex()]

    def given(
        self,
        value: Value,
        step: int,
        *,
        exchange: str = "",
        origin: Origin | Mapping[str, Any] | None = None,
    ) -> str:
        """List a value that was told or heard; answers the name of its entry. origin: where, or that in words."""
        symbol = SYMBOLS.get(value.name)
        said = f"{symbol.explain[:1].upper()}{symbol.explain[1:]}." if symbol else ""
        return self.put(
            value,
            step,
            exchange,
            explain=EXPLAINED.get(value.name) or said,
            secret=value.name in NEVER_SENT,
            origin=dict(origin) if isinstance(origin, Mapping) else self.seen(value, origin),
        )

    def derived(self, value: Derived, step: int, *, exchange: str = "", label: str = "") -> str:
        """List a computed value, and before it whatever it was made of; answers the name of its entry."""
        if (known := self._names.get((label or value.name, value.value.hex()))) is not None:
            return known
        inputs = [
            self.derived(made_of, step, exchange=exchange)
            if isinstance(made_of, Derived)
            else self._names.get((made_of.name, made_of.value.hex())) or self.given(made_of, step, exchange=exchange)
            for made_of in value.inputs
        ]
        return self.put(
            value,
            step,
            exchange,
            label=label,
            formula=value.formula + (f", {value.kept}" if value.kept else ""),
            rfc=value.rfc,
            explain=value.explain,
            inputs=inputs,
            secret=ROLES.get(value.name, Role.SECRET) is Role.SECRET,
            origin=COMPUTED,
        )

    def keys(self, child: Child | IpsecSa, step: int, *, speaker: str) -> list[str]:
        """List the KEYMAT of one direction of an SA, and the keys it is cut into; answers the names of the entries.

        speaker: the role in the ISAKMP SA of the peer that sends with it.
        """
        if not isinstance(child.keymat, Derived):
            return []
        protocol = Protocol(child.protocol).short
        way = "initiator to responder" if speaker == INITIATOR else "responder to initiator"
        spi = child.spi.hex()
        keymat = self.derived(child.keymat, step, exchange=spi, label=f"KEYMAT, {protocol} {way}")
        return [keymat] + [
            self.put(
                key,
                step,
                spi,
                label=f"{key.name}, {protocol} {way}",
                formula=f"{key.formula}, {key.kept}",
                rfc=key.rfc,
                explain=f"The {key.name} of every packet that the {speaker} sends under SPI {spi}. {key.explain}",
                inputs=[keymat],
                secret=True,
                origin=COMPUTED,
            )
            for key in (keys_of(child.keymat, child.protection) if child.protection is not None else ())
        ]

    def put(
        self,
        value: Value,
        step: int,
        exchange: str,
        *,
        explain: str,
        secret: bool,
        origin: Mapping[str, Any],
        label: str = "",
        formula: str = "",
        rfc: str = "",
        inputs: Sequence[str] = (),
    ) -> str:
        """List a value with all that there is to say of it, unless it is listed; answers the name of its entry."""
        octets, label = value.value.hex(), label or value.name
        if (known := self._names.get((label, octets))) is not None:
            return known
        name = self._unused(f"{value.name} {exchange}".strip(), origin)
        self._names[label, octets] = name
        self.entries[name] = {
            "name": name,
            "label": label,
            "value": octets,
            "formula": formula,
            "rfc": rfc,
            "explain": explain,
            "inputs": list(inputs),
            "secret": secret,
            "origin": dict(origin),
            "step": step,
        }
        return name

    def _unused(self, name: str, origin: Mapping[str, Any]) -> str:
        """The name, with the message that shows the value where another value has it already; else with a number."""
        said = f"{name}, message {origin['message']}" if "message" in origin else name
        numbered = (f"{said} ({number})" for number in itertools.count(2))
        return next(each for each in itertools.chain((name, said), numbered) if each not in self.entries)

    def seen(self, value: Value, origin: Origin | None = None) -> dict[str, Any]:
        """Where a value that no formula made can be seen: a field of a message, or nowhere."""
        if value.name in NEVER_SENT:
            return {"kind": "given", "text": "configured on both sides" if value.name == "PSK" else TOLD}
        if origin is not None and origin.frame in self.numbers:
            number = self.numbers[origin.frame]
            return self.place(number, origin.sheet, self._payload(number, origin))
        for number, message in enumerate(self.messages, 1):
            for depth, sheet in enumerate(message["sheets"]):
                if (field := _field_of(value, sheet)) is not None:
                    return self.place(number, depth, field)
        return {"kind": "given", "text": TOLD}

    def place(self, number: int, sheet: int, field: int) -> dict[str, Any]:
        """Where a value can be seen: a field of a sheet of message `number`."""
        return {"kind": "received", "text": f"message {number}", "message": number, "sheet": sheet, "field": field}

    def _payload(self, number: int, origin: Origin) -> int:
        fields = self.messages[number - 1]["sheets"][origin.sheet]["fields"]
        if origin.payload < 0:
            return next((n for n, field in enumerate(fields) if field["name"] == "Responder Cookie"), 0) - (number == 1)
        places = [place for place, field in enumerate(fields) if field["kind"] == "payload"]
        return places[origin.payload] if origin.payload < len(places) else 0


FIELDS = {"M-ID": "Message ID", "SPI": "SPI", "protocol": "Protocol-Id"}


def _field_of(value: Value, sheet: Mapping[str, Any]) -> int | None:
    """The field of a sheet that shows this value. `payloads` begins with the payload behind the HASH."""
    if value.name == "payloads":
        places = [place for place, field in enumerate(sheet["fields"]) if field["kind"] == "payload"]
        behind = places[1:2] if value.value.hex() in sheet["octets"] else []
        return behind[0] if behind else None
    for place, field in enumerate(sheet["fields"]):
        octets = sheet["octets"][2 * field["at"] : 2 * (field["at"] + field["size"])]
        if field["leaf"] and field["name"] == FIELDS.get(value.name) and octets == value.value.hex():
            return place
    return None
