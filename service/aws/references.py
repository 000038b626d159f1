"""What a setting may say instead of its value: where AWS keeps it.

`ssm:/tocsin/prod/smtp-url` · `secretsmanager:name-or-arn` · `appconfig:application/environment/profile`; `#key` behind
any of them takes one member of a JSON object.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from service.core import TocsinError


class ValueSource(StrEnum):
    """Who keeps a value."""

    SSM = "ssm"
    SECRETS_MANAGER = "secretsmanager"
    APP_CONFIG = "appconfig"


_FORM = re.compile(rf"({'|'.join(ValueSource)}):([^#]+)(?:#(.+))?")


@dataclass(frozen=True, slots=True)
class ValueReference:
    """Where a value is kept; `key` is a member of the JSON object that it is."""

    source: ValueSource
    name: str
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.source}:{self.name}" + ("" if self.key is None else f"#{self.key}")


class CannotFetch(TocsinError):
    """A value cannot be fetched; says which, why, and what to do. Never holds the value."""


Fetch = Callable[[ValueReference], str]
"""The value that a reference stands for, as it is now; `CannotFetch`."""


def parse_reference(text: str) -> ValueReference | None:
    """The reference that a setting's text is; None for a text that stands for itself."""
    match = _FORM.fullmatch(text)
    return None if match is None else ValueReference(ValueSource(match[1]), match[2], match[3])
