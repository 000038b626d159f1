"""Phrases as a graph of words: patterns are compiled, never written out.

Every pattern becomes a small graph without circles; together they are made deterministic (the subset construction:
Rabin and Scott, 1959), so that a text is followed word by word from one root, and a phrase that two patterns share is
seen at once.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from service.decide import Place
from service.replies.kinds import PhraseKind
from service.replies.patterns import Group, Part

MAX_NODES = 60_000
"""Nodes of one language: some 30 MB."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """What a phrase means. An `open` phrase takes in the rest of its clause; a `complete` one needs no such rest.

    `minutes` is the unit of its number.
    """

    kind: PhraseKind
    at: Place
    open: bool = False
    minutes: int | None = None
    complete: bool = True


@dataclass(slots=True)
class Node:
    """A place in the graph: what may come next, and what the words up to here mean."""

    next: dict[str, Node] = field(default_factory=dict)
    phrase: Phrase | None = None
    open_phrase: Phrase | None = None


class TooManyNodes(ValueError):
    """The patterns combine to more than a file may stand for."""


Words = Callable[[str], Sequence[str]]
"""Cuts a text of a pattern into the keys of its words."""

Clash = Callable[[Sequence[str], Phrase, Phrase], Phrase | None]
"""Decides what words mean that two phrases of different kinds have; None leaves them without a meaning."""


_Clash = Callable[[Phrase, Phrase], Phrase | None]


class Graph:
    """The patterns of one file as they are added."""

    def __init__(self) -> None:
        self._steps: list[dict[str, list[int]]] = []
        self._skips: list[list[int]] = []
        self._ends: dict[int, Phrase] = {}
        self._closures: dict[int, frozenset[int]] = {}
        self._root = self._state()

    def add(self, alternatives: Sequence[Sequence[Part]], phrase: Phrase, words: Words) -> None:
        """Add a pattern. `words` answers the keys of a text; several keys for one word stand as `a|b`."""
        end = self._state()
        self._ends[end] = phrase
        for parts in alternatives:
            self._sequence(parts, self._root, end, words)

    def deterministic(self, clash: Clash) -> Node:
        """The root of the deterministic graph."""
        start = self._closed([self._root])
        nodes = {start: Node()}
        todo: list[tuple[frozenset[int], tuple[str, ...]]] = [(start, ())]
        while todo:
            states, words = todo.pop()
            node = nodes[states]
            self._name(node, states, partial(clash, words))
            for word, followers in self._followers(states).items():
                target = self._closed(followers)
                if target not in nodes:
                    nodes[target] = Node()
                    todo.append((target, (*words, word)))
                node.next[word] = nodes[target]
            if len(nodes) > MAX_NODES:
                raise TooManyNodes(f"the phrases combine to more than {MAX_NODES} places")
        return nodes[start]

    def _state(self) -> int:
        self._steps.append({})
        self._skips.append([])
        return len(self._steps) - 1

    def _sequence(self, parts: Sequence[Part], start: int, end: int, words: Words) -> None:
        at = start
        for n, part in enumerate(parts):
            after = end if n == len(parts) - 1 else self._state()
            if isinstance(part, Group):
                for alternative in part.alternatives:
                    self._sequence(alternative, at, after, words)
                if part.optional:
                    self._skips[at].append(after)
            else:
                self._path(words(part), at, after)
            at = after
        if not parts:
            self._skips[start].append(end)

    def _path(self, keys: Sequence[str], start: int, end: int) -> None:
        at, last = start, len(keys) - 1
        for n, key in enumerate(keys):
            after = end if n == last else self._state()
            steps = self._steps[at]
            for each in key.split("|") if "|" in key else (key,):
                if each in steps:
                    steps[each].append(after)
                else:
                    steps[each] = [after]
            at = after
        if not keys:
            self._skips[start].append(end)

    def _closed(self, states: Collection[int]) -> frozenset[int]:
        if len(states) == 1:
            return self._closure(*states)
        return frozenset().union(*map(self._closure, states))

    def _closure(self, state: int) -> frozenset[int]:
        """The state and those that it skips to, where a word goes on or a phrase ends; there are no circles."""
        known = self._closures.get(state)
        if known is None:
            matters = self._steps[state] or state in self._ends
            itself = frozenset({state}) if matters else frozenset()
            known = itself.union(*map(self._closure, self._skips[state]))
            self._closures[state] = known
        return known

    def _followers(self, states: frozenset[int]) -> Mapping[str, Collection[int]]:
        if len(states) == 1:
            return self._steps[next(iter(states))]
        followers: dict[str, list[int]] = {}
        for state in states:
            for word, targets in self._steps[state].items():
                if word in followers:
                    followers[word] = followers[word] + targets
                else:
                    followers[word] = targets
        return followers

    def _name(self, node: Node, states: frozenset[int], clash: _Clash) -> None:
        ends = [self._ends[state] for state in states if state in self._ends]
        if not ends:
            return
        phrases = sorted(ends, key=lambda each: each.at)
        node.phrase = _agreed([phrase for phrase in phrases if not phrase.open], clash)
        node.open_phrase = _agreed([phrase for phrase in phrases if phrase.open], clash)


def _agreed(phrases: Sequence[Phrase], clash: _Clash) -> Phrase | None:
    agreed = phrases[0] if phrases else None
    for other in phrases[1:]:
        if agreed is not None and other.kind is not agreed.kind:
            agreed = clash(agreed, other)
    return agreed


def phrases_below(node: Node, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Phrase]]:
    """Every phrase with its words. A graph may hold very many: take as many as you need."""
    for phrase in (node.phrase, node.open_phrase):
        if phrase is not None:
            yield words, phrase
    for word, child in node.next.items():
        yield from phrases_below(child, (*words, word))


def shared_phrases(
    one: Node, other: Node, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Phrase, Phrase]]:
    """The phrases that stand in both graphs, with what they mean in each."""
    if one.phrase is not None and other.phrase is not None:
        yield words, one.phrase, other.phrase
    for word, child in one.next.items():
        if word in other.next:
            yield from shared_phrases(child, other.next[word], (*words, word))
