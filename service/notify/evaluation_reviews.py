"""Evaluations that a rule flagged: they wait in the queue of held messages, and a person's decision is recorded."""

from __future__ import annotations

from msgspec import structs

from service.core.clock import timestamp
from service.notify.notification import Review
from service.notify.review import NotHeld
from service.storage import AuditEntry, Conflict, Store

KIND = "outcome-review"


def reviewed(store: Store, item_id: str, review: Review, audit: AuditEntry) -> None:
    """Record the decision about a flagged evaluation, once; `NotHeld` for anything else."""
    item = store.get(item_id)
    if item is None or item.kind != KIND or "review" in item.state:
        raise NotHeld(f"{item_id} does not wait for a review")
    decided = {"decision": review.decision, "reason": review.reason, "by": review.by, "at": timestamp(review.at)}
    try:
        store.save(structs.replace(item, state={**item.state, "review": decided}, keys={}), audit=[audit])
    except Conflict:
        reviewed(store, item_id, review, audit)
