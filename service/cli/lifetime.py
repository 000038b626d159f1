"""Processes that must not outlive the one that started them."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT = "_TOCSIN_UP"
"""Environment name by which `tocsin up` tells a child whose child it is."""

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """If `tocsin up` started this process, be sent SIGTERM when it dies, however it dies (Linux, prctl(2))."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    died_before_we_asked = os.getppid() != int(parent)
    if died_before_we_asked:
        os.kill(os.getpid(), signal.SIGTERM)
