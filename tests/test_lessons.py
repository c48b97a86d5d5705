"""Every lesson keeps to the rules, is what its text says, and runs from top to bottom with no network."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbformat import NotebookNode

from ikelab.course.checks import QUESTIONS
from tests.course import (
    test_aggressive_mode,
    test_esp_and_ah,
    test_hellman,
    test_keying,
    test_main_mode,
    test_policies,
    test_quick_mode,
    test_start,
)
from tests.lessons import EXERCISE, LESSONS, SOLUTION, for_learners, notebook_path, twins, with_solutions, written
from tests.needs import CHECKOUT, needs, rfc_dir

MOST_CELLS, MOST_WORDS, MOST_LINES, MOST_LINES_OF_AN_EXERCISE = 30, 90, 3, 6
ALLOWED = {"ikelab", "ikelab.course"}
ALLOWED_IN_EXERCISES = ALLOWED | {"hmac", "hashlib"}

RIGHT = (
    test_start.RIGHT
    | test_hellman.RIGHT
    | test_keying.RIGHT
    | test_main_mode.RIGHT
    | test_aggressive_mode.RIGHT
    | test_quick_mode.RIGHT
    | test_esp_and_ah.RIGHT
    | test_policies.RIGHT
)

every_lesson = pytest.mark.parametrize("twin", twins(), ids=lambda twin: twin.stem)


def code(notebook: NotebookNode) -> Iterator[NotebookNode]:
    yield from (cell for cell in notebook.cells if cell.cell_type == "code")


def is_exercise(cell: NotebookNode) -> bool:
    return bool({EXERCISE, SOLUTION} & set(cell.metadata.get("tags", ())))


def words(text: str) -> list[str]:
    """What a reader reads: an address of a link is no word of it."""
    return re.sub(r"\]\([^)]*\)", "]", text).split()


class TestFiles:
    def test_there_is_a_first_lesson(self) -> None:
        assert (LESSONS / "00_start.ipynb").is_file()

    def test_every_notebook_has_a_text_and_every_text_a_notebook(self) -> None:
        assert [notebook_path(twin).name for twin in twins()] == sorted(path.name for path in LESSONS.glob("*.ipynb"))

    @every_lesson
    def test_the_notebook_is_what_its_text_says(self, twin: Path) -> None:
        """Also: no outputs, no widget state, ids that stay. `python -m tests.lessons` (or `make lessons`) writes it."""
        assert notebook_path(twin).read_text("utf-8") == written(for_learners(twin))

    @every_lesson
    def test_it_is_valid_and_clean(self, twin: Path) -> None:
        notebook = nbformat.read(notebook_path(twin), as_version=4)
        nbformat.validate(notebook)
        assert all(cell.outputs == [] and cell.execution_count is None for cell in code(notebook))
        assert notebook.metadata.keys() == {"kernelspec", "language_info"}
        assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
        assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)

    @every_lesson
    def test_its_text_is_what_jupytext_would_write(self, twin: Path) -> None:
        """So that whoever edits it with JupyterLab and Jupytext changes only what they meant to."""
        notebook = with_solutions(twin)
        again = jupytext.reads(jupytext.writes(notebook, fmt="md:myst"), fmt="md:myst")
        assert [(cell.cell_type, cell.source) for cell in again.cells] == [
            (cell.cell_type, cell.source) for cell in notebook.cells
        ]

    @every_lesson
    def test_ids_stay_when_a_cell_is_put_before(self, twin: Path, tmp_path: Path) -> None:
        head, body = twin.read_text("utf-8").split("---\n\n", 1)
        changed = tmp_path / twin.name
        changed.write_text(f"{head}---\n\n```{{code-cell}} ipython3\nbefore\n```\n\n{body}", "utf-8")
        assert [cell.id for cell in for_learners(changed).cells][1:] == [cell.id for cell in for_learners(twin).cells]

    def test_links_lead_somewhere(self) -> None:
        for path in LESSONS.glob("*.md"):
            for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
                assert (path.parent / target).exists(), f"{path.name} links to {target}"


@every_lesson
class TestRules:
    def test_short(self, twin: Path) -> None:
        notebook = with_solutions(twin)
        assert len(notebook.cells) <= MOST_CELLS
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                assert len(words(cell.source)) <= MOST_WORDS, cell.source
            else:
                most = MOST_LINES_OF_AN_EXERCISE if is_exercise(cell) else MOST_LINES
                assert len(cell.source.splitlines()) <= most, cell.source

    def test_thin(self, twin: Path) -> None:
        for cell in code(with_solutions(twin)):
            for node in ast.walk(ast.parse(cell.source)):
                allowed = ALLOWED_IN_EXERCISES if is_exercise(cell) else ALLOWED
                if isinstance(node, ast.Import):
                    assert {alias.name for alias in node.names} <= allowed, cell.source
                if isinstance(node, ast.ImportFrom):
                    assert node.module in allowed, cell.source
                if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Lambda):
                    assert is_exercise(cell), cell.source

    def test_it_begins_by_examining_the_machine(self, twin: Path) -> None:
        first = next(code(with_solutions(twin)))
        assert first.source.startswith("from ikelab import ")
        assert first.source.endswith("\ndoctor()")

    def test_what_is_predicted_is_checked_later_and_in_that_order(self, twin: Path) -> None:
        source = "\n".join(cell.source for cell in code(with_solutions(twin)))
        predicted = re.findall(r'predict\("(\w+)", \.\.\.\)', source)
        checked = re.findall(r'check\("(\w+)"', source)
        assert predicted
        assert set(predicted) <= set(checked) <= QUESTIONS.keys()
        for name in predicted:
            assert source.index(f'predict("{name}"') < source.index(f'check("{name}"')

    def test_learners_get_dots_where_the_solution_is(self, twin: Path) -> None:
        solved, learners = with_solutions(twin), for_learners(twin)
        exercises = [cell for cell in code(solved) if SOLUTION in cell.metadata.get("tags", ())]
        assert exercises
        for ours, theirs in zip(solved.cells, learners.cells, strict=True):
            assert (ours in exercises) == (ours.source != theirs.source)
        assert "= ...  # your turn" in "".join(cell.source for cell in learners.cells if is_exercise(cell))

    @needs("rfc-texts")
    def test_every_clause_it_cites_is_there(self, twin: Path) -> None:
        text = twin.read_text("utf-8") + "".join(
            part for name in re.findall(r'(?:predict|check)\("(\w+)"', twin.read_text("utf-8")) for part in said(name)
        )
        cited = re.findall(r"RFC (\d+)[^§.]{0,60}§([\d.]*\d)", text)
        assert cited
        for number, clause in cited:
            body = (rfc_dir() / f"rfc{number}.txt").read_text("utf-8", errors="replace")
            assert re.search(rf"^\s{{0,3}}{re.escape(clause)}\.?\s+\S", body, re.MULTILINE), f"RFC {number} §{clause}"


def said(name: str) -> Iterator[str]:
    """All that a question can say."""
    question = QUESTIONS[name]
    yield from (question.ask, question.because, question.otherwise, *question.hints)
    yield from (slip.hint for slip in question.slips)


@functools.cache
def alone() -> tuple[str, ...]:
    """What to begin a command with so that it has no network at all; nothing where this machine does not let us."""
    command = ("unshare", "--net")
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    except OSError:
        return ()
    return () if tried.returncode else command


def run(notebook: NotebookNode, folder: Path) -> NotebookNode:
    """The notebook with its outputs. Fails with the traceback of a cell that fails."""
    nbformat.write(notebook, folder / "in.ipynb")
    names = [str(folder / name) for name in ("in.ipynb", "out.ipynb")]
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [*alone(), sys.executable, "-m", "tests.run_notebook", *names],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return nbformat.read(folder / "out.ipynb", as_version=4)


def text_of(cell: NotebookNode) -> str:
    """What a cell shows, as text."""
    return "\n".join(map(shown, cell.outputs))


def shown(output: NotebookNode) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def filled_in(twin: Path) -> NotebookNode:
    """The lesson after somebody answered everything right."""
    notebook = with_solutions(twin)
    for cell in code(notebook):
        cell.source = re.sub(
            r'predict\("(\w+)", \.\.\.\)', lambda found: f"predict({found[1]!r}, {RIGHT[found[1]]!r})", cell.source
        )
    return notebook


@every_lesson
class TestRun:
    def test_as_a_learner_gets_it(self, twin: Path, tmp_path: Path, record_property: pytest.RecordProperty) -> None:
        done = run(for_learners(twin), tmp_path)
        for cell in code(done):
            text = text_of(cell)
            assert text, f"every cell shows something, but not {cell.source}"
            name = re.match(r'(predict|check)\("(\w+)"', cell.source)
            if name and name[1] == "predict":
                assert text.startswith(f"? {QUESTIONS[name[2]].ask}")
            elif name:
                assert text.startswith("? You have not predicted")
            elif is_exercise(cell):
                assert text.startswith("? Your turn")
        record_property("seconds", {cell.id: seconds(cell) for cell in code(done)})

    def test_with_every_answer_right(self, twin: Path, tmp_path: Path) -> None:
        for cell in code(run(filled_in(twin), tmp_path)):
            if "check(" in cell.source:
                assert text_of(cell).startswith("✓"), text_of(cell)

    def test_with_answers_of_any_kind(self, twin: Path, tmp_path: Path) -> None:
        notebook = for_learners(twin)
        for cell in code(notebook):
            cell.source = cell.source.replace(", ...)", ", object())").replace("= ...", "= 'all of them'")
        checks = [text_of(cell) for cell in code(run(notebook, tmp_path)) if "check(" in cell.source]
        assert {check[0] for check in checks} == {"?", "✗"}


def test_the_network_is_out_of_reach(tmp_path: Path) -> None:
    """Or else running the lessons without it would show nothing."""
    asking = """import socket
try: socket.create_connection(("192.0.2.1", 80), timeout=1)
except OSError as error: print("refused", type(error).__name__, error)"""
    done = run(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(asking)]), tmp_path)
    assert text_of(done.cells[0]).startswith("refused PermissionError a lesson asked the network")


def test_a_mistake_in_a_cell_is_answered_with_one_sentence(tmp_path: Path) -> None:
    mistaken = nbformat.v4.new_code_cell("from ikelab import recorded\nrecorded('main_psk_nopf')")
    mistaken.metadata["tags"] = ["raises-exception"]
    (error,) = run(nbformat.v4.new_notebook(cells=[mistaken]), tmp_path).cells[0].outputs
    (sentence,) = error.traceback
    assert sentence.startswith("Misuse: dataset: expected one of aggr_psk_keyid, ")
    assert sentence.endswith("got 'main_psk_nopf'; did you mean main_psk_nopfs?")


def seconds(cell: NotebookNode) -> float:
    """How long the cell ran."""
    began, ended = (
        datetime.fromisoformat(cell.metadata.execution[key]) for key in ("iopub.status.busy", "shell.execute_reply")
    )
    return (ended - began).total_seconds()
