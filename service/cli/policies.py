"""`tocsin policies`: versions of escalation policies."""

from __future__ import annotations

import click

from service.cli.text_versions import add_versions


@click.group()
def policies() -> None:
    """Check, publish and roll back escalation policies."""


add_versions(policies, "policies")
