"""Which failures are tried again, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime

from service.core import TocsinError, Unavailable


class RetryLater(TocsinError):
    """The same attempt may succeed later; `after` is the least wait, where the other side named one (Retry-After)."""

    def __init__(self, why: str, after: timedelta = timedelta(0)) -> None:
        super().__init__(why)
        self.after = after


class Permanent(TocsinError):
    """No later attempt can succeed: the item becomes dead at once."""


RETRYABLE: tuple[type[Exception], ...] = (RetryLater, Unavailable, ConnectionError, TimeoutError)
"""Failures of the moment: another attempt follows, up to the lane's maximum."""

PERMANENT: tuple[type[Exception], ...] = (TocsinError,)
"""What the service refuses on purpose, apart from `RETRYABLE`: repeating it would refuse it again."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential waits between `first` and `longest`, half of each drawn at random.

    "Equal jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/: many items that failed
    together do not come back together, and none comes back at once.
    """

    first: timedelta
    longest: timedelta

    def wait(self, attempt: int, chance: float) -> timedelta:
        """How long to wait after failed attempt number `attempt` (from 1), `chance` being in [0, 1)."""
        doublings = min(max(attempt, 1) - 1, 32)
        whole = min(self.longest, self.first * (1 << doublings))
        return whole * (0.5 + chance / 2)


LONGEST_ASKED = timedelta(hours=1)
"""No answer of another service holds a message up for longer than this."""


def asked_wait(headers: Mapping[str, str]) -> timedelta:
    """How long an answer asks to be left alone by `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3), or none.

    A date is measured from the answer's own `Date`, so that our own clock does not matter. Names are in lower case
    or their case does not matter (`urllib3`'s headers).
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(timedelta(seconds=int(asked[:9])), LONGEST_ASKED)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):  # neither, or one with a zone and one without
        return timedelta(0)
    return min(max(wait, timedelta(0)), LONGEST_ASKED)


def least_wait(error: BaseException) -> timedelta:
    """The wait that the failure itself asks for, else none."""
    return error.after if isinstance(error, RetryLater | Unavailable) else timedelta(0)
