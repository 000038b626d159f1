"""What fired rules asked for, carried out after the answer: `notify` sends, `emit` tells other systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from service.core import exact_json
from service.core.clock import timestamp
from service.core.errors import Unavailable
from service.decide import facts
from service.messages import Tries, without_failures
from service.notify.service import NotificationService, Request, UnfitRequest
from service.storage import Item
from service.work import Permanent, Step, Task, finished, waiting

NOTIFY = "outcome-notify"
EMIT = "outcome-emit"


@dataclass(frozen=True, slots=True)
class NotifyOutcome:
    """Handles items of kind `outcome-notify`."""

    desk: NotificationService

    def refused(self, outcome: Mapping[str, object]) -> Sequence[tuple[str, str]]:
        """Why a notification that an evaluation asks for would never be sent: (path in the outcome, why) for each."""
        try:
            self.desk.check(self._to_those_there_are(_request("", outcome, {})))
        except UnfitRequest as error:
            return error.faults
        return ()

    def handle(self, task: Task) -> Step:
        """Hand the message in at the desk, under an id that a repetition finds again."""
        outcome = _member(task.item.state, "outcome")
        try:
            self.desk.accept(self._to_those_there_are(_request(task.item.id, outcome, task.item.state)))
        except UnfitRequest as error:
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


Chain = Callable[[str, str, Mapping[str, object], int], Mapping[str, object]]
"""Offers an event (its id, name, detail and depth) to this installation itself; what its item is to say of that."""

_KEPT_HERE = frozenset({"outcome", "callback_url", "depth", "emitted_at"})
"""What an event does not tell of its item."""


@dataclass(frozen=True, slots=True)
class EmitOutcome:
    """Handles items of kind `outcome-emit`. Without `events` an event stays in its item, saying so."""

    events: Events | None
    tries: Tries
    chain: Chain | None = None

    def handle(self, task: Task) -> Step:
        """Tell the event, with its data and the evaluation it comes from; other facts stay in the audit."""
        if self.events is None or "emitted_at" in task.item.state:
            return self._chained_alone(task)
        try:
            chained: Mapping[str, object] | None = self._chained(task.item)
        except Unavailable:  # other systems are told all the same; this one takes the event in afterwards
            chained = None
        return self._emitted(task, self.events, chained)

    def _chained_alone(self, task: Task) -> Step:
        """Offer the event to this installation, where nobody else is to be told of it any more."""
        state = {**without_failures(task.item), **self._chained(task.item)}
        if "emitted_at" not in state and "chained" in state:
            state["emitted_at"] = timestamp(task.now)
        elif "emitted_at" not in state:
            state["not_emitted"] = "nowhere to: set TOCSIN_EVENTS_URL or TOCSIN_EVENT_BUS"
        return Step(finished(task.item, state))

    def _emitted(self, task: Task, events: Events, chained: Mapping[str, object] | None) -> Step:
        name, detail = _event(task.item)
        state = {**without_failures(task.item), **(chained or {}), "emitted_at": timestamp(task.now)}
        done = Step(waiting(task.item, task.now, state) if chained is None else finished(task.item, state))
        return self.tries.attempt(task, events.host, lambda: events.emit(task.item.id, name, detail), lambda: done)

    def _chained(self, item: Item) -> Mapping[str, object]:
        """What the event's own installation made of it; a repetition is done once."""
        if self.chain is None:
            return {}
        name, detail = _event(item)
        depth = item.state.get("depth", 0)
        return self.chain(item.id, name, detail, (depth if isinstance(depth, int) else 0) + 1)


@dataclass(frozen=True, slots=True)
class WebhookEvents:
    """`Events` as signed POSTs to one address."""

    host: str | None

    send: Callable[[str, str], None]
    """Sends a body under a message id: `Webhooks.send` with the address filled in."""

    def emit(self, event_id: str, name: str, detail: Mapping[str, object]) -> None:
        """POST the event as JSON."""
        self.send(event_id, exact_json.dumps({"event": name, "id": event_id, "detail": detail}))


def _event(item: Item) -> tuple[str, Mapping[str, object]]:
    """The name and the detail of an event; data with points in its names is nested as facts are."""
    outcome = _member(item.state, "outcome")
    detail = {name: value for name, value in without_failures(item).items() if name not in _KEPT_HERE}
    data = outcome.get("data")
    told = {"data": facts.nested(data)} if isinstance(data, Mapping) and data else {}
    return str(outcome["event"]), {**detail, "rule": outcome["rule"], **told}


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
        callback_url=str(origin["callback_url"]) if "callback_url" in origin else None,
    )


def _member(state: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = state.get(name)
    if not isinstance(value, Mapping):
        raise Permanent(f"the item has no {name}: it was not written by an evaluation")
    return value
