"""All ways to a translation, most trusted first, and the cases in which none is needed."""

from __future__ import annotations

import logging

from service.core import Tag, serves, tagged_texts
from service.language.masking import words_of
from service.language.protocols import (
    SOURCE,
    LanguageServiceRefused,
    LanguageServiceUnavailable,
    NotTranslated,
    Translation,
    Translator,
)

logger = logging.getLogger(__name__)


def _translated(translator: Translator, text: str, source: Tag, target: Tag) -> Translation | NotTranslated:
    """The whole text; of one with tags in it, which cannot be translated whole, each text between them by itself."""
    whole = translator.translate(text, source, target)
    if isinstance(whole, Translation):
        return whole
    by_text: dict[str, Translation] = {}
    for fragment in tagged_texts.fragments(text):
        if any(map(str.isalpha, words_of(fragment))):
            answer = translator.translate(fragment, source, target)
            if isinstance(answer, NotTranslated):
                return whole
            by_text[fragment] = answer
    if not by_text:
        return whole
    first = next(iter(by_text.values()))
    words = tagged_texts.joined(text, {fragment: answer.text for fragment, answer in by_text.items()})
    return Translation(words, first.language, first.provenance)


class Translators:
    """`Translator` that asks others in order (catalogues before machines) and takes the first translation."""

    def __init__(self, *translators: Translator) -> None:
        self._translators = translators

    def translate(self, text: str, source: Tag, target: Tag, /) -> Translation | NotTranslated:
        """The source text itself where it serves the reader or holds no words; else a translation, or every reason.

        A machine that cannot answer now only raises `LanguageServiceUnavailable` if nobody after it translates.
        """
        if serves(source, target):
            return Translation(text, source, SOURCE)
        if not any(map(str.isalpha, words_of(text))):
            return Translation(text, target, SOURCE)
        return self._ask_each(text, source, target)

    def _ask_each(self, text: str, source: Tag, target: Tag) -> Translation | NotTranslated:
        reasons: list[str] = []
        unavailable: LanguageServiceUnavailable | None = None
        for translator in self._translators:
            try:
                answer = _translated(translator, text, source, target)
            except LanguageServiceUnavailable as error:
                unavailable = error
                continue
            except LanguageServiceRefused as error:
                logger.warning("A translation service refuses our calls: %s", error)
                answer = NotTranslated(str(error))
            if isinstance(answer, Translation):
                return answer
            reasons.append(answer.reason)
        if unavailable is not None:
            raise unavailable
        return NotTranslated("; ".join(reasons) or f"nothing here translates from {source} to {target}")
