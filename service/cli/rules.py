"""`tocsin rules`: checking, trying, publishing and rolling back rule files."""

from __future__ import annotations

import click


@click.group()
def rules() -> None:
    """Check, try, publish and roll back rule files."""
