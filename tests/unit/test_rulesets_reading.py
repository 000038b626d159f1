"""Reading very many requests answers what reading one answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from service.decide import facts
from service.decide.facts import FactsRefused
from service.decide.language import parse
from service.decide.ruleset import Ruleset
from service.rulesets.reading import Reader

FILE = """ruleset: loans
facts:
  age: {type: integer, min: 0, max: 130}
  car.style: {type: text, values: [SPORTS, SEDAN], optional: true}
  car.price: {type: decimal, scale: 2, min: 0}
  car.sold: {type: date, optional: true}
  vip: {type: boolean, optional: true}
  note: {type: text, optional: true}
rules: [{name: Old, when: age > 60, then: accept}]
"""
TODAY = date(2026, 5, 10)

texts = st.sampled_from(
    ["18", "SPORTS", "sports", "1.50", "1.505", "2026-01-01", "true", "", "x", "\ud800", "1e3", "-1"]
)
scalars = st.one_of(
    texts, st.booleans(), st.none(), st.integers(-5, 200), st.decimals(-1, 200, places=3), st.lists(texts, max_size=1)
)
cars = st.one_of(scalars, st.dictionaries(st.sampled_from(["style", "price", "sold", "other"]), scalars))
names = st.sampled_from(["age", "vip", "note", "today", "other"])
requests = st.builds(
    lambda flat, car: {**flat, **({} if car == "left out" else {"car": car})},
    st.dictionaries(names, scalars),
    st.one_of(
        st.just("left out"), cars, st.fixed_dictionaries({"price": st.sampled_from(["1.50", 2, Decimal("0.1")])})
    ),
)


def sound() -> Ruleset:
    ruleset = parse(FILE).ruleset
    assert ruleset is not None
    return ruleset


RULESET = sound()
READER = Reader(RULESET)


def alone(request: Mapping[str, object]) -> object:
    try:
        return {path: (type(value), value) for path, value in facts.read(RULESET, request, TODAY).items()}
    except FactsRefused as error:
        return error.errors


def among_many(request: Mapping[str, object]) -> object:
    try:
        return {path: (type(value), value) for path, value in READER.read(request, TODAY).items()}
    except FactsRefused as error:
        return error.errors


@given(requests)
def test_facts_and_refusals_are_those_of_reading_one_request(request: Mapping[str, object]) -> None:
    assert among_many(request) == alone(request)


@given(
    st.lists(st.fixed_dictionaries({"age": scalars, "vip": scalars, "car": st.fixed_dictionaries({"price": scalars})}))
)
def test_what_was_read_before_changes_nothing(several: list[Mapping[str, object]]) -> None:
    assert [among_many(one) for one in several] == [alone(one) for one in several]


def test_one_and_true_are_told_apart_in_either_order() -> None:
    for age, vip in ((1, True), (True, 1), ("1", "true")):
        request = {"age": age, "vip": vip, "car": {"price": age}}
        assert among_many(request) == alone(request)
