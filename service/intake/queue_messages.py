"""Letters of the intake queue: what one holds, and what it asks for.

Three kinds come: our own, with the bodies of the HTTP API; events of EventBridge; and records of a DynamoDB stream,
by which an item put into the intake table arrives through an EventBridge Pipe.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from pydantic import Field, ValidationError

from service.core import QueueMessage, TocsinError, exact_json, to_state
from service.http import Body, invalid_model
from service.intake.commands import Command, EvaluationCommand, IncidentCommand, NotificationCommand
from service.intake.events.mappings import Mappings, Unmapped

VISIBLE = r"^[\x21-\x7e]{1,128}$"
"""Ids of letters: as long as a request id may be, which they become."""


class LetterNotUnderstood(TocsinError):
    """A letter that asks for nothing we know; the message goes with it to the dead letters."""


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """What a letter asks for. `id` is the sender's own: under one id the same thing is done once."""

    id: str | None
    command: Command

    @property
    def fingerprint(self) -> str:
        """Hash of all that is asked: what tells the same letter again from another one under its id."""
        content = {"kind": self.command.kind, **to_state(self.command)}
        return sha256(exact_json.canonical(content).encode()).hexdigest()


class OwnLetter(Body):
    """A letter of our own kind: just one of `evaluation` (with `ruleset`), `notification` and `incident`."""

    id: Annotated[str | None, Field(pattern=VISIBLE)] = None
    ruleset: Annotated[str | None, Field(max_length=64)] = None
    evaluation: Mapping[str, object] | None = None
    notification: Mapping[str, object] | None = None
    incident: Mapping[str, object] | None = None


def read(letter: QueueMessage, mappings: Callable[[], Mappings], most_bytes: int) -> QueueRequest | None:
    """What a letter asks for; None for a record that asks for nothing; `LetterNotUnderstood`, or as `mappings`."""
    if len(letter.text.encode()) > most_bytes:
        raise LetterNotUnderstood(
            f"the message has more than the {most_bytes:,} bytes that are allowed (TOCSIN_BODY_LIMIT)"
        )
    document = _document(letter.text)
    match document:
        case {"eventSource": "aws:dynamodb", "eventName": "INSERT", "dynamodb": {"NewImage": dict(item)}}:
            return QueueRequest(_id(document.get("eventID")), IncidentCommand(item))
        case {"eventSource": "aws:dynamodb", "eventName": "MODIFY" | "REMOVE"}:
            return None  # what was done to an item later opens nothing: the incident has a life of its own
        case {"source": str(), "detail-type": str()}:
            return QueueRequest(_id(document.get("id")), _mapped(document, mappings()))
        case {"Type": str(), "TopicArn": str(), "Message": str()}:
            raise LetterNotUnderstood(
                "this is the envelope of an SNS topic: set RawMessageDelivery for the queue's subscription"
            )
        case _:
            return _ours(document)


def _document(text: str) -> Mapping[str, object]:
    try:
        document = exact_json.loads(text)
    except exact_json.NotJson as error:
        raise LetterNotUnderstood(f"the message is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise LetterNotUnderstood("the message is no JSON object")
    return document


def _mapped(event: Mapping[str, object], mappings: Mappings) -> Command:
    try:
        return mappings.command(event)
    except Unmapped as error:
        raise LetterNotUnderstood(str(error)) from error


def _ours(document: Mapping[str, object]) -> QueueRequest:
    try:
        letter = OwnLetter.model_validate(document)
    except ValidationError as error:
        faults = invalid_model(error, OwnLetter).errors
        raise LetterNotUnderstood("; ".join(f"{fault.path}: {fault.message}" for fault in faults)) from error
    match letter:
        case OwnLetter(ruleset=str(name), evaluation=Mapping() as body, notification=None, incident=None):
            return QueueRequest(letter.id, EvaluationCommand(name, body))
        case OwnLetter(ruleset=None, evaluation=None, notification=Mapping() as body, incident=None):
            return QueueRequest(letter.id, NotificationCommand(body))
        case OwnLetter(ruleset=None, evaluation=None, notification=None, incident=Mapping() as body):
            return QueueRequest(letter.id, IncidentCommand(body))
    raise LetterNotUnderstood(
        "a message holds one of notification, incident, and evaluation with the name of its ruleset"
    )


def _id(given: object) -> str | None:
    """The sender's own id, if it is one that can be searched for; else the queue's own will do."""
    return given if isinstance(given, str) and re.fullmatch(VISIBLE, given) else None
