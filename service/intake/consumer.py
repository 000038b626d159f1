"""Doing what letters ask for: each once, as its app may, by the same handlers as HTTP requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ValidationError

from service.core import Clock, QueueMessage, Scope, exact_json
from service.escalate import Incidents, IntakeRules, lenient
from service.escalate import routes as incident_routes
from service.evaluations import EvaluatedCall, EvaluationRequest, Evaluations, ReceivedRequest, as_problems
from service.evaluations import routes as evaluation_routes
from service.http import Caller, Problem, invalid_model
from service.intake.commands import Body, Command, EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events.mappings import Mappings
from service.intake.once import Once, OtherRequest
from service.intake.queue_messages import LetterNotUnderstood, QueueRequest, read
from service.notify import NotificationRequest, NotificationService
from service.notify import routes as notification_routes
from service.storage import Store

M = TypeVar("M", bound=BaseModel)
VIA = "intake"
"""The call that the audit names."""


@dataclass(frozen=True, slots=True)
class QueueSender:
    """Who writes to the queue: the app that the audit names, and what it may ask for."""

    app: str
    scopes: frozenset[Scope]


@dataclass(frozen=True, slots=True)
class CommandDone:
    """What the letter asked for is durable."""

    label: ClassVar[str] = "done"


@dataclass(frozen=True, slots=True)
class NothingToDo:
    """Nothing was left to do: it had been done before, or the letter asks for nothing."""

    label: ClassVar[str] = "nothing"


@dataclass(frozen=True, slots=True)
class LetterRefused:
    """The letter can never be done; `reason` goes with it to the dead letters."""

    label: ClassVar[str] = "refused"

    reason: str


Outcome = CommandDone | NothingToDo | LetterRefused


@dataclass(frozen=True, slots=True)
class IntakeHandlers:
    """Where letters are taken to."""

    evaluations: Evaluations
    notifications: NotificationService
    incidents: Incidents
    rules: IntakeRules


class QueueConsumer:
    """Takes letters in. Any method may raise `Unavailable` or `Conflict`: the letter must then come again."""

    def __init__(
        self,
        handlers: IntakeHandlers,
        sender: QueueSender,
        store: Store,
        clock: Clock,
        mappings: Callable[[], Mappings],
        most_bytes: int,
    ) -> None:
        self._handlers = handlers
        self._sender = sender
        self._clock = clock
        self._once = Once(store, clock, sender.app)
        self._mappings = mappings
        self._most_bytes = most_bytes

    def take(self, letter: QueueMessage, depth: int = 0) -> Outcome:
        """Do what a letter asks for, unless it is done; `depth` is that of an event of our own rules."""
        try:
            asked = read(letter, self._mappings, self._most_bytes)
            if asked is None:
                return NothingToDo()
            return self._once_for(asked, asked.id or letter.id, depth)
        except (LetterNotUnderstood, OtherRequest) as error:
            return LetterRefused(str(error))

    def _once_for(self, asked: QueueRequest, name: str, depth: int) -> Outcome:
        scope = _scope(asked.command)
        if scope not in self._sender.scopes:
            return LetterRefused(f"the intake may not do this: it lacks the scope {scope} (TOCSIN_INTAKE_SCOPES)")
        begun = self._once.begin(name, asked.fingerprint)
        if begun.record.done:
            return NothingToDo()
        try:
            self._do(asked.command, self._caller(name, begun.record.resource_id, asked.command), depth)
        except Problem as problem:
            self._once.free(begun)
            return LetterRefused(_in_words(problem))
        self._once.finish(begun)
        return CommandDone()

    def _do(self, command: Command, caller: Caller, depth: int) -> None:
        match command:
            case EvaluationCommand(ruleset, body):
                received = ReceivedRequest(_fit(body, EvaluationRequest), caller.raw_body.decode())
                call = replace(evaluation_routes.call_of(ruleset, received, caller, VIA), depth=depth)
                with as_problems():
                    self._handlers.evaluations.evaluate(call, EvaluatedCall.as_json)
            case NotificationCommand(body):
                notification_routes.create_notification(
                    self._handlers.notifications, self._clock, _fit(body, NotificationRequest), caller
                )
            case IncidentCommand(body):
                read = self._handlers.incidents.fitted(lenient.read(body, self._handlers.rules))
                read.refuse_if_nobody()
                incident_routes.opened(self._handlers.incidents, read.new, caller, read.left_out)

    def _caller(self, name: str, resource_id: str, command: Command) -> Caller:
        return Caller(
            app=self._sender.app,
            scopes=self._sender.scopes,
            request_id=name,
            resource_id=resource_id,
            received_at=self._clock.now(),
            raw_body=exact_json.dumps(command.body).encode(),
        )


def _scope(command: Command) -> Scope:
    match command:
        case EvaluationCommand():
            return Scope.EVALUATE
        case NotificationCommand():
            return Scope.NOTIFY
        case IncidentCommand():
            return Scope.INCIDENTS


def _fit(body: Body, schema: type[M]) -> M:
    try:
        return schema.model_validate(body)
    except ValidationError as error:
        raise invalid_model(error, schema) from error


def _in_words(problem: Problem) -> str:
    """The problem as one sentence for each thing that is wrong."""
    return " ".join([problem.detail, *(f"{error.path}: {error.message}" for error in problem.errors)])
