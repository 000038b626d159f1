"""`tocsin rules map`: which rules hold for each pair of two facts' values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from service.cli.rule_files import RULE_FILE, as_json_option, sound
from service.core import exact_json
from service.decide import NoSuchAxis, rule_map

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@click.command("map")
@click.argument("file", type=RULE_FILE)
@click.option("--x", help="The fact to the right; one with most ranges if left out.")
@click.option("--y", help="The fact downwards.")
@as_json_option
def draw_map(file: Path, x: str | None, y: str | None, as_json: bool) -> None:
    """Draw which rules hold for two facts.

    The other facts are where the first rule holds. "gap" is where no rule holds though must_cover or should_cover asks
    for one.
    """
    try:
        drawn = rule_map(sound(file), x, y)
    except NoSuchAxis as error:
        raise click.ClickException(str(error)) from error
    click.echo(exact_json.dumps(drawn) if as_json else _as_text(drawn))


def _as_text(drawn: Mapping[str, Any]) -> str:
    combinations = list(dict.fromkeys(_said(cell) for row in drawn["cells"] for cell in row if cell["rules"]))
    marks = {said: _LETTERS[place] if place < len(_LETTERS) else "+" for place, said in enumerate(combinations)}
    if drawn["x"] is None:
        return "No rule compares a fact by itself: there is nothing to draw."
    lines = [f"{drawn['y'] or ''} ↓ {drawn['x']} →", *_numbered(drawn["columns"])]
    wide = max(map(len, drawn["rows"]))
    for label, row in zip(drawn["rows"], drawn["cells"], strict=True):
        cells = ("gap" if cell["gap"] else marks.get(_said(cell), ".") for cell in row)
        lines.append(f"{label:{wide}} {' '.join(f'{cell:>3}' for cell in cells)}")
    lines += [f"{mark} = {said}" for said, mark in marks.items()]
    lines += [f"where {other['fact']} is {other['cells'][other['at']]}" for other in drawn["others"]]
    return "\n".join(lines)


def _numbered(columns: list[str]) -> list[str]:
    return [f"column {place}: {column}" for place, column in enumerate(columns, 1)]


def _said(cell: Mapping[str, Any]) -> str:
    return " + ".join(cell["rules"])
