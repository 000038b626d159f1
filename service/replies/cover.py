"""Which phrases a text is made of: the cover that leaves the least unknown.

Of several covers the one with the fewest unknown atoms counts, then the one with the fewest atoms taken in by open
phrases, then the one of the fewest phrases, then the one whose first phrase is longest. Dynamic programming from the
end: linear in the text for a given longest phrase, no backtracking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.decide import Place
from service.replies.atoms import JOINING, Atom, Sort
from service.replies.graph import Node, Phrase
from service.replies.kinds import Kind


@dataclass(frozen=True, slots=True)
class Piece:
    """Some atoms of a text and the phrase they are. `phrase` is None for a break, a question mark, a bare number and
    whatever is unknown."""

    atoms: tuple[Atom, ...]
    phrase: Phrase | None = None

    @property
    def kind(self) -> Kind | None:
        """The kind of the phrase, if there is one."""
        return None if self.phrase is None else self.phrase.kind

    @property
    def unknown(self) -> bool:
        """Whether nobody knows what this means."""
        sort = self.atoms[0].sort
        return self.phrase is None and sort not in _MEANINGFUL


_MEANINGFUL = frozenset({Sort.BREAK, Sort.QUESTION, Sort.NUMBER, Sort.RANGE})

_JOINS = {sign: Phrase(Kind.AND, Place(0, 0)) for sign in JOINING}

Cost = tuple[int, int, int]
"""Unknown atoms, atoms taken in by open phrases, pieces."""


def cover(atoms: Sequence[Atom], *roots: Node) -> tuple[Piece, ...]:
    """Cover `atoms` with the phrases below `roots`; the first root's meaning of a phrase counts."""
    clause_ends = _clause_ends(atoms)
    costs: list[Cost] = [(0, 0, 0)] * (len(atoms) + 1)
    chosen: list[Piece] = []
    for at in range(len(atoms) - 1, -1, -1):
        best, piece = None, Piece((atoms[at],))
        for cost, candidate in _options(atoms, at, clause_ends[at], roots):
            rest = costs[at + len(candidate.atoms)]
            total = (cost[0] + rest[0], cost[1] + rest[1], cost[2] + rest[2])
            if best is None or total < best or (total == best and len(candidate.atoms) > len(piece.atoms)):
                best, piece = total, candidate
        assert best is not None
        costs[at] = best
        chosen.append(piece)
    return tuple(_from_the_start(chosen[::-1]))


def _from_the_start(chosen: Sequence[Piece]) -> Iterator[Piece]:
    at = 0
    while at < len(chosen):
        yield chosen[at]
        at += len(chosen[at].atoms)


def _options(atoms: Sequence[Atom], at: int, clause_end: int, roots: Sequence[Node]) -> Iterator[tuple[Cost, Piece]]:
    atom = atoms[at]
    known = atom.sort in _MEANINGFUL
    yield (0 if known else 1, 0, 1 if atom.sort is not Sort.BREAK else 0), Piece((atom,))
    if atom.text in _JOINS:
        yield (0, 0, 1), Piece((atom,), _JOINS[atom.text])
    if atom.sort in (Sort.BREAK, Sort.QUESTION):
        return
    closed: set[int] = set()
    for root in roots:
        for end, phrase in _phrases_from(root, atoms, at, clause_end):
            if not phrase.open and end not in closed:
                closed.add(end)
                yield (0, 0, 1), Piece(tuple(atoms[at:end]), phrase)
            elif phrase.open and clause_end > end:
                yield (0, clause_end - end, 1), Piece(tuple(atoms[at:clause_end]), phrase)


def _phrases_from(root: Node, atoms: Sequence[Atom], at: int, clause_end: int) -> Iterator[tuple[int, Phrase]]:
    node: Node | None = root
    for place in range(at, clause_end):
        node = node.next.get(atoms[place].key) if node is not None else None
        if node is None:
            return
        if node.phrase is not None:
            yield place + 1, node.phrase
        if node.open_phrase is not None:
            yield place + 1, node.open_phrase


def _clause_ends(atoms: Sequence[Atom]) -> list[int]:
    """For each atom where its clause ends: at the next break or question mark."""
    ends = [0] * len(atoms)
    end = len(atoms)
    for at in range(len(atoms) - 1, -1, -1):
        if atoms[at].sort in (Sort.BREAK, Sort.QUESTION):
            end = at
        ends[at] = end
    return ends
