"""A room is used through its face: what its `__init__` lists, or a module that is imported by its name."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

SERVICE = Path(__file__).parents[2] / "service"

WITHOUT_A_FACE = "core"
"""A room of small modules, each imported by its name; it is nobody's whole."""

LAZY = ("aws", "channels", "messages", "wiring")
"""Rooms whose modules take long to import, so that each is imported when a name of it is asked for."""


class Import(NamedTuple):
    """A name that a file imports from a module of another room."""

    file: str
    module: str
    name: str


@cache
def _imports() -> Sequence[Import]:
    return [taken for path in sorted(SERVICE.rglob("*.py")) for taken in _imports_of(path)]


def _imports_of(path: Path) -> Iterator[Import]:
    room = path.relative_to(SERVICE).parts[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if module.startswith("service.") and module.split(".")[1] not in (room, WITHOUT_A_FACE):
            assert isinstance(node, ast.ImportFrom)
            yield from (Import(str(path.relative_to(SERVICE)), module, name.name) for name in node.names)


def _place(module: str) -> Path:
    return SERVICE.parent.joinpath(*module.split("."))


def _is_module(name: str) -> bool:
    return _place(name).is_dir() or _place(name).with_suffix(".py").is_file()


def _of_faces() -> set[str]:
    return {taken.module for taken in _imports() if _place(taken.module).is_dir()}


def test_no_room_reaches_past_the_face_of_another() -> None:
    past = [taken for taken in _imports() if not _place(taken.module).is_dir() and taken.module != "service.app"]
    assert not past, "import it from the room, and list it in the room's __init__"


@pytest.mark.parametrize("module", sorted(_of_faces()))
def test_a_face_lists_what_is_taken_from_it(module: str) -> None:
    taken = {one.name for one in _imports() if one.module == module}
    face = import_module(module)
    listed = set(getattr(face, "__all__", vars(face)))
    assert {name for name in taken if not _is_module(f"{module}.{name}")} <= listed


@pytest.mark.parametrize("room", LAZY)
def test_a_lazy_face_gives_every_name_that_it_lists_and_no_other(room: str) -> None:
    face = import_module(f"service.{room}")
    assert all(getattr(face, name) is not None for name in face.__all__)
    with pytest.raises(AttributeError):
        face.no_such_name  # noqa: B018
