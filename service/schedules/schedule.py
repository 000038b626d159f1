"""A schedule as it is kept, and its item: one item for each, due at its next occurrence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import structs

from service.core import Lane, TocsinError, from_state, to_state
from service.schedules.recurrence import NotACron, Recurrence
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
    """What recurs, for which app. `next_at` is the first occurrence that has not run yet; none runs while paused."""

    id: str
    recurrence: Recurrence
    makes: ScheduleTarget
    app: str
    created_at: datetime
    next_at: datetime
    last: Occurrence | None = None
    paused_at: datetime | None = None

    def occurrence_id(self, at: datetime) -> str:
        """The id of what an occurrence makes: the same however often it is begun."""
        return f"{self.id}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"

    def after(self, last: Occurrence, now: datetime) -> Schedule:
        """The schedule once an occurrence has run."""
        return replace(self, last=last, next_at=self.recurrence.after(max(now, last.at)))

    def paused(self, now: datetime) -> Schedule:
        """The schedule while it makes nothing, from now or from when it was paused before."""
        return replace(self, paused_at=self.paused_at or now)

    def resumed(self, now: datetime) -> Schedule:
        """The schedule that goes on with the next occurrence after now; unchanged if it is not paused."""
        return self if self.paused_at is None else replace(self, paused_at=None, next_at=self.recurrence.after(now))

    def next_runs(self, now: datetime, number: int) -> Sequence[datetime]:
        """The next so many occurrences; none while it is paused, and fewer where the calendar has no more."""
        if self.paused_at is not None:
            return ()
        runs = [self.next_at]
        try:
            while len(runs) < number:
                runs.append(self.recurrence.after(max(now, runs[-1])))
        except NotACron:
            pass  # it comes true no more within fifty years
        return runs


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
    """The item of a schedule that waits for its next occurrence, or is paused."""
    state = {**item.state, "schedule": to_state(schedule)}
    due_at = None if schedule.paused_at else schedule.next_at
    return structs.replace(item, state=state, due_at=due_at, attempts=0)


class UnreadableSchedule(TocsinError):
    """An item is not one that this release writes."""


def kept_in(item: Item) -> StoredSchedule:
    """The schedule in an item."""
    schedule, body = item.state.get("schedule"), item.state.get("body")
    if not isinstance(schedule, Mapping) or not isinstance(body, Mapping):
        raise UnreadableSchedule(f"item {item.id!r} is no schedule that this release writes")
    return StoredSchedule(from_state(Schedule, schedule), body)
