"""Whether a YES could swallow a refusal: pairs of phrases of one file, generated, none of which may be a YES.

A refusal beside a YES is asked about. But where the end of one phrase and the beginning of the next are a phrase too
("go" and "on call ben", with "go on" a YES), words that refuse come to mean something else. So each refusal whose last
words may stand in a YES is read behind every YES that its first words could grow together with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from service.decide import Finding, Flaw, Severity
from service.replies.atoms import NUMBER_KEY
from service.replies.decide import FOR_APPROVALS, FOR_PAGES, FOR_TASKS, Outcome, decide
from service.replies.graph import Node, Phrase
from service.replies.kinds import AFFIRMING, REFUSING, PhraseKind
from service.replies.languages import ENGLISH, Languages
from service.replies.vocabulary import Vocabulary

MAX_PAIRS = 5_000
"""Pairs of one file that are read, at most: about half a second."""

MAX_SAID = 20

ALIKE = 2
"""Phrases that end with the same word and are tried: the shortest."""

REFUSALS = REFUSING | {PhraseKind.EXCUSE, PhraseKind.HANDOVER, PhraseKind.QUESTION, PhraseKind.NOT_NOW}

_POLICIES = (FOR_PAGES, FOR_TASKS, FOR_APPROVALS)
_IN_A_YES = frozenset().union(*(accepts.kinds | accepts.beside for accepts in _POLICIES)) | {PhraseKind.FIRST}

_Words = tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    """The graphs that a text is read with, gone through once."""

    roots: Sequence[Node]
    affirming: dict[str, list[_Words]] = field(default_factory=lambda: defaultdict(list))
    """The shortest phrases that can make a YES, by their last words."""
    refusing: dict[_Words, Phrase] = field(default_factory=dict)
    inner: list[tuple[str, Node]] = field(default_factory=list)
    """The places within phrases, with the word before each."""

    def through(self) -> None:
        """Take up what lies below the first root: for each way into the end of a phrase, the shortest phrase."""
        seen = {id(self.roots[0])}
        todo: list[tuple[Node, _Words]] = [(self.roots[0], ())]
        for node, words in todo:
            for word, child in node.next.items():
                self.inner.append((word, child))
                if child.phrase is not None:
                    self._take((*words, word), child.phrase)
                if id(child) not in seen:
                    seen.add(id(child))
                    todo.append((child, (*words, word)))

    def _take(self, words: _Words, phrase: Phrase) -> None:
        if phrase.kind in AFFIRMING and len(self.affirming[words[-1]]) < ALIKE:
            self.affirming[words[-1]].append(words)
        elif phrase.kind in REFUSALS:
            self.refusing.setdefault(words, phrase)

    def pairs(self) -> Iterator[tuple[_Words, _Words]]:
        """The pairs that could grow together to nothing but what may stand in a YES."""
        some_yes, grown_from = [each[0] for each in self.affirming.values()][:1], self._grown_from()
        for refusal in self.refusing:
            ends = self._ends_in_a_yes(refusal)
            if ends[0]:
                yield from ((yes, refusal) for yes in some_yes)
            joins = dict.fromkeys(
                last for last, node in grown_from.get(refusal[0], ()) if _goes_on(node, refusal, ends)
            )
            yield from ((yes, refusal) for last in joins for yes in self.affirming[last])

    def _grown_from(self) -> Mapping[str, Sequence[tuple[str, Node]]]:
        """By a word: the places within phrases behind it, each with the last word of a YES that may stand before."""
        by_word = defaultdict[str, list[tuple[str, Node]]](list)
        for last, node in self.inner:
            if last in self.affirming:
                for word, child in node.next.items():
                    by_word[word].append((last, child))
        return by_word

    def _ends_in_a_yes(self, words: _Words) -> list[bool]:
        """For each place in words whether what stands from there on is of phrases that may stand in a YES."""
        whole = [False] * len(words) + [True]
        for at in range(len(words) - 1, -1, -1):
            whole[at] = any(whole[end] for root in self.roots for end in _phrase_ends(root, words, at))
        return whole


def _goes_on(node: Node, refusal: _Words, ends: Sequence[bool]) -> bool:
    """Whether a phrase that holds the first word of a refusal at a place may end where a YES may go on."""
    place: Node | None = node
    for at in range(1, len(refusal) + 1):
        if place is None:
            return False
        if ends[at] and place.phrase is not None and place.phrase.kind in _IN_A_YES:
            return True
        place = place.next.get(refusal[at]) if at < len(refusal) else None
    return False


def _phrase_ends(root: Node, words: _Words, at: int) -> Iterator[int]:
    node: Node | None = root
    for place in range(at, len(words)):
        node = node.next.get(words[place]) if node is not None else None
        if node is None:
            return
        if node.phrase is not None and node.phrase.kind in _IN_A_YES:
            yield place + 1


def swallowed(vocabulary: Vocabulary, languages: Languages) -> tuple[Finding, ...]:
    """A warning for each refusal that some YES before it makes a YES: who speaks the language knows whether it is."""
    walk = _Walk((vocabulary.root, languages.vocabulary(ENGLISH).root))
    walk.through()
    wrong = dict[_Words, _Words]()
    for yes, refusal in islice(walk.pairs(), MAX_PAIRS):
        listed = refusal in wrong or vocabulary.kind((*yes, *refusal)) is not None  # "va que va" is a phrase of its own
        if not listed and _is_yes(_text(yes, refusal), vocabulary.language, languages):
            wrong[refusal] = yes
    return tuple(_finding(yes, refusal, walk.refusing[refusal]) for refusal, yes in islice(wrong.items(), MAX_SAID))


def _is_yes(text: str, language: str, languages: Languages) -> bool:
    readings = languages.read(text, language)
    return any(decide(readings, accepts).outcome is Outcome.YES for accepts in _POLICIES)


def _text(*phrases: _Words) -> str:
    return " ".join(word for words in phrases for word in words).replace(NUMBER_KEY, "5")


def _finding(yes: _Words, refusal: _Words, phrase: Phrase) -> Finding:
    message = f'"{_text(yes)}" and then "{_text(refusal)}", which is "{phrase.kind}", would be read as a YES'
    hint = f'add "{_text(yes, refusal)}" to "{phrase.kind}", unless it is a YES'
    return Finding(Severity.WARNING, Flaw.OVERLAP, phrase.at, message, hint=hint)
