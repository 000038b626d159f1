"""`open incident`, the rule action: what an evaluation asked for, carried out after its answer is durable."""

from __future__ import annotations

from collections.abc import Mapping

from service.escalate import intake
from service.escalate.incidents import Incidents
from service.escalate.intake import IntakeRules
from service.storage import Item
from service.work import Permanent, Step, Task, finished

KIND = "outcome-incident"


class RuleIncidents:
    """Opens the incidents that rules ask for; each once, under the id of its outcome."""

    def __init__(self, incidents: Incidents, rules: IntakeRules) -> None:
        self._incidents = incidents
        self._rules = rules

    def handle(self, task: Task) -> Step:
        """Open the incident of one outcome; an outcome that no incident can be made of is dead, with the reason."""
        body = _body(task.item)
        new = intake.read(body, self._rules)
        self._incidents.open(new, str(task.item.state.get("app", "rules")), task.item.id)
        return Step(finished(task.item))


def _body(item: Item) -> dict[str, object]:
    outcome = item.state.get("outcome")
    if not isinstance(outcome, Mapping):
        raise Permanent("the outcome is not one that this release writes")
    return {name: outcome[name] for name in ("description", "url", "policy", "contacts") if name in outcome}
