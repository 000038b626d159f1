"""The plain twin of an HTML letter: laid out as its author meant it, and never mostly blanks."""

from __future__ import annotations

import pytest

from service.messages import markup

TWO_COLUMNS = "<table>" + "".join(f"<tr><td>Item {n}</td><td>{n}.00 EUR</td></tr>" for n in range(8, 11)) + "</table>"


def test_the_columns_of_a_table_stand_below_each_other() -> None:
    lines = [line.rstrip() for line in markup.plain_text(TWO_COLUMNS).splitlines()]
    assert lines == ["Item 8   8.00 EUR", "Item 9   9.00 EUR", "Item 10  10.00 EUR"]


@pytest.mark.parametrize(
    "document",
    [
        "<div style='padding-left:9999em'><div style='padding-left: 9999em'>" + "{{ name }}<br>" * 2_000,
        "<?xml version='1.0' encoding='utf-8'?><p style='margin-top:99999999em'>{{ name }}</p>" * 50,
        "<table><tr><td>" + "wide " * 5_000 + "</td></tr>" + "<tr><td>{{ name }}<td>41" * 2_000 + "</table>",
    ],
    ids=["padding", "margin", "table"],
)
def test_a_layout_of_mostly_blanks_is_taken_away(document: str) -> None:
    text = markup.plain_text(document)
    assert "{{ name }}" in text
    assert len(text) < len(document)
