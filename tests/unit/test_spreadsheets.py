"""Excel sheets as tables: each cell as Excel shows it, or refused by its place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from service.cli.spreadsheets import NoSpreadsheet, as_csv

ROWS = (
    ["rule", "car.style", "driver.age", "policy.premium"],
    [None, "in", "in", "out:increase %"],
    ["High", "SPORTS", "< 21", 20],
    ["Med", None, "21..25", 10],
    ["Late", None, "> 25", 5],
)


def imported(tmp_path: Path, change: Callable[[Workbook, Worksheet], object], sheet: str | None = None) -> list[str]:
    """The rows below the headers of a workbook that was changed before it was saved."""
    workbook = Workbook()
    first = workbook.active
    assert isinstance(first, Worksheet)
    for row in ROWS:
        first.append(row)
    change(workbook, first)
    workbook.save(tmp_path / "t.xlsx")
    return as_csv(tmp_path / "t.xlsx", sheet).splitlines()[2:]


def test_cells_merged_in_a_column_stand_for_each_of_their_rows(tmp_path: Path) -> None:
    rows = imported(tmp_path, lambda _, sheet: sheet.merge_cells("B3:B4"))
    assert rows == ["High,SPORTS,< 21,20", "Med,SPORTS,21..25,10", "Late,,> 25,5"]


@pytest.mark.parametrize("merged", ["B3:C4", "A1:B1", "B1:B3"])
def test_other_merged_cells_are_refused_with_their_range(tmp_path: Path, merged: str) -> None:
    with pytest.raises(NoSpreadsheet, match=f"{merged}: merged across columns or headings"):
        imported(tmp_path, lambda _, sheet: sheet.merge_cells(merged))


@pytest.mark.parametrize(
    ("number_format", "value", "text"),
    [
        ("0%", 0.2, "20%"),
        ("0.0%", 0.075, "7.5%"),
        ("0.0%_);(0.0%)", 0.2, "20%"),
        ("0.0%_);(0.0%)", -0.2, "-20%"),
        ('0%;[Red]-0%;"none"', 0.2, "20%"),
        ('0%;[Red]-0%;"none"', 0, "0%"),
        ('_-* 0%_-;-* 0%_-;_-* "-"??_-;_-@_-', 0.2, "20%"),
        ("[Red]0 %", 0.2, "20%"),
        ("0\\%", 20, "20%"),
        ('0" %"', 20, "20%"),
        ("General", 0.2, "0.2"),
        ("#,##0.00 [$EUR]", 1234.5, "1234.5"),
        ("0;0%", 20, "20"),
    ],
)
def test_a_percentage_is_what_excel_shows(tmp_path: Path, number_format: str, value: float, text: str) -> None:
    def change(_: Workbook, sheet: Worksheet) -> None:
        sheet["D3"] = value
        sheet["D3"].number_format = number_format

    assert imported(tmp_path, change)[0] == f"High,SPORTS,< 21,{text}"


@pytest.mark.parametrize("number_format", ["[<1]0%;0.00", '0.00" of 100%"', '0%"%"'])
def test_a_percent_sign_of_unclear_meaning_is_refused_by_its_cell(tmp_path: Path, number_format: str) -> None:
    def change(_: Workbook, sheet: Worksheet) -> None:
        sheet["D3"].number_format = number_format

    with pytest.raises(NoSpreadsheet, match=r"cell D3 \(.*\): its format says not clearly"):
        imported(tmp_path, change)


def test_errors_are_refused_by_their_cells(tmp_path: Path) -> None:
    def change(_: Workbook, sheet: Worksheet) -> None:
        sheet["B3"], sheet["D4"] = "#N/A", "#DIV/0!"

    with pytest.raises(NoSpreadsheet, match=r"cell B3 \(#N/A\), cell D4 \(#DIV/0!\): an error"):
        imported(tmp_path, change)


def test_hidden_rows_and_columns_are_refused_unless_they_are_empty(tmp_path: Path) -> None:
    def change(_: Workbook, sheet: Worksheet) -> None:
        sheet.row_dimensions[4].hidden = True
        sheet.row_dimensions[9].hidden = True
        sheet.column_dimensions.group("B", "C", hidden=True)
        sheet.column_dimensions["F"].hidden = True

    with pytest.raises(NoSpreadsheet, match="row 4, column B, column C: hidden, and not empty"):
        imported(tmp_path, change)


def test_of_several_sheets_one_must_be_named(tmp_path: Path) -> None:
    def change(workbook: Workbook, _: Worksheet) -> None:
        workbook.create_sheet("Read me", 0).append(["The premiums are on the other sheet."])

    with pytest.raises(NoSpreadsheet, match=r"several sheets: Read me, Sheet\. Say which .*--sheet"):
        imported(tmp_path, change)
    assert len(imported(tmp_path, change, "Sheet")) == 3
    with pytest.raises(NoSpreadsheet, match="no sheet 'Premium'; it has Read me, Sheet"):
        imported(tmp_path, change, "Premium")


def test_an_empty_or_a_hidden_sheet_is_no_choice(tmp_path: Path) -> None:
    def change(workbook: Workbook, _: Worksheet) -> None:
        workbook.create_sheet("Sheet2")
        hidden = workbook.create_sheet("Lists", 0)
        hidden.append(["RED"])
        hidden.sheet_state = "hidden"

    assert len(imported(tmp_path, change)) == 3


def test_a_workbook_that_unpacks_to_more_than_64_mib_is_refused_unread(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "bomb.xlsx", "w", ZIP_DEFLATED) as parts:
        for number in range(3):
            parts.writestr(f"xl/worksheets/sheet{number}.xml", bytes(25 << 20))
    assert (tmp_path / "bomb.xlsx").stat().st_size < 1 << 20
    with pytest.raises(NoSpreadsheet, match="unpacks to 75 MiB, more than 64"):
        as_csv(tmp_path / "bomb.xlsx")


@pytest.mark.parametrize("content", [b"", b"rule,in\n", b"PK\x03\x04 broken", b"\xd0\xcf\x11\xe0 an old workbook"])
def test_what_is_no_workbook_is_said_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.xlsx").write_bytes(content)
    with pytest.raises(NoSpreadsheet, match="no Excel workbook"):
        as_csv(tmp_path / "t.xlsx")


def test_a_stray_letter_far_away_is_refused_by_its_corner(tmp_path: Path) -> None:
    def change(_: Workbook, sheet: Worksheet) -> None:
        sheet["XFD1048576"] = "x"

    with pytest.raises(NoSpreadsheet, match=r"its corner is XFD1048576.: copy the table alone"):
        imported(tmp_path, change)


def test_a_workbook_in_a_packing_that_nobody_reads_is_said_so(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    imported(tmp_path, lambda *_: None)
    path.write_bytes(re.sub(rb"(PK\x01\x02....).", rb"\g<1> ", path.read_bytes(), flags=re.DOTALL))
    with pytest.raises(NoSpreadsheet, match="no Excel workbook"):
        as_csv(path)
