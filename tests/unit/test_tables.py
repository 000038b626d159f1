"""Decision tables: rules as CSV rows, beside their rule file or inside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from openpyxl import Workbook

from service.cli.rules import rules
from service.decide import language
from service.decide.actions import KEYS
from service.decide.diff import diff_rulesets
from service.decide.tables.export import NoTable, as_csv
from service.rulesets import rule_file
from tests.unit.rule_files import sound
from tests.unit.rule_worlds import compiled, decide

FRAME = """\
ruleset: premium
facts:
  driver.age:     {type: integer, min: 0, max: 130}
  driver.since:   {type: date, optional: true}
  car.style:      {type: text}
  car.color:      {type: text, values: [RED, BLUE, GREEN]}
  car.leased:     {type: boolean}
  policy.premium: {type: decimal, scale: 2, min: 0}
  policy.class:   {type: text, optional: true}
hit: all
"""
TABLE = '''\
rule,car.style,car.color,driver.age,driver.since,car.leased,policy.premium,policy.class,reject,why
,in,in,in,in,in,out:increase %,out:set,out,note
High Risk,SPORTS,"RED, BLUE",< 21,,,20,,,"Young drivers, fast cars"
Med Risk,SPORTS,RED,21..25,-,false,10%,012,,
Late,,not GREEN,>= 26,2026-01-01..2026-02-01,,,no,,
Old,"""SPORTS, red""",,!= 50,missing,true,,,"Too old: {{ driver.age }}",
'''
CAR: Mapping[str, object] = {
    "car": {"style": "SPORTS", "color": "RED", "leased": False},
    "policy": {"premium": 100},
    "driver": {"age": 20},
}


def inside(table: str) -> str:
    return FRAME + "table: |\n" + "".join(f"  {line}\n" for line in table.splitlines())


def request(age: int, **others: object) -> Mapping[str, object]:
    return {**CAR, "driver": {"age": age}, **others}


def faults(table: str) -> list[tuple[int, int, str]]:
    """The row and column inside the table, and the message, of every finding."""
    found = language.parse(inside(table)).findings
    return [(one.at.line - FRAME.count("\n") - 1, one.at.column - 2, one.message) for one in found]


def test_rows_decide_as_rules_do() -> None:
    rules_ = compiled(inside(TABLE))
    young = decide(rules_, request(20))
    assert (young.fired, str(young.facts["policy.premium"])) == (("High Risk",), "120.00")
    assert decide(rules_, request(21)).facts["policy.class"] == "012"
    assert decide(rules_, request(26)).fired == ()
    since = {"driver": {"age": 26, "since": "2026-02-01"}}
    assert decide(rules_, {**CAR, **since}).facts["policy.class"] == "no"
    old = decide(rules_, {**CAR, "car": {"style": "SPORTS, red", "color": "GREEN", "leased": True}})
    assert [outcome.as_json()["reason"] for outcome in old.outcomes] == ["Too old: 20"]
    assert rules_.ruleset.rules[0].why == "Young drivers, fast cars"


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("< 21", "< 2x", (3, 30, 'driver.age: "2x" is a text, not a whole number')),
        ("21..25", "25..21", (4, 21, "empty range: 25..21")),
        (",RED,21", ",REDD,21", (4, 17, '"REDD" is not a value of car.color (RED, BLUE, GREEN)')),
        ("{{ driver.age", "{{ driver.ago", (6, 58, 'unknown fact "driver.ago"')),
        ("car.style,", "car.stile,", (1, 6, 'unknown fact "car.stile"')),
        ("out:increase %", "out:incraese %", (2, 17, 'unknown change "incraese %"')),
        (",in,in,in,in,in,", ",in,inn,in,in,in,", (2, 5, 'unknown role "inn" of the column car.color')),
        ("Late,", "Med Risk,", (5, 1, 'a rule named "Med Risk" stands above already, in row 2')),
        (",no,,", ",no,", (5, 1, "this row has 9 cells, the header 10")),
        ('"Too old: {{ driver.age }}"', "", (6, 1, 'the rule "Old" does nothing: all of its out cells are empty')),
        ("SPORTS,RED", "> SPORTS,RED", (4, 10, "car.style is a text and has no order: > does not apply")),
        ("20,,,", "x,,,", (3, 37, '"x%" is neither a number nor a percentage')),
    ],
)
def test_a_fault_is_reported_at_its_cell(before: str, after: str, fault: tuple[int, int, str]) -> None:
    assert before in TABLE
    assert faults(TABLE.replace(before, after, 1)) == [fault]


def test_a_cell_of_several_lines_moves_the_rows_below_it() -> None:
    two_lines = TABLE.replace("Young drivers, fast cars", "Young drivers,\nfast cars").replace("not GREEN", "not GREY")
    assert [row for row, _, _ in faults(two_lines)] == [6]


def test_all_faults_of_a_table_are_shown_at_once() -> None:
    assert len(faults(TABLE.replace("< 21", "< x").replace("21..25", "9..1").replace("GREEN", "GREY"))) == 3


def test_a_table_reads_back_as_itself() -> None:
    ruleset = sound(inside(TABLE))
    again = sound(inside(as_csv(ruleset)))
    assert diff_rulesets(ruleset, again).equivalent
    assert as_csv(again) == as_csv(ruleset)


@pytest.mark.parametrize("name", ["premium"])
def test_shipped_rules_go_through_a_table_and_come_back(name: str) -> None:
    text = Path(f"rules/{name}.yaml").read_text("utf-8")
    ruleset = sound(text)
    frame = text[: text.index("rules:\n")]
    rows = "".join(f"  {line}\n" for line in as_csv(ruleset).splitlines())
    assert diff_rulesets(ruleset, sound(f"{frame}table: |\n{rows}")).equivalent


def test_what_no_row_can_say_is_refused_with_its_rule() -> None:
    with pytest.raises(NoTable, match='line 14: the rule "Explosive" sends messages, which no row of a table can say'):
        as_csv(sound(Path("rules/gas-leak.yaml").read_text("utf-8")))
    either = FRAME + "rules: [{name: A, when: 'driver.age < 3 or car.leased == true', then: [accept]}]\n"
    with pytest.raises(NoTable, match='the rule "A" has an or'):
        as_csv(sound(either))


BY_VERB = {
    "accept": "accept",
    "set": "{set: policy.premium, to: 2}",
    "increase": "{increase: policy.premium, by: 1}",
    "decrease": "{decrease: policy.premium, by: 1}",
    "cap": "{cap: policy.premium, at: 3}",
    "flag for review": "{flag for review: Look}",
    "reject": "{reject: Too young}",
    "notify": "{notify: welcome, audience: staff}",
    "open incident": '{open incident: Leak, contacts: ["+447700900123"]}',
    "emit": "{emit: seen}",
}


@pytest.mark.parametrize("verb", KEYS)
def test_every_verb_reads_back_from_a_table_or_is_refused(verb: str) -> None:
    ruleset = sound(f"{FRAME}rules: [{{name: A, when: driver.age < 3, then: [{BY_VERB[verb]}]}}]\n")
    try:
        table = as_csv(ruleset)
    except NoTable:
        assert verb in {"notify", "open incident"}
    else:
        assert diff_rulesets(ruleset, sound(inside(table))).equivalent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "premium.yaml").write_text(
        FRAME + "table: premium.csv  # the rows\ntests: [{given: {driver.age: 3}, expect: {fired: []}}]\n"
    )
    (tmp_path / "premium.csv").write_bytes(("\ufeff" + TABLE).replace("\n", "\r\n").encode())
    return tmp_path


def test_a_table_beside_its_file_is_put_inside_so_that_one_text_says_all(folder: Path) -> None:
    content = rule_file.read(folder / "premium.yaml").content.decode()
    assert "premium.csv" not in content
    assert diff_rulesets(sound(inside(TABLE)), sound(content.split("tests:")[0])).equivalent


def test_findings_are_shown_in_the_file_where_their_text_stands(folder: Path) -> None:
    table = folder / "premium.csv"
    table.write_bytes(table.read_bytes().replace(b"< 21", b"< x"))
    done = CliRunner().invoke(rules, ["check", "--json", str(folder / "premium.yaml")])
    (in_table,) = json.loads(done.output)["files"][0]["findings"]
    assert (in_table["rule"], in_table["kind"]) == ("High Risk", "type")
    assert (in_table["file"], in_table["line"], in_table["column"]) == (str(table), 3, 30)
    shown = CliRunner().invoke(rules, ["check", str(folder / "premium.yaml")]).output
    assert f"{table}:3:30: error:" in shown
    assert 'High Risk,SPORTS,"RED, BLUE",< x' in shown


def test_a_fault_below_the_table_keeps_its_line(folder: Path) -> None:
    done = CliRunner().invoke(rules, ["check", "--json", str(folder / "premium.yaml")])
    findings = json.loads(done.output)["files"][0]["findings"]
    assert {(one["kind"], one["line"]) for one in findings} == {("test_failed", 12)}


def test_a_missing_table_is_a_finding_at_its_name(folder: Path) -> None:
    (folder / "premium.csv").unlink()
    done = CliRunner().invoke(rules, ["check", str(folder / "premium.yaml")])
    assert done.exit_code == 1
    assert ':11:8: error: there is no file "premium.csv" beside the rule file' in done.output


def test_an_excel_sheet_becomes_a_table(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (
        ["rule", "car.style", "driver.age", "driver.since", "car.leased", "policy.premium", "policy.premium"],
        [None, "in", "in", "in", "in", "out:increase %", "out:cap"],
        ["High Risk", "SPORTS", "< 21", datetime(2026, 1, 2), True, 0.2, 999.1],  # noqa: DTZ001  (Excel has no zones)
        [None, None, 21, None, None, 0.125, 7.0],
        [None] * 7,
    ):
        sheet.append(row)
    for line in (3, 4):
        sheet.cell(line, 6).number_format = "0.0%"
    workbook.save(tmp_path / "premium.xlsx")
    done = CliRunner().invoke(rules, ["import", str(tmp_path / "premium.xlsx")])
    assert done.output.splitlines()[2:] == ["High Risk,SPORTS,< 21,2026-01-02,true,20%,999.1", ",,21,,,12.5%,7"]
    assert [rule.name for rule in sound(inside(done.output)).rules] == ["High Risk", "row 2"]


def test_a_formula_without_a_saved_value_is_refused_by_cell(tmp_path: Path) -> None:
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in (["rule", "driver.age", "policy.premium"], [None, "in", "out:increase %"], ["Young", "=20+1", "=0.1"]):
        sheet.append(row)
    workbook.save(tmp_path / "premium.xlsx")
    done = CliRunner().invoke(rules, ["import", str(tmp_path / "premium.xlsx")])
    assert (done.exit_code, "cell B3, cell C3: a formula without a value" in str(done.exception)) == (1, True)


def test_twenty_thousand_rows_are_read(tmp_path: Path) -> None:
    rows = "".join(f"R{n},S{n},{n % 130},{n % 40 + 1}\n" for n in range(20_000))
    table = f"rule,car.style,driver.age,policy.premium\n,in,in,out:increase %\n{rows}"
    assert len(sound(inside(table)).rules) == 20_000
    assert faults(f"{table}R,S,1,1\n")[0][2] == "a table may have 20,000 rows"
