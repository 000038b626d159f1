"""Events of rules offered to `rules/events.yaml` of the same installation, so that rulesets chain by events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.core import QueueMessage, Unavailable, exact_json
from service.intake.consumer import LetterRefused, QueueConsumer
from service.intake.events.mappings import Mappings

logger = logging.getLogger(__name__)

SOURCE = "tocsin"
"""The source of events of rules, as on an event bus."""

DEEPEST = 5
"""Evaluations that may follow from one another by events: rules that call each other in a circle end here."""


@dataclass(frozen=True, slots=True)
class Chains:
    """Takes in what rules of this installation emit, where a mapping is for it."""

    consumer: QueueConsumer
    mappings: Callable[[], Mappings]

    def offer(self, event_id: str, name: str, detail: Mapping[str, object], depth: int) -> Mapping[str, object]:
        """Do what a mapping makes of an event, once; what the event's item is to say about that."""
        event = {"id": event_id, "source": SOURCE, "detail-type": name, "detail": {**detail, "id": event_id}}
        try:
            mappings = self.mappings()
        except Unavailable as error:  # other systems are told all the same
            return _not_chained(event_id, str(error))
        if not mappings.is_for(event):
            return {}
        if depth > DEEPEST:
            return _not_chained(event_id, f"rules have emitted {DEEPEST} events in a row: is there a circle?")
        match self.consumer.take(QueueMessage(event_id, exact_json.dumps(event), ""), depth):
            case LetterRefused(reason=reason):
                return _not_chained(event_id, reason)
            case _:
                return {"chained": True}


def _not_chained(event_id: str, why: str) -> Mapping[str, object]:
    logger.warning("The event %s of a rule asks for nothing here; the reason is with it", event_id)
    return {"not_chained": why}
