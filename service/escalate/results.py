"""The result of a message and the change of its incident, in one commit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.channels import Reason
from service.core import Channel
from service.escalate.events import DeliveryFailed, Failure, PageSent
from service.escalate.incident import Incident
from service.escalate.incidents import Incidents, log
from service.escalate.items import NamedPage, Outgoing, record_of
from service.escalate.policy import Role
from service.escalate.record import IncidentRecord
from service.storage import Conflict, Item
from service.work import Commit

ANSWERABLE = frozenset({Role.PAGE, Role.REMINDER, Role.STILL_ON_IT})
"""Roles of the messages that begin the wait for an answer when they leave."""

_FAILURES: Mapping[Reason, Failure] = {
    Reason.OPTED_OUT: Failure.OPTED_OUT,
    Reason.ADDRESS: Failure.REFUSED,
    Reason.BLOCKED: Failure.REFUSED,
    Reason.ONE_WAY: Failure.ONE_WAY,
    Reason.CONTENT: Failure.REFUSED,
}


def failure_of(reason: Reason) -> Failure:
    """What a provider's last word means for a page."""
    return _FAILURES.get(reason, Failure.UNDELIVERED)


def failure(name: str, outgoing: Outgoing, why: Failure, at: datetime) -> DeliveryFailed:
    """The event that a message could not arrive; `name` is the message's id."""
    return DeliveryFailed(name, at, outgoing.contact, outgoing.level, outgoing.channel, why)


def sent(outgoing: Outgoing, at: datetime, begun_at: datetime | None) -> PageSent | None:
    """The event that a page left, or may have; None for a message that needs no answer."""
    if outgoing.role not in ANSWERABLE:
        return None
    return PageSent(at, outgoing.contact, outgoing.level, outgoing.channel, outgoing.number, begun_at)


def summarised(named: NamedPage, incident: Incident, at: datetime, begun_at: datetime | None) -> PageSent | None:
    """The event that a summary with this page in it left; None if the incident knows no such page."""
    page = incident.page(named.level, named.contact)
    if page is None:
        return None
    return PageSent(at, named.contact, named.level, Channel.SMS, page.message, begun_at)


@dataclass(frozen=True, slots=True)
class ReadIncident:
    """An incident as it was read."""

    item: Item
    record: IncidentRecord


def read(incidents: Incidents, name: str) -> ReadIncident:
    """An incident as it is now; `NoSuchIncident`."""
    item = incidents.item(name)
    return ReadIncident(item, record_of(item))


def committed(
    incidents: Incidents,
    item: Item,
    about: ReadIncident,
    event: PageSent | DeliveryFailed | None,
    spawn: Sequence[Item] = (),
) -> Commit:
    """A message's own result, in `item`, with what `event` makes of the incident it is `about`.

    A send cannot be taken back: if the incident changed meanwhile, only this is made anew.
    """
    if event is None:
        return Commit(item, spawn=spawn)
    books = incidents.books()
    changed = incidents.change(about.item, about.record, event, books)
    if changed is None:
        return Commit(item, spawn=spawn)
    if isinstance(event, DeliveryFailed):
        log(changed)

    def anew() -> Commit:
        stored = incidents.store.get(item.id)
        if stored is None or stored.version != item.version:
            raise Conflict(f"item {item.id!r} was changed by somebody else")
        return committed(incidents, item, read(incidents, about.record.incident.id), event, spawn)

    return Commit(item, [changed.item, *books.changed()], [*spawn, *changed.spawn], changed.audit, anew)
