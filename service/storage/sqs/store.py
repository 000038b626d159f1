"""DynamoDB holds the items, SQS says which are due: workers scale on a queue's depth and never fight over an index.

    save ── commit ──► item, to be looked at when it is overdue ── its id, with a delay ──► queue of its lane
    claim ◄── one conditional write for each id received: the item alone decides whether it is due
    upkeep ── items to be looked at (far timers now within reach, overdue ones) ── their ids again ──► queue

A notice may be lost, late or doubled without harm: lost, upkeep sends it again within seconds; doubled, the second
finds the item claimed.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from service.core import Clock, Lane, SystemClock
from service.storage.aws_calls import AwsCalls
from service.storage.aws_time import MOST_SKEW
from service.storage.commits import ItemRow, instant, micros
from service.storage.dynamodb import DynamoStore, TableNames
from service.storage.dynamodb import connect as connect_dynamodb
from service.storage.dynamodb.items import DueHint, MissedClaim
from service.storage.dynamodb.store import SHARDS
from service.storage.sqs.held_messages import HeldMessages
from service.storage.sqs.listening import PATIENCE, Bell, QueueListener
from service.storage.sqs.queues import (
    AT_ONCE,
    HIDDEN_FOR,
    LONGEST_DELAY,
    POLLED_WITHIN_S,
    Notice,
    QueueNames,
    Queues,
    ReceivedNotice,
)
from service.storage.sqs.queues import connect as connect_sqs
from service.storage.store import Item, StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

logger = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=10)
"""How long an item may be overdue before its notice counts as lost: what a crash between write and send costs."""

EARLY = 2 * MOST_SKEW
"""A notice that comes at most this early comes of clocks that differ, ours or its sender's: it is given back."""

A_MOMENT = timedelta(seconds=1)
"""A notice that comes at most this early was delayed by whole seconds: it is kept in hand until its time."""

SWEEP_AT_ONCE = 200
"""Items of a lane that one upkeep handles."""

_TRIES = 2  # upkeep sends again what a web request should not wait for
_SYSTEM_CLOCK = SystemClock()
_TABLES, _QUEUES = TableNames(), QueueNames()


def look_at(due_at: int, now: int) -> int:
    """When upkeep has to look at an item that is saved now: before it comes within reach of a delay, or overdue."""
    if due_at - now > LONGEST_DELAY // timedelta(microseconds=1):
        return due_at - LONGEST_DELAY // timedelta(microseconds=1)
    return max(due_at, now) + AGAIN_AFTER // timedelta(microseconds=1)


def look_again_at(due_at: datetime, now: datetime) -> datetime:
    """When to look after a notice was sent: less and less often, so that a long backlog is not sent again and again."""
    overdue = max(now - due_at, timedelta(0))
    return max(due_at, now) + max(AGAIN_AFTER, overdue)


class QueuedStore(DynamoStore):
    """A `DynamoStore` that sends ids of due items to their lane's queue, and claims what the queues name."""

    def __init__(
        self,
        connect: Callable[[], DynamoDBClient] = connect_dynamodb,
        connect_queues: Callable[[], SQSClient] = connect_sqs,
        tables: TableNames = _TABLES,
        queues: QueueNames = _QUEUES,
        clock: Clock = _SYSTEM_CLOCK,
        *,
        connect_for_many: Callable[[], DynamoDBClient] | None = None,
        connect_to_send: Callable[[], SQSClient] | None = None,
        bell: Bell | None = None,
        patience: timedelta = PATIENCE,
        shards: int = SHARDS,
        pause: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`bell` is for a process that claims again and again: polls of `patience` ring it when there is something."""
        super().__init__(
            connect,
            tables,
            clock,
            connect_for_many=connect_for_many,
            shards=shards,
            look=look_at,
            pause=pause,
            chance=chance,
        )
        polls = AwsCalls(
            *("SQS", connect_queues, pause, chance, _TRIES), answered_within=POLLED_WITHIN_S, server_time=self._time
        )
        calls = polls
        if connect_to_send is not None:
            calls = AwsCalls("SQS", connect_to_send, pause, chance, _TRIES, server_time=self._time)
        self._queues = Queues(calls, polls, queues)
        self._in_hand = HeldMessages()
        self._listening = QueueListener(self._queues, bell, patience)

    def claim(self, lane: Lane, now: datetime, lease: timedelta, limit: int) -> Sequence[Item]:
        if self._clock_is_off():
            self._give_back((*self._listening.untaken(), *self._in_hand.give_up()))
            return ()
        claimed = self._take_each(lane, self._in_hand.ripe(lane, now, limit), now, lease)
        while len(claimed) < limit:
            messages = self._listening.receive(lane, limit - len(claimed))
            if not messages:
                break
            if self._time.is_off:
                self._give_back([(lane, message) for message in messages])
                break
            claimed += self._take_each(lane, messages, now, lease)
        return tuple(claimed)

    def upkeep(self, now: datetime) -> int:
        if self._clock_is_off():
            return 0  # others see what is due and what is not
        return super().upkeep(now) + sum(self._sweep(lane, now) for lane in Lane)

    def ping(self) -> None:
        super().ping()
        self._queues.ping()

    def close(self) -> None:
        self._give_back((*self._listening.give_up(), *self._in_hand.give_up()))
        super().close()
        self._queues.close()

    def _give_back(self, untaken: Sequence[tuple[Lane, ReceivedNotice]]) -> None:
        """Let others have at once what came and was not claimed."""
        try:
            for lane, message in untaken:
                self._queues.hide(lane, message, timedelta(0))
        except StoreUnavailable:
            logger.warning("Notices could not be given back; they come again in %s", HIDDEN_FOR)

    def _tell(self, rows: Sequence[ItemRow]) -> None:
        now = self._clock.now()
        soon = micros(now + LONGEST_DELAY)
        notices: dict[Lane, list[Notice]] = {}
        for row in rows:
            if row.due_at is not None and row.due_at <= soon:
                notices.setdefault(row.item.lane, []).append(Notice(row.item.id, instant(row.due_at) - now))
        for lane, due in notices.items():
            self._send(lane, due)

    def _take_each(self, lane: Lane, messages: Sequence[ReceivedNotice], now: datetime, lease: timedelta) -> list[Item]:
        """Claim what the messages name; each is deleted once its item has decided, whatever it decided."""
        taken: list[Item] = []
        decided: list[ReceivedNotice] = []
        try:
            for message in messages:
                outcome = self._items.take(message.item_id, lane, now, lease)
                if isinstance(outcome, Item):
                    taken.append(outcome)
                early = _early(outcome, now)
                if early is None:
                    decided.append(message)
                elif early > A_MOMENT or not self._in_hand.keep(lane, message, now + early, AT_ONCE):
                    self._queues.hide(lane, message, early)
            self._queues.delete(lane, decided)
        except StoreUnavailable:
            if not taken:
                raise
            # What was claimed must be worked on; messages that were not deleted come again and find it claimed.
            logger.warning("A claim in lane %s was cut short: AWS does not answer", lane, extra={"lane": lane})
        return taken

    def _sweep(self, lane: Lane, now: datetime) -> int:
        hints = islice(self._items.due(lane, micros(now)), SWEEP_AT_ONCE)
        seen_to = [hint for hint in hints if self._items.look_later(hint, _look_again(hint, now))]
        self._send(lane, [Notice(hint.id, instant(hint.due_at) - now) for hint in seen_to])
        return len(seen_to)

    def _send(self, lane: Lane, notices: Sequence[Notice]) -> None:
        """Send notices. Failing costs seconds, not the commit, which is made: upkeep sends them again."""
        try:
            refused = self._queues.send(lane, notices)
        except StoreUnavailable as error:
            logger.warning("Notices in lane %s were not sent: %s", lane, error, extra={"lane": lane})
            return
        if refused:
            logger.warning("SQS did not take %d notices in lane %s", refused, lane, extra={"lane": lane})


def _early(outcome: Item | MissedClaim, now: datetime) -> timedelta | None:
    """How much too early a notice came, if by little."""
    if isinstance(outcome, Item) or outcome.due_at is None:
        return None
    early = instant(outcome.due_at) - now
    return early if timedelta(0) < early <= EARLY else None


def _look_again(hint: DueHint, now: datetime) -> int:
    return micros(look_again_at(instant(hint.due_at), now))
