"""`tocsin worker`: does what is due, until it is told to stop."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable

import click

from service import config, logs
from service.app import Service
from service.chores import Chores
from service.cli import lifetime
from service.stores import open_store

logger = logging.getLogger(__name__)


@click.command()
def worker() -> None:
    """Run one worker: timers, sends, retries, and the chores of the store and the rule files.

    Any number of them may run at the same time, on any machine that reaches the store.
    """
    lifetime.end_with_parent()
    settings = config.load()
    logs.configure(settings.log_level)
    service = Service(settings, store=open_store(settings, listens=True))
    loop = service.worker()
    _on_stop(loop.stop)
    chores = Chores(service.worker_chores())
    chores.start()
    intake = service.intake()
    if intake is not None:
        intake.start()
    finished = loop.run()
    if intake is not None:
        intake.stop()
    chores.stop()
    if not finished:
        logger.warning("Some items were not finished in time; they come due again when their leases end")
        logging.shutdown()
        os._exit(0)  # the interpreter would wait for a send that hangs
    service.store.close()


def _on_stop(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop())
