"""The closed list of verbs that a rule's `then` may use, each checked against the facts it changes or reads."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from functools import partial

from service.core import SAY_SOMETHING, is_blank, placeholders
from service.decide import contacts, entries, numerals, texts, values
from service.decide.entries import EntryKeys
from service.decide.errors import RuleFaults
from service.decide.findings import Flaw
from service.decide.positions import Entries, Node, Scalar
from service.decide.ruleset import (
    Accept,
    Action,
    Adjustment,
    Cap,
    Emit,
    Fact,
    FactType,
    FlagForReview,
    Notify,
    OpenIncident,
    Percent,
    Place,
    Reject,
    RuleContact,
    SetTo,
    Text,
    Value,
)
from service.decide.schema import Schema
from service.decide.values import UnfitValue

KEYS: Mapping[str, tuple[str, ...]] = {
    "accept": (),
    "set": ("to",),
    "increase": ("by",),
    "decrease": ("by",),
    "cap": ("at",),
    "flag for review": (),
    "reject": (),
    "notify": ("audience", "recipients", "variables"),
    "open incident": ("policy", "contacts", "url"),
    "emit": ("with",),
}
"""Every verb with the keys that may stand beside it."""

VERDICTS = frozenset({"accept", "flag for review", "reject"})
"""The verbs that judge and do nothing else."""

DEFAULT_POLICY = "default"
"""The escalation policy of an incident that names none."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_MEMBER = re.compile(r"(?=.{1,100}\Z)[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z_][A-Za-z0-9_-]*){0,7}")
MAX_DATA = 50
"""Data that one event may hold."""
_EVENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}")
_PERCENT = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?) ?%")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")


def read(node: Node, schema: Schema, faults: RuleFaults, allowed: Collection[str] = frozenset(KEYS)) -> Action | None:
    """One action; None, with every fault reported, if it is not one of the `allowed` verbs used as it should be."""
    return _Reader(schema, faults, allowed).action(node)


class _Reader:
    """Reads the actions of one rule."""

    def __init__(self, schema: Schema, faults: RuleFaults, allowed: Collection[str]) -> None:
        self._schema = schema
        self._faults = faults
        self._allowed = allowed
        self._by_verb: Mapping[str, Callable[[EntryKeys], Action | None]] = {
            "set": self._set,
            "increase": lambda keys: self._change(keys, "increase", 1),
            "decrease": lambda keys: self._change(keys, "decrease", -1),
            "cap": self._cap,
            "flag for review": self._flag,
            "reject": self._reject,
            "notify": self._notify,
            "open incident": self._open_incident,
            "emit": self._emit,
        }

    def action(self, node: Node) -> Action | None:
        match node:
            case Scalar() if node.text == "accept":
                return Accept(node.at)
            case Scalar():
                self._blame_bare(node)
            case Entries(pairs) if pairs:
                return self._by_keys(node, [key for key, _ in pairs])
            case _:
                entries.mismatch(node, "an action must be a verb with what it acts on", self._faults, self._known())
        return None

    def _blame_bare(self, node: Scalar) -> None:
        if node.text in self._by_verb:
            message = f'"{node.text}" needs to say what it acts on'
            self._faults.error(Flaw.SYNTAX, node.at, message, f"write {{{node.text}: …}}")
        else:
            self._blame_verb(node)

    def _blame_verb(self, key: Scalar) -> None:
        hint = _as_mapping(key.text) or self._faults.did_you_mean(key.text, self._allowed) or self._known()
        self._faults.error(Flaw.UNKNOWN_VERB, key.at, f'unknown verb "{key.text}"', hint)

    def _known(self) -> str:
        return f"known: {', '.join(verb for verb in KEYS if verb in self._allowed)}"

    def _by_keys(self, node: Entries, keys: list[Scalar]) -> Action | None:
        verbs = [key for key in keys if key.text in KEYS]
        if not verbs:
            self._blame_verb(keys[0])
            return None
        verb = verbs[0]
        if another := next((key for key in verbs if key.text != verb.text), None):
            message = f'one action has one verb, here are "{verb.text}" and "{another.text}"'
            self._faults.error(Flaw.SYNTAX, another.at, message, "begin a new action with - or its own { }")
            return None
        if verb.text not in self._allowed:
            message = f'"{verb.text}" may not be used in this ruleset'
            self._faults.error(Flaw.UNKNOWN_VERB, verb.at, message, self._known())
        if verb.text == "accept":
            self._faults.error(Flaw.SYNTAX, verb.at, "accept stands alone", "write then: [accept]")
            return None
        read = entries.keyed(node, (verb.text, *KEYS[verb.text]), f'the action "{verb.text}"', self._faults)
        return self._by_verb[verb.text](read) if read else None

    def _demanded(self, keys: EntryKeys, key: str, example: str) -> bool:
        if key not in keys:
            self._faults.error(Flaw.SYNTAX, keys.at, f'this action lacks "{key}"', f"write {example}")
        return key in keys

    def _target(self, keys: EntryKeys, verb: str) -> Fact | None:
        return keys.read(verb, self._changeable)

    def _changeable(self, node: Node) -> Fact | None:
        path = entries.text(node, "the fact to change", self._faults)
        fact = self._schema.find(path.text, path.at, self._faults) if path else None
        if fact is not None and fact.path in self._schema.computed:
            self._faults.error(Flaw.TYPE, node.at, f"{fact.path} is computed and cannot be changed")
            return None
        return fact

    def _number_target(self, keys: EntryKeys, verb: str) -> Fact | None:
        fact = self._target(keys, verb)
        if fact is None or fact.type in (FactType.INTEGER, FactType.DECIMAL):
            return fact
        noun = values.NOUN[fact.type]
        self._faults.error(Flaw.TYPE, keys.at, f"{fact.path} is {noun}; only a number can be changed by {verb}")
        return None

    def _set(self, keys: EntryKeys) -> Action | None:
        fact = self._target(keys, "set")
        if not self._demanded(keys, "to", "{set: car.color, to: RED}"):
            return None
        value = keys.read("to", lambda node: None if fact is None else self._new_value(node, fact))
        return None if fact is None or value is None else SetTo(fact.path, value, keys.at)

    def _new_value(self, node: Node, fact: Fact) -> Value | Text | None:
        if not isinstance(node, Scalar) or node.value is None:
            entries.mismatch(node, f"{fact.path} must be set to {values.NOUN[fact.type]}", self._faults)
            return None
        if fact.type is FactType.TEXT and placeholders.has_braces(node.text):
            return self._filled(node, fact)
        return self._fitting(fact, node, node.value)

    def _filled(self, node: Scalar, fact: Fact) -> Text | None:
        if fact.values is None:
            return texts.of(node, self._schema, self._faults)
        message = f"{fact.path} has declared values, so a text that reads facts cannot be checked"
        self._faults.error(Flaw.TYPE, node.at, message, "set one of its values")
        return None

    def _fitting(self, fact: Fact, node: Scalar, raw: values.Raw) -> Value | None:
        value = values.constant(fact, raw)
        unfit = value if isinstance(value, UnfitValue) else values.outside(fact, value)
        if unfit is None and not isinstance(value, UnfitValue):
            return value
        if unfit is not None:
            hint = self._as_constant(fact, raw) or self._faults.did_you_mean(str(raw), fact.values or ())
            self._faults.error(unfit.kind, node.at, f"{fact.path}: {unfit.message}", hint)
        return None

    def _as_constant(self, fact: Fact, raw: values.Raw) -> str | None:
        """What to write instead of a formula, a copy of another fact, or a number in another notation."""
        if not isinstance(raw, str) or fact.type is FactType.TEXT:
            return None
        number = numerals.plain(raw)
        if number is not None and fact.type in (FactType.INTEGER, FactType.DECIMAL):
            return f"write {number} without quotes" if number == raw else f"write {number}"
        if raw in self._schema.facts or any(sign in raw for sign in "+*/") or " - " in raw:
            change = f"{{increase: {fact.path}, by: 20%}}"
            return f"formulas and copies of other facts are not possible: write a constant, or change it by {change}"
        return None

    def _change(self, keys: EntryKeys, verb: str, sign: int) -> Action | None:
        fact = self._number_target(keys, verb)
        if not self._demanded(keys, "by", f"{{{verb}: policy.premium, by: 20%}}"):
            return None
        by = keys.read("by", lambda node: None if fact is None else self._amount(node, fact))
        return None if fact is None or by is None else Adjustment(fact.path, sign, by, keys.at)

    def _amount(self, node: Node, fact: Fact) -> Percent | Decimal | None:
        written = entries.text(node, "by", self._faults)
        if written is None:
            return None
        percent = _PERCENT.fullmatch(written.text)
        by = Percent(Decimal(percent[1])) if percent else self._plain_amount(written, fact)
        if by is not None and (by.of_hundred if isinstance(by, Percent) else by) <= 0:
            hint = "write a number above 0, with increase or decrease for the direction"
            self._faults.error(Flaw.TYPE, written.at, f"{written.text} would not change anything that way", hint)
            return None
        return by

    def _plain_amount(self, written: Scalar, fact: Fact) -> Decimal | None:
        number = values.number(written.text)
        if number is None:
            message = f'"{written.text}" is neither a number nor a percentage'
            self._faults.error(Flaw.TYPE, written.at, message, _as_amount(written.text))
            return None
        if (thousands := numerals.doubtful_thousands(fact, written.text)) is not None:
            self._faults.doubt(Flaw.SYNTAX, written.at, f"{written.text} would be read as {number:f}", thousands)
        if (share := numerals.doubtful_share(fact, written.text)) is not None:
            message = f"{written.text} is an amount, no share of {fact.path}"
            self._faults.hunch("share", Flaw.TYPE, written.at, message, share)
        return self._decimal(fact, written, number)

    def _decimal(self, fact: Fact, written: Scalar, raw: values.Raw) -> Decimal | None:
        """A number of the fact's type, whatever its range: an amount to add may be below the fact's minimum."""
        number = values.constant(fact, raw)
        if isinstance(number, UnfitValue):
            self._faults.error(number.kind, written.at, f"{fact.path}: {number.message}")
            return None
        return Decimal(number) if isinstance(number, int | Decimal) else None

    def _cap(self, keys: EntryKeys) -> Action | None:
        fact = self._number_target(keys, "cap")
        if not self._demanded(keys, "at", "{cap: policy.premium, at: 1000}"):
            return None
        limit = keys.read("at", lambda node: None if fact is None else self._limit(node, fact))
        return None if fact is None or limit is None else Cap(fact.path, limit, keys.at)

    def _limit(self, node: Node, fact: Fact) -> Decimal | None:
        written = entries.text(node, "at", self._faults)
        value = self._fitting(fact, written, written.value) if written and written.value is not None else None
        return Decimal(value) if isinstance(value, int | Decimal) else None

    def _text(self, node: Node, what: str) -> Text | None:
        return texts.read(node, what, self._schema, self._faults)

    def _flag(self, keys: EntryKeys) -> Action | None:
        reason = keys.read("flag for review", lambda node: self._text(node, "the reason"))
        return FlagForReview(reason, keys.at) if reason else None

    def _reject(self, keys: EntryKeys) -> Action | None:
        reason = keys.read("reject", lambda node: self._text(node, "the reason"))
        return Reject(reason, keys.at) if reason else None

    def _name(self, node: Node, what: str, pattern: re.Pattern[str] = _NAME) -> str | None:
        written = entries.text(node, what, self._faults)
        if written is None or pattern.fullmatch(written.text):
            return written.text if written else None
        hint = "use letters, digits, - and _ (an event's name also blanks and points), and begin with a letter or digit"
        self._faults.error(Flaw.SYNTAX, written.at, f'{what} cannot be "{written.text}"', hint)
        return None

    def _emit(self, keys: EntryKeys) -> Action | None:
        event = keys.read("emit", lambda node: self._name(node, "the event's name", _EVENT))
        data = keys.read("with", self._data) or {}
        return Emit(event, keys.at, data) if event else None

    def _data(self, node: Node) -> Mapping[str, Text]:
        """The data of an event, whose names are paths in it."""
        data = self._variables(node, what="with")
        names = [key for key, _ in node.pairs] if isinstance(node, Entries) else []
        for key in names:
            above = next((other.text for other in names if key.text.startswith(f"{other.text}.")), None)
            if _MEMBER.fullmatch(key.text) is None:
                hint = "write it like amount or order.amount: letters, digits, - and _, and points between"
                self._faults.error(Flaw.SYNTAX, key.at, f'"{key.text}" cannot be the name of data', hint)
            elif above is not None:
                message = f'"{key.text}" is within "{above}", which is a text: give one of them another name'
                self._faults.error(Flaw.SYNTAX, key.at, message)
        if len(data) > MAX_DATA:
            entries.mismatch(node, f"an event may hold at most {MAX_DATA} data", self._faults)
        return data

    def _notify(self, keys: EntryKeys) -> Action | None:
        template = keys.read("notify", lambda node: self._name(node, "the template's name"))
        audience = keys.read("audience", lambda node: self._text(node, "audience"))
        recipients = keys.read("recipients", self._recipients) or ()
        variables = keys.read("variables", self._variables) or {}
        if ("audience" in keys) == ("recipients" in keys):
            message = "notify must name an audience or recipients, and not both"
            self._faults.error(Flaw.SYNTAX, keys.at, message, "write {notify: follow-up, audience: sales}")
        return Notify(template, audience, recipients, variables, keys.at) if template else None

    def _recipients(self, node: Node) -> tuple[Text, ...]:
        named = [self._text(item, "a recipient") for item in entries.items(node, "recipients", self._faults)]
        if not named:
            entries.mismatch(node, "recipients must name at least one", self._faults)
        return tuple(text for text in named if text)

    def _variables(self, node: Node, what: str = "variables") -> Mapping[str, Text]:
        if not isinstance(node, Entries):
            entries.mismatch(node, f"{what} must map names to texts", self._faults)
            return {}
        filled: dict[str, Text] = {}
        for key, value in node.pairs:
            if key.text in filled:
                entries.duplicate(key, self._faults)
            text = self._text(value, f"the value of {key.text}" if what == "with" else f"the variable {key.text}")
            if text:
                filled.setdefault(key.text, text)
        return filled

    def _said(self, node: Node, what: str) -> Text | None:
        """A text that somebody is going to read."""
        text = self._text(node, what)
        if text is None or not all(isinstance(part, str) for part in text.parts):
            return text
        if is_blank("".join(map(str, text.parts))):
            entries.mismatch(node, f"{what} {SAY_SOMETHING}", self._faults)
            return None
        return text

    def _open_incident(self, keys: EntryKeys) -> Action | None:
        description = keys.read("open incident", lambda node: self._said(node, "the description"))
        policy = keys.read("policy", lambda node: self._name(node, "the policy's name"))
        url = keys.read("url", lambda node: self._text(node, "url"))
        contacts: tuple[RuleContact, ...] = ()
        example = '{open incident: "text", contacts: [{name: Ann, phone: "+447700900123"}]}'
        if "contacts" in keys or (policy is None and self._demanded(keys, "contacts", example)):
            contacts = keys.read("contacts", self._contacts) or ()
        return OpenIncident(description, policy or DEFAULT_POLICY, contacts, url, keys.at) if description else None

    def _contacts(self, node: Node) -> tuple[RuleContact, ...]:
        named = [self._contact(item) for item in entries.items(node, "contacts", self._faults)]
        if not named:
            entries.mismatch(node, "contacts must name at least one", self._faults)
        return tuple(contact for contact in named if contact)

    def _contact(self, node: Node) -> RuleContact | None:
        """A recipient's id or a phone as bare text, or their keys."""
        if isinstance(node, Scalar):
            text = self._text(node, "a contact")
            if text is None:
                return None
            return self._checked(RuleContact(phone=text) if node.text[:1] == "+" else RuleContact(text), node.at)
        known = ("recipient", "name", "phone", "language", "email", "roster")
        keys = entries.keyed(node, known, "a contact", self._faults)
        if keys is None:
            return None
        parts = {key: keys.read(key, partial(self._text, what=key)) for key in known if key in keys}
        if len([key for key in ("recipient", "phone", "roster") if key in keys]) != 1:
            message = "a contact is a recipient (its id), a phone or a roster, and only one of them"
            self._faults.error(Flaw.SYNTAX, keys.at, message, 'write {name: Ann, phone: "+447700900123"}')
        return self._checked(RuleContact(**parts), keys.at)

    def _checked(self, contact: RuleContact, at: Place) -> RuleContact:
        """The contact, what is fixed of it being judged: whatever reads facts is judged when they are known."""
        phone = contacts.fixed(contact.phone)
        if phone is not None and not _PHONE.fullmatch(phone):
            hint = 'write + and the country code: "+447700900123"'
            self._faults.error(Flaw.TYPE, at, "this phone number is not in international form (E.164)", hint)
        elif (fault := contacts.unfit(contact)) is not None:
            self._faults.doubt(Flaw.TYPE, at, fault, "nobody would be paged by it: correct it, or leave it out")
        return contact


def _as_amount(text: str) -> str:
    """What to write instead of an amount that is no number."""
    bare = text.lower().removesuffix("percent").removesuffix("prozent").removesuffix("%").strip()
    number = numerals.plain(bare)
    if number is None:
        return "write 5.00 or 20%"
    return f"write {number}" if bare == text.lower().strip() else f"write {number}%"


def _as_mapping(text: str) -> str | None:
    """The mapping that a sentence such as `increase policy.premium by 20%` stands for."""
    words = text.split()
    match words:
        case [("increase" | "decrease") as verb, fact, "by", amount]:
            return f"write {{{verb}: {fact}, by: {amount}}}"
        case ["set", fact, "to" | "=", value]:
            return f"write {{set: {fact}, to: {value}}}"
        case ["cap", fact, "at", limit]:
            return f"write {{cap: {fact}, at: {limit}}}"
        case _:
            return None
