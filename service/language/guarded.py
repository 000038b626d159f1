"""Language services left alone while their breaker is open: who asks is told at once, instead of after timeouts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from service.core import Tag, TocsinError
from service.language.machine import TranslationEngine
from service.language.protocols import (
    Detected,
    Detector,
    LanguageServiceBusy,
    LanguageServiceUnavailable,
    Sentiment,
    SentimentScore,
)
from service.work import Breakers, CallDenied

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Guard:
    """The breaker of one service, as metrics and `tocsin doctor` call it."""

    name: str
    breakers: Breakers

    def ask(self, call: Callable[[], T]) -> T:
        """The answer of `call`; `LanguageServiceUnavailable` at once while the service is left alone."""
        breaker = self.breakers.look([self.name])
        permit = breaker.admit(self.name)
        if isinstance(permit, CallDenied):
            raise LanguageServiceUnavailable(
                f"{self.name} keeps failing and is left alone until {permit.until:%H:%M:%S} UTC"
            )
        try:
            answer = call()
        except LanguageServiceBusy:
            breaker.succeeded(self.name, permit, well=False)  # it answers: a throttle is no fault
            raise
        except LanguageServiceUnavailable:
            breaker.failed(self.name, permit)
            raise
        except TocsinError:
            breaker.succeeded(self.name, permit)
            raise
        breaker.succeeded(self.name, permit)
        return answer


@dataclass(frozen=True, slots=True)
class GuardedSentiment:
    """`Sentiment` behind a breaker."""

    sentiment: Sentiment
    guard: Guard

    def score(self, text: str, language: Tag, /) -> SentimentScore:
        """As the service scores."""
        return self.guard.ask(lambda: self.sentiment.score(text, language))


@dataclass(frozen=True, slots=True)
class GuardedDetector:
    """`Detector` behind a breaker."""

    detector: Detector
    guard: Guard

    def detect(self, text: str, /) -> Detected | None:
        """As the service detects."""
        return self.guard.ask(lambda: self.detector.detect(text))


@dataclass(frozen=True, slots=True)
class GuardedEngine:
    """`TranslationEngine` behind a breaker."""

    engine: TranslationEngine
    guard: Guard

    @property
    def name(self) -> str:
        return self.engine.name

    def produces(self, source: Tag, target: Tag, /) -> Tag | None:
        """As the engine says; nothing is asked of the service."""
        return self.engine.produces(source, target)

    def translate(self, text: str, source: Tag, target: Tag, /) -> str:
        """As the engine translates."""
        return self.guard.ask(lambda: self.engine.translate(text, source, target))
