"""How rule files' own tests went, as JUnit XML, which CI servers show (https://llg.cubic.org/docs/junit/)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.sax.saxutils import escape, quoteattr

from service.decide import Finding, Ruleset, RuleTestReport

_UNREPRESENTABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(tested: Mapping[str, tuple[Ruleset, RuleTestReport]]) -> str:
    """One test suite a file, one test case a test, named by its line."""
    suites = [line for name, (ruleset, result) in tested.items() for line in _suite(name, ruleset, result)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", *suites, "</testsuites>"]) + "\n"


def _suite(name: str, ruleset: Ruleset, tested: RuleTestReport) -> Iterator[str]:
    problems: dict[int, list[Finding]] = {}
    for finding in tested.findings:
        problems.setdefault(finding.at.line, []).append(finding)
    yield f'<testsuite name={_attribute(name)} tests="{tested.tests}" failures="{len(problems)}" errors="0">'
    for test in ruleset.tests:
        case = f"<testcase classname={_attribute(ruleset.name)} name={_attribute(f'test in line {test.at.line}')}"
        findings = problems.get(test.at.line, [])
        yield f"{case}>" if findings else f"{case}/>"
        if findings:
            yield from _failure(findings)
            yield "</testcase>"
    yield "</testsuite>"


def _failure(findings: list[Finding]) -> Iterator[str]:
    """A test case has one failure, whatever the number of its problems."""
    text = "\n".join(finding.message for finding in findings)
    yield f"<failure message={_attribute(findings[0].message)}>{escape(_representable(text))}</failure>"


def _attribute(text: str) -> str:
    return quoteattr(_representable(text))


def _representable(text: str) -> str:
    return _UNREPRESENTABLE.sub("\ufffd", text)
