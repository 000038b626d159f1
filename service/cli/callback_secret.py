"""`tocsin callback-secret`: what receivers of callbacks verify them with."""

from __future__ import annotations

import base64

import click

from service import config, messaging


@click.command()
def callback_secret() -> None:
    """Show the secret that callbacks are signed with, as Standard Webhooks write it: whsec_<base64>."""
    click.echo("whsec_" + base64.b64encode(messaging.callback_secret(config.load())).decode())
