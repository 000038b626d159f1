"""Translations that nobody here can make: listed for a person, who supplies them once for everybody who waits."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import structs

from service.core.blank import SAY_SOMETHING, is_blank
from service.core.clock import Clock
from service.core.errors import TocsinError
from service.core.language_tags import Tag, parse_tag
from service.core.records import from_state, to_state
from service.language import CATALOGUE, NotTranslated, Translation, Translator
from service.language.masking import mask
from service.storage import AlreadyExists, Conflict, Item, Page, Store

KIND = "translation"
INDEX = "translations"
MISSING = "missing"
SUPPLIED = "supplied"


class NoSuchTranslation(TocsinError):
    """No text waits for, or has, a translation under this id."""


class PiecesLost(TocsinError):
    """A supplied translation lacks, or has too often, a placeholder, URL or number of its source."""


@dataclass(frozen=True, slots=True)
class WantedTranslation:
    """A text that nothing here translates from `source` to `target`, and why; `text` once somebody has supplied it."""

    source_text: str
    source: str
    target: str
    reason: str
    wanted_at: datetime
    text: str | None = None
    supplied_by: str | None = None
    supplied_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """The translation with this id has to be supplied."""

    id: str


class Translations:
    """Asks people's translations first, then the translators; what neither has is listed as missing."""

    def __init__(self, store: Store, clock: Clock, translator: Translator) -> None:
        self._store = store
        self._clock = clock
        self._translator = translator

    def translate(self, text: str, source: Tag, target: Tag) -> Translation | Missing:
        """The text for a reader of `target`; may raise what the translators raise."""
        answer = self.look(text, source, target)
        if isinstance(answer, Translation):
            return answer
        wanted_id = translation_id(text, source, target)
        self._want(wanted_id, text, source, target, answer)
        return Missing(wanted_id)

    def look(self, text: str, source: Tag, target: Tag) -> Translation | NotTranslated:
        """The text for a reader of `target` if there is one; what is missing is not listed for anybody."""
        supplied = self._supplied(translation_id(text, source, target))
        if supplied is not None:
            return Translation(supplied, target, CATALOGUE)
        return self._translator.translate(text, source, target)

    def supply(self, wanted_id: str, text: str, by: str) -> WantedTranslation:
        """Take a person's translation; whoever waits for it is told by the item coming due."""
        item = self._store.get(wanted_id)
        if item is None or item.kind != KIND:
            raise NoSuchTranslation(f"no translation {wanted_id!r} is wanted: GET /v1/translations?status=missing")
        wanted = from_state(WantedTranslation, item.state)
        check_pieces(wanted.source_text, text)
        now = self._clock.now()
        supplied = replace(wanted, text=text, supplied_by=by, supplied_at=now)
        try:
            self._store.save(
                structs.replace(item, state=to_state(supplied), keys={INDEX: SUPPLIED}, due_at=now, attempts=0)
            )
        except Conflict:
            return self.supply(wanted_id, text, by)
        return supplied

    def listed(self, status: str, *, cursor: str | None = None, limit: int = 50) -> Page[tuple[str, WantedTranslation]]:
        """Translations that are `missing` or were `supplied`, with their ids."""
        page = self._store.by_index(INDEX, status, cursor=cursor, limit=limit)
        return Page([(item.id, from_state(WantedTranslation, item.state)) for item in page.items], page.cursor)

    def _supplied(self, wanted_id: str) -> str | None:
        item = self._store.get(wanted_id)
        return None if item is None else from_state(WantedTranslation, item.state).text

    def _want(self, wanted_id: str, text: str, source: Tag, target: Tag, why: NotTranslated) -> None:
        wanted = WantedTranslation(text, str(source), str(target), why.reason, self._clock.now())
        try:
            self._store.add(Item(wanted_id, KIND, to_state(wanted), keys={INDEX: MISSING}))
        except AlreadyExists:
            return  # somebody else waits for the same text


def translation_id(text: str, source: Tag, target: Tag) -> str:
    """One id for one text and pair of languages, whoever needs it."""
    named = "\0".join((str(source), str(target), text))
    return f"translation-{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def languages(wanted: WantedTranslation) -> tuple[Tag, Tag]:
    """From which language into which."""
    return parse_tag(wanted.source), parse_tag(wanted.target)


def check_pieces(source: str, supplied: str) -> None:
    """Whatever is masked for a machine must survive a person as well; `PiecesLost`."""
    if is_blank(supplied):
        raise PiecesLost(f"the translation {SAY_SOMETHING}")
    expected, found = Counter(mask(source).hidden), Counter(mask(supplied).hidden)
    if lost := sorted((expected - found).elements()):
        raise PiecesLost(f"the translation lacks {', '.join(lost)}: each must stand in it exactly as in the source")
    if extra := sorted((found - expected).elements()):
        raise PiecesLost(f"the translation has {', '.join(extra)}, which the source does not")
