"""Contacts that are fixed in a rule file, judged when it is checked; what reads facts is judged when they are known."""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

from service.channels.phones import PhoneRefused, PhoneRules
from service.core.language_tags import UnknownTag, parse_tag
from service.decide.ruleset import Contact, Text

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PHONES = PhoneRules(reserved_allowed=True)
"""Which countries may be written to is a setting, which a file cannot know."""


def fixed(text: Text | None) -> str | None:
    """What a text says whatever the facts are; None if that depends on them."""
    parts = text.parts if text is not None else ()
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None


def unfit(contact: Contact) -> str | None:
    """Why a contact, as far as it is fixed, is one that no message can reach."""
    phone, language, email = fixed(contact.phone), fixed(contact.language), fixed(contact.email)
    recipient, roster = fixed(contact.recipient), fixed(contact.roster)
    try:
        if phone is not None:
            _PHONES.parse(phone)
        if language is not None:
            parse_tag(language)
        if email is not None:
            validate_email(email, check_deliverability=False, test_environment=True)
    except (PhoneRefused, UnknownTag) as error:
        return str(error)
    except EmailNotValidError as error:
        return f"the email address is not valid: {error}"
    if recipient is not None and not _NAME.fullmatch(recipient):
        return f'"{recipient}" is no id of a recipient: those are of letters, digits, - and _, 64 at most'
    if roster is not None and not _NAME.fullmatch(roster):
        return f'"{roster}" is no name of a roster: those are of letters, digits, - and _, 64 at most'
    return None
