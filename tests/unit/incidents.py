"""Incidents to begin tests with: opened by the public doors, never put together from their inner parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from service.core.enums import Channel
from service.escalate.effects import Effects, IncidentMessage
from service.escalate.events import DeliveryFailed, Event, Failure, Opened, PageSent, ReplyNo, ReplyYes, Timer
from service.escalate.incident import Contact, Incident
from service.escalate.policy import EscalationPolicy, Level, OnNo, Role
from service.escalate.states import Open
from service.escalate.transition import transition
from service.escalate.waits import WaitFor

START = datetime(2026, 5, 10, 9, 0, tzinfo=UTC)
WAIT = timedelta(seconds=40)

ANN = Contact(1, phone="+447700900123", name="Ann", email="ann@example.com", language="en")
BEN = Contact(2, phone="+447700900456", name="Ben", language="de")
CLEO = Contact(3, phone="+447700900789")


def level(*contacts: int, channels: Sequence[Channel] = (Channel.SMS,), reminders: int = 1) -> Level:
    return Level(contacts, tuple(channels), WaitFor(int(WAIT.total_seconds())), reminders)


def policy(*levels: Level, on_no: OnNo = OnNo.ESCALATE, last_resort: Sequence[Channel] = ()) -> EscalationPolicy:
    return EscalationPolicy("default", levels or (level(1), level(2)), on_no, tuple(last_resort))


def new(contacts: Sequence[Contact] = (ANN, BEN), under: EscalationPolicy | None = None) -> Incident:
    """An incident that has paged nobody yet."""
    return Incident(
        id="123",
        description="Error 111, unit 1 malfunctioned. Urgent assistance is required.",
        url="https://example.com/incident/111/overview",
        contacts=tuple(contacts),
        policy=under or policy(),
        opened_at=START,
        state=Open(0, 0, START),
    )


def opened(contacts: Sequence[Contact] = (ANN, BEN), under: EscalationPolicy | None = None) -> Incident:
    """An incident whose first level has just been paged, its pages having left."""
    return after(new(contacts, under), Opened(START))


def after(incident: Incident, *events: Event) -> Incident:
    """What the incident is once these events have happened, each page having left at once."""
    for event in events:
        incident, effects = transition(incident, event)
        incident = all_left(incident, effects, event.at)
    return incident


def all_left(incident: Incident, effects: Effects, left_at: datetime) -> Incident:
    """The incident once every page among the messages has left."""
    for message in effects.messages:
        if message.role in (Role.PAGE, Role.REMINDER):
            incident, _ = transition(incident, page_sent(message, left_at))
    return incident


def page_sent(message: IncidentMessage, left_at: datetime) -> PageSent:
    return PageSent(left_at, message.contact, message.level, message.channel, message.number, left_at)


def sent(effects: Effects) -> list[tuple[str, int, str]]:
    """The messages as (role, contact, channel)."""
    return [(message.role.value, message.contact, message.channel.value) for message in effects.messages]


def at(waits: int) -> Timer:
    return Timer(START + waits * WAIT)


def yes(contact: int, level: int, event: str = "yes") -> ReplyYes:
    return ReplyYes(event, START + timedelta(seconds=5), contact, level)


def no(contact: int, level: int, event: str = "no") -> ReplyNo:
    return ReplyNo(event, START + timedelta(seconds=5), contact, level)


def failed(
    contact: int, level: int, channel: Channel = Channel.SMS, why: Failure = Failure.OPTED_OUT
) -> DeliveryFailed:
    return DeliveryFailed(
        f"failed-{contact}-{level}-{channel}", START + timedelta(seconds=1), contact, level, channel, why
    )
