"""Which phrases a text is made of: the cover that leaves the least unknown.

Of several covers the one with the fewest unknown atoms counts, then the one with the fewest atoms taken in by open
phrases, then the one of the fewest phrases, then the one whose first phrase is longest. Dynamic programming from the
end: linear in the text for a given longest phrase, no backtracking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.decide import Place
from service.replies.atoms import BREAK, JOINING, Atom, AtomType
from service.replies.graph import Node, Phrase
from service.replies.kinds import PhraseKind


@dataclass(frozen=True, slots=True)
class Piece:
    """Some atoms of a text and the phrase they are. `phrase` is None for a break, a question mark, a bare number and
    whatever is unknown."""

    atoms: tuple[Atom, ...]
    phrase: Phrase | None = None

    @property
    def kind(self) -> PhraseKind | None:
        """The kind of the phrase, if there is one."""
        return None if self.phrase is None else self.phrase.kind

    @property
    def unknown(self) -> bool:
        """Whether nobody knows what this means."""
        sort = self.atoms[0].sort
        return self.phrase is None and sort not in _MEANINGFUL


_MEANINGFUL = frozenset({AtomType.BREAK, AtomType.QUESTION, AtomType.NUMBER, AtomType.RANGE})

_JOINS = {sign: Phrase(PhraseKind.AND, Place(0, 0)) for sign in JOINING}

_UNKNOWN, _LOOSE, _PIECE = 1_000_000, 1_000, 1
"""What a cover costs: for each unknown atom, for each atom taken in by an open phrase, for each piece. A text has far
fewer than a thousand atoms, so one number compares all three in this order."""

_Choice = tuple[int, int, Phrase | None]
"""The cost from an atom to the end of the text, where the atom's piece ends, and what it means."""


def cover(atoms: Sequence[Atom], *roots: Node) -> tuple[Piece, ...]:
    """Cover `atoms` with the phrases below `roots`; the first root's meaning of a phrase counts."""
    keys = [atom.key for atom in atoms]
    clause_ends = _clause_ends(atoms)
    beginnings = [root.next for root in roots if root.next]
    choices: list[_Choice] = [(0, 0, None)] * (len(atoms) + 1)
    for at in range(len(atoms) - 1, -1, -1):
        best = _alone(atoms[at], at, choices[at + 1][0])
        for beginning in beginnings:
            if (first := beginning.get(keys[at])) is not None:
                best = _in_phrases(first, keys, at, clause_ends[at], choices, best)
        choices[at] = best
    return tuple(_from_the_start(atoms, choices))


def _from_the_start(atoms: Sequence[Atom], choices: Sequence[_Choice]) -> Iterator[Piece]:
    at = 0
    while at < len(atoms):
        _, end, phrase = choices[at]
        yield Piece(tuple(atoms[at:end]), phrase)
        at = end


def _alone(atom: Atom, at: int, rest: int) -> _Choice:
    """The atom as a piece of its own, in no phrase of a file."""
    if atom.text in _JOINS:
        return rest + _PIECE, at + 1, _JOINS[atom.text]
    if atom.sort is AtomType.BREAK:
        return rest, at + 1, None
    return rest + _PIECE + (0 if atom.sort in _MEANINGFUL else _UNKNOWN), at + 1, None


def _in_phrases(
    node: Node | None, keys: Sequence[str], at: int, clause_end: int, choices: Sequence[_Choice], best: _Choice
) -> _Choice:
    """The best choice once the phrases that begin with `node` are tried; of equals the longest, then the first."""
    end = at + 1
    while node is not None:
        if node.phrase is not None and (cost := choices[end][0] + _PIECE) <= best[0]:
            best = _better((cost, end, node.phrase), best)
        if node.open_phrase is not None and clause_end > end:
            cost = choices[clause_end][0] + _PIECE + _LOOSE * (clause_end - end)
            best = _better((cost, clause_end, node.open_phrase), best)
        if end == clause_end:
            return _across_break(node, keys, end, choices, best)
        node = node.next.get(keys[end])
        end += 1
    return best


def _across_break(node: Node, keys: Sequence[str], end: int, choices: Sequence[_Choice], best: _Choice) -> _Choice:
    """The best choice once the phrases that go on behind the break at `end` are tried: "ага, конечно"."""
    if end == len(keys) or keys[end] != BREAK.key:
        return best
    following: Node | None = node
    for after in range(end + 1, len(keys)):
        following = following.next.get(keys[after]) if following is not None else None
        if following is None:
            return best
        if following.phrase is not None and following.phrase.kind is PhraseKind.IRONIC:
            best = _better((choices[after + 1][0] + _PIECE, after + 1, following.phrase), best)
    return best


def _better(choice: _Choice, best: _Choice) -> _Choice:
    return choice if (choice[0], -choice[1]) < (best[0], -best[1]) else best


def _clause_ends(atoms: Sequence[Atom]) -> list[int]:
    """For each atom where its clause ends: at the next break or question mark."""
    ends = [0] * len(atoms)
    end = len(atoms)
    for at in range(len(atoms) - 1, -1, -1):
        if atoms[at].sort in (AtomType.BREAK, AtomType.QUESTION):
            end = at
        ends[at] = end
    return ends
