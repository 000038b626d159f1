"""Which rules hold for each pair of two facts' values, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Scope
from service.decide import NoSuchAxis, rule_map
from service.http import FieldError, Query, Shown, endpoint, invalid
from service.rulesets.active_versions import ActiveVersions
from service.rulesets.problems import as_problems


class MapQuery(Query):
    """What the map shows."""

    x: Annotated[str | None, Field(max_length=200, description="The fact to the right; one with most cells.")] = None
    y: Annotated[str | None, Field(max_length=200, description="The fact downwards.")] = None
    at: Annotated[
        str,
        Field(
            max_length=400,
            pattern=r"^([0-9]{1,6}(,[0-9]{1,6}){0,49})?$",
            description="Numbers of the other facts' cells, comma-separated, in the order of `others`; counted from 0.",
        ),
    ] = ""


class MapCell(Shown):
    """What decides in one cell: the first 8 of `rules_in_all`. `example` is a request's facts that lie in it.

    `gap` says that no rule holds though `must_cover` or `should_cover` asks for one.
    """

    rules: tuple[str, ...]
    rules_in_all: int
    gap: bool
    example: Mapping[str, str]


class OtherFact(Shown):
    """A fact that is no axis: its cells (the first 200), and which of them the map shows."""

    fact: str
    cells: tuple[str, ...]
    at: int


class GapMap(Shown):
    """Rows of cells, at most 40 by 40: neighbours are merged beyond that, and name every rule that holds in them.

    `facts` are those that can be an axis; `x` is null where no rule compares one, `y` where there is but one.
    `not_shown` are rules whose conditions have too many alternatives to be drawn.
    """

    facts: tuple[str, ...]
    x: str | None
    y: str | None
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    others: tuple[OtherFact, ...]
    cells: tuple[tuple[MapCell, ...], ...]
    not_shown: tuple[str, ...]


def add_map(routes: Blueprint, live: ActiveVersions) -> None:
    """`GET /v1/rulesets/{name}/versions/{number}/map`."""

    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>/versions/<int:number>/map",
        summary="Show which rules hold for two facts",
        scope=Scope.RULES_READ,
        query=MapQuery,
        answers={200: GapMap},
    )
    def read_map(name: str, number: int, query: MapQuery) -> GapMap:
        """For each pair of ranges of two facts the rules that hold, and whether one is missing."""
        with as_problems():
            ruleset = live.version(name, number).ruleset
        try:
            return GapMap.model_validate(rule_map(ruleset, query.x, query.y, _numbers(query.at)))
        except NoSuchAxis as error:
            raise invalid([FieldError("x", str(error))]) from error


def _numbers(text: str) -> Sequence[int]:
    return [int(number) for number in text.split(",") if number]
