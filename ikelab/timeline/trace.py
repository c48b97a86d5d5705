"""What a trace is: one JSON object that holds everything a view needs, and how it is saved and read again.

Octets are lower-case hex. `messages` is what was said, `frames` are the steps (one peer thinking, or in a recording one
message), `secrets` every value with the formula and the inputs that made it. Nothing outside it is needed to show it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ikelab.errors import Misuse
from ikelab.timeline.files import write_whole

FORMAT = "ikelab-trace-1"
_PARTS: Mapping[str, type] = {
    "format": str, "title": str, "about": str, "peers": dict, "messages": list, "frames": list, "secrets": list,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A recorded conversation or run. Its parts are plain JSON values in the shape that the front end reads."""

    title: str
    about: str
    peers: Mapping[str, Any]
    messages: Sequence[Mapping[str, Any]]
    frames: Sequence[Mapping[str, Any]]
    secrets: Sequence[Mapping[str, Any]]
    more: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "format": FORMAT,
            "title": self.title,
            "about": self.about,
            "peers": dict(self.peers),
            "messages": list(self.messages),
            "frames": list(self.frames),
            "secrets": list(self.secrets),
            **self.more,
        }

    @classmethod
    def from_json(cls, value: object, *, name: str = "trace") -> Trace:
        """A trace from a parsed JSON object. Raises Misuse where it is none."""
        if not isinstance(value, dict):
            raise Misuse(f"{name}: expected a JSON object in the format {FORMAT}, got {type(value).__name__}")
        if value.get("format") != FORMAT:
            raise Misuse(f"{name}: expected format {FORMAT!r}, got {value.get('format')!r}")
        for part, kind in _PARTS.items():
            if not isinstance(value.get(part), kind):
                raise Misuse(f"{name}: expected {part} to be a {kind.__name__}, got {type(value.get(part)).__name__}")
        parts = {part: value[part] for part in _PARTS if part != "format"}
        return cls(**parts, more={key: part for key, part in value.items() if key not in _PARTS})

    def save(self, path: str | Path) -> None:
        """Write the file, whole or not at all."""
        text = json.dumps(self.to_json(), ensure_ascii=False, separators=(",", ":"))
        write_whole(path, f"{text}\n".encode(), "a trace")

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read a file that `save` wrote. Raises Misuse where it cannot be read, is unfinished, or is no trace."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "octets that are not UTF-8"
            raise Misuse(f"{path}: expected a trace file, got {reason}") from None
        try:
            value = json.loads(text)
        except (json.JSONDecodeError, RecursionError) as problem:
            where = f"line {problem.lineno}" if isinstance(problem, json.JSONDecodeError) else "too deeply nested"
            raise Misuse(f"{path}: expected one whole JSON object, got text that ends or breaks at {where}") from None
        return cls.from_json(value, name=str(path))

    def __repr__(self) -> str:
        return f"<Trace {self.title!r}: {len(self.messages)} messages, {len(self.secrets)} values>"
