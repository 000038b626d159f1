"""Telling the app that asked for it that its incident has an owner, or that nobody is left to ask."""

from __future__ import annotations

from dataclasses import dataclass

from service.core import exact_json
from service.core.records import from_state
from service.escalate.record import IncidentRecord, shown
from service.messages.webhooks import Callback, Webhooks
from service.work import Step, Task, finished


@dataclass(frozen=True, slots=True)
class Endings:
    """Owes the callbacks of incidents."""

    webhooks: Webhooks

    def handle(self, task: Task) -> Step:
        """Turn one ending into its callback: the incident as the API shows it, without contact data."""
        record = from_state(IncidentRecord, task.item.state)
        if record.callback_url is None:
            return Step(finished(task.item))
        body = exact_json.dumps(shown(record, with_contact_data=False))
        callback = self.webhooks.item(f"{task.item.id}-callback", Callback(record.callback_url, body))
        return Step(finished(task.item), spawn=[callback])
