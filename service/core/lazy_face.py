"""The face of a room whose modules take long to import: each is imported when a name of it is first asked for.

The module-level `__getattr__` is that of PEP 562.
Such a room lists its face in `__init__.pyi`, which mypy and editors read, and which is read here too.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path


def lazy_face(package: str, init_file: str) -> tuple[Callable[[str], object], Sequence[str]]:
    """The `__getattr__` and the `__all__` of a package that lists its face in the `__init__.pyi` beside `init_file`."""
    stub = ast.parse(Path(init_file).with_suffix(".pyi").read_text("utf-8"))
    places = {
        name.asname or name.name: (node.module, name.name)
        for node in stub.body
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for name in node.names
    }

    def get(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = places[name]
        if module == package:  # a module of the room, used as a whole
            return import_module(f"{package}.{original}")
        return getattr(import_module(module), original)

    return get, sorted(places)
