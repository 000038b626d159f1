"""Contacts that are fixed in a rule file, judged when it is checked; what reads facts is judged when they are known.

What judges phones and addresses is imported where it is needed: it takes a third of the time that a trial of a small
file takes, and most files fix no contact.
"""

from __future__ import annotations

import re

from service.decide.ruleset import RuleContact, Text

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def fixed(text: Text | None) -> str | None:
    """What a text says whatever the facts are; None if that depends on them."""
    parts = text.parts if text is not None else ()
    return parts[0] if len(parts) == 1 and isinstance(parts[0], str) else None


def unfit(contact: RuleContact) -> str | None:
    """Why a contact, as far as it is fixed, is one that no message can reach."""
    phone, language, email = fixed(contact.phone), fixed(contact.language), fixed(contact.email)
    recipient, roster = fixed(contact.recipient), fixed(contact.roster)
    for fault in (
        None if phone is None else _unfit_phone(phone),
        None if language is None else _unfit_language(language),
        None if email is None else _unfit_email(email),
    ):
        if fault is not None:
            return fault
    if recipient is not None and not _NAME.fullmatch(recipient):
        return f'"{recipient}" is no id of a recipient: those are of letters, digits, - and _, 64 at most'
    if roster is not None and not _NAME.fullmatch(roster):
        return f'"{roster}" is no name of a roster: those are of letters, digits, - and _, 64 at most'
    return None


def _unfit_phone(phone: str) -> str | None:
    from service.channels import PhoneRefused, PhoneRules

    try:
        # Which countries may be written to is a setting, which a file cannot know.
        PhoneRules(reserved_allowed=True).parse(phone)
    except PhoneRefused as error:
        return str(error)
    return None


def _unfit_language(language: str) -> str | None:
    from service.core import UnknownTag, parse_tag

    try:
        parse_tag(language)
    except UnknownTag as error:
        return str(error)
    return None


def _unfit_email(email: str) -> str | None:
    from email_validator import EmailNotValidError, validate_email

    try:
        validate_email(email, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return f"the email address is not valid: {error}"
    return None
