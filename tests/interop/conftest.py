"""What every test with live peers may use: clean ground, links, and the room where its peers leave their traces."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interop.namespaces import Link, direct_link, nat_link, sweep


@pytest.fixture(scope="session")
def swept() -> None:
    """Nothing is left of runs that were killed."""
    sweep()


@pytest.fixture
def link(swept: None) -> Iterator[Link]:
    """Two machines on one cable."""
    with direct_link() as link:
        yield link


@pytest.fixture
def link_through_nat(swept: None) -> Iterator[Link]:
    """Two machines, the left one behind a NAT."""
    with nat_link() as link:
        yield link
