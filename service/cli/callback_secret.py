"""`tocsin callback-secret`: what receivers of callbacks verify them with."""

from __future__ import annotations

import base64

import click

from service import config
from service.wiring import messaging


@click.command()
def callback_secret() -> None:
    """Show the signing secret of callbacks.

    It is written as Standard Webhooks do: whsec_<base64>, the newest first.
    """
    for key in messaging.signing_keys(config.load(), messaging.CALLBACKS).keys:
        click.echo("whsec_" + base64.b64encode(key).decode())
