"""Lines of the timeline, and of the audit, for what happens to an incident."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from service.escalate.effects import Effects, Entry, TimelineKind
from service.escalate.events import (
    ApiNote,
    DeliveryFailed,
    Reply,
    ReplyDone,
    ReplyLater,
    ReplyNo,
    ReplyUnclear,
    ReplyUndo,
    ReplyWho,
    ReplyYes,
)
from service.escalate.incident import Contact, Incident
from service.escalate.unreached import UnreachedContact

_SAID: Mapping[type[Reply], TimelineKind] = {
    ReplyYes: TimelineKind.SAID_YES,
    ReplyNo: TimelineKind.SAID_NO,
    ReplyDone: TimelineKind.SAID_DONE,
    ReplyUndo: TimelineKind.SAID_UNDO,
    ReplyLater: TimelineKind.SAID_LATER,
    ReplyWho: TimelineKind.ASKED_WHO,
}


def said(reply: Reply) -> Effects:
    """What a contact said."""
    kind = _SAID[type(reply)]
    line = Entry(reply.at, kind, reply.level, reply.contact, origin=reply.origin, words=reply.words)
    return Effects(timeline=(line,))


def unclear(reply: ReplyUnclear) -> Effects:
    """What a contact wrote that is no clear answer."""
    line = Entry(
        reply.at,
        TimelineKind.UNCLEAR,
        reply.level,
        reply.contact,
        why=reply.why,
        origin=reply.origin,
        words=reply.words,
    )
    return Effects(timeline=(line,))


def note(event: ApiNote) -> Effects:
    """What somebody wrote down."""
    return Effects(timeline=(Entry(event.at, TimelineKind.NOTE, by=event.by, origin=event.origin, words=event.text),))


def failed(event: DeliveryFailed) -> Effects:
    """The entry for a page that did not arrive."""
    return Effects(
        timeline=(skipped(UnreachedContact(event.level, event.contact, event.channel, event.why), event.at),)
    )


def skipped(failure: UnreachedContact, at: datetime) -> Entry:
    """The entry for a contact that a channel does not reach."""
    return Entry(
        at, TimelineKind.CONTACT_SKIPPED, failure.level, failure.contact, failure.channel, why=failure.why.value
    )


def contact_skipped(incident: Incident, level: int, contact: Contact, at: datetime) -> Entry:
    """The entry for a contact that no channel of a level reaches."""
    known = [u.why.value for u in incident.unreached if u.contact == contact.number and u.why.lasts]
    return Entry(at, TimelineKind.CONTACT_SKIPPED, level, contact.number, why=known[-1] if known else "no_address")


def on_call(incident: Incident, level: int, at: datetime) -> tuple[Entry, ...]:
    """Who is on call for the rosters of a level that begins, and of which nobody is."""
    came = {number: incident.contacts[number - 1] for begun, number in incident.came_on_call if begun == level}
    entries = tuple(Entry(at, TimelineKind.ON_CALL, level, number, why=who.on_call) for number, who in came.items())
    empty = (each for each in incident.rosters(level) if each.roster not in {who.on_call for who in came.values()})
    nobody = (Entry(at, TimelineKind.CONTACT_SKIPPED, level, each.number, why="nobody_on_call") for each in empty)
    return (*entries, *nobody)


def level_skipped(incident: Incident, level: int, at: datetime) -> Entry:
    """The entry for a level of which nobody can be reached."""
    begun = incident.beginning(level)
    absent = "nobody_on_call" if begun.rosters(level) else "contacts_absent"
    why = "nobody_reachable" if any(begun.listed(level)) else absent
    return Entry(at, TimelineKind.LEVEL_SKIPPED, level=level, why=why)
