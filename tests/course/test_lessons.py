"""Lessons arrive in the learner's folder, newer ones replace untouched ones, and nothing changed is ever lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ikelab.course.lessons import RECORD, Delivery, bring_lessons
from ikelab.errors import Misuse


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "shipped"
    (folder / "pictures").mkdir(parents=True)
    (folder / "00_start.ipynb").write_text("start 1")
    (folder / "01_wire.ipynb").write_text("wire 1")
    (folder / "pictures" / "ladder.svg").write_text("<svg/>")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "00_start-checkpoint.ipynb").write_text("not a lesson")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ikelab-lessons"


ALL = ("00_start.ipynb", "01_wire.ipynb", "pictures/ladder.svg")


def test_the_first_time_all_are_put_there(origin: Path, folder: Path) -> None:
    delivery = bring_lessons(origin=origin, folder=folder)
    assert delivery == Delivery(folder=folder, added=ALL)
    assert list(delivery.sentences()) == [f"Put 3 files into {folder}."]
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()) == [RECORD, *ALL]
    assert (folder / "01_wire.ipynb").read_text() == "wire 1"


def test_the_second_time_nothing_happens_and_nothing_is_said(origin: Path, folder: Path) -> None:
    bring_lessons(origin=origin, folder=folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    delivery = bring_lessons(origin=origin, folder=folder)
    assert delivery == Delivery(folder=folder)
    assert list(delivery.sentences()) == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_what_the_learner_changed_stays(origin: Path, folder: Path) -> None:
    bring_lessons(origin=origin, folder=folder)
    (folder / "00_start.ipynb").write_text("start 1, with my notes")
    delivery = bring_lessons(origin=origin, folder=folder)
    assert delivery == Delivery(folder=folder, kept=("00_start.ipynb",))
    assert list(delivery.sentences()) == [f"Kept what you changed in {folder}: 00_start.ipynb."]
    assert (folder / "00_start.ipynb").read_text() == "start 1, with my notes"


def test_a_newer_lesson_replaces_an_untouched_one_and_not_a_changed_one(origin: Path, folder: Path) -> None:
    bring_lessons(origin=origin, folder=folder)
    (folder / "00_start.ipynb").write_text("start 1, with my notes")
    (origin / "00_start.ipynb").write_text("start 2")
    (origin / "01_wire.ipynb").write_text("wire 2")
    for _ in range(2):
        delivery = bring_lessons(origin=origin, folder=folder)
        assert (delivery.kept, delivery.outdated) == (("00_start.ipynb",), ("00_start.ipynb",))
        assert (folder / "00_start.ipynb").read_text() == "start 1, with my notes"
        assert (folder / "01_wire.ipynb").read_text() == "wire 2"
    assert (
        list(delivery.sentences())[-1] == "Newer ones have come of 00_start.ipynb: rename yours to get them next time."
    )
    (folder / "00_start.ipynb").rename(folder / "mine.ipynb")
    assert bring_lessons(origin=origin, folder=folder).added == ("00_start.ipynb",)
    assert (folder / "mine.ipynb").read_text() == "start 1, with my notes"


def test_a_renewed_lesson_is_told(origin: Path, folder: Path) -> None:
    bring_lessons(origin=origin, folder=folder)
    (origin / "01_wire.ipynb").write_text("wire 2")
    delivery = bring_lessons(origin=origin, folder=folder)
    assert delivery == Delivery(folder=folder, renewed=("01_wire.ipynb",))
    assert list(delivery.sentences()) == [f"Renewed 01_wire.ipynb in {folder}."]


def test_a_lesson_that_was_taken_away_comes_back(origin: Path, folder: Path) -> None:
    bring_lessons(origin=origin, folder=folder)
    (folder / "01_wire.ipynb").unlink()
    assert bring_lessons(origin=origin, folder=folder) == Delivery(folder=folder, added=("01_wire.ipynb",))


@pytest.mark.parametrize("record", [None, "", "[1]", "{", json.dumps({"00_start.ipynb": 7})])
def test_without_a_readable_record_every_differing_lesson_is_the_learners(
    origin: Path, folder: Path, record: str | None
) -> None:
    bring_lessons(origin=origin, folder=folder)
    (folder / RECORD).unlink()
    if record is not None:
        (folder / RECORD).write_text(record)
    (folder / "00_start.ipynb").write_text("whose?")
    delivery = bring_lessons(origin=origin, folder=folder)
    assert (delivery.added, delivery.renewed, delivery.kept) == ((), (), ("00_start.ipynb",))
    assert (folder / "00_start.ipynb").read_text() == "whose?"
    assert json.loads((folder / RECORD).read_text()).keys() >= {"01_wire.ipynb"}


def test_a_folder_that_cannot_be_is_misuse(origin: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    with pytest.raises(Misuse, match="a file/lessons: expected a folder to put the lessons into, got: Not a directory"):
        bring_lessons(origin=origin, folder=tmp_path / "a file" / "lessons")
