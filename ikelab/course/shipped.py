"""Where the lessons and datasets that came with this ikelab are, be it a clone or an installed wheel."""

from __future__ import annotations

from pathlib import Path

from ikelab.errors import Misuse

PACKAGE = Path(__file__).resolve().parent.parent


def in_a_clone() -> bool:
    """Whether this ikelab is the working copy of its repository, so that its lessons may be edited in place."""
    return (PACKAGE.parent / "pyproject.toml").is_file() and (PACKAGE.parent / "lessons").is_dir()


def shipped_folder(name: str) -> Path:
    """The folder "lessons" or "datasets": beside the package in a clone, inside it (as "_lessons") in a wheel.

    Raises Misuse where neither is there.
    """
    folder = PACKAGE.parent / name if in_a_clone() else PACKAGE / f"_{name}"
    if not folder.is_dir():
        raise Misuse(f"{name}: expected a folder {folder}, which came with ikelab, and found none; install ikelab anew")
    return folder
