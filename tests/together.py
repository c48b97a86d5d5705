"""Which tests stay together in one process when there are several: those that share what is dear to make.

pytest-xdist 3.8 has groups of its own (`xdist_group`), and under pytest 9.2 they do nothing: it renames a test to say
its group, and pytest no longer listens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/browser/", "tests/ike/test_transitions.py")
"""One JupyterLab and one Chromium; one record of the rows that have been reached."""


def group_of(nodeid: str) -> str:
    """What a test is handed out with: its group, or nothing but itself."""
    return next((group for group in TOGETHER if nodeid.startswith(group)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Together(config, log)
