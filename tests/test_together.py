"""Tests that share what is dear to make run in one process, whichever one."""

from __future__ import annotations

import re

import pytest

from tests.needs import CHECKOUT
from tests.together import TOGETHER, group_of


def test_a_group_is_a_place_that_there_is() -> None:
    assert all((CHECKOUT / group).exists() for group in TOGETHER)


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/browser/test_lab.py::test_a", "tests/browser/"),
        ("tests/browser/test_player_page.py::TestX::test_b[light]", "tests/browser/"),
        ("tests/wire/test_x.py::test_c", "tests/wire/test_x.py::test_c"),
    ],
)
def test_a_test_goes_with_its_group_or_alone(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_two_processes_keep_to_it(pytester: pytest.Pytester) -> None:
    """With the very plugin, and pytest and xdist as they are here."""
    pytester.makeconftest('pytest_plugins = ("tests.together",)')
    made = "import pytest\n@pytest.mark.parametrize('n', range(8))\ndef test_it(n): pass\n"
    for folder in ("browser", "other"):
        path = pytester.path / "tests" / folder
        path.mkdir(parents=True)
        (path / f"test_{folder}.py").write_text(made)
    pytester.syspathinsert(CHECKOUT)
    out = pytester.runpytest_subprocess("-n2", "-v", "-p", "no:cacheprovider", "tests").stdout.str()
    ran = re.findall(r"\[(gw\d)\].*PASSED tests/(\w+)/", out)
    assert len(ran) == 16
    assert len({worker for worker, folder in ran if folder == "browser"}) == 1
    assert len({worker for worker, folder in ran if folder == "other"}) == 2
