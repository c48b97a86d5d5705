"""How a lesson's notebook is made of its text: `python -m tests.lessons` writes every notebook anew.

People edit `lessons/NN_noun.md`, which holds the solutions. Learners get `lessons/NN_noun.ipynb`, made from it: no
outputs, cells with ids that stay, and in a cell tagged `solution` three dots instead of what a line marked
`# your turn` computes.
"""

from __future__ import annotations

import re
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

from tests.needs import CHECKOUT

LESSONS = CHECKOUT / "lessons"
SOLUTION, EXERCISE = "solution", "exercise"
YOUR_TURN = re.compile(r"^(\s*\w+) = .+?(  # your turn.*)$", re.MULTILINE)
MOST_WORDS_OF_AN_ID = 6


def twins() -> list[Path]:
    """The texts of all lessons."""
    return sorted(LESSONS.glob("[0-9A-Z][0-9]_*.md"))


def notebook_path(twin: Path) -> Path:
    """Where the notebook of a text is."""
    return twin.with_suffix(".ipynb")


def with_solutions(twin: Path) -> NotebookNode:
    """The lesson as its text has it."""
    return _tidy(jupytext.read(twin, fmt="md:myst"))


def for_learners(twin: Path) -> NotebookNode:
    """The lesson as a learner gets it."""
    notebook = with_solutions(twin)
    for cell in notebook.cells:
        if SOLUTION in cell.metadata.get("tags", ()):
            cell.source = YOUR_TURN.sub(r"\1 = ...\2", cell.source)
            cell.metadata["tags"] = [EXERCISE]
    return notebook


def written(notebook: NotebookNode) -> str:
    """The notebook as it is in its file."""
    return nbformat.writes(notebook, indent=1) + "\n"


def _tidy(notebook: NotebookNode) -> NotebookNode:
    kernel = notebook.metadata["kernelspec"]
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": kernel["language"]}}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    taken: set[str] = set()
    for cell in notebook.cells:
        cell["id"] = _id(cell.source, taken)
    return notebook


def _id(source: str, taken: set[str]) -> str:
    """An id made of the first words of a cell, so that it stays when cells are added before it."""
    words = re.findall(r"[a-z0-9]+", source.lower())[:MOST_WORDS_OF_AN_ID]
    name = "-".join(words)[:60] or "cell"
    number = 1
    while (each := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    taken.add(each)
    return each


def main() -> None:
    """Write every notebook whose text says something else."""
    for twin in twins():
        path, text = notebook_path(twin), written(for_learners(twin))
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
