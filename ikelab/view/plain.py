"""What a terminal can be shown: no character that would act on it, and plain signs where its encoding has no better."""

from __future__ import annotations

import codecs
from typing import TextIO


def visible(text: object) -> str:
    """The text with every character that does not print written as its code, so that none can act on a terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in str(text)
    )


PLAIN = {
    "✓": "+", "✗": "x", "≠": "!", "─": "-", "━": "=", "▶": ">", "◀": "<", "·": "-", "…": "...", "×": "x", "◆": "#",
    "●": "*", "§": "sec. ",
}  # fmt: skip
"""What stands for a sign that a terminal's encoding does not have."""


def _in_plain_signs(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


codecs.register_error("ikelab-plain", _in_plain_signs)


def bearing_all_signs(stream: TextIO) -> TextIO:
    """The stream itself, which from now on writes a plain sign where its encoding lacks the right one."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="ikelab-plain")
    return stream
