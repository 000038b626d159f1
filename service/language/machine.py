"""Machine translation with the checks that make it safe to send: masks, numbers, language in and language out."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from service.core import Tag, likely, serves, tagged_texts
from service.language.masking import MarkersBroken, mask_for_machine, words_of
from service.language.protocols import Detector, NotTranslated, Translation

SURE = 0.8
"""Confidence from which a detector's word counts against the declared language."""

SAME_WORDS = 2
"""Words that may be the same in two languages: Total, Menu, Status: normal. A longer text surely is not."""

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


class TranslationEngine(Protocol):
    """A machine that translates plain text and knows nothing of placeholders."""

    @property
    def name(self) -> str:
        """Engine and version, as provenance shows it: `fxtranslate@0.5.0`."""

    def produces(self, source: Tag, target: Tag, /) -> Tag | None:
        """The language in which this engine would answer a reader of `target`, or None if it has no such pair."""

    def translate(self, text: str, source: Tag, target: Tag, /) -> str:
        """Translate a text for a pair that it `produces`; `LanguageServiceUnavailable`, `LanguageServiceRefused`."""


@dataclass(frozen=True, slots=True)
class MachineTranslator:
    """`Translator` by an engine whose every answer is checked; what fails a check is not translated.

    `said` writes a piece that was hidden, such as a time, for the reader of a language.
    """

    engine: TranslationEngine
    detector: Detector
    terms: Sequence[str] = ()
    said: Callable[[str, Tag], str] = lambda piece, _: piece

    def translate(self, text: str, source: Tag, target: Tag, /) -> Translation | NotTranslated:
        """Translate unless the text is not in `source`, or the answer lost a placeholder, a number or its language."""
        if tagged_texts.is_tagged(text):
            return self._with_tags(text, source, target)
        language = self.engine.produces(source, target)
        if language is None:
            return NotTranslated(f"{self.engine.name} has no model from {source} to {target}")
        if self._is_elsewhere(text, source):
            return NotTranslated(f"the text does not look like {source}, which it is declared to be")
        masked = mask_for_machine(text, self.terms, lambda piece: self.said(piece, target))
        answer = self.engine.translate(masked.text, source, target)
        restored = masked.restore(answer)
        if isinstance(restored, MarkersBroken):
            return NotTranslated(f"{self.engine.name}: {restored.reason}")
        if (fault := _fault(masked.text, answer)) or (fault := self._untranslated(restored, source)):
            return NotTranslated(f"{self.engine.name}: {fault}")
        same = likely(language) == likely(target)
        return Translation(restored, target if same else language, f"machine:{self.engine.name}")

    def _with_tags(self, text: str, source: Tag, target: Tag) -> Translation | NotTranslated:
        """The bare sentence, with its tags around the same words: engines leave words outside of marks."""
        whole = self.translate(tagged_texts.bare(text), source, target)
        if isinstance(whole, NotTranslated):
            return whole
        by_piece: dict[str, str] = {}
        for number, words in tagged_texts.marked_words(text).items():
            answer = self.translate(words, source, target) if any(map(str.isalpha, words_of(words))) else None
            by_piece[number] = answer.text if isinstance(answer, Translation) else words
        tagged = tagged_texts.with_marks(whole.text, by_piece)
        if tagged is None:
            return NotTranslated(f"{self.engine.name}: words that a tag marks are not in the answer")
        return replace(whole, text=tagged)

    def _is_elsewhere(self, text: str, source: Tag) -> bool:
        if likely(source).script == "Latn" and not all(map(_is_latin, filter(str.isalpha, text))):
            return True  # engines invent sentences for letters that they never saw
        detected = self.detector.detect(words_of(text))
        return detected is not None and detected.confidence >= SURE and not serves(detected.language, source)

    def _untranslated(self, answer: str, source: Tag) -> str | None:
        detected = self.detector.detect(words_of(answer))
        if detected and detected.confidence >= SURE and serves(detected.language, source):
            return f"the answer is still in {source}"
        return None


def _fault(asked: str, answer: str) -> str | None:
    """What is wrong with an answer that any reader could see without knowing the language."""
    if not answer.strip():
        return "the answer is empty"
    if answer.strip() == asked.strip() and len(_WORD.findall(asked)) > SAME_WORDS:
        return "the text came back unchanged"
    if _numbers(asked) != _numbers(answer):
        return "the numbers of the answer are not those of the text"
    if len(answer) > 4 * len(asked) + 20 or len(asked) > 4 * len(answer) + 20:
        return "the answer is far longer or shorter than the text"
    return None


def _numbers(text: str) -> Counter[str]:
    """Digits of each number, without separators, which differ by language: `1,234.50` and `1.234,50` are alike."""
    return Counter(re.sub(r"\D", "", number) for number in _NUMBER.findall(text))


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith(("LATIN", "FEMININE ORDINAL", "MASCULINE ORDINAL", "MICRO SIGN"))
