"""CSV files as spreadsheets write them: what is said of them, at the row and column that a spreadsheet shows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli.rules import rules
from service.decide.ruleset import Place
from service.decide.tables.sheet import Grid

FRAME = """\
ruleset: premium
facts:
  driver.age:     {type: integer, min: 0, max: 130}
  car.style:      {type: text}
  policy.premium: {type: decimal, scale: 2, min: 0}
hit: all
table: TABLE
"""
SOUND = "rule,car.style,driver.age,policy.premium\n,in,in,out:increase %\nHigh,SPORTS,< 21,20\n"


def checked(folder: Path, table: str | bytes, reference: str = "t.csv", name: str = "t.csv") -> str:
    (folder / "premium.yaml").write_text(FRAME.replace("TABLE", reference))
    (folder / name).write_bytes(table.encode() if isinstance(table, str) else table)
    return CliRunner().invoke(rules, ["check", str(folder / "premium.yaml")]).output


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (SOUND.replace(",", ";"), ["row 1, column A", "separated by semicolons", "CSV UTF-8 (comma delimited)"]),
        ("sep=;\n" + SOUND.replace(",", ";"), ["row 1, column A", "separated by semicolons"]),
        (SOUND.replace(",", "\t"), ["separated by tabs"]),
        ("Premiums 2026,,,\n" + SOUND, ["row 1, column A", "stand in the second row", "remove the row above them"]),
        ("\nPremiums 2026,,,\n" + SOUND, ["stand in the second row"]),
        (SOUND.replace(",in,in,out:increase %\n", ""), ["gives no column its role", "for example: ,in,in,out:set"]),
        (SOUND.replace("rule,", "Rule,"), ["row 1, column A", 'the column "Rule" has no role', 'did you mean "rule"?']),
        (SOUND.replace(",in,in,", ",In,in,"), ["row 2, column B", 'unknown role "In"', 'did you mean "in"?']),
        (SOUND.replace("driver.age", "Driver Age"), ["row 1, column C", 'did you mean "driver.age"?']),
        (SOUND.replace("< 21", "18-25"), ["row 3, column C", "write 18..25"]),
        (SOUND.replace("High,SPORTS,", '\n\n"High,\nhigher",SPORTS,').replace("< 21", "x"), ["row 5, column C"]),
        (SOUND.encode().replace(b"High", b"H\xf6her"), ["row 3, column A", "Excel: CSV UTF-8"]),
        (
            SOUND.replace("\n", ",,,\n").replace(",,,\n,in", ",,\n,in") + "x,,,,,stray\n",
            ["row 4, column F", "has no name"],
        ),
        (
            SOUND.replace("\n", ",\n").replace("20,\n", "20,left over\n"),
            ["row 3, column E", "a column that has no name"],
        ),
    ],
)
def test_a_table_that_is_laid_out_otherwise_is_told_so_once(
    tmp_path: Path, table: str | bytes, words: list[str]
) -> None:
    said = checked(tmp_path, table)
    assert "1 error, 0 warnings" in said
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    "table",
    [
        SOUND.replace("\n", ",,,\n"),
        "\ufeff" + SOUND.replace("\n", "\r\n"),
        SOUND + ",,,\n,,,\n",
        SOUND.replace("\n", ",\n"),
    ],
)
def test_what_spreadsheets_add_is_left_alone(tmp_path: Path, table: str) -> None:
    assert "0 errors" in checked(tmp_path, table)


@pytest.mark.parametrize("name", ["my table.csv", "prämie.csv", "T2.CSV", "premium (2).csv"])
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_table_may_have_any_plain_name(tmp_path: Path, name: str, quote: str) -> None:
    assert "0 errors" in checked(tmp_path, SOUND, f"{quote}{name}{quote}", name)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("other.csv", 'there is no file "other.csv" beside the rule file'),
        ("./t.csv", "write table: t.csv"),
        ("../t.csv", "write table: t.csv"),
        ("t.xlsx", "tocsin rules import t.xlsx"),
        ("t", "write table: premium.csv"),
    ],
)
def test_a_table_that_is_not_found_says_which_of_the_reasons_it_is(tmp_path: Path, reference: str, words: str) -> None:
    assert words in checked(tmp_path, SOUND, reference)


def test_findings_in_json_name_the_file_and_the_cell(tmp_path: Path) -> None:
    checked(tmp_path, SOUND.replace("< 21", "x"))
    done = CliRunner().invoke(rules, ["check", "--json", str(tmp_path / "premium.yaml")])
    ((finding,),) = (one["findings"] for one in json.loads(done.output)["files"])
    assert (finding["file"], finding["cell"]) == (str(tmp_path / "t.csv"), "row 3, column C")
    assert (finding["line"], finding["column"]) == (3, 13)


@pytest.mark.parametrize(("column", "letters"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (53, "BA"), (703, "AAA")])
def test_columns_have_the_letters_of_a_spreadsheet(column: int, letters: str) -> None:
    assert Grid("," * 800).cell(Place(1, column)) == f"row 1, column {letters}"


def test_a_file_that_cannot_be_read_is_said_and_the_others_are_checked(tmp_path: Path) -> None:
    checked(tmp_path, SOUND)
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "big.csv").write_bytes(b"," * (4 * 1024 * 1024 + 1))
    (tmp_path / "big.yaml").write_text(FRAME.replace("TABLE", "big.csv"))
    files = [str(tmp_path / name) for name in ("pipe.yaml", "big.yaml", "premium.yaml")]
    done = CliRunner().invoke(rules, ["check", *files])
    assert f"{files[0]} cannot be read: it is not a regular file" in done.output
    assert f"{tmp_path / 'big.csv'} cannot be read: it is larger than 4 MiB" in done.output
    assert f"{files[2]}: 0 errors" in done.output
    assert done.exit_code == 1
    documents = json.loads(CliRunner().invoke(rules, ["check", "--json", *files]).output)["files"]
    assert [[one["kind"] for one in document["findings"]] for document in documents[:2]] == [["not_tried"]] * 2
