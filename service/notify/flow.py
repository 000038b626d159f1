"""The life of a notification, one step for each time its item comes due.

accepted → judged → (held) → approved → expanded into batches, a few a step → translated, one language a step → batches
let go → completed when none is unfinished. Each step is one commit, so that a crash repeats at most one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from msgspec import structs

from service.core import TocsinError
from service.notify.audience import Addressees, expand
from service.notify.cancel import Cancellation
from service.notify.completion import Completion
from service.notify.model import (
    LEFT_TO_SEND,
    UNREACHED,
    Notification,
    Reopening,
    Retrying,
    Status,
    batch_id,
    batch_of,
    batches_of,
    changed_batch_item,
    count,
    notification_item,
    notification_of,
)
from service.notify.reviews import Reviewers, Validation
from service.notify.texts import Renditions
from service.recipients import Directory
from service.storage import Item, Store
from service.work import Commit, Task

BATCHES_A_STEP = 90
"""Pages that one commit lets go."""

SHORTEST_LOOK, FIRST_LOOK, LONGEST_LOOK = timedelta(milliseconds=20), timedelta(milliseconds=100), timedelta(seconds=1)
"""How soon, and how late at most, a notification looks again whether its batches are finished."""


class NothingDue(TocsinError):
    """An item came due although nothing is left to do in its state."""


@dataclass(frozen=True, slots=True)
class NotificationFlow:
    """Handles items of kind `notification`."""

    store: Store
    directory: Directory
    validation: Validation
    renditions: Renditions
    reviewers: Reviewers
    completion: Completion
    cancellation: Cancellation
    addressees: Addressees

    def handle(self, task: Task) -> Commit:
        """Take the next step."""
        notification = notification_of(task.item)
        match notification.status:
            case Status.ACCEPTED | Status.VALIDATING:
                return self._judge(task, notification)
            case Status.APPROVED:
                return self._expand(task, notification)
            case Status.TRANSLATING:
                return self._translate(task, notification)
            case Status.SENDING:
                return self._send(task, notification)
            case Status.CANCELLING:
                return self.cancellation.handle(task, notification)
            case (
                Status.HELD_FOR_REVIEW
                | Status.REJECTED
                | Status.COMPLETED
                | Status.COMPLETED_WITH_FAILURES
                | Status.CANCELLED
            ):
                raise NothingDue(f"nothing is due for a notification that is {notification.status}")

    def _judge(self, task: Task, notification: Notification) -> Commit:
        judged = self.validation.judged(notification, task.item.attempts)
        match judged.status:
            case Status.HELD_FOR_REVIEW:
                letters = self.reviewers.letters(judged, task.now)
                return Commit(notification_item(task.item, judged, None), spawn=letters)
            case Status.REJECTED:
                return self._end(task, judged, judged.status)
            case _:
                return Commit(notification_item(task.item, judged, max(task.now, judged.send_at or task.now)))

    def _expand(self, task: Task, notification: Notification) -> Commit:
        expanded, batches = expand(notification, self.directory, self.addressees)
        return Commit(notification_item(task.item, expanded, task.now), spawn=batches)

    def _translate(self, task: Task, notification: Notification) -> Commit:
        to_do = [language for language in notification.expansion.languages if language not in notification.translated]
        if not to_do:
            return Commit(notification_item(task.item, notification.moved(Status.SENDING), task.now))
        texts = self.renditions.texts(notification, to_do[0])
        done = replace(notification, translated=(*notification.translated, to_do[0]))
        after = done if to_do[1:] else done.moved(Status.SENDING)
        letters = self.reviewers.letters_about_drafts(texts, task.now)
        return Commit(notification_item(task.item, after, task.now), spawn=letters)

    def _send(self, task: Task, notification: Notification) -> Commit:
        if notification.expansion.released < notification.expansion.pages:
            return self._release(task, notification)
        if notification.reopening:
            return self._reopen(task, notification, notification.reopening[0])
        if notification.retrying:
            return self._retry(task, notification, notification.retrying[0])
        if unfinished := self.store.count("unfinished", notification.id):
            return _look_again(task, notification, unfinished)
        return self._complete(task, notification)

    def _release(self, task: Task, notification: Notification) -> Commit:
        expansion = notification.expansion
        last = min(expansion.pages, expansion.released + BATCHES_A_STEP)
        batches = self._batches(notification, expansion.released + 1, last)
        released = replace(notification, expansion=replace(expansion, released=last))
        let_go = [structs.replace(batch, due_at=task.now) for batch in batches]
        next_look = task.now if last < expansion.pages else task.now + FIRST_LOOK
        return Commit(notification_item(task.item, released, next_look), others=let_go)

    def _reopen(self, task: Task, notification: Notification, reopening: Reopening) -> Commit:
        """Let those batches go again on which somebody waited for the language."""
        last = min(notification.expansion.pages, reopening.next_page + BATCHES_A_STEP - 1)
        waiting = [
            changed_batch_item(item, batch, task.now)
            for item in self._batches(notification, reopening.next_page, last)
            if (batch := batch_of(item).reopened(reopening.language)) is not None
        ]
        rest = notification.reopening[1:]
        if last < notification.expansion.pages:
            rest = (replace(reopening, next_page=last + 1), *rest)
        after = replace(notification, reopening=rest)
        return Commit(notification_item(task.item, after, task.now), others=waiting)

    def _retry(self, task: Task, notification: Notification, retrying: Retrying) -> Commit:
        """Let those batches go again on which copies failed; nobody has them in hand, for the notification was over."""
        last = min(notification.expansion.pages, retrying.next_page + BATCHES_A_STEP - 1)
        failed = [
            changed_batch_item(item, batch, task.now)
            for item in self._batches(notification, retrying.next_page, last)
            if (batch := batch_of(item).retried(in_doubt=retrying.in_doubt)) is not None
        ]
        rest = notification.retrying[1:]
        if last < notification.expansion.pages:
            rest = (replace(retrying, next_page=last + 1), *rest)
        return Commit(notification_item(task.item, replace(notification, retrying=rest), task.now), others=failed)

    def _batches(self, notification: Notification, first: int, last: int) -> Sequence[Item]:
        names = [batch_id(notification.id, number) for number in range(first, last + 1)]
        return list(self.store.get_many(names).values())

    def _complete(self, task: Task, notification: Notification) -> Commit:
        counts = count(batch for _, batch in batches_of(self.store, notification.id))
        if counts.deliveries < notification.expansion.deliveries or counts.of(LEFT_TO_SEND):
            return _look_again(task, notification, 1)  # the index of batches lags behind
        unreached = counts.of(UNREACHED)
        return self._end(task, notification, Status.COMPLETED_WITH_FAILURES if unreached else Status.COMPLETED)

    def _end(self, task: Task, notification: Notification, status: Status) -> Commit:
        ended = notification.ended(status, task.now)
        return Commit(notification_item(task.item, ended, None), spawn=self.completion.callback(ended))


def _look_again(task: Task, notification: Notification, unfinished: int) -> Commit:
    """When the rest will be finished at the pace so far; soon at first, then ever less often: some wait for hours."""
    finished, so_far = notification.expansion.pages - unfinished, task.now - notification.accepted_at
    left = so_far * unfinished / finished if finished > 0 else FIRST_LOOK
    wait = min(LONGEST_LOOK, max(SHORTEST_LOOK, left, so_far / 100))
    return Commit(notification_item(task.item, notification, task.now + wait))
