"""What became of messages to people, as their providers tell it: the owning kind of item is told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from service.channels import Receipt, Unwanted
from service.channels import ReceiptStatus as Told
from service.escalate.events import Event, Failure
from service.escalate.incidents import Incidents, log
from service.escalate.items import BY_PROVIDER, MESSAGE, Fate, Outgoing, outgoing_of, sent_item
from service.escalate.policy import PAGING
from service.escalate.results import failure, sent
from service.messages import OptOutReason, OptOuts
from service.storage import Conflict, Item

logger = logging.getLogger(__name__)

_RANK = {Fate.PENDING: 0, Fate.UNKNOWN: 1, Fate.ACCEPTED: 2, Fate.FAILED: 3, Fate.DROPPED: 3, Fate.DELIVERED: 4}
"""Receipts come late, twice and out of order: one that does not rank higher changes nothing."""

_FATES = {Told.DELIVERED: Fate.DELIVERED, Told.UNREACHED: Fate.FAILED, Told.REFUSED: Fate.FAILED}


@dataclass(frozen=True, slots=True)
class Receipts:
    """Takes receipts; those of messages that are no incident's go to `others`."""

    incidents: Incidents
    opt_outs: OptOuts
    others: Callable[[Receipt], None]

    def receive(self, event: Receipt | Unwanted) -> None:
        """Take one receipt; a bounce for good or a complaint also ends all mail to its addresses."""
        receipt = event.receipt if isinstance(event, Unwanted) else event
        if isinstance(event, Unwanted):
            why = OptOutReason.COMPLAINT if receipt.fate is Told.DELIVERED else OptOutReason.BOUNCE
            for address in event.addresses:
                self.opt_outs.add_email(address, why)
        item = self._item(receipt)
        if item is None or item.kind != MESSAGE:
            self.others(receipt)
        elif receipt.fate in _FATES:
            self._move(item, receipt, _FATES[receipt.fate])

    def _item(self, receipt: Receipt) -> Item | None:
        """The message by our own id, which came along, else by its provider's."""
        if receipt.delivery_id is not None:
            return self.incidents.store.get(receipt.delivery_id)
        items = self.incidents.store.by_index(BY_PROVIDER, receipt.provider_id, limit=1).items
        return items[0] if items else None

    def _move(self, item: Item, receipt: Receipt, fate: Fate) -> None:
        outgoing = outgoing_of(item)
        if _RANK[fate] <= _RANK[outgoing.fate] or (receipt.attempt or outgoing.attempt) < outgoing.attempt:
            return
        moved = replace(outgoing, fate=fate, provider_id=receipt.provider_id, detail=receipt.status)
        try:
            self._save(sent_item(item, moved), moved, self._event(item.id, outgoing, fate, receipt))
        except Conflict:
            self.receive(receipt)  # the incident, or the message, changed meanwhile: look again

    def _event(self, name: str, outgoing: Outgoing, fate: Fate, receipt: Receipt) -> Event | None:
        """The event for the incident. It knows that the message left, unless the receipt came first."""
        now = self.incidents.clock.now()
        if fate is Fate.DELIVERED:
            return None if outgoing.fate is Fate.ACCEPTED else sent(outgoing, now, None)
        why = Failure.REFUSED if receipt.fate is Told.REFUSED else Failure.UNDELIVERED
        return failure(name, outgoing, why, now) if outgoing.role in PAGING else None

    def _save(self, item: Item, outgoing: Outgoing, event: Event | None) -> None:
        books = self.incidents.books()
        changed = (
            None if event is None else self.incidents.change_of(self.incidents.item(outgoing.incident_id), event, books)
        )
        if changed is None:
            self.incidents.store.save(item)
            return
        others = (changed.item, *books.changed())
        self.incidents.store.save(item, *others, spawn=changed.spawn, audit=changed.audit)
        log(changed)
