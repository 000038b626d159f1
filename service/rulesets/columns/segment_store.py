"""Segments as the store keeps them: items numbered from 1, each of the time from the end of the last one on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from service.core import from_state, parse_timestamp, timestamp, to_state
from service.rulesets.columns.segment import Segment, unpacked_segment
from service.storage import EPOCH, AuditQuery, Item, Store

KIND = "segment"

AT_ONCE = 8
"""Segments read in one question: some two megabytes."""


@dataclass(frozen=True, slots=True)
class ColumnsHead:
    """How far the requests of a ruleset are in columns: `segments` of them, all entries before `until`."""

    ruleset: str
    segments: int = 0
    until: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class StoredSegment:
    """A stored segment of the time from `since` on, before `until`.

    `entries` is how many entries of all types the audit held of that time. `state` is empty where the requests are
    such that columns cannot hold them.
    """

    ruleset: str
    number: int
    since: datetime
    until: datetime
    entries: int
    state: dict[str, object]

    def item(self) -> Item:
        """The item to be stored, as a new one."""
        times = {"since": timestamp(self.since), "until": timestamp(self.until)}
        return Item(segment_id(self.ruleset, self.number), KIND, {**times, "entries": self.entries, "is": self.state})

    @property
    def segment(self) -> Segment | None:
        """The requests as columns."""
        return unpacked_segment(self.state) if self.state else None  # type: ignore[arg-type]  # as `Segment.packed` wrote it


def segment_id(ruleset: str, number: int) -> str:
    """The id of a segment's item."""
    return f"{KIND}-{ruleset}-{number:06d}"


def head_of(store: Store, ruleset: str) -> tuple[ColumnsHead, int]:
    """How far a ruleset's columns are, and the version of that item (0: there is none)."""
    item = store.get(_head_id(ruleset))
    return (ColumnsHead(ruleset), 0) if item is None else (from_state(ColumnsHead, item.state), item.version)


def head_item(head: ColumnsHead, version: int) -> Item:
    """A head, to be compared with its stored version."""
    return Item(_head_id(head.ruleset), "segments", to_state(head), version=version)


def stored_segments(store: Store, ruleset: str, since: datetime, last: int) -> Iterator[StoredSegment]:
    """The segments up to number `last` that end after `since`, in order."""
    number = _first_after(store, ruleset, since, last)
    while number <= last:
        ids = [segment_id(ruleset, each) for each in range(number, min(number + AT_ONCE, last + 1))]
        items = store.get_many(ids)
        for name in ids:
            if name not in items:
                return  # somebody removed it: the audit itself is read from here on
            yield _kept(ruleset, number, items[name])
            number += 1


def outdated(store: Store, ruleset: str, last: int) -> Iterator[tuple[StoredSegment, Item]]:
    """The segments up to number `last` that differ from the audit, with their items."""
    for number in range(1, last + 1):
        item = store.get(segment_id(ruleset, number))
        if item is not None and not is_current(store, kept := _kept(ruleset, number, item)):
            yield kept, item


def is_current(store: Store, kept: StoredSegment) -> bool:
    """Whether the audit still holds exactly the entries of the segment: none came late, none was erased."""
    return store.count_audit(AuditQuery(ruleset=kept.ruleset, since=kept.since, until=kept.until)) == kept.entries


def _first_after(store: Store, ruleset: str, since: datetime, last: int) -> int:
    """The number of the first segment that ends after `since`; one more than `last` if none does."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        item = store.get(segment_id(ruleset, middle))
        if item is not None and _kept(ruleset, middle, item).until <= since:
            low = middle + 1
        else:
            high = middle
    return low


def _kept(ruleset: str, number: int, item: Item) -> StoredSegment:
    since, until = (parse_timestamp(str(item.state[name])) for name in ("since", "until"))
    state = item.state["is"]
    assert isinstance(state, dict), "written by item"
    return StoredSegment(ruleset, number, since, until, int(str(item.state["entries"])), state)


def _head_id(ruleset: str) -> str:
    return f"segments-{ruleset}"


def further(head: ColumnsHead, until: datetime) -> ColumnsHead:
    """The head once there is a segment more."""
    return replace(head, segments=head.segments + 1, until=until)
