"""Voice: plain text in, an MP3 or safe SSML out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol
from xml.sax.saxutils import escape

from service.errors import TocsinError
from service.tags import Tag

MAX_CHARACTERS = 3_000
"""Characters of plain text that one voice message may have
(https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendVoiceMessage.html)."""

MAX_SSML_CHARACTERS = 6_000
"""Characters that SSML may have with its tags (same page)."""


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

    def speak(self, text: str, voice: Tag, /) -> Audio:
        """Speak plain text with a voice for the locale `voice`; `NoVoice`, `SpeechFailed`."""


def ssml(text: str) -> str:
    """Plain text as SSML 1.1 (https://www.w3.org/TR/speech-synthesis11/): everything in it is spoken, nothing obeyed.

    Blank lines become paragraphs. Control characters, which XML 1.0 does not allow, become spaces. `SpeechFailed` above
    `MAX_SSML_CHARACTERS`, tags included.
    """
    spoken = "".join(character if _allowed_in_xml(character) else " " for character in text)
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", spoken)]
    body = "".join(f"<p>{escape(part)}</p>" for part in paragraphs if part)
    document = f"<speak>{body}</speak>"
    if len(document) > MAX_SSML_CHARACTERS:
        raise SpeechFailed(
            f"the SSML has {len(document):,} characters and may have {MAX_SSML_CHARACTERS:,}: shorten it"
        )
    return document


def _allowed_in_xml(character: str) -> bool:
    return character in "\t\n\r" or " " <= character < "\ud800" or "\ue000" <= character not in "\ufffe\uffff"
