"""Beginning back-tests, watching them, cancelling them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from flask import Blueprint
from pydantic import Field, model_validator

from service.core import Scope
from service.http import Answer, Body, Caller, Instant, ProblemType, Shown, conflict, endpoint, shown_by
from service.rulesets.backtest import BacktestOver, Backtests, BacktestSide, BacktestSpec, StoredBacktest
from service.rulesets.problems import as_problems
from service.rulesets.schemas import MAX_FILE_BYTES, Paged
from service.rulesets.shown_reports import DescribedReport
from service.rulesets.trial_places import TrialPlaces

PATH = "/v1/rulesets/<name>/backtests"


class BacktestRequest(Body):
    """What to compare with the active version, and on which requests."""

    model_config = shown_by({"version": 2, "from": "2026-05-01T00:00:00Z"})

    version: Annotated[int | None, Field(ge=1, description="A published version.")] = None
    source: Annotated[str | None, Field(description="A rule file's text instead of a published version.")] = None
    against: Annotated[int | None, Field(ge=1, description="The version to compare it with, if not the active.")] = None
    since: Annotated[Instant | None, Field(alias="from", description="Requests not before this time.")] = None
    until: Annotated[Instant | None, Field(alias="to", description="Requests before this time; now if left out.")] = (
        None
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> BacktestRequest:
        if (self.version is None) == (self.source is None):
            raise ValueError("give either a version or a source")
        return self


class Compared(Shown):
    """One of the two sides; `version` is null for a draft."""

    version: int | None
    sha256: str


class ShownBacktest(Shown):
    """A back-test: `report` says what was found in the requests replayed so far, `progress` is from 0 to 1."""

    backtest_id: str
    ruleset: str
    old: Compared
    new: Compared
    since: Annotated[datetime | None, Field(serialization_alias="from")]
    until: Annotated[datetime, Field(serialization_alias="to")]
    by: str
    begun_at: datetime
    status: str
    progress: float
    why: str | None
    report: DescribedReport


class BacktestList(Shown):
    """Back-tests, newest first."""

    items: tuple[ShownBacktest, ...]
    next_cursor: str | None


def blueprint(backtests: Backtests, places: TrialPlaces) -> Blueprint:
    """The calls about back-tests; a worker does them."""
    routes = Blueprint("backtests", __name__)
    _add_begin(routes, backtests, places)
    _add_reads(routes, backtests)
    _add_cancel(routes, backtests)
    return routes


def _add_begin(routes: Blueprint, backtests: Backtests, places: TrialPlaces) -> None:
    @endpoint(
        routes,
        "POST",
        PATH,
        summary="Replay the audit with another version",
        scope=Scope.RULES_READ,
        body=BacktestRequest,
        body_limit=MAX_FILE_BYTES + 4096,
        creates=True,
        answers={202: ShownBacktest},
        problems=[ProblemType.TOO_MANY_REQUESTS],
    )
    def begin_backtest(name: str, body: BacktestRequest, caller: Caller) -> Answer:
        """Decide recorded requests again, by the active version and by a draft or another one, and count what differs.

        Nothing is carried out. The back-test is done page by page in the background; read it to see how far it is.
        """
        wanted = BacktestSpec(name, caller.app, body.version, body.source, body.against, body.since, body.until)
        with places.place(caller.key_id, body.source), _as_problems():
            kept = backtests.begin(caller.resource_id, wanted)
        return Answer(_shown(kept), headers={"Location": f"/v1/rulesets/{name}/backtests/{kept.backtest_id}"})


def _add_reads(routes: Blueprint, backtests: Backtests) -> None:
    @endpoint(
        routes,
        "GET",
        f"{PATH}/<backtest_id>",
        summary="Read a back-test",
        scope=Scope.RULES_READ,
        answers={200: ShownBacktest},
    )
    def read_backtest(name: str, backtest_id: str) -> ShownBacktest:
        """How far it is and what it has found, with request ids as samples."""
        with _as_problems():
            return _shown(backtests.read(name, backtest_id))

    @endpoint(
        routes,
        "GET",
        PATH,
        summary="List back-tests",
        scope=Scope.RULES_READ,
        query=Paged,
        answers={200: BacktestList},
    )
    def list_backtests(name: str, query: Paged) -> BacktestList:
        """Those of the last 90 days, newest first."""
        with _as_problems():
            page = backtests.listed(name, query.cursor, query.limit)
        return BacktestList(items=tuple(map(_shown, page.items)), next_cursor=page.cursor)


def _add_cancel(routes: Blueprint, backtests: Backtests) -> None:
    @endpoint(
        routes,
        "DELETE",
        f"{PATH}/<backtest_id>",
        summary="Cancel a back-test",
        scope=Scope.RULES_READ,
        answers={204: None},
        problems=[ProblemType.CONFLICT],
    )
    def cancel_backtest(name: str, backtest_id: str) -> Answer:
        """End it; what it has counted so far stays. 409 if it has ended already."""
        with _as_problems():
            backtests.cancel(name, backtest_id)
        return Answer(status=HTTPStatus.NO_CONTENT)


@contextmanager
def _as_problems() -> Iterator[None]:
    with as_problems():
        try:
            yield
        except BacktestOver as error:
            raise conflict(f"{error}.") from error


def _shown(kept: StoredBacktest) -> ShownBacktest:
    backtest = kept.backtest
    return ShownBacktest(
        backtest_id=kept.backtest_id,
        ruleset=backtest.ruleset,
        old=_side(backtest.old),
        new=_side(backtest.new),
        since=backtest.since,
        until=backtest.until,
        by=backtest.by,
        begun_at=backtest.begun,
        status=backtest.status,
        progress=round(backtest.progress, 3),
        why=backtest.why,
        report=kept.tally.as_json(),
    )


def _side(side: BacktestSide) -> Compared:
    return Compared(version=side.version, sha256=side.sha256)
