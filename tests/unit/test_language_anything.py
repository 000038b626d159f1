"""Whatever bytes a file holds: `parse` answers, says why it refuses, and its findings can be shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.core import exact_json
from service.decide import language, report
from service.decide.findings import Severity
from service.rulesets.rule_file import EVENTS
from tests.unit.rule_files import file_with

RULES = sorted(path for path in (Path(__file__).parents[2] / "rules").glob("*.yaml") if path.name != EVENTS)

FILES = st.sampled_from([path.read_text("utf-8") for path in RULES])
SIGNS = [*"\"':[]{}#|>%?=()-. \t\r", ": ", "- ", "&a", "*a", "!x", "---\n", "...", "<<: ", "? ", "{{", "}}", "=="]
ODD = ["\n", "\n  ", "\r\n", "\x85", "\u2028", "\ufeff", "\ud800", "\0", "é", "😀", "\\", "1e999999999", "9" * 5_000]
WORDS = ["null", "~", "and", "not ", "facts", "rules", "when", "20%", "0.1", "driver", "is", "between"]
SPICE = st.sampled_from(SIGNS + ODD + WORDS)


TOKENS = st.lists(st.one_of(SPICE, st.sampled_from(["driver.age", "car.style", "<", "in", "missing"])))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A shipped file with pieces cut out, doubled, swapped and strange things put in."""
    text = draw(FILES)
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        piece = draw(st.one_of(st.just(""), SPICE, st.just(text[start:end] * 2), st.text(max_size=5)))
        text = text[:start] + piece + text[end:]
    return text


def look_at(source: str | bytes) -> None:
    parsed = language.parse(source)
    refused = any(finding.severity is Severity.ERROR for finding in parsed.findings)
    assert (parsed.ruleset is None) == refused
    assert list(parsed.findings) == sorted(parsed.findings, key=lambda finding: finding.at)
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for finding in parsed.findings:
        assert 1 <= finding.at.line <= len(lines)
        assert 1 <= finding.at.column <= len(lines[finding.at.line - 1]) + 2
    report.render(parsed.findings, source, "file.yaml")
    json.loads(exact_json.dumps(report.as_json(parsed.findings, "file.yaml")))


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
@example(b"\xef\xbb\xbf")
@example(b"a\r\xffb")
@example("[" * 100_000)
@example("a: " * 50_000)
@example("\ud800")
@example("? " * 1_000)
@example("- " * 5_000)
@example("ruleset: x\nfacts: {a: {type: integer}}\nrules: [{name: a, when: a\ufeff == 1, then: accept}]")
def test_any_bytes_are_answered(source: str | bytes) -> None:
    look_at(source)


@settings(max_examples=300)
@given(mutated())
def test_any_damage_to_a_real_file_is_answered(text: str) -> None:
    look_at(text)


@settings(max_examples=300)
@given(TOKENS)
def test_any_condition_is_answered(parts: list[str]) -> None:
    look_at(file_with("|\n      " + " ".join(parts).replace("\n", "\n      ")))


@pytest.mark.long
@settings(max_examples=20_000, deadline=None)
@given(mutated(), TOKENS)
def test_any_damage_and_any_condition_is_answered_twenty_thousand_times(text: str, parts: list[str]) -> None:
    look_at(text)
    look_at(file_with("|\n      " + " ".join(parts).replace("\n", "\n      ")))


@pytest.mark.parametrize("path", RULES, ids=[path.name for path in RULES])
def test_a_file_cut_off_anywhere_is_answered(path: Path) -> None:
    text = path.read_text("utf-8")
    for end in range(0, len(text), 7):
        look_at(text[:end])
