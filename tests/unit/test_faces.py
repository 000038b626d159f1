"""Rooms are used through their faces: what the `__init__` of a room lists."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Set
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

SERVICE = Path(__file__).parents[2] / "service"
LAZY = ("aws", "channels", "core", "messages", "wiring")
IMPURE = {"Clock", "HandClock", "OutsidePosts", "PeriodicRunner", "SystemClock", "ids", "metrics_files", "secrets"}
MOST_PAST_A_FACE = 0.1


@pytest.mark.parametrize("room", LAZY)
def test_a_lazy_face_gives_every_name_that_it_lists_and_no_other(room: str) -> None:
    face = import_module(f"service.{room}")
    assert all(getattr(face, name) is not None for name in face.__all__)
    with pytest.raises(AttributeError):
        face.no_such_name  # noqa: B018


@cache
def _listed(room: str) -> Set[str]:
    return frozenset(getattr(import_module(f"service.{room}"), "__all__", ()))


def _imports() -> Iterator[tuple[str, str, str | None]]:
    """The importing room, the room that is imported from, and what is imported past its face, for each import."""
    for path in SERVICE.rglob("*.py"):
        own = path.relative_to(SERVICE).with_suffix("").parts[0]
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("service."):
                continue
            _, room, *inner = str(node.module).split(".")
            if room == own:
                continue
            past: list[str | None] = (
                [".".join(inner)] if inner else [name.name for name in node.names if name.name not in _listed(room)]
            )
            yield from ((own, room, each) for each in past or [None])


def test_at_most_a_tenth_of_the_imports_between_rooms_goes_past_a_face() -> None:
    """The part that puts everything together, `wiring`, is counted too."""
    imports = list(_imports())
    past = [each for each in imports if each[2] is not None]
    assert len(imports) > 1_000
    assert len(past) / len(imports) <= MOST_PAST_A_FACE, f"{len(past)} of {len(imports)}: {sorted(past)}"


def test_decide_takes_nothing_of_core_that_is_not_pure() -> None:
    taken = {
        name.name
        for path in (SERVICE / "decide").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "service.core"
        for name in node.names
    }
    assert "TocsinError" in taken
    assert not taken & IMPURE
