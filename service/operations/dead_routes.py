"""Dead work over HTTP: what ran out of attempts or can never succeed, why, and doing it again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import Blueprint

from service.core import Clock, Lane, Scope
from service.http import Caller, Cursor, Limit, Query, Shown, endpoint, not_found
from service.operations.entries import entry
from service.storage import Store
from service.work import DeadItem, NotDead, dead_items, dead_items_of_all, redrive

REDRIVEN = "dead-item-redriven"
"""What the audit calls it."""


class DeadQuery(Query):
    """Which dead items. Without a lane those of all, the most urgent lane first."""

    lane: Lane | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class ShownDeadItem(Shown):
    """Work that failed for good, and why. `next_try` is when it is tried once more by itself, which what an incident
    waits for is; without it the work waits for a redrive."""

    id: str
    kind: str
    lane: Lane
    why: str
    since: datetime
    attempts: int
    next_try: datetime | None


class DeadList(Shown):
    """Dead items, in the order of their ids within a lane."""

    items: Sequence[ShownDeadItem]
    next_cursor: str | None


class Redriven(Shown):
    """The item is due now."""

    id: str
    lane: Lane
    due_at: datetime


def blueprint(store: Store, clock: Clock) -> Blueprint:
    """The calls about dead work."""
    routes = Blueprint("dead", __name__)
    _add_list(routes, store)
    _add_redrive(routes, store, clock)
    return routes


def _add_list(routes: Blueprint, store: Store) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/dead",
        summary="List dead work",
        scope=Scope.ADMIN,
        query=DeadQuery,
        answers={200: DeadList},
    )
    def list_dead(query: DeadQuery) -> DeadList:
        """What ran out of attempts or can never succeed, and why."""
        if query.lane is None:
            page = dead_items_of_all(store, cursor=query.cursor, limit=query.limit)
        else:
            page = dead_items(store, query.lane, cursor=query.cursor, limit=query.limit)
        return DeadList(items=[_shown(item) for item in page.items], next_cursor=page.cursor)


def _add_redrive(routes: Blueprint, store: Store, clock: Clock) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/dead/<item_id>/redrive",
        summary="Do dead work again",
        scope=Scope.ADMIN,
        answers={200: Redriven},
    )
    def redrive_dead(item_id: str, caller: Caller) -> Redriven:
        """It is due now, with fresh attempts. Mend the cause first: `why` names it."""
        now = clock.now()
        try:
            item = redrive(store, item_id, now, [entry(REDRIVEN, item_id, caller, now)])
        except NotDead as error:
            raise not_found(f"There is no dead item {item_id!r}.") from error
        return Redriven(id=item.id, lane=item.lane, due_at=now)


def _shown(item: DeadItem) -> ShownDeadItem:
    return ShownDeadItem(
        id=item.id,
        kind=item.kind,
        lane=item.lane,
        why=item.why,
        since=item.since,
        attempts=item.attempts,
        next_try=item.next_try,
    )
