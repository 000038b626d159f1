"""What is wrong with settings, a line for each: `TOCSIN_PORT: must be at least 0`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.core import is_readable_on_the_way

PREFIX = "TOCSIN_"

_NUMBER: Final = "must be a whole number"
_YES_NO: Final = "must be true or false"

_SAID: Final[Mapping[str, str]] = {
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_parsing_size": _NUMBER,
    "int_from_float": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "may be at most {le}",
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
    "value_error": "{error}",
}
"""By pydantic's name of the fault, https://docs.pydantic.dev/latest/errors/validation_errors/; others say their own."""

_KEPT_BACK = "cannot be used as it is; what it holds is not shown. docs/settings.md shows its form"
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True, slots=True)
class SettingFault:
    """One setting that cannot be used: its name in the environment, and what to write instead."""

    name: str
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


def name_of(field: str) -> str:
    """What a field of the settings is called in the environment."""
    return f"{PREFIX}{field.upper()}"


def described(error: ValidationError, hidden: Mapping[str, str]) -> Iterator[SettingFault]:
    """Each fault that pydantic found; no word of the `hidden` texts, by field, is repeated."""
    for error_details in error.errors(include_url=False, include_input=False):
        field = str(error_details["loc"][0])
        message = _sentence(error_details)
        shows = error_details["type"] == "value_error" and any(
            word in message for word in _WORD.findall(hidden.get(field, ""))
        )
        yield SettingFault(name_of(field), _KEPT_BACK if shows else message)


def _sentence(fault: ErrorDetails) -> str:
    sentence = _SAID.get(fault["type"])
    text = fault["msg"] if sentence is None else sentence.format_map(fault.get("ctx", {}))
    return " ".join(text.split())  # one line each


def without_partner(texts: Mapping[str, str]) -> Iterator[SettingFault]:
    """A setting that is of no use without another one."""
    for given, other in (("twilio_account", "twilio_tokens"), ("twilio_tokens", "twilio_account")):
        if texts.get(given) and not texts.get(other):
            yield SettingFault(
                name_of(other), f"is missing: set it too, or remove {name_of(given)} (docs/providers.md)"
            )


def warnings(public_url: str | None) -> tuple[str, ...]:
    """A sentence for each value that works and may not do what was meant."""
    if public_url is None or not is_readable_on_the_way(public_url):
        return ()
    return (
        f"{name_of('public_url')} is http: whoever is on the way can read and use the links in messages, and mails "
        "offer no one-click unsubscribing, which needs https (RFC 8058). Write https://…, behind a proxy if need be.",
    )
