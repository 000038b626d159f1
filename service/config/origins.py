"""The settings of this process as people read them: the value, unless it is secret, and where it comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from service.aws import parse_reference
from service.config import sources
from service.config.errors import name_of
from service.config.settings import Settings


@dataclass(frozen=True, slots=True)
class ReadableSetting:
    """One setting; `value` is None where it is secret, or nothing is set.

    `origin` is `default`, `environment`, `.env`, or the reference to where the value is kept.
    """

    name: str
    description: str
    value: str | None
    is_secret: bool
    origin: str


def readable(settings: Settings) -> Iterator[ReadableSetting]:
    """Every setting, in the order of the documentation."""
    given = sources.texts(sources.given(), Settings.model_fields)
    in_environment = sources.texts(os.environ, Settings.model_fields)
    for field, declared in Settings.model_fields.items():
        text = given.get(field)
        is_secret = not declared.repr
        value = None if is_secret else _shown(getattr(settings, field))
        origin = _origin(text, is_in_environment=field in in_environment)
        yield ReadableSetting(name_of(field), declared.description or "", value, is_secret, origin)


def _origin(text: str | None, *, is_in_environment: bool) -> str:
    if text is None:
        return "default"
    if parse_reference(text) is not None:
        return text
    return "environment" if is_in_environment else sources.ENV_FILE


def _shown(value: object) -> str | None:
    return None if value is None or value == () else str(value)
