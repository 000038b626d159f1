"""`POST /evaluations` against its floor: the same two rows written by a minimal Flask app under the same gunicorn."""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.first_start import publish_all
from bench.load import load
from bench.report import percentile, table
from service.config import Settings
from service.wiring.app import Service

TARGET = 0.7
"""Share of the floor's requests per second that the service must reach."""

REQUEST = {
    "context": {"request_id": "REQ-$ID", "timestamp": "2021-03-17 03:31:51:40"},
    "request": {
        "driver": {"age": "18", "name": "Brian"},
        "car": {"make": "honda", "model": "civic", "year": "2015", "style": "SPORTS", "color": "RED"},
        "policy": {"id": "1231231", "premium": "300"},
    },
}
JSON_HEADERS = "Content-Type: application/json\r\n"


def run(quick: bool = False) -> Mapping[str, object]:
    """Requests per second and latencies of both, in interleaved rounds."""
    rounds, seconds = (3, 2.0) if quick else (7, 4.0)
    body = json.dumps(REQUEST)
    rates: dict[str, list[float]] = {"floor": [], "tocsin": []}
    latencies: dict[str, list[float]] = {"floor": [], "tocsin": []}
    with tempfile.TemporaryDirectory() as home, _floor(Path(home)) as floor, _tocsin(Path(home)) as (port, key):
        calls = {
            "floor": (floor, "/evaluate", JSON_HEADERS),
            "tocsin": (
                port,
                "/v1/rulesets/premium/evaluations",
                JSON_HEADERS + f"Authorization: Bearer {key}\r\n",
            ),
        }
        for call in calls.values():
            load(*call, body, 1.0)
        for _ in range(rounds):
            for name, call in calls.items():
                taken = load(*call, body, seconds)
                rates[name].append(len(taken) / seconds)
                latencies[name] += taken
    return _report(rates, latencies)


def _report(rates: dict[str, list[float]], latencies: dict[str, list[float]]) -> Mapping[str, object]:
    per_second = {name: statistics.median(values) for name, values in rates.items()}
    figures = {
        name: {
            "requests_per_second": round(per_second[name]),
            **{f"p{share}_ms": round(percentile(latencies[name], share / 100) * 1000, 1) for share in (50, 99)},
        }
        for name in rates
    }
    ratio = per_second["tocsin"] / per_second["floor"]
    rows = [(name, *figure.values()) for name, figure in figures.items()]
    table("two durable audit rows a request, 16 connections", ("", "requests/s", "p50 ms", "p99 ms"), rows)
    print(f"  ratio to the floor: {ratio:.2f} (target ≥ {TARGET})")
    return {**figures, "ratio": round(ratio, 3), "met": ratio >= TARGET}


@contextmanager
def _floor(home: Path) -> Iterator[int]:
    port = _free_port()
    gunicorn = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "16"]
    command = [*gunicorn, "--bind", f"127.0.0.1:{port}", "--log-level", "warning", "bench.floor_app:app"]
    with _server(command, {"FLOOR_DB": str(home / "floor.db")}, port):
        yield port


@contextmanager
def _tocsin(home: Path) -> Iterator[tuple[int, str]]:
    port = _free_port()
    settings = {
        "TOCSIN_HOME": str(home / "tocsin"),
        "TOCSIN_PORT": str(port),
        "TOCSIN_RULES_WATCH": "0",
        "TOCSIN_LOG_LEVEL": "ERROR",
    }
    service = Service(Settings(home=home / "tocsin", rules_watch=False))
    publish_all(service)
    service.store.close()
    with _server([str(Path(sys.executable).with_name("tocsin")), "up"], settings, port):
        _wait_until_ready(port)
        yield port, (home / "tocsin" / "dev-key").read_text().strip()


@contextmanager
def _server(command: list[str], settings: Mapping[str, str], port: int) -> Iterator[None]:
    process = subprocess.Popen(command, env={**os.environ, **settings}, stdout=subprocess.DEVNULL)
    try:
        _wait_until_open(port, process)
        yield
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} did not open port {port}")


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
            if answer.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError("not ready after 60 s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
