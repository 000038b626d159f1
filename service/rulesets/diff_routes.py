"""What one published version decides otherwise than another, over HTTP."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Scope
from service.http import Query, Shown, endpoint
from service.rulesets.differences import compared
from service.rulesets.library import Library
from service.rulesets.problems import as_problems
from service.rulesets.shown_reports import DescribedDiff


class DiffQuery(Query):
    """What to compare a version with."""

    against: Annotated[int | None, Field(ge=1, description="Another version; the one before if left out.")] = None


class ShownDiff(Shown):
    """Two versions compared: `lines` as a unified diff, `changes` by what requests get, as of a check's `diff`.

    `changes` is null where a version is written in a language that is no longer read.
    """

    ruleset: str
    old: int
    new: int
    lines: str
    changes: DescribedDiff | None


def add_diff(routes: Blueprint, library: Library) -> None:
    """`GET /v1/rulesets/{name}/versions/{number}/diff`."""

    @endpoint(
        routes,
        "GET",
        "/v1/rulesets/<name>/versions/<int:number>/diff",
        summary="Compare a version with another",
        scope=Scope.RULES_READ,
        query=DiffQuery,
        answers={200: ShownDiff},
    )
    def read_diff(name: str, number: int, query: DiffQuery) -> ShownDiff:
        """What changed from the version before, or from `against`: line by line, and for requests.

        Version 1 without `against` is compared with itself.
        """
        with as_problems():
            new = library.version(name, number)
            old = library.version(name, query.against or max(1, number - 1))
            difference = compared(library, old, new)
        return ShownDiff(
            ruleset=name, old=old.number, new=new.number, lines=difference.lines, changes=difference.changes
        )
