"""Recorded requests of one ruleset and one time, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeAlias

import numpy as np

from service.rulesets.columns.column import Column, Integers, column, unpacked
from service.rulesets.columns.packing import Packed, pack, unpack
from service.rulesets.recorded import Recorded
from service.storage.commits import micros

MAX_COLUMNS = 300
"""Members that a segment keeps: of requests that hold ever new names, the rest stands in the audit alone."""

Tree: TypeAlias = "dict[str, Tree]"
"""The names of members, and of the members of those that are objects."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and when its entry was written."""

    at: datetime
    recorded: Recorded


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
            "columns": {path: one.packed() for path, one in self.columns.items()},
            "computed": {path: one.packed() for path, one in self.computed.items()},
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
        {path: unpacked(one, rows) for path, one in columns.items()},  # type: ignore[arg-type]  # likewise
        {path: unpacked(one, rows) for path, one in computed.items()},  # type: ignore[arg-type]  # likewise
        bool(state["whole"]),
    )


def segment_of(asked: Sequence[Asked], paths: Iterable[str] | None = None) -> Segment:
    """The segment of these requests: with every member, or, for one that is not kept, with those on `paths`."""
    requests: list[object] = [one.recorded.request for one in asked]
    tree, whole = _members(requests) if paths is None else (_tree(paths), True)
    at = np.array([micros(one.at) for one in asked], dtype=np.int64)
    day = np.array([one.recorded.today.toordinal() for one in asked], dtype=np.int64)
    scores = {path for one in asked for path in one.recorded.scores}
    return Segment(
        len(asked),
        lambda: at,
        lambda: day,
        dict(_columns(requests, tree, "")),
        {path: column([one.recorded.scores.get(path) for one in asked]) for path in sorted(scores)},
        whole,
    )


def _columns(holders: Sequence[object], tree: Tree, prefix: str) -> Iterator[tuple[str, Column]]:
    for name, below in tree.items():
        members = [holder.get(name) if type(holder) is dict else None for holder in holders]
        yield prefix + name, column(members)
        yield from _columns(members, below, f"{prefix}{name}.")


def _tree(paths: Iterable[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        inner = tree
        for name in path.split("."):
            inner = inner.setdefault(name, {})
    return tree


def _members(requests: Iterable[object]) -> tuple[Tree, bool]:
    """All names that occur, up to `MAX_COLUMNS`; and whether that was all."""
    tree: Tree = {}
    left = MAX_COLUMNS
    for request in requests:
        left -= _note(request, tree, left)
    return tree, left > 0


def _note(holder: object, tree: Tree, left: int) -> int:
    """Add the names of an object's members to the tree, at most `left`; answers how many were new."""
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
