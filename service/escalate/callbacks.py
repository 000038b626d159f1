"""Telling the app that opened an incident of each step that it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from service.core import exact_json, from_state
from service.escalate.effects import Effects, TimelineKind
from service.escalate.incident import Incident
from service.escalate.items import CallbackDue, step_item
from service.escalate.policy import Role
from service.escalate.record import IncidentRecord, shown
from service.escalate.states import Open
from service.messages import Callback, Webhooks
from service.storage import Item
from service.work import Commit, Task, finished


class IncidentStep(StrEnum):
    """What a callback says has happened."""

    PAGED = "paged"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    GIVEN_BACK = "given_back"
    LAPSED = "lapsed"
    REPEATED = "repeated"
    RESOLVED = "resolved"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    REOPENED = "reopened"


_ENDS = {
    "acknowledged": IncidentStep.ACKNOWLEDGED,
    "resolved": IncidentStep.RESOLVED,
    "unacknowledged": IncidentStep.EXHAUSTED,
    "cancelled": IncidentStep.CANCELLED,
}

_MOVES = (
    (TimelineKind.REOPENED, IncidentStep.REOPENED),
    (TimelineKind.GIVEN_BACK, IncidentStep.GIVEN_BACK),
    (TimelineKind.LAPSED, IncidentStep.LAPSED),
    (TimelineKind.REPEATED, IncidentStep.REPEATED),
    (TimelineKind.PASSED_ON, IncidentStep.ESCALATED),
    (TimelineKind.ESCALATED, IncidentStep.ESCALATED),
)
"""What happened to an incident that is open afterwards, the most important first."""


def step_of(before: Incident, after: Incident, effects: Effects) -> IncidentStep | None:
    """The step that an event is; None for what moves an incident no further, such as a reminder."""
    if not isinstance(after.state, Open):
        return None if after.state.name == before.state.name else _ENDS[after.state.name]
    kinds = {entry.kind for entry in effects.timeline}
    for kind, step in _MOVES:
        if kind in kinds:
            return step
    begins = {TimelineKind.OPENED, TimelineKind.BEGUN_AGAIN} & kinds and any(
        m.role is Role.PAGE for m in effects.messages
    )
    return IncidentStep.PAGED if begins else None


def owed(before: Incident, record: IncidentRecord, effects: Effects, at: datetime) -> tuple[IncidentRecord, list[Item]]:
    """The record that counts one callback more, and the item that sends it; unchanged if there is nothing to send."""
    step = step_of(before, record.incident, effects)
    if record.callback_url is None or step is None:
        return record, []
    by_step = dict(record.told) or _told_by_earlier_versions(before)
    by_step[step.value] = by_step.get(step.value, 0) + 1
    record = replace(record, told=by_step)
    return record, [step_item(record, step.value, at)]


def _told_by_earlier_versions(before: Incident) -> dict[str, int]:
    """Earlier versions sent only the end, and did not count."""
    return {} if isinstance(before.state, Open) else {_ENDS[before.state.name].value: 1}


@dataclass(frozen=True, slots=True)
class IncidentCallbacks:
    """Makes signed callbacks of the steps that apps must hear of."""

    webhooks: Webhooks

    def handle(self, task: Task) -> Commit:
        """The incident as the API shows it, without contact data, and the step that this is."""
        due = _due(task.item)
        if due.record.callback_url is None:
            return Commit(finished(task.item))
        incident = shown(due.record, with_contact_data=False)
        body = exact_json.dumps({"step": due.step, "number": due.number, **incident})
        callback = self.webhooks.item(f"{task.item.id}-callback", Callback(due.record.callback_url, body))
        return Commit(finished(task.item), spawn=[callback])


def _due(item: Item) -> CallbackDue:
    """What an item owes; earlier versions wrote the incident alone, at its end."""
    if "record" in item.state:
        return from_state(CallbackDue, item.state)
    record = from_state(IncidentRecord, item.state)
    end = _ENDS.get(record.incident.state.name)
    return CallbackDue(record, "" if end is None else end.value, 1)
