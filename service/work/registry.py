"""Which handler serves which kind of item."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.core.errors import TocsinError
from service.storage import Item
from service.work.retry import RetryLater
from service.work.steps import Step, Task

FOR_EVER = timedelta.max
"""For how long dead work is tried on at most."""

TOGETHER = 10
"""Items of one kind that are handled and committed at once: 100 writes fit, and the end of an incident takes ten."""

Handler = Callable[[Task], Step]
"""Does what is due for one item and says what to commit.

A failure of `service.work.retry.RETRYABLE` is tried again; any other `TocsinError` makes the item dead at once.
"""

Together = Callable[[Sequence[Task]], Step]
"""Does what is due for several items of a kind at once and says what to commit for all of them, or fails for all.

It must do nothing but answer its step: on any failure, a lost commit included, the same items are handled again, by
halves and in the end one by one by the kind's `Handler`.
"""

Burial = Callable[[Item, str], Step]
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
    `tried_on_for` is how long an item that became dead is still tried, ever more seldom, though it is listed as dead:
    for kinds whose end would leave somebody waiting without a word.
    """

    kind: str
    handle: Handler
    on_dead: Burial | None = None
    together: Together | None = None
    computes: Callable[[Item], bool] = _waits
    tried_on_for: timedelta = timedelta(0)


class HandlerRegistry:
    """The duties of a worker, by kind."""

    def __init__(self, duties: Iterable[TaskHandler] = ()) -> None:
        self._duties: dict[str, TaskHandler] = {}
        for duty in duties:
            self.register(duty)

    def register(self, duty: TaskHandler) -> None:
        """Add a duty; `HandledTwice` if its kind is taken."""
        if duty.kind in self._duties:
            raise HandledTwice(f"two handlers are registered for items of kind {duty.kind!r}: remove one")
        self._duties[duty.kind] = duty

    def duty(self, kind: str) -> TaskHandler:
        """Who serves `kind`; `NoHandler` if nobody does."""
        if kind not in self._duties:
            raise NoHandler(
                f"no handler is registered for items of kind {kind!r}: start a worker of the release that made it"
            )
        return self._duties[kind]

    def together(self, kind: str) -> Together | None:
        """How several items of `kind` are handled at once, if they are."""
        return self._duties[kind].together if kind in self._duties else None

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

    def burial(self, kind: str) -> Burial | None:
        """What `kind` commits with a dead item, if anything."""
        return self._duties[kind].on_dead if kind in self._duties else None

    def tried_on_for(self, kind: str) -> timedelta:
        """How long dead items of `kind` are still tried."""
        return self._duties[kind].tried_on_for if kind in self._duties else timedelta(0)
