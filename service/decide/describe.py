"""Actions in the words of rule files, for people who compare versions or read about a ruleset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from service.decide.ruleset import (
    Accept,
    Action,
    Adjustment,
    Cap,
    Emit,
    Fact,
    FactPath,
    FlagForReview,
    Notify,
    OpenIncident,
    Percent,
    Reject,
    RuleContact,
    SetTo,
    Text,
)
from service.decide.wording import constant_text


def actions_text(actions: Iterable[Action], facts: Mapping[str, Fact]) -> str:
    """What a rule does: `increase policy.premium by 20%, flag for review "Ask Ann"`."""
    return ", ".join(action_text(action, facts) for action in actions)


def action_text(action: Action, facts: Mapping[str, Fact]) -> str:
    """One action as a sentence without a subject."""
    match action:
        case SetTo(path=path, value=value):
            return f"set {path} to {_quoted(value) if isinstance(value, Text) else constant_text(facts[path], value)}"
        case Adjustment(path=path, sign=sign, by=Percent(of_hundred=share)):
            return f"{_verb(sign)} {path} by {share:f}%"
        case Adjustment(path=path, sign=sign, by=amount):
            return f"{_verb(sign)} {path} by {amount}"
        case Cap(path=path, limit=limit):
            return f"cap {path} at {limit:f}"
        case FlagForReview(reason=reason):
            return f"flag for review {_quoted(reason)}"
        case Reject(reason=reason):
            return f"reject {_quoted(reason)}"
        case Emit(event=event, data=data):
            members = ", ".join(f"{name} {_quoted(text)}" for name, text in data.items())
            return f"emit {event} with {members}" if members else f"emit {event}"
        case Accept():
            return "accept"
        case Notify() | OpenIncident():
            return _message_text(action)


def text_of(text: Text) -> str:
    """A text as rule files write it, its facts as `{{ driver.name }}`."""
    return "".join(f"{{{{ {part.path} }}}}" if isinstance(part, FactPath) else part for part in text.parts)


def _message_text(action: Notify | OpenIncident) -> str:
    match action:
        case Notify(template=template, audience=Text() as audience):
            return f"notify {text_of(audience)} with {template}"
        case Notify(template=template, recipients=recipients):
            return f"notify {', '.join(map(text_of, recipients))} with {template}"
        case OpenIncident(description=description, policy=policy, contacts=contacts):
            paged = ", ".join(map(_contact, contacts)) or "whom the policy names"
            return f"open incident {_quoted(description)} by policy {policy}, paging {paged}"


def _contact(contact: RuleContact) -> str:
    if contact.roster is not None:
        return f"who is on call for {text_of(contact.roster)}"
    parts = (contact.name, contact.recipient, contact.phone, contact.email)
    return next((text_of(part) for part in parts if part is not None), "nobody")


def _quoted(text: Text) -> str:
    return f'"{text_of(text)}"'


def _verb(sign: int) -> str:
    return "increase" if sign > 0 else "decrease"
