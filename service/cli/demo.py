"""`tocsin demo`: the ancestors' scenarios against a running or a temporary instance, as a transcript."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import click

from service import config
from service.cli.scenarios import SCENARIOS, Api, Transcript
from service.cli.scenarios.api import NoAnswer
from service.core import TocsinError

START_SECONDS = 60.0
"""How long a temporary instance may take to become ready: a first start compiles every rule file."""

STOP_SECONDS = 15.0


class NotStarted(TocsinError):
    """The temporary instance did not become ready."""


class NoKey(TocsinError):
    """There is no key for the running instance."""


@click.command()
@click.option("--url", help="A running instance, such as http://127.0.0.1:8080. Without it a temporary one is started.")
@click.option("--key", help="Its API key; without it the development key in TOCSIN_HOME.")
@click.option("--only", "names", multiple=True, type=click.Choice(list(SCENARIOS)), help="Play this one; repeat it.")
def demo(url: str | None, key: str | None, names: tuple[str, ...]) -> None:
    """Play the scenarios and show what comes back.

    Exits with 1 if one does not end as it should.
    """
    transcript = Transcript(click.echo)
    if url is None:
        with _temporary_instance() as api:
            _play(api, transcript, names)
    else:
        _play(Api(url, key or _development_key()), transcript, names)
    click.echo("\nEverything ended as it should." if not transcript.failures else f"\n{transcript.failures} wrong.")
    sys.exit(1 if transcript.failures else 0)


def _play(api: Api, transcript: Transcript, names: tuple[str, ...]) -> None:
    for name in names or SCENARIOS:
        SCENARIOS[name](api, transcript)


def _development_key() -> str:
    path = config.load().dev_key
    try:
        return path.read_text().strip()
    except OSError as error:
        raise NoKey(f"no development key at {path}: name one with --key, or set TOCSIN_HOME") from error


@contextmanager
def _temporary_instance() -> Iterator[Api]:
    """An instance of its own, with an empty data folder and the rule files of this folder; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tocsin-demo-") as folder:
        home = Path(folder)
        port = _free_port()
        environment = {**os.environ, "TOCSIN_HOME": folder, "TOCSIN_HOST": "127.0.0.1", "TOCSIN_PORT": str(port)}
        with (home / "log").open("wb") as log:
            command = [sys.executable, "-m", "service.cli", "up"]
            instance = subprocess.Popen(command, env=environment, stdout=log, stderr=log)  # noqa: S603  our own command
        try:
            yield _ready(Api(f"http://127.0.0.1:{port}", _key_of(instance, home)), instance, home)
        finally:
            instance.terminate()
            _ended(instance)


def _key_of(instance: subprocess.Popen[bytes], home: Path) -> str:
    key = home / "dev-key"
    _wait_for(lambda: key.exists() and key.stat().st_size > 0, instance, home)
    return key.read_text().strip()


def _ready(api: Api, instance: subprocess.Popen[bytes], home: Path) -> Api:
    _wait_for(lambda: _is_ready(api), instance, home)
    return api


def _is_ready(api: Api) -> bool:
    try:
        return api.get("/readyz").status == HTTPStatus.OK
    except NoAnswer:
        return False


def _wait_for(happened: Callable[[], bool], instance: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not happened():
        if time.monotonic() > deadline or instance.poll() is not None:
            log = (home / "log").read_text(errors="replace")[-2000:]
            raise NotStarted(f"the temporary instance did not become ready; the end of its log:\n{log}")
        time.sleep(0.05)


def _ended(instance: subprocess.Popen[bytes]) -> None:
    try:
        instance.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        instance.kill()
        instance.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port
