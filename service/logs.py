"""Structured logs: one JSON object a line on stderr, prose in `message`, data beside it, the request's id on each."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from traceback import extract_tb
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter
from typing_extensions import override

from service.clock import timestamp

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this thread answers right now; None outside of requests."""

Raised = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class Formatter(JsonFormatter):
    """JSON lines. An exception is told by its type and places alone: its text may quote what a caller sent."""

    def __init__(self) -> None:
        names = {"asctime": "time", "levelname": "level", "name": "logger", "exc_info": "raised"}
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=names)

    @override
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return timestamp(datetime.fromtimestamp(record.created, UTC))

    @override
    def formatException(self, ei: Raised) -> str:
        error = ei[1]
        told: list[str] = []
        while error is not None:
            places = (f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(error.__traceback__))
            told.append("\n  ".join([type(error).__name__, *places]))
            error = error.__cause__ or error.__context__
        return "\ncaused by ".join(told)


class WithRequestId(logging.Filter):
    """Puts the present request's id on every line."""

    def filter(self, record: logging.LogRecord) -> bool:
        request_id = REQUEST_ID.get()
        if request_id is not None and not hasattr(record, "request_id"):
            record.request_id = request_id
        return True


def as_dict(level: str) -> Mapping[str, object]:
    """The configuration as `logging.config.dictConfig` and gunicorn read it; `level` is one of Python's names."""
    quieter = "INFO" if level == "DEBUG" else "WARNING"
    here = {"level": quieter, "handlers": [], "propagate": True}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": Formatter}},
        "filters": {"request_id": {"()": WithRequestId}},
        "handlers": {
            "console": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "json",
                "filters": ["request_id"],
            }
        },
        "root": {"level": level, "handlers": ["console"]},
        "loggers": dict.fromkeys(("gunicorn.error", "botocore", "urllib3", "werkzeug"), here),
    }


def configure(level: str) -> None:
    """Send every log line of this process to stderr as JSON."""
    logging.config.dictConfig(dict(as_dict(level)))
