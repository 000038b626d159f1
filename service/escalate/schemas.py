"""The shapes of requests and answers about incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from service.channels import AddressesBody
from service.escalate.callbacks import IncidentStep
from service.escalate.intake import DedupKey, PersonName
from service.escalate.items import Fate
from service.http import Body, Cursor, Instant, Limit, NotBlank, Query, Shown, shown_by

StateName = Literal["open", "acknowledged", "resolved", "unacknowledged", "cancelled"]


class IncidentQuery(Query):
    """Which incidents: those that fit everything that is said."""

    state: StateName | None = None
    policy: Annotated[str | None, Field(max_length=64, description="Opened under this policy.")] = None
    app: Annotated[str | None, Field(max_length=100, description="Opened by this app.")] = None
    person: Annotated[
        str | None,
        Field(max_length=254, description="A contact's recipient id or name; with `pii` also phone (E.164) or email."),
    ] = None
    since: Annotated[Instant | None, Field(alias="from", description="Not opened before this time (RFC 3339).")] = None
    until: Annotated[Instant | None, Field(alias="to", description="Opened before this time (RFC 3339).")] = None
    cursor: Cursor | None = None
    limit: Limit = 50


class _ShownContact(Shown):
    number: int
    name: str | None = None
    phone: str | None = None
    email: str | None = None
    language: str | None = None
    timezone: str | None = None
    recipient: str | None = None
    roster: str | None = None
    on_call: str | None = None
    codes: Sequence[int] | None = None


class ShownContact(AddressesBody, _ShownContact):
    """A contact as the incident numbers it; phone and email in full for keys that have the scope `pii`."""


class TimelineLine(Shown):
    """One thing that happened, as a sentence and as data.

    `via` is how a person's word came: `sms`, `link`, `email`, `call` or `api`; of the API with its app, the id of its
    key and that of the request. `words` are what a contact wrote, in full for keys that have the scope `pii`.
    """

    at: str
    event: str
    text: str
    level: int | None = None
    contact: int | None = None
    channel: str | None = None
    message: str | None = None
    why: str | None = None
    via: str | None = None
    app: str | None = None
    key: str | None = None
    request_id: str | None = None
    words: str | None = None


class ShownIncident(Shown):
    """An incident: where it stands, what happened, and the two fields of AWS's two-way SMS sample."""

    incident_id: str
    state: StateName
    level: int | None = None
    attempt: int | None = None
    next_timer_at: str | None = None
    acknowledged_by: str | None = None
    resolved_by: str | None = None
    contact: int | None = None
    cancelled_by: str | None = None
    why: str | None = None
    ended_at: str | None = None
    description: str
    url: str | None = None
    policy: str
    opened_at: str
    dedup_key: str | None = None
    times: int
    callback_url: str | None = None
    reference: str | None = None
    contacts: Sequence[ShownContact]
    timeline: Sequence[TimelineLine]
    incident_stat: str
    double_escalation: str


class IncidentCallback(ShownIncident):
    """Sent to the `callback_url` of an incident for each step: the incident as it is then, without phones and emails.

    `number` counts the steps of one kind, so that a repetition is told from the next.
    """

    step: IncidentStep
    number: int


class IncidentList(Shown):
    """Incidents, newest first."""

    items: Sequence[ShownIncident]
    next_cursor: str | None


class MessageQuery(Query):
    """Which messages of an incident."""

    cursor: Cursor | None = None
    limit: Limit = 50


class ShownMessage(Shown):
    """One message of an incident: whom it is for, and whether it left and arrived. `message` is its role."""

    number: int
    message: str
    contact: int
    level: int | None
    channel: str
    status: Fate
    attempt: int
    provider_id: str | None
    detail: str | None


class MessageList(Shown):
    """Messages, first decided first."""

    items: Sequence[ShownMessage]
    next_cursor: str | None


class Actor(Body):
    """Who does it: a name for the timeline, and the contact's number if it is one of them. Default: the key's name."""

    model_config = shown_by({"by": "Sam"})

    by: PersonName | None = None
    contact: Annotated[int | None, Field(ge=1, le=99)] = None


class ResolvedAlert(Body):
    """The alert that is over, by the key that the app gave it, and who says so. Default: the key's name."""

    model_config = shown_by({"dedup_key": "pump-4"})

    dedup_key: DedupKey
    by: PersonName | None = None


class Note(Body):
    """Something to write down beside an incident."""

    model_config = shown_by({"text": "The spare pump is on its way.", "by": "Sam"})

    text: Annotated[str, Field(min_length=1, max_length=1000), NotBlank]
    by: PersonName | None = None


class SimulatedSms(Body):
    """An SMS as a phone would send it; `in_reply_to` is the id of an outbox entry."""

    model_config = shown_by({"from": "+447700900123", "body": "yes, I am on it"})

    sender: Annotated[str, Field(alias="from", max_length=40)]
    body: Annotated[str, Field(max_length=1600)]
    in_reply_to: Annotated[str | None, Field(max_length=256)] = None


class Taken(Shown):
    """The SMS was taken, under this id."""

    id: str


class Received(Shown):
    """What was made of a message of SNS."""

    received: Literal["notification", "subscription", "ignored"]
