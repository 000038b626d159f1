"""Incidents, their messages and phone books as items of the store, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import structs

from service.core import Channel, Lane, from_state, to_state, to_stored_json
from service.escalate.effects import IncidentMessage
from service.escalate.gathering import GatheredNotice, NoticeGroup
from service.escalate.policy import Role
from service.escalate.record import IncidentRecord
from service.escalate.replies import ClearAnswer
from service.storage import Item

INCIDENT = "incident"
MESSAGE = "incident-message"
ANSWER = "incident-answer"
SUMMARY = "incident-summary"
HEARD = "incident-heard"
MAIL_ANSWER = "incident-mail-answer"
OWNER_NOTICE = "policy-owner-notice"
ENDING = "incident-ending"
NOTICES = "incident-notices"

ALL = ("incidents", "all")
"""Index and value under which every incident is listed, or the item that stands for it."""
BY_STATE = "incidents-by-state"
BY_PROVIDER = "provider"
"""Index of messages by their provider's id, which is all that an inbound SMS knows of them."""
BY_LINK = "answer-link"
"""Index of messages by the hash of the link that they carry."""
BY_MAIL_TOKEN = "mail-token"  # noqa: S105  (the name of an index)
"""Index of mailed pages by the token in their reply address."""

REPLIES_REMEMBERED = timedelta(days=4)
"""How long answers and summaries are kept."""

HEARD_REMEMBERED = timedelta(days=400)
"""How long a reply that was heard is recognised when it comes again: Twilio's signature holds no time, so that
somebody who has an old request could send it again."""

MESSAGES_KEPT = timedelta(days=90)


class Fate(StrEnum):
    """Where one message of an incident is."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"  # the provider may have it, and no attempt is left
    DROPPED = "dropped"  # nobody needs it any more


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message of an incident on its way. `detail` holds neither contact data nor text.

    `attempt` counts the tries whose outcome is known. `held` says that more than its turn keeps it from leaving: a
    provider refused it for now, or all are left alone. It is not tried before `not_before`.
    The link that it carries can be used until `link_until`.
    """

    incident_id: str
    number: int
    role: Role
    contact: int
    level: int
    channel: Channel
    fate: Fate = Fate.PENDING
    attempt: int = 0
    provider_id: str | None = None
    detail: str | None = None
    held: bool = False
    not_before: datetime | None = None
    link_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PhoneAnswer:
    """An answer to a reply that is about no incident in particular: a template, `then` others, each on its own lines.

    `commanded` answers go out although opted out.
    """

    to: str
    language: str | None
    template: str
    variables: Mapping[str, str | int] = field(default_factory=dict)
    commanded: bool = False
    then: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MailAnswer:
    """The answer to a mail that could not be read as one to the page of this number."""

    incident_id: str
    contact: int
    level: int
    number: int


@dataclass(frozen=True, slots=True)
class OwnerNotice:
    """What the owner of a policy, at an email address or a phone, is told of a contact."""

    to: str
    template: str
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NamedPage:
    """A page that a reply names, by its code or by being the only one it can mean.

    `answer` is what the reply says to this page, where that differs from what it says to the others.
    """

    incident_id: str
    contact: int
    level: int
    code: int
    answer: ClearAnswer | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """One SMS to a phone on which more incidents opened than a person can read one by one.

    `attempt`, `held` and `not_before` are as in `Outgoing`. Once its `end` is known, that at `at` it was sent or why it
    could not be, the incidents of the pages that are `left` are still to be told.
    """

    to: str
    language: str | None
    attempt: int = 0
    held: bool = False
    not_before: datetime | None = None
    end: str | None = None
    at: datetime | None = None
    begun_at: datetime | None = None
    left: tuple[NamedPage, ...] = ()


@dataclass(frozen=True, slots=True)
class GatheredMessage:
    """One message to an address that stands for the notices of a group that wait in its book."""

    to: str
    channel: Channel
    group: NoticeGroup

    def holds(self, notice: GatheredNotice) -> bool:
        """Whether it stands for a notice."""
        return (notice.channel, notice.group) == (self.channel, self.group)


@dataclass(frozen=True, slots=True)
class CallbackDue:
    """A step that the app of an incident is to be told of, with the incident as it was then.

    `number` counts the steps: callbacks may arrive in another order.
    """

    record: IncidentRecord
    step: str
    number: int


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A clear answer from a phone, and the pages it is still to be applied to. `minutes` are those of a LATER, `words`
    what was written; `quiet` as in `ReplyYes`."""

    phone: str
    answer: ClearAnswer
    left: tuple[NamedPage, ...]
    minutes: int | None = None
    words: str | None = None
    quiet: bool = False

    def after(self, done: int) -> Unfinished:
        """What is left after the first `done` pages."""
        return replace(self, left=self.left[done:])


def incident_id(given: str) -> str:
    """The id of the item of an incident."""
    return f"incident-{given}"


def message_id(given: str, number: int) -> str:
    """The id of a message, deterministic, so that expanding twice sends once; fit for email tags."""
    return f"message-{given}-{number:06d}"


def book_id(phone_key: str) -> str:
    """The id of a phone's book; `phone_key` is an HMAC."""
    return f"phone-{phone_key}"


def incident_item(item: Item | None, record: IncidentRecord) -> Item:
    """The item of an incident after it changed: due when its timer is."""
    own = item or Item(incident_id(record.incident.id), INCIDENT, {}, lane=Lane.INCIDENT)
    keys = ({} if record.listed else dict([ALL])) | {BY_STATE: record.incident.state.name}
    return structs.replace(own, state=to_stored_json(record), keys=keys, due_at=record.incident.due_at, attempts=0)


def record_of(item: Item) -> IncidentRecord:
    """The incident in an item."""
    return from_state(IncidentRecord, item.state)


def message_item(given: str, message: IncidentMessage, at: datetime) -> Item:
    """A message that is to be sent now."""
    outgoing = Outgoing(given, message.number, message.role, message.contact, message.level, message.channel)
    return Item(
        message_id(given, message.number),
        MESSAGE,
        to_state(outgoing),
        lane=Lane.INCIDENT,
        due_at=at,
        expires_at=at + MESSAGES_KEPT,
    )


def sent_item(item: Item, outgoing: Outgoing) -> Item:
    """A message's item with nothing left to do, to be found by its provider's id."""
    keys = {name: value for name, value in item.keys.items() if name in (BY_MAIL_TOKEN, BY_LINK)}
    if outgoing.provider_id is not None:
        keys[BY_PROVIDER] = outgoing.provider_id
    return structs.replace(item, state=to_state(outgoing), keys=keys, due_at=None, attempts=0)


def outgoing_of(item: Item) -> Outgoing:
    """The message in an item."""
    return from_state(Outgoing, item.state)


def answer_item(name: str, answer: PhoneAnswer, at: datetime) -> Item:
    """An answer that is to be sent now."""
    state = to_state(answer)
    return Item(f"answer-{name}", ANSWER, state, lane=Lane.INCIDENT, due_at=at, expires_at=at + REPLIES_REMEMBERED)


def mail_answer_item(answer: MailAnswer, at: datetime) -> Item:
    """An answer by mail that is to be sent now; one for each page."""
    name = f"mail-answer-{answer.incident_id}-{answer.number:06d}"
    return Item(name, MAIL_ANSWER, to_state(answer), lane=Lane.INCIDENT, due_at=at, expires_at=at + MESSAGES_KEPT)


def owner_notice_item(name: str, notice: OwnerNotice, at: datetime) -> Item:
    """A notice that is to be sent now; the same name twice is one notice."""
    state = to_state(notice)
    return Item(name, OWNER_NOTICE, state, lane=Lane.INCIDENT, due_at=at, expires_at=at + REPLIES_REMEMBERED)


def summary_id(phone_key: str, number: int) -> str:
    """The id of a phone's summary of this number."""
    return f"summary-{phone_key}-{number}"


def summary_item(phone_key: str, number: int, summary: Summary, due_at: datetime) -> Item:
    """A phone's next summary."""
    name = summary_id(phone_key, number)
    keep = due_at + REPLIES_REMEMBERED
    return Item(name, SUMMARY, to_state(summary), lane=Lane.INCIDENT, due_at=due_at, expires_at=keep)


def digest_item(key: str, number: int, digest: GatheredMessage, due_at: datetime) -> Item:
    """The message that tells an address of what was gathered; `key` is an HMAC of the address."""
    keep = due_at + REPLIES_REMEMBERED
    name = f"notices-{key}-{number}"
    return Item(name, NOTICES, to_state(digest), lane=Lane.INCIDENT, due_at=due_at, expires_at=keep)


def heard_item(name: str, at: datetime) -> Item:
    """The mark that a reply was heard; a second writer loses. While it has a state, something is left to do."""
    return Item(f"heard-{name}", HEARD, {}, lane=Lane.INCIDENT, expires_at=at + HEARD_REMEMBERED)


def heard_name(mark: Item) -> str:
    """The name that a mark was made with."""
    return mark.id.removeprefix("heard-")


def unfinished_of(mark: Item) -> Unfinished | None:
    """What a reply that was heard still has to change; None if all is done."""
    return from_state(Unfinished, mark.state) if "left" in mark.state else None


def step_item(record: IncidentRecord, step: str, at: datetime) -> Item:
    """The item that tells the app of a step; its name counts how often the step was taken."""
    times = record.told[step]
    name = f"ending-{record.incident.id}-{step}" + (f"-{times}" if times > 1 else "")
    due = CallbackDue(record, step, sum(record.told.values()))
    return Item(name, ENDING, to_state(due), lane=Lane.TRANSACTIONAL, due_at=at, expires_at=at + MESSAGES_KEPT)
