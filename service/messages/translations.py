"""Translations that no engine here can make, or that a machine made and no person has read: listed for a person, who
supplies or approves them once for everybody who waits.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from msgspec import structs

from service.core import (
    SAY_SOMETHING,
    Clock,
    Lane,
    Tag,
    TocsinError,
    from_state,
    is_blank,
    parse_tag,
    placeholders,
    serves,
    tagged_texts,
    to_state,
)
from service.language import CATALOGUE, NotTranslated, Sentences, Translation, Translator, mask, words_of
from service.messages.machine_review import MachineReview
from service.storage import MAX_WRITES, AlreadyExists, AuditEntry, Conflict, Item, Page, Store

TRANSLATION_KIND = "translation"
INDEX = "translations"
TRANSLATION_MISSING = "missing"
TRANSLATION_SUPPLIED = "supplied"

OPEN_REVIEWS = ("reviews", "open")
"""Index and value under which everything is listed that waits for a person's review."""

MAX_KEYS = 500
"""Sentences of one text, in all their spellings, that are looked up among those that people supplied."""

_ENGLISH = Tag("en")

UNSEEN = "a machine translated it, and nobody has looked at that yet"
DECLINED = "a person declined the machine's translation"


class NoSuchTranslation(TocsinError):
    """No text waits for, or has, a translation under this id."""


class NothingToReview(TocsinError):
    """No machine's translation waits for a person under this id."""


class PiecesLost(TocsinError):
    """A supplied translation lacks, or has too often, a placeholder, URL or number of its source."""


@dataclass(frozen=True, slots=True)
class WantedTranslation:
    """A text that nothing here translates from `source` to `target`, and why; `text` once somebody has supplied it.

    `draft` is what a machine says, by its provenance `drafted_by`, until a person has looked at it.
    """

    source_text: str
    source: str
    target: str
    reason: str
    wanted_at: datetime
    text: str | None = None
    supplied_by: str | None = None
    supplied_at: datetime | None = None
    draft: str | None = None
    drafted_by: str | None = None
    declined_by: str | None = None
    declined_because: str | None = None


@dataclass(frozen=True, slots=True)
class MissingTranslation:
    """The translation with this id has to be supplied, or `draft` approved."""

    id: str
    draft: str | None = None


class Translations:
    """Asks people's translations first, then the translators; what neither has is listed as missing.

    What a machine says in the lanes that `review` names is listed too, and waits. With `sentences`, what a person
    supplied serves the same sentence with another day or number, and within a longer text.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        translator: Translator,
        review: MachineReview | None = None,
        sentences: Sentences | None = None,
    ) -> None:
        self._review = review or MachineReview("off")
        self._sentences = sentences
        self._store = store
        self._clock = clock
        self._translator = translator

    def translate(self, text: str, source: Tag, target: Tag, lane: Lane) -> Translation | MissingTranslation:
        """The text for a reader of `target`; may raise what the translators raise."""
        answer = self.look(text, source, target)
        wanted_id = translation_id(text, source, target)
        if isinstance(answer, NotTranslated):
            wanted = WantedTranslation(text, str(source), str(target), answer.reason, self._clock.now())
            self._want(wanted_id, wanted)
            return MissingTranslation(wanted_id)
        if not self._review.holds(answer.provenance, lane):
            return answer
        wanted = WantedTranslation(text, str(source), str(target), UNSEEN, self._clock.now())
        self._want(wanted_id, replace(wanted, draft=answer.text, drafted_by=answer.provenance))
        return MissingTranslation(wanted_id, answer.text)

    def look(self, text: str, source: Tag, target: Tag) -> Translation | NotTranslated:
        """The text for a reader of `target` if there is one; what is missing is not listed for anybody."""
        known = self.wanted(translation_id(text, source, target))
        if known is not None and known.text is not None:
            return Translation(known.text, target, CATALOGUE)
        if known is not None and known.declined_by is not None:
            return NotTranslated(DECLINED)
        remembered = self._remembered(text, source, target) or self._by_fragments(text, source, target)
        return remembered or self._translator.translate(text, source, target)

    def _by_fragments(self, text: str, source: Tag, target: Tag) -> Translation | None:
        """A text with tags by what people supplied for the texts between them, as earlier versions asked for."""
        by_fragment: dict[str, str] = {}
        for fragment in tagged_texts.fragments(text):
            if not any(map(str.isalpha, words_of(fragment))):
                continue
            known = self.wanted(translation_id(fragment, source, target))
            answer = known.text if known is not None else None
            if answer is None and (remembered := self._remembered(fragment, source, target)) is not None:
                answer = remembered.text
            if answer is None:
                return None
            by_fragment[fragment] = answer
        return Translation(tagged_texts.joined(text, by_fragment), target, CATALOGUE) if by_fragment else None

    def _remembered(self, text: str, source: Tag, target: Tag) -> Translation | None:
        """The text by sentences that people supplied for others, and those of the catalogues."""
        if self._sentences is None or serves(source, target):
            return None
        keys = self._sentences.keys(text, source)[:MAX_KEYS]
        languages = [
            candidate for candidate in dict.fromkeys((Tag(target.language), target)) if serves(candidate, target)
        ]
        ids = {translation_id(key, _ENGLISH, language): key for language in languages for key in keys}
        names = list(ids)
        groups = (names[first : first + MAX_WRITES] for first in range(0, len(names), MAX_WRITES))
        items = {name: item for some in groups for name, item in self._store.get_many(some).items()}
        wanted = {ids[name]: from_state(WantedTranslation, item.state) for name, item in items.items()}
        known = {key: candidate.text for key, candidate in wanted.items() if candidate.text is not None}
        answer = self._sentences.translate_with(known, text, source, target) if known else None
        return answer if isinstance(answer, Translation) else None

    def supply(self, wanted_id: str, text: str, by: str) -> WantedTranslation:
        """Take a person's translation; its item becomes due, which lets the waiting messages go on."""
        item = self._store.get(wanted_id)
        if item is None or item.kind != TRANSLATION_KIND:
            raise NoSuchTranslation(f"no translation {wanted_id!r} is missing: the list of what is missing has the ids")
        wanted = from_state(WantedTranslation, item.state)
        check_pieces(wanted.source_text, text)
        try:
            return self._save_supplied(item, wanted, text, by)
        except Conflict:
            return self.supply(wanted_id, text, by)

    def approve(self, wanted_id: str, by: str, audit: AuditEntry) -> WantedTranslation:
        """Let a machine's translation go out as a person's own; `NothingToReview` if none waits."""
        item, wanted = self._drafted(wanted_id)
        try:
            return self._save_supplied(item, wanted, wanted.draft or "", by, audit)
        except Conflict:
            return self.approve(wanted_id, by, audit)

    def decline(self, wanted_id: str, by: str, reason: str, audit: AuditEntry) -> WantedTranslation:
        """Never send a machine's translation: a person must supply one. `NothingToReview` if none waits."""
        item, wanted = self._drafted(wanted_id)
        declined = replace(wanted, reason=DECLINED, declined_by=by, declined_because=reason)
        now = self._clock.now()  # comes due, so that whatever waits no longer shows the draft
        keys = {INDEX: TRANSLATION_MISSING}
        saved = structs.replace(item, state=to_state(declined), keys=keys, due_at=now, attempts=0)
        try:
            self._store.save(saved, audit=[audit])
        except Conflict:
            return self.decline(wanted_id, by, reason, audit)
        return declined

    def _drafted(self, wanted_id: str) -> tuple[Item, WantedTranslation]:
        item = self._store.get(wanted_id)
        index, value = OPEN_REVIEWS
        if item is None or item.kind != TRANSLATION_KIND or item.keys.get(index) != value:
            raise NothingToReview(f"{wanted_id} does not wait for a review")
        return item, from_state(WantedTranslation, item.state)

    def _save_supplied(
        self, item: Item, wanted: WantedTranslation, text: str, by: str, *audit: AuditEntry
    ) -> WantedTranslation:
        now = self._clock.now()
        supplied = replace(wanted, text=text, supplied_by=by, supplied_at=now)
        saved = structs.replace(
            item, state=to_state(supplied), keys={INDEX: TRANSLATION_SUPPLIED}, due_at=now, attempts=0
        )
        changed, new = self._remembering(item.id, supplied)
        self._store.save(saved, *changed, spawn=new, audit=audit)
        return supplied

    def _remembering(self, own_id: str, supplied: WantedTranslation) -> tuple[Sequence[Item], Sequence[Item]]:
        """What keeps a translation with slots for its days and numbers: an item that changes, or a new one."""
        source, target = languages(supplied)
        text = supplied.text or ""
        pair = (
            None if self._sentences is None else self._sentences.generalised(supplied.source_text, text, source, target)
        )
        if pair is None or (name := translation_id(pair[0], _ENGLISH, target)) == own_id:
            return (), ()
        state = to_state(replace(supplied, source_text=pair[0], source=str(_ENGLISH), text=pair[1], draft=None))
        known = self._store.get(name)
        if known is None:
            return (), [Item(name, TRANSLATION_KIND, state)]
        return [structs.replace(known, state=state)], ()

    def listed(self, status: str, *, cursor: str | None = None, limit: int = 50) -> Page[tuple[str, WantedTranslation]]:
        """Translations that are `missing` or were `supplied`, with their ids."""
        page = self._store.by_index(INDEX, status, cursor=cursor, limit=limit)
        return Page([(item.id, from_state(WantedTranslation, item.state)) for item in page.items], page.cursor)

    def wanted(self, wanted_id: str) -> WantedTranslation | None:
        """What is kept under an id."""
        item = self._store.get(wanted_id)
        return None if item is None else from_state(WantedTranslation, item.state)

    def _want(self, wanted_id: str, wanted: WantedTranslation) -> None:
        """List it; a draft joins what was listed as missing before."""
        keys = {INDEX: TRANSLATION_MISSING} | (dict([OPEN_REVIEWS]) if wanted.draft is not None else {})
        try:
            self._store.add(Item(wanted_id, TRANSLATION_KIND, to_state(wanted), keys=keys))
        except AlreadyExists:
            if wanted.draft is not None:
                self._draft(wanted_id, wanted, keys)

    def _draft(self, wanted_id: str, wanted: WantedTranslation, keys: Mapping[str, str]) -> None:
        item = self._store.get(wanted_id)
        assert item is not None, "nothing removes it"
        known = from_state(WantedTranslation, item.state)
        if known.draft is not None or known.text is not None:
            return
        drafted = replace(known, reason=wanted.reason, draft=wanted.draft, drafted_by=wanted.drafted_by)
        try:
            self._store.save(structs.replace(item, state=to_state(drafted), keys=dict(keys)))
        except Conflict:
            self._draft(wanted_id, wanted, keys)


def translation_id(text: str, source: Tag, target: Tag) -> str:
    """One id for one text and pair of languages, whoever needs it."""
    named = "\0".join((str(source), str(target), text))
    return f"translation-{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def languages(wanted: WantedTranslation) -> tuple[Tag, Tag]:
    """From which language into which."""
    return parse_tag(wanted.source), parse_tag(wanted.target)


def check_pieces(source: str, supplied: str) -> None:
    """Raise `PiecesLost` unless a person's translation keeps every piece that is masked for a machine.

    The text of a default is no such piece.
    """
    if is_blank(supplied):
        raise PiecesLost(f"the translation {SAY_SOMETHING}")
    if tagged_texts.is_tagged(source) and tagged_texts.has_marks(supplied) and not tagged_texts.is_tagged(supplied):
        raise PiecesLost("the marks of the translation cross: each, such as <1>, must open before it closes")
    expected, supplied_pieces = map(_pieces, (source, supplied))
    if lost := sorted((expected - supplied_pieces).elements()):
        raise PiecesLost(f"the translation lacks {', '.join(lost)}: each must stand in it exactly as in the source")
    if extra := sorted((supplied_pieces - expected).elements()):
        raise PiecesLost(f"the translation has {', '.join(extra)}, which the source does not")


def _pieces(text: str) -> Counter[str]:
    return Counter(map(placeholders.without_default_words, mask(tagged_texts.apart(text)).hidden))
