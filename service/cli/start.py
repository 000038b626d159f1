"""What every command does first that starts a service."""

from __future__ import annotations

import os

from service import config
from service.cli.notices import notice
from service.config import Settings, folders


def start_settings() -> Settings:
    """The settings with which a service can start; `SettingsError` names every one with which it cannot.

    From here on files that it makes are for its own user alone: personal data may be in any of them.
    """
    os.umask(0o077)
    settings = config.load(service=True)
    for sentence in () if folders.were_checked() else config.warnings(settings):
        notice(f"Warning: {sentence}")
    os.environ[folders.CHECKED] = "1"  # for this process and those that it starts
    return settings
