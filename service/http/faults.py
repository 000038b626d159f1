"""What pydantic found wrong with a request, in words that say what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.core.spelling import nearest

_TIME: Final = "must be a time with its zone, such as 2026-05-10T09:00:00Z (RFC 3339)"
_NUMBER: Final = "must be a whole number"

_SAID: Final[Mapping[str, str]] = {
    "missing": "is missing",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "string_too_long": "may have at most {max_length} characters",
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "may be at most {le}",
    "list_type": "must be a list",
    "too_short": "must have at least {min_length} of them",
    "too_long": "may have at most {max_length} of them",
    "sequence_str": "must be a list",
    "dict_type": "must be an object",
    "mapping_type": "must be an object",
    "model_type": "must be an object",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "timezone_aware": _TIME,
    "instant": _TIME,
    "string_pattern_mismatch": "is not written as it must be: see /docs",
}
"""By pydantic's name of the fault, https://docs.pydantic.dev/latest/errors/validation_errors/; others say their own."""

Location = tuple[int | str, ...]


def described(error: ValidationError, known: Collection[str] = ()) -> list[tuple[str, str]]:
    """A path and a sentence for each fault; `known` are the names that the document may hold at its top.

    Values are not repeated: they may be personal data.
    """
    found = error.errors(include_url=False, include_input=False)
    missing = {one["loc"] for one in found if one["type"] == "missing"}
    return [(_path(one["loc"]), _sentence(one, missing, known)) for one in found]


def _sentence(fault: ErrorDetails, missing: Collection[Location], known: Collection[str]) -> str:
    if fault["type"] == "extra_forbidden":
        return f"is not known here{_hint(fault['loc'], missing, known)}"
    said = _SAID.get(fault["type"])
    return fault["msg"].removeprefix("Value error, ") if said is None else said.format_map(fault.get("ctx", {}))


def _hint(place: Location, missing: Collection[Location], known: Collection[str]) -> str:
    beside = {str(one[-1]) for one in missing if one[:-1] == place[:-1]} | (set(known) if len(place) == 1 else set())
    near = nearest(str(place[-1]), beside)
    return f': did you mean "{near}"?' if near else ""


def _path(location: Location) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")
