"""Voice: plain text in, an MP3 or safe SSML out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import escape

from service.core import Tag, TocsinError

MAX_SPOKEN = 3_000
"""Characters of plain text that one voice message may have
(https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendVoiceMessage.html)."""

MAX_SSML_CHARACTERS = 6_000
"""Characters that SSML may have with its tags (same page)."""

POLLY_VOICES: Mapping[str, str] = {
    "ar": "ZEINA",
    "cy": "GWYNETH",
    "da": "NAJA",
    "de": "VICKI",
    "en": "JOANNA",
    "en-AU": "NICOLE",
    "en-GB": "AMY",
    "en-IN": "RAVEENA",
    "es": "LUCIA",
    "es-MX": "MIA",
    "es-US": "LUPE",
    "fr": "LEA",
    "fr-CA": "CHANTAL",
    "is": "DORA",
    "it": "BIANCA",
    "ja": "MIZUKI",
    "ko": "SEOYEON",
    "nb": "LIV",
    "nl": "LOTTE",
    "no": "LIV",
    "pl": "EWA",
    "pt": "CAMILA",
    "pt-PT": "INES",
    "ro": "CARMEN",
    "ru": "TATYANA",
    "sv": "ASTRID",
    "tr": "FILIZ",
    "zh": "ZHIYU",
}
"""A voice of Amazon Polly for each language that SendVoiceMessage has one of; Twilio speaks with them too
(https://docs.aws.amazon.com/polly/latest/dg/available-voices.html)."""

_SPOKEN_OTHERWISE = frozenset({"zh-HK", "zh-MO"})
"""Regions that write Chinese and speak Cantonese: no voice of Mandarin reads to them."""


class NoVoice(TocsinError):
    """No voice speaks this language: a text is never read out by a voice of another one."""


class SpeechFailed(TocsinError):
    """The text could not be spoken: too long, nothing speakable in it, or the synthesiser failed."""


@dataclass(frozen=True, slots=True)
class Audio:
    """A spoken text."""

    mp3: bytes
    seconds: float


class Speech(Protocol):
    """Reads a text out."""

    def speaks(self, locale: Tag, /) -> bool:
        """Whether there is a voice for a locale."""

    def speak(self, text: str, voice: Tag, /) -> Audio:
        """Speak plain text with a voice for the locale `voice`; `NoVoice`, `SpeechFailed`."""


def polly_voice(locale: Tag) -> str | None:
    """The voice of a locale, else of its language; None where nobody speaks it."""
    exactly = f"{locale.language}-{locale.region}"
    if exactly in _SPOKEN_OTHERWISE:
        return None
    return POLLY_VOICES.get(exactly) or POLLY_VOICES.get(locale.language)


def ssml(text: str) -> str:
    """Plain text as SSML 1.1 (https://www.w3.org/TR/speech-synthesis11/): everything in it is spoken, nothing obeyed.

    Blank lines become paragraphs. Control characters, which XML 1.0 does not allow, become spaces. `SpeechFailed` above
    `MAX_SSML_CHARACTERS`, tags included.
    """
    document = f"<speak>{paragraphs(text)}</speak>"
    if len(document) > MAX_SSML_CHARACTERS:
        raise SpeechFailed(
            f"the SSML has {len(document):,} characters and may have {MAX_SSML_CHARACTERS:,}: shorten it"
        )
    return document


def paragraphs(text: str) -> str:
    """The inside of an SSML document: every word of a plain text, escaped, in one `<p>` a paragraph."""
    spoken = "".join(character if _allowed_in_xml(character) else " " for character in text)
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", spoken)]
    return "".join(f"<p>{escape(part)}</p>" for part in parts if part)


def _allowed_in_xml(character: str) -> bool:
    return character in "\t\n\r" or " " <= character < "\ud800" or "\ue000" <= character not in "\ufffe\uffff"
