"""When a process ends: asked to, by a signal, or with the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PARENT = "_TOCSIN_UP"
"""Environment name by which `tocsin up` tells a child whose child it is."""

_PR_SET_PDEATHSIG = 1

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
"""Of a service manager, of Ctrl-C, and of a terminal that is closed."""


def on_stop(stop: Callable[[], object]) -> None:
    """Call `stop` for every signal that asks to end, but SIGHUP where it is ignored already (`nohup`)."""
    for number in _STOP_SIGNALS:
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: stop())


def end_with_parent() -> None:
    """If `tocsin up` started this process, be sent SIGTERM when it dies, however it dies (Linux, prctl(2))."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    died_before_we_asked = os.getppid() != int(parent)
    if died_before_we_asked:
        os.kill(os.getpid(), signal.SIGTERM)
