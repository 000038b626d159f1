"""Cells of a table are changed where they stand: whatever is not changed is written as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decide.tables.editing import EditableTable, NoTableHere, WrittenRow

SOURCE = """\
ruleset: premium   # ours
table: |
  rule, car.style ,driver.age,policy.premium,why
  ,in,in,out:increase %,note
  High Risk,SPORTS,< 21,20,"Young, and fast"

  "Med Risk", SPORTS,> 21,10
# the end
hit: all
"""

BREAKS = "\r\n"
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=BREAKS), max_size=12)
NO_TABLES = ("", "rules: []\n", "table: premium.csv\n", "table: |\nrules: []\n", "table: |\n  a\n")
ROWS = st.lists(TEXTS, min_size=3, max_size=3).filter(lambda row: any(text.strip() for text in row))


def test_a_table_is_seen_as_columns_and_cells() -> None:
    table = EditableTable.of(SOURCE)
    assert table.columns[1:4] == [("car.style", "in"), ("driver.age", "in"), ("policy.premium", "out:increase %")]
    assert table.cells(1, 10) == [
        ["High Risk", "SPORTS", "< 21", "20", "Young, and fast"],
        ["Med Risk", "SPORTS", "> 21", "10", ""],
    ]
    assert [row.line for row in table.rows] == [5, 7]


def test_only_the_changed_cell_is_written_anew() -> None:
    changed = EditableTable.of(SOURCE).with_rows(2, 1, [WrittenRow(["Med Risk", "SPORTS", ">= 21", "10", ""], 2)])
    assert '\n  "Med Risk", SPORTS,>= 21,10,\n# the end\nhit: all\n' in changed
    assert '\n  High Risk,SPORTS,< 21,20,"Young, and fast"\n' in changed
    assert changed.startswith("ruleset: premium   # ours\ntable: |\n  rule, car.style ,driver.age,policy.premium,why\n")


def test_rows_are_added_moved_and_taken_out() -> None:
    table = EditableTable.of(SOURCE)
    one, two = (WrittenRow(cells, number) for number, cells in enumerate(table.cells(1, 2), 1))
    new = WrittenRow(["Old", 'say "so", or not', "", "5", "a\nb"])
    assert EditableTable.of(table.with_rows(1, 2, [two, new, one])).cells(1, 9) == [
        two.cells,
        ["Old", 'say "so", or not', "", "5", "a b"],
        one.cells,
    ]
    assert EditableTable.of(table.with_rows(1, 1, [])).cells(1, 9) == [two.cells]


@pytest.mark.parametrize("source", NO_TABLES)
def test_a_file_without_a_table_is_named(source: str) -> None:
    with pytest.raises(NoTableHere, match="has no table"):
        EditableTable.of(source)


@given(st.lists(ROWS))
def test_what_is_typed_is_read_back(rows: list[list[str]]) -> None:
    """The library's reader of CSV is the oracle for what is written."""
    table = EditableTable.of("table: |\n    rule,a,b\n    ,in,out:set\n    old,1,2\nhit: all\n")
    changed = table.with_rows(1, 1, [WrittenRow(row) for row in rows])
    typed = [[text.strip() for text in row] for row in rows]
    assert [list(row) for row in EditableTable.of(changed).cells(1, len(rows))] == typed
    written = "\n".join(line.removeprefix("    ") for line in changed.split("\n")[3:-2])
    assert [[text.strip() for text in row] for row in csv.reader(io.StringIO(written))] == typed
