"""How findings are shown to people and to programs."""

from __future__ import annotations

from decimal import Decimal

from service.decide import language, report
from service.decide.findings import Finding, Flaw, Severity
from service.decide.ruleset import Place
from tests.unit.rule_files import file_with


def test_a_finding_shows_its_line_a_caret_and_a_hint() -> None:
    text = file_with("car.stile == NO")
    shown = report.render(language.parse(text).findings, text, "rules/cars.yaml")
    assert shown == (
        'rules/cars.yaml:15:11: error: unknown fact "car.stile" [unknown_fact]\n'
        "   15 |     when: car.stile == NO\n"
        "      |           ^\n"
        '  hint: did you mean "car.style"?\n'
    )


def test_an_example_is_a_request_that_can_be_pasted() -> None:
    example = {"policy": {"premium": Decimal("0.10")}, "driver": {"age": 21}}
    gap = Finding(Severity.WARNING, Flaw.GAP, Place(1, 3), "no rule applies", example=example)
    shown = report.render([gap], b"abc", "x.yaml")
    assert '  example: {"policy":{"premium":0.10},"driver":{"age":21}}\n' in shown
    assert shown.startswith("x.yaml:1:3: warning: no rule applies [gap]\n")


def test_the_caret_stands_below_wide_characters_and_tabs() -> None:
    finding = Finding(Severity.ERROR, Flaw.SYNTAX, Place(1, 4), "here")
    lines = report.render([finding], "\t漢x!", "x").splitlines()
    assert lines[1:] == ["    1 |  漢x!", "      |     ^"]


def test_a_very_long_line_is_cut_around_the_caret() -> None:
    finding = Finding(Severity.ERROR, Flaw.SYNTAX, Place(1, 5_001), "here")
    _, line, caret = report.render([finding], "a" * 5_000 + "B" + "c" * 5_000, "x").splitlines()
    assert len(line) < 200
    assert line[caret.index("^")] == "B"


def test_nothing_in_a_file_can_move_the_cursor_of_a_terminal() -> None:
    finding = Finding(Severity.ERROR, Flaw.SYNTAX, Place(1, 1), "bad \x1b[2J name")
    assert "\x1b" not in report.render([finding], "\x1b[31mred\u202e", "x")


def test_programs_read_the_documented_shape() -> None:
    parsed = language.parse(file_with("driver.age < 200 and car.stile == NO"))
    assert report.as_json(parsed.findings, "cars.yaml") == {
        "file": "cars.yaml",
        "ok": False,
        "findings": [
            {
                "severity": "warning", "kind": "out_of_range", "rule": "R", "line": 15, "column": 24,
                "message": "200 is outside the range of driver.age (16..110): this always holds",
            },
            {
                "severity": "error", "kind": "unknown_fact", "rule": "R", "line": 15, "column": 32,
                "message": 'unknown fact "car.stile"', "hint": 'did you mean "car.style"?',
            },
        ],
    }  # fmt: skip


def test_a_file_with_warnings_alone_is_ok() -> None:
    assert report.as_json(language.parse(file_with("driver.age < 200")).findings, "x")["ok"] is True
