"""`tocsin serve`: the API under gunicorn."""

from __future__ import annotations

import os
import socket
import sys

import click

from service.cli.notices import notice
from service.cli.start import start_settings
from service.config import Settings
from service.core import TocsinError, metrics_files


class CannotListen(TocsinError):
    """The address is taken or not one of this machine."""


@click.command()
def serve() -> None:
    """Run the API alone, without a worker.

    `tocsin up` runs it with workers.
    """
    settings = start_settings()
    listener = listen(settings)
    os.environ.setdefault(metrics_files.FOLDER, str(metrics_files.make_folder(settings.home)))
    notice(f"Tocsin's API listens at {address(listener)}")
    os.execv(sys.executable, gunicorn(listener))  # noqa: S606  our own interpreter, no input of others


def listen(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say and survives exec; `CannotListen` says what to change."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen at {settings.host}:{settings.port}: {_reason(error)}. "
            "Another Tocsin or another program may be there: stop it, or set TOCSIN_PORT or TOCSIN_HOST."
        ) from error
    listener.set_inheritable(True)
    return listener


def _reason(error: OSError) -> str:
    """Without what Python appends to some of them."""
    return str(error) if error.errno is None else os.strerror(error.errno)


def address(listener: socket.socket) -> str:
    """The URL at which this machine reaches the listener."""
    host, port = listener.getsockname()[:2]
    return _url(host, port)


def own_url(settings: Settings) -> str:
    """The URL at which this machine reaches an API that runs with these settings."""
    return _url(settings.host, settings.port)


def _url(host: str, port: int) -> str:
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  read, not bound
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def gunicorn(listener: socket.socket) -> list[str]:
    """The command that answers what arrives at the listener."""
    bind = ["--bind", f"fd://{listener.fileno()}"]
    return [sys.executable, "-m", "gunicorn", "--config", "python:service.cli.gunicorn_config", *bind]
