"""Random rulesets and requests, and an oracle that shares no code with the service.

`rulesets()` and `requests(ruleset)` draw from small pools of values around the constants that conditions use, so that
every boundary is met, and from what breaks rule engines: big integers, tiny decimals, long and odd texts, names that
collide in a 32-bit hash. `oracle(ruleset, facts)` evaluates conditions on the values, three-valued as SQL does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from service.decide import facts as request_facts
from service.decide import language
from service.decide.decision import Compiled, RulesetDecision
from service.decide.ruleset import (
    ORDERED,
    Always,
    And,
    Atom,
    Between,
    Compare,
    CompareFacts,
    Condition,
    Emit,
    Fact,
    Facts,
    FactType,
    Hit,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Or,
    Place,
    Rule,
    Ruleset,
    Value,
)

HERE = Place(1, 1)
TODAY = date(2026, 5, 10)

PATHS = ("age", "rbvjmlt", "driver.age", "id", "sid", "m", "c0", "first", "policy.premium", "Z_9")
"""Names that the engine reserves, reads as nested or cannot tell apart: `rbvjmlt` has the FNV-1a-32 hash of `age`."""

_DAY = date(2026, 2, 28)
_INSTANT = datetime(2026, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
_TEXTS = (
    "",
    "9",
    "RED",
    "red",
    "ab",
    "ab c",
    "\u00e9",
    "e\u0301",
    'q"\\',
    "\x00",
    "true",
    "x" * 70_000,
    "x" * 69_999 + "y",
)
_DECLARED = ("NO", "SE", "DK")
_NUMBERS = (-(2**63), -2, -1, 0, 1, 2, 3, 20, 21, 22, 2**53 + 1, 2**63 - 1, 2**63)


def pool(fact: Fact) -> Sequence[Value]:
    """Values of the fact's type, in and out of its range."""
    match fact.type:
        case FactType.INTEGER:
            return _NUMBERS
        case FactType.DECIMAL:
            whole = [Decimal(f"{number}.{'0' * fact.scale}") for number in (0, 1, 2, 21, 2**63)]
            return [*(Decimal(number).scaleb(-fact.scale) for number in _NUMBERS), *whole]
        case FactType.TEXT:
            return fact.values or _TEXTS
        case FactType.BOOLEAN:
            return (False, True)
        case FactType.DATE:
            return (date.min, _DAY, _DAY + timedelta(days=1), _DAY + timedelta(days=2), date.max)
        case FactType.DATETIME:
            return (_INSTANT, _INSTANT + timedelta(microseconds=1), datetime(1970, 1, 1, tzinfo=UTC))


def allowed(fact: Fact) -> Sequence[Value]:
    """The values of `pool` that a request may hold."""
    return [value for value in pool(fact) if _in_range(fact, value)]


@st.composite
def schemas(draw: DrawFn) -> Mapping[str, Fact]:
    """One to six declared facts."""
    paths = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=6, unique=True))
    return {path: draw(_facts(path)) for path in paths}


@st.composite
def _facts(draw: DrawFn, path: str) -> Fact:
    type_ = draw(st.sampled_from(FactType))
    scale = draw(st.integers(0, 5)) if type_ is FactType.DECIMAL else 0
    values = draw(st.sampled_from([None, _DECLARED])) if type_ is FactType.TEXT else None
    fact = Fact(path, type_, HERE, scale=scale, values=values, optional=draw(st.booleans()))
    if type_ not in ORDERED or draw(st.booleans()):
        return fact
    low, high = sorted(draw(st.lists(st.sampled_from(pool(fact)), min_size=2, max_size=2)), key=_ordinal)
    bounds = draw(st.sampled_from([(low, None), (None, high), (low, high)]))
    return Fact(path, type_, HERE, scale, bounds[0], bounds[1], values, fact.optional)


def conditions(schema: Mapping[str, Fact]) -> SearchStrategy[Condition]:
    """Conditions of all kinds, nested."""

    def nested(inner: SearchStrategy[Condition]) -> SearchStrategy[Condition]:
        items = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(
            items.map(lambda items: And(items, HERE)),
            items.map(lambda items: Or(items, HERE)),
            inner.map(lambda item: Not(item, HERE)),
        )

    return st.recursive(atoms(schema), nested, max_leaves=6)


@st.composite
def atoms(draw: DrawFn, schema: Mapping[str, Fact]) -> Atom:
    """One comparison."""
    fact = schema[draw(st.sampled_from(sorted(schema)))]
    constants = st.sampled_from(pool(fact))
    operators = st.sampled_from(list(Operator) if fact.type in ORDERED else [Operator.EQ, Operator.NE])
    kind = draw(
        st.sampled_from(["compare", "compare", "compare", "one of", "missing", "between", "facts", "facts", "always"])
    )
    if kind == "one of":
        return OneOf(fact.path, tuple(draw(st.lists(constants, min_size=1, max_size=4))), HERE)
    if kind == "missing":
        return IsMissing(fact.path, HERE)
    if kind == "between" and fact.type in ORDERED:
        return Between(fact.path, draw(constants), draw(constants), HERE)
    if kind == "facts":
        other = draw(st.sampled_from([one for one in schema.values() if _comparable(fact, one)]))
        return CompareFacts(fact.path, draw(operators), other.path, HERE)
    if kind == "always" and draw(st.integers(0, 9)) == 0:
        return Always(HERE)
    return Compare(fact.path, draw(operators), draw(constants), HERE)


@st.composite
def rulesets(draw: DrawFn, max_rules: int = 80) -> Ruleset:
    """Up to `max_rules` rules, many with the same condition, each emitting an event so that firing twice shows."""
    schema = draw(schemas())
    some = draw(st.lists(conditions(schema), min_size=1, max_size=8))
    whens = draw(st.one_of(st.just(some), st.lists(st.sampled_from(some), min_size=1, max_size=max_rules)))
    rules = tuple(Rule(f"rule {number}", when, (Emit("fired", HERE),), HERE) for number, when in enumerate(whens))
    return Ruleset("drawn", schema, rules, Hit.ALL)


@st.composite
def requests(draw: DrawFn, ruleset: Ruleset) -> Facts:
    """Facts that fit the ruleset's declarations, often equal to one another."""
    facts: dict[str, Value] = {}
    for path, fact in ruleset.facts.items():
        values = allowed(fact)
        seen = {_ordinal(value) for value in facts.values()}
        twins = [value for value in values if _ordinal(value) in seen]
        alike = draw(st.booleans())
        if not fact.optional or (values and draw(st.integers(0, 3))):
            facts[path] = draw(st.sampled_from(twins if twins and alike else values))
    return facts


def oracle(ruleset: Ruleset, facts: Facts) -> tuple[str, ...]:
    """The rules whose condition is true, by brute force on the values."""
    return tuple(rule.name for rule in ruleset.rules if truth(rule.when, facts) is True)


def truth(condition: Condition, facts: Facts) -> bool | None:
    """True, False, or None for unknown (SQL's three-valued logic)."""
    if isinstance(condition, Not):
        inner = truth(condition.item, facts)
        return None if inner is None else not inner
    if isinstance(condition, And | Or):
        truths = [truth(item, facts) for item in condition.items]
        decisive = isinstance(condition, Or)
        return decisive if decisive in truths else None if None in truths else not decisive
    if isinstance(condition, Always):
        return True
    if isinstance(condition, IsMissing):
        return condition.fact not in facts
    return _compared(condition, facts)


def _compared(atom: Compare | CompareFacts | OneOf | Between, facts: Facts) -> bool | None:
    if isinstance(atom, CompareFacts):
        if atom.left not in facts or atom.right not in facts:
            return None
        return _holds(_ordinal(facts[atom.left]), atom.operator, _ordinal(facts[atom.right]))
    if atom.fact not in facts:
        return None
    value = _ordinal(facts[atom.fact])
    if isinstance(atom, OneOf):
        return any(value == _ordinal(one) for one in atom.values)
    if isinstance(atom, Between):
        return _ordinal(atom.low) <= value <= _ordinal(atom.high)
    return _holds(value, atom.operator, _ordinal(atom.value))


def _holds(left: tuple[int, ...], operator: Operator, right: tuple[int, ...]) -> bool:
    signs = {"==": (0,), "!=": (-1, 1), "<": (-1,), "<=": (-1, 0), ">": (1,), ">=": (0, 1)}
    return (left > right) - (left < right) in signs[operator.value]


@lru_cache(maxsize=1_000)
def _ordinal(value: Value) -> tuple[int, ...]:
    """The value as whole numbers that compare as it does; numbers of all scales in units of 10⁻²⁰."""
    if isinstance(value, str):
        return tuple(map(ord, value))
    if isinstance(value, datetime):
        return (value.toordinal(), value.hour, value.minute, value.second, value.microsecond)
    if isinstance(value, date):
        return (value.toordinal(),)
    if isinstance(value, Decimal):
        numerator, denominator = value.as_integer_ratio()
        return (numerator * 10**20 // denominator,)
    return (int(value) * 10**20,)


def _in_range(fact: Fact, value: Value) -> bool:
    above = fact.minimum is None or _ordinal(fact.minimum) <= _ordinal(value)
    return above and (fact.maximum is None or _ordinal(value) <= _ordinal(fact.maximum))


def _comparable(one: Fact, other: Fact) -> bool:
    numbers = {FactType.INTEGER, FactType.DECIMAL}
    return one.type is other.type or {one.type, other.type} <= numbers


def compiled(source: str) -> Compiled:
    """A rule file, ready to decide."""
    parsed = language.parse(source)
    assert parsed.ruleset is not None, parsed.findings
    return Compiled(parsed.ruleset)


def decide(rules: Compiled, request: Mapping[str, object]) -> RulesetDecision:
    """Decide a request as it comes from JSON."""
    return rules.decide(request_facts.read(rules.ruleset, request, TODAY))
