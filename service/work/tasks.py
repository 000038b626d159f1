"""What a handler is given and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

from msgspec import structs

from service.core import Clock
from service.storage import AuditEntry, Item, Store
from service.work.lanes import BEGUN_WITHIN


@dataclass(frozen=True, slots=True)
class Commit:
    """What one handling of an item commits, all at once: the item itself, other items, children, audit entries.

    `item.due_at` says what comes next: None when nothing is left to do, else when to be handled again.

    `anew` is for work that cannot be taken back, such as a send: it answers the step again with what the other items
    have become, when one of them was changed meanwhile, or raises `Conflict` if it was the item itself.
    """

    item: Item
    others: Sequence[Item] = ()
    spawn: Sequence[Item] = ()
    audit: Sequence[AuditEntry] = ()
    anew: Callable[[], Commit] | None = None


def joined(steps: Sequence[Commit], *others: Item) -> Commit:
    """Steps of different items as one, which commits all of them or none, and `others` with them."""
    first, *more = [step.item for step in steps]
    return Commit(
        first,
        [*more, *chain.from_iterable(step.others for step in steps), *others],
        list(chain.from_iterable(step.spawn for step in steps)),
        list(chain.from_iterable(step.audit for step in steps)),
    )


class Task:
    """One claimed item in a handler's hands."""

    def __init__(
        self, item: Item, store: Store, clock: Clock, lease: timedelta, is_stopping: Callable[[], bool] = lambda: False
    ) -> None:
        self.item = item
        self._store = store
        self._clock = clock
        self._lease = lease
        self._is_stopping = is_stopping

    @property
    def is_to_end(self) -> bool:
        """Whether the worker is about to stop: a handler that goes on by itself comes to an end."""
        return self._is_stopping()

    @property
    def now(self) -> datetime:
        """The present instant."""
        return self._clock.now()

    @property
    def begin_by(self) -> datetime:
        """Until when calls to providers may be begun, from now on."""
        return self.now + BEGUN_WITHIN

    def checkpoint(
        self, item: Item, *others: Item, spawn: Sequence[Item] = (), audit: Sequence[AuditEntry] = ()
    ) -> Sequence[Item]:
        """Commit in the middle of the work and renew the lease; `Conflict` when the item is no longer this task's.

        Answers the item and the others as they are stored now.

        Before a call that cannot be taken back (a send), commit that it is about to be made: after a crash only items
        so marked are in doubt.
        """
        leased = structs.replace(item, due_at=self.now + self._lease)
        stored = self._store.save_all((leased, *others), spawn=spawn, audit=audit, held=True)
        self.item = stored[0]
        return stored


def finished(item: Item, state: Mapping[str, object] | None = None) -> Item:
    """The item with nothing left to do: it stays as the record."""
    return structs.replace(item, state=item.state if state is None else state, due_at=None, attempts=0)


def waiting(item: Item, until: datetime, state: Mapping[str, object] | None = None) -> Item:
    """The item after a success, to be handled again at `until`: attempts are counted afresh."""
    return structs.replace(item, state=item.state if state is None else state, due_at=until, attempts=0)


def postponed(item: Item, until: datetime, state: Mapping[str, object] | None = None) -> Item:
    """The item as if it had not been claimed, due at `until`: waiting is not a failed attempt."""
    kept = item.state if state is None else state
    return structs.replace(item, state=kept, due_at=until, attempts=max(0, item.attempts - 1))
