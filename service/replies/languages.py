"""All vocabularies of an installation: every `*.yaml` of one folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from threading import Lock

from service.core import CannotRead, TocsinError, fold, plain_files
from service.decide import report
from service.replies import vocabulary_file
from service.replies.atoms import Atom, atoms_of
from service.replies.cut import without_quotes
from service.replies.reactions import Reaction, reaction_of
from service.replies.reading import Reading, atoms_in, is_long, read, read_atoms
from service.replies.vocabulary import Vocabulary
from service.replies.vocabulary_file import Frames, frames_of

logger = logging.getLogger(__name__)

EMOJI, ENGLISH = "emoji", "en"

POLL = timedelta(seconds=1)
"""How often to `follow`: a file that was saved is in use after two looks."""


LOOKS_BEFORE_COMPILING = 30
"""Looks before files are compiled that nobody needed yet: a process that starts has more urgent work, and one that
lives for seconds never needs them."""


class VocabulariesRefused(TocsinError):
    """A vocabulary file cannot be used; the message shows every fault of every file with its place."""


class Languages:
    """Reads texts in every language that there is a file for. A file is compiled when it is first needed.

    Where a file of `sources` cannot be used, an operator reads why in the log and `instead` of that name counts, else
    a file without a word: replies in that language are asked about. `follow` takes up what changes in the `folder`.
    """

    def __init__(
        self,
        sources: Mapping[str, bytes],
        instead: Mapping[str, bytes] | None = None,
        folder: WatchedFolder | None = None,
    ) -> None:
        self._folder = folder
        self._sources = dict(sorted(sources.items()))
        self._instead = instead or {}
        self._compiled: dict[str, Vocabulary] = {}
        self._lock = Lock()
        self._looks = 0

    @property
    def names(self) -> tuple[str, ...]:
        """The languages, sorted, with `emoji` among them."""
        return tuple(self._sources)

    def vocabulary(self, name: str) -> Vocabulary:
        """The vocabulary of one of `names`."""
        compiled = self._compiled.get(name)  # without the lock: another language may be compiled meanwhile
        if compiled is not None:
            return compiled
        with self._lock:
            if name not in self._compiled:
                self._compiled[name] = self._usable(name)
            return self._compiled[name]

    def follow(self) -> None:
        """Take up the files that changed since the last look, and after a while compile one that nobody needed yet.

        One at a look: all at once keep the first reply in an unknown language waiting for seconds.
        Of a file that cannot be used the last good words go on, and an operator reads why.
        """
        if self._folder is not None and self._folder.has_settled():
            self._renew(self._folder.sources())
        self._looks += 1
        if self._looks <= LOOKS_BEFORE_COMPILING:
            return
        waiting = (name for name in self.names if name not in self._compiled)
        if (name := next(waiting, None)) is not None:
            self.vocabulary(name)

    def _renew(self, sources: Mapping[str, bytes]) -> None:
        renewed, compiled = dict(sorted(sources.items())), dict(self._compiled)
        for name, source in sources.items():
            if self._sources.get(name) == source:
                continue
            try:
                compiled[name] = _parsed(name, source)
                logger.info("The vocabulary of replies %s is in use as it stands now", name)
            except VocabulariesRefused as error:
                logger.error("A vocabulary of replies cannot be used, its last words go on: mend it.\n%s", error)  # noqa: TRY400  (an administrator's fault)
                renewed[name] = self._sources.get(name, b"replies: und")
        with self._lock:
            self._sources = renewed
            self._compiled = {name: each for name, each in compiled.items() if name in renewed}
            for known in ("_frames", "_known_reactions", "_signatures"):
                self.__dict__.pop(known, None)

    def read(self, text: str, language: str | None) -> tuple[Reading, ...]:
        """The readings of a text: one in a known language, else one in every language it may be in, English first."""
        reaction = reaction_of(text, lambda: self._known_reactions)
        if reaction is not None:
            return (self._read_reaction(reaction),)
        cut = without_quotes(text, self._signatures) if "\n" in text or text.startswith(">") else text
        own = None if language is None else self.nearest(language)
        if own is not None:
            return (self._read(cut, own),)
        english = self._read(cut, self.vocabulary(ENGLISH))
        if english.whole and self._is_english_everywhere(english):
            return (english,)
        return (english,) if is_long(cut) else (english, *self._elsewhere(cut))

    def nearest(self, language: str) -> Vocabulary | None:
        """The vocabulary of a language tag, else that of its primary language or of a sibling."""
        tag = language.replace("_", "-").lower()
        tag = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "ms": "id"}.get(tag.split("-")[0], tag)
        by_tag = {name.lower(): name for name in self.names}
        primary = tag.split("-")[0]
        siblings = (name for name in by_tag if name.split("-")[0] == primary)
        name = next((name for name in (_CHINESE.get(tag, tag), primary, *siblings) if name in by_tag), None)
        return None if name is None else self.vocabulary(by_tag[name])

    def _usable(self, name: str) -> Vocabulary:
        source = self._sources[name]
        try:
            return _parsed(name, source, proved=source == self._instead.get(name))
        except VocabulariesRefused as error:
            logger.error("A vocabulary of replies cannot be used: mend it.\n%s", error)  # noqa: TRY400  (an administrator's fault)
            return _parsed(name, self._instead.get(name, b"replies: und"))

    def _read(self, text: str, own: Vocabulary) -> Reading:
        shared = [self.vocabulary(name) for name in (ENGLISH, EMOJI) if name in self._sources]
        return read(text, own, *(vocabulary for vocabulary in shared if vocabulary is not own))

    def _elsewhere(self, text: str) -> Iterator[Reading]:
        """The readings in the languages that know a word of it, of which those count that spell it as it is typed.

        English is left out here, so that no language completes what English begins: "yes please take it".
        """
        emoji = [self.vocabulary(EMOJI)] if EMOJI in self._sources else []
        typed = {atom.text for atom in atoms_of(text, accents=True)}
        accented = {word for word in typed if fold(word) != word}
        cuts: dict[tuple[bool, bool], tuple[Atom, ...]] = {}
        readings = []
        for own in map(self.vocabulary, (name for name in self.names if name not in (EMOJI, ENGLISH))):
            way = (own.greek, own.accents)
            if way not in cuts:
                cuts[way] = atoms_in(text, own)
            if not own.words.isdisjoint(atom.text for atom in cuts[way]):
                readings.append((own, cuts[way]))
        spelled = [each for each in readings if accented <= each[0].spelled]
        return (read_atoms(atoms, False, own, *emoji) for own, atoms in spelled or readings)

    def _is_english_everywhere(self, reading: Reading) -> bool:
        elsewhere = self.vocabulary(ENGLISH).elsewhere
        return not any(span.text in elsewhere for span in reading.spans)

    def _read_reaction(self, reaction: Reaction) -> Reading:
        text = _SIGNS.get(reaction.answer, reaction.answer)
        return replace(self._read(text, self.vocabulary(EMOJI)), quote=reaction.quote)

    @cached_property
    def _frames(self) -> tuple[Frames, ...]:
        return tuple(frames_of(source) for source in self._sources.values())

    @cached_property
    def _known_reactions(self) -> Mapping[str, str]:
        return {frame: answer for frames in self._frames for frame, answer in frames.reactions.items()}

    @cached_property
    def _signatures(self) -> tuple[str, ...]:
        return tuple(line for frames in self._frames for line in frames.signatures)


def _parsed(name: str, source: bytes, *, proved: bool = False) -> Vocabulary:
    parsed = vocabulary_file.parse(source, proved=proved)
    if parsed.vocabulary is None:
        raise VocabulariesRefused(report.render(parsed.findings, source, f"{name}.yaml"))
    return parsed.vocabulary


_SIGNS = {"yes": "👍", "no": "👎", "ask": "❓"}
"""What a reaction without an emoji is read as."""

_CHINESE = {"zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}


def read_languages(folder: Path, instead: Path | None = None) -> Languages:
    """The vocabularies of a folder, by the names of their files; for those that cannot be used, the ones of `instead`.

    English and emoji, which every text is read with, are there also if the folder has none.
    """
    shipped = {} if instead is None else _sources(instead)
    always = {name: shipped[name] for name in (ENGLISH, EMOJI) if name in shipped}
    watched = WatchedFolder(folder, always)
    watched.has_settled()
    return Languages(watched.sources(), shipped, watched)


class WatchedFolder:
    """The files of a folder, read again once they have changed and are no longer being written."""

    def __init__(self, folder: Path, always: Mapping[str, bytes]) -> None:
        self._folder = folder
        self._always = always
        self._read: object = None
        self._seen: object = None

    def has_settled(self) -> bool:
        """Whether the files look other than when they were last read, and alike twice in a row."""
        now = _looks(self._folder)
        settled = now == self._seen and now != self._read
        self._seen = now
        self._read = now if settled or self._read is None else self._read
        return settled

    def sources(self) -> dict[str, bytes]:
        """The text of each vocabulary by its name."""
        return {**self._always, **_sources(self._folder)}


def _looks(folder: Path) -> object:
    """What tells that a file of the folder was changed, added or taken away."""
    looks = []
    for path in plain_files.named(folder):
        with suppress(OSError):
            stat = path.stat()
            looks.append((path.name, stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(looks)


def _sources(folder: Path) -> dict[str, bytes]:
    sources = {}
    for path in plain_files.misnamed(folder):
        logger.warning("Of the vocabularies of replies, %s", plain_files.why_misnamed(path))
    for path in plain_files.named(folder):
        try:
            sources[path.stem] = plain_files.read(path)
        except CannotRead as error:
            logger.error("A vocabulary of replies cannot be used: %s", error)  # noqa: TRY400  (an administrator's fault)
    return sources
