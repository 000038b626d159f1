"""All vocabularies of an installation: every `*.yaml` of one folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from service.decide import report
from service.errors import TocsinError
from service.replies import vocabulary_file
from service.replies.cut import without_quotes
from service.replies.reactions import Reaction, reaction_of
from service.replies.reading import Reading, read
from service.replies.vocabulary import Vocabulary

EMOJI, ENGLISH = "emoji", "en"


class VocabulariesRefused(TocsinError):
    """A vocabulary file cannot be used; the message shows every fault of every file with its place."""


@dataclass(frozen=True)
class Languages:
    """Reads texts in every language that there is a file for."""

    by_language: Mapping[str, Vocabulary]

    def read(self, text: str, language: str | None) -> tuple[Reading, ...]:
        """The readings of a text: one in a known language, else one in every language, English first."""
        reaction = reaction_of(text, self.by_language.values())
        if reaction is not None:
            return (self._read_reaction(reaction),)
        cut = without_quotes(text, self._signatures)
        own = None if language is None else self.nearest(language)
        if own is not None:
            return (self._read(cut, own),)
        english = self.by_language.get(ENGLISH)
        others = [v for v in self.by_language.values() if v.language not in (EMOJI, ENGLISH)]
        return tuple(self._read(cut, vocabulary) for vocabulary in ([english] if english else []) + others)

    def nearest(self, language: str) -> Vocabulary | None:
        """The vocabulary of a language tag, else that of its primary language or of a sibling."""
        tag = language.replace("_", "-").lower()
        tag = {"no": "nb", "nn": "nb", "iw": "he", "in": "id"}.get(tag.split("-")[0], tag)
        by_tag = {name.lower(): vocabulary for name, vocabulary in self.by_language.items()}
        primary = tag.split("-")[0]
        siblings = (name for name in sorted(by_tag) if name.split("-")[0] == primary)
        name = next((name for name in (_CHINESE.get(tag, tag), primary, *siblings) if name in by_tag), None)
        return None if name is None else by_tag[name]

    def _read(self, text: str, own: Vocabulary) -> Reading:
        shared = [self.by_language[name] for name in (ENGLISH, EMOJI) if name in self.by_language]
        return read(text, own, *(vocabulary for vocabulary in shared if vocabulary is not own))

    def _read_reaction(self, reaction: Reaction) -> Reading:
        text = _SIGNS.get(reaction.answer, reaction.answer)
        return replace(self._read(text, self.by_language[EMOJI]), quote=reaction.quote)

    @cached_property
    def _signatures(self) -> tuple[str, ...]:
        return tuple(line for vocabulary in self.by_language.values() for line in vocabulary.signatures)


_SIGNS = {"yes": "👍", "no": "👎", "ask": "❓"}
"""What a reaction without an emoji is read as."""

_CHINESE = {"zh-tw": "zh-hant", "zh-hk": "zh-hant", "zh-mo": "zh-hant", "zh-cn": "zh-hans", "zh-sg": "zh-hans"}


def read_languages(folder: Path) -> Languages:
    """All vocabularies of a folder; `VocabulariesRefused` shows every fault of every file."""
    faults: list[str] = []
    vocabularies: dict[str, Vocabulary] = {}
    for path in sorted(folder.glob("*.yaml")):
        source = path.read_bytes()
        parsed = vocabulary_file.parse(source)
        if parsed.vocabulary is None:
            faults.append(report.render(parsed.findings, source, str(path)))
        elif parsed.vocabulary.language != path.stem:
            faults.append(f'{path}:1:1: error: the file says "{parsed.vocabulary.language}", its name "{path.stem}"\n')
        else:
            vocabularies[parsed.vocabulary.language] = parsed.vocabulary
    if faults:
        raise VocabulariesRefused("\n".join(faults))
    return Languages(vocabularies)
