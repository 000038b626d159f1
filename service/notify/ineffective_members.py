"""What earlier versions ignored in a request: a new one is refused with it, and what they stored goes on without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TypeVar

from service.core import UnknownTag, likely, parse_tag

T = TypeVar("T")


def ignored(
    template: str | None, subject: str | None, language: str, translations: Mapping[str, object]
) -> Iterator[tuple[str, str]]:
    """The members that would have no effect, each with what to do about it."""
    if template is not None and subject is not None:
        yield "subject", "is the template's own: leave it out, or change its email.subject.txt"
    for name in translations:
        if template is None and is_source(name, language):
            yield f"translations.{name}", f"is the language of the text itself, {language}: say it there"


def is_source(name: str, language: str) -> bool:
    """Whether both tags name one language in full; a tag that is none is said elsewhere."""
    with suppress(UnknownTag):
        return likely(parse_tag(name)) == likely(parse_tag(language))
    return False


def used(language: str, translations: Mapping[str, T]) -> Mapping[str, T]:
    """The translations that have an effect."""
    return {name: words for name, words in translations.items() if not is_source(name, language)}
