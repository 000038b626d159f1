"""What one event asks for, by the mapping for its source and detail-type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.core import TocsinError
from service.decide import facts
from service.intake.commands import Command, EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events.patterns import Absent, Pattern, fill, look_up

Key = tuple[str, str]
"""Source and detail-type."""


class Unmapped(TocsinError):
    """No mapping is for the event, or it lacks what its mapping needs."""


@dataclass(frozen=True, slots=True)
class ToRuleset:
    """The event is a request to a ruleset. `facts` maps facts to paths of the event; None: its `detail` holds them."""

    ruleset: str
    facts: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class ToNotification:
    """The event is a notification."""

    body: Mapping[str, Pattern]


@dataclass(frozen=True, slots=True)
class ToIncident:
    """The event is an incident."""

    body: Mapping[str, Pattern]


Target = ToRuleset | ToNotification | ToIncident


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings of an installation."""

    targets: Mapping[Key, Target] = field(default_factory=dict)
    where: str = "rules/events.yaml"
    """How whoever sent an event is told where the mappings stand."""

    def is_for(self, event: Mapping[str, object]) -> bool:
        """Whether a mapping is for the event, though the event may lack what that needs."""
        return _key(event) in self.targets

    def command(self, event: Mapping[str, object]) -> Command:
        """What an event asks for; `Unmapped`."""
        key = _key(event)
        if key is None:
            raise Unmapped("the event must say what it is: `source` and `detail-type` are texts")
        target = self.targets.get(key)
        if target is None:
            raise Unmapped(f"{self.where} maps no event of source {key[0]!r} and detail-type {key[1]!r}")
        try:
            return _wish(target, event)
        except Absent as error:
            raise Unmapped(f"the event does not fit its mapping in {self.where}: {error}") from error


def _key(event: Mapping[str, object]) -> Key | None:
    source, detail_type = event.get("source"), event.get("detail-type")
    return (source, detail_type) if isinstance(source, str) and isinstance(detail_type, str) else None


def _wish(target: Target, event: Mapping[str, object]) -> Command:
    match target:
        case ToRuleset(ruleset, given):
            return EvaluationCommand(ruleset, {"request": _facts(given, event)})
        case ToNotification(body):
            return NotificationCommand(_object(body, event))
        case ToIncident(body):
            return IncidentCommand(_object(body, event))


def _facts(given: Mapping[str, str] | None, event: Mapping[str, object]) -> Mapping[str, object]:
    if given is not None:
        values = {fact: look_up(event, path) for fact, path in given.items()}
        return facts.nested({fact: value for fact, value in values.items() if value is not None})
    detail = event.get("detail")
    if not isinstance(detail, Mapping):
        raise Absent("its detail is no object that holds facts")
    return detail


def _object(body: Mapping[str, Pattern], event: Mapping[str, object]) -> Mapping[str, object]:
    filled = fill(body, event)
    assert isinstance(filled, dict), "a mapping is filled to an object"
    return filled
