"""`open incident`, the rule action: what an evaluation asked for, carried out after its answer is durable."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from service.escalate import lenient
from service.escalate.incidents import Incidents, OtherContent, ReviewDecided
from service.escalate.intake import IntakeRules
from service.escalate.lenient import LenientIncident
from service.escalate.policy import OnNo
from service.storage import Item
from service.work import Commit, Permanent, Task, finished

KIND = "outcome-incident"

_MEMBERS = ("description", "url", "policy", "contacts")


@dataclass(frozen=True, slots=True)
class RuleIncidents:
    """Opens the incidents that rules ask for; each once, under the id of its outcome."""

    incidents: Incidents
    rules: IntakeRules

    def read(self, outcome: Mapping[str, object]) -> LenientIncident:
        """The incident of one outcome, as JSON, without what does not fit; `Problem` if nothing can be made of it."""
        body = {name: outcome[name] for name in _MEMBERS if outcome.get(name) not in (None, "")}
        if not str(body.get("description", "")).strip():
            body["description"] = str(outcome.get("rule", "")) or "A rule opened this incident"
        contacts = body.get("contacts")
        if isinstance(contacts, list):
            body["contacts"] = [_said(contact) for contact in contacts]
        return self.incidents.fitted(lenient.read(body, self.rules))

    def handle(self, task: Task) -> Commit:
        """Open the incident of one outcome; an outcome that reaches nobody is dead, with the reason."""
        read = self.read(_outcome(task.item))
        read.refuse_if_nobody()
        # opened by a try that died, and whom it reaches has changed since; or decided before anybody was asked
        with suppress(OtherContent, ReviewDecided):
            self._open(read, task.item)
        return Commit(finished(task.item))

    def _open(self, read: LenientIncident, item: Item) -> None:
        """Open the incident, unless the review to which it is bound was decided meanwhile."""
        review, url = item.state.get("review"), item.state.get("callback_url")
        bound = review if isinstance(review, str) and self._is_approval(read) else None
        new = replace(read.new, callback_url=url) if isinstance(url, str) else read.new
        self.incidents.open(new, str(item.state.get("app", "rules")), item.id, read.left_out, review=bound)

    def _is_approval(self, read: LenientIncident) -> bool:
        """Whether a NO is final under the policy, so that YES and NO decide a review too."""
        return self.incidents.policies.get(read.new.policy).on_no is OnNo.END


def _said(contact: object) -> object:
    """A contact without the members for which the facts had nothing to say."""
    if not isinstance(contact, Mapping):
        return contact
    return {name: value for name, value in contact.items() if value != "" or name in ("phone", "recipient")}


def _outcome(item: Item) -> Mapping[str, object]:
    outcome = item.state.get("outcome")
    if not isinstance(outcome, Mapping):
        raise Permanent("the outcome is not one that this release writes")
    return outcome
