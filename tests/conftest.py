"""What every test may use: the marker of `tests.needs`, and the folders of recorded conversations and NIST vectors."""

from __future__ import annotations

from pathlib import Path

import hypothesis
import pytest

pytest.register_assert_rewrite("tests.needs", "tests.wire.claims", "tests.course.answers")

from tests.needs import captures_dir, needs, recorded_conversations, rfc_dir, vectors_dir  # noqa: E402  (after the line above)

__all__ = ["captures_dir", "needs", "recorded_conversations", "rfc_dir", "vectors_dir"]

pytest_plugins = ("tests.needs", "tests.together", "pytester")

hypothesis.settings.register_profile(
    "ikelab",
    deadline=None,  # a busy machine is slow, and that is no finding
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("ikelab")


@pytest.fixture(scope="session")
def captures() -> Path:
    """The folder of recorded conversations; for tests that say `needs("shared-captures")`."""
    return captures_dir()


@pytest.fixture(scope="session")
def vectors() -> Path:
    """The folder of NIST vectors; for tests that say `needs("nist-vectors")`."""
    return vectors_dir()
