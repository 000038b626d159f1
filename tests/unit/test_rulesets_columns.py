"""Requests in columns: whatever they hold and however versions differ, the tally is that of asking one by one."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from service.core import exact_json
from service.decide import language
from service.decide.decision import Compiled
from service.decide.ruleset import Ruleset
from service.rulesets.columns.comparison import ColumnComparison
from service.rulesets.columns.segment import Segment, SegmentBuilder, unpacked_segment
from service.rulesets.comparing import NotDecided, answer
from service.rulesets.recorded import RecordedRequest, bodies, recorded_request
from service.rulesets.tally import Tally
from service.storage import AuditText
from service.storage.commits import micros

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
  home.zip: {type: text, optional: true}
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
        "home": some(None, {"zip": some("18", "x", None)}),
        "today": some(*[None] * 8, "2026-05-11", share=0.99),
    }
    return {name: value for name, value in whole.items() if value is not None or random_.random() < 0.5}


@st.composite
def files(draw: DrawFn) -> str:
    """A rule file of the facts above."""
    several = draw(st.lists(st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=3), max_size=4))
    rules = [
        f"  - {{name: R{number}, when: '{draw(st.sampled_from(CONDITIONS))}', then: [{', '.join(actions)}]}}"
        for number, actions in enumerate(several)
    ]
    hit = draw(st.sampled_from(["all", "all", "first", "unique"]))
    return "\n".join([FACTS, f"hit: {hit}", "rules:", *rules]) if rules else f"{FACTS}\nrules: []\n"


@st.composite
def edits(draw: DrawFn, file: str) -> str:
    """The file with some words of its rules or declarations changed."""
    for _ in range(draw(st.integers(1, 2))):
        words = [word for word in (*CONDITIONS, *ACTIONS) if word in file]
        changed = draw(st.sampled_from(words)) if words else ""
        others = CONDITIONS if changed in CONDITIONS else ACTIONS
        file = file.replace(changed, draw(st.sampled_from(others)), draw(st.sampled_from([1, -1]))) if changed else file
    for old, new in draw(st.lists(st.sampled_from(DECLARATIONS), max_size=1)):
        file = file.replace(old, new)
    return file


@st.composite
def pairs(draw: DrawFn) -> tuple[Ruleset, Ruleset]:
    """Two versions: sometimes of one another, sometimes of nothing in common but the facts."""
    one = draw(files())
    other = draw(st.one_of(edits(one), edits(one), files()))
    old, new = (language.parse(text).ruleset for text in draw(st.permutations([one, other])))
    assume(old is not None and new is not None)
    assert old is not None
    assert new is not None
    return old, new


def one_by_one(old: Compiled, new: Compiled, asked: Sequence[RecordedRequest]) -> Tally:
    """The tally of asking the engine for every request of both versions."""
    tally = Tally()
    for one in asked:
        tally.count(one.request_id, answer(old, one), answer(new, one))
    return tally


def in_columns(old: Compiled, new: Compiled, segment: Segment, asked: Sequence[RecordedRequest]) -> Tally:
    """The tally of columns, with what they leave asked one by one."""
    counted, left = ColumnComparison(old, new).at_once(segment, np.ones(segment.rows, dtype=np.bool_))

    def why(row: int) -> tuple[str, str]:
        answers = answer(old, asked[row]), answer(new, asked[row])
        one, other = (said.why if isinstance(said, NotDecided) else "" for said in answers)
        return one, other

    for row in np.flatnonzero(left).tolist():
        counted.one(row, answer(old, asked[row]), answer(new, asked[row]))
    return counted.tally(len(asked), lambda row: asked[row].request_id, why)


def entry(request: Mapping[str, object], number: int) -> AuditText:
    """The request as the audit keeps it."""
    raw = exact_json.dumps({"request": request})
    return AuditText(f"e{number}-1", f"r-{number}", micros(BEGAN + timedelta(seconds=number)), raw, "{}")


def collected(texts: Sequence[AuditText], paths: Iterable[str] | None = None) -> Segment:
    """The segment of these requests, which come in parts."""
    found = SegmentBuilder(paths)
    for part in (texts[:20], texts[20:]):
        found.add(bodies(part), [{} for _ in part])
    return found.segment()


def stored(segment: Segment) -> Segment:
    """The segment after it was written to a store and read again."""
    state = exact_json.stored(exact_json.dumps(segment.packed()))
    assert isinstance(state, dict)
    return unpacked_segment(state)


@settings(max_examples=300, deadline=None)
@given(pairs(), st.integers(0, 2**32), st.integers(1, 60))
def test_columns_count_what_asking_one_by_one_counts(pair: tuple[Ruleset, Ruleset], seed: int, many: int) -> None:
    random_ = random.Random(seed)
    texts = [entry(request(random_), number) for number in range(many)]
    asked = [one for text in texts if (one := recorded_request(text, {})) is not None]
    before, after = map(Compiled, pair)
    expected = one_by_one(before, after, asked).as_json()
    assert in_columns(before, after, stored(collected(texts)), asked).as_json() == expected
    paths = ColumnComparison(before, after).paths()
    assert in_columns(before, after, collected(texts, paths), asked).as_json() == expected
