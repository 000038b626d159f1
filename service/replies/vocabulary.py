"""What one file knows: the phrases of a language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from service.replies.graph import Node, Phrase, phrases_below
from service.replies.kinds import PhraseKind


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The phrases of a language. `forgiven` holds other spellings of them; `root` counts first.

    `greek` and `accents` say how a text is cut into atoms for this language. `elsewhere` are phrases that mean
    something else in another language. `spelled` are the words that are written with accents. `me` are the words that
    show a STOP to be about the writer: "me", "messages". `plain_no` are the words that are always a NO.
    """

    language: str
    root: Node = field(repr=False)
    forgiven: Node = field(repr=False)
    words: frozenset[str] = field(repr=False)
    spelled: frozenset[str] = field(default=frozenset(), repr=False)
    elsewhere: frozenset[str] = frozenset()
    me: frozenset[str] = field(default=frozenset(), repr=False)
    plain_no: frozenset[str] = field(default=frozenset(), repr=False)
    greek: bool = False
    accents: bool = False

    def phrases(self) -> Iterator[tuple[tuple[str, ...], Phrase]]:
        """Every phrase as it is written, with its words."""
        return phrases_below(self.root)

    def kind(self, words: Sequence[str]) -> PhraseKind | None:
        """The kind of a phrase, None for an unknown one."""
        for root in (self.root, self.forgiven):
            node: Node | None = root
            for word in words:
                node = node.next.get(word) if node is not None else None
            if node is not None and node.phrase is not None:
                return node.phrase.kind
        return None
