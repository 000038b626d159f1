"""Evaluations that rules flagged wait for a person, whose decision is recorded, audited and sent to the app.

The word is audited under the request that was flagged, so that whoever follows a request meets its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import structs

from service.core import TocsinError, exact_json, timestamp
from service.messages.webhooks import Callback, owed
from service.storage import AuditEntry, Item

FLAGGED = "outcome-review"


class NotWaiting(TocsinError):
    """Nothing with this id waits for a person: it was decided already, or never existed."""


class RulingWord(StrEnum):
    """What a person says of a flagged evaluation."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's decision: who made it, in which way, and by which request, if there was one.

    `contact` is the number of a contact who was asked by an incident: the audit names nobody else's customers.
    """

    word: RulingWord
    reason: str
    by: str
    at: datetime
    via: str
    request_id: str | None = None
    contact: int | None = None

    def as_json(self) -> dict[str, object]:
        """As it is stored beside what was flagged."""
        members = {"decision": self.word.value, "reason": self.reason, "by": self.by, "at": timestamp(self.at)}
        return {**members, "via": self.via}


@dataclass(frozen=True, slots=True)
class RulingCommit:
    """The result of a ruling: the item as decided, and what is committed with it."""

    item: Item
    audit: AuditEntry
    spawn: Sequence[Item]


def waits_for_review(item: Item | None) -> bool:
    """Whether this is an evaluation that nobody has decided about."""
    return item is not None and item.kind == FLAGGED and "review" not in item.state


def ruled(item: Item, ruling: Ruling) -> RulingCommit:
    """The item of a flagged evaluation after a person's word."""
    decided = structs.replace(item, state={**item.state, "review": ruling.as_json()}, keys={})
    return RulingCommit(decided, _entry(item, ruling), _callbacks(item, ruling))


def _entry(item: Item, ruling: Ruling) -> AuditEntry:
    origin = item.state
    ruleset = _named(origin).get("name")
    by = ruling.by if ruling.contact is None else f"contact {ruling.contact}"
    members = {**ruling.as_json(), "by": by}
    detail = {"about": item.id, "evaluation_id": origin.get("evaluation_id"), **members}
    if ruling.request_id is not None:
        detail["decided_by_request"] = ruling.request_id
    return AuditEntry(
        f"{item.id}-review",
        str(origin.get("request_id") or ruling.request_id or item.id),
        "review",
        ruling.at,
        ruling.by if ruling.contact is None else str(origin.get("app", "rules")),
        exact_json.dumps(members),
        ruleset if isinstance(ruleset, str) else None,
        detail,
    )


def _callbacks(item: Item, ruling: Ruling) -> Sequence[Item]:
    origin = item.state
    url = origin.get("callback_url")
    if not isinstance(url, str):
        return ()
    members = {
        "review_id": item.id,
        "evaluation_id": origin.get("evaluation_id"),
        "request_id": origin.get("request_id"),
        "ruleset": _named(origin),
        **ruling.as_json(),
    }
    return (owed(f"{item.id}-callback", Callback(url, exact_json.dumps(members)), ruling.at),)


def _named(origin: Mapping[str, object]) -> Mapping[str, object]:
    ruleset = origin.get("ruleset")
    return ruleset if isinstance(ruleset, Mapping) else {}
