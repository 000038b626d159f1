"""Testing events against `rules/events.yaml`: which mapping is for each, what it becomes, and what would be done.

Nothing is carried out. What EventBridge leaves to a person - the pattern that does not match, the transformer that
fails, the target that refuses - is said for each event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic import ValidationError

from service.core import Clock, TocsinError
from service.core import nearest_word as nearest
from service.escalate import Incidents, IntakeRules, lenient
from service.evaluations import CandidateChoice, EvaluationRequest, ReachCheck, candidate, tested
from service.http import Problem, described
from service.intake.commands import Command, EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events.mappings import Mappings, Unmapped
from service.language import Sentiment
from service.notify import NotificationRequest, NotificationService, UnfitRequest, requested
from service.rulesets import ActiveVersions, as_problems

Result = Mapping[str, object]
Errors = Sequence[Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class MappedEvents:
    """Tries events with mappings, and with what they lead to on this installation."""

    live: ActiveVersions
    notifications: NotificationService
    incidents: Incidents
    rules: IntakeRules
    clock: Clock
    sentiment: Sentiment | None = None
    reach: ReachCheck | None = None

    def tried(self, event: object, mappings: Mappings) -> Result:
        """What would become of one event; raises any `Unavailable`."""
        if not isinstance(event, Mapping):
            return _said("error", errors=[_error("", "is not an object, as an event is")])
        named = {"event_id": _text(event.get("id"))}
        try:
            command = mappings.command(event)
        except Unmapped as error:
            faults = [_error("", str(error))]
            if mappings.is_for(event):
                return {**named, **_said("error", errors=faults)}
            near = list(islice(_nearest(event, mappings), MOST_NEAREST))
            return {**named, **_said("unmapped", errors=faults, nearest=near)}
        return {**named, "becomes": _named(command), "body": command.body, **self._done(command)}

    def _done(self, command: Command) -> Result:
        match command:
            case EvaluationCommand(ruleset, body):
                return self._decided(ruleset, body)
            case NotificationCommand(body):
                return _said("matched", errors=self._faults_of_message(body))
            case IncidentCommand(body):
                return _said("matched", errors=self._faults_of_incident(body))

    def _decided(self, ruleset: str, body: Mapping[str, object]) -> Result:
        """The verdict of the ruleset, as its own event tester gives it."""
        request, now = body.get("request"), self.clock.now()
        try:
            EvaluationRequest.model_validate(body)
            with as_problems():
                asked = candidate(self.live, CandidateChoice(ruleset), now)
        except ValidationError as error:
            return _said("error", errors=_of_model(error))
        except Problem as problem:
            return _said("error", errors=[_error("ruleset", problem.detail)])
        verdict = tested(asked, request, now.date(), self.sentiment, self.reach)
        return {name: value for name, value in verdict.items() if name != "event_id"}

    def _faults_of_message(self, body: Mapping[str, object]) -> Errors:
        try:
            self.notifications.check(requested(NotificationRequest.model_validate(body), "test", "test", "test"))
        except ValidationError as error:
            return _of_model(error)
        except UnfitRequest as error:
            return [_error(path, message) for path, message in error.faults]
        return []

    def _faults_of_incident(self, body: Mapping[str, object]) -> Errors:
        try:
            self.incidents.fitted(lenient.read(body, self.rules)).refuse_if_nobody()
        except Problem as problem:
            return [_error(each.path, each.message) for each in problem.errors] or [_error("", problem.detail)]
        except TocsinError as error:
            return [_error("", str(error))]
        return []


def _said(status: str, *, errors: Errors, nearest: Sequence[str] = ()) -> Result:
    return {
        "status": "error" if errors and status == "matched" else status,
        **({"nearest": list(nearest)} if nearest else {}),
        "fired": [],
        "result": None,
        "outcomes": [],
        "why_not": [],
        "errors": list(errors),
    }


MOST_NEAREST = 5
"""Mappings that an answer names because an event misses them by little."""


def _named(command: Command) -> str:
    match command:
        case EvaluationCommand(ruleset):
            return f"a request to the ruleset {ruleset}"
        case NotificationCommand():
            return "a notification"
        case IncidentCommand():
            return "an incident"


def _nearest(event: Mapping[str, object], mappings: Mappings) -> Iterator[str]:
    """The mappings that the event misses by one of its two names, in sentences."""
    source, detail_type = _text(event.get("source")) or "", _text(event.get("detail-type")) or ""
    for known_source, known_type in mappings.targets:
        if known_source == source:
            yield f'the source is mapped, but with detail-type "{known_type}"'
        elif known_type == detail_type:
            yield f'the detail-type is mapped, but of source "{known_source}"'
        elif nearest(source, [known_source]) and nearest(detail_type, [known_type]):
            yield f'source "{known_source}" and detail-type "{known_type}" are much like it'


def _error(path: str, message: str) -> Mapping[str, str]:
    return {"path": path, "message": message}


def _of_model(error: ValidationError) -> Errors:
    return [_error(path, message) for path, message in described(error)]


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
