"""The call that shows what people would get, and sends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated

from flask import Blueprint
from pydantic import Field

from service.core import Scope, UnknownTag, deadline, parse_tag
from service.http import Caller, FieldError, Shown, endpoint, invalid
from service.messages import CURRENCY
from service.notify.api import schemas, views
from service.notify.api.verdict_schemas import DescribedDecision, DescribedSentiment
from service.notify.model import Status, Verdict
from service.notify.preview import MOST, Previews, ReaderPreview
from service.notify.service import Request, UnfitRequest

MADE_WITHIN_S = 30.0
"""How long translating and judging may take."""


class PreviewRequest(schemas.NotificationRequest):
    """A notification as it would be sent; without an audience or recipients, one preview for each language."""

    languages: Annotated[
        Sequence[str], Field(max_length=MOST, description="Of readers, where nobody is named. BCP 47.")
    ] = ()


class ShownLacking(Shown):
    """A text that nothing here translates, and why."""

    text: str
    reason: str


class ShownSms(Shown):
    """The SMS: its text, and what a carrier bills. The price is an estimate, where the reader's country is known."""

    text: str
    encoding: str
    characters: int
    segments: int
    estimated_price: Decimal | None
    currency: str


class ShownEmail(Shown):
    """The email."""

    subject: str
    html: str
    text: str


class ShownPreview(Shown):
    """What one reader would get, on every channel; `channel` is the one that they prefer.

    `missing` are the texts for which a translation is missing: until they are supplied nothing is sent to this reader.
    """

    recipient_id: str | None
    channel: str | None
    language: str
    written_in: str
    provenance: str | None
    missing: Sequence[ShownLacking]
    fault: str | None
    sms: ShownSms | None
    email: ShownEmail | None
    speech: str | None


class PreviewList(Shown):
    """What would become of a notification: `status` is `approved`, `held_for_review` or `rejected`."""

    status: Status
    sentiment: DescribedSentiment | None
    decision: DescribedDecision | None
    items: Sequence[ShownPreview]


Requested = Callable[[schemas.NotificationRequest, str, str, str], Request]
"""The request that a body makes, under an id, of an app and a request."""


def add_preview(routes: Blueprint, previews: Previews, requested: Requested) -> None:
    """`POST /v1/notifications/preview`."""

    @endpoint(
        routes,
        "POST",
        "/v1/notifications/preview",
        summary="See what people would get, and send nothing",
        scope=Scope.NOTIFY,
        body=PreviewRequest,
        answers={200: PreviewList},
    )
    def preview_notification(body: PreviewRequest, caller: Caller) -> PreviewList:
        """For the first 20 readers, or for each of `languages`; nothing is stored, and nobody is written to.

        What the sentiment rules would say comes with it.
        """
        _check(body.languages)
        try:
            with deadline.within(MADE_WITHIN_S):
                made = previews.of(requested(body, caller.resource_id, caller.app, caller.request_id), body.languages)
        except UnfitRequest as error:
            raise invalid([FieldError(path, message) for path, message in error.faults]) from error
        ruling = _ruling(made.judged.verdict)
        items = [_shown(preview) for preview in made.items]
        return PreviewList.model_validate({"status": made.judged.status, **ruling, "items": items})


def _ruling(verdict: Verdict | None) -> dict[str, Mapping[str, object] | None]:
    """What the sentiment rules would say; nothing of a template or of what is urgent."""
    if verdict is None:
        return {"sentiment": None, "decision": None}
    return {"sentiment": verdict.scores, "decision": views.decision(verdict)}


def _check(languages: Sequence[str]) -> None:
    errors: list[FieldError] = []
    for number, language in enumerate(languages):
        try:
            parse_tag(language)
        except UnknownTag as error:
            errors.append(FieldError(f"languages[{number}]", str(error)))
    if errors:
        raise invalid(errors)


def _shown(preview: ReaderPreview) -> ShownPreview:
    person, letter = preview.recipient, preview.email
    return ShownPreview(
        recipient_id=None if person is None else person.user_id,
        channel=None if person is None else person.preference,
        language=preview.language,
        written_in=preview.written_in,
        provenance=preview.provenance,
        missing=[ShownLacking(text=each.text, reason=each.reason) for each in preview.missing],
        fault=preview.fault,
        sms=_sms(preview),
        email=None if letter is None else ShownEmail(subject=letter.subject, html=letter.html, text=letter.text),
        speech=preview.speech,
    )


def _sms(preview: ReaderPreview) -> ShownSms | None:
    if preview.sms is None or preview.segments is None:
        return None
    return ShownSms(
        text=preview.sms,
        encoding=preview.segments.encoding,
        characters=len(preview.sms),
        segments=preview.segments.count,
        estimated_price=preview.price,
        currency=CURRENCY,
    )
