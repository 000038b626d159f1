"""Reading what waits for a person, or waited."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint

from service.core import Scope, from_state
from service.http import endpoint, not_found
from service.messages import FLAGGED, WantedTranslation
from service.messages import TRANSLATION_KIND as TRANSLATION
from service.notify.api import schemas
from service.notify.model import NOTIFICATION, Status, notification_of
from service.notify.service import NotificationService
from service.storage import Item, Store

_DECIDED_ABOUT = frozenset({FLAGGED, TRANSLATION})
"""Kinds of items that a person decides about, beside held notifications."""

_NOT_SHOWN = frozenset({"callback_url", "depth"})
"""What a reviewer does not see of where an evaluation comes from: an address may hold its app's secret."""


def add_reviews(routes: Blueprint, notifications: NotificationService, store: Store) -> None:
    """`GET /v1/reviews`, `GET /v1/reviews/{id}`."""

    @endpoint(
        routes,
        "GET",
        "/v1/reviews",
        summary="List what waits for a review",
        scope=Scope.REVIEW,
        query=schemas.ListQuery,
        answers={200: schemas.ReviewList},
    )
    def list_reviews(query: schemas.ListQuery) -> Mapping[str, object]:
        """Messages that the sentiment rules held, and evaluations that a rule flagged."""
        page = notifications.held(query.cursor, query.limit)
        return {"items": [_waiting(item) for item in page.items], "next_cursor": page.cursor}

    @endpoint(
        routes,
        "GET",
        "/v1/reviews/<item_id>",
        summary="Read a review",
        scope=Scope.REVIEW,
        answers={200: schemas.ShownReview},
    )
    def read_review(item_id: str) -> Mapping[str, object]:
        """What waits for a person, or waited: then with the decision, where one is on record."""
        item = review_item(store, item_id)
        return {**_waiting(item), "decided": _decided(item)}


def review_item(store: Store, item_id: str) -> Item:
    """What a person decides, or decided, about; 404 for anything else."""
    item = store.get(item_id)
    if item is None or not (item.kind in _DECIDED_ABOUT or _was_held(item)):
        raise not_found(f"There is no review {item_id!r}.")
    return item


def _was_held(item: Item) -> bool:
    if item.kind != NOTIFICATION:
        return False
    notification = notification_of(item)
    return notification.status is Status.HELD_FOR_REVIEW or notification.review is not None


def _decided(item: Item) -> Mapping[str, object] | None:
    """The decision about an item; None while it waits, or where it was decided by supplying a translation."""
    if item.kind == NOTIFICATION:
        review = notification_of(item).review
        return None if review is None else {"decision": review.decision, "by": review.by, "reason": review.reason}
    decided = item.state.get("review")
    return {name: decided.get(name) for name in ("decision", "by", "reason")} if isinstance(decided, Mapping) else None


def _drafted(item: Item) -> Mapping[str, object]:
    wanted = from_state(WantedTranslation, item.state)
    return {
        "id": item.id,
        "kind": "translation",
        "reason": wanted.reason,
        "text": wanted.source_text,
        "language": wanted.target,
        "translation": wanted.draft,
        "drafted_by": wanted.drafted_by,
    }


def _waiting(item: Item) -> Mapping[str, object]:
    if item.kind == TRANSLATION:
        return _drafted(item)
    if item.kind != NOTIFICATION:
        outcome = item.state.get("outcome")
        reason = outcome.get("reason") if isinstance(outcome, Mapping) else None
        origin = {name: value for name, value in item.state.items() if name not in _NOT_SHOWN}
        return {"id": item.id, "kind": "evaluation", "reason": reason, "origin": origin}
    held = notification_of(item)
    verdict = held.verdict
    return {
        "id": item.id,
        "kind": "notification",
        "reason": verdict and verdict.reason,
        "text": held.message.sms,
        "sentiment": verdict and verdict.scores,
        "harm": verdict and verdict.harm_as_text,
        "worst": verdict and verdict.worst,
    }
