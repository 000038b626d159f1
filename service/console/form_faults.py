"""What is wrong with a form: each message of the API beside the field that it is about."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.http import Problem

AT_ITS_FIELD = "It cannot be taken like this. What to change stands at its field."
_FIELD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class FormFaults:
    """What is wrong by field, and what stands above the form."""

    errors: Mapping[str, str]
    notice: str


NO_FAULTS = FormFaults({}, "")


def form_faults(problem: Problem, labels: Mapping[str, str], within: str = "") -> FormFaults:
    """The faults of a form whose fields have these `labels`; `within` is the member of the body that they stand in."""
    errors: dict[str, str] = {}
    elsewhere: list[str] = []
    for error in problem.errors:
        path, message = error.path.removeprefix(within), error.message
        field = _FIELD.match(path)
        if field is None or field[0] not in labels:
            elsewhere.append(f"{path} {message}".strip())
            continue
        sentence = f"{_rest(path[field.end() :])}{message}"
        errors[field[0]] = f"{errors[field[0]]}; {sentence}" if field[0] in errors else sentence
    if not problem.errors:
        return FormFaults({}, problem.detail)
    named = [f"{labels[name]}: {sentence}." for name, sentence in errors.items()]
    return FormFaults(errors, " ".join([*(f"{_capital(fault)}." for fault in elsewhere), *(named or [AT_ITS_FIELD])]))


def _rest(path: str) -> str:
    """Which of several values of a field: `[1]` as `the 2nd`, `.house` as `house`."""
    if (place := re.match(r"\[(\d+)\]", path)) is not None:
        return f"number {int(place[1]) + 1} "
    return f"{path[1:]} " if path.startswith(".") else ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
