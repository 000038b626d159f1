"""What two versions decide otherwise is described member by member as it is answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from service.decide.diff import ChangedRequests, ChangeSide, RulesetDifference
from service.rulesets import shown_reports as shown
from service.rulesets.recent_comparison import RecentCounts
from service.rulesets.tally import Amount, RequestGroup, RuleChange, Tally

NOW = datetime(2026, 5, 10, tzinfo=UTC)
CHANGED = ChangedRequests(ChangeSide("a", "set"), None, (), 0, {}).as_json()
COUNTED = Tally(changes=[RuleChange(("a",), ())]).as_json()


@pytest.mark.parametrize(
    ("model", "answered"),
    [
        (shown.ShownDecisionDiff, RulesetDifference((), ()).as_json()),
        (shown.ShownDiffChange, CHANGED),
        (shown.ShownRulePart, CHANGED["before"]),
        (shown.ShownReplayReport, COUNTED),
        (shown.ShownRuleChange, COUNTED["changes"][0]),  # type: ignore[index]
        (shown.ShownAmountChange, Amount().as_json()),
        (shown.ShownRequestGroup, RequestGroup().as_json()),
        (shown.ShownRequestSample, RequestGroup(1, [("r1", "why")]).as_json()["samples"][0]),  # type: ignore[index]
        (shown.ShownRecentReplay, RecentCounts(1, NOW, NOW, True, Tally()).as_json()),
    ],
)
def test_a_report_has_the_members_that_its_description_names(
    model: type[BaseModel], answered: Mapping[str, object]
) -> None:
    described = model.model_json_schema(mode="serialization")["properties"]
    assert described.keys() == answered.keys()
