"""How the lessons get into a folder of the learner's, and why nothing the learner changed is ever lost there.

Beside the lessons lies a record of what was put there. A lesson that still is what was put there is the course's, and
is renewed when a newer one comes; a lesson that is not, is the learner's, and stays.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ikelab.errors import Misuse

FIRST_LESSON = "00_start.ipynb"
RECORD = ".ikelab-lessons.json"


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of each lesson, by its name inside `folder`."""

    folder: Path
    added: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    """Changed by the learner, and left alone."""
    outdated: tuple[str, ...] = ()
    """Those of `kept` of which a newer one has come."""

    def sentences(self) -> Iterator[str]:
        """What a learner wants to hear of it; nothing, if nothing happened."""
        if self.added:
            yield f"Put {_lessons(self.added)} into {self.folder}."
        if self.renewed:
            yield f"Renewed {_lessons(self.renewed)} in {self.folder}."
        if self.kept:
            yield f"Kept what you changed in {self.folder}: {', '.join(self.kept)}."
        if self.outdated:
            yield f"Newer ones have come of {', '.join(self.outdated)}: rename yours to get them next time."


def bring_lessons(*, origin: Path, folder: Path) -> Delivery:
    """Copy the lessons at `origin` into the learner's `folder`, which is made if it is not there.

    Raises Misuse where `folder` cannot be written.
    """
    became: dict[str, list[str]] = {"added": [], "renewed": [], "kept": [], "outdated": []}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        put_before = _read_record(folder / RECORD)
        put = dict(put_before)
        for name, octets in _files(origin):
            target, ours = folder / name, _digest(octets)
            theirs = _digest(target.read_bytes()) if target.exists() else None
            if theirs == ours or theirs is None or theirs == put_before.get(name):
                put[name] = ours
                if theirs != ours:
                    target.parent.mkdir(parents=True, exist_ok=True)
                    _write_whole(target, octets)
                    became["added" if theirs is None else "renewed"].append(name)
            else:
                became["kept"].append(name)
                if ours != put_before.get(name):
                    became["outdated"].append(name)
        if put != put_before:
            _write_whole(folder / RECORD, json.dumps(put, indent=1, sort_keys=True).encode())
    except OSError as error:
        raise Misuse(f"{folder}: expected a folder to put the lessons into, got: {error.strerror or error}") from error
    return Delivery(folder=folder, **{fate: tuple(names) for fate, names in became.items()})


def _files(origin: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(origin.rglob("*")):
        name = path.relative_to(origin)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            yield name.as_posix(), path.read_bytes()


def _read_record(path: Path) -> dict[str, str]:
    """Digests of the lessons as they were put there; without a readable one every differing lesson is the learner's."""
    try:
        record = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in record.items()} if isinstance(record, dict) else {}


def _write_whole(path: Path, octets: bytes) -> None:
    """Either the whole file is there afterwards, or what was there before."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(octets)
    unfinished.replace(path)


def _digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def _lessons(names: tuple[str, ...]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} files"
