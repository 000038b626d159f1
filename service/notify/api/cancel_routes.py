"""The call that stops a notification."""

from __future__ import annotations

from flask import Blueprint

from service.core import Clock, Scope, deadline
from service.http import Caller, ProblemType, conflict, endpoint, not_found
from service.notify.api import schemas, views
from service.notify.api.audit_entries import entry
from service.notify.cancel import WAITED, Cancellation, NothingToCancel
from service.notify.service import NoSuchNotification, NotificationService


def add_cancel(routes: Blueprint, notifications: NotificationService, cancellation: Cancellation, clock: Clock) -> None:
    """`POST /v1/notifications/{id}/cancel`."""

    @endpoint(
        routes,
        "POST",
        "/v1/notifications/<notification_id>/cancel",
        summary="Stop a notification",
        scope=Scope.NOTIFY,
        answers={200: schemas.ShownNotification},
        problems=(ProblemType.CONFLICT,),
    )
    def cancel_notification(notification_id: str, caller: Caller) -> schemas.ShownNotification:
        """Copies that have not left are not sent, and count as `cancelled`: scheduled, held, translating or being sent.

        Waits up to 10 seconds for copies that are with a provider; `cancelling` says that some have not answered
        yet. Cancelling again changes nothing; 409 when nothing is left to cancel.
        """
        try:
            notifications.get(notification_id)
            with deadline.within(WAITED.total_seconds() + 3):
                cancellation.cancel(notification_id, clock.now, entry(clock, "cancel", caller, notification_id))
                return schemas.ShownNotification.model_validate(views.shown(notifications.show(notification_id)))
        except NoSuchNotification as error:
            raise not_found(str(error)) from error
        except NothingToCancel as error:
            raise conflict(str(error)) from error
