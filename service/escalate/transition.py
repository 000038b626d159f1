"""What an incident becomes when something happens to it: pure, and total over every state and event.

The shell loads the incident, calls `transition` and commits the new incident with its effects in one go; a process
that loses that commit looks again. Nothing here reads a clock, a store or a phone.
"""

from __future__ import annotations

from typing import assert_never

from service.escalate import answering, notes, owning, paging, unclear
from service.escalate.effects import NOTHING, Effects, Entry, TimelineKind
from service.escalate.events import (
    ApiAcknowledge,
    ApiCancel,
    ApiEscalate,
    ApiNote,
    ApiReopen,
    ApiResolve,
    DeliveryFailed,
    Event,
    FromApi,
    Opened,
    PageSent,
    Reply,
    ReplyDone,
    ReplyLater,
    ReplyNo,
    ReplyUnclear,
    ReplyUndo,
    ReplyWho,
    ReplyYes,
    SameAlert,
    Timer,
)
from service.escalate.incident import Incident
from service.escalate.policy import Role
from service.escalate.saying import Transition, only_answered
from service.escalate.states import Acknowledged, Cancelled, Open, Resolved, Unacknowledged

Decisive = Opened | Timer | PageSent | Reply | DeliveryFailed | FromApi
"""What the state of an incident decides about; a note and an unclear answer are written down in any."""


def transition(incident: Incident, event: Event) -> Transition:
    """The incident after `event`, and what must then be done. An event that was applied before changes nothing."""
    match event:
        case Opened() | Timer() | PageSent():
            return _happens(incident, event)
        case _ if event.id in incident.seen:
            return incident, NOTHING
        case _:
            after, effects = _happens(incident, event)
            return after.having_seen(event.id), effects


def _happens(incident: Incident, event: Event) -> Transition:
    match event:
        case ApiNote():
            return incident, notes.note(event)
        case ReplyUnclear():
            return unclear.unclear(incident, event)
        case _:
            return _in_its_state(incident, event)


def _in_its_state(incident: Incident, event: Decisive) -> Transition:
    match incident.state:
        case Open() as state:
            return _while_open(incident, state, event)
        case Unacknowledged():
            return _after_exhaustion(incident, event)
        case Acknowledged() as state:
            return _while_acknowledged(incident, state, event)
        case Resolved() as state:
            return _when_resolved(incident, state, event)
        case Cancelled(declined=declined):
            return _when_over(incident, event, Role.ENDED if declined else Role.CANCELLED)
        case _:
            assert_never(incident.state)


def _while_open(incident: Incident, state: Open, event: Decisive) -> Transition:
    match event:
        case Opened():
            is_new = state.level == 0 and incident.not_sent is None and not incident.pages
            return paging.begin(incident, event.at) if is_new else (incident, NOTHING)
        case Timer():
            return paging.time_is_up(incident, state, event) if event.at >= state.due_at else (incident, NOTHING)
        case PageSent():
            return paging.page_left(incident, state, event)
        case DeliveryFailed():
            return paging.not_reached(incident, state, event)
        case ReplyYes() | ReplyNo() | ReplyDone() | ReplyUndo() | ReplyLater() | ReplyWho():
            return _open_and_answered(incident, state, event)
        case _:
            return _open_and_changed(incident, state, event)


def _open_and_answered(incident: Incident, state: Open, reply: Reply) -> Transition:
    match reply:
        case ReplyYes():
            return answering.accepted(incident, reply)
        case ReplyNo():
            return answering.declined(incident, state, reply)
        case ReplyDone():
            return owning.done(incident, reply)
        case ReplyUndo():
            return answering.no_taken_back(incident, reply)
        case ReplyLater():
            return answering.postponed(incident, state, reply)
        case ReplyWho():
            return only_answered(incident, reply, Role.STATUS)
        case _:
            assert_never(reply)


def _open_and_changed(incident: Incident, state: Open, event: FromApi) -> Transition:
    match event:
        case ApiAcknowledge():
            return answering.acknowledged_by_api(incident, event)
        case ApiCancel():
            return answering.cancelled(incident, event)
        case ApiResolve():
            return owning.resolved_by_api(incident, event)
        case ApiEscalate():
            return answering.passed_on(incident, state, event)
        case SameAlert():
            return _once_more(incident, event)
        case ApiReopen() | ApiNote():
            return incident, NOTHING
        case _:
            assert_never(event)


def _while_acknowledged(incident: Incident, state: Acknowledged, event: Decisive) -> Transition:
    match event:
        case Timer():
            is_due = state.due_at is not None and event.at >= state.due_at
            return owning.time_to_renew(incident, state, event.at) if is_due else (incident, NOTHING)
        case PageSent():
            return owning.question_left(incident, state, event.level, event.at)
        case DeliveryFailed():
            return incident, notes.failed(event)
        case Opened():
            return incident, NOTHING
        case ReplyYes() | ReplyNo() | ReplyDone() | ReplyUndo() | ReplyLater() | ReplyWho():
            return _acknowledged_and_answered(incident, state, event)
        case _:
            return _acknowledged_and_changed(incident, state, event)


def _acknowledged_and_answered(incident: Incident, state: Acknowledged, reply: Reply) -> Transition:
    match reply:
        case ReplyYes():
            return owning.yes_again(incident, state, reply)
        case ReplyNo() | ReplyUndo():
            return owning.taken_back(incident, state, reply)
        case ReplyDone():
            return owning.done(incident, reply)
        case ReplyLater():
            return owning.later(incident, state, reply)
        case ReplyWho():
            mine = incident.is_owner(reply.contact)
            return only_answered(incident, reply, Role.YOURS if mine else Role.ALREADY_ACKNOWLEDGED)
        case _:
            assert_never(reply)


def _acknowledged_and_changed(incident: Incident, state: Acknowledged, event: FromApi) -> Transition:
    match event:
        case ApiAcknowledge():
            return owning.renewed_by_api(incident, state, event)
        case ApiResolve():
            return owning.resolved_by_api(incident, event)
        case ApiEscalate():
            return owning.passed_on(incident, event)
        case ApiReopen():
            return owning.reopened(incident, event)
        case SameAlert():
            return _once_more(incident, event)
        case ApiCancel() | ApiNote():
            return incident, NOTHING
        case _:
            assert_never(event)


def _after_exhaustion(incident: Incident, event: Decisive) -> Transition:
    match event:
        case ReplyYes():
            return answering.accepted(incident, event)
        case ReplyDone():
            return owning.done(incident, event)
        case ReplyUndo():
            return answering.no_taken_back(incident, event)
        case ApiAcknowledge():
            return answering.acknowledged_by_api(incident, event)
        case ApiCancel():
            return answering.cancelled(incident, event)
        case ApiResolve():
            return owning.resolved_by_api(incident, event)
        case _:
            return _when_over(incident, event, Role.EXHAUSTED)


def _when_resolved(incident: Incident, state: Resolved, event: Decisive) -> Transition:
    match event:
        case ReplyUndo():
            return owning.done_taken_back(incident, state, event)
        case _:
            return _when_over(incident, event, Role.RESOLVED)


def _when_over(incident: Incident, event: Decisive, answer: Role) -> Transition:
    """Only the API begins it again: replies are answered, late failures are written down."""
    match event:
        case ReplyYes() | ReplyNo() | ReplyDone() | ReplyUndo() | ReplyLater() | ReplyWho():
            return only_answered(incident, event, answer)
        case DeliveryFailed():
            return incident, notes.failed(event)
        case ApiReopen():
            return owning.reopened(incident, event)
        case Opened() | Timer() | PageSent():
            return incident, NOTHING
        case ApiAcknowledge() | ApiCancel() | ApiResolve() | ApiEscalate() | SameAlert() | ApiNote():
            return incident, NOTHING
        case _:
            assert_never(event)


def _once_more(incident: Incident, event: SameAlert) -> Transition:
    entry = Entry(event.at, TimelineKind.SAME_ALERT, origin=event.origin)
    return incident.once_more(), Effects(timeline=(entry,))
