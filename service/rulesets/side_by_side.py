"""Work on several things at one time, while something else is looked at again and again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import timedelta
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def take_turns(
    things: Iterable[T], do: Callable[[T], None], at_once: int, meanwhile: Callable[[], None], every: timedelta
) -> None:
    """Do something to each of some things in their order, `at_once` at one time, and `meanwhile` from time to time.

    The first error ends it and is raised. The threads are daemons: a process that ends waits for none of them.
    """
    waiting, failed = deque(things), list[Exception]()

    def go_on() -> None:
        while not failed:
            try:
                thing = waiting.popleft()
            except IndexError:  # another thread took the last
                return
            try:
                do(thing)
            except Exception as error:  # noqa: BLE001  (raised by the thread that waits)
                failed.append(error)

    threads = [Thread(target=go_on, name="turn", daemon=True) for _ in range(min(at_once, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(every.total_seconds())
        while thread.is_alive():
            meanwhile()
            thread.join(every.total_seconds())
    if failed:
        raise failed[0]
