"""How far this machine's clock is from AWS's, by the `Date` of the answers that it gets anyway.

A worker whose clock is slow takes what is due for what is not; one whose clock is fast fires timers early and takes
leases that have not ended. Beyond `MOST_SKEW` it claims nothing until its clock is right; others do the work meanwhile.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Protocol
from weakref import WeakKeyDictionary

from prometheus_client import Gauge

from service.core import Clock

logger = logging.getLogger(__name__)

MOST_SKEW = timedelta(seconds=5)
"""How far a clock may be off before timers and leases of several machines disagree."""

NO_SKEW_BEYOND = timedelta(hours=1)
"""What is further off is no clock that goes wrong: AWS has refused all calls since 5 minutes
(https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)."""

QUICK_S = 1.0
"""An answer that took longer says too little: its `Date` may be from the beginning or from the end."""

_A_SECOND = timedelta(seconds=1)
_BEGUN = "tocsin_begun"

SKEW = Gauge(
    "tocsin_clock_skew_seconds",
    "How far this machine's clock is ahead of AWS's, by the Date of its answers; nothing is claimed beyond 5 seconds.",
    multiprocess_mode="mostrecent",
)


@dataclass(frozen=True, slots=True)
class ServerDate:
    """The `Date` of an answer, when it came by the stop-watch, and how long it took in seconds."""

    date: datetime
    came_at: float
    took: float


class ClientEvents(Protocol):
    """As much of a client's events as is used (botocore's own are not typed)."""

    def register(self, event_name: str, handler: Callable[..., None], unique_id: str | None = ...) -> None: ...


class DateListener:
    """Listens to the answers of one client, and keeps the date of the last quick one, about once a second."""

    def __init__(self, events: ClientEvents) -> None:
        self.last: ServerDate | None = None
        events.register("before-call", self._begun, "tocsin-time-begun")
        events.register("after-call", self._answered, "tocsin-time-answered")

    def _begun(self, context: MutableMapping[str, object], **_: object) -> None:
        context[_BEGUN] = time.monotonic()

    def _answered(self, http_response: _Response, context: Mapping[str, object], **_: object) -> None:
        now, begun = time.monotonic(), context.get(_BEGUN)
        if not isinstance(begun, float) or now - begun > QUICK_S:
            return
        if self.last is not None and now - self.last.came_at < _A_SECOND.total_seconds():
            return
        if (date := _date(http_response.headers.get("date", ""))) is not None:
            self.last = ServerDate(date, now, now - begun)


class _Response(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...


_listeners: WeakKeyDictionary[ClientEvents, DateListener] = WeakKeyDictionary()
_beginning = threading.Lock()


def listener_of(events: ClientEvents) -> DateListener:
    """The one listener of a client, which several stores may share: botocore takes a listener once."""
    with _beginning:
        if events not in _listeners:
            _listeners[events] = DateListener(events)
        return _listeners[events]


class AwsTime:
    """The skew of one process's clock. Shared by its threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last: ServerDate | None = None
        self._is_off = False

    @property
    def is_off(self) -> bool:
        """Whether the clock is surely more than `MOST_SKEW` off."""
        return self._is_off

    def update(self, heard: ServerDate | None) -> None:
        """Go by the date of an answer, unless it is known already."""
        if heard is None or heard is self._last:
            return
        self._last = heard
        came = self._clock.now() - timedelta(seconds=time.monotonic() - heard.came_at)
        self._judge(least=came - timedelta(seconds=heard.took) - heard.date - _A_SECOND, most=came - heard.date)

    def _judge(self, least: timedelta, most: timedelta) -> None:
        """The clock is ahead by `least` to `most`: a `Date` counts whole seconds, and its answer was under way."""
        if abs(most) > NO_SKEW_BEYOND:
            return
        SKEW.set(((least + most) / 2).total_seconds())
        was_off, self._is_off = self._is_off, least > MOST_SKEW or most < -MOST_SKEW
        if self._is_off and not was_off:
            logger.error(
                "This machine's clock is about %.0f s %s AWS's: nothing is claimed until it is right (let NTP set it)",
                *(abs((least + most) / 2).total_seconds(), "ahead of" if least > MOST_SKEW else "behind"),
            )
        elif was_off and not self._is_off:
            logger.info("This machine's clock is right again: work is claimed")


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return date if date.tzinfo is not None else None
