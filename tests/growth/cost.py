"""How the time of a call grows with the length of what it reads."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import thread_time

SHORT = 2_000
"""Characters of the shortest text that is measured."""

STEP = 4
"""Each text is so many times as long as the one before."""

MOST = 8
"""How many times the time of a text one that is `STEP` times as long may take: twice what a linear parser needs."""

SOON = 0.004
"""Seconds in which a call is over so fast that nothing can be said of its growth, and nothing need be."""

BUDGET = 2.0
"""Seconds of CPU that one call may take at all: one whose time grows exponentially fails instead of hanging."""


class TooSlow(AssertionError):
    """A call took more than its budget, or grows faster than what it reads."""


def check_growth(
    call: Callable[[str], object], text: Callable[[int], str], longest: int, what: str, budget: float = BUDGET
) -> None:
    """Call it with texts of 2,000 characters, four times as many and so on; `TooSlow` if its time grows faster."""
    length, before = SHORT, _seconds(call, text(SHORT), what, budget)
    while length * STEP <= longest:
        length *= STEP
        after = _seconds(call, text(length), what, budget)
        if after > SOON and after > MOST * max(before, SOON / MOST):
            before, after = _least(call, text(length // STEP), text(length), what, budget)
            if after > SOON and after > MOST * before:
                shown = f"{what}: {before * 1000:.1f} ms for {length // STEP:,} characters, {after * 1000:.1f} ms"
                raise TooSlow(f"{shown} for {length:,} of {text(40)!r}")
        before = after


def _least(call: Callable[[str], object], short: str, long: str, what: str, budget: float) -> tuple[float, float]:
    """The least time of each in turn: what else the machine does lasts longer than a few calls."""
    times = [[_seconds(call, text, what, budget) for text in (short, long)] for _ in range(8)]
    return min(of_short for of_short, _ in times), min(of_long for _, of_long in times)


def _seconds(call: Callable[[str], object], text: str, what: str, budget: float) -> float:
    try:
        with _at_most(budget):
            begun = thread_time()
            with suppress(Exception):  # what it makes of the text is for other tests
                call(text)
            return thread_time() - begun
    except _OverBudget:
        raise TooSlow(f"{what}: more than {budget} s for {len(text):,} characters: {text[:60]!r}…") from None


class _OverBudget(BaseException):
    """Raised by the timer; no `except Exception` of a parser may swallow it."""


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _OverBudget

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
