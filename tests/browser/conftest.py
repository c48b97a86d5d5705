"""Browser tests share one JupyterLab and one Chromium; `tests.together` keeps them in one process."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.browser.lab", "tests.browser.player_page")

from tests.browser.lab import chromium, floor_lab, lab, lab_page  # noqa: E402  (after the line above)
from tests.browser.player_page import opened  # noqa: E402

__all__ = ["chromium", "floor_lab", "lab", "lab_page", "opened"]
