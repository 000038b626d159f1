"""Taking in what other systems write to a queue: requests to rulesets, notifications, incidents, and events.

queue ── message ──► queue_messages.read ── request ──► consumer: once for each id ──► the handlers of the HTTP API
  ▲                        ▲
poller: a thread         events: rules/events.yaml says what an event of EventBridge asks for
"""

from service.intake.chains import Chains
from service.intake.consumer import IntakeHandlers, QueueConsumer, QueueSender
from service.intake.events.file import parse
from service.intake.events.live import LiveMappings
from service.intake.events.references import known_beside
from service.intake.mapped_events import MappedEvents
from service.intake.poller import Poller

__all__ = [
    "Chains",
    "IntakeHandlers",
    "LiveMappings",
    "MappedEvents",
    "Poller",
    "QueueConsumer",
    "QueueSender",
    "known_beside",
    "parse",
]
