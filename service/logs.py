"""Structured logs: one JSON object a line on stderr, prose in `message`, data beside it, the request's id on each."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import TextIO

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this thread answers right now; None outside of requests."""


class _WithRequestId(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        request_id = REQUEST_ID.get()
        if request_id is not None and not hasattr(record, "request_id"):
            record.request_id = request_id
        return True


def configure(level: str, stream: TextIO = sys.stderr) -> None:
    """Send every log line of this process to `stream` as JSON; `level` is one of Python's names."""
    from pythonjsonlogger.json import JsonFormatter

    handler = logging.StreamHandler(stream)
    handler.addFilter(_WithRequestId())
    names = {"asctime": "time", "levelname": "level", "name": "logger"}
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=names))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
