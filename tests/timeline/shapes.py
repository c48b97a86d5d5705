"""The trace format as a table: which keys each part has and of what kind they are. Written by hand.

A value is checked against a shape: a type, a tuple of shapes of which one must fit, a list [shape], a mapping of the
keys that must be there, or a test. Keys may be added; so what is not in the table is not checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Shape = Any


def hexadecimal(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"([0-9a-f]{2})*", value) is not None


def one_of(*values: object) -> Callable[[object], bool]:
    return lambda value: value in values


class ByName:
    """An object whose keys are names, each with a value of the same shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape


ROLE = one_of("initiator", "responder")
NUMBER = (int, float)
SECONDS = (int, float, None)

FIELD = {
    "name": str, "at": int, "size": int, "depth": int, "parent": int, "leaf": bool, "text": str, "explain": str,
    "rfc": str, "symbol": str,
    "kind": one_of("header", "payload", "field", "group", "padding", "ciphertext", "error"),
    "role": one_of(
        "plumbing", "choice", "public", "identity", "proof", "secret", "number", "cipher", "data", "group", "error"
    ),
}  # fmt: skip
SHEET = {
    "title": str, "octets": hexadecimal, "key": (str, None), "iv": (hexadecimal, None), "iv_note": (str, None),
    "fields": [FIELD],
}  # fmt: skip
MESSAGE = {
    "n": int, "frame": int, "time": NUMBER, "from": (ROLE, None), "exchange": (int, None), "exchange_name": str,
    "message_id": str, "encrypted": bool, "decrypted": (bool, None), "summary": str, "retransmission_of": (int, None),
    "error": (str, None), "remarks": [str],
    "chips": [{"label": str, "type": int, "sheet": int, "field": int}],
    "verified": [{"name": str, "ok": (bool, None), "text": str}],
    "sheets": [SHEET],
}  # fmt: skip
FRAME = {
    "step": int, "actor": (ROLE, None), "heard": (int, None), "said": [int], "time": NUMBER,
    "states": (ByName(str), None), "caption": {"what": str, "why": str},
    "learned": {"initiator": [str], "responder": [str]},
}  # fmt: skip
SECRET = {
    "name": str, "label": str, "value": hexadecimal, "formula": str, "rfc": str, "explain": str, "inputs": [str],
    "secret": bool, "step": int,
    "origin": {"kind": one_of("given", "drawn", "received", "computed"), "text": str},
}  # fmt: skip
TRACE = {
    "format": one_of("ikelab-trace-1"), "title": str, "about": str,
    "peers": {"initiator": {"label": str, "address": str}, "responder": {"label": str, "address": str}},
    "messages": [MESSAGE], "frames": [FRAME], "secrets": [SECRET],
}  # fmt: skip

MESSAGE_OF_RUN = MESSAGE | {
    "from": ROLE, "fate": one_of("delivered", "lost", "altered", "repeated"), "arrives": SECONDS,
    "heard_at": (int, None),
    "sent": (hexadecimal, None), "changed": [{"at": int, "size": int, "was": hexadecimal}],
}  # fmt: skip
FRAME_OF_RUN = FRAME | {
    "actor": ROLE, "about": str, "states": {"initiator": str, "responder": str},
    "exchanges": {
        side: ByName({"name": str, "role": ROLE, "state": str}) for side in ("initiator", "responder")
    },
    "waits": {"initiator": str, "responder": str}, "timers": {"initiator": SECONDS, "responder": SECONDS},
    "row": (str, None), "rule": (str, None),
    "refused": ({"notify": (int, None), "label": str, "why": str, "hint": str, "rfc": str, "text": str}, None),
    "events": [{"name": str, "text": str}],
}  # fmt: skip
TRACE_OF_RUN = TRACE | {"messages": [MESSAGE_OF_RUN], "frames": [FRAME_OF_RUN]}


def misfits(value: object, shape: Shape, place: str = "trace") -> Iterator[str]:
    """Each place in which a value is not of the shape."""
    if isinstance(shape, tuple):
        if not any(next(misfits(value, each), None) is None for each in shape):
            yield f"{place}: {value!r} fits none of {len(shape)} shapes"
    elif shape is None:
        if value is not None:
            yield f"{place}: expected null, got {value!r}"
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield f"{place}: expected a list, got {value!r}"
        else:
            for number, each in enumerate(value):
                yield from misfits(each, shape[0], f"{place}[{number}]")
    elif isinstance(shape, ByName):
        if not isinstance(value, Mapping):
            yield f"{place}: expected an object, got {value!r}"
        else:
            for name, each in value.items():
                yield from misfits(each, shape.shape, f"{place}.{name}")
    elif isinstance(shape, Mapping):
        if not isinstance(value, Mapping):
            yield f"{place}: expected an object, got {value!r}"
        else:
            for key, inner in shape.items():
                yield from misfits(value[key], inner, f"{place}.{key}") if key in value else [f"{place}: no {key}"]
    elif isinstance(shape, type):
        if not isinstance(value, shape) or (isinstance(value, bool) and shape is not bool):
            yield f"{place}: expected {shape.__name__}, got {value!r}"
    elif not shape(value):
        yield f"{place}: {value!r} is not allowed there"


def contradictions(trace: Mapping[str, Any]) -> Iterator[str]:
    """What the table cannot say: that parts refer to each other, and that leaves tile their sheet."""
    names = {secret["name"] for secret in trace["secrets"]}
    numbers = [message["n"] for message in trace["messages"]]
    if numbers != list(range(1, len(numbers) + 1)):
        yield f"messages are numbered {numbers}"
    if [frame["step"] for frame in trace["frames"]] != list(range(1, len(trace["frames"]) + 1)):
        yield "steps are not numbered from 1"
    for message in trace["messages"]:
        for sheet in message["sheets"]:
            yield from _untiled(sheet, message["n"])
        for chip in message["chips"]:
            field = message["sheets"][chip["sheet"]]["fields"][chip["field"]]
            if field["kind"] not in ("payload", "error"):
                yield f"message {message['n']}: chip {chip['label']} is no payload but {field['name']}"
    for frame in trace["frames"]:
        for number in [*frame["said"], *([frame["heard"]] if frame["heard"] is not None else [])]:
            if number not in numbers:
                yield f"step {frame['step']} speaks of message {number}"
        for side in ("initiator", "responder"):
            if strange := set(frame["learned"][side]) - names:
                yield f"step {frame['step']} teaches {strange}"
    for secret in trace["secrets"]:
        ways = [secret, *secret.get("also", [])]
        if strange := {name for way in ways for name in way["inputs"]} - names:
            yield f"{secret['name']} is made of {strange}"
        if bool(secret["formula"]) != bool(secret["inputs"]):
            yield f"{secret['name']}: formula and inputs do not go together"
        origin = secret["origin"]
        if "message" in origin:
            sheet = trace["messages"][origin["message"] - 1]["sheets"][origin["sheet"]]
            field = sheet["fields"][origin["field"]]
            octets = sheet["octets"][2 * field["at"] : 2 * (field["at"] + field["size"])]
            if secret["value"] not in (octets if secret["label"] != "payloads" else sheet["octets"]):
                yield f"{secret['name']} is not in {field['name']} of message {origin['message']}"


def _untiled(sheet: Mapping[str, Any], number: int) -> Iterator[str]:
    at = 0
    for field in sheet["fields"]:
        if field["leaf"] and field["size"]:
            if field["at"] != at:
                yield f"message {number}: {field['name']} begins at {field['at']}, not at {at}"
            at = field["at"] + field["size"]
    if at != len(sheet["octets"]) // 2:
        yield f"message {number}: the fields of {sheet['title']!r} end at {at}"
