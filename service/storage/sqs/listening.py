"""Hearing of notices by long polls: one a lane waits at SQS, in a thread of its own, and claims ask nothing meanwhile.

    claim ── nothing heard ──► a long poll begins ── SQS answers as soon as there is a notice ──► the next claim has it
    claim ── something heard ──► short polls follow, until one is empty: a backlog is not taken ten a poll

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from service.core import Lane
from service.storage.sqs.queues import Queues, ReceivedNotice

PATIENCE = timedelta(seconds=2)
"""How long one poll waits. SQS would wait for 20 s, but may hand a notice to the poll of a worker that has just ended,
where it stays hidden for half a minute: so a worker that ends waits for its polls, and that must not take long."""

Poll = Future[Sequence[ReceivedNotice]]

Bell = Callable[[Lane], None]
"""Told of the lane in which something was heard, from any thread."""


@dataclass(slots=True)
class _Ear:
    """What one lane hears: a poll under way, what has come and is not taken, and whether more may lie there."""

    poll: Poll | None = None
    heard: Sequence[ReceivedNotice] = ()
    more: bool = False


class QueueListener:
    """The long polls of one process, each of at most `patience`, told to `bell`. Without one every claim asks."""

    def __init__(self, queues: Queues, bell: Bell | None, patience: timedelta) -> None:
        self._queues = queues
        self._bell = bell
        self._patience = patience
        self._pool = ThreadPoolExecutor(len(Lane), thread_name_prefix="listening")
        self._ears: Mapping[Lane, _Ear] = {lane: _Ear() for lane in Lane}
        self._lock = threading.Lock()
        self._closed = False

    def receive(self, lane: Lane, limit: int) -> Sequence[ReceivedNotice]:
        """Up to `limit` notices that have come by now; raises what the poll met. Waits for none."""
        return self._queues.receive(lane, limit) if self._bell is None else self._heard(lane, limit, self._bell)

    def untaken(self) -> Sequence[tuple[Lane, ReceivedNotice]]:
        """What was received and not taken, to be given back; polls that are under way go on."""
        with self._lock:
            for ear in self._ears.values():
                if ear.poll is not None and ear.poll.done() and ear.poll.exception() is not None:
                    ear.poll = None
                _listen(ear)
            heard = [(lane, message) for lane, ear in self._ears.items() for message in ear.heard]
            for ear in self._ears.values():
                ear.heard = ()
            return heard

    def give_up(self) -> Sequence[tuple[Lane, ReceivedNotice]]:
        """Begin no more polls, wait for those under way; answers what was heard and not taken, for others to do."""
        self._closed = True
        self._pool.shutdown()
        with self._lock:
            return [(lane, message) for lane, ear in self._ears.items() for message in _left(ear)]

    def _heard(self, lane: Lane, limit: int, bell: Bell) -> Sequence[ReceivedNotice]:
        with self._lock:
            ear = self._ears[lane]
            _listen(ear)
            if ear.more and not ear.heard:
                ear.heard = self._queues.receive(lane, limit)
                ear.more = bool(ear.heard)
            taken, ear.heard = ear.heard[:limit], ear.heard[limit:]
            if not taken and ear.poll is None and not self._closed:
                ear.poll = self._pool.submit(self._queues.receive, lane, limit, self._patience)
                ear.poll.add_done_callback(lambda poll: _ring(bell, lane, poll))
            return taken


def _ring(bell: Bell, lane: Lane, poll: Poll) -> None:
    if poll.exception() is None and poll.result():  # the next claim raises the failure
        bell(lane)


def _listen(ear: _Ear) -> None:
    """Take over what a poll that has ended brought."""
    if ear.poll is not None and ear.poll.done():
        poll, ear.poll = ear.poll, None
        ear.heard = [*ear.heard, *poll.result()]
        ear.more = bool(ear.heard)


def _left(ear: _Ear) -> Sequence[ReceivedNotice]:
    brought = ear.poll.result() if ear.poll is not None and ear.poll.exception() is None else ()
    return [*ear.heard, *brought]
