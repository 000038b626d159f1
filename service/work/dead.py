"""Dead items: what ran out of attempts or can never succeed. They are listed, explained and redriven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec import structs

from service.core import Lane, TocsinError, parse_timestamp, timestamp
from service.storage import AuditEntry, BadCursor, Conflict, Item, Page, Store
from service.work.lanes import BY_URGENCY
from service.work.retry import Backoff

INDEX = "dead"
"""The lookup index of dead items; its value is their lane."""

ONCE_MORE = Backoff(first=timedelta(minutes=1), longest=timedelta(minutes=10))
"""The waits between tries of dead work, for kinds that are tried on: meanwhile something stands still."""


class NotDead(TocsinError):
    """The item named for a redrive does not exist or is not dead."""


@dataclass(frozen=True, slots=True)
class DeadItem:
    """Why an item is dead, for the person who decides about it.

    `next_try` is when it is tried once more by itself; None if it waits for a redrive.
    """

    id: str
    kind: str
    lane: Lane
    why: str
    since: datetime
    attempts: int
    next_try: datetime | None = None


def mark_dead(item: Item, why: str, at: datetime) -> Item:
    """The item as a dead one: nothing is due, the reason stands in its state, the index lists it.

    One that was dead before keeps the time of its death.
    """
    dead = {"why": why, "since": timestamp(at), "attempts": item.attempts}
    if is_dead(item):
        before = explained(item)
        dead |= {"since": timestamp(before.since), "attempts": before.attempts + 1}
    return structs.replace(
        item, state={**item.state, "dead": dead}, due_at=None, keys={**item.keys, INDEX: item.lane.value}
    )


def tried_on(dead: Item, now: datetime, max_attempts: int, chance: float) -> Item:
    """A dead item that is due for a single attempt, later each time."""
    wait = ONCE_MORE.wait(explained(dead).attempts - max_attempts + 1, chance)
    return structs.replace(dead, due_at=now + wait, attempts=max_attempts - 1)


def wake(store: Store, lane: Lane, now: datetime, tried_on_for: Callable[[str], timedelta], max_attempts: int) -> None:
    """Let dead work be due for a single attempt that is to be tried on and is not: earlier releases left it lying."""
    cursor: str | None = None
    while True:
        page = store.by_index(INDEX, lane.value, cursor=cursor, limit=50)
        for item in page.items:
            lies = is_dead(item) and item.due_at is None
            if lies and now - explained(item).since < tried_on_for(item.kind):
                with suppress(Conflict):  # another worker does the same
                    store.save(structs.replace(item, due_at=now, attempts=max_attempts - 1))
        cursor = page.cursor
        if cursor is None:
            return


def is_dead(item: Item) -> bool:
    """Whether an item bears the mark of a dead one."""
    return INDEX in item.keys and "dead" in item.state


def alive(item: Item) -> Item:
    """The item without the mark of a dead one."""
    if INDEX not in item.keys:
        return item
    state = {name: value for name, value in item.state.items() if name != "dead"}
    keys = {index: value for index, value in item.keys.items() if index != INDEX}
    return structs.replace(item, state=state, keys=keys)


def still_dead(before: Item, after: Item) -> Item:
    """`after` with the mark that `before` bears if it is dead: what changes beside a dead item does not wake it."""
    if INDEX not in before.keys:
        return after
    state = {**after.state, "dead": before.state["dead"]}
    return structs.replace(after, state=state, keys={**after.keys, INDEX: before.keys[INDEX]})


def explained(item: Item) -> DeadItem:
    """The explanation of a dead item; `NotDead` for any other."""
    match item.state.get("dead"):
        case {"why": str(why), "since": str(since), "attempts": int(attempts)}:
            return DeadItem(item.id, item.kind, item.lane, why, parse_timestamp(since), attempts, item.due_at)
        case _:
            raise NotDead(f"item {item.id!r} is not dead: `tocsin dead list` shows those that are")


def dead_items(store: Store, lane: Lane, *, cursor: str | None = None, limit: int = 50) -> Page[DeadItem]:
    """One page of a lane's dead items, in the order of their ids."""
    page = store.by_index(INDEX, lane.value, cursor=cursor, limit=limit)
    return Page([explained(item) for item in page.items if is_dead(item)], page.cursor)


def dead_items_of_all(store: Store, *, cursor: str | None = None, limit: int = 50) -> Page[DeadItem]:
    """One page of all lanes' dead items, the most urgent lane first; a cursor says in which lane it goes on, and where.

    The page may be the last although it has a cursor.
    """
    name, _, inner = (cursor or f"{BY_URGENCY[0]} ").partition(" ")
    if name not in BY_URGENCY:
        raise BadCursor
    items: list[DeadItem] = []
    for lane in BY_URGENCY[BY_URGENCY.index(Lane(name)) :]:
        if len(items) == limit:
            return Page(items, f"{lane} ")
        page = dead_items(store, lane, cursor=inner or None, limit=limit - len(items))
        items += page.items
        if page.cursor is not None:
            return Page(items, f"{lane} {page.cursor}")
        inner = ""
    return Page(items, None)


def all_dead_items(store: Store) -> Iterator[DeadItem]:
    """Every dead item, the most urgent lane first."""
    for lane in BY_URGENCY:
        page = dead_items(store, lane)
        yield from page.items
        while page.cursor:
            page = dead_items(store, lane, cursor=page.cursor)
            yield from page.items


def redrive(store: Store, item_id: str, now: datetime, audit: Sequence[AuditEntry] = ()) -> Item:
    """Let a dead item be handled again, now and with fresh attempts; `NotDead` if there is no such dead item.

    `audit` is written with it.
    """
    item = store.get(item_id)
    if item is None:
        raise NotDead(f"there is no item {item_id!r}: `tocsin dead list` shows the ids")
    explained(item)
    return store.save(structs.replace(alive(item), due_at=now, attempts=0), audit=audit)
