"""What an administrator who comes from Excel, SQL or Word is told about a rule file: the place, and what to write."""

from __future__ import annotations

import pytest

from service.decide import language
from service.decide.findings import Finding, Severity
from service.rulesets import gate

FRAME = """\
ruleset: m
facts:
  d: {type: date}
  s: {type: text}
  c: {type: text, values: [RED, BLUE]}
  n: {type: integer}
  m: {type: integer}
  p: {type: decimal, scale: 2}
hit: all
rules:
"""


def said(rules: str) -> list[Finding]:
    return list(language.parse(FRAME + rules).findings)


def rule(when: str = "n > 5", then: str = "accept") -> str:
    return f"  - name: A\n    when: {when}\n    then: [{then}]\n"


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ('c == "RED" or "BLUE"', 'c in ["RED", "BLUE"]'),
        ("c == RED or BLUE", "c in [RED, BLUE]"),
        ("n == 1 or 2", "n in [1, 2]"),
        ('c != "RED" and "BLUE"', 'c not in ["RED", "BLUE"]'),
        ("n > 1 and 2", "repeat the fact: n > 2"),
        ('s is "RED"', "write =="),
        ('s is not "RED"', "write !="),
        ("n is 5", "write =="),
        ("n equals 5", "write =="),
        ('s not == "A"', "write !="),
        ("n is empty", "is missing"),
        ("n is between 1 and 5", "write between without is"),
        ("n \u00a0> 5", "invisible character stands here: U+00A0, no-break space"),
        ("n\u200b > 5", "U+200B, zero-width space"),
        ("n ≤ 5", "write <="),
        ("n ≥ 5", "write >="),
        ("n ≠ 5", "write !="),
        ("s == “A”", "straight quotes"),
        ("n > 1,000", "write 1000"),
        ("p > 20,5", "write 20.5"),
        ("n > 1.000", "write 1000 or 1"),
        ("p > 1.500", "write 1500 or 1.5"),
        ('s contains "A"', "the language has no contains"),
        ('s starts with "A"', "the language has no starts"),
        ('s matches "A.*"', "compared as a whole"),
        ('s like "A%"', "the language has no like"),
        ("d < today - 30 days", "conditions compute nothing"),
        ("n + m > 5", "conditions compute nothing"),
        ("n % 2 == 0", "conditions compute nothing"),
        ("length(s) > 3", "there are no functions"),
        ('now > "2026-01-01"', "write today"),
        ('d > "01.03.2026"', 'write "2026-03-01"'),
        ("n in [1..5]", "write between 1 and 5"),
        ("n in [18..21)", "write >= and <"),
        ("n between 18 - 21", "write between 18 and"),
        ('c in ("RED", "BLUE")', "square brackets"),
        ('s in "A"', 'write in ["A"]'),
        ('s in ["A" "B"]', "a comma between"),
        ("n > - 5", "without a blank: -5"),
        ("if n > 5", "a condition begins with its first fact"),
        ("n > 5 then", "actions stand under then"),
        ("n > 5 xor m > 5", "there is no xor"),
    ],
)
def test_a_condition_written_as_elsewhere_says_what_to_write(when: str, words: str) -> None:
    errors = [one for one in said(rule(when)) if one.severity is Severity.ERROR]
    assert errors
    assert len({one.at for one in errors}) <= 2
    assert words in f"{errors[0].message} {errors[0].hint}"


@pytest.mark.parametrize(
    ("then", "words"),
    [
        ("{increase: p, by: 20,5%}", "a point before decimals"),
        ("{increase: p, by: 1,000}", "no sign between thousands, 1000"),
        ('{increase: p, by: "20,5%"}', "write 20.5%"),
        ("{increase: p, by: 20 percent}", "write 20%"),
        ("{increase: p, by: 1.500}", "write 1500 or 1.5"),
        ("{set: n, to: m}", "copies of other facts are not possible"),
        ("{set: p, to: p * 1.2}", "increase: p, by: 20%"),
        ("increase p by 20%", "write {increase: p, by: 20%}"),
        ("set n to 5", "write {set: n, to: 5}"),
        ("cap p at 100", "write {cap: p, at: 100}"),
        ("{reject: see ticket #77 please}", "a # after a blank begins a comment"),
        ("{increase: n by: 5}", "a comma between two entries"),
    ],
)
def test_an_action_written_as_elsewhere_says_what_to_write(then: str, words: str) -> None:
    assert any(words in str(one.hint) for one in said(rule(then=then)))


@pytest.mark.parametrize(
    ("rules", "line", "words"),
    [
        ("  - name:High Risk\n", 11, "write a blank after the colon: name: High Risk"),
        ("  - name: A\n    when n > 5\n    then: [accept]\n", 12, "lacks a colon"),
        ("  - name: A\n    // a note\n    then: [accept]\n", 12, "a comment begins with #"),
        ('  - name: A\n    when: \'s == "A"\n    then: [accept]\n', 12, "never closed"),
        ('  - name: A\n    when: "A" == s\n    then: [accept]\n', 12, "quote all of it: when: '\"A\" == s'"),
    ],
)
def test_what_yaml_cannot_read_is_shown_where_it_stands(rules: str, line: int, words: str) -> None:
    (error, *_) = said(rules)
    assert error.at.line == line
    assert words in str(error.hint)


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("rule #1 of drivers", True),
        ("drivers # a remark", False),
        ("'rule #1 of drivers'", False),
        ("drivers#1", False),
    ],
)
def test_a_text_that_a_number_sign_cuts_off_is_warned_of(text: str, warned: bool) -> None:
    findings = said(f"  - name: A\n    why: {text}\n    then: [accept]\n")
    assert [one.severity for one in findings] == [Severity.WARNING] * warned


@pytest.mark.parametrize(("type_", "words"), [("number", "decimal"), ("string", "write text"), ("bool", "boolean")])
def test_a_type_named_as_elsewhere_says_which_is_meant(type_: str, words: str) -> None:
    text = (FRAME + rule()).replace("type: date}", f"type: {type_}}}")
    assert words in str(language.parse(text).findings[0].hint)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04\xff\xfe", "Word or Excel"), ("ruleset: m".encode("utf-16"), "UTF-16"), (b"why: \xfc", "not UTF-8")],
)
def test_a_file_that_is_no_text_says_what_it_is(content: bytes, words: str) -> None:
    assert words in gate.check(content).findings[0].message


@pytest.mark.parametrize("bullet", ["•", "–", "—", "·", "−"])
def test_the_bullet_or_long_dash_of_a_word_processor_is_named(bullet: str) -> None:
    hints = [finding.hint for finding in said(rule().replace("-", bullet, 1))]
    assert f"an entry of a list begins with - and a blank, not with {bullet}" in hints
