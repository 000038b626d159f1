"""Requests in columns: whatever they hold and however versions differ, the tally is that of asking one by one."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from service import exact_json
from service.decide import language
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset
from service.rulesets.columns.comparison import ColumnComparison
from service.rulesets.columns.segment import Asked, Segment, segment_of, unpacked_segment
from service.rulesets.comparing import NotDecided, answer
from service.rulesets.recorded import Recorded
from service.rulesets.tally import Tally

BEGAN = datetime(2026, 5, 10, tzinfo=UTC)

FACTS = """ruleset: drawn
facts:
  age: {type: integer, min: 0, max: 130}
  car.style: {type: text, optional: true}
  car.price: {type: decimal, scale: 2, min: 0, max: 5000000}
  car.sold: {type: date, optional: true}
  vip: {type: boolean, optional: true}
  note: {type: text}
  points: {type: decimal, scale: 4, optional: true}
"""

CONDITIONS = (
    "age > 60",
    "age <= 18 or car.price >= 10.5",
    'car.style == "SPORTS"',
    'not (car.style in ["SPORTS", "18"])',
    "car.price between 1 and 2.5",
    'car.sold > "2026-01-01"',
    "vip == true",
    "vip is missing",
    'note == "18"',
    "points > age",
    "points != car.price",
    "note == car.style",
    'today > "2026-05-10"',
    "points is missing and not (age == 21)",
)
ACTIONS = (
    "{increase: car.price, by: 12.5%}",
    "{decrease: car.price, by: 0.05}",
    "{increase: points, by: 0.00005}",
    "{decrease: points, by: 33.333%}",
    "{increase: age, by: 10%}",
    "{decrease: age, by: 30}",
    "{cap: car.price, at: 100}",
    "{cap: age, at: 20}",
    "{set: note, to: SPORTS}",
    '{set: note, to: "{{ car.style }}!"}',
    "{set: points, to: 1.5}",
    "{set: vip, to: true}",
    '{set: car.sold, to: "2026-03-01"}',
    "accept",
    '{reject: "too old"}',
    '{flag for review: "{{ note }} is {{ age }}"}',
    "{emit: seen}",
)
DECLARATIONS = (
    ("max: 130", "max: 60"),
    ("scale: 2,", "scale: 3,"),
    ("scale: 2,", "scale: 1,"),
    ("car.style: {type: text, optional: true}", "car.style: {type: text}"),
    ("note: {type: text}", 'note: {type: text, values: ["18", SPORTS, x]}'),
    ("type: date", "type: text"),
    ("note: {type: text}", "note: {type: integer}"),
    ("vip: {type: boolean, optional: true}", "vip: {type: boolean, optional: true}\n  other: {type: text}"),
    ("vip: {type: boolean, optional: true}", "vip: {type: boolean, optional: true}\n  car.more.x: {type: integer}"),
    ("age: {type: integer", "age: {type: decimal, scale: 1"),
    ("points: {type: decimal, scale: 4, optional: true}", "points: {type: integer, optional: true}"),
)

TEXTS = (
    "18",
    "-1",
    "+5",
    "05",
    "5",
    "0",
    "-0",
    "1.50",
    "1.505",
    "2026-04-01",
    "2026-13-01",
    "true",
    "",
    "x",
    "SPORTS",
    "é",
    "5\x00",
)
ODD = ("\ud800", "1e3", "0." + "1" * 30, "x" * 300, "9" * 40, "1.", ".5", "999999999999999999", "0.000000000001")
SCALARS: tuple[object, ...] = (
    *(*TEXTS, *ODD),
    *(
        None,
        True,
        False,
        5,
        10**18,
        -(10**18),
        Decimal("1E+3"),
        Decimal("0.0001"),
        Decimal("0.10000000000000"),
        10**15,
        [],
        ["18"],
        {},
        {"x": 1},
    ),
)


def request(random_: random.Random) -> dict[str, object]:
    """A request most of whose members are as the facts are declared."""

    def some(*usual: object, share: float = 0.94) -> object:
        return random_.choice(usual) if random_.random() < share else random_.choice(SCALARS)

    price = Decimal(random_.randrange(0, 30_000)).scaleb(-2)
    car = {"price": some(price, str(price), price, 100, "10.5"), "style": some("SPORTS", "18", "x", "5", "0", None)}
    car["sold"] = some("2026-04-01", "2025-12-31", None)
    whole: dict[str, object] = {
        "age": some(random_.randrange(0, 130), str(random_.randrange(10, 70)), 21, 60, Decimal("21.0"), "21.0"),
        "car": some(car, share=0.99),
        "note": some(*TEXTS),
        "vip": some(True, False, None, "true"),
        "points": some(10**15, Decimal(random_.randrange(-99, 999_999)).scaleb(-4), "0.0005", "21", 21, None),
        "other": some("x", None),
        "today": some(*[None] * 8, "2026-05-11", share=0.99),
    }
    return {name: value for name, value in whole.items() if value is not None or random_.random() < 0.5}


@st.composite
def files(draw: DrawFn) -> str:
    """A rule file of the facts above, some of them declared otherwise."""
    facts = FACTS
    for old, new in draw(st.lists(st.sampled_from(DECLARATIONS), max_size=2)):
        facts = facts.replace(old, new)
    rules = [
        f"  - {{name: R{number}, when: '{draw(st.sampled_from(CONDITIONS))}', then: [{', '.join(actions)}]}}"
        for number, actions in enumerate(draw(st.lists(st.lists(st.sampled_from(ACTIONS), max_size=3), max_size=4)))
        if actions
    ]
    hit = draw(st.sampled_from(["all", "all", "first", "unique"]))
    return "\n".join([facts, f"hit: {hit}", "rules:", *rules]) if rules else f"{facts}\nrules: []\n"


sound = files().map(lambda text: language.parse(text).ruleset).filter(lambda ruleset: ruleset is not None)


def one_by_one(old: Compiled, new: Compiled, asked: Sequence[Asked]) -> Tally:
    """The tally of asking the engine for every request of both versions."""
    tally = Tally()
    for one in asked:
        tally.count(one.recorded.request_id, answer(old, one.recorded), answer(new, one.recorded))
    return tally


def in_columns(old: Compiled, new: Compiled, segment: Segment, asked: Sequence[Asked]) -> Tally:
    """The tally of columns, with what they leave asked one by one."""
    counted, left = ColumnComparison(old, new).at_once(segment, np.ones(segment.rows, dtype=np.bool_))

    def answers(row: int) -> tuple[object, object]:
        return answer(old, asked[row].recorded), answer(new, asked[row].recorded)

    def why(row: int) -> tuple[str, str]:
        one, other = (said.why if isinstance(said, NotDecided) else "" for said in answers(row))
        return one, other

    for row in np.flatnonzero(left).tolist():
        counted.one(row, answer(old, asked[row].recorded), answer(new, asked[row].recorded))
    return counted.tally(len(asked), lambda row: asked[row].recorded.request_id, why)


def recorded(request: Mapping[str, object], number: int) -> Asked:
    return Asked(BEGAN + timedelta(seconds=number), Recorded(f"r-{number}", request, date(2026, 5, 10), {}))


def stored(segment: Segment) -> Segment:
    """The segment after it was written to a store and read again."""
    state = exact_json.stored(exact_json.dumps(segment.packed()))
    assert isinstance(state, dict)
    return unpacked_segment(state)


@settings(max_examples=300, deadline=None)
@given(sound, sound, st.integers(0, 2**32), st.integers(1, 60))
def test_columns_count_what_asking_one_by_one_counts(old: Ruleset, new: Ruleset, seed: int, many: int) -> None:
    random_ = random.Random(seed)
    asked = [recorded(request(random_), number) for number in range(many)]
    before, after = Compiled(old), Compiled(new)
    expected = one_by_one(before, after, asked).as_json()
    assert in_columns(before, after, stored(segment_of(asked)), asked).as_json() == expected
    paths = ColumnComparison(before, after).paths()
    assert in_columns(before, after, segment_of(asked, paths), asked).as_json() == expected
