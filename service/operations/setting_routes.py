"""The settings over HTTP: read only, secrets left out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flask import Blueprint

from service.core import Scope
from service.http import Shown, endpoint


class ShownSetting(Shown):
    """One setting; `value` is null where it is secret, or nothing is set.

    `origin` is `default`, `environment`, `.env`, or the reference to where the value is kept.
    """

    name: str
    description: str
    value: str | None
    is_secret: bool
    origin: str


class SettingList(Shown):
    """Every setting of the process that answers, in the order of the documentation."""

    items: Sequence[ShownSetting]


def blueprint(settings: Callable[[], Sequence[Mapping[str, object]]]) -> Blueprint:
    """`GET /v1/settings`."""
    routes = Blueprint("settings", __name__)

    @endpoint(
        routes,
        "GET",
        "/v1/settings",
        summary="Read the settings",
        scope=Scope.ADMIN,
        answers={200: SettingList},
    )
    def list_settings() -> SettingList:
        """What is set and where it comes from. They are changed in the environment, and read when a process starts."""
        return SettingList.model_validate({"items": settings()})

    return routes
