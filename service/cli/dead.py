"""`tocsin dead`: work that ran out of attempts or can never succeed."""

from __future__ import annotations

from collections.abc import Mapping

import click

from service import config
from service.core import exact_json, timestamp
from service.wiring import SYSTEM_CLOCK, open_store
from service.work import DeadItem, all_dead_items
from service.work import redrive as redrive_item


@click.group()
def dead() -> None:
    """List and retry work that failed for good."""


@dead.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_dead(as_json: bool) -> None:
    """List work that failed for good, with the reason.

    The most urgent lane comes first.
    """
    items = list(all_dead_items(open_store(config.load())))
    if as_json:
        click.echo(exact_json.dumps({"items": [_shown(item) for item in items]}))
        return
    for item in items:
        again = "" if item.next_try is None else f", tried again at {timestamp(item.next_try)}"
        click.echo(f"{item.id}  {item.lane} {item.kind}, dead since {timestamp(item.since)}{again}: {item.why}")
    click.echo(f"{len(items)} dead items." if items else "Nothing is dead.", err=True)


@dead.command()
@click.argument("item_ids", nargs=-1, metavar="ID…")
@click.option("--all", "everything", is_flag=True, help="Every dead item.")
def redrive(item_ids: tuple[str, ...], everything: bool) -> None:
    """Retry dead items, with fresh attempts.

    Fix the cause first: `tocsin dead list` names it.
    """
    if bool(item_ids) is everything:
        raise click.UsageError("Name the items, or say --all.")
    store = open_store(config.load())
    chosen = [item.id for item in all_dead_items(store)] if everything else item_ids
    for item_id in chosen:
        redrive_item(store, item_id, SYSTEM_CLOCK.now())
        click.echo(f"{item_id} is due now.")


def _shown(item: DeadItem) -> Mapping[str, object]:
    return {
        "id": item.id,
        "kind": item.kind,
        "lane": item.lane.value,
        "why": item.why,
        "since": timestamp(item.since),
        "attempts": item.attempts,
        "next_try": None if item.next_try is None else timestamp(item.next_try),
    }
