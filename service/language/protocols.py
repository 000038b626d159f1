"""What the service needs to know about language: how a text feels, which language it is in, what it says in another.

Each is a protocol with real adapters in `embedded/` (no account, no network) and `aws/`.
Languages are `service.core.language_tags.Tag`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from service.core import Tag, TocsinError, Unavailable

_LONGEST_WAIT_S = 3_600.0

MAX_SENTIMENT_BYTES = 5_000
"""UTF-8 bytes a text may have for DetectSentiment; the embedded model keeps the same limit
(https://docs.aws.amazon.com/comprehend/latest/dg/guidelines-and-limits.html)."""

MIN_DETECT_CHARACTERS = 20
"""Shorter texts ("OK") defeat every detector, so the declared language stands (same page)."""

AUTHOR = "author"
"""Provenance of a translation that came with the text."""

SOURCE = "source"
"""Provenance of a text that its author wrote in this language."""

CATALOGUE = "catalogue"
"""Provenance of a translation that a person reviewed."""


class TextTooLong(TocsinError):
    """The text is over what the service takes at once; nothing was computed."""


class LanguageServiceUnavailable(Unavailable):
    """A language service did not answer or asked to be called later; `retry_after` is in seconds where it said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message, after=timedelta(seconds=min(retry_after or 0, _LONGEST_WAIT_S)))
        self.retry_after = retry_after


class LanguageServiceBusy(LanguageServiceUnavailable):
    """A language service answers, and has too much to do: it is called later, and nothing is wrong with it."""


class LanguageServiceRefused(TocsinError):
    """A language service refuses our calls (a wrong key or address): trying again changes nothing, an operator must."""


class LanguageUnknown(LanguageServiceRefused):
    """A language service does not know the text's language; no operator can change that."""


class Label(StrEnum):
    """The strongest of the four feelings, spelt as Comprehend does."""

    POSITIVE = "POSITIVE"
    NEGATIVE = "NEGATIVE"
    NEUTRAL = "NEUTRAL"
    MIXED = "MIXED"


@dataclass(frozen=True, slots=True)
class SentimentScore:
    """Four shares of 1 (they sum to exactly 1), each with six decimals."""

    positive: Decimal
    negative: Decimal
    neutral: Decimal
    mixed: Decimal

    @property
    def label(self) -> Label:
        """The feeling with the largest share."""
        return max(self.by_label(), key=self.by_label().__getitem__)

    def by_label(self) -> dict[Label, Decimal]:
        """Share of each feeling."""
        return {
            Label.POSITIVE: self.positive,
            Label.NEGATIVE: self.negative,
            Label.NEUTRAL: self.neutral,
            Label.MIXED: self.mixed,
        }

    def as_comprehend(self) -> dict[str, object]:
        """The shape of DetectSentiment's answer (https://docs.aws.amazon.com/comprehend/latest/APIReference/API_DetectSentiment.html)."""
        shares = {label.capitalize(): share for label, share in self.by_label().items()}
        return {"Sentiment": str(self.label), "SentimentScore": shares}


class Sentiment(Protocol):
    """How a text feels."""

    def score(self, text: str, language: Tag, /) -> SentimentScore:
        """Score a text; `TextTooLong` above `MAX_SENTIMENT_BYTES`, `LanguageServiceUnavailable`."""


@dataclass(frozen=True, slots=True)
class ToneScore:
    """How likely a text would hurt who reads it, from 0 to 1, and its passage that makes it so (blank: there is none).

    `worst` is the text of a message: it is for the person who reviews it, and is never logged.
    """

    harm: Decimal
    worst: str


class Tone(Protocol):
    """Whether a careful person would hold a text."""

    def judge(self, text: str, /) -> ToneScore:
        """The worst passage counts; `TextTooLong` above `MAX_SENTIMENT_BYTES`."""


@dataclass(frozen=True, slots=True)
class Detected:
    """The language that a text seems to be in, with a confidence from 0 to 1."""

    language: Tag
    confidence: float


class Detector(Protocol):
    """Which language a text is in."""

    def detect(self, text: str, /) -> Detected | None:
        """The likeliest language, or None below `MIN_DETECT_CHARACTERS`."""


@dataclass(frozen=True, slots=True)
class Translation:
    """A text for a reader, and where it came from.

    `language` is the language it is really in: a reader of `es-MX` may be given `es`.
    `provenance` is `source`, `catalogue` or `machine:<engine>@<version>`.
    """

    text: str
    language: Tag
    provenance: str


@dataclass(frozen=True, slots=True)
class NotTranslated:
    """Nothing here translates this text faithfully.

    `reason` is for the person who may supply the translation; it may quote the text, so it is never logged.
    """

    reason: str


class Translator(Protocol):
    """What a text says in another language."""

    def translate(self, text: str, source: Tag, target: Tag, /) -> Translation | NotTranslated:
        """Translate a text or say why not; never another language labelled as `target`.

        `LanguageServiceUnavailable` where trying later may help; `LanguageServiceRefused` where an operator must act.
        """


class Sentences(Protocol):
    """Texts cut into sentences, with slots for what changes from message to message."""

    def keys(self, text: str, source: Tag, /) -> Sequence[str]:
        """Under what the sentences of a text may be known; none for a language that is not read."""

    def generalised(self, text: str, translation: str, source: Tag, target: Tag, /) -> tuple[str, str] | None:
        """A text and its translation with slots for the days, times and numbers in both; None if they differ."""

    def translate_with(
        self, known: Mapping[str, str], text: str, source: Tag, target: Tag, /
    ) -> Translation | NotTranslated:
        """As a catalogue that also has `known`, a translation for each key."""


def check_length(text: str, limit: int = MAX_SENTIMENT_BYTES) -> None:
    """Raise `TextTooLong` when a text has more than `limit` UTF-8 bytes."""
    size = len(text.encode(errors="surrogatepass"))
    if size > limit:
        raise TextTooLong(f"the text has {size:,} bytes (UTF-8) and may have {limit:,}: shorten it or send it in parts")
