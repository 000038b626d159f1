"""Phrases as a graph of words: patterns are compiled, never written out.

Every pattern becomes a small graph without circles; together they are made deterministic (the subset construction:
Rabin and Scott, 1959), so that a text is followed word by word from one root, and a phrase that two patterns share is
seen at once. A place of the deterministic graph is made when it is first reached: most places never are.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from service.decide import Place
from service.replies.kinds import PhraseKind
from service.replies.patterns import Group, Part

MAX_NODES = 60_000
"""Places of one language in its deterministic graph."""


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


Words = Callable[[str], Sequence[str]]
"""Cuts a text of a pattern into the keys of its words."""

Choose = Callable[[Phrase, Phrase], Phrase | None]
"""Decides what words mean that two phrases of different kinds have; None leaves them without a meaning."""

States = tuple[int, ...]
"""Places in the graph of patterns at which a text may be at once, sorted."""


class TooManyNodes(ValueError):
    """The patterns combine to more than a file may stand for."""


class Node:
    """A place in the deterministic graph: what may come next, and what the words up to here mean."""

    def __init__(self, places: _Places, states: States) -> None:
        self._places = places
        self._states = states
        self.phrase, self.open_phrase = places.meaning(states)

    @cached_property
    def next(self) -> Mapping[str, Node]:
        """The places behind this one by the word that leads there."""
        return self._places.behind(self._states)

    def clashes(self) -> Iterator[tuple[Phrase, Phrase]]:
        """Phrases of these words that are of another kind than the first, each behind the first."""
        for phrases in self._places.graph.phrases_at(self._states):
            yield from ((phrases[0], other) for other in phrases[1:] if other.kind is not phrases[0].kind)


@dataclass(slots=True)
class _Places:
    """The places that were reached: one for each set of states."""

    graph: Graph
    choose: Choose
    reached: dict[States, Node] = field(default_factory=dict)

    def at(self, states: States) -> Node:
        """The place for these states."""
        node = self.reached.get(states)
        if node is None:
            node = self.reached[states] = Node(self, states)
        return node

    def behind(self, states: States) -> Mapping[str, Node]:
        """What follows these states, by the word."""
        return {word: self.at(self.graph.closed(targets)) for word, targets in self.graph.steps(states).items()}

    def meaning(self, states: States) -> tuple[Phrase | None, Phrase | None]:
        """What the words mean that lead to these states, and what they mean where their clause goes on."""
        whole, is_open = self.graph.phrases_at(states)
        return self._agreed(whole), self._agreed(is_open)

    def _agreed(self, phrases: Sequence[Phrase]) -> Phrase | None:
        agreed = phrases[0] if phrases else None
        for other in phrases[1:]:
            if agreed is not None and other.kind is not agreed.kind:
                agreed = self.choose(agreed, other)
        return agreed


class Graph:
    """The patterns of one file as they are added.

    The steps of all states stand in three columns: the word, the state it leads to, and the state's step before it.
    """

    def __init__(self) -> None:
        self._words: list[str] = []
        self._targets = array("l")
        self._before = array("l")
        self._last = array("l")
        self._skips: dict[int, list[int]] = {}
        self._ends: dict[int, Phrase] = {}
        self._root = self._state()

    def add(self, alternatives: Sequence[Sequence[Part]], phrase: Phrase, words: Words) -> None:
        """Add a pattern. `words` answers the keys of a text; several keys for one word stand as `a|b`."""
        end = self._state()
        self._ends[end] = phrase
        for parts in alternatives:
            self._sequence(parts, self._root, end, words)

    def root(self, choose: Choose) -> Node:
        """The root of the deterministic graph."""
        return _Places(self, choose).at(self.closed([self._root]))

    def closed(self, states: Sequence[int]) -> States:
        """The states and those that they skip to, where a word goes on or a phrase ends."""
        if len(states) == 1 and states[0] not in self._skips:
            return (states[0],)
        seen = set(states)
        todo = list(states)
        for state in todo:
            skipped = [each for each in self._skips.get(state, ()) if each not in seen]
            seen.update(skipped)
            todo.extend(skipped)
        return tuple(sorted(state for state in seen if self._last[state] >= 0 or state in self._ends))

    def steps(self, states: States) -> Mapping[str, Sequence[int]]:
        """Where each word leads from these states."""
        steps = defaultdict[str, list[int]](list)
        for state in states:
            step = self._last[state]
            while step >= 0:
                steps[self._words[step]].append(self._targets[step])
                step = self._before[step]
        return steps

    def phrases_at(self, states: States) -> tuple[Sequence[Phrase], Sequence[Phrase]]:
        """The phrases that end at these states, and the open ones, in the order of the file."""
        ends = [self._ends[state] for state in states if state in self._ends]
        if not ends:
            return (), ()
        phrases = sorted(ends, key=lambda each: each.at)
        return [each for each in phrases if not each.open], [each for each in phrases if each.open]

    def _state(self) -> int:
        self._last.append(-1)
        return len(self._last) - 1

    def _step(self, start: int, word: str, target: int) -> None:
        self._words.append(word)
        self._targets.append(target)
        self._before.append(self._last[start])
        self._last[start] = len(self._words) - 1

    def _skip(self, start: int, target: int) -> None:
        self._skips.setdefault(start, []).append(target)

    def _sequence(self, parts: Sequence[Part], start: int, end: int, words: Words) -> None:
        at = start
        for n, part in enumerate(parts):
            after = end if n == len(parts) - 1 else self._state()
            if isinstance(part, Group):
                for alternative in part.alternatives:
                    self._sequence(alternative, at, after, words)
                if part.optional:
                    self._skip(at, after)
            else:
                self._path(words(part), at, after)
            at = after
        if not parts:
            self._skip(start, end)

    def _path(self, keys: Sequence[str], start: int, end: int) -> None:
        at, last = start, len(keys) - 1
        for n, key in enumerate(keys):
            after = end if n == last else self._state()
            for each in key.split("|") if "|" in key else (key,):
                self._step(at, each, after)
            at = after
        if not keys:
            self._skip(start, end)


def every_place(root: Node) -> Iterator[tuple[tuple[str, ...], Node]]:
    """Every place with words that lead there; `TooManyNodes` if they are more than a file may stand for."""
    seen = {root}
    todo: list[tuple[tuple[str, ...], Node]] = [((), root)]
    while todo:
        words, node = todo.pop()
        yield words, node
        for word, child in node.next.items():
            if child not in seen:
                seen.add(child)
                todo.append(((*words, word), child))
        if len(seen) > MAX_NODES:
            raise TooManyNodes(f"the phrases combine to more than {MAX_NODES} places")


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
