"""The map of a ruleset: which rule decides for two facts' values, and where none does though one should."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, render_template, request

from service.console import calls
from service.console.pages.rules import number_of

COLOURS = 8
"""How many colours the cells have; letters go on."""


def add_to(routes: Blueprint) -> None:
    """Serve the map."""

    @routes.get("/rules/<name>/map")
    def rule_map(name: str) -> str:
        shown = calls.read("rulesets.read_ruleset", name=name)
        number = request.args.get("version", type=int) or number_of(shown)
        drawn = calls.read("rulesets.read_map", _wanted(), name=name, number=number)
        return render_template(
            "rules/map.html",
            name=name,
            number=number,
            map=drawn,
            marks=marks(drawn),
            said_of=said_of,
            active=shown["active"],
        )


def _wanted() -> Mapping[str, object]:
    """The axes, and the other facts' cells if they were chosen for these axes."""
    x, y = request.args.get("x", ""), request.args.get("y", "")
    chosen = request.args.getlist("at") if request.args.get("of", f"{x} {y}") == f"{x} {y}" else []
    return {"x": x, "y": y, "at": ",".join(chosen)}


def marks(drawn: calls.Document) -> Mapping[str, tuple[str, int]]:
    """A letter and a colour for each combination of rules, in the order in which the map shows them."""
    combinations = dict.fromkeys(said_of(cell) for row in drawn["cells"] for cell in row if cell["rules"])
    return {said: (_letter(place), place % COLOURS) for place, said in enumerate(combinations)}


def said_of(cell: calls.Document) -> str:
    """The rules of a cell in words."""
    more = cell["rules_in_all"] - len(cell["rules"])
    return " + ".join(cell["rules"]) + (f" + {more} more" if more else "")


def _letter(place: int) -> str:
    """A, B … Z, AA, AB …"""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
