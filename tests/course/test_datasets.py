"""How a dataset is found, and what is said of one that is damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ikelab.course import shipped
from ikelab.course.datasets import CAPTURE, FACTS, PROVENANCE, README, dataset, datasets, read_dataset
from ikelab.errors import Misuse


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A dataset that a test may damage."""
    return Path(shutil.copytree(dataset("main_psk_nopfs").folder, tmp_path / "main_psk_nopfs"))


def change(folder: Path, **facts: object) -> None:
    path = folder / FACTS
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | facts), "utf-8")


def test_by_name() -> None:
    found = dataset("main_psk_nopfs")
    assert found.what.startswith("Main Mode PSK aes128-sha1-modp2048")
    assert [each.frame for each in found.capture()] == list(range(1, 12))
    assert found.capture_path.parent == found.keys_path.parent == found.folder
    assert found.readme.startswith("# main_psk_nopfs: ")
    assert found.beliefs().psk == b"correct horse battery staple"


def test_all_of_them() -> None:
    names = [each.name for each in datasets()]
    assert names == sorted(names)
    assert "main_psk_nopfs" in names


def test_a_name_that_is_none() -> None:
    with pytest.raises(
        Misuse, match=r"expected one of aggr_psk_keyid, .*, got 'main_psk_nopf'; did you mean main_psk_nopfs\?$"
    ):
        dataset("main_psk_nopf")
    with pytest.raises(Misuse, match=r"got '\.\./datasets'"):
        dataset("../datasets")


def test_in_an_installed_wheel_they_are_inside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "site-packages" / "ikelab"
    shutil.copytree(dataset("main_psk_nopfs").folder, package / "_datasets" / "main_psk_nopfs")
    monkeypatch.setattr(shipped, "PACKAGE", package)
    assert [each.name for each in datasets()] == ["main_psk_nopfs"]
    assert dataset("main_psk_nopfs").folder == package / "_datasets" / "main_psk_nopfs"


class TestDamage:
    @pytest.mark.parametrize("name", [CAPTURE, FACTS, README])
    def test_a_file_that_is_not_there(self, copied: Path, name: str) -> None:
        (copied / name).unlink()
        with pytest.raises(Misuse, match=f"main_psk_nopfs: expected a {name}, got none"):
            read_dataset(copied)

    def test_another_capture(self, copied: Path) -> None:
        (copied / CAPTURE).write_bytes((copied / CAPTURE).read_bytes() + b"\0")
        with pytest.raises(Misuse, match=r"expected the capture of sha256 eae2e542\w+, got one of "):
            read_dataset(copied)

    @pytest.mark.parametrize("key", PROVENANCE)
    @pytest.mark.parametrize("nothing", [None, "", [], {}])
    def test_provenance_that_is_missing(self, copied: Path, key: str, nothing: object) -> None:
        change(copied, **{key: nothing})
        with pytest.raises(Misuse, match=f"got no {key}$"):
            read_dataset(copied)

    @pytest.mark.parametrize(
        ("damage", "complaint"),
        [
            (lambda folder: change(folder, name="other"), r"facts.json: expected the folder's name, got 'other'"),
            (lambda folder: (folder / FACTS).write_bytes(b"{"), r"facts.json: expected a JSON object that can be read"),
            (
                lambda folder: (folder / FACTS).write_bytes(b"\xff"),
                r"facts.json: expected a JSON object that can be read",
            ),
            (
                lambda folder: (folder / FACTS).write_bytes(b"[]"),
                r"facts.json: expected a JSON object, got a list of 0",
            ),
        ],
    )
    def test_facts_that_are_none(self, copied: Path, damage: Callable[[Path], object], complaint: str) -> None:
        damage(copied)
        with pytest.raises(Misuse, match=complaint):
            read_dataset(copied)
