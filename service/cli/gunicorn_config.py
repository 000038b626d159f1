"""How gunicorn runs the API; its settings reference: https://docs.gunicorn.org/en/stable/settings.html."""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path
from typing import Protocol

import service.wiring.app  # noqa: F401  before the fork: its modules are read once and shared by all processes
from service.cli import lifetime
from service.config import load  # not the module: gunicorn would take the name `config` for a setting of its own
from service.core import logs, metrics_files

lifetime.end_with_parent()
faulthandler.enable()  # a library that ends the process leaves its traceback in the log
_settings = load()

wsgi_app = "service.wiring.app:wsgi()"
# what the edge asks of the kernel is Linux's alone
_edge = "PlainWorker" if _settings.edge == "plain" or sys.platform != "linux" else "BufferingWorker"
worker_class = f"service.http.edge.worker.{_edge}"
forwarded_allow_ips = ",".join(_settings.trusted_proxies)
limit_request_line = 8190
limit_request_fields = 60
limit_request_field_size = 8190
workers = _settings.workers
threads = _settings.threads
timeout = 60
# `tocsin up` ends within 10 s; a request takes milliseconds
graceful_timeout = 7
# longer than the idle timeout of load balancers (AWS: 60 s), so that they never reuse a connection that we just closed
keepalive = 75
control_socket_disable = True
logconfig_dict = logs.as_dict(_settings.log_level)
# the heartbeat's file: on a disk that hangs, it would kill healthy processes
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108


class GunicornWorker(Protocol):
    """As much of gunicorn's worker as is used here; gunicorn ships no types."""

    pid: int


def child_exit(_server: object, worker: GunicornWorker) -> None:
    """Forget the gauges of a process that ended; its counters stay in the sums."""
    from prometheus_client import multiprocess

    if metrics_files.FOLDER in os.environ:
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the library left it out


def on_exit(_server: object) -> None:
    """Give the memory of the metrics back, where no `tocsin up` does."""
    if lifetime.PARENT not in os.environ and (folder := os.environ.get(metrics_files.FOLDER)):
        metrics_files.remove_folder(Path(folder))
