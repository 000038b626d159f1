"""A rule file is tried in a process of its own before it may serve: its tests, and what crashes or hangs."""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future, ThreadPoolExecutor
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from time import monotonic

import pytest

from service.decide import canary, contacts, proofs, rule_tests
from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import Place
from tests.unit.rule_worlds import compiled

RULES = """\
ruleset: premium
facts:
  age: {type: integer, min: 0}
  price: {type: decimal, scale: 2, max: 400}
rules:
  - {name: Young, when: age < 21, then: [{increase: price, by: 20%}, {emit: young}, {flag for review: look}]}
  - {name: Old, when: age > 80, then: [{increase: price, by: 50%}]}
  - {name: Nobody, when: age < 0, then: [accept]}
tests:
"""


def findings_of(*tests: str) -> tuple[Finding, ...]:
    return about_tests(canary.check(RULES + "".join(f"  - {test}\n" for test in tests)))


def about_tests(trial: canary.TrialResult) -> tuple[Finding, ...]:
    """What was found of the file's own tests."""
    return tuple(finding for finding in trial.findings if finding.kind in (Flaw.TEST_FAILED, Flaw.UNTESTED))


def test_a_file_whose_tests_pass_is_told_only_which_rules_they_never_fire() -> None:
    (finding,) = findings_of(
        "{given: {age: 9, price: 300}, expect: {fired: [Young], price: 360}}",
        "{given: {age: 9, price: 300}, expect: {outcomes: [emit young, flag for review]}}",
        "{given: {age: 18, price: 300}, expect: {outcomes: [emit, flag for review]}}",
        "{given: {age: 21, price: 300}, expect: {fired: []}}",
    )
    assert (finding.severity, finding.kind, finding.at) == (Severity.WARNING, Flaw.UNTESTED, Place(7, 5))
    assert finding.message == 'no test fires 2 of the 3 rules: "Old", "Nobody"'


def test_a_file_whose_tests_fire_every_rule_has_no_findings() -> None:
    tests = ["{given: {age: 9, price: 300}, expect: {}}", "{given: {age: 81, price: 200}, expect: {}}"]
    both = RULES.replace("  - {name: Nobody, when: age < 0, then: [accept]}\n", "")
    assert about_tests(canary.check(both + "".join(f"  - {test}\n" for test in tests))) == ()
    assert about_tests(canary.check(RULES.removesuffix("tests:\n"))) == ()  # whoever writes no tests at all knows that


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ("{given: {age: 18, price: 300}, expect: {fired: [Old]}}", 'fired "Young", expected "Old"'),
        ("{given: {age: 18, price: 300}, expect: {price: 300}}", "price is 360.00, expected 300.00"),
        ("{given: {age: 30, price: 300}, expect: {fired: [Young]}}", 'fired nothing, expected "Young"'),
        (
            "{given: {age: 18, price: 300}, expect: {outcomes: [flag for review, emit]}}",
            'asked for "emit young", "flag for review", expected "flag for review", "emit"',
        ),
        ("{given: {age: 90, price: 300}, expect: {}}", 'rule "Old" would make it 450.00 is outside'),
        ("{given: {price: 300}, expect: {}}", "age: is missing"),
    ],
)
def test_a_failing_test_is_a_finding_with_its_place_and_a_request_to_paste(expected: str, message: str) -> None:
    (finding,) = findings_of(expected)
    assert message in finding.message
    assert (finding.severity, finding.kind, finding.at) == (Severity.ERROR, Flaw.TEST_FAILED, Place(10, 5))
    assert finding.example is not None
    assert finding.example["price"] == 300


def test_rules_that_no_test_fires_are_named() -> None:
    result = rule_tests.run(
        compiled(RULES + "  - {given: {age: 18, price: 1.5}, expect: {fired: [Young], price: 1.80}}")
    )
    assert (result.tests, result.findings, result.never_fired) == (1, (), ("Old", "Nobody"))


def test_a_file_that_does_not_parse_has_the_findings_of_the_parser_alone() -> None:
    trial = canary.check("rules: [")
    assert trial.declared is None
    assert {finding.kind for finding in trial.findings} == {Flaw.SYNTAX}


def test_a_trial_says_how_the_file_names_its_ruleset_and_what_it_changes() -> None:
    whole = RULES.removesuffix("tests:\n")
    trial = canary.check(whole.replace("by: 20%", "by: 30%"), whole)
    assert trial.declared == canary.RulesetHeader("premium", "")
    assert trial.changes is not None
    assert "30%" in str(trial.changes["changes"])
    assert canary.check(whole.replace("ruleset: premium", "ruleset: other"), whole).changes is None
    assert canary.check(whole, "rules: [").changes is None
    assert canary.check(whole).changes is None


def test_text_that_is_not_utf_8_is_a_finding() -> None:
    assert canary.check(b"ruleset: \xff").declared is None
    assert canary.check("ruleset: \ud800").declared is None


def test_a_fault_of_our_own_names_its_place_and_nothing_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def prove(_: bytes) -> proofs.ProofReport:
        raise IndexError("the secret of the file")

    monkeypatch.setattr(proofs, "prove", prove)
    answer = BytesIO()
    canary.main(BytesIO(b"ruleset: r"), answer, 10)
    (finding,) = canary._read(answer.getvalue()).findings
    assert "IndexError at test_canary.py, line " in finding.message
    assert "secret" not in finding.message


def test_a_condition_with_too_many_alternatives_is_a_finding_at_its_place() -> None:
    declared = ", ".join(f"f{n}: {{type: boolean}}" for n in range(20))
    when = " and ".join(f"(f{n} == true or f{n + 1} == true)" for n in range(0, 20, 2))
    trial = canary.check(f"ruleset: r\nfacts: {{{declared}}}\nrules:\n  - {{name: a, when: {when}, then: [accept]}}\n")
    (finding,) = (one for one in trial.findings if one.severity is Severity.ERROR)
    assert (finding.kind, finding.at.line) == (Flaw.SYNTAX, 4)
    assert "split the rule" in finding.message


def busy(rules: int) -> str:
    """A file that keeps the engine busy."""
    return RULES.replace(
        "tests:\n", "".join(f"  - {{name: R{n}, when: age == {n}, then: [accept]}}\n" for n in range(rules))
    )


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (canary.Limits(cpu=1), "takes more than 1 s of processor time"),
        (canary.Limits(memory=40 << 20), "takes more than 40 MiB of memory"),
    ],
)
def test_a_file_that_meets_a_limit_is_a_finding_that_names_the_limit(limits: canary.Limits, message: str) -> None:
    trial = canary.check(busy(40_000), limits=limits)
    (finding,) = trial.findings
    assert message in finding.message
    assert trial.limit is not None
    assert trial.limit in message
    assert finding.severity is Severity.ERROR


def test_a_machine_that_is_too_busy_says_nothing_about_the_file() -> None:
    with pytest.raises(canary.CanaryFailed, match="try again"):
        canary.check(RULES + "  []", limits=canary.Limits(wait=0.001))


def ended_by(ending: int) -> tuple[Finding, ...]:
    """What a file's check says when this signal ends its trial."""
    before = _children()
    with ThreadPoolExecutor(1) as pool:
        checking = pool.submit(canary.check, busy(2_000))
        os.kill(_new_child(before, checking), ending)
        return checking.result().findings


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the child process in /proc")
def test_a_file_that_crashes_the_engine_is_a_finding_not_an_outage() -> None:
    (finding,) = ended_by(signal.SIGSEGV)
    assert "crashes on this file (SIGSEGV)" in finding.message


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the child process in /proc")
@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGBUS, 40])
def test_a_trial_that_is_ended_from_outside_is_no_finding_about_the_file(ending: int) -> None:
    with pytest.raises(canary.CanaryFailed, match=r"ended from outside \(.+\).*try again"):
        ended_by(ending)


def _new_child(before: frozenset[int], checking: Future[canary.TrialResult]) -> int:
    """The canary's process, and none of those that other tests have running."""
    until = monotonic() + 30
    while monotonic() < until and not checking.done():
        for pid in _children() - before:
            return pid
    raise AssertionError("no child process was seen")


def _children() -> frozenset[int]:
    return frozenset(
        int(pid) for children in Path("/proc/self/task").glob("*/children") for pid in children.read_text().split()
    )


def test_examples_keep_their_numbers_exact() -> None:
    (finding,) = findings_of("{given: {age: 18, price: 300.10}, expect: {price: 1}}")
    assert finding.example == {"age": 18, "price": Decimal("300.10")}


def test_what_judges_phones_and_addresses_is_imported_for_files_that_fix_a_contact_only() -> None:
    assert not {"PhoneRules", "validate_email", "parse_tag"} & vars(contacts).keys()
