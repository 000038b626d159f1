"""What an incident becomes when something happens to it: pure, and total over every state and event.

The shell loads the incident, calls `transition` and commits the new incident with its effects in one go; whoever loses
that commit looks again. Nothing here reads a clock, a store or a phone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from service.core.enums import Channel
from service.escalate import notes
from service.escalate.effects import NOTHING, Effects, Entry, Kind, Message
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    DeliveryFailed,
    Event,
    Failure,
    Opened,
    PageSent,
    Reply,
    ReplyNo,
    ReplyYes,
    Timer,
)
from service.escalate.incident import (
    Acknowledged,
    Cancelled,
    Contact,
    Ending,
    Incident,
    NotSent,
    Open,
    Unacknowledged,
    Unreached,
)
from service.escalate.policy import OnNo, Role

Step = tuple[Incident, Effects]


def transition(incident: Incident, event: Event) -> Step:
    """The incident after `event`, and what must then be done. An event that was applied before changes nothing."""
    match event:
        case Opened() | Timer() | PageSent():
            return _happens(incident, event)
        case _ if event.id in incident.seen:
            return incident, NOTHING
        case _:
            after, effects = _happens(incident, event)
            return after.having_seen(event.id), effects


def _happens(incident: Incident, event: Event) -> Step:
    match incident.state:
        case Open() as state:
            return _while_open(incident, state, event)
        case Unacknowledged():
            return _after_exhaustion(incident, event)
        case Acknowledged():
            return _when_over(incident, event, Role.ALREADY_ACKNOWLEDGED)
        case Cancelled(declined=declined):
            return _when_over(incident, event, Role.ENDED if declined else Role.CANCELLED)
        case _:
            assert_never(incident.state)


def _while_open(incident: Incident, state: Open, event: Event) -> Step:
    match event:
        case Opened():
            is_new = state.level == 0 and incident.not_sent is None and not incident.pages
            return _open(incident, event.at) if is_new else (incident, NOTHING)
        case Timer():
            return _time_is_up(incident, state, event) if event.at >= state.due_at else (incident, NOTHING)
        case PageSent():
            return _left(incident, state, event)
        case ReplyYes():
            return _accepted(incident, event)
        case ReplyNo():
            return _declined(incident, state, event)
        case DeliveryFailed():
            return _not_reached(incident, state, event)
        case ApiAcknowledge():
            return _acknowledged_from_outside(incident, event)
        case ApiCancel():
            return _cancelled(incident, event)
        case _:
            assert_never(event)


def _after_exhaustion(incident: Incident, event: Event) -> Step:
    match event:
        case ReplyYes():
            return _accepted(incident, event)
        case ApiAcknowledge():
            return _acknowledged_from_outside(incident, event)
        case ApiCancel():
            return _cancelled(incident, event)
        case Opened() | Timer() | PageSent() | ReplyNo() | DeliveryFailed():
            return _when_over(incident, event, Role.EXHAUSTED)
        case _:
            assert_never(event)


def _when_over(incident: Incident, event: Event, answer: Role) -> Step:
    """A final state changes no more: replies are answered, late failures are written down."""
    match event:
        case ReplyYes() | ReplyNo():
            return _only_answered(incident, event, answer)
        case DeliveryFailed():
            return incident, notes.failed(event)
        case Opened() | Timer() | PageSent() | ApiAcknowledge() | ApiCancel():
            return incident, NOTHING
        case _:
            assert_never(event)


# --- paging


def _open(incident: Incident, at: datetime) -> Step:
    after, effects = _enter_next_level(incident, 0, at, Ending.UNREACHABLE)
    kind = Kind.BEGUN_AGAIN if incident.pages else Kind.OPENED
    return after, Effects(timeline=(Entry(at, kind),)) + effects


def _time_is_up(incident: Incident, state: Open, timer: Timer) -> Step:
    at, given_up = timer.at, incident.not_sent is not None and timer.at >= incident.not_sent.ends_at
    if state.level == 0:
        return _exhausted(incident, at, Ending.NOT_SENT) if given_up else _open(incident, at)
    if timer.turn is not None and incident.leaving():
        return _wait_from(incident, state, max(at, timer.turn)), NOTHING
    if not any(incident.has_left(state.level, contact) for contact, _ in incident.asked(state.level)):
        return _not_sent(incident, state, at)
    if state.attempt <= incident.level(state.level).reminders:
        return _page(incident, state.level, state.attempt + 1, at)
    return _leave_level(incident, state.level, at, Ending.SILENCE)


def _left(incident: Incident, state: Open, event: PageSent) -> Step:
    """The wait of the level begins anew, for this page may be the last to leave; a level that is over is left alone."""
    page = incident.page(event.level, event.contact)
    if page is None:
        return incident, NOTHING
    after = incident.page_left(page, event)
    if event.level == state.level:
        return _wait_from(after, state, event.at), NOTHING
    if page.sent >= event.message:
        return after, NOTHING
    late = Entry(event.at, Kind.LEFT_LATE, event.level, event.contact, event.channel)
    return after, Effects(timeline=(late,))


def _wait_from(incident: Incident, state: Open, left_at: datetime) -> Incident:
    due_at = max(state.due_at, incident.wait_after(state.level, left_at))
    return replace(incident, state=replace(state, due_at=due_at))


def _not_sent(incident: Incident, state: Open, at: datetime) -> Step:
    """No page of the level left: page everybody by their next channel, or, where nobody has one, leave the level."""
    asked = incident.asked(state.level)
    failed = [Unreached(state.level, contact.number, channel, Failure.NOT_SENT) for contact, channel in asked]
    after = replace(incident, unreached=(*incident.unreached, *failed))
    noted = Effects(timeline=tuple(notes.skipped(failure, at) for failure in failed))
    if moved := after.asked(state.level):
        after, effects = _page_by_another_channel(after, state, moved, at)
    else:
        after, effects = _leave_level(after, state.level, at, Ending.NOT_SENT)
    return after, noted + effects


def _leave_level(incident: Incident, level: int, at: datetime, why: Ending) -> Step:
    """Go to the next level that can be reached; those who did not answer are told so, unless nobody is left to ask."""
    going_on = incident.next_level(level) is not None
    asked = incident.asked(level) if going_on else ()
    silent = [(contact, level, channel) for contact, channel in asked if incident.has_left(level, contact)]
    told, effects = _say(incident, at, Role.ESCALATED, silent)
    after, more = _enter_next_level(told, level, at, why)
    return after, effects + more


def _enter_next_level(incident: Incident, left: int, at: datetime, why: Ending) -> Step:
    level = incident.next_level(left)
    beyond = len(incident.policy.levels) + 1 if level is None else level
    skipped = Effects(timeline=tuple(notes.level_skipped(incident, n, at) for n in range(left + 1, beyond)))
    if level is None:
        after, effects = _over(incident, at, why)
        return after, skipped + effects
    begun = incident.beginning(level)
    after, effects = _page(begun, level, 1, at)
    escalated = (Entry(at, Kind.ESCALATED, level=level, why=why.value),) if left else ()
    unreached = tuple(notes.contact_skipped(begun, level, contact, at) for contact in _out_of_reach(begun, level))
    on_call = notes.on_call(begun, level, at)
    return after, skipped + Effects(timeline=escalated + on_call + unreached) + effects


def _page(incident: Incident, level: int, attempt: int, at: datetime) -> Step:
    """Page, or remind, everybody of the level who can be reached and has not declined."""
    after, effects = _page_each(incident, level, attempt, incident.asked(level), at)
    return replace(after, state=Open(level, attempt, incident.wait_ends(level, at))), effects


def _page_each(
    incident: Incident, level: int, attempt: int, asked: Iterable[tuple[Contact, Channel]], at: datetime
) -> Step:
    """Whoever was paged before is reminded; whose page has not left is paged again, and the former page dropped."""
    effects = NOTHING
    for contact, channel in asked:
        role = Role.REMINDER if attempt > 1 and incident.has_left(level, contact) else Role.PAGE
        incident, said = _say(incident, at, role, [(contact, level, channel)])
        incident = incident.paged(level, contact.number, channel, at, said.messages[0].number)
        effects += said
    return incident, effects


def _not_reached(incident: Incident, state: Open, event: DeliveryFailed) -> Step:
    """Page by the next channel whoever has one; if then nobody of the level can be reached, leave it at once."""
    if incident.contact(event.contact) is None:
        return incident, NOTHING
    failure = Unreached(event.level, event.contact, event.channel, event.why)
    after = replace(incident, unreached=(*(u for u in incident.unreached if u != failure), failure))
    if state.level == 0:
        return after, notes.failed(event)
    before, now = incident.asked(state.level), after.asked(state.level)
    if before and not now:
        after, effects = _leave_level(after, state.level, event.at, Ending.UNREACHABLE)
        return after, notes.failed(event) + effects
    after, effects = _page_by_another_channel(after, state, [who for who in now if who not in before], event.at)
    return after, notes.failed(event) + effects


def _page_by_another_channel(
    incident: Incident, state: Open, moved: Sequence[tuple[Contact, Channel]], at: datetime
) -> Step:
    if not moved:
        return incident, NOTHING
    after, effects = _page_each(incident, state.level, state.attempt, moved, at)
    # The wait starts afresh: these contacts hear of the incident only now.
    due_at = max(state.due_at, incident.wait_ends(state.level, at))
    return replace(after, state=replace(state, due_at=due_at)), effects


# --- answers


def _accepted(incident: Incident, reply: ReplyYes) -> Step:
    contact = incident.contact(reply.contact)
    if contact is None:
        return incident, NOTHING
    thanked, effects = _say(incident, reply.at, Role.THANKS, [_back_to(contact, reply)])
    after, more = _owned(thanked, Acknowledged(reply.at, contact.label, contact.number))
    return after, notes.said(reply) + effects + more


def _acknowledged_from_outside(incident: Incident, event: ApiAcknowledge) -> Step:
    return _owned(incident, Acknowledged(event.at, event.by, event.contact))


def _owned(incident: Incident, owned: Acknowledged) -> Step:
    """The incident has its owner; everybody else who was paged is told who it is."""
    owner = None if owned.contact is None else incident.contact(owned.contact)
    others = _everybody_paged(incident, but=owner)
    after, effects = _say(incident, owned.at, Role.TAKEN, others)
    entry = Entry(owned.at, Kind.ACKNOWLEDGED, contact=owned.contact, by=None if owned.contact else owned.by)
    return replace(after, state=owned), Effects(timeline=(entry,)) + effects


def _declined(incident: Incident, state: Open, reply: ReplyNo) -> Step:
    if incident.page(reply.level, reply.contact) is None:
        return incident, NOTHING
    if reply.level != state.level:
        return _only_answered(incident, reply, Role.ALREADY_ESCALATED)
    if incident.policy.on_no is OnNo.END:
        return _ended(incident, reply)
    answer = Role.NOTED if incident.next_level(state.level) is None else Role.DECLINED
    if (reply.level, reply.contact) in incident.declined:
        return _only_answered(incident, reply, answer)
    after = replace(incident, declined=(*incident.declined, (reply.level, reply.contact)))
    return _declined_once(after, state, reply, answer)


def _declined_once(incident: Incident, state: Open, reply: ReplyNo, answer: Role) -> Step:
    """Answer the contact; once nobody of the level is left to ask, go on at once."""
    others_asked = bool(incident.asked(state.level))
    sender = [_back_to(incident.contacts[reply.contact - 1], reply)]
    # Where nobody is left to ask at all, the sender is told that with everybody else.
    after, effects = _say(incident, reply.at, answer, sender if others_asked or answer is Role.DECLINED else [])
    if others_asked:
        return after, notes.said(reply) + effects
    after, more = _leave_level(after, state.level, reply.at, Ending.DECLINED)
    return after, notes.said(reply) + effects + more


def _ended(incident: Incident, reply: ReplyNo) -> Step:
    contact = incident.contacts[reply.contact - 1]
    told = [_back_to(contact, reply), *_everybody_paged(incident, but=contact)]
    after, effects = _say(incident, reply.at, Role.ENDED, told)
    ended = Cancelled(reply.at, contact.label, declined=True, contact=contact.number)
    entry = Entry(reply.at, Kind.DECLINED, contact=contact.number)
    return replace(after, state=ended), notes.said(reply) + Effects(timeline=(entry,)) + effects


def _cancelled(incident: Incident, event: ApiCancel) -> Step:
    after, effects = _say(incident, event.at, Role.CANCELLED, _everybody_paged(incident))
    entry = Entry(event.at, Kind.CANCELLED, by=event.by)
    return replace(after, state=Cancelled(event.at, event.by)), Effects(timeline=(entry,)) + effects


def _over(incident: Incident, at: datetime, why: Ending) -> Step:
    """All levels are over: the end, unless no page could be sent so far. Then all of them are tried again soon."""
    if not incident.may_begin_again:
        return _exhausted(incident, at, Ending.UNREACHABLE if why is Ending.NOT_SENT else why)
    since = min(page.at for page in incident.pages)
    trouble = NotSent(1, since, at) if incident.not_sent is None else incident.not_sent.again(at)
    if at >= trouble.ends_at:
        return _exhausted(incident, at, Ending.NOT_SENT)
    # Email or a voice may still get through: those of last resort do not wait for the end.
    after, effects = _say(incident, at, Role.LAST_RESORT, _last_resort(incident) if trouble.rounds == 1 else ())
    entry = Entry(at, Kind.NOT_SENT, why=f"{trouble.pause // timedelta(minutes=1)} min")
    state = Open(0, 0, min(at + trouble.pause, trouble.ends_at))
    return replace(after.as_if_new(), not_sent=trouble, state=state), Effects(timeline=(entry,)) + effects


def _exhausted(incident: Incident, at: datetime, why: Ending) -> Step:
    """Nobody is left to ask: say so to everybody paged, and use the channels of last resort."""
    paged = [one for one in _everybody_paged(incident) if incident.heard_of(one[0])]
    told, effects = _say(incident, at, Role.EXHAUSTED, paged)
    after, more = _say(told, at, Role.LAST_RESORT, _last_resort(incident))
    entry = Entry(at, Kind.UNACKNOWLEDGED, why=why.value)
    return replace(after, state=Unacknowledged(at, why)), Effects(timeline=(entry,)) + effects + more


def _only_answered(incident: Incident, reply: Reply, role: Role) -> Step:
    contact = incident.contact(reply.contact)
    if contact is None:
        return incident, NOTHING
    after, effects = _say(incident, reply.at, role, [_back_to(contact, reply)], passive=True)
    return after, notes.said(reply) + effects


# --- who is told, and what is written down

Told = tuple[Contact, int, Channel]
"""Somebody who gets a message: the contact, the level whose code it carries, the channel."""


def _say(incident: Incident, at: datetime, role: Role, to: Iterable[Told], *, passive: bool = False) -> Step:
    """The messages of one role with their lines on the timeline; the incident counts them."""
    messages = tuple(
        Message(number, role, contact.number, level, channel, passive)
        for number, (contact, level, channel) in enumerate(to, start=incident.sent + 1)
    )
    lines = tuple(
        Entry(at, Kind.SENT, level=m.level or None, contact=m.contact, channel=m.channel, role=role) for m in messages
    )
    return replace(incident, sent=incident.sent + len(messages)), Effects(messages, lines)


def _back_to(contact: Contact, reply: Reply) -> Told:
    """Where an answer to a reply goes: to the phone, or to who answered by the link in an email and has none."""
    return contact, reply.level, Channel.EMAIL if contact.phone is None else Channel.SMS


def _everybody_paged(incident: Incident, but: Contact | None = None) -> list[Told]:
    """Each person paged so far, on the channel they were last paged by, except where nothing arrives any more.

    A page that seems not to have left yet may be on its way; where none could be sent at all nobody has heard of it.
    """
    if incident.not_sent is not None:
        return []
    return [
        (contact, page.level, page.channel)
        for contact, page in incident.paged_people()
        if not (but is not None and contact.same_person(but)) and not incident.cut_off(contact, page.channel)
    ]


def _last_resort(incident: Incident) -> list[Told]:
    """Each address of each contact on the channels of last resort, once."""
    told: dict[tuple[Channel, str], Told] = {}
    for channel in incident.policy.last_resort:
        for contact in incident.contacts:
            address = contact.address(channel)
            if address is not None and not incident.cut_off(contact, channel):
                page = incident.last_page(contact.number)
                told.setdefault((channel, address), (contact, page.level if page else 0, channel))
    return list(told.values())


def _out_of_reach(incident: Incident, level: int) -> tuple[Contact, ...]:
    return tuple(contact for contact in incident.listed(level) if incident.channel(level, contact) is None)
