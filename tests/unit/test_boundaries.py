"""Generated tests stand on both sides of every face of every rule, and notice when a boundary slips."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.decide import boundaries, rule_tests
from service.decide.decision import Compiled
from service.rulesets.rule_file import EVENTS
from tests.unit.rule_files import sound

SHIPPED = sorted(path for path in Path("rules").glob("*.yaml") if path.name != EVENTS)
FEES = """\
ruleset: fees
facts:
  age:  {type: integer, min: 0, max: 130}
  plan: {type: text, values: [BASIC, "null", 'say "hi" \u00e9\U0001f600']}
  day:  {type: date, optional: true}
  paid: {type: boolean}
  fee:  {type: decimal, scale: 2}
hit: first
rules:
  - {name: "Young, or old: 50%", when: 'age < 18 or age between 65 and 70', then: [{decrease: fee, by: 50%}]}
  - {name: Late, when: 'day >= "2026-02-01" and not (paid == true)', then: [{increase: fee, by: 1.00}, {emit: late}]}
  - {name: Odd, when: 'plan == "null" or day is missing', then: [{set: fee, to: 0.00}]}
  - {name: Rest, when: 'plan != BASIC', then: [accept]}
"""


def without_tests(text: str) -> str:
    return text.split("\ntests:\n", maxsplit=1)[0] + "\n"


def with_generated(text: str) -> str:
    return without_tests(text) + boundaries.generate(Compiled(sound(without_tests(text)))).as_yaml()


@pytest.mark.parametrize("text", [path.read_text("utf-8") for path in SHIPPED] + [FEES], ids=lambda text: text[:20])
def test_generated_tests_pass_and_fire_every_rule(text: str) -> None:
    tested = rule_tests.run(Compiled(sound(with_generated(text))))
    assert (tested.findings, tested.never_fired) == ((), ())
    assert tested.tests >= 2


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("age < 18", "age <= 18"),
        ("age < 18", "age < 17"),
        ("between 65", "between 64"),
        ("and 70", "and 71"),
        ('>= "2026-02-01"', '> "2026-02-01"'),
        ("not (paid == true)", "paid == true"),
        ('plan == "null" or day is missing', 'plan == "null"'),
        ("plan != BASIC", "plan == BASIC"),
    ],
)
def test_a_boundary_that_slips_fails_a_generated_test(before: str, after: str) -> None:
    tests = boundaries.generate(Compiled(sound(FEES))).as_yaml()
    assert before in FEES
    slipped = FEES.replace(before, after) + tests
    assert rule_tests.run(Compiled(sound(slipped))).findings != ()


def test_the_shipped_premium_file_gets_both_sides_of_its_gap_and_nothing_twice() -> None:
    generated = boundaries.generate(Compiled(sound(Path("rules/premium.yaml").read_text("utf-8"))))
    assert [test.given["driver.age"] for test in generated.tests] == [20, 21, 20, 20, 22, 22, 22]
    assert len({str(test.given) for test in generated.tests}) == 7


def test_each_end_of_an_interval_has_its_own_two_requests() -> None:
    text = FEES.split("rules:", maxsplit=1)[0] + "rules: [{name: R, when: age between 18 and 20, then: [accept]}]\n"
    generated = boundaries.generate(Compiled(sound(text)))
    assert [test.given["age"] for test in generated.tests] == [18, 17, 20, 21]


def test_what_hit_unique_refuses_is_a_comment_and_what_compares_facts_is_left_to_people() -> None:
    text = FEES.replace("hit: first", "hit: unique").replace("age < 18 or", "fee > age or")
    yaml = boundaries.generate(Compiled(sound(text))).as_yaml()
    assert "  # refused: {age: " in yaml
    assert "  # Young, or old: 50% compares facts with facts: write its tests by hand\n" in yaml
    assert rule_tests.run(Compiled(sound(text + yaml))).findings == ()
