"""What people answer while an incident is open: YES, NO, DONE, LATER, UNDO. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from service.escalate import notes
from service.escalate.effects import NOTHING, Effects, Entry, TimelineKind
from service.escalate.events import ApiAcknowledge, ApiCancel, ApiEscalate, Reply, ReplyLater, ReplyNo, ReplyYes
from service.escalate.incident import Incident
from service.escalate.paging import leave_level
from service.escalate.policy import OnNo, Role
from service.escalate.saying import Transition, answered, back_to, everybody_paged, only_answered, say
from service.escalate.states import Acknowledged, Cancelled, Ending, Open

LATER = timedelta(minutes=30)
"""How much later a contact is asked again who says "later" and nothing else."""


def accepted(incident: Incident, reply: ReplyYes) -> Transition:
    """A contact takes the incident."""
    contact = incident.contact(reply.contact)
    if contact is None:
        return incident, NOTHING
    thanked, effects = say(incident, reply.at, Role.THANKS, [back_to(contact, reply)])
    after, more = _owned(thanked, Acknowledged(reply.at, contact.label, contact.number), reply)
    return after, notes.said(reply) + effects + more


def acknowledged_by_api(incident: Incident, event: ApiAcknowledge) -> Transition:
    """Somebody takes the incident through the API."""
    return _owned(incident, Acknowledged(event.at, event.by, event.contact), event)


def _owned(incident: Incident, owned: Acknowledged, event: ReplyYes | ApiAcknowledge) -> Transition:
    """The incident has its owner; everybody else who was paged is told who it is."""
    owner = None if owned.contact is None else incident.contact(owned.contact)
    others = everybody_paged(incident, but=owner)
    after, effects = say(incident, owned.at, Role.TAKEN, others)
    by = None if owned.contact else owned.by
    entry = Entry(owned.at, TimelineKind.ACKNOWLEDGED, contact=owned.contact, by=by, origin=event.origin)
    state = replace(owned, due_at=incident.renewed_until(owned.at))
    return replace(after, state=state, not_sent=None), Effects(timeline=(entry,)) + effects


def declined(incident: Incident, state: Open, reply: ReplyNo) -> Transition:
    """A contact hands the incident on."""
    if incident.page(reply.level, reply.contact) is None:
        return incident, NOTHING
    if reply.level != state.level:
        return only_answered(incident, reply, Role.ALREADY_ESCALATED)
    if incident.policy.on_no is OnNo.END:
        return _ended(incident, reply)
    answer = Role.NOTED if incident.next_level(state.level) is None else Role.DECLINED
    if (reply.level, reply.contact) in incident.declined:
        return only_answered(incident, reply, answer)
    after = replace(incident, declined=(*incident.declined, (reply.level, reply.contact)))
    return _declined_once(after, state, reply, answer)


def _declined_once(incident: Incident, state: Open, reply: ReplyNo, answer: Role) -> Transition:
    """Answer the contact; if nobody of the level is left to ask, go on at once."""
    others_asked = bool(incident.asked(state.level))
    sender = [back_to(incident.contacts[reply.contact - 1], reply)]
    # Where nobody is left to ask at all, the sender is told that with everybody else.
    after, effects = say(incident, reply.at, answer, sender if others_asked or answer is Role.DECLINED else [])
    if others_asked:
        return after, notes.said(reply) + effects
    after, more = leave_level(after, state.level, reply.at, Ending.DECLINED)
    return after, notes.said(reply) + effects + more


def _ended(incident: Incident, reply: ReplyNo) -> Transition:
    contact = incident.contacts[reply.contact - 1]
    pages = [back_to(contact, reply), *everybody_paged(incident, but=contact)]
    after, effects = say(incident, reply.at, Role.ENDED, pages)
    ended = Cancelled(reply.at, contact.label, declined=True, contact=contact.number)
    entry = Entry(reply.at, TimelineKind.DECLINED, contact=contact.number, origin=reply.origin)
    return replace(after, state=ended), notes.said(reply) + Effects(timeline=(entry,)) + effects


def no_taken_back(incident: Incident, reply: Reply) -> Transition:
    """A contact who said NO may be asked again."""
    contact = incident.contact(reply.contact)
    if contact is None:
        return incident, NOTHING
    after = incident.not_declined_by(contact)
    if after.declined == incident.declined:
        return only_answered(incident, reply, Role.NOTHING_TO_UNDO)
    after, effects = answered(after, reply, Role.WITHDRAWN)
    return after, effects + Effects(timeline=(Entry(reply.at, TimelineKind.WITHDRAWN, contact=contact.number),))


def postponed(incident: Incident, state: Open, reply: ReplyLater) -> Transition:
    """The only contact who is asked is asked again later, if the level may wait so long."""
    page = incident.page(reply.level, reply.contact)
    if page is None or incident.policy.later == 0:
        return only_answered(incident, reply, Role.STATUS) if page is not None else (incident, NOTHING)
    if reply.level != state.level:
        return only_answered(incident, reply, Role.ALREADY_ESCALATED)
    if [contact.number for contact, _ in incident.asked(state.level)] != [reply.contact]:
        return only_answered(incident, reply, Role.NOTED)
    wanted = reply.at + (LATER if reply.minutes is None else timedelta(minutes=reply.minutes))
    latest = page.at + timedelta(seconds=incident.policy.later)
    due_at = max(state.due_at, min(wanted, latest))
    attempt = min(state.attempt, incident.level(state.level).reminders)
    after = replace(incident, state=replace(state, due_at=due_at, attempt=attempt))
    after, effects = answered(after, reply, Role.LATER)
    return after, effects + Effects(timeline=(Entry(reply.at, TimelineKind.POSTPONED, contact=reply.contact),))


def passed_on(incident: Incident, state: Open, event: ApiEscalate) -> Transition:
    """The next level is asked now; nothing where nobody is asked yet."""
    if state.level == 0:
        return incident, NOTHING
    entry = Entry(event.at, TimelineKind.PASSED_ON, by=event.by, origin=event.origin)
    after, effects = leave_level(incident, state.level, event.at, Ending.PASSED_ON)
    return after, Effects(timeline=(entry,)) + effects


def cancelled(incident: Incident, event: ApiCancel) -> Transition:
    """The incident is called off."""
    after, effects = say(incident, event.at, Role.CANCELLED, everybody_paged(incident))
    entry = Entry(event.at, TimelineKind.CANCELLED, by=event.by, origin=event.origin)
    return replace(after, state=Cancelled(event.at, event.by)), Effects(timeline=(entry,)) + effects
