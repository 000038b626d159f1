"""Structured logs: one JSON object a line on stderr, prose in `message`, data beside it, the request's id on each."""

from __future__ import annotations

import logging
import logging.config
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from traceback import extract_tb
from types import TracebackType

from pythonjsonlogger.json import JsonFormatter
from typing_extensions import override

from service.core.clock import timestamp

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the request that this thread answers right now; None outside of requests."""

MAX_CHAIN = 20
"""Exceptions of one chain that are written."""

MAX_FRAMES = 50
"""Places of one exception that are written, those nearest to it: a recursion without end has a thousand."""

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
        return "\ncaused by ".join(map(_places, chain(ei[1])))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what led to it, each once and `MAX_CHAIN` at most: a chain may be long, or a circle."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen and len(seen) < MAX_CHAIN:
        seen.add(id(error))
        yield error
        hidden = error.__cause__ is None and error.__suppress_context__  # raised "from None"
        error = None if hidden else error.__cause__ or error.__context__


def _places(error: BaseException) -> str:
    frames = extract_tb(error.__traceback__, -MAX_FRAMES)
    return "\n  ".join([type(error).__name__, *(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames)])


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
