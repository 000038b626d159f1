"""Which handler serves which kind of item."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from service.errors import TocsinError
from service.storage import Item
from service.work.retry import RetryLater
from service.work.steps import Step, Task

Handler = Callable[[Task], Step]
"""Does what is due for one item and says what to commit.

A failure of `service.work.retry.RETRYABLE` is tried again; any other `TocsinError` makes the item dead at once.
"""

Burial = Callable[[Item, str], Step]
"""What a kind commits with an item that becomes dead for the given reason, such as a delivery that has failed."""


class NoHandler(RetryLater):
    """Nobody here handles the kind; a worker of another release may."""


class HandledTwice(TocsinError):
    """Two handlers claim one kind: a mistake of the composition root."""


@dataclass(frozen=True, slots=True)
class Duty:
    """How one kind of item is served."""

    kind: str
    handle: Handler
    on_dead: Burial | None = None


class Registry:
    """The duties of a worker, by kind."""

    def __init__(self, duties: Iterable[Duty] = ()) -> None:
        self._duties: dict[str, Duty] = {}
        for duty in duties:
            self.register(duty)

    def register(self, duty: Duty) -> None:
        """Add a duty; `HandledTwice` if its kind is taken."""
        if duty.kind in self._duties:
            raise HandledTwice(f"two handlers are registered for items of kind {duty.kind!r}: remove one")
        self._duties[duty.kind] = duty

    def duty(self, kind: str) -> Duty:
        """Who serves `kind`; `NoHandler` if nobody does."""
        if kind not in self._duties:
            raise NoHandler(
                f"no handler is registered for items of kind {kind!r}: start a worker of the release that made it"
            )
        return self._duties[kind]

    def burial(self, kind: str) -> Burial | None:
        """What `kind` commits with a dead item, if anything."""
        return self._duties[kind].on_dead if kind in self._duties else None
