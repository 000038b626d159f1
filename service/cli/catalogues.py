"""`tocsin catalogues`: versions of the sentences that are translated by people."""

from __future__ import annotations

import click

from service.cli.text_versions import add_versions


@click.group()
def catalogues() -> None:
    """Check, publish and roll back catalogues of translations."""


add_versions(catalogues, "catalogues")
