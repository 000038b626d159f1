"""The shapes of the notifications' calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from service.core import MAX_S3_URL, Channel, Lane, is_blank
from service.http import (
    Body,
    CallerReference,
    Choice,
    Cursor,
    DescribedAs,
    Instant,
    Limit,
    NotBlank,
    OneOfWords,
    Planned,
    Query,
    Shown,
    shown_by,
)
from service.messages import MAX_ATTACHMENTS
from service.notify.api.sample_names import in_our_names
from service.notify.api.verdict_schemas import DescribedDecision, DescribedSentiment, ShownDecisionOfReview
from service.notify.model import Decision, DeliveryStatus, Status

MAX_TEXT = 20_000
MAX_RECIPIENTS = 1_000


def _once_each(names: Sequence[str]) -> Sequence[str]:
    if len(set(names)) < len(names):
        raise PydanticCustomError("repeated", "Name each file once")
    return names


class DescribedRecipient(Body):
    """A recipient by id with values of their own, or somebody who has no profile here: an email or a phone will do.

    A profile that stands here is stored with the notification alone.
    """

    user_id: Annotated[str | None, Field(max_length=64)] = None
    email: Annotated[str | None, Field(max_length=254)] = None
    phone: Annotated[str | None, Field(max_length=40, description="E.164.")] = None
    first_name: str | None = None
    language: Annotated[str | None, Field(max_length=35, description="BCP 47; else the message's.")] = None
    preference: Annotated[
        Annotated[str, OneOfWords(tuple(channel.value for channel in Channel))] | None,
        Field(description="`email`, `sms` or `voice`; else by email if there is no phone, else by SMS."),
    ] = None
    voice_locale: Annotated[str | None, Field(max_length=35)] = None
    timezone: str | None = None
    variables: Annotated[
        Mapping[str, object], Field(description="Values for this reader alone; they come before everybody's.")
    ] = Field(default_factory=dict)


class AuthorsTranslation(Body):
    """The author's own words in one language; what is left out is translated as if there were none."""

    text: Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT)] = None
    subject: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class NotificationRequest(Body):
    """A message for an audience or for named recipients."""

    model_config = shown_by(
        {"text": "The canteen opens at noon tomorrow.", "audience": "staff", "reference": "canteen-7"}
    )

    text: Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT)] = None
    language: Annotated[str, Field(max_length=35, description="Language of the text (BCP 47).")] = "en"
    subject: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    template: Annotated[str | None, Field(max_length=64)] = None
    variables: Mapping[str, object] = Field(default_factory=dict)
    audience: Annotated[str | None, Field(min_length=1, max_length=64)] = None
    recipients: Annotated[
        Sequence[str | DescribedRecipient],
        Field(max_length=MAX_RECIPIENTS, description="Ids of recipients, and profiles or ids with values, mixed."),
    ] = ()
    lane: Choice[Lane] | None = None
    send_at: Planned | None = None
    callback_url: Annotated[str | None, Field(max_length=2_000)] = None
    reference: CallerReference | None = None
    reply_to: Annotated[
        str | None, Field(max_length=254, description="Where answers by email go; else the template's, or the sender.")
    ] = None
    attachments: Annotated[
        Sequence[Annotated[str, Field(min_length=1, max_length=MAX_S3_URL)]],
        AfterValidator(_once_each),
        Field(
            max_length=MAX_ATTACHMENTS,
            description="Ids of uploaded files, or `s3://` places of files, that its emails carry; others go without.",
        ),
    ] = ()
    translations: Annotated[
        Mapping[str, Annotated[str, Field(min_length=1, max_length=MAX_TEXT)] | AuthorsTranslation],
        Field(max_length=50, description="The author's own words by language: a text, or a text and a subject."),
    ] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _as_the_sample_says_it(cls, raw: object) -> object:
        """`{"englishTxt", "eventId"}` is an English text for the audience `eventId`."""
        return in_our_names(raw)


class NotificationSample(Body):
    """The body of the multi-language notification sample: an English text for the audience `eventId`."""

    model_config = shown_by({"eventId": "Apr142022", "englishTxt": "The canteen opens at noon tomorrow."})

    event_id: Annotated[str, Field(alias="eventId", min_length=1, max_length=64)]
    english_text: Annotated[str, Field(alias="englishTxt", min_length=1, max_length=MAX_TEXT)]


class NotificationAccepted(Shown):
    """The notification is durable and on its way."""

    notification_id: str
    status: Status


class WaitQuery(Query):
    """How long to wait for the end."""

    wait: Annotated[int, Field(ge=0, le=30, description="Seconds to wait until it is completed or held.")] = 0


class ShownCounts(Shown):
    """How many deliveries stand where, as counted at `counted_at`: some seconds ago where they are over 5,000."""

    status: Mapping[str, int]
    channel: Mapping[str, int]
    language: Mapping[str, int]
    counted_at: str


class SmsSize(Shown):
    """How many messages an SMS is, its slots holding the request's values and a short name: more if names are long."""

    encoding: str
    segments: int


class ShownRendition(Shown):
    """The message in one language: where its words come from, or which translations are missing."""

    language: str
    written_in: str
    provenance: str | None
    texts: Mapping[str, str]
    missing: Sequence[str]
    drafts: Annotated[Mapping[str, str], Field(description="What a machine says of texts that wait for a person.")] = (
        Field(default_factory=dict)
    )
    sms: SmsSize | None = None


class NotificationListQuery(Query):
    """Which notifications; those that fit all of it."""

    status: Status | None = None
    audience: Annotated[str | None, Field(max_length=64)] = None
    recipient: Annotated[
        str | None, Field(max_length=64, description="One of up to four that it names, or to whom a copy went.")
    ] = None
    template: Annotated[str | None, Field(max_length=64)] = None
    app: Annotated[str | None, Field(max_length=200, description="The name of the key that sent it.")] = None
    reference: CallerReference | None = None
    since: Annotated[Instant | None, Field(alias="from", description="Not before this time (RFC 3339).")] = None
    until: Annotated[Instant | None, Field(alias="to", description="Before this time (RFC 3339).")] = None
    cursor: Cursor | None = None
    limit: Limit = 50


EXCERPT = 200
"""Characters of a text that a list shows."""


class ListedNotification(Shown):
    """A notification in a list; `text` is its beginning."""

    notification_id: str
    status: Status
    lane: Lane
    app: str
    request_id: str
    reference: str | None
    language: str
    text: str
    subject: str | None
    template: str | None
    audience: str | None
    recipients: int
    accepted_at: datetime
    send_at: datetime | None
    completed_at: datetime | None


class NotificationList(Shown):
    """A page of notifications, newest first; it may hold fewer than `limit` although more follow."""

    items: Sequence[ListedNotification]
    next_cursor: str | None


class ShownNotification(Shown):
    """A notification and what became of it so far."""

    notification_id: str
    status: Status
    lane: Lane
    app: str
    request_id: str
    reference: str | None
    language: str
    text: str
    subject: str | None
    template: str | None
    audience: str | None
    accepted_at: datetime
    send_at: datetime | None
    completed_at: datetime | None
    sentiment: DescribedSentiment | None
    decision: DescribedDecision | None
    review: Annotated[Mapping[str, object], DescribedAs(ShownDecisionOfReview)] | None
    renditions: Sequence[ShownRendition]
    recipients: int
    counts: ShownCounts


class DeliveryQuery(Query):
    """Which deliveries to list."""

    status: DeliveryStatus | None = None
    cursor: Cursor | None = None
    limit: Limit = 50


class ShownDelivery(Shown):
    """One recipient's copy."""

    delivery_id: str
    recipient_id: str
    status: DeliveryStatus
    channel: str | None
    language: str | None
    attempt: int
    provider_id: str | None
    detail: str | None
    changed_at: datetime | None


class DeliveryOf(ShownDelivery):
    """One copy of one person, and of which notification."""

    notification_id: str


class DeliveriesOf(Shown):
    """What one person was sent, newest first."""

    items: Sequence[DeliveryOf]
    next_cursor: str | None


class DeliveryList(Shown):
    """A page of deliveries."""

    items: Sequence[ShownDelivery]
    next_cursor: str | None


class RetryRequest(Body):
    """Which copies to send once more."""

    in_doubt: Annotated[
        bool, Field(description="Also those of which nobody knows whether they arrived: these people may get it twice.")
    ] = False


class ReviewRequest(Body):
    """A person's decision about a held message."""

    model_config = shown_by({"decision": "reject", "reason": "The date is wrong."})

    decision: Choice[Decision]
    reason: Annotated[str, Field(max_length=1_000, validate_default=True, description="Why; needed to reject.")] = ""

    @field_validator("reason")
    @classmethod
    def _says_why_it_rejects(cls, reason: str, info: ValidationInfo) -> str:
        if info.data.get("decision") is Decision.REJECT and is_blank(reason):
            raise PydanticCustomError("blank", "Say why it is rejected: the sender reads it")
        return reason


class Reviewed(Shown):
    """A recorded decision."""

    id: str
    decision: Decision
    by: str


class ListQuery(Query):
    """Which part of a list."""

    cursor: Cursor | None = None
    limit: Limit = 50


class DecidedReview(Shown):
    """What a person decided."""

    decision: Decision
    by: str
    reason: str


class ShownReview(Shown):
    """Something that waits for a person: a notification, an evaluation that a rule flagged, or a machine's translation
    of `text` into `language`."""

    id: str
    kind: str
    reason: str | None
    text: str | None = None
    sentiment: DescribedSentiment | None = None
    harm: str | None = None
    worst: str | None = None
    origin: Mapping[str, object] | None = None
    language: str | None = None
    translation: str | None = None
    drafted_by: str | None = None
    decided: DecidedReview | None = None


class ReviewList(Shown):
    """A page of what waits."""

    items: Sequence[ShownReview]
    next_cursor: str | None


TRANSLATIONS = "/v1/translations"


class TranslationQuery(Query):
    """Which translations to list."""

    status: Literal["missing", "supplied"] = "missing"
    cursor: Cursor | None = None
    limit: Limit = 50


class ShownTranslation(Shown):
    """A text that nothing here translates; `text` is what somebody supplied."""

    id: str
    source_text: str
    source: str
    target: str
    reason: str
    wanted_at: datetime
    text: str | None
    supplied_by: str | None
    supplied_at: datetime | None
    draft: str | None = None
    drafted_by: str | None = None
    declined_by: str | None = None
    declined_because: str | None = None


class TranslationList(Shown):
    """A page of translations."""

    items: Sequence[ShownTranslation]
    next_cursor: str | None


class TranslationSupplied(Body):
    """A person's translation."""

    model_config = shown_by({"text": "Die Kantine öffnet morgen um zwölf."})

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT), NotBlank]
