"""The loop that does what is due: claim, handle, save, over the lanes in order of urgency."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from traceback import extract_tb

from msgspec import structs
from prometheus_client import Counter

from service.core import Clock, Lane, Unavailable
from service.storage import Conflict, Item, Store, TooLarge
from service.work.dead import alive, explained, mark_dead, tried_on, wake
from service.work.lanes import A_HAND_OVER, BY_URGENCY, POLICIES, QUICK, LanePolicy
from service.work.registry import HandlerRegistry, OnDead, TaskHandler
from service.work.retry import PERMANENT, RETRYABLE, least_wait
from service.work.tasks import Commit, Task, postponed

logger = logging.getLogger(__name__)

DONE = Counter("tocsin_work_done", "Turns of items that workers have finished, by lane.", ("lane",))

POLL = timedelta(milliseconds=50)
"""How long after an empty look a lane is looked at again: what an idle worker adds to lateness."""

GRACE = timedelta(seconds=8)
"""How long a worker that is told to stop lets running handlers finish."""

STEPS = 16
"""Steps of one item that a thread takes before others have their turn."""

Dues = Mapping[Lane, datetime]
"""When work is next due, by lane."""

Done = Future[Dues]
"""A batch's future: when what it left in the lanes is next due."""


class Worker:
    """Handles due items, each lane with threads of its own: a more urgent one finds one although all others hang.

    Items that a stopping worker has claimed but not begun are given back; one that dies without notice gives its items
    back when their leases end.
    """

    def __init__(
        self,
        store: Store,
        registry: HandlerRegistry,
        clock: Clock,
        *,
        threads: int = 8,
        policies: Mapping[Lane, LanePolicy] = POLICIES,
        poll: timedelta = POLL,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self._threads = threads
        self._policies = policies
        self._poll = poll.total_seconds()
        self._chance = chance
        self._pools = {lane: ThreadPoolExecutor(threads, thread_name_prefix=f"worker-{lane}") for lane in BY_URGENCY}
        # Batches wait for nobody outside, so that a second thread would only lose commits to the first.
        self._batches = ThreadPoolExecutor(1, thread_name_prefix="worker-batches")
        self._turns = {lane: threading.Lock() for lane in BY_URGENCY}
        self._running: dict[Done, Sequence[Task]] = {}
        self._is_quick = dict.fromkeys(BY_URGENCY, False)
        # A SimpleQueue may be put to from a signal handler; events and conditions may not.
        self._bell: SimpleQueue[Done | None] = SimpleQueue()
        self._look_after = dict.fromkeys(BY_URGENCY, 0.0)
        # What comes due before the next look, so far as this worker has put it there itself.
        self._expected: dict[Lane, datetime] = {}
        self._stopping = False
        self.rounds = 0
        """How often `run` has gone round: what stands still does not report."""

    def run(self, grace: timedelta = GRACE) -> bool:
        """Work until `stop`; True if every begun item was finished within `grace` (else the leases bring them back)."""
        self.wake()
        while not self._stopping:
            self.rounds += 1
            self._start_or_pause()
            self._wait_for_news(self._until_next_look())
        return self._wind_down(grace)

    def stop(self) -> None:
        """Ask `run` to end; safe in a signal handler and from any thread."""
        self._stopping = True
        self._bell.put(None)

    def look(self, lane: Lane) -> None:
        """Say that there may be work in a lane, so that `run` looks at once; from any thread."""
        self._look_after[lane] = 0.0
        self._bell.put(None)

    def wake(self) -> None:
        """Try dead work of incidents that is to be tried on, and that an earlier release gave up for good."""
        try:
            most = self._policies[Lane.INCIDENT].max_attempts
            wake(self._store, Lane.INCIDENT, self._clock.now(), self._registry.tried_on_for, most)
        except Unavailable:
            logger.warning("The store does not answer: dead work of an earlier release waits for the next start")

    def run_due(self) -> int:
        """Handle everything that is due by the clock, what it makes due included; answers how many were handled."""
        handled = 0
        while started := next(filter(None, map(self._run_lane, BY_URGENCY)), 0):
            handled += started
        return handled

    def close(self) -> None:
        """Let go of the threads; what was claimed and not begun is given back."""
        self._wind_down(GRACE)

    def _run_lane(self, lane: Lane) -> int:
        self._look_after[lane] = 0.0
        started = self._start_lane(lane)
        while self._running:
            self._settle(self._bell.get())
        return started

    def _start_or_pause(self) -> None:
        try:
            self._start_due()
        except Unavailable:
            logger.warning("The store does not answer; the worker looks again in a second (`tocsin doctor` checks it)")
            self._look_after = dict.fromkeys(BY_URGENCY, time.monotonic() + 1)

    def _start_due(self) -> int:
        return sum(self._start_lane(lane) for lane in BY_URGENCY)

    def _start_lane(self, lane: Lane) -> int:
        room = self._room(lane)
        if not room or not self._is_time_to_look(lane):
            return 0
        items = self._store.claim(lane, self._clock.now(), self._policies[lane].lease, room)
        self._look_after[lane] = time.monotonic() + self._poll if len(items) < room else 0.0
        lease, stopping = self._policies[lane].lease, lambda: self._stopping
        for batch in self._registry.batches(items):
            self._start([Task(item, self._store, self._clock, lease, stopping) for item in batch])
        return len(items)

    def _is_time_to_look(self, lane: Lane) -> bool:
        if lane in self._expected and self._expected[lane] <= self._clock.now():
            del self._expected[lane]
            return True
        return time.monotonic() >= self._look_after[lane]

    def _until_next_look(self) -> float:
        """Seconds, a poll at most."""
        now = self._clock.now()
        waits = [(due - now).total_seconds() for due in self._expected.values() if due > now]
        return min([self._poll, *waits])

    def _expect(self, dues: Dues) -> None:
        for lane, due in dues.items():
            self._expected[lane] = min(due, self._expected.get(lane, due))

    def _room(self, lane: Lane) -> int:
        """How many items the lane may claim now."""
        policy = self._policies[lane]
        ahead = policy.ahead if self._is_quick[lane] else policy.ahead_when_slow
        claimed = sum(len(tasks) for tasks in self._running.values() if tasks[0].item.lane is lane)
        room = self._threads + ahead - claimed
        # Claims by the handful: a commit for each item would cost more than the work.
        return room if room > ahead // 2 else 0

    def _start(self, tasks: Sequence[Task]) -> None:
        pool = self._batches if len(tasks) > 1 else self._pools[tasks[0].item.lane]
        future = pool.submit(self._work, tasks)
        self._running[future] = tasks
        future.add_done_callback(self._bell.put)

    def _work(self, tasks: Sequence[Task]) -> Dues:
        """In a thread: handle a batch and commit what comes of it."""
        began = self._clock.now()
        try:
            return self._worked(tasks)
        finally:
            self._is_quick[tasks[0].item.lane] = self._clock.now() - began <= QUICK

    def _worked(self, tasks: Sequence[Task]) -> Dues:
        if any(self._lease_is_short(task.item) for task in tasks):
            for task in tasks:
                self._release(task.item)
            return {task.item.lane: self._clock.now() for task in tasks}
        together = self._registry.together(tasks[0].item.kind) if len(tasks) > 1 else None
        return self._handle(tasks[0]) if together is None else self._commit(together(tasks))

    def _commit(self, step: Commit) -> Dues:
        while True:
            try:
                self._store.save(alive(step.item), *step.others, spawn=step.spawn, audit=step.audit)
            except Conflict:
                if step.anew is None:
                    raise
                step = step.anew()
            else:
                return _dues(step)

    def _handle(self, task: Task) -> Dues:
        """Handle one item by itself: whatever becomes of it touches no other."""
        if task.item.attempts > self._policies[task.item.lane].max_attempts:
            self._bury(task, "it was begun too often and never finished: its worker died or took longer than the lease")
            return {}
        try:
            return self._take_steps(task)
        except Conflict:
            return self._give_up_this_try(task)
        except RETRYABLE as error:
            self._retry(task, error)
            return {}
        except PERMANENT as error:
            self._bury(task, _reason(error))
            return {}

    def _take_steps(self, task: Task) -> Dues:
        """Take an item's step, and those after it that are due at once: handing it back in between costs many calls."""
        handler, before = self._registry.handler(task.item.kind), list[Dues]()
        for _ in range(STEPS - 1):
            step = self._step(handler, task)
            if self._stopping or not self._goes_on(task, step):
                return _earliest(*before, self._commit(step))
            task.checkpoint(
                structs.replace(alive(step.item), attempts=step.item.attempts + 1),
                *step.others,
                spawn=step.spawn,
                audit=step.audit,
            )
            before.append(_dues(step))
        return _earliest(*before, self._commit(self._step(handler, task)))

    def _step(self, handler: TaskHandler, task: Task) -> Commit:
        if not handler.computes(task.item):
            return handler.handle(task)
        with self._turns[task.item.lane]:
            return handler.handle(task)

    def _goes_on(self, task: Task, step: Commit) -> bool:
        at_once = step.item.due_at is not None and step.item.due_at <= self._clock.now()
        return at_once and (step.item.kind, step.item.lane) == (task.item.kind, task.item.lane)

    def _give_up_this_try(self, task: Task) -> Dues:
        """Somebody changed, meanwhile, something that the step writes.

        If it was the item itself, whoever did has also decided when it is due next. If it was another one that several
        steps share, the item is due still and is handled again with what that one has become.
        """
        now = self._clock.now()
        self._save_unless_taken(Commit(structs.replace(task.item, due_at=now, attempts=max(0, task.item.attempts - 1))))
        return {task.item.lane: now}

    def _lease_is_short(self, item: Item) -> bool:
        """Whether the item waited so long for a thread that its lease might end in the middle of a send."""
        return item.due_at is None or self._clock.now() + A_HAND_OVER > item.due_at

    def _retry(self, task: Task, error: BaseException) -> None:
        item, policy = task.item, self._policies[task.item.lane]
        if item.attempts >= policy.max_attempts:
            self._bury(task, f"{item.attempts} attempts failed; the last: {_reason(error)}")
            return
        wait = max(policy.backoff.wait(item.attempts, self._chance()), least_wait(error))
        logger.warning(
            "Item %s (%s) failed with %s and is tried again in %.1f s",
            *(item.id, item.kind, type(error).__name__, wait.total_seconds()),
            extra={"item_id": item.id, "kind": item.kind, "attempts": item.attempts},
        )
        self._save_unless_taken(Commit(structs.replace(item, due_at=self._clock.now() + wait)))

    def _bury(self, task: Task, why: str) -> None:
        self._end_with(task, why, self._registry.on_dead(task.item.kind))

    def _end_with(self, task: Task, why: str, on_dead: OnDead | None) -> None:
        step = on_dead(task.item, why) if on_dead else Commit(task.item)
        extra = {"item_id": task.item.id, "kind": task.item.kind, "attempts": task.item.attempts}
        logger.error("Item %s (%s) is dead: see `tocsin dead list`", task.item.id, task.item.kind, extra=extra)
        self._save_unless_taken(replace(step, item=self._dead(step.item, why)))

    def _dead(self, item: Item, why: str) -> Item:
        now, dead = self._clock.now(), mark_dead(item, why, self._clock.now())
        if now - explained(dead).since >= self._registry.tried_on_for(item.kind):
            return dead
        return tried_on(dead, now, self._policies[item.lane].max_attempts, self._chance())

    def _save_unless_taken(self, step: Commit) -> None:
        try:
            self._store.save(step.item, *step.others, spawn=step.spawn, audit=step.audit)
        except Conflict:
            logger.info("Item %s was changed by somebody else", step.item.id, extra={"item_id": step.item.id})

    def _wait_for_news(self, seconds: float) -> None:
        try:
            self._settle(self._bell.get(timeout=seconds))
            while True:
                self._settle(self._bell.get_nowait())
        except Empty:
            return

    def _settle(self, done: Done | None) -> None:
        if done is None or done.cancelled():
            return
        tasks = self._running.pop(done)
        error = done.exception()
        if error is None:
            DONE.labels(tasks[0].item.lane).inc(len(tasks))
            self._expect(done.result())
        elif len(tasks) > 1:
            self._start_by_halves(tasks, error)
        elif isinstance(error, Unavailable):
            _log_left_to_its_lease(tasks[0].item)
        else:
            self._contain(tasks[0], error)

    def _start_by_halves(self, tasks: Sequence[Task], error: BaseException) -> None:
        """Nothing of a batch was committed: handle it again in ever smaller parts, down to the one that is at fault."""
        if not isinstance(error, Conflict | TooLarge):
            kind, extra = tasks[0].item.kind, {"kind": tasks[0].item.kind, "items": len(tasks)}
            logger.warning("%d items (%s) are handled apart: %s", len(tasks), kind, _place(error), extra=extra)
        self._start(tasks[: len(tasks) // 2])
        self._start(tasks[len(tasks) // 2 :])

    def _contain(self, task: Task, error: BaseException) -> None:
        """A handler failed in a way nobody foresaw: a fault of the program, which must not hurt other items."""
        extra = {"item_id": task.item.id, "kind": task.item.kind}
        # The fault's own words may hold a person's data; they stand in the item, not in the log.
        logger.error("Item %s met a fault of the program: %s", task.item.id, _place(error), extra=extra)
        try:
            attempts, most = task.item.attempts, self._policies[task.item.lane].max_attempts
            if attempts == most and self._registry.on_dead(task.item.kind) is not None:
                # Its next turn, one too many, buries it with what its kind commits: in a thread, which a second fault
                # in there does not take along.
                self._save_unless_taken(Commit(structs.replace(task.item, due_at=self._clock.now())))
            elif attempts >= most:
                self._end_with(task, f"a fault of the program: {_reason(error)}", None)
            else:
                self._retry(task, error)
        except Unavailable:
            _log_left_to_its_lease(task.item)

    def _wind_down(self, grace: timedelta) -> bool:
        self._give_back(future for future in list(self._running) if future.cancel())
        deadline = time.monotonic() + grace.total_seconds()
        while self._running and (left := deadline - time.monotonic()) > 0:
            self._wait_for_news(left)
        for pool in (self._batches, *self._pools.values()):
            pool.shutdown(wait=not self._running)
        return not self._running

    def _give_back(self, futures: Iterable[Done]) -> None:
        for future in futures:
            for task in self._running.pop(future):
                self._release(task.item)

    def _release(self, item: Item) -> None:
        self._save_unless_taken(Commit(postponed(item, self._clock.now())))


def _dues(step: Commit) -> Dues:
    changed = (step.item, *step.others, *step.spawn)
    return _earliest(*({item.lane: item.due_at} for item in changed if item.due_at is not None))


def _earliest(*several: Dues) -> Dues:
    earliest: dict[Lane, datetime] = {}
    for lane, due in (each for dues in several for each in dues.items()):
        earliest[lane] = min(due, earliest.get(lane, due))
    return earliest


def _reason(error: BaseException) -> str:
    """The failure in words."""
    return f"{error} [{_place(error)}]"


def _place(error: BaseException) -> str:
    """The failure's type and where in the program it arose."""
    frames = extract_tb(error.__traceback__)
    return f"{type(error).__name__} in {frames[-1].name}, line {frames[-1].lineno}" if frames else type(error).__name__


def _log_left_to_its_lease(item: Item) -> None:
    logger.error("The store does not answer; item %s waits for its lease to end", item.id, extra={"item_id": item.id})
