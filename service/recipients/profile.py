"""A recipient's profile: who they are, how they want to be reached, in which language."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from email_validator import EmailNotValidError, validate_email

from service.channels import (
    CHANNELS,
    OWN_FIELDS,
    Phone,
    PhoneRefused,
    PhoneRules,
    StoredAddresses,
    address_of,
    own_addresses,
)
from service.core import Channel, NotAnAddress, TocsinError, UnknownTag, is_time_zone, nearest_word, parse_tag

T = TypeVar("T")

MAX_NAME = 100
"""Characters of a first name."""

FIELDS = ("user_id", "first_name", "email", "phone", "language", "preference", "voice_locale", "timezone", *OWN_FIELDS)
"""The names of a profile's fields, as callers and files write them."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Fault:
    """One field that does not fit, and what would."""

    path: str
    message: str


class ProfileRefused(TocsinError):
    """A profile that cannot be stored; `faults` names every field that does not fit."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = faults


class Recipient(StoredAddresses, frozen=True):
    """One person. `language` and `voice_locale` are BCP 47 tags, `timezone` is an IANA name."""

    user_id: str
    first_name: str
    language: str
    preference: Channel
    email: str | None = None
    phone: Phone | None = None
    voice_locale: str | None = None
    timezone: str | None = None

    def contact(self, field: str) -> str | None:
        """The phone (E.164) or address that a field holds."""
        if field == "phone":
            return self.phone.e164 if self.phone else None
        return self.email if field == "email" else own_addresses(self).get(field)

    @property
    def address(self) -> str | None:
        """Where the preferred channel leads, if anywhere."""
        return address_of(CHANNELS[self.preference], self)

    def as_json(self) -> dict[str, object]:
        """The profile as callers write it; what is not known is left out."""
        members = {name: getattr(self, name) for name in FIELDS} | {"phone": self.phone and self.phone.e164}
        return {name: value for name, value in members.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """What profiles must keep to. `test_domains` lets `.test` addresses in: nothing reaches those."""

    phones: PhoneRules
    test_domains: bool = False

    def parse(self, raw: Mapping[str, object]) -> Recipient:
        """The recipient that a JSON object or a line of a file describes; `ProfileRefused` names every fault."""
        reading = _Reading(raw)
        reading.refuse_unknown()
        user_id = reading.required("user_id", parse_id)
        language = reading.required("language", _tag)
        preference = reading.required("preference", _preference)
        recipient = Recipient(
            user_id=user_id or "",
            first_name=reading.optional("first_name", _name) or "",
            language=language or "",
            preference=preference or Channel.EMAIL,
            email=reading.optional("email", self._email),
            phone=reading.optional("phone", self.phones.parse),
            voice_locale=reading.optional("voice_locale", _tag),
            timezone=reading.optional("timezone", _timezone),
            **{name: reading.optional(name, each.parse) for name, each in OWN_FIELDS.items()},
        )
        if preference is not None:
            reading.refuse_unreachable(preference, recipient.phone)
        if reading.faults:
            raise ProfileRefused(tuple(reading.faults))
        return recipient

    def _email(self, text: str) -> str:
        try:
            return validate_email(text, check_deliverability=False, test_environment=self.test_domains).normalized
        except EmailNotValidError as error:
            raise _Unfit(f"is not an email address: {error}") from None


class _Unfit(TocsinError):
    """A value that does not fit its field."""


class _Reading:
    """Reads fields one by one and collects what does not fit."""

    def __init__(self, raw: Mapping[str, object]) -> None:
        self._raw = raw
        self.faults: list[Fault] = []

    def required(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The parsed field; None, with a fault noted, if it is missing or unfit."""
        value = self.optional(name, parse)
        if value is None and not any(fault.path == name for fault in self.faults):
            self.faults.append(Fault(name, "is missing"))
        return value

    def optional(self, name: str, parse: Callable[[str], T]) -> T | None:
        """The parsed field, or None if it is missing, empty or unfit (the latter a fault)."""
        value = self._raw.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.faults.append(Fault(name, "must be text"))
            return None
        try:
            return parse(value.strip())
        except (_Unfit, NotAnAddress, PhoneRefused, UnknownTag) as error:
            self.faults.append(Fault(name, str(error)))
            return None

    def refuse_unknown(self) -> None:
        """A fault for each name that is no field: most likely a misspelt one."""
        self.faults += [
            Fault(name, f"is not a field of a profile{_hint(name)}") for name in self._raw if name not in FIELDS
        ]

    def refuse_unreachable(self, preference: Channel, phone: Phone | None) -> None:
        """A fault if the preferred channel has nothing to write to, or a phone that no SMS reaches."""
        needs = CHANNELS[preference].field
        if self._raw.get(needs) in (None, ""):  # no set: JSON may hold a list here
            self.faults.append(Fault(needs, f"is missing, and the preference is {preference}"))
        if preference is Channel.SMS and phone is not None and (kind := phone.no_sms) is not None:
            self.faults.append(Fault("phone", f"is {kind}, which no SMS reaches: prefer voice, or give a mobile"))


def _hint(name: str) -> str:
    near = nearest_word(name, FIELDS)
    return f": did you mean {near}?" if near else f": they are {', '.join(FIELDS)}"


def is_id(text: str) -> bool:
    """Whether a text may name a user or an audience: 1 to 64 letters, digits, `-` and `_`, so no contact data."""
    return _ID.fullmatch(text) is not None


def parse_id(text: str) -> str:
    """A user's id or an audience's name."""
    if not is_id(text):
        raise _Unfit("must be 1 to 64 letters, digits, - or _")
    return text


def _name(text: str) -> str:
    if len(text) > MAX_NAME or not text.isprintable():
        raise _Unfit(f"must be at most {MAX_NAME} printable characters")
    return text


def _tag(text: str) -> str:
    return str(parse_tag(text))


def _preference(text: str) -> Channel:
    try:
        return Channel(text.lower())
    except ValueError:
        raise _Unfit(f"must be one of {', '.join(Channel)}") from None


def _timezone(text: str) -> str:
    if not is_time_zone(text):
        raise _Unfit(f"{text!r} is not a time zone: write it like Europe/Berlin (IANA)")
    return text
