"""The turns of a page that is sent: what goes next, what became of it, and how long the rest waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import structs

from service.notify import stalls
from service.notify.batch import DeliveryBatch
from service.notify.copies import Copy, PageContext
from service.notify.items import changed_page_item
from service.work import Step, Task


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing may leave before; `is_booked` when that is a place in the rates, which is then taken."""

    until: datetime
    is_booked: bool = False

    def of(self, page: DeliveryBatch, now: datetime) -> DeliveryBatch:
        """The page that waits so long: for its turn, or standing still."""
        if not self.is_booked:
            return stalls.standing(page, now)
        return structs.replace(stalls.queued(page, self.until - now), slots_booked=True)


@dataclass(frozen=True, slots=True)
class Onward:
    """What is sent next, and by what."""

    context: PageContext
    copies: Sequence[Copy]


@dataclass(frozen=True, slots=True)
class Done:
    """What became of some copies: what there is to commit, the page as it then is; `called` if a provider was asked."""

    step: Step
    page: DeliveryBatch
    called: bool

    def booked(self, task: Task, later: Later) -> Step:
        """The same to be committed, the rest of the page having booked its place."""
        return replace(self.step, item=changed_page_item(task.item, later.of(self.page, task.now), later.until))
