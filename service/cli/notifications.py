"""`tocsin notifications`: finding what was sent, stopping it, and sending once more what failed."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import datetime

import click

from service import config
from service.cli.arguments import instant
from service.core import ids, timestamp
from service.http import lists as http_lists
from service.notify import (
    LIST,
    NothingToCancel,
    NothingToRetry,
    Notification,
    Status,
    filters_of,
    lists,
    retried,
    schemas,
    views,
)
from service.storage import AuditEntry, cursors
from service.wiring import Messaging, Service


@click.group()
def notifications() -> None:
    """Find, stop and retry notifications."""


@notifications.command("list")
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only these.")
@click.option("--audience", help="Only those to this audience.")
@click.option("--recipient", help="Only those of which this person has a copy.")
@click.option("--template", help="Only those of this template.")
@click.option("--app", help="Only those that this key sent.")
@click.option("--reference", help="Only those that their app calls so.")
@click.option("--from", "since", callback=instant, help="Not before this time (RFC 3339).")
@click.option("--to", "until", callback=instant, help="Before this time (RFC 3339).")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True, help="How many at most.")
@click.option("--cursor", help="next_cursor of the page before.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_notifications(
    cursor: str | None, limit: int, as_json: bool, since: datetime | None, until: datetime | None, **filters: str | None
) -> None:
    """List notifications, newest first."""
    times = {"since": since and timestamp(since), "until": until and timestamp(until)}
    query = schemas.NotificationListQuery.model_validate({**filters, **times, "limit": limit})
    name = http_lists.name_of(LIST, {}, query)
    place = None if cursor is None else cursors.of_list(name, cursor)
    page = lists.notifications(_messaging().store, filters_of(query), place, limit)
    following = cursors.for_list(name, page.cursor)
    if as_json:
        listed = [schemas.ListedNotification.model_validate(views.listed(notification)) for notification in page.items]
        answer = schemas.NotificationList(items=listed, next_cursor=following)
        click.echo(answer.model_dump_json())
        return
    for notification in page.items:
        click.echo(_line(notification))
    if following:
        click.echo(f"There is more: --cursor {following}", err=True)


@notifications.command()
@click.argument("notification_id")
def show(notification_id: str) -> None:
    """Show a notification with its tally, as JSON."""
    _show(_messaging(), notification_id)


@notifications.command()
@click.argument("notification_id")
def cancel(notification_id: str) -> None:
    """Stop a notification: what has not left never leaves.

    It waits up to 10 s for copies in hand. Audited.
    """
    messaging = _messaging()
    messaging.notifications.get(notification_id)
    audit = _audit(messaging, "cancel", notification_id)
    try:
        messaging.cancellation.cancel(notification_id, messaging.clock.now, audit)
    except NothingToCancel as error:
        raise click.ClickException(str(error)) from error
    _show(messaging, notification_id)


@notifications.command()
@click.argument("notification_id")
@click.option("--in-doubt", is_flag=True, help="Also copies that may have arrived: somebody may get it twice.")
def retry(notification_id: str, in_doubt: bool) -> None:
    """Send once more the copies that failed.

    The notification must be completed. Audited.
    """
    messaging = _messaging()
    messaging.notifications.get(notification_id)
    audit = _audit(messaging, "retry", notification_id)
    try:
        retried(messaging.store, notification_id, in_doubt=in_doubt, now=messaging.clock.now(), audit=audit)
    except NothingToRetry as error:
        raise click.ClickException(str(error)) from error
    _show(messaging, notification_id)


def _messaging() -> Messaging:
    return Service(config.load()).messaging


def _audit(messaging: Messaging, entry_type: str, about: str) -> AuditEntry:
    now = messaging.clock.now()
    detail: Mapping[str, object] = {"about": about}
    return AuditEntry(ids.fresh(now), ids.fresh(now), entry_type, now, getpass.getuser(), "", detail=detail)


def _show(messaging: Messaging, notification_id: str) -> None:
    shown = schemas.ShownNotification.model_validate(views.shown(messaging.notifications.show(notification_id)))
    click.echo(shown.model_dump_json(indent=2))


def _line(notification: Notification) -> str:
    whom = notification.audience or f"{len(notification.recipients)} by name"
    reference = f"  [{notification.reference}]" if notification.reference else ""
    what = notification.message.template or " ".join(notification.message.sms.split())[:50]
    when, status = timestamp(notification.accepted_at), notification.status
    return f"{notification.id}  {when}  {status:<23}  to {whom}{reference}  {what}"
