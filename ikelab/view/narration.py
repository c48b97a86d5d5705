"""What a trace says in words: the sentences and figures that every static drawing of it shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from ikelab.timeline.rung import states_in
from ikelab.timeline.trace import Trace

LONGEST = 64
"""Characters up to which a value is shown in full; a longer one shows how it starts."""

Part = Mapping[str, object]
"""The trace, or any object inside it."""


def checked(trace: object) -> Part:
    """The trace as the JSON object that it is. Raises Misuse for anything that is none, saying what is missing."""
    if isinstance(trace, Trace):
        return trace.to_json()
    return Trace.from_json(dict(trace) if isinstance(trace, Mapping) else trace).to_json()


def visible(text: object) -> str:
    """The text with every character that does not print written as its code, so that none can act on a terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


def counted(number: int, noun: str) -> str:
    """A number and what it counts: "1 octet", "2 octets"."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def parts(whole: Part, name: str) -> list[Part]:
    """The objects that the trace, or an object inside it, lists under this name."""
    return cast("list[Part]", whole.get(name) or [])


def summary(trace: Part) -> str:
    """One line: what is in the trace."""
    messages, secrets = len(parts(trace, "messages")), len(parts(trace, "secrets"))
    return f"{visible(trace['title'])}: {counted(messages, 'message')}, {counted(secrets, 'secret')}"


def captions(trace: Part) -> dict[object, tuple[str, ...]]:
    """Message number -> the sentences of the step that says it: what happened, why it matters."""
    said: dict[object, tuple[str, ...]] = {}
    for frame in parts(trace, "frames"):
        caption = cast(Part, frame.get("caption") or {})
        words = tuple(str(caption[part]) for part in ("what", "why") if caption.get(part))
        said |= dict.fromkeys(cast("list[object]", frame.get("said") or []), words)
    return said


# ---- messages


def end(trace: Part, side: object) -> Part:
    """The peer on one side: its label and address."""
    return cast("Mapping[object, Part]", trace["peers"])[side]


def receiver(message: Part) -> str:
    """The side that hears the message."""
    return "responder" if message["from"] == "initiator" else "initiator"


def size(message: Part) -> str:
    """How long the datagram is."""
    return counted(len(str(parts(message, "sheets")[0]["octets"])) // 2, "octet")


def payloads(message: Part) -> str:
    """The payloads in order, equal ones in a row as one with a count; without any, the message's own summary."""
    runs: list[tuple[str, int]] = []
    for chip in parts(message, "chips"):
        label = str(chip["label"])
        if runs and runs[-1][0] == label:
            runs[-1] = (label, runs[-1][1] + 1)
        else:
            runs.append((label, 1))
    return " ".join(label if count == 1 else f"{label} ×{count}" for label, count in runs) or str(message["summary"])


def exchanges(trace: Part) -> Iterator[tuple[str, list[Part]]]:
    """Messages of one exchange in a row, under its name and, outside phase 1, its message ID."""
    run: list[Part] = []
    for message in parts(trace, "messages"):
        if run and _exchange(message) != _exchange(run[0]):
            yield _exchange(run[0]), run
            run = []
        run.append(message)
    if run:
        yield _exchange(run[0]), run


def _exchange(message: Part) -> str:
    number = str(message["message_id"])
    return f"{message['exchange_name']}" + ("" if set(number) <= {"0"} else f" {number}")


FATES = {"lost": "lost", "altered": "altered on the way", "repeated": "a copy by the network"}


def fate(message: Part) -> list[str]:
    """What became of a message, in a few words each."""
    repeated = message.get("retransmission_of")
    return ([f"the same octets as message {repeated}"] if repeated is not None else []) + judged(message)


def judged(message: Part) -> list[str]:
    """What the network did to it, and what its hearer found, in a few words each."""
    words = [FATES[str(message["fate"])]] if message.get("fate") in FATES else []
    if message.get("error"):
        words.append("unreadable")
    elif message.get("decrypted") is False:
        words.append("decrypts to nonsense")
    elif message.get("encrypted") and len(parts(message, "sheets")) == 1:
        words.append(f"closed, {size(message)}")
    words += [f"{_judgement(verdict)}: {verdict['name']}" for verdict in parts(message, "verified")]
    return list(dict.fromkeys(words))


def _judgement(verdict: Part) -> str:
    return {True: "verified", False: "does not verify"}.get(cast(bool, verdict.get("ok")), "noted")


def remarks(message: Part) -> list[str]:
    """Every verdict, complaint and remark about a message, one sentence each."""
    signs = {True: "✓", False: "✗"}
    words = [
        f"{signs.get(cast(bool, verdict.get('ok')), '·')} {verdict['text']}" for verdict in parts(message, "verified")
    ]
    if message.get("error"):
        words.append(f"✗ {message['error']}")
    return words + [f"· {remark}" for remark in cast("Iterable[object]", message.get("remarks") or ())]


# ---- the steps of a run


def is_run(trace: Part) -> bool:
    """Whether the trace knows the peers' thoughts, not only what they said."""
    return any(frame.get("states") for frame in parts(trace, "frames"))


def state_after(frame: Part) -> str:
    """The state of whoever thinks, after a step."""
    return states_in(frame)[str(frame["actor"])]


DEEDS = {
    "COMPLAINT": "hears a complaint, waits",
    "GIVE_UP": "gives up",
    "IGNORE": "drops {heard}",
    "EXPIRE": "forgets",
    "LEAVE": "forgets",
    "DECLINE": "closes it",
    "TOLD": "hears {heard}, gives up",
    "DELETED": "believes {heard}, forgets",
    "REPEAT": "hears {heard} again",
    "REMIND": "reminds",
    "RESEND": "timer: says {again} again",
}


def deed(frame: Part, message: Part | None, heard: Part | None = None) -> list[str]:
    """What a step is besides the message that it says, in a few words: a refusal, a timer, the end.

    heard: the message that it is about.
    """
    refused = cast("Part | None", frame.get("refused"))
    if frame.get("rule") == "REFUSE":
        label = f": {refused['label']}" if refused and refused["label"] else ""
        return [f"refuses {frame['heard']}{label}"]
    if frame.get("rule") in DEEDS:
        again = message["retransmission_of"] if message is not None else None
        words = DEEDS[str(frame["rule"])].format(heard=frame["heard"], again=again)
        if frame["rule"] == "REPEAT":
            before = heard.get("retransmission_of") if heard is not None else None
            words = words if before is None else f"{frame['heard']} is {before} again"
            return [words if message is None else f"{words}: same answer"]
        return [words]
    return [f"hears {frame['heard']}"] if message is None else []


# ---- fields


def sheet_title(sheet: Part) -> str:
    """What octets these are, and what opened them."""
    opened = [f"with {sheet['key']}"] if sheet.get("key") else []
    if sheet.get("iv"):
        opened.append(f"IV {sheet['iv']}" + (f" = {sheet['iv_note']}" if sheet.get("iv_note") else ""))
    return f"{sheet['title']}" + (f" {', '.join(opened)}" if opened else "")


def fields(sheet: Part) -> Iterator[tuple[int, Part]]:
    """The fields worth reading without the player, each with its depth; as the player lists them, without plumbing."""
    every = parts(sheet, "fields")
    inside: dict[int, list[Part]] = {}
    for field in every:
        inside.setdefault(cast(int, field["parent"]), []).append(field)
    for index, field in enumerate(every):
        parent = cast(int, field["parent"])
        if field.get("leaf"):
            telling = field.get("role") != "plumbing" or field.get("kind") == "padding"
            shown = telling and not (parent >= 0 and _says_it_all(every[parent], inside[parent]))
        else:
            shown = not _only_wraps(field, inside.get(index, []))
        if shown:
            yield cast(int, field["depth"]), field


def _says_it_all(group: Part, within: list[Part]) -> bool:
    """Whether a group's own row already says what one of its parts says; an attribute and its value do."""
    return (
        group.get("kind") == "group"
        and bool(group.get("text"))
        and all(part.get("leaf") for part in within)
        and any(part.get("text") == group.get("text") for part in within)
    )


def _only_wraps(group: Part, within: list[Part]) -> bool:
    """Whether a group is nothing but a wrapper of one part, which says it better."""
    return group.get("kind") == "group" and len(within) == 1 and within[0]["size"] == group["size"]


def value(field: Part) -> str:
    """What a field holds; a structure without words of its own holds so many octets."""
    shown = str(field.get("text") or "")
    return cut(shown) if shown or field.get("leaf") else counted(cast(int, field["size"]), "octet")


# ---- secrets


def titles(trace: Part) -> dict[str, str]:
    """Name of a value -> what it is called where all stand together: its label, and where two have the same one, also
    whose or of what it is, as the name says.
    """
    labelled = {str(secret["name"]): str(secret["label"]) for secret in parts(trace, "secrets")}
    many = Counter(labelled.values())

    def title(name: str, label: str) -> str:
        if many[label] == 1 or not name.startswith(label):
            return label
        return f"{name} (initiator)" if f"{name} (responder)" in labelled else name

    return {name: title(name, label) for name, label in labelled.items()}


def origin(secret: Part, named: Mapping[str, str]) -> str:
    """Where a secret comes from: its inputs, else the words that its origin has."""
    inputs = cast("list[str]", secret.get("inputs") or [])
    if inputs:
        return ", ".join(named.get(name, name) for name in inputs)
    return str(cast(Part, secret.get("origin") or {}).get("text") or "given")


def recipe(secret: Part) -> str:
    """The secret and the formula that makes it; for one that nothing makes, what it is."""
    joint = " = " if secret.get("inputs") else ": "
    return f"{secret['label']}{joint}{secret['formula']}" if secret.get("formula") else str(secret["label"])


def step(secret: Part) -> str:
    """The step since which the secret can be had."""
    return "never" if secret.get("step") is None else str(secret["step"])


def secret_value(secret: Part) -> str:
    """The secret in hexadecimal digits, or that nobody wrote it down."""
    return "not recorded" if secret.get("value") is None else cut(str(secret["value"]))


def cut(shown: str) -> str:
    """At most LONGEST characters of a value."""
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"
