"""The `ikelab` command: everything a notebook can do without a picture."""

from __future__ import annotations

import click


@click.group()
def main() -> None:
    """Step through IKEv1: read every octet, derive every key."""
