"""`tocsin up`: the API and workers in the foreground, in one process group."""

from __future__ import annotations

import logging
import os
import socket
import sys
from pathlib import Path

import click

from service.cli import lifetime
from service.cli.home import only_one
from service.cli.serve import address, gunicorn, listen
from service.cli.start import start_settings
from service.cli.supervisor import Child, Supervisor
from service.cli.welcome import say_when_ready
from service.config import Settings
from service.core import Unavailable, logs, metrics_files

logger = logging.getLogger(__name__)


@click.command()
def up() -> None:
    """Run everything, API and workers, until Ctrl-C.

    A process that dies is started again.
    """
    settings = start_settings()
    logs.configure(settings.log_level)
    with only_one(settings.home), listen(settings) as listener:
        metrics = metrics_files.make_folder(settings.home)
        try:
            _supervise(settings, listener, metrics)
        finally:
            metrics_files.remove_folder(metrics)


def _supervise(settings: Settings, listener: socket.socket, metrics: Path) -> None:
    own = {metrics_files.FOLDER: str(metrics), lifetime.PARENT: str(os.getpid())}
    environment = {**os.environ, **own}
    worker = [sys.executable, "-m", "service.cli", "worker"]
    api = Child("API", gunicorn(listener), environment, (listener.fileno(),))
    supervisor = Supervisor([api, *(Child("worker", worker, environment) for _ in range(settings.worker_processes))])
    supervisor.start()
    try:
        _make_development_key(settings)
        url = address(listener)
        say_when_ready(url, settings.dev_key, lambda: _console(settings, url))
    except BaseException:
        supervisor.end()
        raise
    supervisor.watch()


def _console(settings: Settings, url: str) -> str:
    """A link that signs in to the console; without a key, its address alone."""
    from service.cli.console import NoKeyToSignIn, development_link

    try:
        return development_link(settings, url)
    except (NoKeyToSignIn, Unavailable) as error:
        logger.warning("There is no link that signs in: %s", error)
        return f"{url}/console"


def _make_development_key(settings: Settings) -> None:
    # imported while the children start: together they need half a second less
    from service.cli.development import development_key
    from service.http import Keys
    from service.wiring import SYSTEM_CLOCK, open_store

    try:
        development_key(settings.dev_key, Keys(open_store(settings), SYSTEM_CLOCK))
    except Unavailable as error:
        if not settings.dev_key.exists():
            raise
        logger.warning("The development key cannot be looked at and stays as it is: %s", error)
