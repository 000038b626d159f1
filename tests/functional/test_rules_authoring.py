"""Writing rules from the command line: tables, versions compared, tests written, other notations read."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from click.testing import CliRunner, Result

from service.cli import main

FRAME = """ruleset: fees
facts: {age: {type: integer, min: 0, max: 130}, fee: {type: decimal, scale: 2}}
hit: first
must_cover: always
table: fees.csv
tests: [{given: {age: 3, fee: 5}, expect: {fired: [Child], fee: 1.00}}]
"""
TABLE = "rule,age,fee\n,in,out:set\nChild,< 18,1.00\nAdult,>= 18,2.00\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    (tmp_path / "fees.yaml").write_text(FRAME)
    (tmp_path / "fees.csv").write_text(TABLE)
    return tmp_path


def rules(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["rules", *arguments])


def test_a_table_is_checked_published_and_its_versions_compared(folder: Path) -> None:
    file = str(folder / "fees.yaml")
    checked = rules("check", file).output
    assert f'{folder / "fees.csv"}:4:1: warning: no test fires 1 of the 2 rules: "Adult" [untested]' in checked
    assert f"{file}: 0 errors, 1 warning\n" in checked
    assert rules("publish", file).exit_code == 0
    (folder / "fees.csv").write_text(TABLE.replace("18", "21"))
    assert rules("publish", file).exit_code == 0
    expected = 'where age is 18 to 20:\n    "Adult" (set fee to 2.00) → "Child" (set fee to 1.00)\n'
    assert rules("diff", "fees@1", "fees@2").output == expected
    assert rules("diff", "fees@2", file).output == "no request is decided differently\n"
    (change,) = json.loads(rules("diff", "fees@1", file, "--json").output)["changes"]
    assert change["example"]["age"] == 18


def test_a_gap_between_two_rows_refuses_publication_with_a_request_that_shows_it(folder: Path) -> None:
    (folder / "fees.csv").write_text(TABLE.replace(">= 18", "> 18"))
    done = rules("publish", str(folder / "fees.yaml"))
    assert done.exit_code == 1
    assert "fees.yaml:4:13: error: no rule holds where age is 18, though must_cover asks for one [gap]" in done.stderr
    assert 'example: {"age":18,"fee":"100.00"}' in done.stderr


def test_generated_tests_run_and_their_result_is_read_by_a_ci_server(folder: Path) -> None:
    file, report = folder / "fees.yaml", folder / "report.xml"
    generated = rules("tests", "--generate", str(file)).output
    assert generated.count("- given") == 2
    file.write_text(FRAME.split("tests:", maxsplit=1)[0] + generated)
    assert rules("test", str(file), "--junit", str(report)).exit_code == 0
    (folder / "fees.csv").write_text(TABLE.replace("< 18", "<= 18"))
    assert rules("test", str(file), "--junit", str(report)).exit_code == 1
    suite = fromstring(report.read_text()).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert 'fired "Child", expected "Adult"' in str(suite.findtext("testcase/failure"))


def test_wrong_versions_and_files_are_said_plainly(folder: Path) -> None:
    assert "'fees' is neither a file nor a version such as premium@3" in rules("diff", "fees", "fees@1").output
    assert rules("diff", "fees@1", "fees@2").exit_code == 1
    text = folder / "notes.txt"
    text.write_text("")
    assert "what can be imported: .drl, .xlsx" in rules("import", str(text)).output
    workbook = folder / "fees.xlsx"
    workbook.write_text("no workbook")
    assert "is no Excel workbook" in rules("import", str(workbook)).output
    assert "which no row of a table can say" in rules("export", "--csv", "rules/lead.yaml").output
