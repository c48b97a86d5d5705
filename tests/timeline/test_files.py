"""A file is there whole or not at all, and no device is ever replaced by one."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from ikelab.errors import Misuse
from ikelab.timeline.files import check_place, write_json, write_whole


class TestWriting:
    def test_the_octets_are_there_and_nothing_beside_them(self, tmp_path: Path) -> None:
        write_whole(tmp_path / "f", b"octets", "a thing")
        assert [path.name for path in tmp_path.iterdir()] == ["f"]
        assert (tmp_path / "f").read_bytes() == b"octets"

    def test_json_is_read_back(self, tmp_path: Path) -> None:
        write_json(tmp_path / "f", {"name": "ö", "list": [1, None]}, "a thing")
        assert json.loads((tmp_path / "f").read_text("utf-8")) == {"name": "ö", "list": [1, None]}

    def test_what_stood_there_stays_where_writing_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "f"
        path.write_bytes(b"before")

        def full(self: Path, target: Path) -> Path:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(Misuse, match=r"expected a place to write a thing, got: No space left on device"):
            write_whole(path, b"after", "a thing")
        assert [(each.name, each.read_bytes()) for each in tmp_path.iterdir()] == [("f", b"before")]

    def test_a_pipe_is_written_to_and_stays_a_pipe(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe"
        os.mkfifo(pipe)
        heard: list[bytes] = []
        reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
        reader.start()
        write_whole(pipe, b"through the pipe", "a thing")
        reader.join()
        assert heard == [b"through the pipe"]
        assert pipe.is_fifo()


class TestPlaces:
    def test_a_good_place_is_left_as_it_was(self, tmp_path: Path) -> None:
        check_place(tmp_path / "f", "a thing")
        check_place("/dev/null", "a thing")
        assert list(tmp_path.iterdir()) == []
        assert Path("/dev/null").is_char_device()

    @pytest.mark.parametrize("name", ["", "no/such/folder/f", "f\0g", "x" * 300])
    def test_a_bad_one_is_named_before_anything_is_written(self, tmp_path: Path, name: str) -> None:
        for attempt in (check_place, lambda path, what: write_whole(path, b"", what)):
            with pytest.raises(Misuse, match="expected a place to write a thing, got: "):
                attempt(tmp_path / name if name else tmp_path, "a thing")
        assert list(tmp_path.iterdir()) == []
