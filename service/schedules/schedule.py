"""A schedule as it is kept, and its item: one item for each, due at its next occurrence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import structs

from service.core import Lane, TocsinError, from_state, to_state
from service.schedules.recurrence import Recurrence
from service.storage import Item

KIND = "schedule"

ALL = ("schedules", "all")
"""Index and value under which every schedule is listed."""


class ScheduleTarget(StrEnum):
    """What each occurrence makes."""

    INCIDENT = "incident"
    NOTIFICATION = "notification"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """What became of a schedule at one instant: the id that it made, or the `problem` that kept it from that."""

    at: datetime
    id: str
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Schedule:
    """What recurs, for which app. `next_at` is the first occurrence that has not run yet."""

    id: str
    recurrence: Recurrence
    makes: ScheduleTarget
    app: str
    created_at: datetime
    next_at: datetime
    last: Occurrence | None = None

    def occurrence_id(self, at: datetime) -> str:
        """The id of what an occurrence makes: the same however often it is begun."""
        return f"{self.id}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def after(self, last: Occurrence, now: datetime) -> Schedule:
        """The schedule once an occurrence has run."""
        return replace(self, last=last, next_at=self.recurrence.after(max(now, last.at)))


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule with the body of what it makes, as the app sent it."""

    schedule: Schedule
    body: Mapping[str, object]


def item_id(schedule_id: str) -> str:
    """The id of a schedule's item."""
    return f"schedule-{schedule_id}"


def new_item(kept: StoredSchedule) -> Item:
    """The item of a schedule that was just made."""
    lane = Lane.INCIDENT if kept.schedule.makes is ScheduleTarget.INCIDENT else Lane.TRANSACTIONAL
    item = Item(item_id(kept.schedule.id), KIND, {"body": kept.body}, lane=lane, keys=dict([ALL]))
    return changed_item(item, kept.schedule)


def changed_item(item: Item, schedule: Schedule) -> Item:
    """The item of a schedule that waits for its next occurrence."""
    state = {**item.state, "schedule": to_state(schedule)}
    return structs.replace(item, state=state, due_at=schedule.next_at, attempts=0)


class UnreadableSchedule(TocsinError):
    """An item is not one that this release writes."""


def kept_in(item: Item) -> StoredSchedule:
    """The schedule in an item."""
    schedule, body = item.state.get("schedule"), item.state.get("body")
    if not isinstance(schedule, Mapping) or not isinstance(body, Mapping):
        raise UnreadableSchedule(f"item {item.id!r} is no schedule that this release writes")
    return StoredSchedule(from_state(Schedule, schedule), body)
