"""Evaluations that rules flagged wait for a person, whose word is recorded, audited and told to the app that asked.

The word is audited under the request that was flagged, so that whoever follows a request meets its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from msgspec import structs

from service.core import exact_json
from service.core.clock import timestamp
from service.core.errors import TocsinError
from service.messages.webhooks import Callback, owed
from service.storage import AuditEntry, Item

FLAGGED = "outcome-review"


class NotWaiting(TocsinError):
    """Nothing of this id waits for a person: it was decided already, or never asked for."""


class Word(StrEnum):
    """What a person says of a flagged evaluation."""

    APPROVE = "approve"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's word: who said it, by which way, and the request by which it came, if one did.

    `contact` is the number of a contact who was asked by an incident: the audit names nobody else's customers.
    """

    word: Word
    reason: str
    by: str
    at: datetime
    via: str
    request_id: str | None = None
    contact: int | None = None

    def as_json(self) -> dict[str, object]:
        """As it is stored beside what was flagged."""
        said = {"decision": self.word.value, "reason": self.reason, "by": self.by, "at": timestamp(self.at)}
        return {**said, "via": self.via}


@dataclass(frozen=True, slots=True)
class Ruled:
    """What a ruling comes to: the item as decided, and what is committed with it."""

    item: Item
    audit: AuditEntry
    spawn: Sequence[Item]


def waits_for_review(item: Item | None) -> bool:
    """Whether this is an evaluation that nobody has decided about."""
    return item is not None and item.kind == FLAGGED and "review" not in item.state


def ruled(item: Item, ruling: Ruling) -> Ruled:
    """The item of a flagged evaluation after a person's word."""
    decided = structs.replace(item, state={**item.state, "review": ruling.as_json()}, keys={})
    return Ruled(decided, _entry(item, ruling), _callbacks(item, ruling))


def _entry(item: Item, ruling: Ruling) -> AuditEntry:
    origin = item.state
    ruleset = _named(origin).get("name")
    by = ruling.by if ruling.contact is None else f"contact {ruling.contact}"
    said = {**ruling.as_json(), "by": by}
    detail = {"about": item.id, "evaluation_id": origin.get("evaluation_id"), **said}
    if ruling.request_id is not None:
        detail["decided_by_request"] = ruling.request_id
    return AuditEntry(
        f"{item.id}-review",
        str(origin.get("request_id") or ruling.request_id or item.id),
        "review",
        ruling.at,
        ruling.by if ruling.contact is None else str(origin.get("app", "rules")),
        exact_json.dumps(said),
        ruleset if isinstance(ruleset, str) else None,
        detail,
    )


def _callbacks(item: Item, ruling: Ruling) -> Sequence[Item]:
    origin = item.state
    url = origin.get("callback_url")
    if not isinstance(url, str):
        return ()
    told = {
        "review_id": item.id,
        "evaluation_id": origin.get("evaluation_id"),
        "request_id": origin.get("request_id"),
        "ruleset": _named(origin),
        **ruling.as_json(),
    }
    return (owed(f"{item.id}-callback", Callback(url, exact_json.dumps(told)), ruling.at),)


def _named(origin: Mapping[str, object]) -> Mapping[str, object]:
    ruleset = origin.get("ruleset")
    return ruleset if isinstance(ruleset, Mapping) else {}
