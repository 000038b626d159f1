"""Drools files as rule files: what can be said is said exactly, what cannot is refused with its line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.rules import rules
from service.decide import drl
from service.decide.diff import diff_rulesets
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
    difference = diff_rulesets(ours, imported)
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


def refused_of(error: BaseException | None) -> tuple[drl.Untranslatable, ...]:
    assert isinstance(error, DrlRefused)
    return error.faults


def test_a_text_or_comment_that_never_ends_is_refused_and_takes_no_time() -> None:
    for text in ('rule "A" when C(a == 1) then System.out.println("x); end', 'rule "A" when /* C(a == 1) then end'):
        with pytest.raises(DrlRefused):
            drl.rule_file(text, "cars")


def ruled(name: str, when: str, then: str, head: str = "") -> str:
    return f'rule "{name}" {head}\nwhen\n$p : Policy({when})\nthen\n{then}\nend\n'


@pytest.mark.parametrize(
    "raise_premium",
    [
        "modify($p) { setPremium(500) }",
        "$p.setPremium(500);\nupdate($p);",
        "$p.setPremium(500); modify($p) { setX(1) }",
    ],
)
def test_a_change_that_sets_off_another_rule_is_refused(raise_premium: str) -> None:
    chained = ruled("Surcharge", 'risk == "HIGH"', raise_premium) + ruled("Big", "premium > 400", "$p.setOk(true);")
    if "setX" in raise_premium:  # only what modify changes is looked at again
        assert sound(drl.rule_file(chained, "imported")).rules
        return
    ((line, message),) = refusals(chained)
    assert line in (5, 6)
    assert 'policy.premium is changed, and read by "Big": Drools tries rules again' in message


def test_a_rule_that_changes_what_only_it_reads_must_say_no_loop() -> None:
    again = ruled("A", "premium > 3", "modify($p) { setPremium(5) }")
    assert 'read by "A"' in refusals(again)[0][1]
    assert sound(drl.rule_file(again.replace('"A"', '"A" no-loop true'), "imported")).rules


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('agenda-group "audit"', 'agenda-group "audit": its rules fire only when something sets the focus'),
        ("salience PRIO", "salience PRIO is no number"),
        ('date-effective "01-Mar-2026 10:30"', "has a time of day"),
        ('date-expires "01-Mar-2026 00:00:01"', "has a time of day"),
        ('activation-group "one"', "this attribute is not known"),
        ("timer (int: 5s)", "this attribute is not known"),
    ],
)
def test_an_attribute_that_rules_cannot_follow_is_refused(head: str, message: str) -> None:
    ((line, told),) = refusals(ruled("A", "premium > 3", "$p.setOk(true);", head))
    assert (line, message in told) == (1, True)


@pytest.mark.parametrize("head", ['agenda-group "MAIN"', 'date-effective "01-Mar-2026 00:00"', "lock-on-active true"])
def test_an_attribute_that_changes_nothing_is_taken(head: str) -> None:
    assert sound(drl.rule_file(ruled("A", "premium > 3", "$p.setOk(true);", head), "imported")).rules


def test_an_attribute_of_all_rules_is_refused() -> None:
    text = 'package x\nagenda-group "audit"\n' + ruled("A", "premium > 3", "$p.setOk(true);")
    assert refusals(text) == [(2, 'an attribute of all rules cannot be translated: agenda-group "audit"')]


@pytest.mark.parametrize(
    ("literal", "meant"),
    [
        (r'"two\nlines \u00e9 tab\tx"', "two\nlines é tab\tx"),
        (r'"C:\\new \"x\" \101"', 'C:\\new "x" A'),
        ("'HIGH'", "HIGH"),
        ("'say \"hi\"'", 'say "hi"'),
        (r"'it\'s'", "it's"),
    ],
)
def test_a_text_means_what_java_means_by_it(literal: str, meant: str) -> None:
    text = ruled("A", f"note == {literal}", f"$p.setStatus({literal});")
    rules_ = compiled(drl.rule_file(text, "imported"))
    decision = decide(rules_, {"policy": {"note": meant}})
    assert (decision.fired, decision.facts["policy.status"]) == (("A",), meant)


def test_an_escape_that_java_does_not_know_is_refused() -> None:
    assert refusals(ruled("A", r'note == "\q"', "$p.setOk(true);"))[0][1].startswith("this text has an escape")


def test_unequal_is_refused_where_the_field_may_be_null() -> None:
    text = ruled("A", 'owner != "X"', "$p.setOk(true);") + ruled("B", "owner == null", "$p.setOk(false);")
    assert [line for line, _ in refusals(text)] == [3]


def test_numbers_get_the_digits_that_the_file_shows_and_properties_their_names() -> None:
    text = ruled("A", "rate > 0.125, URL == 'x'", '$p.setURL("y"); $p.setRATE2(1.25);')
    facts_ = sound(drl.rule_file(text, "imported")).facts
    assert (facts_["policy.rate"].scale, facts_["policy.URL"].optional) == (3, False)
    assert facts_["policy.RATE2"].optional  # nothing reads it: a request need not hold it


def test_two_rules_of_one_name_are_refused() -> None:
    text = ruled("A", "premium > 3", "$p.setOk(true);") + ruled("A", "premium < 3", "$p.setOk(true);")
    assert refusals(text) == [(7, 'a rule named "A" stands above already, in line 1')]


@pytest.mark.parametrize(
    ("when", "then"),
    [
        ('name < "M"', "$p.setOk(true);"),
        ("premium > 99999999999999999999", "$p.setOk(true);"),
        ("premium > 3", '$p.setPremium2("a"); $p.setOk(1); $p.setOk("x");'),
        ('kind == "a", kind == 5', "$p.setOk(true);"),
        ("größe > 5", "$p.setOk(true);"),
    ],
)
def test_nothing_is_printed_that_would_not_check(when: str, then: str) -> None:
    assert refusals(ruled("A", when, then))[0][1].startswith("cannot be written as a rule: ")
