"""An instance's HTTP API, as an app uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import urllib3

from service.core import TocsinError, exact_json

TIMEOUT = 30.0
"""Seconds a call may take."""


class NoAnswer(TocsinError):
    """The instance did not answer, or not in JSON."""


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What came back."""

    status: int
    document: Mapping[str, object]

    def at(self, *path: str | int) -> object:
        """The value at a path of members and positions; None where there is none."""
        value: object = self.document
        for step in path:
            match value, step:
                case dict(), str():
                    value = value.get(step)
                case list(), int() if step < len(value):
                    value = value[step]
                case _:
                    return None
        return value


class Api:
    """Calls with one key. Raises `NoAnswer`; a refusal is an answer like any other."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def get(self, path: str) -> ApiAnswer:
        """Read something."""
        return self._call("GET", path, None)

    def post(self, path: str, body: Mapping[str, object]) -> ApiAnswer:
        """Send JSON."""
        return self._call("POST", path, exact_json.dumps(body).encode())

    def _call(self, method: str, path: str, body: bytes | None) -> ApiAnswer:
        headers = self._headers | ({"Content-Type": "application/json"} if body is not None else {})
        try:
            answer = self._pool.request(method, self.url + path, body=body, headers=headers)
            document = exact_json.loads(answer.data)
        except urllib3.exceptions.HTTPError as error:
            raise NoAnswer(f"{self.url} does not answer ({error}): is it running? `make run` starts it") from error
        except exact_json.NotJson as error:
            raise NoAnswer(f"{method} {path} was not answered in JSON: {error}") from error
        if not isinstance(document, dict):
            raise NoAnswer(f"{method} {path} was answered with something else than an object")
        return ApiAnswer(answer.status, cast("Mapping[str, object]", document))
