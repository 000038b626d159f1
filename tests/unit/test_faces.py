"""A room is used through its face: what its `__init__` lists, or a module that is imported by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[2] / "service"

WITH_FACES = (
    *("audit", "decide", "escalate", "evaluations", "http", "intake"),
    *("notify", "replies", "rosters", "rulesets", "schedules", "work"),
)
"""The rooms that have one; the others follow."""

PAST_A_FACE = frozenset(
    {
        "service.decide.diff.diff",
        "service.decide.outline.outline",
        "service.decide.verify.verify",
        "service.http.endpoint.endpoint",
        "service.http.plumbing.plumbing",
        "service.rulesets.recorded.recorded",
    }
)
"""Functions that are called like their module, so that the face cannot list them. This list only gets shorter."""


@cache
def _imports() -> Sequence[tuple[str, str, str]]:
    """Where names are imported from another room, from which module, and which name."""
    return [found for path in SERVICE.rglob("*.py") for found in _imports_of(path)]


def _imports_of(path: Path) -> Iterator[tuple[str, str, str]]:
    room = path.relative_to(SERVICE).parts[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if isinstance(node, ast.ImportFrom) and module.startswith("service.") and module.split(".")[1] != room:
            yield from ((str(path.relative_to(SERVICE)), module, name.name) for name in node.names)


def _is_module(name: str) -> bool:
    path = SERVICE.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("room", WITH_FACES)
def test_no_room_reaches_past_the_face_of_another(room: str) -> None:
    past = {
        (file, f"{module}.{name}")
        for file, module, name in _imports()
        if module.startswith(f"service.{room}.") and not _is_module(f"{module}.{name}")
    }
    assert not {(file, name) for file, name in past if name not in PAST_A_FACE}, f"import it from service.{room}"


@pytest.mark.parametrize("room", WITH_FACES)
def test_a_face_lists_what_is_taken_from_it(room: str) -> None:
    taken = {name for _, module, name in _imports() if module == f"service.{room}"}
    listed = set(import_module(f"service.{room}").__all__)
    assert {name for name in taken if not _is_module(f"service.{room}.{name}")} <= listed
