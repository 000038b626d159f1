"""The errors that pydantic finds in a request, in words that say what to write instead."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.core import nearest_word

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
    "tuple_type": "must be a list",
    "sequence_str": "must be a list",
    "text_or_object": "must be text or an object",
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
    errors = list(_without_branches(error.errors(include_url=False, include_input=False)))
    missing = {detail["loc"] for detail in errors if detail["type"] == "missing"}
    return [(_path(detail["loc"]), _sentence(detail, missing, known)) for detail in errors]


_TEXT: Final = frozenset({"str", "constrained-str"})
"""What pydantic calls the branch of a text."""


def _without_branches(errors: Sequence[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Faults of a value that may be a text or an object: pydantic tells those of both, by the names of our classes."""
    places = {error["loc"][:-1] for error in errors if error["loc"] and error["loc"][-1] in _TEXT}
    unions = {
        place for place in places if len({error["loc"][len(place)] for error in errors if _is_in(error, place)}) > 1
    }
    for error in errors:
        place = next((place for place in unions if _is_in(error, place)), None)
        if place is None:
            yield error
        elif (kept := _of_branch(error, place, errors)) is not None:
            yield kept


def _is_in(fault: ErrorDetails, place: Location) -> bool:
    return len(fault["loc"]) > len(place) and fault["loc"][: len(place)] == place


def _of_branch(fault: ErrorDetails, place: Location, errors: Sequence[ErrorDetails]) -> ErrorDetails | None:
    """The fault where the value is of its branch's kind, or one of both where it is of neither."""
    inner = fault["loc"][len(place) + 1 :]
    if fault["type"] == "model_type" and not inner:
        return None
    is_text = not inner and fault["loc"][-1] in _TEXT
    if not is_text or fault["type"] != "string_type":
        return {**fault, "loc": (*place, *inner)}
    is_object = all(error["type"] != "model_type" for error in errors if _is_in(error, place))
    return None if is_object else {**fault, "loc": place, "type": "text_or_object"}


def _sentence(fault: ErrorDetails, missing: Collection[Location], known: Collection[str]) -> str:
    if fault["type"] == "extra_forbidden":
        return f"is not known here{_hint(fault['loc'], missing, known)}"
    if fault["type"] == "is_instance_of":
        return "must be a list" if fault.get("ctx", {}).get("class") == "Sequence" else "must be an object"
    sentence = _SAID.get(fault["type"])
    return fault["msg"].removeprefix("Value error, ") if sentence is None else sentence.format_map(fault.get("ctx", {}))


def _hint(place: Location, missing: Collection[Location], known: Collection[str]) -> str:
    beside = {str(place_of_missing[-1]) for place_of_missing in missing if place_of_missing[:-1] == place[:-1]} | (
        set(known) if len(place) == 1 else set()
    )
    near = nearest_word(str(place[-1]), beside)
    return f': did you mean "{near}"?' if near else ""


def _path(location: Location) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return path.removeprefix(".")
