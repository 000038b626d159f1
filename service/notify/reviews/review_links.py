"""Signed links by which a reviewer decides straight from the mail, and the page behind them.

A GET shows the message and asks, so that a scanner that opens links approves nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, Response, request
from itsdangerous import BadData, URLSafeSerializer

from service.core import Clock, Keyring, Tag, TocsinError, ids
from service.http import Button, PersonPage
from service.notify.completion import Completion
from service.notify.model import Decision, Notification, Review, Status
from service.notify.reviews.review import NotHeld, reviewed
from service.notify.service import NoSuchNotification, NotificationService
from service.storage import AuditEntry, Store

VALID = timedelta(days=7)
"""How long a link can be used."""

_ENGLISH = Tag("en")
_REASON = "rejected from the mail to the reviewers"

_BUTTONS = (
    Button("decision", Decision.APPROVE, "Send it"),
    Button("decision", Decision.REJECT, "Do not send it"),
)


class ReviewLinkRefused(TocsinError):
    """The link was changed, is too old, or was never one of ours."""


@dataclass(frozen=True, slots=True)
class ReviewAsked:
    """The message that a link is about, and the reviewer who has it, counted from 1."""

    notification_id: str
    reviewer: int


class ReviewLinks:
    """Makes and reads links. `public_url` is where reviewers reach this API."""

    def __init__(self, keys: Keyring, public_url: str, clock: Clock) -> None:
        given = {"digest_method": hashlib.sha256}
        self._signer = URLSafeSerializer(keys.oldest_first, salt="review", signer_kwargs=given)
        self._public_url = public_url.rstrip("/")
        self._clock = clock

    def of(self, notification_id: str, reviewer: int) -> str:
        """The link for one reviewer."""
        until = int((self._clock.now() + VALID).timestamp())
        return f"{self._public_url}/r/{self._signer.dumps([notification_id, reviewer, until])}"

    def read(self, token: str) -> ReviewAsked:
        """What a link is about; `ReviewLinkRefused`."""
        try:
            members = self._signer.loads(token)
        except BadData as error:
            raise ReviewLinkRefused("This link is not valid any more.") from error
        match members:
            case [str() as notification_id, int() as reviewer, int() as until]:
                if self._clock.now().timestamp() > until:
                    raise ReviewLinkRefused("This link is too old.")
                return ReviewAsked(notification_id, reviewer)
            case _:
                raise ReviewLinkRefused("This link is not one of ours.")


def blueprint(
    links: ReviewLinks, notifications: NotificationService, store: Store, completion: Completion, clock: Clock
) -> Blueprint:
    """The page, as a browser reads and sends it."""
    routes = Blueprint("review-links", __name__)

    @routes.get("/r/<token>")
    def ask(token: str) -> Response:
        try:
            return _page(notifications.get(links.read(token).notification_id)).response()
        except (ReviewLinkRefused, NoSuchNotification) as error:
            return _refused(error)

    @routes.post("/r/<token>")
    def decide(token: str) -> Response:
        try:
            asked = links.read(token)
            chosen = request.form.get("decision")
            if chosen not in set(Decision):
                return _page(notifications.get(asked.notification_id)).response(HTTPStatus.BAD_REQUEST)
            _decide(asked, Decision(chosen))
            return _page(notifications.get(asked.notification_id)).response()
        except (ReviewLinkRefused, NoSuchNotification) as error:
            return _refused(error)

    def _decide(asked: ReviewAsked, decision: Decision) -> None:
        """Commit the decision; an earlier one of somebody else stands."""
        now, by = clock.now(), f"reviewer {asked.reviewer}"
        review = Review(decision, _REASON if decision is Decision.REJECT else "", by, now)
        detail = {"about": asked.notification_id, "via": "mail link"}
        audit = AuditEntry(ids.fresh(now), ids.fresh(now), "review", now, by, "", detail=detail)
        try:
            reviewed(store, completion, asked.notification_id, review, audit)
        except NotHeld:
            return

    return routes


def _page(notification: Notification) -> PersonPage:
    held = notification.status is Status.HELD_FOR_REVIEW
    verdict = notification.verdict
    reason = (verdict and verdict.reason) or "the sentiment rules flagged it"
    return PersonPage(
        language=_ENGLISH,
        title="Review",
        heading="Send this message?" if held else _standing(notification),
        top=f"Review for {notification.app}",
        note=f"Held because {reason}" if held else "",
        said=[notification.message.sms[:1_500]],
        buttons=_BUTTONS if held else (),
        foot="This link is for you alone; please do not forward it. It works for seven days." if held else "",
    )


def _standing(notification: Notification) -> str:
    review = notification.review
    if review is None:
        return "This message does not wait for a review any more."
    outcome = {Decision.APPROVE: "goes out", Decision.REJECT: "is not sent"}[review.decision]
    return f"This message {outcome}. {review.by.capitalize()} decided so."


def _refused(error: TocsinError) -> Response:
    page = PersonPage(_ENGLISH, "Review", str(error), said=["Sign in to the console, or ask for a new mail."])
    return page.response(HTTPStatus.NOT_FOUND)
