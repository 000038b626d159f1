"""Alerts that come again: which incident an app's `dedup_key` stands for now."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from msgspec import structs

from service.core import from_state, to_state
from service.escalate.incident import Incident
from service.escalate.states import Acknowledged, Open
from service.storage import Item, Store

KIND = "incident-alert"


@dataclass(frozen=True, slots=True)
class Alert:
    """The incident that a key of an app opened last."""

    incident_id: str = ""


def alert_item(store: Store, app: str, dedup_key: str) -> Item:
    """The item of a key, of version 0 if it was never used; apps share no keys."""
    name = hashlib.sha256(f"{app}\0{dedup_key}".encode()).hexdigest()[:40]
    return store.get(f"alert-{name}") or Item(f"alert-{name}", KIND, to_state(Alert()))


def incident_of(item: Item) -> str | None:
    """The id of the incident that the key opened last."""
    return from_state(Alert, item.state).incident_id or None


def naming(item: Item, incident_id: str) -> Item:
    """The item once the key has opened this incident."""
    return structs.replace(item, state=to_state(Alert(incident_id)))


def counts_again(incident: Incident) -> bool:
    """Whether the same alert adds to the incident instead of opening another one."""
    return isinstance(incident.state, Open | Acknowledged)
