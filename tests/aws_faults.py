"""A proxy on loopback in front of an AWS API: it records requests, and loses answers or refuses calls as scripted."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from urllib.parse import urlsplit

from tests.aws import Environment, environment
from tests.loopback import serving


@dataclass(frozen=True, slots=True)
class LostAnswer:
    """The call is carried out, and its answer never arrives."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call is refused with an error code, and not carried out."""

    code: str
    status: int = 400
    members: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The call is answered like this, and not carried out."""

    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CutOff:
    """The call is carried out, and the connection ends in the middle of its answer, whose length was not told."""


@dataclass(frozen=True, slots=True)
class Page:
    """Something between us and AWS answers with what is none of its answers, and the call is not carried out."""

    body: bytes = b"<html>out to lunch</html>"
    status: int = 200


@dataclass(frozen=True, slots=True)
class Hang:
    """The call is taken and not answered until everything passes again, and not carried out."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The call is carried out and answered."""


HELD_FOR_S = 20.0
"""How long a call hangs at most."""

Fault = LostAnswer | Refusal | Answer | CutOff | Page | Hang | Pass


class FaultyAws:
    """What is to go wrong, and what was asked."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self._scripts: dict[str, deque[Fault]] = {}
        self._requests: list[tuple[str, Mapping[str, object]]] = []
        self.answers = threading.Event()
        self.answers.set()

    def script(self, operation: str, *faults: Fault) -> None:
        """What happens to the next calls of an operation, such as `PutItem`; those after them pass."""
        self._scripts[operation] = deque(faults)

    def requests(self, operation: str) -> list[Mapping[str, object]]:
        """The requests of an operation so far."""
        return [body for name, body in self._requests if name == operation]

    def operations(self) -> list[str]:
        """The operations called so far, in order."""
        return [name for name, _ in self._requests]

    def forget(self) -> None:
        """Start recording anew."""
        self._requests.clear()

    def reset(self) -> None:
        """Let everything pass again, and start recording anew."""
        self._scripts.clear()
        self._requests.clear()
        self.answers.set()

    def hang(self) -> None:
        """Answer nothing any more, until `reset`."""
        self.answers.clear()

    def note(self, operation: str, body: bytes) -> Fault:
        """Record a request; answers what is to become of it."""
        self._requests.append((operation, json.loads(body)))
        if not self.answers.is_set():
            return Hang()
        script = self._scripts.get(operation)
        return script.popleft() if script else Pass()


@contextmanager
def faulty_aws(upstream: Environment) -> Iterator[tuple[FaultyAws, Environment]]:
    """Run the proxy on a free port; the environment is the one by which boto3 finds it."""
    faults = FaultyAws(upstream["AWS_ENDPOINT_URL"])
    with serving(type("Handler", (_Handler,), {"faults": faults})) as port:
        yield faults, environment(f"http://127.0.0.1:{port}")


class _Handler(BaseHTTPRequestHandler):
    faults: FaultyAws
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # headers and body in one packet, or each answer waits 40 ms for an acknowledgement

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.faults.note(self.headers["X-Amz-Target"].rsplit(".", 1)[1], body)
        match fault:
            case Refusal(code, status, members):
                error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **(members or {})}
                self._reply(status, json.dumps(error).encode())
            case Answer(content):
                self._reply(200, json.dumps(content).encode())
            case Page(page, status):
                self._reply(status, page)
            case LostAnswer():
                self._forwarded(body)
                self.close_connection = True
            case CutOff():
                _, whole = self._forwarded(body)
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.end_headers()
                self.wfile.write(whole[: len(whole) // 2])
                self.close_connection = True
            case Hang():
                self.faults.answers.wait(HELD_FOR_S)
                self.close_connection = True
            case Pass():
                self._reply(*self._forwarded(body))

    def _forwarded(self, body: bytes) -> tuple[int, bytes]:
        upstream = self.faults.upstream
        connection = HTTPConnection(upstream.hostname or "", upstream.port, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002, ARG002  (the base class names them)
        return
