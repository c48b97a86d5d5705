"""A file is written whole or not at all: whatever goes wrong on the way, what stood there before still stands."""

from __future__ import annotations

import json
from pathlib import Path

from ikelab.errors import Misuse


def write_whole(path: str | Path, octets: bytes, what: str) -> None:
    """Put these octets where the path says; `what` names them in a complaint. Raises Misuse."""
    target = Path(path)
    try:
        if _is_no_plain_file(target):
            target.write_bytes(octets)  # a device or a pipe is written to, never replaced
            return
        unfinished = _beside(target)
        try:
            unfinished.write_bytes(octets)
            unfinished.replace(target)
        except OSError:
            unfinished.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as problem:
        raise _no_place(target, what, problem) from None


def write_json(path: str | Path, value: object, what: str) -> None:
    """Put a JSON value there, for people to read too. Raises Misuse."""
    write_whole(path, f"{json.dumps(value, indent=1, ensure_ascii=False)}\n".encode(), what)


def check_place(path: str | Path, what: str) -> None:
    """Raise Misuse where `write_whole` would surely fail: before a long run, not after it."""
    target = Path(path)
    try:
        if target.is_dir():
            raise IsADirectoryError(0, "a folder of that name")
        if not _is_no_plain_file(target):
            _beside(target).touch()
            _beside(target).unlink()
    except (OSError, ValueError) as problem:
        raise _no_place(target, what, problem) from None


def _beside(target: Path) -> Path:
    return target.with_name(target.name + ".unfinished")


def _is_no_plain_file(target: Path) -> bool:
    return target.exists() and not target.is_file()


def _no_place(target: Path, what: str, problem: OSError | ValueError) -> Misuse:
    reason = problem.strerror if isinstance(problem, OSError) else str(problem)
    return Misuse(f"{target}: expected a place to write {what}, got: {reason}")
