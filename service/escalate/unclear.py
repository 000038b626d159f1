"""What becomes of an incident when a contact writes what is no clear answer: hardly anything. Pure."""

from __future__ import annotations

from dataclasses import replace

from service.escalate import notes
from service.escalate.effects import NOTHING, Effects, Entry, TimelineKind
from service.escalate.events import ReplyUnclear
from service.escalate.incident import Incident
from service.escalate.policy import Role
from service.escalate.saying import Transition, back_to, say
from service.escalate.states import Acknowledged, Cancelled, Open, Resolved, Unacknowledged


def unclear(incident: Incident, reply: ReplyUnclear) -> Transition:
    """It is written down. Who leans to YES while they are asked has one more wait, once a page; where the incident is
    over for them, they read how it stands."""
    contact = incident.contact(reply.contact)
    if contact is None:
        return incident, NOTHING
    noted = notes.unclear(reply)
    match incident.state:
        case Open() as state:
            after, effects = _one_more_wait(incident, state, reply) if reply.leans_yes else (incident, NOTHING)
            return after, noted + effects
        case Unacknowledged():
            return incident, noted
        case Acknowledged() | Resolved() | Cancelled():
            to = [back_to(contact, reply)] if reply.answered else []
            after, effects = say(incident, reply.at, _how_it_stands(incident, reply), to, passive=True)
            return after, noted + effects


def _one_more_wait(incident: Incident, state: Open, reply: ReplyUnclear) -> Transition:
    page = incident.page(reply.level, reply.contact)
    asked = {contact.number for contact, _ in incident.asked(state.level)} if state.level else set()
    if page is None or page.waited or page.level != state.level or page.contact not in asked:
        return incident, NOTHING
    due_at = max(state.due_at, incident.wait_ends(state.level, reply.at))
    pages = tuple(replace(each, waited=True) if each is page else each for each in incident.pages)
    entry = Entry(reply.at, TimelineKind.WAITS, reply.level, reply.contact)
    return replace(incident, pages=pages, state=replace(state, due_at=due_at)), Effects(timeline=(entry,))


def _how_it_stands(incident: Incident, reply: ReplyUnclear) -> Role:
    match incident.state:
        case Acknowledged():
            return Role.YOURS if incident.is_owner(reply.contact) else Role.ALREADY_ACKNOWLEDGED
        case Cancelled(declined=declined):
            return Role.ENDED if declined else Role.CANCELLED
        case _:
            return Role.RESOLVED
