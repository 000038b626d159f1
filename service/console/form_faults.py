"""What is wrong with a form, in the words of its page: calls and paths of members are for programs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.http import Problem

AT_ITS_FIELD = "It cannot be taken like this. What to change stands at its field."

_IN_OUR_WORDS = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"has no recipients: POST \S+ adds some", "nobody belongs to it: add people to it under People"),
        (r"is no recipient: PUT \S+ makes one", "nobody has this id: look under People, or add them there"),
        (r"name either an audience or recipients", "name either an audience or people"),
        (r": POST \S+ makes one", ": it begins with the first person who joins it"),
        (r"see (?:GET|POST) /v1/translations\S*", "see Translations"),
        (r": GET /v1/translations\S*", ": see Translations"),
        (r"must be (?:text|a string)", "write something here"),
        (r"(?:[:;,]| or with| with)? ?(?:GET|POST|PUT|DELETE) /v1/[^\s,;]+", ""),
    )
)
_FIELD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class FormFaults:
    """What is wrong by field, and what stands above the form."""

    errors: Mapping[str, str]
    notice: str


NO_FAULTS = FormFaults({}, "")


def in_our_words(message: str) -> str:
    """A message of the API as a page says it."""
    for pattern, words in _IN_OUR_WORDS:
        message = pattern.sub(words, message)
    return message


def form_faults(problem: Problem, labels: Mapping[str, str], within: str = "") -> FormFaults:
    """The faults of a form whose fields have these `labels`; `within` is the member of the body that they stand in."""
    errors: dict[str, str] = {}
    elsewhere: list[str] = []
    for error in problem.errors:
        path, message = error.path.removeprefix(within), in_our_words(error.message)
        field = _FIELD.match(path)
        if field is None or field[0] not in labels:
            elsewhere.append(f"{path} {message}".strip())
            continue
        sentence = f"{_rest(path[field.end() :])}{message}"
        errors[field[0]] = f"{errors[field[0]]}; {sentence}" if field[0] in errors else sentence
    if not problem.errors:
        return FormFaults({}, in_our_words(problem.detail))
    named = [f"{labels[name]}: {sentence}." for name, sentence in errors.items()]
    return FormFaults(errors, " ".join([*(f"{_capital(fault)}." for fault in elsewhere), *(named or [AT_ITS_FIELD])]))


def _rest(path: str) -> str:
    """Which of several values of a field: `[1]` as `the 2nd`, `.house` as `house`."""
    if (place := re.match(r"\[(\d+)\]", path)) is not None:
        return f"number {int(place[1]) + 1} "
    return f"{path[1:]} " if path.startswith(".") else ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
