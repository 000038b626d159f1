"""What an administrator who knows Excel is told to write instead of a cell, for every way of writing it wrong."""

from __future__ import annotations

import csv
import io

import pytest

from service.decide import language
from service.decide.findings import Finding, Severity
from service.decide.tables.export import as_csv
from service.rulesets import gate
from tests.unit.rule_files import sound

FRAME = """\
ruleset: cells
facts:
  n: {type: integer, optional: true}
  p: {type: decimal, scale: 2, optional: true}
  t: {type: text, optional: true}
  v: {type: text, values: [RED, BLUE], optional: true}
  d: {type: date, optional: true}
  b: {type: boolean, optional: true}
"""


def table(fact: str, *cells: str) -> str:
    """A file whose table has one condition column."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerows([["rule", fact, "accept"], ["", "in", "out"]])
    rows.writerows([[f"R{number}", cell, "yes"] for number, cell in enumerate(cells)])
    return FRAME + "table: |\n" + "".join(f"  {line}\n" for line in written.getvalue().splitlines())


def errors(fact: str, cell: str) -> list[Finding]:
    return [one for one in language.parse(table(fact, cell)).findings if one.severity is Severity.ERROR]


@pytest.mark.parametrize(
    ("fact", "cell", "words"),
    [
        ("d", "2026-3-1", "write 2026-03-01"),
        ("d", "> 2026/3/1", "write > 2026-03-01"),
        ("d", "2026-02-30", "write a date as year-month-day"),
        ("d", "2026-03-01T00:00", "write a date as year-month-day"),
        ("d", "2026-01-01 - 2026-03-31", "write 2026-01-01..2026-03-31"),
        ("t", '"A', "a quote is missing"),
        ("t", '"A", "B', "a quote is missing"),
        ("t", '"A" or "B"', 'write "A", "B"'),
        ("t", '"A";"B"', 'write "A", "B"'),
        ("t", "A ou B", "write A, B"),
        ("n", "18-25", "write 18..25"),
        ("n", "18–25", "write 18..25"),
        ("n", "18 to 25", "write 18..25"),
        ("n", "18 bis 25", "write 18..25"),
        ("n", "18...25", "write 18..25"),
        ("n", "18…25", "write 18..25"),
        ("n", "between 18 and 25", "write 18..25"),
        ("n", "[18..25]", "write 18..25"),
        ("n", "[18..25)", "two columns: >= 18 in one, < 25 in the other"),
        ("n", "]18..25]", "two columns: > 18 in one, <= 25 in the other"),
        ("n", "≥ 18", "write >= 18"),
        ("n", "≤18", "write <= 18"),
        ("n", "=> 18", "write >= 18"),
        ("n", "<> 18", "write != 18"),
        ("n", "21+", "write >= 21"),
        ("n", "18..", "write >= 18"),
        ("n", "..25", "write <= 25"),
        ("n", "> 18 and < 25", "two columns, > 18 in one, < 25 in the other"),
        ("n", "< 18, > 60", "a row for < 18 and another one for > 60"),
        ("n", "not 18..25", "a row for < 18 and another one for > 25"),
        ("n", "any", "leave the cell empty"),
        ("n", "*", "leave the cell empty"),
        ("n", "18;25", "write 18, 25"),
        ("n", "18|25", "write 18, 25"),
        ("n", "in [18, 19]", "write 18, 19"),
        ("n", "is missing", "write missing"),
        ("n", "null", "write missing"),
        ("n", "not missing", "write present"),
        ("n", "21,5", "a whole number has no decimals"),
        ("n", "< 21,5", "write 21, 5 with a blank"),
        ("n", "1.000", "write 1000 or 1"),
        ("n", ">= 10.000", "write 10000 or 10"),
        ("n", "−5", "write -5"),
        ("n", "twenty", "a number, < 21, 18..25"),
        ("n", "#N/A", "an error of the spreadsheet"),
        ("p", "21,5", "write 21.5 with a point"),
        ("p", "< 21,5", "write 21.5 with a point"),
        ("p", "1,000", "write 1000"),
        ("p", "1.234,50", "write 1234.50"),
        ("p", "1,234.50", "write 1234.50"),
        ("p", "1'234.50", "write 1234.50"),
        ("p", "1.500", "write 1500 or 1.5"),
        ("p", "€ 5", "write 5"),
        ("p", "5 EUR", "write 5"),
        ("p", "> 20%", "without a percent sign: > 20"),
        ("d", "01.03.2026", "write 2026-03-01"),
        ("d", "< 1.3.2026", "write < 2026-03-01"),
        ("d", "01.03.2026 - 05.03.2026", "write 2026-03-01..2026-03-05"),
        ("d", "3/1/2026", "year-month-day: 2026-05-10"),
        ("d", "< today", "compares with a constant"),
        ("d", "2026-01-01..", "write >= 2026-01-01"),
        ("b", "TRUE", "write true"),
        ("b", "yes", "write true"),
        ("b", "Nein", "write false"),
        ("t", "not (A, B)", "write not A, B"),
        ("t", "not in [A, B]", "write not A, B"),
        ("t", "(A, B)", "write A, B"),
        ("t", "NOT A", "write not A"),
        ("t", "not missing", "write present"),
        ("t", "A or B", "write A, B"),
        ("t", "A;B", "write A, B"),
        ("t", "A | B", "write A, B"),
        ("t", "A..C", "texts have no order"),
        ("t", "between A and C", "texts have no order"),
        ("t", "> A", "compare texts with = and !="),
        ("t", "<> SPORTS", "write != SPORTS"),
        ("t", "≠ SPORTS", "write != SPORTS"),
        ("t", "A*", "no wildcards"),
        ("t", "contains RED", "compared as a whole"),
        ("t", "ANY", "leave the cell empty"),
        ("t", "n/a", "write missing"),
        ("t", "empty", "write missing"),
        ("t", "“A”", "write A without these quotes"),
        ("t", "„A“", "write A without these quotes"),
        ("t", "'A'", "write A without these quotes"),
        ("t", "A (b, c)", 'write it in quotes: "A (b, c)"'),
        ("t", "#REF!", "an error of the spreadsheet"),
        ("t", "21,5", "write 21.5"),
        ("v", "RED or BLUE", "write RED, BLUE"),
        ("v", "not (RED, BLUE)", "write not RED, BLUE"),
        ("v", "<> RED", "write != RED"),
        ("v", "Red", 'did you mean "RED"?'),
    ],
)
def test_a_cell_that_cannot_be_meant_so_is_an_error_that_says_what_to_write(fact: str, cell: str, words: str) -> None:
    (error,) = errors(fact, cell)
    assert error.hint is not None
    assert words in error.hint


@pytest.mark.parametrize(
    ("fact", "cell"),
    [
        ("n", "1, 5"),
        ("n", "-5..5"),
        ("n", "not 3"),
        ("p", "1.50"),
        ("p", "0.05..0.10"),
        ("t", "Car (used)"),
        ("t", "Research and Development"),
        ("t", "Portland, Orlando"),
        ("t", '"A or B"'),
        ("t", '"not (A, B)", C'),
        ("t", '"missing"'),
        ("t", "O'Brien"),
        ("t", "none"),
        ("t", "C#"),
        ("v", "RED, BLUE"),
        ("d", "2026-01-01..2026-02-01"),
    ],
)
def test_a_plain_cell_is_left_alone(fact: str, cell: str) -> None:
    assert errors(fact, cell) == []


def test_a_doubtful_cell_keeps_a_file_from_being_published_and_no_version_from_deciding() -> None:
    text = table("t", "A or B")
    assert not gate.check(text).sound
    parsed = language.parse(text)
    assert parsed.ruleset is not None  # what was published before this was looked at goes on
    assert parsed.findings[0].message == '"A or B" would be read as: t == "A or B"'


def test_every_fault_of_a_column_is_shown_and_the_same_one_each_time() -> None:
    findings = language.parse(table("t", "A or B", "A or B", "C")).findings
    assert [one.at.line for one in findings] == [12, 13]


@pytest.mark.parametrize("text", ["A or B", "ANY", "n/a", "NOT A", "between A and B", "in A, B", "plain"])
def test_a_text_that_looks_like_something_else_is_exported_in_quotes(text: str) -> None:
    rules = FRAME + f"rules: [{{name: R, when: 't == \"{text}\"', then: [accept]}}]\n"
    exported = as_csv(sound(rules))
    rows = "".join(f"  {line}\n" for line in exported.splitlines())
    parsed = language.parse(f"{FRAME}table: |\n{rows}")
    assert (parsed.findings, parsed.ruleset is not None) == ((), True)


@pytest.mark.parametrize("length", [200, 201, 100_000])
def test_long_cells_are_read_in_time(length: int) -> None:
    language.parse(table("t", "(" * length))
    language.parse(table("n", "1," * (length // 2)))
