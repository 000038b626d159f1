"""One meaning for each public class name: no two modules define the same one."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

SERVICE = Path(__file__).parents[2] / "service"


def _modules_by_name() -> Mapping[str, set[str]]:
    modules: dict[str, set[str]] = defaultdict(set)
    for path in SERVICE.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                modules[node.name].add(str(path.relative_to(SERVICE)))
    return modules


def test_no_two_modules_give_one_class_name_two_meanings() -> None:
    shared = {name: sorted(modules) for name, modules in _modules_by_name().items() if len(modules) > 1}
    assert not shared, "choose names that no other module defines"
