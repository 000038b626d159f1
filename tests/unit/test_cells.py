"""Cells: every condition is exactly a set of signatures, and every cell can be shown and described."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.decide.cells import Cells, Dimension, FactsDoNotFit, NotCut, inside
from service.decide.ruleset import (
    Between,
    Compare,
    CompareFacts,
    Condition,
    Fact,
    FactType,
    IsMissing,
    Not,
    OneOf,
    Operator,
    Or,
    Rule,
    Ruleset,
    Value,
)
from tests.unit.rule_worlds import HERE, conditions, requests, rulesets, truth

UNHURRIED = [HealthCheck.too_slow, HealthCheck.data_too_large]


def world(fact: Fact, *whens: Condition) -> Ruleset:
    rules = tuple(Rule(f"{number}", when, (), HERE) for number, when in enumerate(whens))
    return Ruleset("world", {fact.path: fact}, rules)


def only_dimension(fact: Fact, *whens: Condition) -> Dimension:
    (dimension,) = Cells.cut(world(fact, *whens)).dimensions
    return dimension


def age(**bounds: int) -> Fact:
    return Fact("age", FactType.INTEGER, HERE, minimum=bounds.get("low"), maximum=bounds.get("high"))


def compare(path: str, operator: str, value: Value) -> Compare:
    return Compare(path, Operator(operator), value, HERE)


@settings(max_examples=50, deadline=None, suppress_health_check=UNHURRIED)
@given(rulesets(max_rules=3), st.data())
def test_a_condition_is_true_of_a_request_exactly_if_its_signature_lies_in_a_box(
    ruleset: Ruleset, data: st.DataObject
) -> None:
    another = data.draw(conditions(ruleset.facts))
    cells = Cells.cut(ruleset, another)
    for condition in (another, Not(another, HERE)):
        boxes = cells.boxes(condition)
        assert all(box[index] & ~cells.dimensions[index].full == 0 != box[index] for box in boxes for index in box)
        for _ in range(6):
            facts = data.draw(requests(ruleset))
            signature = cells.signature(facts)
            assert any(inside(box, signature) for box in boxes) == (truth(condition, facts) is True)


@settings(max_examples=50, deadline=None, suppress_health_check=UNHURRIED)
@given(rulesets(max_rules=3))
def test_every_cell_is_shown_by_a_value_that_lies_in_it(ruleset: Ruleset) -> None:
    cells = Cells.cut(ruleset)
    for dimension in (dimension for dimension in cells.dimensions if len(dimension.facts) == 1):
        read, (path,) = dimension.reader(), dimension.facts
        for cell in range(dimension.size):
            value = dimension.sample(cell)
            assert read({} if value is None else {path: value}) == cell
            assert (value is None) == (cell == dimension.missing)


def test_cells_are_described_in_words() -> None:
    dimension = only_dimension(age(), compare("age", "<", 21), compare("age", ">", 21), compare("age", "<=", 64))
    assert [dimension.describe(1 << cell) for cell in range(dimension.size)] == [
        "under 21",
        "21",
        "22 to 64",
        "65 or more",
    ]
    assert dimension.describe(0b1001) == "under 21 or 65 or more"
    assert dimension.describe(0b0110) == "21 to 64"
    assert dimension.describe(dimension.full) == "any value"


def test_texts_are_described_by_their_names_and_the_others() -> None:
    color = Fact("color", FactType.TEXT, HERE, optional=True)
    dimension = only_dimension(color, OneOf("color", ("RED", "BLUE", ""), HERE))
    assert dimension.describe(0b00011) == "RED or BLUE"
    assert dimension.describe(0b01100) == '"" or any other text'
    assert dimension.describe(0b11000) == "any other text or missing"
    country = Fact("country", FactType.TEXT, HERE, values=("NO", "SE"))
    assert only_dimension(country, compare("country", "==", "NO")).describe(0b10) == "SE"
    assert only_dimension(country, OneOf("country", ("NO", "SE"), HERE)).size == 2


def test_days_and_instants_are_described_by_what_comes_before_and_after() -> None:
    due = Fact("due", FactType.DATE, HERE)
    dimension = only_dimension(due, compare("due", ">=", date(2026, 5, 10)))
    assert [dimension.describe(1), dimension.describe(2)] == ["before 2026-05-10", "2026-05-10 or later"]
    at = Fact("at", FactType.DATETIME, HERE)
    dimension = only_dimension(at, compare("at", "<", datetime(2026, 5, 10, 9, tzinfo=UTC)))
    assert dimension.describe(1) == "before 2026-05-10T09:00:00Z"


def test_no_cell_lies_outside_the_declared_range() -> None:
    dimension = only_dimension(
        age(low=18, high=65), compare("age", "<", 18), compare("age", ">", 65), compare("age", "<", 30)
    )
    assert [dimension.describe(1 << cell) for cell in range(dimension.size)] == ["under 30", "30 or more"]
    assert [dimension.sample(0), dimension.sample(1)] == [18, 30]
    cells = Cells.cut(world(age(low=18), compare("age", "<", 18)))
    assert cells.boxes(compare("age", "<", 18)) == ()
    assert cells.boxes(compare("age", ">=", 18)) == ({},)


@pytest.mark.parametrize("value", [17, 66])
def test_a_value_outside_the_declared_range_has_no_signature(value: int) -> None:
    cells = Cells.cut(world(age(low=18, high=65), compare("age", "<", 30)))
    with pytest.raises(FactsDoNotFit, match="outside the range"):
        cells.signature({"age": value})


def test_a_missing_fact_that_is_not_optional_has_no_signature() -> None:
    with pytest.raises(FactsDoNotFit, match="not declared optional"):
        Cells.cut(world(age(), compare("age", "<", 30))).signature({})


def test_neighbouring_decimals_fall_into_the_cells_that_their_scale_tells_apart() -> None:
    price = Fact("price", FactType.DECIMAL, HERE, scale=2)
    cells = Cells.cut(world(price, compare("price", "<=", Decimal("0.10"))))
    numbers = [Decimal(text) for text in ("0.09", "0.10", "0.11", "99999999999999999999999999999999.99")]
    assert [cells.signature({"price": number}) for number in numbers] == [(0,), (0,), (1,), (1,)]


def test_alternatives_that_differ_in_one_fact_are_one_box() -> None:
    young, thirty = compare("age", "<", 21), compare("age", "==", 30)
    cells = Cells.cut(world(age(), young, thirty))
    assert cells.boxes(Or((young, thirty), HERE)) == ({0: 0b0101},)
    assert cells.boxes(Or((young, Not(young, HERE)), HERE)) == ({},)


def test_a_constant_that_the_cells_were_not_cut_at_is_refused() -> None:
    cells = Cells.cut(world(age(), compare("age", "<", 21)))
    with pytest.raises(NotCut, match="age is not cut at 30"):
        cells.boxes(Between("age", 30, 40, HERE))


def test_a_condition_on_a_fact_that_no_rule_uses_must_be_cut_for() -> None:
    color = Fact("color", FactType.TEXT, HERE)
    ruleset = Ruleset("two", {"age": age(), "color": color}, (Rule("r", compare("age", "<", 21), (), HERE),))
    with pytest.raises(NotCut, match="color"):
        Cells.cut(ruleset).boxes(compare("color", "==", "RED"))
    assert Cells.cut(ruleset, compare("color", "==", "RED")).boxes(compare("color", "==", "RED")) == ({1: 0b01},)


def test_two_facts_compared_either_way_share_one_dimension() -> None:
    facts = {path: Fact(path, FactType.INTEGER, HERE, optional=path == "b") for path in ("a", "b")}
    less = CompareFacts("a", Operator.LT, "b", HERE)
    greater = CompareFacts("b", Operator.GT, "a", HERE)
    cells = Cells.cut(Ruleset("pair", facts, (Rule("r", less, (), HERE), Rule("s", greater, (), HERE))))
    assert cells.boxes(less) == cells.boxes(greater) == ({0: 0b0001},)
    assert cells.boxes(Not(less, HERE)) == ({0: 0b0110},)
    assert cells.dimensions[0].describe(0b1001) == "a less than b or missing"


def test_is_missing_is_true_or_false_and_never_unknown() -> None:
    optional = Fact("age", FactType.INTEGER, HERE, optional=True)
    missing = IsMissing("age", HERE)
    cells = Cells.cut(world(optional, missing))
    assert cells.boxes(missing) == ({0: 0b10},)
    assert cells.boxes(Not(missing, HERE)) == ({0: 0b01},)
    always_there = Cells.cut(world(age(), missing))
    assert (always_there.boxes(missing), always_there.boxes(Not(missing, HERE))) == ((), ({},))
