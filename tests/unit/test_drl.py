"""Drools files as rule files: what can be said is said exactly, what cannot is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.rules import rules
from service.decide import drl
from service.decide.diff import diff
from service.decide.drl import DrlRefused
from service.decide.wording import condition_text
from tests.unit.rule_files import sound
from tests.unit.rule_worlds import compiled, decide

SAMPLE = """package com.amazonaws.drools
import com.amazonaws.drools.Car;   // "rule" in a comment is no rule

rule "High Risk"
     when
         $car : Car(style == "SPORTS", color == "RED")
         $policy : Policy()
         and $driver : Driver ( age < 21 )
     then
         System.out.println(drools.getRule().getName() +": rule fired");
         modify ($policy) { setPremium(increasePremiumRate($policy, 20)) };
 end

 rule "Med Risk"
     when
         $car : Car(style == "SPORTS", color == "RED")
         $policy : Policy()
         and $driver : Driver ( age > 21 )
     then
         System.out.println(drools.getRule().getName() +": rule fired");
         modify ($policy) { setPremium(increasePremiumRate($policy, 10)) };
 end

 function double increasePremiumRate(Policy pol, double percentage) {
     return (pol.getPremium() + pol.getPremium() * percentage / 100);
 }
"""
"""The rules of aws-samples/aws-step-functions-business-rules-orchestration."""


def one_rule(when: str, then: str = '$p.setClass("A");', head: str = 'rule "R"') -> str:
    return f"{head}\nwhen\n$p : Policy()\n{when}\nthen\n{then}\nend\n"


def refusals(text: str) -> list[tuple[int, str]]:
    with pytest.raises(DrlRefused) as refused:
        drl.rule_file(text, "imported")
    return [(fault.line, fault.message) for fault in refused.value.faults]


def test_the_samples_file_becomes_rules_that_decide_as_the_shipped_ones() -> None:
    ours = sound(Path("rules/premium.yaml").read_text("utf-8"))
    imported = sound(drl.rule_file(SAMPLE, "premium"))
    difference = diff(ours, imported)
    assert difference.changes == ()
    assert [note.split()[1] for note in difference.notes] == [
        "driver.name",
        "policy.id",
        "driver.age",
        "policy.premium",
    ]
    assert imported.rules[0].name == "High Risk"


def test_salience_orders_the_rules_and_dates_bound_them() -> None:
    text = one_rule("", 'modify($p) { setRate(1), setClass("C: #1") }') + one_rule(
        "",
        "$p.setRate(2.5);",
        'rule Late salience 10 date-effective "01-Mar-2026" date-expires "02-Mar-2026" no-loop true',
    )
    rules_ = compiled(drl.rule_file(text, "imported"))
    assert [rule.name for rule in rules_.ruleset.rules] == ["Late", "R"]
    for today, fired in (("2026-02-28", ("R",)), ("2026-03-01", ("Late", "R")), ("2026-03-02", ("R",))):
        decision = decide(rules_, {"policy": {"rate": 0, "class": ""}, "today": today})
        assert decision.fired == fired
        assert decision.facts["policy.class"] == "C: #1"


@pytest.mark.parametrize(
    ("constraint", "condition"),
    [
        ('Car(style in ("A", "B, \\"C\\""))', 'car.style in ["A", \'B, "C"\']'),
        ('Car(style not in ("A"))', 'not car.style in ["A"]'),
        ("Car(doors >= 4 && year != 1999, price < 10.50)", "car.doors >= 4 and car.year != 1999 and car.price < 10.50"),
        ("Car(leased == true, owner == null)", "car.leased == true and car.owner is missing"),
        ('Car($m : model, make == "x: #y")', 'car.make == "x: #y"'),
        ("Car(a == 1) Driver(b == 2)", "car.a == 1 and driver.b == 2"),
    ],
)
def test_constraints_become_conditions(constraint: str, condition: str) -> None:
    ruleset = sound(drl.rule_file(one_rule(constraint), "imported"))
    assert condition_text(ruleset.rules[0].when, ruleset.facts) == condition


@pytest.mark.parametrize(
    ("when", "then", "line", "message"),
    [
        ("", "Bank.pay($p, 100);", 6, "this is Java, which rules never run: Bank.pay($p, 100)"),
        (
            "",
            "$p.setRate(1);\n$p.setRate($p.getRate() * 2);",
            7,
            "this is Java, which rules never run: $p.getRate() * 2",
        ),
        ("", "$q.setRate(1);", 6, "this is Java, which rules never run: $q.setRate(1)"),
        ("", "modify($p) { setRate(raise($p, 5)) }", 6, "this is Java, which rules never run: raise($p, 5)"),
        ("not Car()", "$p.setRate(1);", 4, 'only patterns such as Car(style == "SPORTS") can be translated: not Car()'),
        ("Car(age < $d)", "$p.setRate(1);", 4, "$d is no constant"),
        (
            "Car(a == 1 || b == 2)",
            "$p.setRate(1);",
            4,
            "only a field against a constant can be translated: a == 1 || b == 2",
        ),
        ("Car(a == 1)\nCar(a == 2)", "$p.setRate(1);", 5, "a second Car: a request holds one of each"),
        ("", "", 1, 'the rule "R" does nothing that can be translated'),
    ],
)
def test_what_cannot_be_translated_is_refused_with_its_line(when: str, then: str, line: int, message: str) -> None:
    assert (line, message) in refusals(one_rule(when, then))


def test_a_function_that_is_no_percentage_is_java() -> None:
    other = SAMPLE.replace("* percentage / 100", "* percentage / 10")
    assert [line for line, _ in refusals(other)] == [11, 21]


def test_all_refusals_of_a_file_come_at_once_and_on_the_command_line(tmp_path: Path) -> None:
    assert refusals("package x;\n") == [(1, "there is no rule in this file")]
    file = tmp_path / "AutoInsurancePremium.drl"
    file.write_text(SAMPLE)
    done = CliRunner().invoke(rules, ["import", str(file)])
    assert done.output.startswith("ruleset: auto-insurance-premium\n")
    file.write_text(SAMPLE.replace("System.out.println", "System.exit").replace("age > 21", "age > max"))
    failed = CliRunner().invoke(rules, ["import", str(file)])
    assert failed.exit_code == 1
    assert [fault.line for fault in refused_of(failed.exception)] == [10, 18, 20]


def refused_of(error: BaseException | None) -> tuple[drl.Refused, ...]:
    assert isinstance(error, DrlRefused)
    return error.faults


def test_a_text_or_comment_that_never_ends_is_refused_and_takes_no_time() -> None:
    for text in ('rule "A" when C(a == 1) then System.out.println("x); end', 'rule "A" when /* C(a == 1) then end'):
        with pytest.raises(DrlRefused):
            drl.rule_file(text, "cars")
