"""Phone numbers: read, judged by the plan of their country, and written as E.164."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from service.channels.reserved_numbers import is_reserved
from service.core import TocsinError, is_time_zone

MAX_LENGTH = 40
"""Characters that a number may be written with, spaces and brackets included."""


class PhoneFault(StrEnum):
    """What is wrong with a number."""

    NOT_A_NUMBER = "not_a_number"
    NO_COUNTRY_CODE = "no_country_code"
    UNKNOWN_COUNTRY = "unknown_country"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_IN_USE = "not_in_use"
    PREMIUM_RATE = "premium_rate"
    COUNTRY_NOT_ALLOWED = "country_not_allowed"
    RESERVED = "reserved"


_ADVICE = {
    PhoneFault.NOT_A_NUMBER: "is not a phone number: write it with + and digits, for example +447700900123",
    PhoneFault.NO_COUNTRY_CODE: "has no country code: write it with + and the country code, for example +447700900123",
    PhoneFault.UNKNOWN_COUNTRY: "begins with a country code that does not exist",
    PhoneFault.TOO_SHORT: "has too few digits for its country",
    PhoneFault.TOO_LONG: "has too many digits for its country",
    PhoneFault.NOT_IN_USE: "is in a range that its country does not use: check the digits",
    PhoneFault.PREMIUM_RATE: "is a premium-rate number: nothing is sent to those",
    PhoneFault.COUNTRY_NOT_ALLOWED: "is in a country that is not allowed: see TOCSIN_ALLOWED_COUNTRIES",
    PhoneFault.RESERVED: "is reserved for examples: only the outbox takes it",
}


_NO_SMS = {
    PhoneNumberType.FIXED_LINE: "a landline",
    PhoneNumberType.PAGER: "a pager",
    PhoneNumberType.TOLL_FREE: "a freephone number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.UAN: "a company number",
    PhoneNumberType.VOICEMAIL: "a voicemail number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number",
}
"""Kinds of numbers that no SMS reaches, where the plan of their country keeps them apart from mobiles."""


class PhoneRefused(TocsinError):
    """A number that nothing may be sent to. The text never holds the number, so it may be logged."""

    def __init__(self, fault: PhoneFault) -> None:
        super().__init__(f"the phone number {_ADVICE[fault]}")
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that may be written to: E.164, its country (ISO 3166, empty for none), reserved for examples or not."""

    e164: str
    country: str
    reserved: bool = False

    @property
    def international(self) -> str:
        """The number as people read it: `+44 7700 900123`."""
        return phonenumbers.format_number(phonenumbers.parse(self.e164), PhoneNumberFormat.INTERNATIONAL)

    @property
    def no_sms(self) -> str | None:
        """What the number is if surely no SMS reaches it, such as `a landline`; None if one may."""
        if self.reserved:
            return None
        return _NO_SMS.get(phonenumbers.number_type(phonenumbers.parse(self.e164)))


@lru_cache(maxsize=4096)
def time_zone_of(e164: str) -> str | None:
    """The time zone (IANA) in which the phone of a number is, where its numbering plan knows exactly one; else None."""
    from phonenumbers import timezone  # its tables take a while to import

    zones = timezone.time_zones_for_number(phonenumbers.parse(e164))
    return zones[0] if len(zones) == 1 and is_time_zone(zones[0]) else None


@dataclass(frozen=True, slots=True)
class PhoneRules:
    """Which numbers may be written to: all countries where `countries` is None, reserved ones where nothing leaves."""

    countries: frozenset[str] | None = None
    reserved_allowed: bool = False

    def senders(self, text: str) -> Sequence[Phone]:
        """The phones that who writes may be, the likeliest first; `PhoneRefused` if none may be written to.

        The text names the phone as a carrier does: `whatsapp:+447700900123`, or an Argentine mobile without its 9.
        """
        first = self.parse(_CARRIED_BY.sub("", text.strip(), count=1))
        phones = [first]
        for other in _other_forms(first.e164):
            with suppress(PhoneRefused):
                phones.append(self.parse(other))
        return phones

    def parse(self, text: str) -> Phone:
        """The phone that `text` writes; `PhoneRefused` says why it may not be written to.

        Reserved numbers are recognised before validity is asked for: many of them are in ranges that are not in use.
        """
        number = _read(text)
        phone = _phone(number)
        if self.countries is not None and phone.country not in self.countries:
            raise PhoneRefused(PhoneFault.COUNTRY_NOT_ALLOWED)
        if phone.reserved and not self.reserved_allowed:
            raise PhoneRefused(PhoneFault.RESERVED)
        if not phone.reserved:
            _check_in_use(number)
        return phone


def parse_anywhere(text: str) -> Phone:
    """The phone that `text` writes with a country code, whether or not it may be written to; `PhoneRefused`."""
    return _phone(_read(text))


_CARRIED_BY = re.compile(r"(?:whatsapp|rcs|sms):", re.IGNORECASE)
"""What Twilio puts before the number of who writes by another way than SMS."""

_MEXICAN = re.compile(r"\+52\D*1(?=(?:\D*\d){10}\D*$)")
"""The 1 that Mexican mobiles had after the country code until 2019 (ITU operational bulletin 1170); carriers still
send it."""

_ARGENTINE = re.compile(r"\+54(9?)(\d{10})")
"""An Argentine number: mobiles have a 9 after the country code when they are called, and often none when they write."""


def _other_forms(e164: str) -> Iterator[str]:
    """The other numbers by which carriers name the same phone."""
    if match := _ARGENTINE.fullmatch(e164):
        yield f"+54{match[2]}" if match[1] else f"+549{match[2]}"


def _read(text: str) -> PhoneNumber:
    stripped = _MEXICAN.sub("+52", text.strip())
    if len(stripped) > MAX_LENGTH or not any(character.isdigit() for character in stripped):
        raise PhoneRefused(PhoneFault.NOT_A_NUMBER)
    if not stripped.startswith(("+", "\uff0b")):
        raise PhoneRefused(PhoneFault.NO_COUNTRY_CODE)
    try:
        number = phonenumbers.parse(stripped)
    except NumberParseException as error:
        raise PhoneRefused(_PARSE_FAULTS.get(error.error_type, PhoneFault.NOT_A_NUMBER)) from None
    if number.extension:
        raise PhoneRefused(PhoneFault.NOT_A_NUMBER)
    return number


_PARSE_FAULTS = {
    NumberParseException.INVALID_COUNTRY_CODE: PhoneFault.UNKNOWN_COUNTRY,
    NumberParseException.TOO_SHORT_NSN: PhoneFault.TOO_SHORT,
    NumberParseException.TOO_SHORT_AFTER_IDD: PhoneFault.TOO_SHORT,
    NumberParseException.TOO_LONG: PhoneFault.TOO_LONG,
}


def _phone(number: PhoneNumber) -> Phone:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    country = phonenumbers.region_code_for_number(number) or _main_country(number)
    return Phone(e164, country, is_reserved(e164.removeprefix("+")))


def _main_country(number: PhoneNumber) -> str:
    country = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return "" if country in {"ZZ", "001"} else country


def _check_in_use(number: PhoneNumber) -> None:
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise PhoneRefused(PhoneFault.TOO_SHORT)
        case ValidationResult.TOO_LONG:
            raise PhoneRefused(PhoneFault.TOO_LONG)
    match phonenumbers.number_type(number):
        case PhoneNumberType.UNKNOWN:
            raise PhoneRefused(PhoneFault.NOT_IN_USE)
        case PhoneNumberType.PREMIUM_RATE:
            raise PhoneRefused(PhoneFault.PREMIUM_RATE)
