"""Requests read by declared type, refused by path, and given back with what the rules changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import exact_json
from service.decide import facts
from service.decide.facts import FactsRefused
from service.decide.ruleset import Facts, Ruleset, Value
from tests.unit.rule_files import sound

TODAY = date(2026, 5, 10)
RULES = Path(__file__).parents[2] / "rules"

RULESET = sound("""\
ruleset: all
facts:
  n.whole: {type: integer, optional: true}
  n.age: {type: integer, min: 16, max: 110, optional: true}
  n.money: {type: decimal, scale: 2, optional: true}
  word: {type: text, optional: true}
  style: {type: text, values: [SPORTS, NO], optional: true}
  yes: {type: boolean, optional: true}
  day: {type: date, optional: true}
  at: {type: datetime, optional: true}
rules:
  - {name: R, then: accept}
""")

DEMANDING = sound("""\
ruleset: demanding
facts:
  driver.age: {type: integer}
  driver.name: {type: text, optional: true}
  car.color: {type: text}
  car.owner.name: {type: text}
rules:
  - {name: R, then: accept}
""")

MOODY = sound("""\
ruleset: moody
facts:
  lead.comments: {type: text, optional: true}
  lead.mood: {sentiment of: lead.comments}
rules:
  - {name: R, then: accept}
""")


def read(path: str, raw: object) -> object:
    """What one fact of `RULESET` becomes."""
    return facts.read(RULESET, facts.nested({path: raw}), TODAY).get(path)


def refused(ruleset: Ruleset, request: Mapping[str, object]) -> dict[str, str]:
    """Path and message of everything that is refused."""
    with pytest.raises(FactsRefused) as caught:
        facts.read(ruleset, request, TODAY)
    assert len({error.path for error in caught.value.errors}) == len(caught.value.errors)
    return {error.path: error.message for error in caught.value.errors}


READ = [
    ("n.whole", 18, 18),
    ("n.whole", "18", 18),
    ("n.whole", "+18", 18),
    ("n.whole", "-0018", -18),
    ("n.whole", Decimal("18.0"), 18),
    ("n.whole", Decimal("1.8e1"), 18),
    ("n.whole", 10**18 - 1, 10**18 - 1),
    ("n.whole", 2**53 + 1, 2**53 + 1),
    ("n.money", 300, Decimal("300.00")),
    ("n.money", "300", Decimal("300.00")),
    ("n.money", "-12.5e-1", Decimal("-1.25")),
    ("n.money", Decimal("1.1000"), Decimal("1.10")),
    ("n.money", Decimal("-0.0"), Decimal("0.00")),
    ("n.money", Decimal("0e999999999"), Decimal("0.00")),
    ("word", "", ""),
    ("word", "18", "18"),
    ("word", "x" * 70_000, "x" * 70_000),
    ("style", "NO", "NO"),
    ("yes", True, True),
    ("yes", "false", False),
    ("day", "2024-02-29", date(2024, 2, 29)),
    ("at", "2026-05-10T09:00:00Z", datetime(2026, 5, 10, 9, tzinfo=UTC)),
    ("at", "2026-05-10t11:00:00.25+02:00", datetime(2026, 5, 10, 9, 0, 0, 250_000, tzinfo=UTC)),
    ("word", None, None),
]


@pytest.mark.parametrize(("path", "raw", "value"), READ, ids=[f"{path} {str(raw)[:20]}" for path, raw, _ in READ])
def test_a_value_is_read_by_its_declared_type(path: str, raw: object, value: object) -> None:
    found = read(path, raw)
    assert found == value
    assert type(found) is type(value)
    if isinstance(value, Decimal):
        assert str(found) == str(value)


NOT_READ = [
    ("n.whole", "", '"" is not a whole number'),
    ("n.whole", "abc", '"abc" is not a whole number'),
    ("n.whole", "1_8", '"1_8" is not a whole number'),
    ("n.whole", "１８", '"１８" is not a whole number'),
    ("n.whole", " 18", '" 18" is not a whole number'),
    ("n.whole", "18\n", '"18\n" is not a whole number'),
    ("n.whole", "18.0", '"18.0" is not a whole number'),
    ("n.whole", Decimal("18.5"), "18.5 is not a whole number"),
    ("n.whole", True, "true is not a whole number"),
    ("n.whole", [1], "is a list, not a whole number"),
    ("n.whole", {"a": 1}, "is an object, not a whole number"),
    ("n.whole", 10**18, "1000000000000000000 is not below 10^18"),
    ("n.whole", 2**63, "9223372036854775808 is not below 10^18"),
    ("n.whole", 10**5_000, "this number is not below 10^18"),
    ("n.whole", Decimal("1e999999999"), "1E+999999999 is not a whole number"),
    ("n.age", 15, "15 is outside the range of n.age (16..110)"),
    ("n.age", "111", "111 is outside the range of n.age (16..110)"),
    ("n.money", 10**18, "1000000000000000000 is not below 10^18"),
    ("n.money", Decimal("1.005"), "1.005 has more than 2 digits after the point"),
    ("n.money", Decimal("1e-999999999"), "1E-999999999 has more than 2 digits after the point"),
    ("n.money", Decimal("1e999999999"), "1E+999999999 is not below 10^18"),
    ("n.money", "1e999999999", '"1e999999999" is not below 10^18'),
    ("n.money", "1e9999999999999999999999", '"1e9999999999999999999999" is not a decimal number'),
    ("n.money", Decimal("NaN"), "NaN is not a decimal number"),
    ("n.money", Decimal("Infinity"), "Infinity is not a decimal number"),
    ("n.money", "NaN", '"NaN" is not a decimal number'),
    ("n.money", "inf", '"inf" is not a decimal number'),
    ("n.money", ".", '"." is not a decimal number'),
    ("n.money", False, "false is not a decimal number"),
    ("word", 18, '18 is not a text; write it in quotes: "18"'),
    ("word", True, 'true is not a text; write it in quotes: "true"'),
    ("word", "a\ud800", "this text holds half of a character (a lone surrogate), which no file can store"),
    ("style", "SPORT", '"SPORT" is not a value of style (SPORTS, NO); did you mean "SPORTS"?'),
    ("yes", 1, "1 is not true or false"),
    ("yes", "True", '"True" is not true or false'),
    ("day", "2026-02-29", '"2026-02-29" is not a day of the calendar'),
    ("day", "20260510", '"20260510" is not a date such as 2026-05-10'),
    ("day", "2026-05-10T00:00:00Z", '"2026-05-10T00:00:00Z" is not a date such as 2026-05-10'),
    ("at", "2026-05-10T09:00:00", '"2026-05-10T09:00:00" is not an instant such as 2026-05-10T09:00:00Z'),
    ("at", "0001-01-01T00:00:00+23:00", '"0001-01-01T00:00:00+23:00" is not an instant of the calendar'),
    ("at", 1_700_000_000, "1700000000 is not an instant such as 2026-05-10T09:00:00Z"),
]


@pytest.mark.parametrize(
    ("path", "raw", "message"), NOT_READ, ids=[f"{path} {message[:30]}" for path, _, message in NOT_READ]
)
def test_a_value_that_does_not_fit_is_refused_by_path(path: str, raw: object, message: str) -> None:
    line = RULESET.facts[path].at.line
    assert refused(RULESET, facts.nested({path: raw})) == {path: f"{message} (declared in all, line {line})"}


def test_every_bad_fact_is_told_at_once() -> None:
    assert refused(DEMANDING, {"driver": {"age": "x", "name": 5}, "car": {"owner": "Ann"}}) == {
        "driver.age": '"x" is not a whole number (declared in demanding, line 3)',
        "driver.name": '5 is not a text; write it in quotes: "5" (declared in demanding, line 4)',
        "car.color": "is missing: give a text (declared in demanding, line 5)",
        "car.owner": "is a text, not an object that holds facts",
    }


def test_a_member_that_was_probably_meant_is_named() -> None:
    sent = {"drivr": {"age": 18}, "car": {"colour": "RED", "owner": {"name": "Ann", "shoe": 44}}}
    assert refused(DEMANDING, sent) == {
        "driver.age": 'is missing: give a whole number; "drivr.age" is not known: did you mean "driver.age"? '
        "(declared in demanding, line 3)",
        "car.color": 'is missing: give a text; "car.colour" is not known: did you mean "car.color"? '
        "(declared in demanding, line 5)",
    }


@pytest.mark.parametrize("request_", [{}, {"driver": None, "car": {}}, {"driver": {}, "car": {"owner": None}}])
def test_a_demanded_fact_that_is_missing_or_null_is_refused_and_an_optional_one_is_not(
    request_: Mapping[str, object],
) -> None:
    assert set(refused(DEMANDING, request_)) == {"driver.age", "car.color", "car.owner.name"}


def test_an_object_in_the_way_is_told_once() -> None:
    assert refused(DEMANDING, {"driver": 5, "car": [1]}) == {
        "driver": "is a number, not an object that holds facts",
        "car": "is a list, not an object that holds facts",
    }


def test_undeclared_members_reach_no_rule() -> None:
    assert facts.read(RULESET, {"n": {"other": 1}, "car": {"make": "honda"}}, TODAY) == {"today": TODAY}


def test_today_is_the_requests_date_or_the_one_that_is_handed_in() -> None:
    assert facts.read(RULESET, {}, TODAY)["today"] == TODAY
    assert facts.read(RULESET, {"today": "2020-01-01"}, TODAY)["today"] == date(2020, 1, 1)
    assert refused(RULESET, {"today": "now"}) == {"today": '"now" is not a date such as 2026-05-10'}


def test_the_samples_own_request_is_read_and_given_back_with_the_new_premium() -> None:
    text = """{"driver": {"age": "18", "name": "Brian"}, "policy": {"id": "1231231", "premium": "300"},
               "car": {"make": "honda", "year": "2015", "style": "SPORTS", "color": "RED"}}"""
    request = exact_json.loads(text)
    assert isinstance(request, dict)
    before = copy.deepcopy(request)
    premium = sound((RULES / "premium.yaml").read_text("utf-8"))
    read_ = dict(facts.read(premium, request, TODAY))
    assert read_["driver.age"] == 18
    read_["policy.premium"] = Decimal("360.00")
    assert facts.write(premium, request, read_) == {
        "driver": {"age": 18, "name": "Brian"},
        "policy": {"id": "1231231", "premium": "360.00"},
        "car": {"make": "honda", "year": "2015", "style": "SPORTS", "color": "RED"},
    }
    assert request == before


def test_a_fact_that_a_rule_sets_is_added_where_it_was_absent() -> None:
    assert facts.write(DEMANDING, {"driver": None, "x": [1]}, {"driver.name": "Ann", "car.owner.name": "Bob"}) == {
        "driver": {"name": "Ann"},
        "x": [1],
        "car": {"owner": {"name": "Bob"}},
    }


def test_dates_and_instants_are_given_back_in_one_form() -> None:
    request = {"at": "2026-05-10 11:00:00.500+02:00", "day": "2026-05-10", "yes": "true", "n": {"money": 1}}
    assert facts.write(RULESET, request, facts.read(RULESET, request, TODAY)) == {
        "at": "2026-05-10T09:00:00.500000Z",
        "day": "2026-05-10",
        "yes": True,
        "n": {"money": "1.00"},
    }


# --- sentiment ------------------------------------------------------------------------------------------------

SCORES = {"positive": Decimal("0.87654"), "negative": Decimal("0.1"), "neutral": Decimal("0.02"), "mixed": Decimal(0)}


def test_a_sentiment_is_computed_once_where_its_text_is_there() -> None:
    given_ = facts.read(MOODY, {"lead": {"comments": "fine"}}, TODAY)
    (one,) = facts.underived(MOODY, given_)
    assert one.source == "lead.comments"
    complete = facts.derive(given_, one, "Positive", SCORES)
    assert facts.underived(MOODY, complete) == ()
    assert complete["lead.mood.label"] == "Positive"
    assert complete["lead.mood.positive"] == Decimal("0.8765")
    assert facts.write(MOODY, {"lead": {"comments": "fine"}}, complete) == {"lead": {"comments": "fine"}}


def test_a_demanded_sentiment_is_left_to_be_computed_unless_the_request_brings_a_part_of_it() -> None:
    lead = sound((RULES / "lead.yaml").read_text("utf-8"))
    request = {"lead": {"id": "L-1", "name": "Ada", "comments": "fine"}}
    assert len(facts.underived(lead, facts.read(lead, request, TODAY))) == 1
    mood = {"label": "Positive", "positive": 1, "negative": 0}
    assert set(refused(lead, {"lead": {**request["lead"], "sentiment": mood}})) == {
        "lead.sentiment.neutral",
        "lead.sentiment.mixed",
    }


def test_without_its_text_there_is_no_sentiment_to_compute() -> None:
    assert facts.underived(MOODY, facts.read(MOODY, {}, TODAY)) == ()


def test_a_request_may_bring_a_sentiment_whole_and_checked() -> None:
    mood = {"label": "Positive", "positive": 1, "negative": 0, "neutral": "0", "mixed": 0}
    read_ = facts.read(MOODY, {"lead": {"comments": "x", "mood": mood}}, TODAY)
    assert read_["lead.mood.positive"] == Decimal(1)
    assert facts.underived(MOODY, read_) == ()
    assert set(refused(MOODY, {"lead": {"mood": {**mood, "positive": 2, "label": "Good"}}})) == {
        "lead.mood.positive",
        "lead.mood.label",
    }


def test_a_file_test_gives_facts_flat_and_computed_ones_too() -> None:
    lead = sound((RULES / "lead.yaml").read_text("utf-8"))
    read_ = facts.of_test(lead, lead.tests[0], TODAY)
    assert (read_["lead.id"], read_["lead.sentiment.label"]) == ("L-1", "Positive")


# --- anything -------------------------------------------------------------------------------------------------

VALUES: dict[str, st.SearchStrategy[Value]] = {
    "n.whole": st.integers(-(10**18) + 1, 10**18 - 1),
    "n.age": st.integers(16, 110),
    "n.money": st.decimals(-(10**12), 10**12, places=2),
    "word": st.text(st.characters(codec="utf-8")),
    "style": st.sampled_from(["SPORTS", "NO"]),
    "yes": st.booleans(),
    "day": st.dates(),
    "at": st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
}
ALWAYS: dict[str, st.SearchStrategy[Value]] = {"today": st.just(TODAY)}
FACTS: st.SearchStrategy[Facts] = st.fixed_dictionaries(ALWAYS, optional=VALUES)


@given(FACTS)
def test_what_is_written_is_read_back_the_same(typed: Facts) -> None:
    answer = facts.write(RULESET, {"kept": 1}, typed)
    assert answer["kept"] == 1
    assert facts.read(RULESET, answer, TODAY) == typed
    over_the_wire = exact_json.loads(exact_json.dumps(answer))
    assert isinstance(over_the_wire, dict)
    assert facts.read(RULESET, over_the_wire, TODAY) == typed


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(), st.text(), st.text("0123456789.eE+-")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "n"]), inner)),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from(["n", *(path for path in VALUES if "." not in path)]), ANYTHING), ANYTHING)
def test_any_request_is_read_or_refused(request_: dict[str, object], inner: object) -> None:
    request_.setdefault("n", {"whole": inner, "money": inner})
    with suppress(FactsRefused):
        typed = facts.read(RULESET, request_, TODAY)
        assert facts.read(RULESET, facts.write(RULESET, request_, typed), TODAY) == typed


@given(st.decimals(allow_nan=False, allow_infinity=False), st.booleans())
def test_a_decimal_is_taken_exactly_or_not_at_all(number: Decimal, as_text: bool) -> None:
    with localcontext(prec=100):
        hundredths = number * 100
        fits = abs(number) < 10**18 and hundredths == hundredths.to_integral_value()
    try:
        found = read("n.money", str(number) if as_text else number)
    except FactsRefused:
        assert not fits
    else:
        assert fits
        assert found == number
