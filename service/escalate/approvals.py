"""A review and the incident that asks for the same approval are one: the first answer decides both.

They are bound when one rule flags an evaluation and opens an incident under a policy whose NO is final.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.core import ids
from service.escalate.events import ApiAcknowledge, ApiCancel, Origin, Via
from service.escalate.incidents import Incidents, NoSuchIncident, log
from service.escalate.items import record_of
from service.escalate.phone_book_changes import PhoneBooks
from service.escalate.policy import OnNo
from service.escalate.states import Open, Unacknowledged
from service.escalate.steps import IncidentChange
from service.messages import NotWaiting, Ruling, RulingWord
from service.storage import Conflict, Item


@dataclass(frozen=True, slots=True)
class Approvals:
    """Decides about flagged evaluations, and with them about the incidents that ask for the same approval."""

    incidents: Incidents

    def decide(self, review_id: str, ruling: Ruling) -> None:
        """Record a person's word, once; `NotWaiting` for what waits for none."""
        while True:
            books = self.incidents.books()
            ruled = books.rule(review_id, ruling)
            if ruled is None:
                raise NotWaiting(f"{review_id} does not wait for a review")
            change = self._followed(ruled.item, ruling, books)
            items, spawn, audit = ([], (), ()) if change is None else ([change.item], change.spawn, change.audit)
            try:
                self.incidents.store.save(
                    *items, *books.changed(), spawn=[*ruled.spawn, *spawn], audit=[ruled.audit, *audit]
                )
            except Conflict:
                continue
            if change is not None:
                log(change)
            return

    def _followed(self, review: Item, ruling: Ruling, books: PhoneBooks) -> IncidentChange | None:
        """The change that the word makes to the bound incident; None if there is none, or it is over."""
        try:
            item = self.incidents.item(str(review.state.get("incident", "")))
        except NoSuchIncident:
            return None
        incident = record_of(item).incident
        if incident.policy.on_no is not OnNo.END or not isinstance(incident.state, Open | Unacknowledged):
            return None
        name, by = ids.fresh(ruling.at), ruling.by
        origin = Origin(Via.API, by, None, ruling.request_id)
        approved = ruling.word is RulingWord.APPROVE
        happened = ApiAcknowledge if approved else ApiCancel
        return self.incidents.change_of(item, happened(name, ruling.at, by, origin=origin), books)
