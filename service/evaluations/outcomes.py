"""What rules ask for, as items that are committed with the answer and carried out by the worker after it.

Their ids are deterministic, so an evaluation that is repeated after a crash asks for nothing twice. `accept` and
`reject` need no item: the answer says them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from service.core import Lane
from service.decide import EventWanted, Flagged, IncidentWanted, NotificationWanted, Outcome
from service.storage import Item

KINDS: Mapping[type[Outcome], str] = {
    NotificationWanted: "outcome-notify",
    IncidentWanted: "outcome-incident",
    EventWanted: "outcome-emit",
    Flagged: "outcome-review",
}
"""The kind of item that each outcome becomes: work for a worker, except the review, which waits for a person."""

REVIEWS = {"reviews": "open"}
"""The key under which everything that waits for a person's review is listed."""


def items(
    evaluation_id: str, outcomes: Sequence[Outcome], origin: Mapping[str, object], now: datetime
) -> tuple[Item, ...]:
    """An item for each outcome that somebody must act on, `<evaluation_id>-<n>`; `origin` says what it came from."""
    named = {f"{evaluation_id}-{number}": outcome for number, outcome in enumerate(outcomes, start=1)}
    return tuple(
        _item(name, outcome, {**origin, **_bound(outcome, named)}, now)
        for name, outcome in named.items()
        if type(outcome) in KINDS
    )


def _bound(outcome: Outcome, named: Mapping[str, Outcome]) -> Mapping[str, str]:
    """The review or the incident that the same rule asked for: where that asks for an approval, the two are one."""
    asked = {kind: _names(named, kind, outcome.rule) for kind in (Flagged, IncidentWanted)}
    if not all(len(names) == 1 for names in asked.values()):
        return {}  # which of several would it be?
    match outcome:
        case Flagged():
            return {"incident": asked[IncidentWanted][0]}
        case IncidentWanted():
            return {"review": asked[Flagged][0]}
        case _:
            return {}


def _names(named: Mapping[str, Outcome], kind: type[Outcome], rule: str) -> Sequence[str]:
    return [name for name, each in named.items() if type(each) is kind and each.rule == rule]


def _item(item_id: str, outcome: Outcome, origin: Mapping[str, object], now: datetime) -> Item:
    state = {**origin, "outcome": outcome.as_json()}
    kind = KINDS[type(outcome)]
    match outcome:
        case Flagged():
            return Item(item_id, kind, state, keys=REVIEWS)
        case IncidentWanted():
            return Item(item_id, kind, state, lane=Lane.INCIDENT, due_at=now)
        case _:
            return Item(item_id, kind, state, due_at=now)
