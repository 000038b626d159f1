"""The messages about what happens to an incident, each with its line on the timeline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from service.core import Channel
from service.escalate import notes
from service.escalate.effects import NOTHING, Effects, Entry, IncidentMessage, TimelineKind
from service.escalate.events import Reply, ReplyUnclear
from service.escalate.incident import Contact, Incident
from service.escalate.policy import Role

Transition = tuple[Incident, Effects]

PageTarget = tuple[Contact, int, Channel]
"""Somebody who gets a message: the contact, the level whose code it carries, the channel."""


def say(incident: Incident, at: datetime, role: Role, to: Iterable[PageTarget], *, passive: bool = False) -> Transition:
    """The messages of one role with their lines on the timeline; the incident counts them."""
    messages = tuple(
        IncidentMessage(number, role, contact.number, level, channel, passive)
        for number, (contact, level, channel) in enumerate(to, start=incident.sent + 1)
    )
    lines = tuple(
        Entry(at, TimelineKind.SENT, level=m.level or None, contact=m.contact, channel=m.channel, role=role)
        for m in messages
    )
    return replace(incident, sent=incident.sent + len(messages)), Effects(messages, lines)


def only_answered(incident: Incident, reply: Reply, role: Role) -> Transition:
    """The reply changes nothing, and its sender reads why."""
    contact = incident.contact(reply.contact)
    if contact is None:
        return incident, NOTHING
    after, effects = say(incident, reply.at, role, [back_to(contact, reply)], passive=True)
    return after, notes.said(reply) + effects


def answered(incident: Incident, reply: Reply, role: Role) -> Transition:
    """The sender of a reply that changed something reads what it changed."""
    after, effects = say(incident, reply.at, role, [back_to(incident.contacts[reply.contact - 1], reply)])
    return after, notes.said(reply) + effects


def back_to(contact: Contact, reply: Reply | ReplyUnclear) -> PageTarget:
    """Where an answer to a reply goes: to the phone, or to where who answered by a link and has none is written to."""
    return contact, reply.level, contact.text_channel


def everybody_paged(incident: Incident, but: Contact | None = None) -> list[PageTarget]:
    """Each person paged so far, on the channel they were last paged by, except where nothing arrives any more.

    A page that seems not to have left yet may be on its way; where none could be sent at all nobody has heard of it.
    """
    if incident.not_sent is not None:
        return []
    return [
        (contact, page.level, page.channel)
        for contact, page in incident.paged_people()
        if not (but is not None and contact.same_person(but)) and not incident.is_unreachable(contact, page.channel)
    ]


def as_last_paged(incident: Incident, contact: Contact) -> list[PageTarget]:
    """A contact on the channel they were last paged by, if they were and it still works."""
    page = incident.last_page(contact.number)
    if page is not None and not incident.is_unreachable(contact, page.channel):
        return [(contact, page.level, page.channel)]
    channel = contact.text_channel
    reachable = contact.address(channel) is not None and not incident.is_unreachable(contact, channel)
    return [(contact, page.level if page else 0, channel)] if reachable else []


def last_resort(incident: Incident) -> list[PageTarget]:
    """Each address of each contact on the channels of last resort, once."""
    by_address: dict[tuple[Channel, str], PageTarget] = {}
    for channel in incident.policy.last_resort:
        for contact in incident.contacts:
            address = contact.address(channel)
            if address is not None and not incident.is_unreachable(contact, channel):
                page = incident.last_page(contact.number)
                by_address.setdefault((channel, address), (contact, page.level if page else 0, channel))
    return list(by_address.values())
