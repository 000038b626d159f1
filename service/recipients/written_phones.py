"""Phone numbers as spreadsheets leave them: read where only one number can be meant, named where digits were lost."""

from __future__ import annotations

import re

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from service.core import TocsinError

_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d{1,2}", re.IGNORECASE)
_NUMBER = re.compile(r"\d{8,15}(?:[.,]0+)?")
_BETWEEN = re.compile(r"[\s().\-/]")

DIGITS_LOST = (
    "was turned into a number by a spreadsheet, and its last digits are lost: make the column text, and write it again"
)
PLUS_LOST = "was turned into a number by a spreadsheet, which dropped its +: make the column text, and write it with +"
NO_COUNTRY = "has no country code: write it with + and the country code, or say whose national numbers these are"


class PhoneUnclear(TocsinError):
    """It cannot be told which number was meant. The text never holds the number."""


def international(text: str, country: str | None) -> str:
    """The number with its `+`, or as it is if it has one; `PhoneUnclear`.

    `country` (ISO 3166) is whose national numbers are read; `00` stands for `+` wherever the rest can be one.
    """
    plain = text.lstrip("'").strip()
    if plain.startswith(("+", "\uff0b")) or not any(character.isdigit() for character in plain):
        return plain
    if _SCIENTIFIC.fullmatch(plain):
        raise PhoneUnclear(DIGITS_LOST)
    digits = _BETWEEN.sub("", plain)
    if digits.startswith("00") and _is_possible(f"+{digits[2:]}"):
        return f"+{digits[2:]}"
    if country is not None and (read := _national(plain, country)) is not None:
        return read
    if _NUMBER.fullmatch(plain) and not plain.startswith("0") and _is_possible("+" + re.split(r"[.,]", plain)[0]):
        raise PhoneUnclear(PLUS_LOST)
    raise PhoneUnclear(NO_COUNTRY)


def _is_possible(text: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text))
    except NumberParseException:
        return False


def _national(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
