"""What fired rules asked for, carried out after the answer: `notify` sends, `emit` tells other systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from service.core import exact_json
from service.core.clock import timestamp
from service.messages.tries import Tries, without_failures
from service.notify.service import Desk, Request, Unfit
from service.work import Permanent, Step, Task, finished

NOTIFY = "outcome-notify"
EMIT = "outcome-emit"


@dataclass(frozen=True, slots=True)
class NotifyOutcome:
    """Handles items of kind `outcome-notify`."""

    desk: Desk

    def refused(self, outcome: Mapping[str, object]) -> Sequence[tuple[str, str]]:
        """Why a notification that an evaluation asks for would never be sent: (path in the outcome, why) for each."""
        try:
            self.desk.check(self._to_those_there_are(_request("", outcome, {})))
        except Unfit as error:
            return error.faults
        return ()

    def handle(self, task: Task) -> Step:
        """Hand the message in at the desk, under an id that a repetition finds again."""
        outcome = _member(task.item.state, "outcome")
        try:
            self.desk.accept(self._to_those_there_are(_request(task.item.id, outcome, task.item.state)))
        except Unfit as error:
            raise Permanent(f"the rule's notification cannot be sent: {error}") from error
        return Step(finished(task.item))

    def _to_those_there_are(self, request: Request) -> Request:
        """Without the recipients that no profile has, as the answer said; with them if there is no other."""
        known = self.desk.known(request.recipients)
        return replace(request, recipients=known) if known else request


class Events(Protocol):
    """Where events for other systems go: a signed webhook, or EventBridge."""

    @property
    def host(self) -> str | None:
        """The host that is called; None for a service that limits its callers itself."""

    def emit(self, event_id: str, name: str, detail: Mapping[str, object]) -> None:
        """Hand one event over; raises `RetryLater` or `Permanent`."""


@dataclass(frozen=True, slots=True)
class EmitOutcome:
    """Handles items of kind `outcome-emit`. Without `events` an event stays in its item, saying so."""

    events: Events | None
    tries: Tries

    def handle(self, task: Task) -> Step:
        """Tell the event, with the evaluation it comes from; the facts themselves stay in the audit."""
        state = task.item.state
        if self.events is None:
            why = "nowhere to: set TOCSIN_EVENTS_URL or TOCSIN_EVENT_BUS"
            return Step(finished(task.item, {**state, "not_emitted": why}))
        outcome = _member(state, "outcome")
        events, bare = self.events, without_failures(task.item)
        detail = {name: value for name, value in bare.items() if name != "outcome"}
        return self.tries.attempt(
            task,
            events.host,
            lambda: events.emit(task.item.id, str(outcome["event"]), {**detail, "rule": outcome["rule"]}),
            lambda: Step(finished(task.item, {**bare, "emitted_at": timestamp(task.now)})),
        )


@dataclass(frozen=True, slots=True)
class WebhookEvents:
    """`Events` as signed POSTs to one address."""

    host: str | None

    send: Callable[[str, str], None]
    """Sends a body under a message id: `Webhooks.send` with the address filled in."""

    def emit(self, event_id: str, name: str, detail: Mapping[str, object]) -> None:
        """POST the event as JSON."""
        self.send(event_id, exact_json.dumps({"event": name, "id": event_id, "detail": detail}))


def _request(item_id: str, outcome: Mapping[str, object], origin: Mapping[str, object]) -> Request:
    recipients = outcome.get("recipients", [])
    variables = outcome.get("variables", {})
    return Request(
        id=f"{item_id}-n",
        app=str(origin.get("app", "rules")),
        request_id=str(origin.get("request_id", "")),
        template=str(outcome["template"]),
        audience=str(outcome["audience"]) if "audience" in outcome else None,
        recipients=[str(name) for name in recipients] if isinstance(recipients, list) else (),
        variables=variables if isinstance(variables, Mapping) else {},
    )


def _member(state: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = state.get(name)
    if not isinstance(value, Mapping):
        raise Permanent(f"the item has no {name}: it was not written by an evaluation")
    return value
