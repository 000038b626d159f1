"""Tocsin: decide by rules, notify people in their own language, escalate until somebody owns it."""

import os

if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    # Metrics are made when modules are read, so their files must be safe before any other module of ours is.
    from service.core import metrics_files

    metrics_files.install()
