"""The static twin of the player: the same conversation as plain HTML and as plain text, for wherever no script runs.

An exported notebook, a sanitised viewer, a terminal and a screen reader get the ladder, the fields and the secrets in
words. Everything that came from a packet is written escaped, and what is not printable is written as its code.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape

from ikelab.timeline.trace import Trace
from ikelab.view import ladder
from ikelab.view.narration import (
    Part,
    captions,
    checked,
    fields,
    origin,
    parts,
    payloads,
    receiver,
    recipe,
    remarks,
    secret_value,
    sheet_title,
    size,
    step,
    titles,
    value,
    visible,
)
from ikelab.view.tables import Table, tables

WIDTH = 100
_NAMES = 40
"""Columns of the text twin that a field's name has."""


def text(trace: Trace | Part) -> str:
    """The conversation for a terminal: a ladder, every message with its fields, every secret, who knows what."""
    return "\n".join(line.rstrip() for line in _lines(checked(trace)))


def html(trace: Trace | Part) -> str:
    """The conversation as static HTML without scripts or ids: a ladder, messages and secrets that fold open."""
    whole = checked(trace)
    spoken = captions(whole)
    messages = "".join(_html_message(message, spoken.get(message["n"], ())) for message in parts(whole, "messages"))
    return (
        f'<div class="ikelab-twin"><p><strong>{_safe(whole["title"])}</strong><br>{_safe(whole["about"])}</p>'
        f"{ladder.svg(whole)}{messages}{_html_secrets(whole)}"
        f"{''.join(map(_html_table, tables(whole)))}</div>"
    )


# ---- text


def _lines(trace: Part) -> Iterator[str]:
    yield from _headed(visible(trace["title"]), "=")
    yield from textwrap.wrap(visible(trace["about"]), WIDTH)
    yield ""
    yield from ladder.lines(trace)
    spoken = captions(trace)
    for message in parts(trace, "messages"):
        yield ""
        yield from _message_lines(message, spoken.get(message["n"], ()))
    yield ""
    yield from _headed("Secrets", "-")
    named = titles(trace)
    for secret in parts(trace, "secrets"):
        yield from _secret_lines(secret, named)
    for table in tables(trace):
        yield ""
        yield from _headed(table.title, "-")
        yield from _columns((table.heads, *table.rows))


def _columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows of words in columns; the last may be as long as it likes."""
    written = [[visible(word) for word in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*written, strict=True)]
    for row in written:
        yield "  " + "  ".join(f"{word:<{width}}" for word, width in zip(row, widths, strict=True))


def _headed(title: str, rule: str) -> tuple[str, str]:
    return title, rule * len(title)


def _message_lines(message: Part, spoken: Iterable[str]) -> Iterator[str]:
    protection = ", encrypted" if message["encrypted"] else ""
    way = f"{message['from']} to {receiver(message)}, {message['exchange_name']}, {size(message)}{protection}"
    yield from _headed(visible(f"Message {message['n']}, {way}"), "-")
    for words in (" ".join(spoken), *remarks(message)):
        yield from textwrap.wrap(visible(words), WIDTH)
    for sheet in parts(message, "sheets"):
        yield f"  {visible(sheet_title(sheet))}"
        for depth, field in fields(sheet):
            name = "  " * (depth + 2) + visible(field["name"])
            yield f"{name:<{_NAMES}} {visible(value(field))}"


def _secret_lines(secret: Part, named: Mapping[str, str]) -> Iterator[str]:
    clause = f"  ({secret['rfc']})" if secret.get("rfc") else ""
    yield f"  step {visible(step(secret)):<6}{visible(recipe(secret))}{visible(clause)}"
    yield f"{'':13}{visible(secret_value(secret))}  from {visible(origin(secret, named))}"


# ---- HTML

_LEFT = 'align="left" valign="top"'
"""Old attributes, on purpose: they survive where style sheets are stripped, and need no leave from a page's policy."""
_WORDY = 5
"""Columns from which a table has sentences in it."""
_INDENT = "\u00a0\u00a0"


def _safe(words: object) -> str:
    """Words for an HTML text node or a quoted attribute."""
    return escape(visible(words), quote=True)


def _code(words: object) -> str:
    return f"<code>{_safe(words)}</code>"


def _row(cells: Iterable[str], cell: str = "td") -> str:
    """A table row of cells that are HTML already."""
    return "<tr>" + "".join(f"<{cell} {_LEFT}>{each}</{cell}>" for each in cells) + "</tr>"


def _html_message(message: Part, spoken: Iterable[str]) -> str:
    words = "".join(f"<p>{_safe(sentence)}</p>" for sentence in (*spoken, *remarks(message)))
    sheets = "".join(_html_sheet(sheet) for sheet in parts(message, "sheets"))
    protection = "encrypted, " if message["encrypted"] else ""
    head = f"Message {message['n']}, {message['from']} to {receiver(message)}, {protection}{size(message)}: "
    return f"<details><summary>{_safe(head)}{_code(payloads(message))}</summary>{words}{sheets}</details>"


def _html_sheet(sheet: Part) -> str:
    rows = "".join(
        _row(
            (
                _INDENT * depth + _safe(field["name"]),
                _code(value(field)),
                _safe(" ".join(str(field[part]) for part in ("explain", "rfc") if field.get(part))),
            )
        )
        for depth, field in fields(sheet)
    )
    heads = _row(("Field", "Value", "Meaning"), "th")
    return (
        f'<table width="100%"><caption {_LEFT}>{_safe(sheet_title(sheet))}</caption>'
        f"<thead>{heads}</thead><tbody>{rows}</tbody></table>"
    )


def _html_secrets(trace: Part) -> str:
    named, secrets = titles(trace), parts(trace, "secrets")
    rows = "".join(
        _row(
            (
                _safe(step(secret)),
                f"{_code(recipe(secret))}<br>{_safe(secret.get('explain') or '')} {_safe(secret.get('rfc') or '')}",
                f"{_code(secret_value(secret))}<br>from {_safe(origin(secret, named))}",
            )
        )
        for secret in secrets
    )
    heads = _row(("Step", "Secret", "Value"), "th")
    return (
        f'<details><summary>Secrets: {len(secrets)}</summary><table width="100%">'
        f"<thead>{heads}</thead><tbody>{rows}</tbody></table></details>"
    )


def _html_table(table: Table) -> str:
    heads = _row(map(_safe, table.heads), "th")
    rows = "".join(_row(map(_code if len(table.heads) < _WORDY else _safe, row)) for row in table.rows)
    return (
        f'<details><summary>{_safe(table.title)}</summary><table width="100%">'
        f"<thead>{heads}</thead><tbody>{rows}</tbody></table></details>"
    )
