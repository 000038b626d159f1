"""`tocsin worker`: does what is due, until it is told to stop."""

from __future__ import annotations

import faulthandler
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable

import click

from service.cli import lifetime
from service.cli.start import start_settings
from service.core import PeriodicRunner, logs
from service.wiring import Service, open_store, reload

GARBAGE = 10_000
"""Objects made and not yet gone, at which Python looks for circles among them."""

logger = logging.getLogger(__name__)


@click.command()
def worker() -> None:
    """Run one background worker.

    It sends, retries and keeps the timers, and does the periodic tasks of the store and the rule files.

    Any number of them may run at the same time, on any machine that reaches the store.
    """
    lifetime.end_with_parent()
    faulthandler.enable()  # a library that ends the process leaves its traceback in the log
    settings = start_settings()
    logs.configure(settings.log_level)
    store = open_store(settings, bell=lambda lane: loop.look(lane))  # noqa: PLW0108  the loop is made below
    service = Service(settings, store=store)
    loop = service.worker()
    # What the start has made stays, and nearly all that is made later goes by itself: looking at it again and again
    # takes a tenth of a busy worker.
    gc.freeze()
    gc.set_threshold(GARBAGE)
    lifetime.on_stop(loop.stop)
    renewal = threading.Event()
    tasks = PeriodicRunner(
        [
            *service.worker_tasks(),
            service.heartbeat(loop),
            *reload.periodic_tasks(settings, lambda: _renew(renewal, loop.stop)),
        ]
    )
    tasks.start()
    intake = service.intake()
    if intake is not None:
        intake.start()
    finished = loop.run()
    if intake is not None:
        finished = intake.stop() and finished
    tasks.stop()
    if not finished:
        logger.warning("Some work was not finished in time; it comes due again when its lease ends")
        logging.shutdown()
        if not renewal.is_set():
            os._exit(0)  # the interpreter would wait for a send that hangs
    else:
        service.store.close()
    if renewal.is_set():
        os.execv(sys.executable, [sys.executable, "-m", "service.cli", "worker"])  # noqa: S606  no input of others


def _renew(renewal: threading.Event, stop: Callable[[], None]) -> None:
    """Let the worker finish what it has begun, and then begin anew in this same process."""
    renewal.set()
    stop()
