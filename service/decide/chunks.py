"""Branches as durable_rules definitions, cut into chunks that stay far below the library's limits.

Inside a chunk the cells of a dimension are numbered anew: only those that the chunk's branches tell apart. A set of
cells that is one interval is tested by `==`, `$gte` and `$lte` on that number; any other set becomes a property of its
own that is 1 inside it and 0 outside. `$neq`, `$or` and `$nex` are never used: they are where the library errs.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count, pairwise
from operator import ne
from typing import TypeAlias

from service.core import TocsinError
from service.decide.branches import Branch, Branches
from service.decide.cells import Signature
from service.decide.intervals import runs
from service.decide.matcher import bits

MAX_MATCHES = 60
"""Branches of one chunk that one fact may match; the library fails at 65."""

MAX_BRANCHES = 240
"""Branches of one chunk: 257 rules with one condition fire wrongly, 512 conditions side by side hang the library."""

MIN_BRANCHES = 24
"""Branches of a chunk that ends where a table's key changes."""

MAX_PROPERTIES = 240
"""Properties of one fact; the library fails at 253."""

SESSION = "e"
FACT_ID = '{"sid":"e","id":"f"}'
FIRST_RULE = "first"
FIRST_FACT = '{"sid":"e","id":"f","first":1}'
_FACT_BEGIN = '{"sid":"e","id":"f","first":2'
_ALWAYS = {FIRST_RULE: 2}
_RESERVED = ("sid", "id", "$s", "m", FIRST_RULE)

Test: TypeAlias = Mapping[str, object]
"""One condition of the library: `{"c0": 3}` or `{"$gte": {"c0": 3}}`."""


class TooManyConditions(TocsinError):
    """One rule compares more facts than the engine can take in."""


@dataclass(frozen=True, slots=True)
class ChunkMember:
    """A dimension's part of a chunk's fact: where its classes of cells begin, and the JSON text of each class.

    The text is None for a class in which none of the chunk's branches lies.
    """

    index: int
    starts: tuple[int, ...]
    json: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """One network of the library: its definition, the ruleset's rule behind each of its rules, and how to ask it."""

    definition: str
    rules: Mapping[str, int]
    members: tuple[ChunkMember, ...]

    def fact(self, signature: Signature) -> str | None:
        """The fact that stands for a signature: what this chunk's rules read of it, and nothing else.

        None if one of its cells alone tells that none of this chunk's rules can match.
        """
        text = _FACT_BEGIN
        for member in self.members:
            part = member.json[bisect_right(member.starts, signature[member.index])]
            if part is None:
                return None
            text += part
        return text + "}"


class Chunks:
    """All chunks of a ruleset in file order, found by the cell of the dimension that tells them apart best."""

    def __init__(self, branches: Branches) -> None:
        """Raises `TooManyConditions`."""
        self.chunks = tuple(chunks_of(branches))
        sizes = enumerate(branches.sizes)
        cells_of_each = [(index, [_cells_of(chunk, index, size) for chunk in self.chunks]) for index, size in sizes]
        shares = [(sum(map(int.bit_count, cells)) / branches.sizes[index], index) for index, cells in cells_of_each]
        self._index = min(shares, default=(0, 0))[1]
        self._by_cell = (
            _numbers_by_cell(cells_of_each[self._index][1], branches.sizes[self._index]) if cells_of_each else ()
        )

    def facts(self, signature: Signature) -> Iterator[tuple[int, str]]:
        """The numbers of the chunks that may have a rule for a signature, each with the fact to ask it about."""
        numbers = self._by_cell[signature[self._index]] if self._by_cell else range(len(self.chunks))
        for number in numbers:
            fact = self.chunks[number].fact(signature)
            if fact is not None:
                yield number, fact


def _cells_of(chunk: Chunk, index: int, size: int) -> int:
    """The cells of a dimension in which some of the chunk's rules may match, as a mask."""
    member = next((member for member in chunk.members if member.index == index), None)
    if member is None:
        return (1 << size) - 1
    edges = [0, *member.starts, size]
    classes = zip(pairwise(edges), member.json, strict=True)
    return sum([(1 << beyond) - (1 << first) for (first, beyond), text in classes if text is not None])


def _numbers_by_cell(masks: Sequence[int], size: int) -> tuple[tuple[int, ...], ...]:
    numbers: list[list[int]] = [[] for _ in range(size)]
    for number, mask in enumerate(masks):
        for cell in bits(mask):
            numbers[cell].append(number)
    return tuple(map(tuple, numbers))


def chunks_of(branches: Branches) -> Iterator[Chunk]:
    """The chunks for all branches, in file order; raises `TooManyConditions`.

    A table's rows for one key make chunks of their own: such chunks are mostly alike, and alike chunks share a network.
    """
    rest = branches.branches
    keys = [index for index in range(len(branches.sizes)) if _is_key(rest, index)]
    while rest:
        fitting = _fitting(rest[:MAX_BRANCHES])
        fitting = next(_ends_of_keys(rest[:fitting], keys), fitting)
        yield _chunk(rest[:fitting], branches.sizes)
        rest = rest[fitting:]


def _is_key(branches: Sequence[Branch], index: int) -> bool:
    """Whether all branches look at a dimension and neighbours mostly ask for the same."""
    masks = [branch.box.get(index) for branch in branches]
    changes = sum(map(ne, masks, masks[1:]))
    return None not in masks and (changes + 1) * MIN_BRANCHES <= len(masks)


def _ends_of_keys(branches: Sequence[Branch], keys: Sequence[int]) -> Iterator[int]:
    """Where a key changes, behind enough branches for a chunk."""
    for number in range(MIN_BRANCHES, len(branches)):
        if any(branches[number - 1].box[key] != branches[number].box[key] for key in keys):
            yield number


def _fitting(branches: Sequence[Branch]) -> int:
    """How many of the branches, from the first on, may stand in one chunk."""
    sides: set[tuple[int, int]] = set()
    indexes: set[int] = set()
    for number, branch in enumerate(branches):
        sides.update(branch.box.items())
        indexes.update(branch.box)
        if len(sides) + len(indexes) > MAX_PROPERTIES:
            return _matching_few(branches[:number])
    return _matching_few(branches)


def _matching_few(branches: Sequence[Branch]) -> int:
    if not branches:
        raise TooManyConditions(f"a rule may compare at most {MAX_PROPERTIES // 2} facts; split it")
    indexes = {index for branch in branches for index in branch.box}
    few = len(branches) <= MAX_MATCHES or any(_most_at_once(branches, index) <= MAX_MATCHES for index in indexes)
    return len(branches) if few else MAX_MATCHES


def _most_at_once(branches: Iterable[Branch], index: int) -> int:
    """The most branches that any one cell of a dimension lies in."""
    changes: dict[int, int] = {}
    for branch in branches:
        mask = branch.box.get(index)
        for number, cell in enumerate((0,) if mask is None else _edges(mask)):
            changes[cell] = changes.get(cell, 0) + (-1 if number % 2 else 1)
    return max(accumulate(changes[cell] for cell in sorted(changes)), default=0)


def _edges(mask: int) -> Iterator[int]:
    """The cells at which a run of the mask begins, or ended just before."""
    return bits(mask ^ (mask << 1))


def _chunk(branches: Sequence[Branch], sizes: Sequence[int]) -> Chunk:
    names = _names()
    tests: dict[tuple[int, int], list[Test]] = {}
    members = []
    for index in sorted({index for branch in branches for index in branch.box}):
        masks = tuple(dict.fromkeys(branch.box[index] for branch in branches if index in branch.box))
        anywhere = any(index not in branch.box for branch in branches)
        member, written = _member(index, sizes[index], masks, anywhere, names)
        members.append(member)
        tests.update({(index, mask): test for mask, test in written.items()})
    rules = {f"r{number}": branch.rule for number, branch in enumerate(branches)}
    definition = {name: _rule(branch, tests) for name, branch in zip(rules, branches, strict=True)}
    definition[FIRST_RULE] = {"all": [{"m": {"$and": [{FIRST_RULE: 1}]}}]}
    return Chunk(json.dumps(definition, separators=(",", ":")), rules, tuple(members))


def _rule(branch: Branch, tests: Mapping[tuple[int, int], Sequence[Test]]) -> Mapping[str, object]:
    """Equalities first: the library finds them by hash, and rules with a common beginning share it."""
    conditions = [test for side in branch.box.items() for test in tests[side]]
    conditions.sort(key=lambda test: "$" in next(iter(test)))
    return {"all": [{"m": {"$and": conditions or [_ALWAYS]}}]}


def _member(
    index: int, size: int, masks: Sequence[int], anywhere: bool, names: Iterator[str]
) -> tuple[ChunkMember, Mapping[int, list[Test]]]:
    """One dimension's part of the facts, and for each of its masks the conditions that test it.

    `anywhere` says that some branch leaves the dimension free.
    """
    starts = sorted({cell for mask in masks for cell in _edges(mask) if 0 < cell < size})
    classes = {mask: _classes(mask, starts) for mask in masks}
    intervals = {mask: ends[0] for mask, ends in classes.items() if len(ends) == 1}
    own = {mask: next(names) for mask in masks if mask not in intervals}
    tests: dict[int, list[Test]] = {mask: [{name: 1}] for mask, name in own.items()}
    number = next(names) if intervals else None
    if number is not None:
        tests |= {mask: _interval(number, first, last, len(starts)) for mask, (first, last) in intervals.items()}
    inside = {name: _spread(classes[mask]) for mask, name in own.items()}
    used = range(len(starts) + 1) if anywhere else _spread(ends for runs_ in classes.values() for ends in runs_)
    texts = [_text(number, class_, inside) if class_ in used else None for class_ in range(len(starts) + 1)]
    return ChunkMember(index, tuple(starts), tuple(texts)), tests


def _classes(mask: int, starts: Sequence[int]) -> list[tuple[int, int]]:
    """The runs of a mask, as first and last class instead of cells."""
    return [(bisect_right(starts, first), bisect_right(starts, last)) for first, last in runs(mask)]


def _spread(ends: Iterable[tuple[int, int]]) -> frozenset[int]:
    return frozenset(class_ for first, last in ends for class_ in range(first, last + 1))


def _text(number: str | None, class_: int, inside: Mapping[str, Collection[int]]) -> str:
    sets = "".join([f',"{name}":1' if class_ in classes else f',"{name}":0' for name, classes in inside.items()])
    return sets if number is None else f',"{number}":{class_}{sets}'


def _interval(name: str, first: int, last: int, highest: int) -> list[Test]:
    if first == last:
        return [{name: first}]
    low: list[Test] = [{"$gte": {name: first}}] if first else []
    high: list[Test] = [{"$lte": {name: last}}] if last < highest else []
    return low + high


def _names() -> Iterator[str]:
    """Property names that the library, which compares 32-bit hashes of names, can tell apart."""
    taken = {_fnv(name) for name in _RESERVED}
    for number in count():
        name = f"c{number}"
        if _fnv(name) not in taken:
            taken.add(_fnv(name))
            yield name


def _fnv(name: str) -> int:
    """FNV-1a, 32 bits (draft-eastlake-fnv): the hash that the library knows a name by."""
    value = 0x811C9DC5
    for byte in name.encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    return value
