"""A thread that takes letters from the queue for as long as its worker lives.

A letter is deleted only when what it asked for is durable; a bad one goes to the dead letters with its reason; one that
cannot be done now comes back. So a worker may die at any moment, and the letters in its hands come to another.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

from prometheus_client import Counter

from service.core import MOST_AT_ONCE, InboundQueue, QueueMessage, TocsinError, Unavailable
from service.intake.consumer import LetterRefused, Outcome, QueueConsumer
from service.storage import Conflict
from service.work import Backoff

logger = logging.getLogger(__name__)

BACKOFF = Backoff(first=timedelta(seconds=2), longest=timedelta(minutes=2))
"""When a letter comes back that cannot be done now."""

MOST_FAULTS = 5
"""After how many receives a letter that meets a fault of the program is given up."""

PAUSE_S = 1.0
"""How long to wait when the queue does not answer."""

PATIENCE = timedelta(seconds=2)
"""How long a worker that ends lets letters be done; those that are not come back to another."""

LETTERS = Counter("tocsin_intake_letters", "Letters of the intake queue, by what became of them.", ("outcome",))


class Poller:
    """Takes letters in, batch by batch."""

    def __init__(
        self,
        inbox: InboundQueue,
        consumer: QueueConsumer,
        ready: Callable[[], None],
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`ready` raises `Unavailable` while letters would be refused only because the service has just begun."""
        self._inbox = inbox
        self._consumer = consumer
        self._ready = ready
        self._chance = chance
        self._pool = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="intake")
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)
        self._stopped = threading.Event()
        self._busy = threading.Lock()

    def start(self) -> None:
        """Begin to receive."""
        self._thread.start()

    def stop(self, patience: timedelta = PATIENCE) -> bool:
        """Receive no more; True if the letters in hand were done in time. A poll under way is not waited for."""
        self._stopped.set()
        finished = self._busy.acquire(timeout=patience.total_seconds())
        if finished:
            self._busy.release()
        return finished

    def once(self) -> int:
        """Receive one batch and handle it; returns how many letters it had."""
        self._ready()
        letters = self._inbox.receive()
        with self._busy:
            if self._stopped.is_set():
                self._give_back(letters)
            else:
                self._see_to(letters)
        return len(letters)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.once()
            except TocsinError as error:
                logger.warning("The intake pauses for a second: %s", error)
                self._stopped.wait(PAUSE_S)
            except Exception:  # a mistake here must not end the intake for the life of the process
                logger.exception("The intake pauses for a second")
                self._stopped.wait(PAUSE_S)

    def _give_back(self, letters: Sequence[QueueMessage]) -> None:
        for letter in letters:
            self._inbox.hide(letter, timedelta(0))

    def _see_to(self, letters: Sequence[QueueMessage]) -> None:
        begun = [(letter, self._pool.submit(self._consumer.take, letter)) for letter in letters]
        done = [letter for letter, future in begun if self._is_done(letter, future)]
        if done:
            self._inbox.delete(done)

    def _is_done(self, letter: QueueMessage, future: Future[Outcome]) -> bool:
        """Whether the letter is to be deleted; if not, it is on its way to where it belongs."""
        error = future.exception()
        if error is not None:
            self._put_off(letter, error)
            return False
        outcome = future.result()
        LETTERS.labels(outcome.label).inc()
        if isinstance(outcome, LetterRefused):
            self._refuse(letter, outcome.reason)
            return False
        return True

    def _put_off(self, letter: QueueMessage, error: BaseException) -> None:
        """Let the letter come back; a fault of the program gives it up some time."""
        LETTERS.labels("put_off").inc()
        passing = isinstance(error, Unavailable | Conflict)
        if not passing and letter.receives >= MOST_FAULTS:
            self._refuse(letter, f"a fault of the program: {type(error).__name__} (its log has more)")
            return
        wait = BACKOFF.wait(letter.receives, self._chance())
        extra = {"letter_id": letter.id, "receives": letter.receives}
        message = "Letter %s cannot be taken in now (%s) and comes back in %.0f s"
        about = (letter.id, type(error).__name__, wait.total_seconds())
        if passing:
            logger.warning(message, *about, extra=extra)
        else:
            logger.error(message, *about, extra=extra, exc_info=error)
        self._inbox.hide(letter, wait)

    def _refuse(self, letter: QueueMessage, reason: str) -> None:
        logger.warning("Letter %s is refused: its reason is with it", letter.id, extra={"letter_id": letter.id})
        self._inbox.refuse(letter, reason)
