"""How many requests two versions decide otherwise, and how: counted request by request, kept as JSON, added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from service.core import exact_json, from_state, to_state
from service.decide import EXACT
from service.rulesets.comparing import Answer, Decided, NotDecided, difference

T = TypeVar("T")

SAMPLES = 10
"""Request ids kept of each kind of change."""

CHANGES = 100
"""Kinds of change (rules that fired before, rules that fire now) that are counted separately."""

NAMES = 100_000
"""Characters, as JSON, of the rules' names in all kinds of change together: a tally must fit an item."""

WORDS = 300
"""Characters kept of why a request is not decided."""


UNREADABLE = "the recorded request cannot be read"


@dataclass(slots=True)
class RuleChange:
    """Requests on which `old` rules fired and now `new` ones do; equal where only what they do has changed."""

    old: tuple[str, ...]
    new: tuple[str, ...]
    count: int = 0
    samples: list[str] = field(default_factory=list)

    def add(self, count: int, samples: Iterable[str]) -> None:
        """Count requests and keep the first of them."""
        self.count += count
        _keep(self.samples, samples)


@dataclass(slots=True)
class Amount:
    """By how much a number changed: `total` is new less old, added up; `largest` the change furthest from 0."""

    changed: int = 0
    total: Decimal = Decimal(0)
    largest: Decimal = Decimal(0)

    def add(self, changed: int, total: Decimal, largest: Decimal) -> None:
        """Count changes of a number."""
        self.changed += changed
        self.total = EXACT.add(self.total, total)
        self.largest = max(self.largest, largest, key=abs)

    def as_json(self) -> Mapping[str, object]:
        """`{"changed", "sum", "mean", "largest"}`, amounts as text."""
        mean = EXACT.divide(self.total, self.changed).quantize(self.total, None, EXACT) if self.changed else Decimal(0)
        return {"changed": self.changed, "sum": str(self.total), "mean": str(mean), "largest": str(self.largest)}


@dataclass(slots=True)
class RequestGroup:
    """Some requests: how many, and the first of them with what is to be said of it."""

    count: int = 0
    samples: list[tuple[str, str]] = field(default_factory=list)

    def add(self, count: int, samples: Iterable[tuple[str, str]]) -> None:
        """Count requests and keep the first of them."""
        self.count += count
        _keep(self.samples, samples)

    def as_json(self) -> Mapping[str, object]:
        """`{"count", "samples": [{"request_id", "why"?}]}`."""
        samples = [{"request_id": request_id, **({"why": why} if why else {})} for request_id, why in self.samples]
        return {"count": self.count, "samples": samples}


@dataclass(slots=True)
class Tally:
    """What was counted; once it is `full`, further kinds of change are only counted as `other_changes`.

    `refused` were decided by the old version and are not by the new one; `newly_uncovered` fired a rule and fire none;
    `not_compared` are not decided by the old version itself, or cannot be read; `newly_decided` are those of them that
    the new one decides.
    """

    requests: int = 0
    changed: int = 0
    changes: list[RuleChange] = field(default_factory=list)
    full: bool = False
    other_changes: int = 0
    amounts: dict[str, Amount] = field(default_factory=dict)
    values: dict[str, int] = field(default_factory=dict)
    outcomes_changed: int = 0
    refused: RequestGroup = field(default_factory=RequestGroup)
    newly_uncovered: RequestGroup = field(default_factory=RequestGroup)
    not_compared: RequestGroup = field(default_factory=RequestGroup)
    newly_decided: int = 0

    def count(self, request_id: str, old: Answer, new: Answer) -> None:
        """Count one request."""
        self.requests += 1
        match old, new:
            case NotDecided(why=why), _:
                self.not_compared.add(1, [(request_id, why[:WORDS])])
                self.newly_decided += isinstance(new, Decided)
            case _, NotDecided(why=why):
                self.changed += 1
                self.refused.add(1, [(request_id, why[:WORDS])])
            case Decided(), Decided():
                self._compare(request_id, old, new)

    def skip(self, request_ids: Sequence[str]) -> None:
        """Count requests that were recorded and cannot be read."""
        self.requests += len(request_ids)
        self.not_compared.add(len(request_ids), [(request_id, UNREADABLE) for request_id in request_ids])

    def _compare(self, request_id: str, old: Decided, new: Decided) -> None:
        difference_found = difference(old, new)
        if not difference_found.changed:
            return
        self.changed += 1
        self.count_change(old.fired, new.fired, 1, [request_id])
        if old.fired and not new.fired:
            self.newly_uncovered.add(1, [(request_id, "")])
        for path, amount in difference_found.amounts.items():
            self.count_amount(path, 1, amount, amount)
        for path in difference_found.values:
            self.values[path] = self.values.get(path, 0) + 1
        self.outcomes_changed += difference_found.outcomes

    def count_amount(self, path: str, changed: int, total: Decimal, largest: Decimal) -> None:
        """Count changes of a number."""
        self.amounts.setdefault(path, Amount()).add(changed, total, largest)

    def count_change(self, old: tuple[str, ...], new: tuple[str, ...], count: int, samples: Iterable[str]) -> None:
        """Count requests on which `old` rules fired and now `new` ones do."""
        known = next((change for change in self.changes if (change.old, change.new) == (old, new)), None)
        if known is None and not self.full and self._has_room_for(old, new):
            known = RuleChange(old, new)
            self.changes.append(known)
        if known is None:
            self.other_changes += count
        else:
            known.add(count, samples)

    def _has_room_for(self, old: tuple[str, ...], new: tuple[str, ...]) -> bool:
        names = [[change.old, change.new] for change in self.changes]
        self.full = len(names) == CHANGES or len(exact_json.dumps([*names, [old, new]])) > NAMES
        return not self.full

    def add(self, other: Tally) -> None:
        """Add what was counted elsewhere."""
        for change in other.changes:
            self.count_change(change.old, change.new, change.count, change.samples)
        for path, amount in other.amounts.items():
            self.count_amount(path, amount.changed, amount.total, amount.largest)
        for path, count in other.values.items():
            self.values[path] = self.values.get(path, 0) + count
        for mine, theirs in (
            (self.refused, other.refused),
            (self.newly_uncovered, other.newly_uncovered),
            (self.not_compared, other.not_compared),
        ):
            mine.add(theirs.count, theirs.samples)
        self.requests += other.requests
        self.changed += other.changed
        self.other_changes += other.other_changes
        self.outcomes_changed += other.outcomes_changed
        self.newly_decided += other.newly_decided

    def as_json(self) -> Mapping[str, object]:
        """The report, the most frequent changes first."""
        by_count = sorted(self.changes, key=lambda change: -change.count)
        return {
            "requests": self.requests,
            "changed": self.changed,
            "changes": [
                {"from": change.old, "to": change.new, "count": change.count, "samples": change.samples}
                for change in by_count
            ],
            "other_changes": self.other_changes,
            "amounts": {path: amount.as_json() for path, amount in sorted(self.amounts.items())},
            "values": dict(sorted(self.values.items())),
            "outcomes_changed": self.outcomes_changed,
            "refused": self.refused.as_json(),
            "newly_uncovered": self.newly_uncovered.as_json(),
            "not_compared": self.not_compared.as_json(),
            "newly_decided": self.newly_decided,
        }

    def as_state(self) -> dict[str, object]:
        """As an item keeps it."""
        return to_state(self)


def tally_of(state: object) -> Tally:
    """What `as_state` kept; an empty one for nothing."""
    return from_state(Tally, state) if isinstance(state, Mapping) else Tally()


def _keep(kept: list[T], more: Iterable[T]) -> None:
    """The first `SAMPLES` of all."""
    if len(kept) < SAMPLES:
        kept.extend(islice(more, SAMPLES - len(kept)))
