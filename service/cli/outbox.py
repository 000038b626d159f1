"""`tocsin outbox`: what was "sent" on this machine."""

from __future__ import annotations

import click

from service import config
from service.channels import asked_contact
from service.core import Channel, exact_json
from service.http import lists
from service.messages import OUTBOX_LIST, OutboxQuery, sent_as_json
from service.storage import cursors
from service.wiring import Service


@click.command()
@click.option("--to", help="Only messages to this phone (E.164) or email address.")
@click.option("--channel", type=click.Choice([channel.value for channel in Channel]), help="Only this channel.")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def outbox(to: str | None, channel: str | None, limit: int, as_json: bool) -> None:
    """List messages, newest first."""
    service = Service(config.load())
    asked = asked_contact(to) if to and "://" not in to else to
    page = service.messaging.outbox.entries(to=asked, channel=Channel(channel) if channel else None, limit=limit)
    if as_json:
        name = lists.name_of(OUTBOX_LIST, {}, OutboxQuery.model_validate({"to": to, "channel": channel}))
        items = [sent_as_json(sent) for sent in page.items]
        click.echo(exact_json.dumps({"items": items, "next_cursor": cursors.for_list(name, page.cursor)}))
        return
    for sent in page.items:
        entry = sent.entry
        heading = f"  {entry.subject}" if entry.subject else ""
        click.echo(f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.channel:<5}  {entry.language:<5}  {entry.to}{heading}")
        click.echo(click.wrap_text(entry.text.strip(), 100, "    ", "    ", preserve_paragraphs=True))
    if not page.items:
        click.echo("Nothing was sent here yet.", err=True)
