"""A log line tells an exception and what led to it, however it came about."""

from __future__ import annotations

import ast
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import service
from service.core.logs import MAX_CHAIN, MAX_FRAMES, Formatter


def line(error: BaseException) -> str:
    """What a line says was raised."""
    record = logging.LogRecord("service", logging.ERROR, __file__, 1, "failed", (), (type(error), error, None))
    return str(json.loads(Formatter().format(record))["raised"])


def names(error: BaseException) -> list[str]:
    return [part.splitlines()[0] for part in line(error).split("\ncaused by ")]


def own_cause() -> BaseException:
    error = ValueError("x")
    error.__cause__ = error
    return error


def own_context() -> BaseException:
    error = ValueError("x")
    error.__context__ = error
    return error


def two_of_each_other() -> BaseException:
    error, other = ValueError("x"), KeyError("y")
    error.__cause__, other.__context__ = other, error
    return error


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("make", "said"),
    [(own_cause, ["ValueError"]), (own_context, ["ValueError"]), (two_of_each_other, ["ValueError", "KeyError"])],
)
def test_a_circle_of_exceptions_is_told_once(make: Callable[[], BaseException], said: list[str]) -> None:
    assert names(make()) == said


def test_a_long_chain_is_cut_and_begins_with_what_was_raised() -> None:
    error: BaseException = KeyError(0)
    for _ in range(1_000):
        later = ValueError("x")
        later.__cause__ = error
        error = later
    assert names(error) == ["ValueError"] * MAX_CHAIN


def test_what_was_hidden_on_purpose_stays_hidden() -> None:
    error, first = ValueError("second"), KeyError("first")
    error.__context__, error.__suppress_context__ = first, True  # as "from None" leaves it
    assert names(error) == ["ValueError"]


def test_what_happened_meanwhile_is_told() -> None:
    error = ValueError("second")
    error.__context__ = KeyError("first")
    assert names(error) == ["ValueError", "KeyError"]


def test_a_recursion_without_end_is_a_line_of_the_usual_length() -> None:
    def again() -> None:
        again()

    with pytest.raises(RecursionError) as raised:
        again()
    assert len(line(raised.value).splitlines()) == 1 + MAX_FRAMES
    assert sys.getrecursionlimit() > MAX_FRAMES


def test_no_exception_of_ours_is_raised_from_itself() -> None:
    """`raise f(error) or error from error` once made a circle of one."""
    files = sorted(Path(str(service.__file__)).parent.rglob("*.py"))
    raised = ((path, node) for path in files for node in ast.walk(ast.parse(path.read_text())))
    circles = [
        f"{path}:{node.lineno}"
        for path, node in raised
        if isinstance(node, ast.Raise) and isinstance(node.cause, ast.Name) and _may_be(node.exc, node.cause.id)
    ]
    assert circles == []


def _may_be(raised: ast.expr | None, name: str) -> bool:
    match raised:
        case ast.Name(id=other):
            return other == name
        case ast.BoolOp(values=values):
            return any(_may_be(value, name) for value in values)
        case ast.IfExp(body=body, orelse=orelse):
            return _may_be(body, name) or _may_be(orelse, name)
        case _:
            return False
