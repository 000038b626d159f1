"""Following settings that are kept elsewhere: once one changes there, the process is renewed with the new value.

Settings never change under a running process. A process that learns of a change finishes what it has begun and is
replaced: an API process by gunicorn, which goes on listening meanwhile, a worker by itself. So every setting can be
changed without a restart, and no two parts of one process ever see different values.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from prometheus_client import Counter

from service import config
from service.aws import Fetch
from service.config import Settings, SettingsError, sources
from service.core import PeriodicTask

logger = logging.getLogger(__name__)

FAILURES = Counter("tocsin_parameter_failures", "Looks at settings kept elsewhere that failed; the last values go on.")

Renew = Callable[[], object]
"""Ends this process in good order, so that another begins with the settings of then."""


class SettingsWatch:
    """Looks at the settings that are kept elsewhere, and has the process renewed once one is another."""

    def __init__(self, settings: Settings, renew: Renew, fetch: Fetch | None = None) -> None:
        self._settings = settings
        self._renew = renew
        self._fetch = fetch

    def look(self) -> None:
        """Read all of them again. If one cannot be fetched, all stay as they are: a new process would need it too."""
        try:
            fresh = config.load(self._fetch)
        except SettingsError as error:
            FAILURES.inc()
            logger.warning("Settings kept elsewhere cannot be read again, the last values go on: %s", error)
            return
        changed = [name for name in config.references() if getattr(fresh, name) != getattr(self._settings, name)]
        if changed:
            names = ", ".join(config.PREFIX + name.upper() for name in changed)
            logger.info("Changed where it is kept: %s; this process is renewed", names, extra={"settings": names})
            self._settings = fresh
            self._renew()


def periodic_tasks(settings: Settings, renew: Renew) -> list[PeriodicTask]:
    """What a process has to do about settings that are kept elsewhere: nothing, if there are none."""
    if not config.references():
        return []
    return [
        PeriodicTask(
            "reading settings again",
            timedelta(seconds=settings.parameters_ttl),
            SettingsWatch(settings, renew, sources.fetch_kept()).look,
        )
    ]
