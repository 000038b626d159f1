"""One meaning for each public class name: no two rooms define the same one."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

SERVICE = Path(__file__).parents[2] / "service"


def _rooms_by_name() -> Mapping[str, set[str]]:
    rooms: dict[str, set[str]] = defaultdict(set)
    for path in SERVICE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                rooms[node.name].add(path.relative_to(SERVICE).parts[0])
    return rooms


def test_no_two_rooms_give_one_class_name_two_meanings() -> None:
    shared = {name: sorted(rooms) for name, rooms in _rooms_by_name().items() if len(rooms) > 1}
    assert not shared, "choose names that no other room defines"
