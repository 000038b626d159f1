"""What becomes of the outcomes of an evaluation: which are bound to each other, and who hears of an event."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from service.core.clock import HandClock
from service.core.errors import Unavailable
from service.decide import Flagged, IncidentWanted
from service.evaluations.outcomes import items
from service.messages.post_attempts import HostShares, PostAttempts
from service.notify import EmitOutcome
from service.storage import Item
from service.storage.sqlite import SqliteStore
from service.work import Task
from tests.unit.incidents import START

FLAG, PAGE = Flagged("Large", "why"), IncidentWanted("Large", "approve it", "approval")
ORIGIN = {"evaluation_id": "e", "app": "shop"}


def test_a_review_and_an_incident_of_one_rule_are_bound_both_ways() -> None:
    review, incident = items("e", [FLAG, PAGE], ORIGIN, START)
    assert (review.state["incident"], incident.state["review"]) == ("e-2", "e-1")


@pytest.mark.parametrize("outcomes", [[FLAG, PAGE, PAGE], [FLAG, FLAG, PAGE], [FLAG, IncidentWanted("B", "b", "c")]])
def test_where_it_is_not_certain_which_belong_together_none_is_bound(outcomes: list[Flagged | IncidentWanted]) -> None:
    for item in items("e", outcomes, ORIGIN, START):
        assert not item.state.keys() & {"incident", "review"}


@dataclass
class Others:
    """Other systems; `told` has the details of what was emitted."""

    host: str | None = None
    told: list[Mapping[str, object]] = field(default_factory=list)

    def emit(self, _event_id: str, _name: str, detail: Mapping[str, object]) -> None:
        self.told.append(detail)


def test_others_are_told_once_while_this_installation_cannot_take_the_event_in(tmp_path: Path) -> None:
    offered: list[Mapping[str, object]] = []

    def chain(_event_id: str, _name: str, detail: Mapping[str, object], _depth: int) -> Mapping[str, object]:
        offered.append(detail)
        if len(offered) < 3:
            raise Unavailable("the sentiment model does not answer")
        return {"chained": True}

    others, clock, store = Others(), HandClock(START), SqliteStore(tmp_path / "store.db")
    duty = EmitOutcome(others, PostAttempts(HostShares(4)), chain)
    item = Item("e-1", "outcome-emit", {**ORIGIN, "outcome": {"event": "made", "rule": "Large"}}, due_at=START)

    def handled(item: Item) -> Item:
        return duty.handle(Task(item, store, clock, timedelta(minutes=1))).item

    item = handled(item)
    assert item.due_at == START
    with pytest.raises(Unavailable):
        handled(item)
    item = handled(item)
    assert (item.due_at, item.state["chained"], len(others.told)) == (None, True, 1)
    assert offered[0] == offered[-1] == others.told[0], "each hears the same"
    store.close()
