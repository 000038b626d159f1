"""What the documentation says of the code's rooms and files is so."""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRAW = runpy.run_path(str(ROOT / "docs" / "draw_rooms.py"))
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_the_picture_of_the_rooms_is_current() -> None:
    assert DRAW["PICTURE"].read_text() == DRAW["drawn"](), "run: .venv/bin/python docs/draw_rooms.py"


def test_no_file_of_the_service_is_longer_than_a_reader_bears() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in sorted((ROOT / "service").rglob("*.py"))}
    assert len(lines) > 500
    assert {str(path): count for path, count in lines.items() if count > 400} == {}


def test_no_function_of_the_service_is_longer_than_a_page() -> None:
    lengths = {
        f"{path}:{node.name}": int(node.end_lineno or 0) - node.lineno + 1
        for path in sorted((ROOT / "service").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    assert len(lengths) > 5_000
    assert {name: length for name, length in lengths.items() if length > 60} == {}


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    assert not [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
