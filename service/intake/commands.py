"""What a letter may ask for: the three things that apps ask for by HTTP, in the same bodies.

`kind` is part of stored fingerprints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

Body = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class EvaluationCommand:
    """A request to a ruleset: the body of `POST /v1/rulesets/{name}/evaluations`."""

    kind: ClassVar[str] = "Evaluation"

    ruleset: str
    body: Body


@dataclass(frozen=True, slots=True)
class NotificationCommand:
    """A message: the body of `POST /v1/notifications`."""

    kind: ClassVar[str] = "Notification"

    body: Body


@dataclass(frozen=True, slots=True)
class IncidentCommand:
    """An incident: the body of `POST /v1/incidents`, in either shape."""

    kind: ClassVar[str] = "Incident"

    body: Body


Command = EvaluationCommand | NotificationCommand | IncidentCommand
