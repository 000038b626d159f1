"""Asking a language service up to four times: most faults are over in a moment, and a question changes nothing."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from service.core import deadline
from service.language.protocols import LanguageServiceUnavailable

T = TypeVar("T")

TRIES = 4
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 1.0
"""A service that asks for a longer wait gets it: from whoever tries the whole piece of work again."""

ANSWERED_WITHIN_S = 1.5
"""How long a try may take, for which a request must have time left."""

PATIENCE_S = 10.0
"""How long work in the background begins further tries."""


def patiently(
    call: Callable[[], T],
    pause: Callable[[float], None] = time.sleep,
    chance: Callable[[], float] = random.random,
) -> T:
    """The answer of `call`; `LanguageServiceUnavailable` once tries or time are used up."""
    ends_at = time.monotonic() + PATIENCE_S
    for attempt in range(TRIES - 1):
        try:
            return call()
        except LanguageServiceUnavailable as error:
            wait = max(FIRST_PAUSE_S * 2**attempt * (0.5 + chance() / 2), error.retry_after or 0)
            if wait > LONGEST_PAUSE_S or not _is_time_for(wait, ends_at):
                raise
        pause(wait)
    return call()


def _is_time_for(wait: float, ends_at: float) -> bool:
    left = deadline.left()
    if left is None:
        return time.monotonic() + wait < ends_at
    return left > wait + ANSWERED_WITHIN_S
