"""`tocsin keys`: API keys of apps."""

from __future__ import annotations

import json

import click

from service import config
from service.core import Scope, timestamp
from service.http import ApiKey, Keys
from service.wiring import SYSTEM_CLOCK, open_store


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of apps."""


@keys.command()
@click.option("--name", required=True, help="The app that will use the key; the audit shows it.")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What the key may do; repeat it for several.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def create(name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a key and show it, this once: only its digest is stored."""
    key, text = _keys().create(name, [Scope(scope) for scope in scopes])
    if as_json:
        click.echo(json.dumps({"key_id": key.key_id, "key": text, "scopes": sorted(key.scopes)}))
        return
    click.echo(text)
    click.echo(f"Key {key.key_id} of {name}. Keep it now: it cannot be shown again.", err=True)


@keys.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_keys(as_json: bool) -> None:
    """List every key, the revoked ones included."""
    stored = list(_keys().all())
    if as_json:
        click.echo(json.dumps({"items": [_shown(key) for key in stored]}))
        return
    for key in stored:
        ended = f"  revoked {timestamp(key.revoked_at)}" if key.revoked_at else ""
        click.echo(f"{key.key_id}  {key.name}  {' '.join(sorted(key.scopes))}  made {timestamp(key.created_at)}{ended}")


@keys.command()
@click.argument("key_id")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def revoke(key_id: str, as_json: bool) -> None:
    """End a key: every process refuses it within 5 seconds."""
    key = _keys().revoke(key_id)
    click.echo(json.dumps(_shown(key)) if as_json else f"Key {key.key_id} of {key.name} is revoked.")


def _keys() -> Keys:
    return Keys(open_store(config.load()), SYSTEM_CLOCK)


def _shown(key: ApiKey) -> dict[str, object]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created_at": timestamp(key.created_at),
        "revoked_at": timestamp(key.revoked_at) if key.revoked_at else None,
    }
