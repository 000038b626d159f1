"""What an upstream app asks for when it opens an incident: our own shape, or the item of AWS's two-way SMS sample.

The sample's item comes plain or as DynamoDB writes it (`{"S": "…"}`), in the words of
https://aws.amazon.com/blogs/messaging-and-targeting/incident-notification-mechanism-using-amazon-pinpoint-two-way-sms/
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from service.channels import OWN_FIELDS, AddressesBody, OwnAddresses, PhoneRefused, PhoneRules, own_addresses
from service.core import (
    NotAnAddress,
    TocsinError,
    UnknownTag,
    caseless,
    exact_json,
    is_time_zone,
    parse_link,
    parse_tag,
    to_state,
)
from service.http import (
    Body,
    CallerReference,
    FieldError,
    NotBlank,
    Planned,
    TextPattern,
    invalid,
    invalid_model,
    shown_by,
)
from service.messages import CallbackRefused, check_url

MAX_CONTACTS = 20
MAX_DESCRIPTION = 1_000
"""Characters: with its frame and URL it still fits one SMS request (1,600)."""

DEFAULT_POLICY = "default"

_ITEM_FIELDS = frozenset({"incident_stat", "double_escalation", "first_contact", "second_contact"})
"""Names that only the sample's item has."""


@dataclass(frozen=True, slots=True)
class GivenContact(OwnAddresses):
    """A contact as the app named it: by phone or email, the `recipient` whose profile says the rest, or a `roster`."""

    phone: str | None = None
    name: str | None = None
    language: str | None = None
    email: str | None = None
    timezone: str | None = None
    recipient: str | None = None
    roster: str | None = None


@dataclass(frozen=True, slots=True)
class NewIncident:
    """An incident to be opened. `id` is the app's own, if it gave one; `open_at` is when, if not now."""

    id: str | None
    description: str
    contacts: tuple[GivenContact, ...]
    url: str | None = None
    policy: str = DEFAULT_POLICY
    callback_url: str | None = None
    open_at: datetime | None = None
    reference: str | None = None
    dedup_key: str | None = None

    @property
    def sha256(self) -> str:
        """Hash of the content without the id: what tells the same incident again from another one under its id.

        Both shapes of one incident have one hash; without a reference it is that of earlier versions, which knew none.
        """
        content = to_state(replace(self, id=None))
        contacts = content["contacts"]
        assert isinstance(contacts, list)
        # A member that later versions added counts where it is said: what is stored has a hash without it.
        content["contacts"] = [
            {k: v for k, v in each.items() if k not in {"roster", *OWN_FIELDS} or v is not None} for each in contacts
        ]
        if self.reference is None:
            del content["reference"]
        if self.dedup_key is None:
            del content["dedup_key"]
        return hashlib.sha256(exact_json.canonical(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """What contacts must keep to. `test_domains` lets `.test` addresses in: nothing reaches those."""

    phones: PhoneRules
    test_domains: bool = False


def _plain(value: object) -> object:
    """`{"S": text}`, DynamoDB's way of writing a text, as the text."""
    return value["S"] if isinstance(value, dict) and value.keys() == {"S"} else value


NAME = TextPattern(re.compile(r"^[A-Za-z0-9_-]{1,64}\Z"), "must be 1 to 64 letters, digits, - and _")
IncidentId = Annotated[str, Field(description="Letters, digits, - and _."), NAME]
Description = Annotated[str, Field(min_length=1, max_length=MAX_DESCRIPTION), NotBlank]
Url = Annotated[str, Field(max_length=500)]
Written = Annotated[str, Field(max_length=40, description="A phone, E.164.")]
StoredText = BeforeValidator(_plain)
"""Put outermost, so that what is inside sees the plain text."""


def _on_one_line(value: object) -> object:
    return " ".join(value.split()) if isinstance(value, str) else value


PersonName = Annotated[str, BeforeValidator(_on_one_line), Field(min_length=1, max_length=100)]
"""A name as texts say it: a line break in it would let its giver write lines of our texts."""


class _ContactBody(Body):
    phone: Annotated[str | None, Field(max_length=40)] = None
    name: PersonName | None = None
    language: Annotated[str | None, Field(max_length=35, description="BCP 47, such as de or pt-BR")] = None
    email: Annotated[str | None, Field(max_length=254)] = None
    timezone: Annotated[str | None, Field(description="IANA name, such as Europe/Berlin")] = None
    recipient: Annotated[str, NAME] | None = None
    roster: Annotated[Annotated[str, NAME] | None, Field(description="Pages who is on call.")] = None


class ContactBody(AddressesBody, _ContactBody):
    """Whom to page: a phone (E.164), the id of a recipient whose profile says the rest, or a roster."""


DedupKey = Annotated[
    str,
    Field(min_length=1, max_length=200, description="The app's own name of an alert that may come again."),
    NotBlank,
]


class IncidentBody(Body):
    """An incident to open: contacts are paged in the order of the policy's levels."""

    model_config = shown_by(
        {
            "incident_id": "pump-4-2026-05-10",
            "description": "Pump 4 has failed",
            "url": "https://status.example.com/pumps/4",
            "contacts": [{"phone": "+447700900123", "name": "Sam"}, {"phone": "+447700900456"}],
        }
    )

    incident_id: IncidentId | None = None
    description: Description
    url: Url | None = None
    policy: Annotated[str, Field(max_length=64)] = DEFAULT_POLICY
    callback_url: Url | None = None
    dedup_key: DedupKey | None = None
    open_at: Planned | None = None
    reference: CallerReference | None = None
    contacts: Annotated[
        Sequence[ContactBody],
        Field(max_length=MAX_CONTACTS, description="May be left out where the policy names rosters."),
    ] = ()


def _one_way_alone(_: object) -> None:
    raise PydanticCustomError(
        "named_twice", "Name people by first_contact and second_contact, or by contacts, not both"
    )


class IncidentItem(Body):
    """The item of AWS's two-way SMS sample; each value plain or as `{"S": "…"}`. `url` "no url" means none.

    What our own shape says beside its contacts may stand here too.
    """

    model_config = shown_by(
        {
            "incident_id": "123",
            "description": "Error 111, unit 1 malfunctioned.",
            "first_contact": "+447700900123",
            "second_contact": "+447700900456",
        }
    )

    incident_id: Annotated[IncidentId, StoredText]
    incident_stat: Annotated[Literal["not_acknowledged"], StoredText] = "not_acknowledged"
    double_escalation: Annotated[Literal["no"], StoredText] = "no"
    description: Annotated[Description, StoredText]
    url: Annotated[Url, StoredText] = "no url"
    first_contact: Annotated[Written, StoredText]
    second_contact: Annotated[Written | None, StoredText] = None
    policy: Annotated[Annotated[str, Field(max_length=64)], StoredText] = DEFAULT_POLICY
    callback_url: Annotated[Url | None, StoredText] = None
    dedup_key: Annotated[DedupKey | None, StoredText] = None
    open_at: Annotated[Planned | None, StoredText] = None
    reference: Annotated[CallerReference | None, StoredText] = None
    contacts: SkipJsonSchema[Annotated[None, BeforeValidator(_one_way_alone)]] = None


def shape_of(document: object) -> type[IncidentBody] | type[IncidentItem]:
    """Which of the two shapes a document has."""
    is_item = isinstance(document, dict) and not _ITEM_FIELDS.isdisjoint(document)
    return IncidentItem if is_item else IncidentBody


def read(document: object, rules: IntakeRules) -> NewIncident:
    """The incident that a JSON document asks for, in either shape; `Problem` 422 names every path that does not fit."""
    try:
        body = TypeAdapter[IncidentBody | IncidentItem](shape_of(document)).validate_python(document)
    except ValidationError as error:
        raise invalid_model(error, shape_of(document)) from error
    faults = Faults(rules)
    incident = assembled(body, faults)
    faults.refuse()
    return incident


def assembled(body: IncidentBody | IncidentItem, faults: Faults) -> NewIncident:
    """The incident of a body of either shape; what does not fit is in `faults` and is missing from the incident."""
    return _of_item(body, faults) if isinstance(body, IncidentItem) else _of_body(body, faults)


def _of_body(body: IncidentBody, faults: Faults) -> NewIncident:
    contacts = tuple(faults.contact(f"contacts[{n}]", contact) for n, contact in enumerate(body.contacts))
    return NewIncident(
        id=body.incident_id,
        description=body.description,
        contacts=contacts,
        url=faults.web_address("url", body.url),
        policy=body.policy,
        callback_url=faults.callback("callback_url", body.callback_url),
        open_at=body.open_at,
        reference=body.reference,
        dedup_key=body.dedup_key,
    )


def _of_item(item: IncidentItem, faults: Faults) -> NewIncident:
    named = {"first_contact": item.first_contact, "second_contact": item.second_contact}
    phones = {name: faults.phone(name, phone) for name, phone in named.items() if phone is not None}
    url = None if caseless(item.url.strip()) == "no url" else faults.web_address("url", item.url)
    contacts = tuple(GivenContact(phone=phone) for phone in phones.values())
    return NewIncident(
        id=item.incident_id,
        description=item.description,
        contacts=contacts,
        url=url,
        policy=item.policy,
        callback_url=faults.callback("callback_url", item.callback_url),
        open_at=item.open_at,
        reference=item.reference,
        dedup_key=item.dedup_key,
    )


class Unfit(TocsinError):
    """A value that does not fit its field."""


@dataclass(slots=True)
class Faults:
    """Reads values and collects what does not fit."""

    rules: IntakeRules
    found: list[FieldError] = field(default_factory=list)

    def contact(self, path: str, body: ContactBody) -> GivenContact:
        fields = {name: value for name, value in body if value is not None}
        if body.recipient is not None and len(fields) > 1:
            self.found.append(FieldError(path, "Name a recipient or say how to reach the contact, not both"))
        elif body.roster is not None and len(fields) > 1:
            self.found.append(FieldError(path, "Name a roster or say how to reach the contact, not both"))
        if not (body.recipient or body.roster or body.phone or own_addresses(body)):
            ways = ", ".join(f"a {name}" for name in ("phone", *OWN_FIELDS))
            self.found.append(FieldError(path, f"A contact needs {ways}, the id of a recipient, or a roster"))
        return GivenContact(
            phone=self.phone(f"{path}.phone", body.phone),
            name=body.name,
            language=self._read(f"{path}.language", body.language, lambda text: str(parse_tag(text))),
            email=self._read(f"{path}.email", body.email, self._email),
            timezone=self._read(f"{path}.timezone", body.timezone, _timezone),
            recipient=body.recipient,
            roster=body.roster,
            **{
                name: self._read(f"{path}.{name}", text, OWN_FIELDS[name].parse)
                for name, text in own_addresses(body).items()
            },
        )

    def phone(self, path: str, text: str | None) -> str | None:
        return self._read(path, text, lambda written: self.rules.phones.parse(written).e164)

    def web_address(self, path: str, text: str | None) -> str | None:
        return self._read(path, text, _web_address)

    def callback(self, path: str, text: str | None) -> str | None:
        return self._read(path, text, _callback)

    def refuse(self) -> None:
        """Raise `Problem` if something did not fit."""
        if self.found:
            raise invalid(self.found)

    def _email(self, text: str) -> str:
        try:
            return validate_email(text, check_deliverability=False, test_environment=self.rules.test_domains).normalized
        except EmailNotValidError as error:
            raise Unfit(f"is not an email address: {error}") from None

    def _read(self, path: str, text: str | None, parse: Callable[[str], str]) -> str | None:
        if text is None:
            return None
        try:
            return parse(text)
        except (CallbackRefused, NotAnAddress, PhoneRefused, UnknownTag, Unfit) as error:
            self.found.append(FieldError(path, str(error)))
        return None


def _timezone(text: str) -> str:
    if not is_time_zone(text):
        raise Unfit(f"{text!r} is not a time zone: write an IANA name, such as Europe/Berlin")
    return text


def _callback(text: str) -> str:
    check_url(text)
    return text


def _web_address(text: str) -> str:
    try:
        return parse_link(text)
    except NotAnAddress as error:
        raise Unfit(str(error)) from None
