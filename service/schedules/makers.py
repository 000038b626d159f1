"""What a schedule can make: an incident or a notification, from the body that would make one at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from service.core import TocsinError
from service.escalate import Incidents, IntakeRules, NoContacts, OtherContent, UnknownContact, UnknownPolicy, intake
from service.http import FieldError, Problem, invalid_model
from service.notify import NotificationRequest, NotificationService, UnfitRequest, requested


class CannotMake(TocsinError):
    """Nothing can be made of a body; `faults` say where and why."""

    def __init__(self, *faults: FieldError) -> None:
        super().__init__("; ".join(f"{fault.path}: {fault.message}" for fault in faults))
        self.faults = faults


class TargetMaker(Protocol):
    """Makes one kind of thing."""

    def check(self, body: Mapping[str, object]) -> None:
        """Raise `CannotMake` if nothing could be made of the body now."""

    def make(self, body: Mapping[str, object], name: str, app: str) -> None:
        """Make it under the id `name`; doing so again changes nothing. `CannotMake`."""


@dataclass(frozen=True, slots=True)
class IncidentMaker:
    """Opens incidents."""

    incidents: Incidents
    rules: IntakeRules

    def check(self, body: Mapping[str, object]) -> None:
        """Raise `CannotMake` if no incident could be opened."""
        try:
            self.incidents.check(intake.read(body, self.rules))
        except (Problem, UnknownPolicy, UnknownContact, NoContacts) as error:
            raise _refusal(error) from error

    def make(self, body: Mapping[str, object], name: str, app: str) -> None:
        """Open the incident, unless it is there."""
        try:
            self.incidents.open(intake.read(body, self.rules), app, name)
        except OtherContent:
            return  # opened before a release that reads the body otherwise
        except (Problem, UnknownPolicy, UnknownContact, NoContacts) as error:
            raise _refusal(error) from error


@dataclass(frozen=True, slots=True)
class NotificationMaker:
    """Hands notifications in."""

    notifications: NotificationService

    def check(self, body: Mapping[str, object]) -> None:
        """Raise `CannotMake` if the service would not take it."""
        try:
            self.notifications.check(requested(NotificationRequest.model_validate(body), "check", "", ""))
        except (ValidationError, UnfitRequest) as error:
            raise _refusal(error) from error

    def make(self, body: Mapping[str, object], name: str, app: str) -> None:
        """Hand it in, unless it was; its request id is its own."""
        try:
            self.notifications.create(
                requested(NotificationRequest.model_validate(body), name, app, name).without_ignored()
            )
        except (ValidationError, UnfitRequest) as error:
            raise _refusal(error) from error


def _refusal(
    error: Problem | UnknownPolicy | UnknownContact | NoContacts | ValidationError | UnfitRequest,
) -> CannotMake:
    match error:
        case Problem():
            return CannotMake(*error.errors)
        case ValidationError():
            return CannotMake(*invalid_model(error).errors)
        case UnknownPolicy():
            return CannotMake(FieldError("policy", str(error)))
        case UnknownContact():
            return CannotMake(FieldError(error.path, str(error)))
        case NoContacts():
            return CannotMake(FieldError("contacts", str(error)))
        case UnfitRequest():
            return CannotMake(*(FieldError(path, message) for path, message in error.faults))
