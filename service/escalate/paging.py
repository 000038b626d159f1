"""Working through the levels: pages, reminders, the next level, and what follows the last one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from service.core import Channel
from service.escalate import notes
from service.escalate.effects import NOTHING, Effects, Entry, TimelineKind
from service.escalate.events import DeliveryFailed, Failure, PageSent, Timer
from service.escalate.incident import Contact, Incident
from service.escalate.policy import Role
from service.escalate.saying import Transition, everybody_paged, last_resort, say
from service.escalate.states import Ending, Open, Unacknowledged
from service.escalate.unreached import UnreachedContact, UnsentPages


def begin(incident: Incident, at: datetime) -> Transition:
    after, effects = enter_next_level(incident, 0, at, Ending.UNREACHABLE)
    kind = TimelineKind.BEGUN_AGAIN if incident.pages else TimelineKind.OPENED
    return after, Effects(timeline=(Entry(at, kind),)) + effects


def time_is_up(incident: Incident, state: Open, timer: Timer) -> Transition:
    at, given_up = timer.at, incident.not_sent is not None and timer.at >= incident.not_sent.ends_at
    if state.level == 0:
        return _exhausted(incident, at, Ending.NOT_SENT) if given_up else begin(incident, at)
    if timer.turn is not None and incident.leaving():
        return _wait_from(incident, state, max(at, timer.turn)), NOTHING
    if not any(incident.has_left(state.level, contact) for contact, _ in incident.asked(state.level)):
        return _not_sent(incident, state, at)
    if state.attempt <= incident.level(state.level).reminders:
        return _page(incident, state.level, state.attempt + 1, at)
    return leave_level(incident, state.level, at, Ending.SILENCE)


def page_left(incident: Incident, state: Open, event: PageSent) -> Transition:
    """The wait of the level begins anew, for this page may be the last to leave; a level that is over is left alone."""
    page = incident.page(event.level, event.contact)
    if page is None:
        return incident, NOTHING
    after = incident.page_left(page, event)
    if event.level == state.level:
        return _wait_from(after, state, event.at), NOTHING
    if page.sent >= event.message:
        return after, NOTHING
    late = Entry(event.at, TimelineKind.LEFT_LATE, event.level, event.contact, event.channel)
    return after, Effects(timeline=(late,))


def _wait_from(incident: Incident, state: Open, left_at: datetime) -> Incident:
    due_at = max(state.due_at, incident.wait_after(state.level, left_at))
    return replace(incident, state=replace(state, due_at=due_at))


def _not_sent(incident: Incident, state: Open, at: datetime) -> Transition:
    """No page of the level left: page everybody by their next channel, or, where nobody has one, leave the level."""
    asked = incident.asked(state.level)
    failed = [UnreachedContact(state.level, contact.number, channel, Failure.NOT_SENT) for contact, channel in asked]
    after = replace(incident, unreached=(*incident.unreached, *failed))
    noted = Effects(timeline=tuple(notes.skipped(failure, at) for failure in failed))
    if moved := after.asked(state.level):
        after, effects = _page_by_another_channel(after, state, moved, at)
    else:
        after, effects = leave_level(after, state.level, at, Ending.NOT_SENT)
    return after, noted + effects


def leave_level(incident: Incident, level: int, at: datetime, why: Ending) -> Transition:
    """Go to the next level that can be reached; those who did not answer are told so, unless nobody is left to ask."""
    going_on = incident.next_level(level) is not None
    asked = incident.asked(level) if going_on else ()
    silent = [(contact, level, channel) for contact, channel in asked if incident.has_left(level, contact)]
    role = Role.PASSED_ON if why is Ending.PASSED_ON else Role.ESCALATED
    informed, effects = say(incident, at, role, silent)
    after, more = enter_next_level(informed, level, at, why)
    return after, effects + more


def enter_next_level(incident: Incident, left: int, at: datetime, why: Ending) -> Transition:
    level = incident.next_level(left)
    beyond = len(incident.policy.levels) + 1 if level is None else level
    skipped = Effects(timeline=tuple(notes.level_skipped(incident, n, at) for n in range(left + 1, beyond)))
    if level is None:
        after, effects = _over(incident, at, why)
        return after, skipped + effects
    begun = incident.beginning(level)
    after, effects = _page(begun, level, 1, at)
    escalated = (Entry(at, TimelineKind.ESCALATED, level=level, why=why.value),) if left else ()
    unreached = tuple(notes.contact_skipped(begun, level, contact, at) for contact in _out_of_reach(begun, level))
    on_call = notes.on_call(begun, level, at)
    return after, skipped + Effects(timeline=escalated + on_call + unreached) + effects


def _page(incident: Incident, level: int, attempt: int, at: datetime) -> Transition:
    """Page, or remind, everybody of the level who can be reached and has not declined."""
    after, effects = _page_each(incident, level, attempt, incident.asked(level), at, anew=attempt == 1)
    return replace(after, state=Open(level, attempt, incident.wait_ends(level, at))), effects


def _page_each(
    incident: Incident,
    level: int,
    attempt: int,
    asked: Iterable[tuple[Contact, Channel]],
    at: datetime,
    *,
    anew: bool = False,
) -> Transition:
    """Contacts who were paged are reminded; a page that has not left is dropped and sent anew."""
    effects = NOTHING
    for contact, channel in asked:
        role = Role.REMINDER if attempt > 1 and incident.has_left(level, contact) else Role.PAGE
        incident, paging = say(incident, at, role, [(contact, level, channel)])
        incident = incident.paged(level, contact.number, channel, at, paging.messages[0].number, anew=anew)
        effects += paging
    return incident, effects


def not_reached(incident: Incident, state: Open, event: DeliveryFailed) -> Transition:
    """Page each contact by their next channel, if there is one; if nobody can be reached, leave the level at once."""
    if incident.contact(event.contact) is None:
        return incident, NOTHING
    failure = UnreachedContact(event.level, event.contact, event.channel, event.why)
    after = replace(incident, unreached=(*(u for u in incident.unreached if u != failure), failure))
    if state.level == 0:
        return after, notes.failed(event)
    before, now = incident.asked(state.level), after.asked(state.level)
    if before and not now:
        after, effects = leave_level(after, state.level, event.at, Ending.UNREACHABLE)
        return after, notes.failed(event) + effects
    after, effects = _page_by_another_channel(after, state, [who for who in now if who not in before], event.at)
    return after, notes.failed(event) + effects


def _page_by_another_channel(
    incident: Incident, state: Open, moved: Sequence[tuple[Contact, Channel]], at: datetime
) -> Transition:
    if not moved:
        return incident, NOTHING
    after, effects = _page_each(incident, state.level, state.attempt, moved, at)
    # The wait starts afresh: these contacts hear of the incident only now.
    due_at = max(state.due_at, incident.wait_ends(state.level, at))
    return replace(after, state=replace(state, due_at=due_at)), effects


def _over(incident: Incident, at: datetime, why: Ending) -> Transition:
    """All levels are over: the end, unless the policy says to repeat it.

    If no page could be sent so far, all of them are tried again soon.
    """
    if not incident.may_begin_again:
        if (again := _again(incident)) is not None:
            after, effects = enter_next_level(again, 0, at, why)
            return after, Effects(timeline=(Entry(at, TimelineKind.REPEATED, why=why.value),)) + effects
        return _exhausted(incident, at, Ending.UNREACHABLE if why is Ending.NOT_SENT else why)
    since = min(page.at for page in incident.pages)
    trouble = UnsentPages(1, since, at) if incident.not_sent is None else incident.not_sent.again(at)
    if at >= trouble.ends_at:
        return _exhausted(incident, at, Ending.NOT_SENT)
    # Email or a call may still get through: channels of last resort do not wait for the end.
    after, effects = say(incident, at, Role.LAST_RESORT, last_resort(incident) if trouble.rounds == 1 else ())
    entry = Entry(at, TimelineKind.NOT_SENT, why=f"{trouble.pause // timedelta(minutes=1)} min")
    state = Open(0, 0, min(at + trouble.pause, trouble.ends_at))
    return replace(after.as_if_new(), not_sent=trouble, state=state), Effects(timeline=(entry,)) + effects


def _again(incident: Incident) -> Incident | None:
    """The incident at the start of the next round of its policy, if there is one and somebody is left to ask."""
    again = replace(incident.as_if_new(), rounds=incident.rounds + 1)
    return again if again.rounds <= incident.policy.repeat and again.next_level(0) is not None else None


def _exhausted(incident: Incident, at: datetime, why: Ending) -> Transition:
    """Nobody is left to ask: say so to everybody paged, and use the channels of last resort."""
    paged = [contact for contact in everybody_paged(incident) if incident.was_paged_at_all(contact[0])]
    informed, effects = say(incident, at, Role.EXHAUSTED, paged)
    after, more = say(informed, at, Role.LAST_RESORT, last_resort(incident))
    entry = Entry(at, TimelineKind.UNACKNOWLEDGED, why=why.value)
    return replace(after, state=Unacknowledged(at, why)), Effects(timeline=(entry,)) + effects + more


def _out_of_reach(incident: Incident, level: int) -> tuple[Contact, ...]:
    return tuple(contact for contact in incident.listed(level) if incident.channel(level, contact) is None)
