"""Lines for whoever started a service."""

from __future__ import annotations

from contextlib import suppress

import click


def notice(text: str, *, to_errors: bool = True) -> None:
    """Print a line, if that can be: where output goes to a file, a full disk must not end the service."""
    with suppress(OSError):
        click.echo(text, err=to_errors)
