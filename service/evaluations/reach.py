"""Whom the outcomes of a decision reach, asked before the answer: an outcome that reaches nobody refuses the request.

A notification reaches nobody also where its audience is empty, its template is not there or its values do not fit it.

Afterwards nobody could be told. Who cannot be reached beside others is named in the outcome, by the fact that says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from service.core import TocsinError
from service.decide import (
    Action,
    FactPath,
    IncidentWanted,
    NotificationWanted,
    Notify,
    Omission,
    OpenIncident,
    Outcome,
    Ruleset,
    Text,
)
from service.escalate import NotFitting, RuleIncidents
from service.http import FieldError, Problem
from service.notify import NotifyOutcome
from service.recipients import NO_RECIPIENT, Directory

W = TypeVar("W", IncidentWanted, NotificationWanted)


class NobodyReached(TocsinError):
    """A rule would page or notify nobody; `faults` name the facts that say whom."""

    def __init__(self, rule: str, faults: Sequence[FieldError]) -> None:
        self.rule = rule
        self.faults = tuple(faults)
        reasons = "; ".join(f"{fault.path}: {fault.message}" for fault in self.faults)
        super().__init__(f'rule "{rule}" would reach nobody: {reasons}')


@dataclass(frozen=True, slots=True)
class ReachCheck:
    """Looks at the outcomes of one decision after the other."""

    incidents: RuleIncidents
    notifications: NotifyOutcome
    directory: Directory

    def judged(self, ruleset: Ruleset, outcomes: Sequence[Outcome]) -> tuple[Outcome, ...]:
        """The outcomes, with whom they do without; `NobodyReached`."""
        counted: Counter[tuple[str, type[Outcome]]] = Counter()
        judged: list[Outcome] = []
        for outcome in outcomes:
            place = counted[outcome.rule, type(outcome)]
            counted[outcome.rule, type(outcome)] += 1
            judged.append(self._judged(ruleset, outcome, place))
        return tuple(judged)

    def _judged(self, ruleset: Ruleset, outcome: Outcome, place: int) -> Outcome:
        match outcome:
            case IncidentWanted():
                unfit, reaches = self._of_incident(outcome)
                return _without(outcome, unfit, reaches, lambda: _action(ruleset, outcome.rule, OpenIncident, place))
            case NotificationWanted():
                unfit, reaches = self._of_notification(outcome)
                return _without(outcome, unfit, reaches, lambda: _action(ruleset, outcome.rule, Notify, place))
            case _:
                return outcome

    def _of_incident(self, outcome: IncidentWanted) -> tuple[Sequence[NotFitting], bool]:
        try:
            read = self.incidents.read(outcome.as_json())
        except Problem as problem:
            return [NotFitting(error.path, error.message) for error in problem.errors], False
        return read.left_out, read.reaches_somebody

    def _of_notification(self, outcome: NotificationWanted) -> tuple[Sequence[NotFitting], bool]:
        if refused := self.notifications.refused(outcome.as_json()):
            return [NotFitting(path, why) for path, why in refused], False
        missing = self.directory.missing(outcome.recipients)
        unknown = (number for number, name in enumerate(outcome.recipients) if name in missing)
        return [NotFitting(f"recipients[{number}]", NO_RECIPIENT) for number in unknown], True


def _without(outcome: W, unfit: Sequence[NotFitting], reaches: bool, action: Callable[[], Action | None]) -> W:
    if not unfit:
        return outcome
    texts = _texts(action())
    named = [(_fact(texts.get(each.path)), each) for each in unfit]
    if not reaches:
        faults = [FieldError(path, f"{each.path}: {each.why}") for path, each in named]
        raise NobodyReached(outcome.rule, faults)
    return replace(outcome, left_out=tuple(Omission(path or each.path, each.why) for path, each in named))


def _action(ruleset: Ruleset, rule: str, kind: type[Action], place: int) -> Action | None:
    """The action of a rule that an outcome comes from: the one at its place among those of its kind."""
    actions = [action for each in ruleset.rules if each.name == rule for action in each.then]
    alike = [action for action in actions if isinstance(action, kind)]
    return alike[place] if place < len(alike) else None


def _texts(action: Action | None) -> Mapping[str, Text | None]:
    """The texts that say whom an action reaches, by the path of what they become."""
    match action:
        case OpenIncident(contacts=contacts):
            members = ("phone", "recipient", "name", "language", "email", "roster")
            whole = {
                f"contacts[{n}]": contact.phone or contact.recipient or contact.roster
                for n, contact in enumerate(contacts)
            }
            parts = {f"contacts[{n}].{m}": getattr(c, m) for n, c in enumerate(contacts) for m in members}
            return whole | parts
        case Notify(audience=audience, recipients=recipients, variables=variables):
            people = {f"recipients[{n}]": text for n, text in enumerate(recipients)}
            return {"audience": audience} | people | {f"variables.{name}": text for name, text in variables.items()}
        case _:
            return {}


def _fact(text: Text | None) -> str:
    """The fact that a text reads first; empty where it reads none, so that the rule file alone is to blame."""
    return next((part.path for part in text.parts if isinstance(part, FactPath)), "") if text is not None else ""
