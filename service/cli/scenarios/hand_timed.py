"""An instance in this process, on an empty data folder and a clock that is moved by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

from flask import Flask

from service import config
from service.cli.scenarios.api import Api, ApiAnswer
from service.config import Settings
from service.core import HandClock, Scope, exact_json
from service.wiring import Service

STEP = timedelta(seconds=5)
"""Between two times at which the worker does what is due."""


class HandTimed:
    """Its `api`, and its clock, which only `until` moves."""

    def __init__(self, service: Service, clock: HandClock) -> None:
        _, key = service.keys.create("demo", list(Scope))
        self.api: Api = _ApiInProcess(service.flask(), key)
        self._worker = service.worker()
        self._clock = clock

    def work(self) -> None:
        """Do everything that is due."""
        self._worker.run_due()

    def until(self, at: datetime) -> None:
        """Let time pass, and do on the way what comes due."""
        while self._clock.now() < at:
            self._clock.advance(min(STEP, at - self._clock.now()))
            self.work()

    def close(self) -> None:
        """End its worker."""
        self._worker.close()


class _ApiInProcess(Api):
    """Calls an app of this process."""

    def __init__(self, app: Flask, key: str) -> None:
        super().__init__("http://localhost", key)
        self._client = app.test_client()

    def _call(self, method: str, path: str, body: bytes | None) -> ApiAnswer:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        answer = self._client.open(path, method=method, headers=headers, data=body)
        return ApiAnswer(answer.status_code, cast("Mapping[str, object]", exact_json.loads(answer.data)))


@contextmanager
def hand_timed(at: datetime) -> Iterator[HandTimed]:
    """An instance that begins at a time, with the rule files and the templates of this folder; gone afterwards."""
    here, clock = config.load(), HandClock(at)
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as home:
        settings = Settings(
            home=Path(home), rules_dir=here.rules_dir, templates_dir=here.templates_dir, rules_watch=False
        )
        service = Service(settings, clock)
        with closing(service.store), closing(HandTimed(service, clock)) as instance:
            yield instance
