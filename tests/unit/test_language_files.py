"""Whole rule files: the frame, fact declarations, YAML's pitfalls, limits, and all faults at once."""

from __future__ import annotations

import time
from decimal import Decimal
from pathlib import Path

import pytest

from service.decide import language
from service.decide.findings import Flaw, Severity
from service.decide.ruleset import Fact, FactType, FlagForReview, Hit, Place
from tests.unit.rule_files import HEAD, condition, faults, file_with, kinds, sound, the_only

RULES = Path(__file__).parents[2] / "rules"


@pytest.mark.parametrize("name", ["premium", "sentiment", "purchase", "lead", "gas-leak"])
def test_a_shipped_rule_file_has_no_findings_and_tests_of_its_own(name: str) -> None:
    parsed = language.parse((RULES / f"{name}.yaml").read_bytes())
    assert parsed.findings == ()
    assert parsed.ruleset is not None
    assert parsed.ruleset.name == name
    assert parsed.ruleset.description
    fired = {rule for test in parsed.ruleset.tests for rule in test.fired or ()}
    assert fired == {rule.name for rule in parsed.ruleset.rules}


def test_the_frame_is_read() -> None:
    text = file_with().replace("ruleset: cars", "ruleset: cars\nhit: first\ndescription: All cars\nmust_cover: always")
    ruleset = sound(text + "    why: Because.\nshould_cover: driver.age < 21\n")
    assert (ruleset.name, ruleset.hit, ruleset.description) == ("cars", Hit.FIRST, "All cars")
    assert (ruleset.rules[0].name, ruleset.rules[0].why) == ("R", "Because.")
    assert ruleset.must_cover is not None
    assert ruleset.should_cover is not None


def test_declared_facts_are_typed_and_today_is_always_one() -> None:
    facts = sound(file_with()).facts
    assert facts["driver.age"] == Fact("driver.age", FactType.INTEGER, Place(3, 3), minimum=16, maximum=110)
    assert facts["policy.premium"].minimum == Decimal("0.00")
    assert facts["policy.premium"].scale == 2
    assert facts["car.style"].values == ("SPORTS", "SEDAN", "NO", "OR")
    assert facts["driver.name"].optional
    assert facts["today"].type is FactType.DATE


def test_a_sentiment_declares_a_label_and_four_scores() -> None:
    head = HEAD + "  driver.mood: {sentiment of: driver.name}\n"
    ruleset = sound(file_with("driver.mood.label == Positive and driver.mood.negative < 0.25", head=head))
    assert [(one.path, one.source) for one in ruleset.derived] == [("driver.mood", "driver.name")]
    assert ruleset.facts["driver.mood.label"].values == ("Positive", "Negative", "Neutral", "Mixed")
    score = ruleset.facts["driver.mood.mixed"]
    assert (score.type, score.scale, score.minimum, score.maximum) == (FactType.DECIMAL, 4, 0, 1)
    assert score.optional  # as its text is


def test_a_sentiment_of_a_demanded_text_is_never_missing() -> None:
    head = HEAD + "  car.mood: {sentiment of: car.color}\n"
    assert not sound(file_with(head=head)).facts["car.mood.label"].optional


DECLARATIONS = [
    ("x: {type: intger}", Flaw.TYPE, 'unknown type "intger"', 'did you mean "integer"?'),
    ("x: {type: decimal}", Flaw.TYPE, "x is a decimal without a scale", "add scale: 2 for two digits after the point"),
    ("x: {type: decimal(2)}", Flaw.TYPE, 'unknown type "decimal(2)"', "write {type: decimal, scale: 2}"),
    ("x: {type: decimal, scale: 13}", Flaw.SYNTAX, "scale must be a whole number from 0 to 12", None),
    ("x: {type: integer, scale: 2}", Flaw.TYPE, "only a decimal has a scale, this is a whole number", None),
    ("x: {scale: 2}", Flaw.TYPE, "x has no type", "add type: one of integer, decimal, text, boolean, date, datetime"),
    ("x: integer", Flaw.SYNTAX, "x must be declared as a mapping", "write {type: integer}"),
    ("x: {type: integer, minimum: 2}", Flaw.SYNTAX, 'unknown key "minimum" in the declaration of x',
     'did you mean "min"?'),
    ("x: {type: integer, min: 3, max: 2}", Flaw.OUT_OF_RANGE, "the range of x is empty: 3 > 2", None),
    ("x: {type: integer, min: 2.5}", Flaw.TYPE, "the limit of x: 2.5 is not a whole number", None),
    ("x: {type: text, min: a}", Flaw.TYPE, "x is a text and has no range", None),
    ("x: {type: text, values: []}", Flaw.SYNTAX, "values must name at least one text", None),
    ("x: {type: text, values: [a, b, a]}", Flaw.DUPLICATE_KEY, 'the value "a" stands here a second time', None),
    ("x: {type: integer, values: [a]}", Flaw.TYPE, "only a text lists its values, this is a whole number", None),
    ("x: {type: text, optional: no}", Flaw.SYNTAX, "optional must be true or false", None),
    ("x-y: {type: text}", Flaw.SYNTAX, '"x-y" cannot name a fact',
     "letters, digits and _, joined by points: driver.age"),
    ("always: {type: text}", Flaw.SYNTAX, '"always" is a word of the rule language and cannot name a fact', None),
    ("today: {type: date}", Flaw.DUPLICATE_KEY, "today is always a fact (a date)", "remove this line"),
    ("car: {type: text}", Flaw.TYPE, "car cannot be a value and hold car.style at once", "rename one of the two"),
    ("car.color.tone: {type: text}", Flaw.TYPE, "car.color cannot be a value and hold car.color.tone at once",
     "rename one of the two"),
    ("m: {sentiment of: car.colour}", Flaw.UNKNOWN_FACT, 'unknown fact "car.colour"', 'did you mean "car.color"?'),
    ("m: {sentiment of: driver.age}", Flaw.TYPE, "driver.age is a whole number; only a text has a sentiment", None),
    ("car: {sentiment of: car.color}", Flaw.DUPLICATE_KEY, "car.style lies inside car, which is computed",
     "rename one of the two"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "kind", "message", "hint"), DECLARATIONS, ids=[line for line, *_ in DECLARATIONS])
def test_a_wrong_declaration_is_told(line: str, kind: Flaw, message: str, hint: str | None) -> None:
    found = language.parse(file_with(head=f"{HEAD}  {line}\n")).findings[0]
    assert (found.at.line, found.kind, found.message, found.hint) == (13, kind, message, hint)


def test_the_use_of_a_wrongly_declared_fact_is_not_blamed_as_well() -> None:
    text = file_with("x < 3 and 2 > x", "{set: x, to: 1}", HEAD + "  x: {type: intger}\n")
    assert the_only(language.parse(text)).message == 'unknown type "intger"'


def test_both_values_of_a_repeated_key_are_checked_and_it_is_told_at_the_second() -> None:
    text = file_with("driver.ege < 1").replace("    then", "    when: driver.aje < 1\n    then")
    assert [(f.at, f.kind) for f in language.parse(text).findings] == [
        (Place(15, 11), Flaw.UNKNOWN_FACT),
        (Place(16, 5), Flaw.DUPLICATE_KEY),
        (Place(16, 11), Flaw.UNKNOWN_FACT),
    ]


def test_both_declarations_of_a_repeated_fact_are_checked() -> None:
    text = file_with(head=HEAD + "  x: {type: intger}\n  x: {type: txt}\n")
    assert [(f.at, f.kind) for f in language.parse(text).findings] == [
        (Place(13, 13), Flaw.TYPE),
        (Place(14, 3), Flaw.DUPLICATE_KEY),
        (Place(14, 13), Flaw.TYPE),
    ]


@pytest.mark.parametrize("word", ["no", "NO", "on", "off", "yes", "y", "012", "1:30", "0x1F", "1_000", "2026-05-10"])
def test_yaml_1_2_leaves_words_and_odd_numbers_as_text(word: str) -> None:
    head = HEAD + f"  x: {{type: text, values: [{word}]}}\n"
    text = file_with(f'x == "{word}"', f"{{set: x, to: {word}}}", head)
    assert sound(text + f"tests:\n  - {{given: {{x: {word}}}, expect: {{x: {word}}}}}\n").tests[0].given == {"x": word}


def test_numbers_of_a_test_stay_exact() -> None:
    given = "{policy.premium: 0.10, driver.age: 18, driver.married: true, driver.name: null, other: 1e-2}"
    test = sound(file_with() + f"tests:\n  - {{given: {given}, expect: {{fired: R}}}}\n").tests[0]
    assert test.given == {
        "policy.premium": Decimal("0.10"), "driver.age": 18, "driver.married": True, "driver.name": None,
        "other": Decimal("1e-2"),
    }  # fmt: skip
    assert str(test.given["policy.premium"]) == "0.10"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ruleset: &a x\nfacts: {}\nrules: []", "the anchor &a is not supported"),
        (file_with("*x"), "the alias *x is not supported"),
        (
            file_with("!!str x"),
            "the tag tag:yaml.org,2002:str is not supported",
        ),
        (file_with("! x"), "the tag ! is not supported"),
        (file_with() + "---\nruleset: b\n", "a second document begins here; a file holds one"),
        ("", "the file is empty"),
        ("# only this\n", "the file is empty"),
        ("- a", "a rule file must be a mapping of keys to values"),
        ("? [a]\n: b", "a key must be a text"),
        ("a: " + "[" * 50, "nested deeper than 40 levels"),
        ("a: b\x07", "the character U+0007 may not stand in a YAML file"),
        ("ruleset: a\n\tfacts: b", "not YAML: found a tab character that violates indentation"),
        ("x" * (4 * 1024 * 1024 + 1), "the file has 4,194,305 bytes; 4,194,304 are allowed"),
    ],
)
def test_what_yaml_allows_beyond_a_rule_file_is_refused(text: str, message: str) -> None:
    parsed = language.parse(text)
    assert parsed.ruleset is None
    assert message in [finding.message for finding in parsed.findings]


def test_bytes_that_are_no_utf_8_are_refused_at_their_place() -> None:
    found = the_only(language.parse("ruleset: é".encode() + b"\na: \xff"))
    assert (found.at, found.message) == (Place(2, 4), "this byte is not UTF-8")


def test_the_faults_before_a_fault_of_yaml_are_told_as_well() -> None:
    text = file_with("driver.ege < 1") + "  - name: S\n    when: a: b: c\n    then: accept\n"
    assert faults(text) == [
        (15, 11, 'unknown fact "driver.ege"', 'did you mean "driver.age"?'),
        (18, 12, "not YAML: mapping values are not allowed in this context", "quote a text that contains a colon"),
    ]


def test_a_fault_of_yaml_among_the_facts_makes_no_fact_unknown() -> None:
    text = "rules: [{name: R, when: a < 1 and b < 1, then: accept}]\nfacts:\n  a: {type: integer}\n  b: c: d\n"
    assert [line for line, *_ in faults(text)] == [4]


FRAME = [
    ("when: always", "wen: always", Flaw.SYNTAX, 'unknown key "wen" in a rule', 'did you mean "when"?'),
    ("ruleset: cars", "ruleset: c rs", Flaw.SYNTAX, '"c rs" cannot name a ruleset',
     "letters, digits, - and _, at most 64"),
    ("ruleset: cars", "ruleset:", Flaw.SYNTAX, "ruleset must be a text and not empty", None),
    ("ruleset: cars", "ruleset: cars\nhit: frist", Flaw.UNKNOWN_VALUE, 'unknown hit policy "frist"',
     'did you mean "first"?'),
    ("ruleset: cars", "rulset: cars", Flaw.SYNTAX, 'unknown key "rulset" in a rule file', 'did you mean "ruleset"?'),
    ("  - name: R\n    when", "  - when", Flaw.SYNTAX, 'this rule lacks "name"', "write name: High Risk"),
    ("    then: accept\n", "", Flaw.SYNTAX, 'this rule lacks "then"', "write then: [accept]"),
    ("then: accept", "then: []", Flaw.SYNTAX, "then must hold at least one action", "write then: [accept]"),
    ("when: always", "when: [always]", Flaw.SYNTAX, "when must be a text and not empty", None),
    ("when: always", "when:", Flaw.SYNTAX, "when must be a text and not empty", None),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "kind", "message", "hint"), FRAME, ids=[new for _, new, *_ in FRAME])
def test_a_wrong_frame_is_told(old: str, new: str, kind: Flaw, message: str, hint: str | None) -> None:
    findings = language.parse(file_with().replace(old, new)).findings
    assert (kind, message, hint) in [(found.kind, found.message, found.hint) for found in findings]


def test_a_rule_without_when_always_holds() -> None:
    assert type(sound(file_with().replace("    when: always\n", "")).rules[0].when) is type(condition("always"))


def test_two_rules_of_one_name_are_told_at_the_second() -> None:
    found = the_only(language.parse(file_with() + "  - {name: R, then: accept}\n"))
    assert (found.at, found.kind, found.rule) == (Place(17, 12), Flaw.DUPLICATE_KEY, "R")


def test_the_ruleset_that_judges_messages_may_only_judge() -> None:
    head = HEAD.replace("ruleset: cars", "ruleset: sentiment")
    assert isinstance(sound(file_with(then="{flag for review: x}", head=head)).rules[0].then[0], FlagForReview)
    found = the_only(language.parse(file_with(then="{emit: x}", head=head)))
    assert (found.kind, found.message) == (Flaw.UNKNOWN_VERB, '"emit" may not be used in this ruleset')


TESTS = [
    ("{given: {driver.age: 15}, expect: {}}", Flaw.OUT_OF_RANGE, "15 is outside the range of driver.age (16..110)"),
    ("{given: {driver: {age: x}}, expect: {}}", Flaw.TYPE, 'driver.age: "x" is not a whole number'),
    ("{given: {driver.age: 18, driver: {age: 19}}, expect: {}}", Flaw.DUPLICATE_KEY,
     'the key "age" stands here a second time'),
    ("{given: {driver.aeg: 18}, expect: {}}", Flaw.UNKNOWN_FACT,
     'the fact "driver.aeg" is not declared, so no rule sees it'),
    ("{given: {}, expect: {fired: [Q]}}", Flaw.UNKNOWN_VALUE, 'no rule is named "Q"'),
    ("{given: {}, expect: {policy.premum: 1}}", Flaw.UNKNOWN_FACT, 'unknown fact "policy.premum"'),
    ("{given: {}, expect: {policy.premium: 1.005}}", Flaw.TYPE,
     "policy.premium: 1.005 has more than 2 digits after the point"),
    ("{given: {}, expect: {outcomes: [acept]}}", Flaw.UNKNOWN_VALUE, 'unknown outcome "acept"'),
    ("{given: {}}", Flaw.SYNTAX, 'this test lacks "expect"'),
    ("{given: {}, expect: {}, expects: {}}", Flaw.SYNTAX, 'unknown key "expects" in a test'),
]  # fmt: skip


@pytest.mark.parametrize(("test", "kind", "message"), TESTS, ids=[test for test, *_ in TESTS])
def test_a_wrong_test_is_told(test: str, kind: Flaw, message: str) -> None:
    found = language.parse(file_with() + f"tests:\n  - {test}\n").findings[0]
    assert (found.at.line, found.kind, found.message) == (18, kind, message)


def test_the_tests_of_a_rule_and_of_the_file_are_read_flat_or_nested() -> None:
    text = file_with() + "    tests:\n      - {given: {driver: {age: 18}}, expect: {fired: [S]}}\n"
    text += "  - {name: S, then: accept}\ntests:\n"
    text += "  - {given: {driver.age: 18}, expect: {fired: [R, S], policy: {premium: 5}, outcomes: [accept, emit x]}}\n"
    one, two = sound(text).tests
    assert one.given == two.given == {"driver.age": 18}
    assert (one.fired, one.facts, one.outcomes) == (("S",), {}, None)
    assert (two.fired, two.facts, two.outcomes) == (
        ("R", "S"), {"policy.premium": Decimal("5.00")}, ("accept", "emit x"),
    )  # fmt: skip


def test_too_many_rules_or_facts_are_told() -> None:
    rules = "".join(f"  - {{name: R{number}, then: accept}}\n" for number in range(5_001))
    assert the_only(language.parse(HEAD + "rules:\n" + rules)).message == "5,001 rules; a YAML file may have 5,000"
    facts = "".join(f"  x{number}: {{type: text}}\n" for number in range(191))
    assert the_only(language.parse(file_with(head=HEAD + facts))).message == "201 facts are declared; 200 are allowed"
    assert faults(file_with(head=HEAD + facts[: facts.rindex("  x")])) == []


def many_rules(count: int) -> str:
    return "".join(
        f"  - name: Rule {n}\n"
        f'    when: car.style == NO and driver.age > {n % 90 + 16} and not car.color in ["A", "B{n}"]\n'
        f"    then: [{{increase: policy.premium, by: {n % 50 + 1}%}}]\n"
        for n in range(count)
    )


def test_five_thousand_rules_are_read_in_seconds_not_minutes() -> None:
    started = time.perf_counter()
    assert len(sound(HEAD + "rules:\n" + many_rules(5_000)).rules) == 5_000
    assert time.perf_counter() - started < 50  # a guard against quadratic work, not a measurement


def test_five_thousand_wrong_rules_are_all_told_in_seconds_not_minutes() -> None:
    started = time.perf_counter()
    findings = language.parse(HEAD + "rules:\n" + many_rules(5_000).replace("car.color", "car.colour")).findings
    assert len(findings) == 5_000
    assert time.perf_counter() - started < 50  # a guard against quadratic work, not a measurement


def test_five_thousand_rules_that_misspell_everything_are_told_in_seconds_not_minutes() -> None:
    facts = "".join(f"  section.attribute_number_{n}: {{type: integer}}\n" for n in range(180))
    rules = "".join(
        f"  - {{name: R{n}, when: secton.atribute_nmber_{n} < 5, then: {{increse{n}: x}}}}\n" for n in range(5_000)
    )
    started = time.perf_counter()
    findings = language.parse(HEAD + facts + "rules:\n" + rules).findings
    assert time.perf_counter() - started < 50  # a guard against quadratic work, not a measurement
    assert len(findings) == 10_000
    assert findings[0].hint == 'did you mean "section.attribute_number_0"?'


def test_one_wrong_rule_hides_no_other() -> None:
    text = HEAD + "rules:\n  - 5\n  - {name: A, when: driver.ege < 1, then: accept}\n  - {name: B}\n"
    text += "  - {name: C, when: 'driver.age <', then: {acept: 1}}\ntests: 7\nhit: most\nbogus: 1\n"
    assert kinds(text) == [
        Flaw.SYNTAX, Flaw.UNKNOWN_FACT, Flaw.SYNTAX, Flaw.SYNTAX, Flaw.UNKNOWN_VERB, Flaw.SYNTAX, Flaw.UNKNOWN_VALUE,
        Flaw.SYNTAX,
    ]  # fmt: skip
    assert all(finding.severity is Severity.ERROR for finding in language.parse(text).findings)
