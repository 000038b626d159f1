"""What an administrator is told about changes that a request cannot bear, and amounts that look like shares."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.decide import facts, language
from service.decide.decision import ActionRefused, Compiled, NotUnique
from service.decide.findings import Finding
from service.decide.verify import verify_ruleset
from tests.unit.rule_files import sound

HEAD = """\
ruleset: m
facts:
  n: {type: integer, min: 0, max: 10}
  q: {type: integer, min: 0, max: 9, optional: true}
  p: {type: decimal, scale: 2, min: 0, max: 1000}
  free: {type: decimal, scale: 2}
"""


def file(*rules: tuple[str, str], hit: str = "all") -> str:
    lines = [f"  - {{name: {chr(65 + n)}, when: {when}, then: [{then}]}}" for n, (when, then) in enumerate(rules)]
    return f"{HEAD}hit: {hit}\nrules:\n" + "\n".join(lines) + "\n"


def refusals(text: str) -> list[Finding]:
    return [one for one in verify_ruleset(sound(text)) if one.message.find("the request is refused") > 0]


def is_refused(text: str, finding: Finding) -> bool:
    """Whether the request that a finding shows is refused with the words of the finding."""
    ruleset = sound(text)
    assert finding.example is not None
    try:
        Compiled(ruleset).decide(facts.read(ruleset, finding.example, date(2026, 1, 1)))
    except ActionRefused as error:
        return finding.message.replace(", which is", " is").startswith(str(error))
    return False


@pytest.mark.parametrize(
    ("rules", "hit", "said"),
    [
        ([("p > 900", "{increase: p, by: 20%}")], "all", 'p: rule "A" would make it 1200.00, which is outside'),
        ([("n > 2", "{decrease: n, by: 4}")], "all", 'n: rule "A" would make it -1, which is outside'),
        ([("n > 3", "{increase: q, by: 1}")], "first", "q is not missing behind"),
        ([("n < 3", "{increase: p, by: 1}"), ("n > 3", "{increase: p, by: 2}")], "all", 'so may "B" (line 10)'),
        ([("n > 3", "{set: p, to: 999}"), ("n > 4", "{increase: p, by: 2}")], "all", 'rule "B" would make it 1001.00'),
    ],
)
def test_a_change_that_a_request_cannot_bear_is_shown_with_that_request(
    rules: list[tuple[str, str]], hit: str, said: str
) -> None:
    text = file(*rules, hit=hit)
    found = refusals(text)
    assert any(said in f"{one.message} {one.hint}" for one in found), found
    assert all(is_refused(text, one) for one in found)


@pytest.mark.parametrize(
    ("rules", "hit"),
    [
        ([("p < 900", "{increase: p, by: 10%}")], "all"),
        ([("n > 3", "{decrease: n, by: 4}")], "all"),
        ([("q is not missing and q < 5", "{increase: q, by: 5}")], "all"),
        ([("always", "{cap: p, at: 800}"), ("n > 3", "{increase: p, by: 20%}")], "all"),
        ([("n > 3", "{set: q, to: 1}"), ("n > 3", "{increase: q, by: 1}")], "all"),
        ([("p > 500", "accept"), ("n > 3", "{increase: p, by: 20%}")], "first"),
        ([("n > 3", "{increase: free, by: 20%}"), ("n > 3", "{decrease: free, by: 5.00}")], "all"),
    ],
)
def test_changes_that_every_request_bears_are_not_reported(rules: list[tuple[str, str]], hit: str) -> None:
    assert refusals(file(*rules, hit=hit)) == []


conditions = st.sampled_from(
    ["always", "n > 3", "n < 2", "p > 900", "p < 10", "q is missing", "q > 5", "not (n > 7)", "n > 3 and p > 500"]
)
actions = st.sampled_from(
    [
        "{increase: p, by: 20%}",
        "{decrease: p, by: 5.00}",
        "{increase: q, by: 5}",
        "{decrease: n, by: 1}",
        "{set: q, to: 1}",
        "{cap: p, at: 700}",
        "accept",
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(conditions, actions), min_size=1, max_size=5), st.sampled_from(["all", "first", "unique"]))
def test_every_request_that_is_shown_is_refused_as_it_says(rules: list[tuple[str, str]], hit: str) -> None:
    text = file(*rules, hit=hit)
    try:
        assert all(is_refused(text, one) for one in refusals(text))
    except NotUnique as error:
        raise AssertionError("the example meets two rules") from error


def hints(text: str) -> list[str]:
    return [one.hint or "" for one in (*language.parse(text).findings, *verify_ruleset(sound(text)))]


@pytest.mark.parametrize(
    ("by", "hint"),
    [("0.2", "write 20% for a share, 0.20 for the amount"), ("0.5", "write 50%"), ("0.20", None), ("5.2", None)],
)
def test_an_amount_that_looks_like_a_share_is_doubted_unless_it_has_all_digits(by: str, hint: str | None) -> None:
    doubts = [one for one in hints(file(("n > 3", f"{{increase: free, by: {by}}}"))) if "for a share" in one]
    assert bool(doubts) is (hint is not None)
    assert not hint or hint in doubts[0]


def test_an_amount_below_one_is_doubted_where_other_rules_change_the_fact_by_a_percentage() -> None:
    share, amount = ("n > 3", "{increase: free, by: 20%}"), ("n < 3", "{increase: free, by: 0.25}")
    assert "write 25% for a share" in hints(file(share, amount))
    assert hints(file(amount)) == []


@pytest.mark.parametrize(("cell", "is_doubted"), [("0.2", True), ("0.2%", False), ("20", False), ("1.5", False)])
def test_a_fraction_in_a_column_of_percentages_is_doubted_once(cell: str, is_doubted: bool) -> None:
    table = f"table: |\n  n,free\n  in,out:increase %\n  1,{cell}\n  2,{cell}\n"
    doubts = [one for one in hints(HEAD + table) if "or 0.2% for so little" in one]
    assert len(doubts) == is_doubted


@pytest.mark.parametrize(
    ("when", "is_warned"),
    [
        ("n != 1 and n != 2 or p > 5", True),
        ("n == 1 or n == 2 and p > 5", True),
        ("n == 1 or n == 2 or n == 3 and not p > 5", True),
        ("(n != 1 and n != 2) or p > 5", False),
        ("n != 1 and (n != 2 or p > 5)", False),
        ("n == 1 or p between 2 and 5", False),
        ("n == 1 or not (n == 2 and p > 5)", False),
    ],
)
def test_and_beside_or_without_parentheses_is_warned_of(when: str, is_warned: bool) -> None:
    found = [one for one in language.parse(file((f'"{when}"', "accept"))).findings if "binds" in one.message]
    assert len(found) == is_warned
    assert not found or text_at(file((f'"{when}"', "accept")), found[0]).startswith("or ")


def test_of_one_sort_of_slip_a_few_are_named() -> None:
    slips = [("n == 1 or n == 2 and p > 5", f"{{increase: free, by: 0.{n % 9 + 1}}}") for n in range(26)]
    found = [one.message for one in language.parse(file(*slips)).findings]
    assert len([one for one in found if "binds" in one]) == 20
    assert len([one for one in found if "no share" in one]) == 20


def text_at(text: str, finding: Finding) -> str:
    return text.splitlines()[finding.at.line - 1][finding.at.column - 1 :]
