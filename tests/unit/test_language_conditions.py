"""Conditions: what they mean once typed, and what an administrator is told about a wrong one."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decide import language
from service.decide.findings import Flaw, Severity
from service.decide.ruleset import (
    Always,
    And,
    Between,
    Compare,
    CompareFacts,
    Condition,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Or,
    Place,
    Value,
)
from tests.unit.rule_files import condition, faults, file_with, kinds, the_only

NOWHERE = Place(1, 1)


def placeless(tree: Condition) -> Condition:
    """The tree with every place set to the same, to compare what it means."""
    match tree:
        case And(items):
            return And(tuple(placeless(item) for item in items), NOWHERE)
        case Or(items):
            return Or(tuple(placeless(item) for item in items), NOWHERE)
        case Not(item):
            return Not(placeless(item), NOWHERE)
        case _:
            return replace(tree, at=NOWHERE)


SOUND: list[tuple[str, Condition]] = [
    ("driver.age < 21", Compare("driver.age", Operator.LT, 21, NOWHERE)),
    ("21 > driver.age", Compare("driver.age", Operator.LT, 21, NOWHERE)),
    ("21 < driver.age", Compare("driver.age", Operator.GT, 21, NOWHERE)),
    ("21 <= driver.age", Compare("driver.age", Operator.GE, 21, NOWHERE)),
    ("21 >= driver.age", Compare("driver.age", Operator.LE, 21, NOWHERE)),
    ("driver.age == 20.0", Compare("driver.age", Operator.EQ, 20, NOWHERE)),
    ("driver.age >= 2e1", Compare("driver.age", Operator.GE, 20, NOWHERE)),
    ("car.style == NO", Compare("car.style", Operator.EQ, "NO", NOWHERE)),
    ("NO != car.style", Compare("car.style", Operator.NE, "NO", NOWHERE)),
    ("car.style == 'NO'", Compare("car.style", Operator.EQ, "NO", NOWHERE)),
    ("car.style == OR or car.style in [OR, NO]", Or((
        Compare("car.style", Operator.EQ, "OR", NOWHERE), OneOf("car.style", ("OR", "NO"), NOWHERE)), NOWHERE)),
    ("car.color == 'it''s \"RED\"'", Compare("car.color", Operator.EQ, "it's \"RED\"", NOWHERE)),
    ("car.color == \"and or ( [\"", Compare("car.color", Operator.EQ, "and or ( [", NOWHERE)),
    ("driver.married == true", Compare("driver.married", Operator.EQ, True, NOWHERE)),
    ("driver.since < today", CompareFacts("driver.since", Operator.LT, "today", NOWHERE)),
    ("driver.since >= \"2026-05-10\"", Compare("driver.since", Operator.GE, date(2026, 5, 10), NOWHERE)),
    ("policy.start > '2026-05-10T02:00:00+02:00'", Compare(
        "policy.start", Operator.GT, datetime(2026, 5, 10, tzinfo=UTC), NOWHERE)),
    ("policy.premium < 5.5", Compare("policy.premium", Operator.LT, Decimal("5.50"), NOWHERE)),
    ("policy.premium < 5.500", Compare("policy.premium", Operator.LT, Decimal("5.50"), NOWHERE)),
    ("policy.premium > policy.excess", CompareFacts("policy.premium", Operator.GT, "policy.excess", NOWHERE)),
    ("driver.licence <= driver.age", CompareFacts("driver.licence", Operator.LE, "driver.age", NOWHERE)),
    ("driver.age < policy.premium", CompareFacts("driver.age", Operator.LT, "policy.premium", NOWHERE)),
    ("driver.age between 18 and 21", Between("driver.age", 18, 21, NOWHERE)),
    ("driver.age in [18, 19]", OneOf("driver.age", (18, 19), NOWHERE)),
    ("driver.age not in [18]", Not(OneOf("driver.age", (18,), NOWHERE), NOWHERE)),
    ("driver.name is missing", IsMissing("driver.name", NOWHERE)),
    ("driver.name is not missing", Not(IsMissing("driver.name", NOWHERE), NOWHERE)),
    ("always", Always(NOWHERE)),
    ("not always", Not(Always(NOWHERE), NOWHERE)),
    ("driver.age between 18 and 21 and always", And(
        (Between("driver.age", 18, 21, NOWHERE), Always(NOWHERE)), NOWHERE)),
    ("always or always and not always", Or((
        Always(NOWHERE), And((Always(NOWHERE), Not(Always(NOWHERE), NOWHERE)), NOWHERE)), NOWHERE)),
    ("(always or always) and always", And((
        Or((Always(NOWHERE), Always(NOWHERE)), NOWHERE), Always(NOWHERE)), NOWHERE)),
]  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), SOUND, ids=[written for written, _ in SOUND])
def test_a_condition_means_what_it_says(written: str, meant: Condition) -> None:
    assert placeless(condition(f"|\n      {written}")) == meant


WRONG = [
    ("car.style = SPORTS", 21, Flaw.SYNTAX, 'unexpected "="', "write == to compare"),
    ("car.style == SPORTZ", 24, Flaw.UNKNOWN_VALUE, '"SPORTZ" is not a value of car.style (SPORTS, SEDAN, NO, OR)',
     'did you mean "SPORTS"?'),
    ('car.style == "sports"', 24, Flaw.UNKNOWN_VALUE,
     '"sports" is not a value of car.style (SPORTS, SEDAN, NO, OR)', 'did you mean "SPORTS"?'),
    ("car.stile == SPORTS", 11, Flaw.UNKNOWN_FACT, 'unknown fact "car.stile"', 'did you mean "car.style"?'),
    ("car.color == RED", 24, Flaw.UNKNOWN_VALUE,
     "unknown value RED: it is neither a fact nor declared among values of car.color", 'write "RED" in quotes'),
    ("car.color == car.colour", 24, Flaw.UNKNOWN_FACT, 'unknown fact "car.colour"', 'did you mean "car.color"?'),
    ('driver.age < "21"', 24, Flaw.TYPE, 'driver.age: "21" is a text, not a whole number', "write 21 without quotes"),
    ("driver.age < 20.5", 24, Flaw.TYPE, "driver.age: 20.5 is not a whole number", None),
    ("driver.age < 1_000", 24, Flaw.TYPE, '"1_000" is not a number', "write it with digits and a point: 1200.50"),
    ("driver.age < 020", 24, Flaw.TYPE, '"020" is not a number', "write it with digits and a point: 1200.50"),
    ("policy.premium < 20%", 28, Flaw.TYPE, '"20%" is not a number', "write it with digits and a point: 1200.50"),
    ("policy.premium < 5.001", 28, Flaw.TYPE, "policy.premium: 5.001 has more than 2 digits after the point", None),
    ("car.color == 5", 24, Flaw.TYPE, 'car.color: 5 is not a text; write it in quotes: "5"', None),
    ("driver.married == 1", 29, Flaw.TYPE, "driver.married: 1 is not true or false", None),
    ("driver.age == true", 25, Flaw.TYPE, "driver.age: true is not a whole number", None),
    ('driver.since < "2026-02-30"', 26, Flaw.TYPE, 'driver.since: "2026-02-30" is not a day of the calendar', None),
    ("driver.age < 21 and", 30, Flaw.SYNTAX, 'unexpected end: expected a fact, "not", "(" or "always"', None),
    ("driver.age <", 23, Flaw.SYNTAX, "unexpected end: expected a value or a fact", None),
    ("driver.age", 21, Flaw.SYNTAX,
     'unexpected end: expected ==, !=, <, <=, >, >=, "in", "not in", "between" or "is"',
     "for a fact that is true or false write driver.age == true"),
    ("(driver.age < 21", 27, Flaw.SYNTAX, 'unexpected end: expected "and", "or" or ")"', None),
    ("driver.age < 21)", 26, Flaw.SYNTAX, 'unexpected ")": expected "and", "or" or the end', None),
    ("driver.age between 30 and 20", 30, Flaw.OUT_OF_RANGE, "empty range: 30 > 20", "swap the two values"),
    ("18 <= driver.age < 21", 28, Flaw.SYNTAX, 'unexpected "<": expected "and", "or" or the end',
     "compare twice: write a < b and b < c, or use between"),
    ("driver.age < 21 AND always", 27, Flaw.SYNTAX, 'unexpected "AND"', "write and"),
    ("driver.age < 21 && always", 27, Flaw.SYNTAX, 'unexpected "&&"', "write and"),
    ("driver.age <> 21", 22, Flaw.SYNTAX, 'unexpected "<>"', "write != to compare"),
    ("driver.name is null", 26, Flaw.SYNTAX, 'unexpected "null"', "write missing"),
    ("driver.name == null", 26, Flaw.UNKNOWN_VALUE, "null is not a value", "write driver.name is missing"),
    ("car.color == “RED”", 24, Flaw.SYNTAX, 'unexpected "“": expected a value or a fact', "write straight quotes"),
    ("car.color == 'RED", 24, Flaw.SYNTAX, 'unexpected "\'": expected a value or a fact',
     "the text that begins here is never closed"),
    ("driver.age in []", 26, Flaw.SYNTAX, 'unexpected "]": expected a value', None),
    ("driver.age in [18, driver.licence]", 30, Flaw.TYPE, "driver.licence is a fact; only constants may stand here",
     "use < and >= to compare facts"),
    ("car.color < 'B'", 11, Flaw.TYPE, "car.color is a text and has no order: < does not apply",
     "compare with == or !=, or use in [..]"),
    ("driver.age == driver.since", 25, Flaw.TYPE,
     "driver.age (integer) cannot be compared with driver.since (date)", None),
    ("driver.age == driver.age", 25, Flaw.TYPE, "driver.age is compared with itself", None),
    ("policy.start > today", 26, Flaw.TYPE, "policy.start (datetime) cannot be compared with today (date)", None),
    ("5 < 6", 15, Flaw.TYPE, "6 is not a fact; one side of a comparison must be one",
     "name the fact first: driver.age < 21"),
    ("__import__('os')", 21, Flaw.SYNTAX,
     'unexpected "(": expected ==, !=, <, <=, >, >=, "in", "not in", "between" or "is"',
     "there are no functions such as __import__(..): let the caller send the result as a fact"),
    ("true", 15, Flaw.SYNTAX,
     'unexpected end: expected ==, !=, <, <=, >, >=, "in", "not in", "between" or "is"', "write always"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "column", "kind", "message", "hint"), WRONG, ids=[wrong[0] for wrong in WRONG])
def test_a_wrong_condition_is_told_where_what_and_how_to_mend_it(
    written: str, column: int, kind: Flaw, message: str, hint: str | None
) -> None:
    found = the_only(language.parse(file_with(f"|\n          {written}")))
    assert (found.at, found.kind, found.message, found.hint) == (Place(16, column), kind, message, hint)
    assert (found.severity, found.rule) == (Severity.ERROR, "R")


def test_every_fault_of_a_condition_is_told_at_once() -> None:
    written = "car.stile = SPORTS or (driver.age < 'x' && policy.premium <) and driver.married == 1 AND driver.ege > 3"
    assert [(column, message) for _, column, message, _ in faults(file_with(written))] == [
        (11, 'unknown fact "car.stile"'),
        (21, 'unexpected "="'),
        (30, "and binds before or: a and b or c is (a and b) or c"),
        (47, 'driver.age: "x" is a text, not a whole number'),
        (51, 'unexpected "&&"'),
        (70, 'unexpected ")": expected a value or a fact'),
        (94, "driver.married: 1 is not true or false"),
        (96, 'unexpected "AND"'),
        (100, 'unknown fact "driver.ege"'),
    ]


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ("driver.age < 200", "always"),
        ("driver.age <= 111", "always"),
        ("driver.age != 5", "always"),
        ("driver.age > 200", "never"),
        ("driver.age >= 15", "always"),
        ("driver.age < 15", "never"),
        ("driver.age == 15", "never"),
        ("driver.age in [18, 15]", "never"),
        ("15 > driver.age", "never"),
    ],
)
def test_a_constant_that_the_fact_never_reaches_is_warned_of_with_the_range(written: str, holds: str) -> None:
    parsed = language.parse(file_with(written))
    found = the_only(parsed)
    assert parsed.ruleset is not None
    assert (found.severity, found.kind) == (Severity.WARNING, Flaw.OUT_OF_RANGE)
    assert found.message.endswith(f"is outside the range of driver.age (16..110): this {holds} holds")


@pytest.mark.parametrize("written", ["driver.age < 110", "driver.age >= 16", "driver.age between 16 and 110"])
def test_a_constant_at_the_edge_of_the_range_is_no_finding(written: str) -> None:
    assert faults(file_with(written)) == []


def test_asking_whether_a_demanded_fact_is_missing_is_warned_of() -> None:
    found = the_only(language.parse(file_with("driver.age is missing")))
    assert (found.severity, found.kind) == (Severity.WARNING, Flaw.DEAD)
    assert found.hint == "declare the fact with optional: true"


@pytest.mark.parametrize("opening", ["(", "not "])
def test_a_condition_nested_too_deep_is_a_finding(opening: str) -> None:
    deep = opening * 2_000 + "always" + (")" * 2_000 if opening == "(" else "")
    assert "at most" in the_only(language.parse(file_with(deep))).message


def test_fifty_levels_are_deep_enough_to_be_read() -> None:
    assert faults(file_with("(" * 50 + "always" + ")" * 50)) == []
    assert faults(file_with(" or ".join(["(not always)"] * 60))) == []
    assert kinds(file_with("(" * 51 + "always" + ")" * 51)) == [Flaw.SYNTAX]


def test_a_condition_that_is_too_long_is_a_finding() -> None:
    assert faults(file_with(" or ".join(["always"] * 900))) == []
    assert "10,000 are allowed" in the_only(language.parse(file_with(" or ".join(["always"] * 1_100)))).message


# --- any condition that can be written is read as it was meant ---------------------------------------------------

_CONSTANTS: dict[str, st.SearchStrategy[Value]] = {
    "driver.age": st.integers(16, 110),
    "driver.licence": st.integers(-(10**18) + 1, 10**18 - 1),
    "driver.since": st.dates(),
    "policy.premium": st.decimals(0, 10**6, places=2),
    "policy.excess": st.decimals(-(10**6), 10**6, places=3),
    "policy.start": st.datetimes(timezones=st.just(UTC), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001
    "car.color": st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"])),
    "car.style": st.sampled_from(["SPORTS", "SEDAN", "NO", "OR"]),
    "driver.married": st.booleans(),
}
_ORDERED = ["driver.age", "driver.licence", "driver.since", "policy.premium", "policy.excess", "policy.start"]
_EQUALITY = st.sampled_from([Operator.EQ, Operator.NE])


def _compare(fact: str) -> st.SearchStrategy[Condition]:
    operators = st.sampled_from(Operator) if fact in _ORDERED else _EQUALITY
    return st.builds(Compare, st.just(fact), operators, _CONSTANTS[fact], st.just(NOWHERE))


def _one_of(fact: str) -> st.SearchStrategy[Condition]:
    several = st.lists(_CONSTANTS[fact], min_size=1, max_size=4, unique=True).map(tuple)
    return st.builds(OneOf, st.just(fact), several, st.just(NOWHERE))


def _between(fact: str) -> st.SearchStrategy[Condition]:
    pair = st.tuples(_CONSTANTS[fact], _CONSTANTS[fact]).map(lambda two: sorted(two, key=lambda value: (value,)))
    return pair.map(lambda two: Between(fact, two[0], two[1], NOWHERE))


_ATOMS = st.one_of(
    st.sampled_from(sorted(_CONSTANTS)).flatmap(_compare),
    st.sampled_from(sorted(_CONSTANTS)).flatmap(_one_of),
    st.sampled_from(_ORDERED).flatmap(_between),
    st.sampled_from(["driver.licence", "driver.name"]).map(lambda fact: IsMissing(fact, NOWHERE)),
    st.just(Always(NOWHERE)),
)


def _compound(inner: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, several, st.just(NOWHERE)),
        st.builds(Or, several, st.just(NOWHERE)),
        st.builds(Not, inner, st.just(NOWHERE)),
    )


CONDITIONS = st.recursive(_ATOMS, _compound, max_leaves=8)


def written(tree: Condition) -> str:
    """The condition as an administrator would write it, every part of an `and` or `or` in parentheses."""
    match tree:
        case Compare(fact, operator, value):
            return f"{fact} {operator} {constant(value)}"
        case OneOf(fact, values):
            return f"{fact} in [{', '.join(constant(value) for value in values)}]"
        case Between(fact, low, high):
            return f"{fact} between {constant(low)} and {constant(high)}"
        case IsMissing(fact):
            return f"{fact} is missing"
        case Always():
            return "always"
        case Not(item):
            return f"not ({written(item)})"
        case And(items):
            return " and ".join(f"({written(item)})" for item in items)
        case Or(items):
            return "(" + " or ".join(written(item) for item in items) + ")"
        case CompareFacts(left, operator, right):
            return f"{left} {operator} {right}"


def constant(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return '"' + value.replace('"', '""') + '"'
        case date():
            return f"'{value.isoformat()}'"
        case _:
            return str(value)


def size(tree: object) -> int:
    """How many nodes a tree has, by looking into every field."""
    if isinstance(tree, tuple):
        return sum(size(item) for item in tree)
    return 1 + sum(size(getattr(tree, part.name)) for part in fields(tree)) if is_dataclass(tree) else 0


@given(CONDITIONS)
def test_any_condition_is_read_as_it_was_written(tree: Condition) -> None:
    indented = written(tree).replace(" and ", "\n      and ")
    read = condition(f"|\n      {indented}")
    assert placeless(read) == tree
    assert size(read) == size(tree)
