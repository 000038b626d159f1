"""`tocsin console`: a link that signs in to the console."""

from __future__ import annotations

import webbrowser

import click

from service import config
from service.cli.serve import own_url
from service.config import Settings
from service.console import Sessions
from service.core import Scope, TocsinError
from service.http import ApiKey, Keys
from service.wiring import SYSTEM_CLOCK, open_store


class NoKeyToSignIn(TocsinError):
    """There is no key to sign in with."""


@click.command()
@click.option("--key", "key_id", metavar="ID", help="Sign in with this key, as `tocsin keys list` shows it.")
@click.option("--open", "opens", is_flag=True, help="Open the link in the browser of this machine.")
def console(key_id: str | None, opens: bool) -> None:
    """Print a link that signs in to the console.

    It works once, within 15 minutes.

    Without --key it signs in with the development key, which may do everything.
    """
    settings = config.load()
    url = settings.public_url or own_url(settings)
    link = _link(settings, url, key_id) if key_id else development_link(settings, url)
    click.echo(link)
    if opens:
        webbrowser.open(link)


def development_link(settings: Settings, url: str) -> str:
    """A link that signs in with the development key; `NoKeyToSignIn` where there is none."""
    keys = Keys(open_store(settings), SYSTEM_CLOCK)
    return _link(settings, url, _development_key(settings, keys).key_id)


def _link(settings: Settings, url: str, key_id: str) -> str:
    store = open_store(settings)
    keys = Keys(store, SYSTEM_CLOCK)
    key = keys.active(key_id)
    if key is None:
        raise NoKeyToSignIn(f"There is no valid key {key_id}; `tocsin keys list` shows those that there are.")
    if Scope.CONSOLE not in key.scopes:
        raise NoKeyToSignIn(f"Key {key_id} may not sign in: make one with --scope console.")
    return f"{url}/console/enter/{Sessions(store, keys, SYSTEM_CLOCK).link(key)}"


def _development_key(settings: Settings, keys: Keys) -> ApiKey:
    try:
        text = settings.dev_key.read_text("ascii").strip()
    except FileNotFoundError:
        text = ""
    key = keys.authenticate(text)
    if key is None:
        raise NoKeyToSignIn(
            f"{settings.dev_key} holds no valid key: run `tocsin up` once, or name a key: tocsin console --key ID"
        )
    return key
