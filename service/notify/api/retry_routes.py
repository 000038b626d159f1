"""The call that sends once more what failed of a notification."""

from __future__ import annotations

from flask import Blueprint

from service.core import Clock, Scope
from service.http import Caller, ProblemType, conflict, endpoint, not_found
from service.notify.api import schemas, views
from service.notify.api.audit_entries import entry
from service.notify.retry import NothingToRetry, retried
from service.notify.service import NoSuchNotification, NotificationService
from service.storage import Store

_FAILED_ONLY = schemas.RetryRequest()


def add_retry(routes: Blueprint, desk: NotificationService, store: Store, clock: Clock) -> None:
    """`POST /v1/notifications/{id}/retry`."""

    @endpoint(
        routes,
        "POST",
        "/v1/notifications/<notification_id>/retry",
        summary="Send once more what failed",
        scope=Scope.NOTIFY,
        body=schemas.RetryRequest,
        answers={202: schemas.ShownNotification},
        problems=(ProblemType.CONFLICT,),
    )
    def retry_notification(
        notification_id: str, caller: Caller, body: schemas.RetryRequest = _FAILED_ONLY
    ) -> schemas.ShownNotification:
        """Copies that failed or could not be delivered, once the notification is completed; 409 if there are none.

        Copies that may have arrived (`unknown`) are left alone unless `in_doubt` is true: somebody may get it twice.
        """
        try:
            desk.get(notification_id)
            audit = entry(clock, "retry", caller, notification_id)
            retried(store, notification_id, in_doubt=body.in_doubt, now=clock.now(), audit=audit)
            return schemas.ShownNotification.model_validate(views.shown(desk.show(notification_id)))
        except NoSuchNotification as error:
            raise not_found(str(error)) from error
        except NothingToRetry as error:
            raise conflict(str(error)) from error
