"""What happens once somebody has an incident: they keep it, give it back, lose it, or it is over. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from service.escalate import notes
from service.escalate.answering import LATER
from service.escalate.effects import NOTHING, Effects, Entry, TimelineKind
from service.escalate.events import (
    ApiAcknowledge,
    ApiEscalate,
    ApiReopen,
    ApiResolve,
    Reply,
    ReplyDone,
    ReplyLater,
    ReplyUndo,
    ReplyYes,
)
from service.escalate.incident import Contact, Incident
from service.escalate.paging import enter_next_level
from service.escalate.policy import Role
from service.escalate.saying import (
    Transition,
    answered,
    as_last_paged,
    back_to,
    everybody_paged,
    only_answered,
    say,
)
from service.escalate.states import Acknowledged, Ending, Resolved


def yes_again(incident: Incident, state: Acknowledged, reply: ReplyYes) -> Transition:
    """The owner keeps it; anybody else reads who has it."""
    if not incident.is_owner(reply.contact):
        return only_answered(incident, reply, Role.ALREADY_ACKNOWLEDGED)
    kept = replace(incident, state=replace(state, asked=0, due_at=incident.renewed_until(reply.at)))
    if not state.asked:
        return (kept, notes.said(reply)) if reply.quiet else only_answered(kept, reply, Role.YOURS)
    after, effects = answered(kept, reply, Role.YOURS)
    return after, effects + _renewed(reply.at, reply.contact)


def renewed_by_api(incident: Incident, state: Acknowledged, event: ApiAcknowledge) -> Transition:
    """The owner acknowledged again: they are still on it."""
    same = event.contact == state.contact and (state.contact is not None or event.by == state.by)
    if not same or state.due_at is None:
        return incident, NOTHING
    kept = replace(state, asked=0, due_at=incident.renewed_until(event.at))
    return replace(incident, state=kept), _renewed(event.at, state.contact, event)


def _renewed(at: datetime, contact: int | None, event: ApiAcknowledge | None = None) -> Effects:
    entry = Entry(at, TimelineKind.RENEWED, contact=contact)
    if event is not None:
        entry = replace(entry, by=event.by if contact is None else None, origin=event.origin)
    return Effects(timeline=(entry,))


def time_to_renew(incident: Incident, state: Acknowledged, at: datetime) -> Transition:
    """Ask the owner whether they are still on it, as often as their level reminds; then page everybody anew."""
    owner = incident.owner
    to = [] if owner is None else as_last_paged(incident, owner)
    level = incident.owner_level
    if not to or state.asked > incident.level(level).reminders:
        return _lapsed(incident, state, at)
    after, effects = say(incident, at, Role.STILL_ON_IT, to)
    waits = replace(state, asked=state.asked + 1, due_at=incident.wait_ends(level, at))
    return replace(after, state=waits), effects


def question_left(incident: Incident, state: Acknowledged, level: int, at: datetime) -> Transition:
    """The owner has the whole wait from when the question left."""
    if not state.asked or state.due_at is None or level != incident.owner_level:
        return incident, NOTHING
    due_at = max(state.due_at, incident.wait_after(level, at))
    return replace(incident, state=replace(state, due_at=due_at)), NOTHING


def _lapsed(incident: Incident, state: Acknowledged, at: datetime) -> Transition:
    by = None if state.contact else state.by
    entry = Entry(at, TimelineKind.LAPSED, contact=state.contact, by=by)
    after, effects = enter_next_level(incident.afresh(), 0, at, Ending.LAPSED)
    return after, Effects(timeline=(entry,)) + effects


def taken_back(incident: Incident, state: Acknowledged, reply: Reply) -> Transition:
    """NO or UNDO after a YES: the owner gives it back, while the policy allows that."""
    contact = incident.contact(reply.contact)
    if contact is None or not incident.is_owner(reply.contact):
        return only_answered(incident, reply, Role.ALREADY_ACKNOWLEDGED)
    if not _may_undo(incident, state.at, reply.at):
        return only_answered(incident, reply, Role.TOO_LATE)
    answered_incident, effects = answered(incident, reply, Role.GIVEN_BACK)
    entry = Entry(reply.at, TimelineKind.GIVEN_BACK, contact=contact.number)
    after, more = _handed_on(answered_incident, incident.owner_level, contact, reply.at, Ending.GIVEN_BACK)
    return after, effects + Effects(timeline=(entry,)) + more


def _may_undo(incident: Incident, since: datetime, at: datetime) -> bool:
    within = incident.policy.undo_within
    return within > timedelta(0) and at - since <= within


def passed_on(incident: Incident, event: ApiEscalate) -> Transition:
    """The API takes it from its owner and asks the next level."""
    owner = incident.owner
    informed, effects = say(incident, event.at, Role.PASSED_ON, [] if owner is None else as_last_paged(incident, owner))
    entry = Entry(event.at, TimelineKind.PASSED_ON, by=event.by, origin=event.origin)
    after, more = _handed_on(informed, incident.owner_level, owner, event.at, Ending.PASSED_ON)
    return after, Effects(timeline=(entry,)) + effects + more


def _handed_on(incident: Incident, level: int, giver: Contact | None, at: datetime, why: Ending) -> Transition:
    """Open again at the next level on which somebody else can be asked, else at the first one."""
    fresh = replace(incident.as_if_new(), not_sent=None)
    others = fresh if giver is None else fresh.declined_by(giver)
    target = others.next_level(level) or others.next_level(0)
    if target is None:  # only the person who gave it back is left to ask
        return enter_next_level(incident.afresh(), 0, at, why)
    return enter_next_level(others, target - 1, at, why)


def done(incident: Incident, reply: ReplyDone) -> Transition:
    """A contact says that it is over: that ends it, unless somebody else has it, who is asked."""
    contact, owner = incident.contact(reply.contact), incident.owner
    if contact is None:
        return incident, NOTHING
    if isinstance(incident.state, Acknowledged) and not incident.is_owner(reply.contact):
        return _noted(incident, owner, contact, reply)
    closed, effects = answered(incident, reply, Role.CLOSED)
    others = everybody_paged(incident, but=contact)
    after, more = say(closed, reply.at, Role.RESOLVED, others)
    entry = Entry(reply.at, TimelineKind.RESOLVED, contact=contact.number, origin=reply.origin)
    state = Resolved(reply.at, contact.label, contact.number)
    return replace(after, state=state, not_sent=None), effects + Effects(timeline=(entry,)) + more


def _noted(incident: Incident, owner: Contact | None, contact: Contact, reply: ReplyDone) -> Transition:
    to = [] if owner is None else as_last_paged(incident, owner)
    if not to:
        return only_answered(incident, reply, Role.ALREADY_ACKNOWLEDGED)
    after, effects = say(incident, reply.at, Role.DONE_NOTED, [back_to(contact, reply)], passive=True)
    after, more = say(after, reply.at, Role.SAYS_DONE, to)
    return after, notes.said(reply) + effects + more


def resolved_by_api(incident: Incident, event: ApiResolve) -> Transition:
    """It is over: the owner and everybody paged are told, except who says so."""
    who = None if event.contact is None else incident.contact(event.contact)
    after, effects = say(incident, event.at, Role.RESOLVED, everybody_paged(incident, but=who))
    by = None if event.contact else event.by
    entry = Entry(event.at, TimelineKind.RESOLVED, contact=event.contact, by=by, origin=event.origin)
    label = event.by if who is None else who.label
    state = Resolved(event.at, label, event.contact)
    return replace(after, state=state, not_sent=None), Effects(timeline=(entry,)) + effects


def done_taken_back(incident: Incident, state: Resolved, reply: ReplyUndo) -> Transition:
    """UNDO after DONE: the person who said that it was over still owns it."""
    contact, by = incident.contact(reply.contact), incident.contact(state.contact or 0)
    mine = contact is not None and by is not None and by.same_person(contact)
    if not mine:
        return only_answered(incident, reply, Role.RESOLVED)
    if not _may_undo(incident, state.at, reply.at):
        return only_answered(incident, reply, Role.TOO_LATE)
    own = Acknowledged(reply.at, state.by, state.contact, incident.renewed_until(reply.at))
    after, effects = answered(replace(incident, state=own), reply, Role.YOURS)
    entry = Entry(reply.at, TimelineKind.ACKNOWLEDGED, contact=state.contact, origin=reply.origin)
    return after, effects + Effects(timeline=(entry,))


def later(incident: Incident, state: Acknowledged, reply: ReplyLater) -> Transition:
    """The owner is asked then whether they are still on it, if the policy asks at all."""
    if not incident.is_owner(reply.contact):
        return only_answered(incident, reply, Role.ALREADY_ACKNOWLEDGED)
    if state.due_at is None:
        return only_answered(incident, reply, Role.YOURS)
    longest = timedelta(seconds=max(incident.policy.renew, incident.policy.later))
    wanted = LATER if reply.minutes is None else timedelta(minutes=reply.minutes)
    after = replace(incident, state=replace(state, asked=0, due_at=reply.at + min(wanted, longest)))
    after, effects = answered(after, reply, Role.LATER)
    return after, effects + Effects(timeline=(Entry(reply.at, TimelineKind.POSTPONED, contact=reply.contact),))


def reopened(incident: Incident, event: ApiReopen) -> Transition:
    """The incident begins again at the first level, in whatever state it was."""
    entry = Entry(event.at, TimelineKind.REOPENED, by=event.by, origin=event.origin)
    after, effects = enter_next_level(incident.afresh(), 0, event.at, Ending.UNREACHABLE)
    return after, Effects(timeline=(entry,)) + effects
