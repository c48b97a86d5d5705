"""What `from ikelab import ...` gives, and what `import ikelab` does not cost."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ikelab


@pytest.mark.parametrize("name", ikelab.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(ikelab, name)
    assert value.__name__ in (name, getattr(value, "__func__", value).__name__)
    assert value.__doc__


def test_checkers_and_learners_are_told_the_same_names() -> None:
    source = ast.parse(Path(ikelab.__file__).read_text("utf-8"))
    branch = next(node for node in source.body if isinstance(node, ast.If))
    told = {alias.name: node.module for node in branch.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert told == ikelab._MODULES
    assert sorted(told) == sorted(ikelab.__all__)
    assert set(ikelab.__all__) <= set(dir(ikelab))


def test_the_door_is_small() -> None:
    assert len(ikelab.__all__) <= 17


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'ikelab' has no attribute 'recordet'"):
        ikelab.recordet  # noqa: B018


def test_nothing_is_loaded_before_it_is_used() -> None:
    program = "import sys, ikelab; print(*[name for name in sys.modules if name.startswith('ikelab.')])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert run.stdout.split() == []
