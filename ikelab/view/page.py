"""One trace as one page: the player, its look and the conversation in a single file that asks nobody for anything.

The page's content policy forbids every request and every script and style but the two it carries, by their digests.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape

from ikelab.timeline.trace import Trace
from ikelab.view import front, twin
from ikelab.view.narration import Part, checked, visible

_PAGE_STYLE = """
html { color-scheme: light dark; }
html[data-theme="light"] { color-scheme: light; }
html[data-theme="dark"] { color-scheme: dark; }
body { margin: 0; padding: 12px; background: light-dark(#ffffff, #0e1013); }
main { display: grid; grid-template-columns: minmax(0, 1fr); gap: 24px; max-width: 1440px; margin: 0 auto; }
@media (max-width: 520px) { body { padding: 0; } }
"""


def page(trace: Trace | Part, *more: Trace | Part) -> str:
    """A self-contained HTML page that plays the trace, and below it any more traces, each in a player of its own.

    Its address remembers step, view, message, field and secret of the first player. Without scripts it shows the
    static twin. Raises Misuse for what is not a trace.
    """
    traces = [checked(each) for each in (trace, *more)]
    script, style = front.module("page.js"), front.styles() + _PAGE_STYLE
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    stages = "\n".join(
        f'<script type="application/json">{_as_script_data(each)}</script>\n<noscript>{twin.html(each)}</noscript>'
        for each in traces
    )
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<title>{escape(visible(str(traces[0]["title"])))}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{style}</style>\n</head>\n<body>\n<main>\n{stages}\n</main>\n"
        f'<script type="module">{script}</script>\n</body>\n</html>\n'
    )


def _as_script_data(trace: Part) -> str:
    """JSON that cannot leave the element it stands in: no `<`, `>` or `&` is left to be read as markup."""
    text = json.dumps(trace, separators=(",", ":"), ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _digest(inline: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode("ascii")
