"""The phone or address that a question is about, as people write it; what can be neither is refused."""

from __future__ import annotations

from contextlib import suppress

import phonenumbers

from service.channels.phones import PhoneFault, PhoneRefused, PhoneRules, parse_anywhere
from service.core import TocsinError

MAX_ADDRESS = 254
"""Characters (RFC 5321, errata 1690)."""


class ContactRefused(TocsinError):
    """No contact can be written like this; the text never holds it."""


def asked_phone(text: str) -> str:
    """The phone in E.164; `ContactRefused` says how to write one.

    A `+` that stands unescaped in a URL arrives as a blank. Without it, and with `00` instead, only a number is read
    that its country uses.
    """
    plain = text.strip()
    try:
        if plain.startswith(("+", "\uff0b")):
            return _possible(plain)
        if text.startswith(" "):
            return _possible(f"+{plain}")
    except PhoneRefused as error:
        raise _refusal(error.fault) from error
    with suppress(PhoneRefused):
        return PhoneRules(reserved_allowed=True).parse(f"+{plain.removeprefix('00')}").e164
    has_digits = any(character.isdigit() for character in plain)
    raise _refusal(PhoneFault.NO_COUNTRY_CODE if has_digits else PhoneFault.NOT_A_NUMBER)


def asked_address(text: str) -> str:
    """The address; `ContactRefused` says how to write one."""
    plain = text.strip()
    name, at, domain = plain.rpartition("@")
    if not (name and at and domain) or any(character.isspace() for character in plain) or len(plain) > MAX_ADDRESS:
        raise ContactRefused("the address is no email address: write all of it, for example sam@example.com")
    return plain


def asked_contact(text: str) -> str:
    """The address where there is an `@`, else the phone."""
    return asked_address(text) if "@" in text else asked_phone(text)


def _refusal(fault: PhoneFault) -> ContactRefused:
    said = str(PhoneRefused(fault))
    return ContactRefused(said if _EXAMPLE in said else f"{said}: write all of it, {_EXAMPLE}")


_EXAMPLE = "for example +447700900123"


def _possible(text: str) -> str:
    """A number with its country code, also one that may not be written to any more."""
    phone = parse_anywhere(text)
    number = phonenumbers.parse(phone.e164)
    match phonenumbers.is_possible_number_with_reason(number):
        case phonenumbers.ValidationResult.IS_POSSIBLE:
            return phone.e164
        case phonenumbers.ValidationResult.TOO_LONG:
            raise PhoneRefused(PhoneFault.TOO_LONG)
        case _:
            raise PhoneRefused(PhoneFault.TOO_SHORT)
