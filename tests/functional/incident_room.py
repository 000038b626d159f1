"""An upstream app, some phones and a worker, on a clock that is moved by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.channels.outbox import OutboxEntry
from service.core.enums import Lane
from tests.functional.client import Reply
from tests.functional.conftest import Api

ANN = "+447700900123"
BEN = "+447700900456"
SAMPLE = {
    "incident_id": {"S": "123"},
    "incident_stat": {"S": "not_acknowledged"},
    "double_escalation": {"S": "no"},
    "description": {"S": "Error 111, unit 1 malfunctioned. Urgent assistance is required."},
    "url": {"S": "https://example.com/incident/111/overview"},
    "first_contact": {"S": ANN},
    "second_contact": {"S": BEN},
}
NAMED = [{"name": "Ann", "phone": ANN, "language": "en"}, {"name": "Ben", "phone": BEN, "language": "de"}]


@dataclass(frozen=True, slots=True)
class Room:
    """What happens around incidents."""

    api: Api

    def opens(self, body: Mapping[str, object] | None = None, **own: object) -> str:
        """Open an incident: the sample's item, or one of our own with two named contacts; answers its id."""
        document = body or {"description": "Pump 1 failed", "contacts": NAMED, **own}
        reply = self.api.client.post("/v1/incidents", document)
        assert reply.status in (200, 201), reply.text
        self.works()
        return str(reply.json()["incident_id"])

    def works(self) -> None:
        """Let the worker do everything that is due."""
        worker = self.api.service.worker()
        worker.run_due()
        worker.close()

    def waits(self, seconds: float) -> None:
        """Let time pass, and the worker do what comes due on the way."""
        worker, clock = self.api.service.worker(), self.api.clock
        end = clock.now() + timedelta(seconds=int(seconds))
        while clock.now() < end:
            clock.advance(timedelta(seconds=self._until_due(end)))
            worker.run_due()
        worker.close()

    def _until_due(self, end: datetime) -> int:
        """Whole seconds, one at least, until something comes due, or until `end` if nothing does before."""
        due = [at for lane in Lane if (at := self.api.service.store.oldest_due(lane, end)) is not None]
        return max(1, math.ceil((min([*due, end]) - self.api.clock.now()).total_seconds()))

    def says(self, phone: str, text: str, in_reply_to: str | None = None) -> Reply:
        """An SMS from a phone; the worker then sends what is answered."""
        body = {"from": phone, "body": text} | ({} if in_reply_to is None else {"in_reply_to": in_reply_to})
        reply = self.api.client.post("/v1/simulator/sms", body)
        assert reply.status == 202, reply.text
        self.works()
        return reply

    def read(self, incident: str) -> dict[str, object]:
        """The incident as the API shows it."""
        reply = self.api.client.get(f"/v1/incidents/{incident}")
        assert reply.status == 200, reply.text
        return reply.json()

    def messages(self, incident: str, limit: int = 50) -> list[Mapping[str, object]]:
        """What became of the incident's messages, read `limit` at a time."""
        messages: list[Mapping[str, object]] = []
        cursor: object = ""
        while cursor is not None:
            after = f"&cursor={cursor}" if cursor else ""
            reply = self.api.client.get(f"/v1/incidents/{incident}/messages?limit={limit}{after}")
            assert reply.status == 200, reply.text
            items, cursor = reply.json()["items"], reply.json()["next_cursor"]
            assert isinstance(items, list)
            messages += items
        return messages

    def state(self, incident: str) -> object:
        return self.read(incident)["state"]

    def timeline(self, incident: str) -> list[str]:
        """What happened, as sentences."""
        lines = self.read(incident)["timeline"]
        assert isinstance(lines, list)
        return [str(line["text"]) for line in lines]

    def inbox(self, to: str) -> list[str]:
        """The texts that a phone or address got, oldest first."""
        return [entry.text for entry in self.entries(to)]

    def entries(self, to: str) -> list[OutboxEntry]:
        page = self.api.service.messaging.outbox.entries(to=to, limit=500)
        return [sent.entry for sent in reversed(page.items)]

    def last_id(self, to: str) -> str:
        """The id of the last message to a phone, as its carrier would name it."""
        return self.api.service.messaging.outbox.entries(to=to, limit=1).items[0].id
