"""Whether a text says anything: what is sent must have a letter, a digit or an emoji that somebody can see."""

from __future__ import annotations

import re
import unicodedata

from service.core.text_folding import compatible

SAY_SOMETHING = "says nothing: write at least one letter, digit or emoji"
"""What is wrong with a blank text, after its name."""

_UNSEEN = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc\ufffd\U0001d159")
"""Letters and symbols without ink: Hangul's fillers, the empty pattern of Braille, stand-ins, the null notehead."""

_EMOJI = frozenset("\u25fd\u25fe")
"""Emoji that Unicode counts among the mathematical symbols (https://www.unicode.org/Public/emoji/, emoji-data.txt)."""

_AS_EMOJI = re.compile("(.)\ufe0f")
"""A character that the variation selector after it makes an emoji if it can be one, such as ↔️ or ‼️."""

_PUNCTUATION = frozenset("#*\u203c\u2049\u3030")
"""The punctuation that can."""


def is_blank(text: str) -> bool:
    """Whether nobody could see a letter, digit or emoji in a text, in whichever form of Unicode it is written."""
    if any(map(_is_said, text)):
        return False
    is_emoji = any(_can_be_emoji(character) for character in _AS_EMOJI.findall(text))
    return not is_emoji and not any(_is_said(character) for character in compatible(text))


def _is_said(character: str) -> bool:
    if character in _UNSEEN:
        return False
    return character.isalnum() or character in _EMOJI or unicodedata.category(character) == "So"


def _can_be_emoji(character: str) -> bool:
    return character in _PUNCTUATION or unicodedata.category(character) == "Sm"
