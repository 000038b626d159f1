"""Why a request was not decided: what its caller is told, and what the audit keeps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from service.core import TocsinError
from service.decide import ActionRefused, FactsRefused, NotUnique
from service.evaluations.reach import NobodyReached
from service.http import FieldError, Problem, ProblemType, invalid
from service.rulesets import NotYetActive
from service.rulesets import problems as rulesets
from service.storage import TooLarge


@contextmanager
def as_problems() -> Iterator[None]:
    """Turn the refusals of an evaluation into problems."""
    with rulesets.as_problems():
        try:
            yield
        except TocsinError as error:
            problem = _problem(error)
            if problem is None:
                raise  # "from error" would make it its own cause
            raise problem from error


def exception(error: Exception) -> Mapping[str, object]:
    """What an `exception` entry says of an error; only its name if it is a fault of ours."""
    detail = {"error": type(error).__name__}
    if isinstance(error, TocsinError):
        return {
            **detail,
            "detail": str(error),
            "errors": [{"path": e.path, "message": e.message} for e in field_errors(error)],
        }
    return detail


def field_errors(error: TocsinError) -> tuple[FieldError, ...]:
    """The places in the request that an error names."""
    match error:
        case FactsRefused():
            return tuple(FieldError(fault.path, fault.message) for fault in error.errors)
        case NobodyReached():
            return error.faults
        case ActionRefused():
            return (FieldError(error.path, str(error)),)
        case NotYetActive():
            return (FieldError("context.as_of", str(error)),)
        case NotUnique():
            return (FieldError("", str(error)),)
        case _:
            return ()


def _problem(error: TocsinError) -> Problem | None:
    if isinstance(error, TooLarge):
        return Problem(ProblemType.TOO_LARGE, f"The answer is too large for the audit: {error}.")
    if isinstance(error, NobodyReached):
        return invalid(error.faults, f'The rule "{error.rule}" would reach nobody.')
    if errors := field_errors(error):
        return invalid(errors, "The facts do not fit the ruleset.")
    return None
