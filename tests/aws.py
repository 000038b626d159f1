"""A real AWS API on loopback: ministack, in an environment of its own because it pins botocore."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / ".venv-aws" / "bin" / "ministack"
STARTS_WITHIN_S = 60.0

Environment = Mapping[str, str]
"""The variables by which boto3 finds a server."""


@contextmanager
def ministack(folder: Path) -> Iterator[Environment]:
    """Run a server on a free port of 127.0.0.1; stopped at the end. Fails where it is not installed."""
    if not PROGRAM.exists():
        raise FileNotFoundError(f"{PROGRAM} is missing: `make test-more` installs it")
    port = free_port()
    with (folder / "ministack.log").open("wb") as log:
        server = subprocess.Popen(
            [PROGRAM], env=_server_environment(folder, port), stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
        try:
            _wait_until_it_answers(server, port, folder / "ministack.log")
            yield environment(f"http://127.0.0.1:{port}")
        finally:
            server.terminate()
            server.wait(20)


def environment(endpoint: str) -> Environment:
    """What boto3 must be told to use `endpoint`."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _server_environment(folder: Path, port: int) -> dict[str, str]:
    settings = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING", "TMPDIR": str(folder)}
    return {**os.environ, **settings}


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < ends and server.poll() is None:
        if _answers(port):
            return
        time.sleep(0.05)  # a process starts in real time
    raise TimeoutError(f"ministack did not start on port {port}: {log.read_text(errors='replace')[-2000:]}")


def _answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
