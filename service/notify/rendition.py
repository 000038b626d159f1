"""A rendition: all texts of a notification in one language, each stamped with where it came from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rendition:
    """The parts of a message (by name: `text`, `subject`, `sms`, …) in one language.

    `provenance` is `source`, `catalogue` or `machine:<engine>`, by part. `missing` are the ids of the translations
    that somebody has to supply, by part: until they are, nothing of it is sent.
    """

    notification_id: str
    language: str
    parts: Mapping[str, str] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    waiting_for: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> frozenset[str]:
        """Ids of the translations it waits for."""
        return frozenset(self.waiting_for.values())

    @property
    def is_complete(self) -> bool:
        """Whether it can be sent."""
        return not self.waiting_for


def rendition_id(notification_id: str, language: str) -> str:
    """The id of a rendition: one for each distinct language of a notification."""
    return f"{notification_id}-r-{language}"
