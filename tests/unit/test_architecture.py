"""What the documentation says of the code's rooms and files is so."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DRAW = runpy.run_path(str(ROOT / "docs" / "draw_rooms.py"))
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def test_the_picture_of_the_rooms_is_current() -> None:
    assert DRAW["PICTURE"].read_text() == DRAW["drawn"](), "run: .venv/bin/python docs/draw_rooms.py"


@pytest.mark.parametrize("page", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]), ids=lambda page: page.name)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    assert not [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
