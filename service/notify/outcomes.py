"""What fired rules asked for, carried out after the answer: `notify` sends, `emit` tells other systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from service.core import Unavailable, exact_json, timestamp
from service.decide import facts
from service.messages import PostAttempts, without_failures
from service.notify.service import NotificationService, Request, UnfitRequest
from service.storage import Item
from service.work import Commit, Permanent, Task, finished, waiting

NOTIFY = "outcome-notify"
EMIT = "outcome-emit"


@dataclass(frozen=True, slots=True)
class NotifyOutcome:
    """Handles items of kind `outcome-notify`."""

    notifications: NotificationService

    def refused(self, outcome: Mapping[str, object]) -> Sequence[tuple[str, str]]:
        """Why a notification that an evaluation asks for would never be sent: (path in the outcome, why) for each."""
        try:
            self.notifications.check(self._to_those_there_are(_request("", outcome, {})))
        except UnfitRequest as error:
            return error.faults
        return ()

    def handle(self, task: Task) -> Commit:
        """Hand in the message, under an id that a repetition finds again."""
        outcome = _member(task.item.state, "outcome")
        try:
            self.notifications.create(self._to_those_there_are(_request(task.item.id, outcome, task.item.state)))
        except UnfitRequest as error:
            raise Permanent(f"the rule's notification cannot be sent: {error}") from error
        return Commit(finished(task.item))

    def _to_those_there_are(self, request: Request) -> Request:
        """Without the recipients that no profile has, as the answer said; with them if there is no other."""
        known = self.notifications.known(request.recipients)
        return replace(request, recipients=known) if known else request


class Events(Protocol):
    """Where events for other systems are sent: a signed webhook, or EventBridge."""

    @property
    def host(self) -> str | None:
        """The host that is called; None for a service that limits its callers itself."""

    def emit(self, event_id: str, name: str, detail: Mapping[str, object]) -> None:
        """Hand one event over; raises `RetryLater` or `Permanent`."""


Chain = Callable[[str, str, Mapping[str, object], int], Mapping[str, object]]
"""Offers an event (its id, name, detail and depth) to this installation itself; returns what its item records."""

_KEPT_HERE = frozenset({"outcome", "callback_url", "depth", "emitted_at"})
"""What an event does not tell of its item."""


@dataclass(frozen=True, slots=True)
class EmitOutcome:
    """Handles items of kind `outcome-emit`. Without `events` an event stays in its item, which says so."""

    events: Events | None
    tries: PostAttempts
    chain: Chain | None = None

    def handle(self, task: Task) -> Commit:
        """Tell the event, with its data and the evaluation it comes from; other facts stay in the audit."""
        if self.events is None or "emitted_at" in task.item.state:
            return self._chained_alone(task)
        try:
            chained: Mapping[str, object] | None = self._chained(task.item)
        except Unavailable:  # other systems are told all the same; this one handles the event afterwards
            chained = None
        return self._emitted(task, self.events, chained)

    def _chained_alone(self, task: Task) -> Commit:
        """Offer the event to this installation, when no other system is to be told any more."""
        state = {**without_failures(task.item), **self._chained(task.item)}
        if "emitted_at" not in state and "chained" in state:
            state["emitted_at"] = timestamp(task.now)
        elif "emitted_at" not in state:
            state["not_emitted"] = "nowhere to: set TOCSIN_EVENTS_URL or TOCSIN_EVENT_BUS"
        return Commit(finished(task.item, state))

    def _emitted(self, task: Task, events: Events, chained: Mapping[str, object] | None) -> Commit:
        name, detail = _event(task.item)
        state = {**without_failures(task.item), **(chained or {}), "emitted_at": timestamp(task.now)}
        done = Commit(waiting(task.item, task.now, state) if chained is None else finished(task.item, state))
        return self.tries.attempt(task, events.host, lambda: events.emit(task.item.id, name, detail), lambda: done)

    def _chained(self, item: Item) -> Mapping[str, object]:
        """What this installation did with the event; a repetition is done once."""
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
    members = {"data": facts.nested(data)} if isinstance(data, Mapping) and data else {}
    return str(outcome["event"]), {**detail, "rule": outcome["rule"], **members}


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
