"""Assertions of the claims that every dissection must meet show their values, as those of tests do."""

import pytest

pytest.register_assert_rewrite("tests.wire.claims")
