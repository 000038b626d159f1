"""The notifications' calls: send, follow, review, translate."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

from flask import Blueprint

from service.core import Clock, Lane, Scope
from service.http import (
    Caller,
    FieldError,
    Problem,
    ProblemType,
    conflict,
    describe_callback,
    endpoint,
    invalid,
    json_of,
    not_found,
)
from service.messages import TRANSLATION_KIND as TRANSLATION
from service.messages import (
    NoSuchTranslation,
    NothingToReview,
    NotWaiting,
    PiecesLost,
    Ruling,
    RulingWord,
    Translations,
    WantedTranslation,
)
from service.notify.api import (
    callback_bodies,
    cancel_routes,
    list_routes,
    preview_routes,
    retry_routes,
    review_routes,
    schemas,
    translation_routes,
    views,
)
from service.notify.api.audit_entries import entry
from service.notify.audience import DescribedEntry
from service.notify.cancel import Cancellation
from service.notify.completion import Completion
from service.notify.model import FINAL, Decision, Notification, Review, Status
from service.notify.preview import Previews
from service.notify.reviews import NotHeld, reviewed
from service.notify.service import NoSuchNotification, NotificationService, Request, UnfitRequest
from service.storage import AuditEntry, Store

LOOK = 0.2
"""Seconds between two looks while a caller waits."""

_OVER = FINAL | {Status.HELD_FOR_REVIEW}


def blueprint(
    notifications: NotificationService,
    translations: Translations,
    store: Store,
    clock: Clock,
    completion: Completion,
    cancellation: Cancellation,
    previews: Previews,
    decide: Callable[[str, Ruling], None],
    pause: Callable[[float], None] = time.sleep,
) -> Blueprint:
    """All calls about notifications."""
    routes = Blueprint("notifications", __name__)
    describe_callback(routes, "notification_over", "A notification is over", callback_bodies.NotificationCallback)
    describe_callback(routes, "event", "A rule has emitted an event", callback_bodies.EventCallback)
    describe_callback(
        routes, "review_decided", "A person has decided about an evaluation", callback_bodies.ReviewCallback
    )
    _add_send(routes, notifications, clock)
    list_routes.add_lists(routes, store)
    _add_show(routes, notifications, pause)
    preview_routes.add_preview(routes, previews, requested)
    cancel_routes.add_cancel(routes, notifications, cancellation, clock)
    retry_routes.add_retry(routes, notifications, store, clock)
    _add_deliveries(routes, notifications)
    review_routes.add_reviews(routes, notifications, store)
    _add_review(routes, notifications, store, clock, completion)
    _add_evaluation_review(routes, decide, store, clock, translations)
    _add_translations(routes, translations)
    translation_routes.add_files(routes, translations)
    _add_supply(routes, translations)
    return routes


def _add_send(routes: Blueprint, notifications: NotificationService, clock: Clock) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/notifications",
        summary="Send a message to an audience or to recipients",
        scope=Scope.NOTIFY,
        body=[json_of(schemas.NotificationRequest, schemas.NotificationSample)],
        answers={202: schemas.NotificationAccepted},
        creates=True,
    )
    def send_notification(body: schemas.NotificationRequest, caller: Caller) -> Mapping[str, object]:
        """Accepted as soon as it is durable; sentiment rules, translation and sending follow."""
        return {
            "notification_id": create_notification(notifications, clock, body, caller).id,
            "status": Status.ACCEPTED,
        }


def _add_show(routes: Blueprint, notifications: NotificationService, pause: Callable[[float], None]) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/notifications/<notification_id>",
        summary="Follow a notification",
        scope=Scope.NOTIFY,
        query=schemas.WaitQuery,
        answers={200: schemas.ShownNotification},
    )
    def show_notification(notification_id: str, query: schemas.WaitQuery) -> schemas.ShownNotification:
        """Status, sentiment, decision, renditions and the tally of deliveries; `?wait=30` waits for the end."""
        try:
            for _ in range(int(query.wait / LOOK)):
                if notifications.get(notification_id).status in _OVER:
                    break
                pause(LOOK)
            return schemas.ShownNotification.model_validate(views.shown(notifications.show(notification_id)))
        except NoSuchNotification as error:
            raise not_found(str(error)) from error


def _add_deliveries(routes: Blueprint, notifications: NotificationService) -> None:
    @endpoint(
        routes,
        "GET",
        "/v1/notifications/<notification_id>/deliveries",
        summary="List deliveries",
        scope=Scope.NOTIFY,
        query=schemas.DeliveryQuery,
        answers={200: schemas.DeliveryList},
    )
    def list_deliveries(notification_id: str, query: schemas.DeliveryQuery) -> schemas.DeliveryList:
        """One recipient's copy each, by status or all."""
        try:
            page = notifications.deliveries(notification_id, query.status, query.cursor, query.limit)
        except NoSuchNotification as error:
            raise not_found(str(error)) from error
        return schemas.DeliveryList(items=[views.delivery(sent) for sent in page.items], next_cursor=page.cursor)


def _add_review(
    routes: Blueprint, notifications: NotificationService, store: Store, clock: Clock, completion: Completion
) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/notifications/<notification_id>/review",
        summary="Approve or reject a held message",
        scope=Scope.REVIEW,
        body=schemas.ReviewRequest,
        answers={200: schemas.NotificationAccepted},
        problems=(ProblemType.CONFLICT,),
    )
    def review_notification(notification_id: str, body: schemas.ReviewRequest, caller: Caller) -> Mapping[str, object]:
        """Approved goes out; rejected never does."""
        review = Review(body.decision, body.reason, caller.app, clock.now())
        audit = entry(clock, "review", caller, notification_id)
        try:
            notifications.get(notification_id)
            notification = reviewed(store, completion, notification_id, review, audit)
        except NoSuchNotification as error:
            raise not_found(str(error)) from error
        except NotHeld as error:
            raise conflict(str(error)) from error
        return {"notification_id": notification.id, "status": notification.status}


def _add_evaluation_review(
    routes: Blueprint,
    decide: Callable[[str, Ruling], None],
    store: Store,
    clock: Clock,
    translations: Translations,
) -> None:
    @endpoint(
        routes,
        "POST",
        "/v1/reviews/<item_id>",
        summary="Decide about an evaluation that a rule flagged, or a machine's translation",
        scope=Scope.REVIEW,
        body=schemas.ReviewRequest,
        answers={200: schemas.Reviewed},
        problems=(ProblemType.CONFLICT,),
    )
    def review_evaluation(item_id: str, body: schemas.ReviewRequest, caller: Caller) -> schemas.Reviewed:
        """The decision is recorded, audited under the request that was flagged, and told to its `callback_url`.

        Where the rule also asked somebody by an incident under a policy whose NO is final, that incident ends with it;
        their YES or NO decides this review, if it comes first. Held messages have a call of their own.

        A translation that is approved goes out to everybody who waits for it; one that is rejected never does.
        """
        review_routes.review_item(store, item_id)
        try:
            if item_id.startswith(f"{TRANSLATION}-"):
                review = Review(body.decision, body.reason, caller.app, clock.now())
                _decide_translation(translations, item_id, review, entry(clock, "review", caller, item_id))
            else:
                word = RulingWord(body.decision.value)
                decide(item_id, Ruling(word, body.reason, caller.app, clock.now(), "api", caller.request_id))
        except (NotWaiting, NothingToReview) as error:
            raise conflict(str(error)) from error
        return schemas.Reviewed(id=item_id, decision=body.decision, by=caller.app)


def _add_translations(routes: Blueprint, translations: Translations) -> None:
    @endpoint(
        routes,
        "GET",
        schemas.TRANSLATIONS,
        summary="List translations that are missing",
        scope=Scope.REVIEW,
        query=schemas.TranslationQuery,
        answers={200: schemas.TranslationList},
    )
    def list_translations(query: schemas.TranslationQuery) -> schemas.TranslationList:
        """Texts that nothing here translates, or those that people supplied."""
        page = translations.listed(query.status, cursor=query.cursor, limit=query.limit)
        return schemas.TranslationList(items=[_translation(*row) for row in page.items], next_cursor=page.cursor)


def _add_supply(routes: Blueprint, translations: Translations) -> None:
    @endpoint(
        routes,
        "PUT",
        "/v1/translations/<translation_id>",
        summary="Supply a translation",
        scope=Scope.REVIEW,
        body=schemas.TranslationSupplied,
        answers={200: schemas.ShownTranslation},
    )
    def supply_translation(
        translation_id: str, body: schemas.TranslationSupplied, caller: Caller
    ) -> schemas.ShownTranslation:
        """Everybody who waits for it is sent their copy."""
        try:
            supplied = translations.supply(translation_id, body.text, caller.app)
        except NoSuchTranslation as error:
            raise not_found(str(error)) from error
        except PiecesLost as error:
            raise invalid([FieldError("text", str(error))]) from error
        return _translation(translation_id, supplied)


def create_notification(
    notifications: NotificationService, clock: Clock, body: schemas.NotificationRequest, caller: Caller
) -> Notification:
    """Accept a notification, audited; `Problem` 422 names every path that does not fit."""
    if body.lane is Lane.INCIDENT and Scope.INCIDENTS not in caller.scopes:
        raise Problem(ProblemType.MISSING_SCOPE, f"The lane incident needs a key with the scope {Scope.INCIDENTS}.")
    audit = entry(clock, "notification", caller, caller.resource_id)
    try:
        return notifications.create(requested(body, caller.resource_id, caller.app, caller.request_id), [audit])
    except UnfitRequest as error:
        raise invalid([FieldError(path, message) for path, message in error.faults]) from error


def _translated(words: str | schemas.AuthorsTranslation) -> Mapping[str, str]:
    return {"text": words} if isinstance(words, str) else words.model_dump(exclude_none=True)


def _described(recipient: schemas.DescribedRecipient) -> DescribedEntry:
    profile = recipient.model_dump(exclude={"user_id", "variables"}, exclude_none=True)
    return DescribedEntry(recipient.user_id, profile, recipient.variables)


def requested(body: schemas.NotificationRequest, notification_id: str, app: str, request_id: str) -> Request:
    """The request that a body makes, under the id that it is to have."""
    return Request(
        id=notification_id,
        app=app,
        request_id=request_id,
        text=body.text,
        language=body.language,
        subject=body.subject,
        template=body.template,
        variables=body.variables,
        audience=body.audience,
        recipients=[
            recipient if isinstance(recipient, str) else _described(recipient) for recipient in body.recipients
        ],
        lane=body.lane,
        send_at=body.send_at,
        callback_url=body.callback_url,
        reference=body.reference,
        reply_to=body.reply_to,
        attachments=tuple(body.attachments),
        translations={name: _translated(words) for name, words in body.translations.items()},
    )


def _decide_translation(translations: Translations, item_id: str, review: Review, audit: AuditEntry) -> None:
    if review.decision is Decision.APPROVE:
        translations.approve(item_id, review.by, audit)
    else:
        translations.decline(item_id, review.by, review.reason, audit)


def _translation(name: str, wanted: WantedTranslation) -> schemas.ShownTranslation:
    return schemas.ShownTranslation(id=name, **asdict(wanted))
