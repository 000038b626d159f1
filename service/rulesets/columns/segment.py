"""Recorded requests of one ruleset and one time, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np

from service.rulesets.columns.column import Column, Integers, column, unpacked
from service.rulesets.columns.packing import Packed, pack, unpack
from service.rulesets.recorded import RecordedRequests, Scores

MAX_COLUMNS = 300
"""Members that a segment keeps: of requests that hold ever new names, the rest stands in the audit alone."""

Tree: TypeAlias = "dict[str, Tree]"
"""The names of members, and of the members of those that are objects."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Requests in the order of the audit.

    `columns` are their members by dotted path, and `computed` the facts that were computed for them; `day` is what
    `today` was, as an ordinal; `at` is in microseconds since 1970. If it is not `whole`, a member that has no column
    may still have been there.
    """

    rows: int
    at: Callable[[], Integers]
    day: Callable[[], Integers]
    columns: Mapping[str, Column]
    computed: Mapping[str, Column] = field(default_factory=dict)
    whole: bool = True

    def packed(self) -> Mapping[str, object]:
        """As an item keeps it."""
        return {
            "rows": self.rows,
            "at": pack(self.at()),
            "day": pack(self.day()),
            "columns": {path: values.packed() for path, values in self.columns.items()},
            "computed": {path: values.packed() for path, values in self.computed.items()},
            "whole": self.whole,
        }


def unpacked_segment(state: Mapping[str, Packed | Mapping[str, Mapping[str, Packed]]]) -> Segment:
    """The segment that `packed` wrote."""
    rows, at, day = int(str(state["rows"])), state["at"], state["day"]
    columns, computed = state["columns"], state["computed"]
    assert isinstance(columns, Mapping), "written by packed"
    assert isinstance(computed, Mapping), "written by packed"
    return Segment(
        rows,
        partial(unpack, at, rows),  # type: ignore[arg-type]  # the state is as `packed` wrote it
        partial(unpack, day, rows),  # type: ignore[arg-type]  # likewise
        {path: unpacked(packed, rows) for path, packed in columns.items()},  # type: ignore[arg-type]  # likewise
        {path: unpacked(packed, rows) for path, packed in computed.items()},  # type: ignore[arg-type]  # likewise
        bool(state["whole"]),
    )


class SegmentBuilder:
    """Requests to be made a segment, with all their members or with those on `paths` alone.

    Their documents are released as they are added: very many at once cost much memory.
    """

    def __init__(self, paths: Iterable[str] | None = None) -> None:
        self._tree = _tree(paths or ())
        self._grows, self._left = paths is None, MAX_COLUMNS
        self._at: list[int] = []
        self._days: list[int] = []
        self._scores: list[Scores] = []
        self._members: dict[str, list[object]] = {}

    def add(self, bodies: RecordedRequests, scores: Sequence[Scores]) -> None:
        """Further requests, in the order of the audit, and the facts that were computed for each."""
        if self._grows:
            for request in bodies.requests:
                self._left -= _note(request, self._tree, self._left)
        before = len(self._at)
        for path, members in _members(bodies.requests, self._tree, ""):
            self._members.setdefault(path, [None] * before).extend(members)
        self._at += [text.at for text in bodies.texts]
        self._days += bodies.days
        self._scores += scores

    def segment(self) -> Segment:
        """All of them."""
        at, day = np.array(self._at, dtype=np.int64), np.array(self._days, dtype=np.int64)
        paths = sorted({path for scores in self._scores for path in scores})
        columns = {path: column(members) for path, members in self._members.items()}
        computed = {path: column([scores.get(path) for scores in self._scores]) for path in paths}
        return Segment(len(at), lambda: at, lambda: day, columns, computed, not self._grows or self._left > 0)


def _members(holders: Sequence[object], tree: Tree, prefix: str) -> Iterator[tuple[str, Sequence[object]]]:
    for name, below in tree.items():
        members = [holder.get(name) if type(holder) is dict else None for holder in holders]
        yield prefix + name, _emptied(members)
        yield from _members(members, below, f"{prefix}{name}.")


def _emptied(members: Sequence[object]) -> Sequence[object]:
    """Members with an empty one for each object or list, of which a column knows no more than that it is one."""
    if _EMPTY.keys().isdisjoint(map(type, members)):
        return members
    return [_EMPTY.get(type(member), member) for member in members]


_EMPTY: Mapping[type, object] = {dict: {}, list: []}


def _tree(paths: Iterable[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        inner = tree
        for name in path.split("."):
            inner = inner.setdefault(name, {})
    return tree


def _note(holder: object, tree: Tree, left: int) -> int:
    """Add the names of an object's members to the tree, at most `left`; returns how many were new."""
    if type(holder) is not dict:
        return 0
    new = 0
    for name, member in holder.items():
        if "." in name:
            continue  # no path leads there
        if name not in tree:
            if new == left:
                return new
            tree[name] = {}
            new += 1
        new += _note(member, tree[name], left - new)
    return new
