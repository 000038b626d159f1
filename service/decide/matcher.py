"""Which rules match a signature, by bit masks in pure Python: the engine's cross-check, and the back-test's speed.

For every cell of every dimension one integer holds a bit for each branch that allows the cell. The branches that match
a signature are the `and` of its cells' integers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service.decide.branches import Branch, Branches
from service.decide.cells import Signature


class Matcher:
    """Answers which rules match; immutable, so any number of threads may ask."""

    def __init__(self, branches: Branches) -> None:
        self._rules = tuple(branch.rule for branch in branches.branches)
        self._all = (1 << len(self._rules)) - 1
        used = sorted({index for branch in branches.branches for index in branch.box})
        self._tables = tuple((index, _allowed(branches.branches, index, branches.sizes[index])) for index in used)

    def match(self, signature: Signature) -> tuple[int, ...]:
        """The numbers of the rules that match, in file order, each once."""
        left = self._all
        for index, allowed in self._tables:
            left &= allowed[signature[index]]
            if not left:
                return ()
        return tuple(dict.fromkeys(self._rules[branch] for branch in bits(left)))


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, ascending."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _allowed(branches: Iterable[Branch], index: int, size: int) -> tuple[int, ...]:
    """For each cell of a dimension, the branches that allow it.

    Only where a branch's mask begins or ends something changes from one cell to the next, so that thousands of
    intervals over thousands of cells cost their number, not their product.
    """
    toggled = [0] * (size + 1)
    for number, branch in enumerate(branches):
        mask = branch.box.get(index)
        for cell in (0,) if mask is None else bits(mask ^ (mask << 1)):
            toggled[cell] ^= 1 << number
    allowed, current = [], 0
    for cell in range(size):
        current ^= toggled[cell]
        allowed.append(current)
    return tuple(allowed)
