"""The typed form of a rule file. Everything reads this: engine, explanation, verifier, diff, back-test, docs.

`language.parse` makes it; nothing in here knows YAML, the engine or the clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

Value = bool | int | Decimal | str | date | datetime
"""A fact's value once it has been read by its declared type."""

Facts = Mapping[str, Value]
"""Typed facts by path; a missing optional fact is simply absent."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in its file, counted from 1."""

    line: int
    column: int


class FactType(StrEnum):
    """The types a fact can be declared with."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    TEXT = "text"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


ORDERED = frozenset({FactType.INTEGER, FactType.DECIMAL, FactType.DATE, FactType.DATETIME})
"""Types whose values have an order: `<`, `<=`, `>`, `>=` and `between` apply to these alone."""


@dataclass(frozen=True, slots=True)
class Fact:
    """The declaration of one fact."""

    path: str
    type: FactType
    at: Place
    scale: int = 0
    minimum: Value | None = None
    maximum: Value | None = None
    values: tuple[str, ...] | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Derived:
    """Facts computed before deciding: `path.label`, `.positive`, … from the sentiment of the text fact `source`."""

    path: str
    source: str
    at: Place


class Operator(StrEnum):
    """How two values are compared."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Compare:
    """A fact against a constant; false when the fact is missing."""

    fact: str
    operator: Operator
    value: Value
    at: Place


@dataclass(frozen=True, slots=True)
class CompareFacts:
    """A fact against a fact of a comparable type; false when either is missing."""

    left: str
    operator: Operator
    right: str
    at: Place


@dataclass(frozen=True, slots=True)
class OneOf:
    """A fact among constants; false when the fact is missing."""

    fact: str
    values: tuple[Value, ...]
    at: Place


@dataclass(frozen=True, slots=True)
class Between:
    """A fact between two constants, both included; false when the fact is missing."""

    fact: str
    low: Value
    high: Value
    at: Place


@dataclass(frozen=True, slots=True)
class IsMissing:
    """True when an optional fact is absent; the one condition that is never unknown."""

    fact: str
    at: Place


@dataclass(frozen=True, slots=True)
class Always:
    """True: a rule without `when`."""

    at: Place


@dataclass(frozen=True, slots=True)
class Not:
    """Three-valued negation: not unknown is unknown, and unknown does not fire."""

    item: Condition
    at: Place


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    items: tuple[Condition, ...]
    at: Place


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    items: tuple[Condition, ...]
    at: Place


Atom = Compare | CompareFacts | OneOf | Between | IsMissing | Always
Condition = Atom | Not | And | Or


@dataclass(frozen=True, slots=True)
class Percent:
    """A share of the fact's present value: `20%` is Decimal("20")."""

    of_hundred: Decimal


@dataclass(frozen=True, slots=True)
class Text:
    """A text that may read facts as `{{ driver.name }}`: literal parts and fact paths in turn."""

    parts: tuple[str | FactPath, ...]


@dataclass(frozen=True, slots=True)
class FactPath:
    """The place of a fact inside a `Text`."""

    path: str


@dataclass(frozen=True, slots=True)
class SetTo:
    """`{set: path, to: value}`."""

    path: str
    value: Value | Text
    at: Place


@dataclass(frozen=True, slots=True)
class Adjustment:
    """`{increase: path, by: 20%}` or, with a negative `sign`, `{decrease: path, by: 5.00}`."""

    path: str
    sign: int
    by: Percent | Decimal
    at: Place


@dataclass(frozen=True, slots=True)
class Cap:
    """`{cap: path, at: 1000}`: the fact becomes the limit where it is above it."""

    path: str
    limit: Decimal
    at: Place


@dataclass(frozen=True, slots=True)
class Accept:
    """`accept`."""

    at: Place


@dataclass(frozen=True, slots=True)
class FlagForReview:
    """`{flag for review: "reason"}`."""

    reason: Text
    at: Place


@dataclass(frozen=True, slots=True)
class Reject:
    """`{reject: "reason"}`."""

    reason: Text
    at: Place


@dataclass(frozen=True, slots=True)
class Notify:
    """`{notify: template, audience: name}` or `{notify: template, recipients: [..]}`, with optional `variables`."""

    template: str
    audience: Text | None
    recipients: tuple[Text, ...]
    variables: Mapping[str, Text] = field(hash=False)
    at: Place


@dataclass(frozen=True, slots=True)
class RuleContact:
    """Whom an incident opened by a rule pages: a recipient's id, a phone with a name and a language, or a roster."""

    recipient: Text | None = None
    name: Text | None = None
    phone: Text | None = None
    language: Text | None = None
    email: Text | None = None
    roster: Text | None = None


@dataclass(frozen=True, slots=True)
class OpenIncident:
    """`{open incident: "text", policy: name, contacts: [..]}`."""

    description: Text
    policy: str
    contacts: tuple[RuleContact, ...]
    url: Text | None
    at: Place


@dataclass(frozen=True, slots=True)
class Emit:
    """`{emit: event-name}`: an event for other systems, and `with` what data."""

    event: str
    at: Place
    data: Mapping[str, Text] = field(default_factory=dict, hash=False)


Changing = SetTo | Adjustment | Cap
"""Verbs that change a fact."""

Asking = Accept | FlagForReview | Reject | Notify | OpenIncident | Emit
"""Verbs that ask for something and change no fact."""

Action = Changing | Asking


class Hit(StrEnum):
    """Which of the rules that match take effect: the first in file order, all, or the only one there may be."""

    FIRST = "first"
    ALL = "all"
    UNIQUE = "unique"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: when its condition holds, its actions apply, once."""

    name: str
    when: Condition
    then: tuple[Action, ...]
    at: Place
    why: str | None = None


@dataclass(frozen=True, slots=True)
class RuleTest:
    """One of the file's own tests: raw `given` facts by path, the rules expected to fire, the facts expected after."""

    given: Mapping[str, object]
    fired: tuple[str, ...] | None
    facts: Mapping[str, Value]
    at: Place
    outcomes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ruleset:
    """A rule file, parsed and typed. `facts` includes the derived ones and `today`."""

    name: str
    facts: Mapping[str, Fact]
    rules: tuple[Rule, ...]
    hit: Hit = Hit.ALL
    description: str = ""
    must_cover: Condition | None = None
    should_cover: Condition | None = None
    derived: tuple[Derived, ...] = ()
    tests: tuple[RuleTest, ...] = field(default=())
