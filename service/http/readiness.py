"""The state that `/readyz` reports. Each part is asked in its own thread, so a part that hangs delays no answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock
from typing import Literal

from service.core import TocsinError, deadline

logger = logging.getLogger(__name__)

PATIENCE_S = 1.5
"""How long parts have to answer: the caller hears within two seconds."""

FRESH_S = 1.0
"""How long a helpful part that was well is not asked again; others are asked every time."""

Check = Callable[[], None]
"""Returns if a part is well, else raises a `TocsinError` that says what is missing."""

State = Literal["ok", "degraded", "not ready"]


class Readiness:
    """The state of every part: without one of `needed` this process cannot serve, without another it serves worse.

    Constructed before the fork, used after it. Nothing latches: every answer comes from what a part last said.
    """

    def __init__(
        self, needed: Mapping[str, Check], helpful: Mapping[str, Check], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._checks = {**needed, **helpful}
        self._bad: Mapping[str, State] = {**dict.fromkeys(helpful, "degraded"), **dict.fromkeys(needed, "not ready")}
        self._now = now
        self._lock = Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._asked: dict[str, Future[str | None]] = {}
        self._well_at: dict[str, float] = {}
        self._told: dict[str, str | None] = {}

    def states(self) -> Mapping[str, State]:
        """The state of each part, in `PATIENCE_S` at most."""
        with self._lock:
            asked = {name: self._ask(name) for name in self._checks if not self._is_fresh(name)}
        wait(asked.values(), PATIENCE_S)
        return {name: self._state(name, asked.get(name)) for name in self._checks}

    def _is_fresh(self, name: str) -> bool:
        return self._bad[name] == "degraded" and name in self._well_at and self._now() - self._well_at[name] < FRESH_S

    def _ask(self, name: str) -> Future[str | None]:
        """The question that is under way, or a new one."""
        under_way = self._asked.get(name)
        if under_way is not None and not under_way.done():
            return under_way
        if self._threads is None:
            self._threads = ThreadPoolExecutor(len(self._checks), thread_name_prefix="readiness")
        self._asked[name] = self._threads.submit(self._answer, name)
        return self._asked[name]

    def _answer(self, name: str) -> str | None:
        """Why a part is not well; None if it is."""
        try:
            with deadline.within(PATIENCE_S):
                self._checks[name]()
        except TocsinError as error:
            return str(error)
        except Exception as error:  # noqa: BLE001  (a fault in one check must not hide the other parts)
            return f"its check met a fault of the program ({type(error).__name__})"
        self._well_at[name] = self._now()
        return None

    def _state(self, name: str, asked: Future[str | None] | None) -> State:
        if asked is None:
            return "ok"
        reason = asked.result() if asked.done() else f"it has not answered within {PATIENCE_S:g} s"
        if reason is not None:
            self._well_at.pop(name, None)
        self._tell(name, reason)
        return "ok" if reason is None else self._bad[name]

    def _tell(self, name: str, reason: str | None) -> None:
        """Say once that a part is not well any more, or is again: probes ask every second."""
        was_well = self._told.get(name) is None
        self._told[name] = reason
        if reason is not None and was_well:
            logger.warning("%s is %s: %s", name, self._bad[name], reason, extra={"part": name})
        elif reason is None and not was_well:
            logger.info("%s is well again", name, extra={"part": name})
