"""`tocsin audit`: reading the audit from the shell."""

from __future__ import annotations

from datetime import datetime

import click

from service import config
from service.audit import LIST, AuditSearch, as_json
from service.cli.arguments import instant
from service.core import exact_json, timestamp
from service.http import lists
from service.storage import AuditQuery, cursors
from service.wiring import open_store


@click.group()
def audit() -> None:
    """Search the audit log."""


@audit.command()
@click.option("--request-id", help="Entries of this request.")
@click.option("--ruleset", help="Entries of this ruleset.")
@click.option("--from", "since", callback=instant, help="Not before this time (RFC 3339).")
@click.option("--to", "until", callback=instant, help="Before this time (RFC 3339).")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
@click.option("--cursor", help="next_cursor of the page before.")
@click.option("--json", "as_document", is_flag=True, help="Print one JSON document, raw data included.")
def search(
    request_id: str | None,
    ruleset: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    cursor: str | None,
    as_document: bool,
) -> None:
    """List entries, oldest first."""
    query = AuditQuery(request_id, ruleset, since, until)
    name = _name(query)
    place = None if cursor is None else cursors.of_list(name, cursor)
    page = open_store(config.load()).audit_entries(query, cursor=place, limit=limit)
    following = cursors.for_list(name, page.cursor)
    if as_document:
        click.echo(exact_json.dumps({"items": [as_json(entry) for entry in page.items], "next_cursor": following}))
        return
    for entry in page.items:
        click.echo(
            f"{timestamp(entry.at)}  {entry.entry_type:<9}  {entry.request_id}"
            f"  {entry.ruleset or '-'}  {entry.audit_id}"
        )
    if following:
        click.echo(f"There is more: --cursor {following}", err=True)


def _name(query: AuditQuery) -> str:
    """The list's name, which is that of the same list by HTTP."""
    since, until = (None if at is None else timestamp(at) for at in (query.since, query.until))
    given = {"request_id": query.request_id, "ruleset": query.ruleset, "since": since, "until": until}
    return lists.name_of(LIST, {}, AuditSearch.model_validate(given))
