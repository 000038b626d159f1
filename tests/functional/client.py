"""A caller of the API, over the network or in process, and a real server for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import urllib3
from flask import Flask

from service.core import exact_json

ROOT = Path(__file__).parents[2]
TOCSIN = str(Path(sys.executable).with_name("tocsin"))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the API answered; `headers` are looked up in any case."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> dict[str, object]:
        """The JSON object of the answer, with exact numbers."""
        document = exact_json.loads(self.text)
        assert isinstance(document, dict), self.text
        return document


class Line(Protocol):
    """How a request travels."""

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        """Send it and wait for the answer."""


@dataclass(frozen=True, slots=True)
class Network:
    """To a server, by HTTP."""

    url: str
    pool: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(retries=False, timeout=30.0))

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        answer = self.pool.request(method, self.url + path, headers=dict(headers), body=body)
        return Reply(answer.status, answer.headers, answer.data.decode())


@dataclass(frozen=True, slots=True)
class InProcess:
    """To an app in this process."""

    app: Flask

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        answer = self.app.test_client().open(path, method=method, headers=dict(headers), data=body)
        return Reply(answer.status_code, urllib3.HTTPHeaderDict(answer.headers.items()), answer.get_data(as_text=True))


@dataclass(frozen=True, slots=True)
class Client:
    """An app that calls, with one key (None: without)."""

    line: Line
    key: str | None

    def call(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One request: with a JSON document, or with a body whose Content-Type is in `headers`."""
        given = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if json is not None:
            body = exact_json.dumps(json)
            given["Content-Type"] = "application/json"
        raw = body.encode() if isinstance(body, str) else body
        return self.line.send(method, path, {**given, **(headers or {})}, raw)

    def get(self, path: str, **headers: str) -> Reply:
        """`call("GET", …)`."""
        return self.call("GET", path, headers=headers)

    def post(self, path: str, json: object, headers: Mapping[str, str] | None = None) -> Reply:
        """`call("POST", …)` with a JSON document."""
        return self.call("POST", path, json=json, headers=headers)

    def with_key(self, key: str | None) -> Client:
        """The same line with another key."""
        return Client(self.line, key)


@dataclass(frozen=True, slots=True)
class Running:
    """A `tocsin up` of its own: its home, its process, a client with the development key, its log so far."""

    home: Path
    url: str
    process: subprocess.Popen[bytes]
    client: Client
    said: Path
    settings: Mapping[str, str]

    def tocsin(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run another `tocsin` command with the same settings."""
        return tocsin(*arguments, settings=self.settings)

    def log(self) -> str:
        """What it has printed, output and log lines together."""
        return self.said.read_text()


def tocsin(*arguments: str, settings: Mapping[str, str], cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a `tocsin` command to its end."""
    environment = environment_with(settings)
    command = [TOCSIN, *arguments]
    return subprocess.run(command, env=environment, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


def environment_with(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment, its own settings replaced."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")} | dict(settings)


@contextmanager
def running(home: Path, command: str = "up", **settings: str) -> Iterator[Running]:
    """`tocsin up` on a free port until the block ends; settings are named without their prefix."""
    given = {"TOCSIN_HOME": str(home), "TOCSIN_PORT": "0"} | {f"TOCSIN_{name}": text for name, text in settings.items()}
    home.mkdir(parents=True, exist_ok=True)
    said = home / "said.log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [TOCSIN, command], env=environment_with(given), cwd=ROOT, stdout=log, stderr=log, start_new_session=True
        )
    try:
        url = _wait_for_address(process, said)
        key = (home / "dev-key").read_text().strip() if command == "up" else None
        yield Running(home, url, process, Client(Network(url), key), said, given)
    except BaseException as error:
        error.add_note(f"what {home.name} said last:\n{said.read_text()[-4000:]}")
        raise
    finally:
        _end(process)


def _wait_for_address(process: subprocess.Popen[bytes], said: Path) -> str:
    deadline = time.monotonic() + 120  # a machine that tests keep busy
    while time.monotonic() < deadline and process.poll() is None:
        for line in said.read_text().splitlines():
            for words in ("Tocsin is up at ", "Tocsin's API listens at "):
                if line.startswith(words):
                    return line.removeprefix(words)
        time.sleep(0.02)
    raise AssertionError(f"tocsin did not start:\n{said.read_text()}")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
