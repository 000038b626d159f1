"""Actions on real values: what a fired rule does to the facts, and the outcomes it asks for.

An action reads the input facts as earlier actions of the same evaluation left them. Numbers are exact and rounded half
to even once per action, to the fact's scale. Rules are not evaluated again.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias, assert_never

from service.core import TocsinError
from service.decide.outcomes import (
    AcceptanceWanted,
    ContactWanted,
    EventWanted,
    Flagged,
    IncidentWanted,
    NotificationWanted,
    Outcome,
    Rejected,
)
from service.decide.ruleset import (
    Accept,
    Action,
    Adjustment,
    Asking,
    Cap,
    Emit,
    Fact,
    FactPath,
    FactType,
    FlagForReview,
    Notify,
    OpenIncident,
    Percent,
    Reject,
    Rule,
    RuleContact,
    Ruleset,
    SetTo,
    Text,
    Value,
)
from service.decide.scales import EXACT
from service.decide.values import LIMIT, MAX_TEXT, canonical, outside

Working: TypeAlias = dict[str, Value]
"""The facts as the actions so far have left them."""

Effect: TypeAlias = Callable[[Working, list[Outcome]], None]
"""One action, ready to run: it changes the working facts or adds an outcome; it may raise `ActionRefused`."""

Number: TypeAlias = int | Decimal


class ActionRefused(TocsinError):
    """An action cannot be carried out on this request: the request does not fit what the rule wants to do."""

    def __init__(self, path: str, rule: str, message: str) -> None:
        super().__init__(f'{path}: rule "{rule}" {message}')
        self.path = path
        self.rule = rule
        self.message = message


def effects_of(ruleset: Ruleset, rule: Rule) -> tuple[Effect, ...]:
    """The rule's actions in order."""
    compiler = _Compiler(ruleset, rule.name)
    return tuple(compiler.effect(action) for action in rule.then)


class _Compiler:
    """Prepares the actions of one rule, so that running them costs only their arithmetic."""

    def __init__(self, ruleset: Ruleset, rule: str) -> None:
        self._facts = ruleset.facts
        self._rule = rule

    def effect(self, action: Action) -> Effect:
        match action:
            case SetTo(path=path, value=value):
                return self._set(self._facts[path], value)
            case Adjustment(path=path):
                return self._changed(self._facts[path], self._arithmetic(action))
            case Cap(path=path, limit=limit):
                return self._capped(path, _as_number(self._facts[path], limit))
            case Accept() | FlagForReview() | Reject() | Notify() | OpenIncident() | Emit():
                return self._asked(action)
            case _:
                assert_never(action)

    def _set(self, fact: Fact, value: Value | Text) -> Effect:
        path = fact.path
        if isinstance(value, Text):
            text = self._text(value, path)

            def write(working: Working, _: list[Outcome]) -> None:
                working[path] = text(working)

            return write
        constant = _as_number(fact, Decimal(value)) if isinstance(value, int | Decimal) and _is_number(fact) else value

        def put(working: Working, _: list[Outcome]) -> None:
            working[path] = constant

        return put

    def _arithmetic(self, change: Adjustment) -> Callable[[Decimal], Decimal]:
        if isinstance(change.by, Percent):
            factor = EXACT.add(1, EXACT.multiply(change.sign, change.by.of_hundred.scaleb(-2, EXACT)))
            return lambda value: EXACT.multiply(value, factor)
        amount = EXACT.multiply(change.sign, change.by)
        return lambda value: EXACT.add(value, amount)

    def _changed(self, fact: Fact, arithmetic: Callable[[Decimal], Decimal]) -> Effect:
        path, rule, whole = fact.path, self._rule, fact.type is FactType.INTEGER
        step = _step(fact)
        low, high = _bounds(fact)

        def change(working: Working, _: list[Outcome]) -> None:
            value = working.get(path)
            if not isinstance(value, Decimal | int):
                raise ActionRefused(path, rule, "changes this fact by an amount, but it is missing")
            changed = arithmetic(Decimal(value) if whole else value).quantize(step, None, EXACT)  # type: ignore[arg-type]  # a decimal fact holds Decimal
            if not low <= changed <= high:
                raise ActionRefused(path, rule, f"would make it {_reason(fact, changed)}")
            working[path] = int(changed) if whole else changed

        return change

    def _capped(self, path: str, limit: Number) -> Effect:
        def cap(working: Working, _: list[Outcome]) -> None:
            value = working.get(path)
            if isinstance(value, Decimal | int) and value > limit:
                working[path] = limit

        return cap

    def _asked(self, action: Asking) -> Effect:
        outcome = self._outcome(action)

        def ask(working: Working, outcomes: list[Outcome]) -> None:
            outcomes.append(outcome(working))

        return ask

    def _outcome(self, action: Asking) -> Callable[[Working], Outcome]:
        rule = self._rule
        match action:
            case FlagForReview(reason=reason):
                text = self._text(reason, "reason")
                return lambda working: Flagged(rule, text(working))
            case Reject(reason=reason):
                text = self._text(reason, "reason")
                return lambda working: Rejected(rule, text(working))
            case Emit(event=event, data=data):
                texts = {name: self._text(text, name) for name, text in data.items()}
                return lambda working: EventWanted(rule, event, {name: text(working) for name, text in texts.items()})
            case Notify():
                return self._notification(action)
            case OpenIncident():
                return self._incident(action)
            case Accept():
                return lambda _: AcceptanceWanted(rule)
            case _:
                assert_never(action)

    def _notification(self, action: Notify) -> Callable[[Working], Outcome]:
        rule, template = self._rule, action.template
        audience = self._optional(action.audience, "audience")
        recipients = [self._text(recipient, "recipients") for recipient in action.recipients]
        variables = {name: self._text(text, name) for name, text in action.variables.items()}
        return lambda working: NotificationWanted(
            rule,
            template,
            audience(working),
            tuple(recipient(working) for recipient in recipients),
            {name: text(working) for name, text in variables.items()},
        )

    def _incident(self, action: OpenIncident) -> Callable[[Working], Outcome]:
        rule, policy = self._rule, action.policy
        description, url = self._text(action.description, "description"), self._optional(action.url, "url")
        contacts = [self._contact(contact) for contact in action.contacts]
        return lambda working: IncidentWanted(
            rule, description(working), policy, tuple(contact(working) for contact in contacts), url(working)
        )

    def _contact(self, contact: RuleContact) -> Callable[[Working], ContactWanted]:
        parts = [contact.recipient, contact.name, contact.phone, contact.language, contact.email, contact.roster]
        texts = [self._optional(part, "contacts") for part in parts]
        return lambda working: ContactWanted(*[text(working) for text in texts])

    def _optional(self, text: Text | None, what: str) -> Callable[[Working], str | None]:
        return (lambda _: None) if text is None else self._text(text, what)

    def _text(self, text: Text, what: str) -> Callable[[Working], str]:
        """Fill a text: facts in the form they are answered in, a missing one as nothing."""
        if not any(isinstance(part, FactPath) for part in text.parts):
            literal = "".join(part for part in text.parts if isinstance(part, str))
            return lambda _: literal
        rule = self._rule
        slots = [self._facts[part.path] if isinstance(part, FactPath) else part for part in text.parts]

        def fill(working: Working) -> str:
            parts = [slot if isinstance(slot, str) else _written(slot, working.get(slot.path)) for slot in slots]
            if sum(map(len, parts)) > MAX_TEXT:
                raise ActionRefused(what, rule, f"would write a text of more than {MAX_TEXT:,} characters")
            return "".join(parts)

        return fill


def _written(fact: Fact, value: Value | None) -> str:
    if value is None:
        return ""
    written = canonical(fact, value)
    return str(written).lower() if isinstance(written, bool) else str(written)


def _as_number(fact: Fact, number: Decimal) -> Number:
    return int(number) if fact.type is FactType.INTEGER else number.quantize(_step(fact), None, EXACT)


def _is_number(fact: Fact) -> bool:
    return fact.type in (FactType.INTEGER, FactType.DECIMAL)


def _step(fact: Fact) -> Decimal:
    return Decimal(1).scaleb(-fact.scale)


def _bounds(fact: Fact) -> tuple[Number, Number]:
    low = fact.minimum if isinstance(fact.minimum, int | Decimal) else 1 - LIMIT
    high = fact.maximum if isinstance(fact.maximum, int | Decimal) else LIMIT - 1
    return low, high


def _reason(fact: Fact, changed: Decimal) -> str:
    beyond = outside(fact, changed)
    return f"{changed:f}, which is not below 10^18" if beyond is None else beyond.message
