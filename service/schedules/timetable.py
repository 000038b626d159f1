"""All schedules: made, listed, deleted, and run when their time has come."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import structs

from service.core import TocsinError
from service.schedules.makers import CannotMake, TargetMaker
from service.schedules.schedule import (
    ALL,
    KIND,
    Occurrence,
    ScheduleTarget,
    StoredSchedule,
    changed_item,
    item_id,
    kept_in,
    new_item,
)
from service.storage import AlreadyExists, AuditEntry, Conflict, Item, Page, Store
from service.work import Commit, Task, finished, postponed

logger = logging.getLogger(__name__)


class NoSuchSchedule(TocsinError):
    """No schedule has this id."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """The schedules of an installation."""

    store: Store
    makers: Mapping[ScheduleTarget, TargetMaker]

    def add(self, kept: StoredSchedule, audit: Sequence[AuditEntry] = ()) -> StoredSchedule:
        """Keep a new schedule, durably; the one that has its id already, if there is one. `CannotMake`."""
        self.check(kept)
        try:
            self.store.add(new_item(kept), audit=audit)
        except AlreadyExists:
            return self.get(kept.schedule.id)
        return kept

    def get(self, schedule_id: str) -> StoredSchedule:
        """One schedule; `NoSuchSchedule`."""
        return kept_in(self._item(schedule_id))

    def listed(self, cursor: str | None, limit: int) -> Page[StoredSchedule]:
        """All schedules, oldest first."""
        page = self.store.by_index(*ALL, cursor=cursor, limit=limit)
        return Page([kept_in(item) for item in page.items], page.cursor)

    def remove(self, schedule_id: str) -> None:
        """Let a schedule run no more; what it made stays. `NoSuchSchedule`."""
        while True:
            item = self._item(schedule_id)
            try:
                self.store.remove(item)
            except Conflict:
                continue  # it came due at this moment
            return

    def check(self, kept: StoredSchedule) -> None:
        """Raise `CannotMake` if nothing could be made of the body of a schedule now."""
        self.makers[kept.schedule.makes].check(kept.body)

    def change(
        self,
        schedule_id: str,
        change: Callable[[StoredSchedule], StoredSchedule],
        audit: Sequence[AuditEntry] = (),
    ) -> StoredSchedule:
        """Change a schedule, durably; `change` is asked again where it came due meanwhile. `NoSuchSchedule`."""
        while True:
            item = self._item(schedule_id)
            changed = change(kept_in(item))
            state = structs.replace(item, state={**item.state, "body": changed.body})
            try:
                self.store.save(changed_item(state, changed.schedule), audit=audit)
            except Conflict:
                continue
            return changed

    def run(self, schedule_id: str, now: datetime, audit: Sequence[AuditEntry] = ()) -> StoredSchedule:
        """Make one now beside those of the clock, once within a second. `NoSuchSchedule`, `CannotMake`."""
        kept = self.get(schedule_id)
        name = kept.schedule.occurrence_id(now)
        self.makers[kept.schedule.makes].make(kept.body, name, kept.schedule.app)
        done = Occurrence(now, name)
        return self.change(schedule_id, lambda each: replace(each, schedule=replace(each.schedule, last=done)), audit)

    def on_time(self, task: Task) -> Commit:
        """Run the latest occurrence that is due, and wait for the next one.

        Occurrences that no worker was there to run are left out, except the latest. What cannot be made, because a
        recipient or policy is gone, is noted in the schedule, which goes on.
        """
        kept, now = kept_in(task.item), task.now
        if kept.schedule.paused_at is not None:
            return Commit(finished(task.item))
        latest = kept.schedule.recurrence.latest(now)
        if latest < kept.schedule.next_at:  # early: the clock of whoever claimed it was ahead
            return Commit(postponed(task.item, kept.schedule.next_at))
        done = self._run(kept, latest)
        return Commit(changed_item(task.item, kept.schedule.after(done, now)))

    def _run(self, kept: StoredSchedule, at: datetime) -> Occurrence:
        schedule = kept.schedule
        name = schedule.occurrence_id(at)
        extra = {"schedule_id": schedule.id, "occurrence_id": name}
        try:
            self.makers[schedule.makes].make(kept.body, name, schedule.app)
        except CannotMake as error:
            # The problem may name an address; it stands in the schedule, not in the log.
            logger.warning("Schedule %s could not make its %s", schedule.id, schedule.makes.value, extra=extra)
            return Occurrence(at, name, str(error))
        logger.info("Schedule %s made its %s", schedule.id, schedule.makes.value, extra=extra)
        return Occurrence(at, name)

    def _item(self, schedule_id: str) -> Item:
        item = self.store.get(item_id(schedule_id))
        if item is None or item.kind != KIND:
            raise NoSuchSchedule(f"There is no schedule {schedule_id!r}.")
        return item
