"""Browser tests share one JupyterLab and one Chromium, so they run in one process."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.browser.lab", "tests.browser.player_page")

from tests.browser.lab import chromium, floor_lab, lab, lab_page  # noqa: E402  (after the line above)
from tests.browser.player_page import opened  # noqa: E402

__all__ = ["chromium", "floor_lab", "lab", "lab_page", "opened"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("browser"))
