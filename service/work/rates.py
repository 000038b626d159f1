"""Rates shared by all processes: an item waits for its booked slot instead of holding a thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from service.core import parse_timestamp, timestamp
from service.storage import Item, Store
from service.work.tasks import Task, postponed

_SLOT = "slot"

SLOT_KEEPS = timedelta(seconds=5)
"""How late an item may still use the slot that was booked for it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `per_second` of something named `key`, such as one origination number's messages; `burst` at once."""

    key: str
    per_second: float
    burst: int = 1


def wait_for_slot(task: Task, rate: Rate, store: Store, slots: int = 1) -> Item | None:
    """None when the task's item may go now; else the item postponed to the slot booked for it, to be committed."""
    return wait_until_booked(task, lambda: store.reserve(rate.key, slots, rate.per_second, task.now, rate.burst))


def wait_until_booked(task: Task, book: Callable[[], datetime]) -> Item | None:
    """The same with any way to book: `book` answers from when on the item may go.

    The booking rides in the item's state, so coming back at the booked time does not book a second one. A slot missed
    by more than `SLOT_KEEPS` is booked anew, so that a backlog does not leave in one burst.
    """
    now = task.now
    booked = slot_of(task.item)
    if booked is None or booked < now - SLOT_KEEPS:
        booked = book()
    if booked > now:
        return postponed(task.item, booked, {**task.item.state, _SLOT: timestamp(booked)})
    # A later attempt of the same item is another message to the carrier and books again.
    task.item = structs.replace(
        task.item, state={name: kept for name, kept in task.item.state.items() if name != _SLOT}
    )
    return None


def slot_of(item: Item) -> datetime | None:
    """The slot that is booked for an item, if any."""
    booked = item.state.get(_SLOT)
    return parse_timestamp(booked) if isinstance(booked, str) else None
