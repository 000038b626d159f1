"""The calls that find notifications and deliveries."""

from __future__ import annotations

from flask import Blueprint

from service.core import Scope
from service.http import endpoint
from service.notify import lists
from service.notify.api import schemas, views
from service.notify.lists import NotificationFilters
from service.storage import Store

LIST = "/v1/notifications"
"""The path of the list, whose cursors the shell also reads."""

DELIVERIES = "/v1/recipients/<recipient_id>/deliveries"


def add_lists(routes: Blueprint, store: Store) -> None:
    """The lists of notifications, and of what one person was sent."""
    _add_notifications(routes, store)
    _add_deliveries(routes, store)


def filters_of(query: schemas.NotificationListQuery) -> NotificationFilters:
    """The filters that a query asks for."""
    return NotificationFilters(
        status=query.status,
        audience=query.audience,
        recipient=query.recipient,
        template=query.template,
        app=query.app,
        reference=query.reference,
        since=query.since,
        until=query.until,
    )


def _add_notifications(routes: Blueprint, store: Store) -> None:
    @endpoint(
        routes,
        "GET",
        LIST,
        summary="List notifications",
        scope=Scope.NOTIFY,
        query=schemas.NotificationListQuery,
        answers={200: schemas.NotificationList},
    )
    def list_notifications(query: schemas.NotificationListQuery) -> schemas.NotificationList:
        """Newest first, those that fit all filters."""
        page = lists.notifications(store, filters_of(query), query.cursor, query.limit)
        items = [schemas.ListedNotification.model_validate(views.listed(notification)) for notification in page.items]
        return schemas.NotificationList(items=items, next_cursor=page.cursor)


def _add_deliveries(routes: Blueprint, store: Store) -> None:
    @endpoint(
        routes,
        "GET",
        DELIVERIES,
        summary="List what one person was sent",
        scope=Scope.NOTIFY,
        query=schemas.ListQuery,
        answers={200: schemas.DeliveriesOf},
    )
    def list_deliveries_of(recipient_id: str, query: schemas.ListQuery) -> schemas.DeliveriesOf:
        """Every copy of theirs that left, failed, was kept from them or waits for another try, newest first."""
        page = lists.deliveries_to(store, recipient_id, query.cursor, query.limit)
        items = [
            schemas.DeliveryOf(**views.delivery(entry).model_dump(), notification_id=entry.notification_id)
            for entry in page.items
        ]
        return schemas.DeliveriesOf(items=items, next_cursor=page.cursor)
