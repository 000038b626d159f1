"""Rule files for readers and editors: the page, the schema, the canonical layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from service.cli.rules import rules
from service.decide import describe_page, fmt, positions, schema_json
from service.decide.diff import diff_rulesets
from service.decide.errors import RuleFaults
from service.decide.expectations import plain
from service.decide.verify import verify_ruleset
from service.rulesets.rule_file import EVENTS
from tests.unit.rule_files import HEAD, sound

SHIPPED = sorted(path for path in Path("rules").glob("*.yaml") if path.name != EVENTS)
FULL = """\
ruleset: full
description: Everything that a file may say
facts:
  a.text: {type: text, values: [X, "y z"], optional: true}
  a.sum: {type: decimal, scale: 2, min: 0, max: 10}
  a.note: {type: text}
  a.mood: {sentiment of: a.note}
hit: unique
must_cover: a.sum > 3
rules:
  - name: All verbs
    when: a.sum > 3
    then:
      - {set: a.text, to: X}
      - {increase: a.sum, by: 20%}
      - {decrease: a.sum, by: 0.50}
      - {cap: a.sum, at: 9}
      - accept
      - {flag for review: "look"}
      - {reject: "no"}
      - {notify: t, audience: all, variables: {n: "{{ a.text }}"}}
      - {open incident: "o", policy: p, contacts: [{phone: "+447700900123"}]}
      - {emit: e}
    why: To be seen.
    tests: [{given: {a.sum: 1, a.note: n}, expect: {fired: []}}]
tests:
  - {given: {a.sum: 1, a.note: n}, expect: {fired: [], outcomes: []}}
"""


def faults(text: str) -> list[str]:
    """What the schema has against a file, by path."""
    node, _ = positions.read(text, RuleFaults())
    assert node is not None
    document = json.loads(json.dumps(plain(node), default=float))
    return [error.json_path for error in Draft202012Validator(schema_json.schema()).iter_errors(document)]


@pytest.mark.parametrize("text", [FULL, *(path.read_text("utf-8") for path in SHIPPED)], ids=lambda text: text[:20])
def test_the_schema_accepts_what_the_language_accepts(text: str) -> None:
    sound(text)
    assert faults(text) == []


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("hit: unique", "hit: any", "$.hit"),
        ("must_cover", "must_cove", "$"),
        ("why:", "because:", "$.rules[0]"),
        ("{emit: e}", "{emitt: e}", "$.rules[0].then"),
        ("type: decimal", "type: money", "$.facts['a.sum']"),
        ("outcomes: []", "outcomes: [accepted]", "$.tests[0].expect.outcomes"),
        ("ruleset: full", "ruleset: full of blanks", "$.ruleset"),
    ],
)
def test_the_schema_marks_what_the_language_refuses(before: str, after: str, path: str) -> None:
    assert before in FULL
    assert faults(FULL.replace(before, after, 1)) == [path]


def test_the_schema_command_prints_the_schema() -> None:
    done = CliRunner().invoke(rules, ["schema"])
    assert json.loads(done.stdout) == schema_json.schema()
    Draft202012Validator.check_schema(json.loads(done.stdout))


def test_the_page_has_facts_rules_tests_and_what_is_open() -> None:
    ruleset = sound(Path("rules/premium.yaml").read_text("utf-8"))
    page = describe_page.page(ruleset, verify_ruleset(ruleset), ["version 1 by Ann: the beginning"])
    for part in (
        "# premium\n\nCar insurance premium by driver risk\n\nEvery rule that holds takes effect, in this order.",
        "| `driver.age` | integer 0..130 | High Risk, Med Risk |",
        'When `car.style == "SPORTS" and car.color == "RED" and driver.age < 21`:\n\n- increase policy.premium by 20%',
        "| driver.age = 18, car.style = SPORTS, car.color = RED, policy.id = 1231231, policy.premium = 300 |",
        "- Line 11: no rule holds where driver.age is 21",
        "- version 1 by Ann: the beginning",
    ):
        assert part in page
    assert "today" not in page


def test_text_of_a_rule_file_cannot_break_out_of_its_page() -> None:
    page = describe_page.page(sound(f"{HEAD}rules: [{{name: 'A|<b>', then: [{{reject: '# *x*'}}]}}]\n"), ())
    assert "### 1. A\\|\\<b\\>" in page
    assert '- reject "\\# \\*x\\*"' in page


UNTIDY = """\
# about fees
tests:
  - given: {age: 3, fee: 1}
    expect: {fired: [A]}

# who pays
rules:
  - name: A   \t
    # young people
    when: age<18   and  not(plan == "a  b<c")
    then: [accept]



  - name: B
    when: >-
      age   >  17
    then: [{reject: "too   old"}]
hit: first
facts:   # inputs
  age: {type: integer}   # years
  plan:   {type: text, optional: true}
  fee: {type: decimal, scale: 2}
ruleset: fees\r
"""
TIDY = """\
# about fees
ruleset: fees
facts:   # inputs
  age:  {type: integer}   # years
  plan: {type: text, optional: true}
  fee:  {type: decimal, scale: 2}
hit: first

# who pays
rules:
  - name: A
    # young people
    when: age < 18 and not(plan == "a  b<c")
    then: [accept]

  - name: B
    when: >-
      age   >  17
    then: [{reject: "too   old"}]
tests:
  - given: {age: 3, fee: 1}
    expect: {fired: [A]}
"""


def test_an_untidy_file_is_tidied_with_its_comments_and_means_the_same() -> None:
    assert fmt.formatted(UNTIDY) == TIDY
    assert diff_rulesets(sound(UNTIDY), sound(TIDY)).equivalent


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_shipped_files_are_tidy(path: Path) -> None:
    assert fmt.formatted(path.read_text("utf-8")) == path.read_text("utf-8")


def test_a_step_that_would_change_a_text_is_left_out() -> None:
    reason = "      - reject: |-\n          two  \n\n\n\n          lines\n"
    text = f"{HEAD}rules:\n  - name: R\n    when: driver.age<18\n    then:\n{reason}"
    tidied = fmt.formatted(text)
    assert reason in tidied
    assert "when: driver.age < 18" in tidied


def test_a_file_with_errors_is_left_alone(tmp_path: Path) -> None:
    assert fmt.formatted("rules:   [\n") == "rules:   [\n"
    file = tmp_path / "fees.yaml"
    file.write_bytes(UNTIDY.encode())
    assert CliRunner().invoke(rules, ["fmt", "--check", str(file)]).exit_code == 1
    assert file.read_bytes() == UNTIDY.encode()
    assert CliRunner().invoke(rules, ["fmt", str(file)]).output == f"{file} formatted\n"
    assert file.read_text() == TIDY
    assert CliRunner().invoke(rules, ["fmt", "--check", str(file)]).exit_code == 0
