"""`tocsin aws`: what the `aws` backend needs in an account."""

from __future__ import annotations

import click

from service import config
from service.wiring import prepare_aws


@click.group()
def aws() -> None:
    """Prepare an AWS account for TOCSIN_BACKEND=aws."""


@aws.command()
def init() -> None:
    """Make the tables and queues that are not there yet.

    Running it again changes nothing.
    """
    prepare_aws(config.load())
    click.echo("The tables and queues are there.")
