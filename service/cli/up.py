"""`tocsin up`: the API and workers in the foreground, in one process group."""

from __future__ import annotations

import os
import sys

import click

from service import logs, surroundings
from service.cli import lifetime
from service.cli.home import only_one
from service.cli.serve import METRICS, address, gunicorn, listen, metrics_folder
from service.cli.start import start_settings
from service.cli.supervisor import Child, Supervisor
from service.cli.welcome import say_when_ready
from service.config import Settings


@click.command()
def up() -> None:
    """Run the API and its workers until Ctrl-C; whichever dies is started again."""
    settings = start_settings()
    logs.configure(settings.log_level)
    with only_one(settings.home), listen(settings) as listener:
        own = {METRICS: metrics_folder(settings), lifetime.PARENT: str(os.getpid()), surroundings.CHECKED: "1"}
        environment = {**os.environ, **own}
        worker = [sys.executable, "-m", "service.cli", "worker"]
        api = Child("API", gunicorn(listener), environment, (listener.fileno(),))
        workers = [Child("worker", worker, environment) for _ in range(settings.worker_processes)]
        supervisor = Supervisor([api, *workers])
        supervisor.start()
        _make_development_key(settings)
        say_when_ready(address(listener), settings.dev_key)
        supervisor.watch()


def _make_development_key(settings: Settings) -> None:
    # imported while the children start: together they need half a second less
    from service.cli.development import development_key
    from service.http import Keys
    from service.stores import SYSTEM_CLOCK, open_store

    development_key(settings.dev_key, Keys(open_store(settings), SYSTEM_CLOCK))
