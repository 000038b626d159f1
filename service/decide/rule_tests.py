"""A rule file's own tests: what they expected, what they got, and which rules none of them fires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from service.decide import facts
from service.decide.cells import FactsDoNotFit
from service.decide.decision import Compiled, NotUnique, RulesetDecision
from service.decide.effects import ActionRefused
from service.decide.findings import Finding, Flaw, Severity
from service.decide.outcomes import EventWanted, NotificationWanted, Outcome
from service.decide.ruleset import Ruleset, RuleTest, Value
from service.decide.values import canonical

TODAY = date(2026, 1, 1)
"""The fact `today` of a test that gives none: a test must not depend on the day it runs."""


NAMED = 10
"""Rules without a test that a message names."""


@dataclass(frozen=True, slots=True)
class RuleTestReport:
    """How a file's tests went: a finding for each that failed, and the rules that no test fired, in file order."""

    tests: int
    findings: tuple[Finding, ...]
    never_fired: tuple[str, ...]


def run(compiled: Compiled) -> RuleTestReport:
    """Run the tests of the compiled file; raises `EngineFault`."""
    ruleset = compiled.ruleset
    findings: list[Finding] = []
    fired: set[str] = set()
    for test in ruleset.tests:
        try:
            decision = compiled.decide(facts.of_test(ruleset, test, TODAY))
        except (facts.FactsRefused, FactsDoNotFit, ActionRefused, NotUnique) as error:
            findings.append(_failed(test, str(error)))
            continue
        fired.update(decision.fired)
        findings.extend(_failed(test, problem) for problem in _differences(ruleset, test, decision))
    never = tuple(rule.name for rule in ruleset.rules if rule.name not in fired)
    return RuleTestReport(len(ruleset.tests), tuple(findings), never)


def untested(ruleset: Ruleset, tested: RuleTestReport) -> tuple[Finding, ...]:
    """A warning that names the rules which no test fires, at the first of them; none for a file without any test."""
    if not tested.tests or not tested.never_fired:
        return ()
    first = next(rule for rule in ruleset.rules if rule.name == tested.never_fired[0])
    many, of_all = len(tested.never_fired), len(ruleset.rules)
    named = ", ".join(f'"{name}"' for name in tested.never_fired[:NAMED]) + (", …" if many > NAMED else "")
    message = f"no test fires {many} of the {of_all} rules: {named}"
    hint = "`tocsin rules tests --generate` prints tests to paste"
    return (Finding(Severity.WARNING, Flaw.UNTESTED, first.at, message, hint=hint),)


def _differences(ruleset: Ruleset, test: RuleTest, decision: RulesetDecision) -> Iterator[str]:
    if test.fired is not None and test.fired != decision.fired:
        yield f"fired {_names(decision.fired)}, expected {_names(test.fired)}"
    for path, expected in test.facts.items():
        got = decision.facts.get(path)
        if got != expected:
            yield f"{path} is {_written(ruleset, path, got)}, expected {_written(ruleset, path, expected)}"
    if test.outcomes is not None and not _as_expected(decision.outcomes, test.outcomes):
        asked_for = tuple(_named(outcome) for outcome in decision.outcomes)
        yield f"asked for {_names(asked_for)}, expected {_names(test.outcomes)}"


def _as_expected(outcomes: Sequence[Outcome], expected: Sequence[str]) -> bool:
    """Whether each outcome is the one expected in its place, by its verb or by verb and name: `emit lead-won`."""
    return len(outcomes) == len(expected) and all(
        words in (outcome.verb, _named(outcome)) for outcome, words in zip(outcomes, expected, strict=True)
    )


def _named(outcome: Outcome) -> str:
    match outcome:
        case EventWanted(event=name) | NotificationWanted(template=name):
            return f"{outcome.verb} {name}"
        case _:
            return outcome.verb


def _failed(test: RuleTest, problem: str) -> Finding:
    message = f"this test fails: {problem}"
    return Finding(Severity.ERROR, Flaw.TEST_FAILED, test.at, message, example=facts.nested(test.given))


def _names(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names) or "nothing"


def _written(ruleset: Ruleset, path: str, value: Value | None) -> str:
    return "missing" if value is None else str(canonical(ruleset.facts[path], value))
