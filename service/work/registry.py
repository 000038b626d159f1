"""Which handler serves which kind of item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.core import TocsinError
from service.storage import Item
from service.work.retry import RetryLater
from service.work.tasks import Commit, Task

FOR_EVER = timedelta.max
"""For how long dead work is tried on at most."""

TOGETHER = 10
"""Items of one kind that are handled and committed at once: 100 writes fit, and the end of an incident takes ten."""

Handler = Callable[[Task], Commit]
"""Does what is due for one item and says what to commit.

A failure of `service.work.retry.RETRYABLE` is tried again; any other `TocsinError` makes the item dead at once.
"""

BatchHandler = Callable[[Sequence[Task]], Commit]
"""Does what is due for several items of a kind at once and says what to commit for all of them, or fails for all.

It must only return its commit: on any failure, a lost commit included, the same items are handled again, by
halves and in the end one by one by the kind's `Handler`.
"""

OnDead = Callable[[Item, str], Commit]
"""What a kind commits with an item that becomes dead for the given reason, such as a delivery that has failed."""


class NoHandler(RetryLater):
    """Nobody here handles the kind; a worker of another release may."""


class HandledTwice(TocsinError):
    """Two handlers claim one kind: a mistake of the composition root."""


def _waits(_: Item) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class TaskHandler:
    """How one kind of item is served.

    `computes` says of an item that handling it waits for nobody outside: a process then handles one of a lane at a
    time, for a second thread of Python would only interrupt the first, and commits what others came to meanwhile.
    `tried_on_for` is how long an item that became dead is still tried, less and less often, although it is listed as
    dead: for kinds whose end would leave somebody waiting without a word.
    """

    kind: str
    handle: Handler
    on_dead: OnDead | None = None
    together: BatchHandler | None = None
    computes: Callable[[Item], bool] = _waits
    tried_on_for: timedelta = timedelta(0)


class HandlerRegistry:
    """The handlers of a worker, by kind."""

    def __init__(self, handlers: Iterable[TaskHandler] = ()) -> None:
        self._handlers: dict[str, TaskHandler] = {}
        for handler in handlers:
            self.register(handler)

    def register(self, handler: TaskHandler) -> None:
        """Add a handler; `HandledTwice` if its kind is taken."""
        if handler.kind in self._handlers:
            raise HandledTwice(f"two handlers are registered for items of kind {handler.kind!r}: remove one")
        self._handlers[handler.kind] = handler

    def handler(self, kind: str) -> TaskHandler:
        """Who serves `kind`; `NoHandler` if nobody does."""
        if kind not in self._handlers:
            raise NoHandler(
                f"no handler is registered for items of kind {kind!r}: start a worker of the release that made it"
            )
        return self._handlers[kind]

    def together(self, kind: str) -> BatchHandler | None:
        """How several items of `kind` are handled at once, if they are."""
        return self._handlers[kind].together if kind in self._handlers else None

    def batches(self, items: Iterable[Item]) -> Iterator[Sequence[Item]]:
        """The items as they are handled: of a kind that is handled together up to `TOGETHER`, others one by one.

        One that was begun before goes alone: it may be what kept the others from being finished.
        """
        alike: dict[str, list[Item]] = {}
        for item in items:
            if item.attempts == 1 and self.together(item.kind) is not None:
                alike.setdefault(item.kind, []).append(item)
            else:
                yield [item]
        for batch in alike.values():
            yield from (batch[start : start + TOGETHER] for start in range(0, len(batch), TOGETHER))

    def on_dead(self, kind: str) -> OnDead | None:
        """What `kind` commits with a dead item, if anything."""
        return self._handlers[kind].on_dead if kind in self._handlers else None

    def tried_on_for(self, kind: str) -> timedelta:
        """How long dead items of `kind` are still tried."""
        return self._handlers[kind].tried_on_for if kind in self._handlers else timedelta(0)
