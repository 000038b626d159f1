"""Bounds of a sampling of live requests, shared by its call, its command and its work."""

from __future__ import annotations

from datetime import timedelta

MAX_EVENTS = 10_000
"""Events that one sampling may take."""

MAX_TIME = timedelta(days=7)
"""How long one sampling may go on."""
