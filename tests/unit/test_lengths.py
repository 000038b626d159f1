"""A text of a rule is short enough to be said; a version that was published before still decides."""

from __future__ import annotations

import pytest

from service.decide import language, lengths
from service.decide.findings import Severity
from service.decide.ruleset import Place
from service.rulesets import gate
from tests.unit.rule_files import file_with

LONG = "x" * 2_001
HELD = f"{'x' * 1_980}{{{{ driver.name }}}}"


@pytest.mark.parametrize(
    "then",
    [
        f'[{{reject: "{LONG}"}}]',
        f'[accept, {{flag for review: "{LONG}"}}]',
        f'[{{reject: "{HELD}{HELD}"}}]',
        f'[{{set: driver.name, to: "{LONG}"}}]',
        f'[{{notify: n, audience: a, variables: {{v: "{LONG}"}}}}]',
        f'[{{open incident: a, contacts: [{{recipient: ann, name: "{LONG}"}}]}}]',
    ],
)
def test_a_text_of_more_than_2000_characters_is_an_error_at_its_action(then: str) -> None:
    (finding,) = (one for one in gate.check(file_with(then=then)).findings if one.severity is Severity.ERROR)
    assert "characters; 2,000 are allowed" in finding.message
    assert finding.at == Place(16, 12 if "accept" not in then else 20)
    assert finding.rule == "R"


def test_2000_characters_are_allowed() -> None:
    assert gate.check(file_with(then=f'[{{reject: "{LONG[1:]}"}}]')).sound


def test_a_version_with_a_longer_text_is_still_read() -> None:
    ruleset = language.parse(file_with(then=f'[{{reject: "{LONG}"}}]')).ruleset
    assert ruleset is not None
    assert lengths.check(ruleset)
