"""Voice: plain text in, an MP3 or safe SSML out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from service.errors import TocsinError
from service.tags import Tag

MAX_CHARACTERS = 3_000
"""Characters of plain text that one voice message may have
(https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendVoiceMessage.html)."""


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
