"""Files of people as spreadsheets really write them are read, or refused with what to do about it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from contextlib import suppress
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from service.channels.phones import PhoneRules
from service.recipients import ProfileRules
from service.recipients.files import PeopleFile, RefusedRow, Row, TooManyRows, UnreadableFile, read_file

RULES = ProfileRules(PhoneRules(reserved_allowed=True))
HEADER = "user_id,first_name,email,phone,language,preference"


def read(text: str | bytes, country: str | None = None, name: str = "people.csv") -> PeopleFile:
    return read_file(name, text.encode() if isinstance(text, str) else text, RULES, country)


def names(file: PeopleFile) -> list[str]:
    rows = list(file.rows)
    assert all(isinstance(row, Row) for row in rows), rows
    return [row.recipient.first_name for row in rows if isinstance(row, Row)]


def faults(file: PeopleFile) -> list[tuple[int, str, str]]:
    refused = [row for row in file.rows if isinstance(row, RefusedRow)]
    return [(row.number, fault.path, fault.message) for row in refused for fault in row.faults]


def phone(text: str, country: str | None = None, preference: str = "sms") -> str:
    """The number that was read, or what is wrong with it."""
    file = read(f'{HEADER}\nu1,Anna,,"{text}",en,{preference}\n', country)
    (row,) = file.rows
    if isinstance(row, RefusedRow):
        return "; ".join(fault.message for fault in row.faults)
    assert row.recipient.phone is not None
    return row.recipient.phone.e164


ROW = "u1,Jörg,j@example.com,,de,email"


@pytest.mark.parametrize(
    ("raw", "read_as"),
    [
        (f"{HEADER}\n{ROW}\n".encode(), "UTF-8, commas"),
        (f"\ufeff{HEADER}\r\n{ROW}\r\n".encode(), "UTF-8, commas"),
        (f"{HEADER}\n{ROW}\n".replace(",", ";").encode("cp1252"), "Windows-1252, semicolons"),
        (f"{HEADER}\n{ROW}\n".replace(",", "\t").encode("utf-16"), "UTF-16, tabs"),
        (f"{HEADER}\n{ROW}\n".replace(",", "\t").encode("utf-16-be"), "UTF-16, tabs"),
        (f"{HEADER}\n{ROW}\n".encode("utf-16-le"), "UTF-16, commas"),
        (f"sep=;\r\n{HEADER}\n{ROW}\n".replace(",", ";").encode(), "UTF-8, semicolons"),
        (f'"sep=,"\n{HEADER}\n{ROW}\n'.encode(), "UTF-8, commas"),
        (f"{HEADER}\r{ROW}\r".encode(), "UTF-8, commas"),
    ],
)
def test_what_spreadsheets_write_is_read_and_said(raw: bytes, read_as: str) -> None:
    file = read(raw)
    assert file.read_as == read_as
    assert names(file) == ["Jörg"]


def test_a_name_of_a_column_is_read_in_any_case_and_with_blanks() -> None:
    assert names(read("User_ID, First Name,E-Mail , Phone,LANGUAGE,Preference\n" + ROW)) == ["Jörg"]


def test_rows_of_empty_cells_are_no_rows() -> None:
    assert names(read(f"\n{HEADER}\n\n{ROW}\n,,,,,\n ,\u00a0, ,,,\n\n")) == ["Jörg"]


def test_a_surplus_column_is_one_fault_and_the_rows_are_read() -> None:
    text = f"{HEADER},department\n" + "".join(f"u{n},J,j{n}@example.com,,de,email,Sales\n" for n in range(3000))
    rows = list(read(text).rows)
    assert len([row for row in rows if isinstance(row, Row)]) == 3000
    assert faults(read(text)) == [(1, "department", "is no column of a profile: leave the column out")]
    assert faults(read(HEADER.replace("phone", "fone") + "\n" + ROW)) == [
        (1, "fone", "is no column of a profile: did you mean phone?")
    ]


TWO_COLUMNS = """\
user_id,email,E-Mail,language,preference
u1,a@example.com,b@example.com,en,email
u2,a@example.com,,en,email
u3,a@example.com,a@example.com,en,email
"""


def test_of_two_columns_of_one_name_neither_is_ignored() -> None:
    assert faults(read(TWO_COLUMNS)) == [
        (1, "email", 'is what the columns 2 "email" and 3 "E-Mail" say: leave one of them out'),
        (2, "email", "stands in two columns that differ here"),
    ]
    emails = [row.recipient.email for row in read(TWO_COLUMNS).rows if isinstance(row, Row)]
    assert emails == ["a@example.com", "a@example.com"]


def test_of_two_names_of_one_member_neither_is_ignored() -> None:
    row = {"user_id": "u1", "email": "a@example.com", "language": "en", "preference": "email"}
    assert faults(read(json.dumps([{**row, "phoneme": "en-GB", "voice_locale": "en-US"}]))) == [
        (1, "phoneme", "says the same as voice_locale: leave one of them out")
    ]


def test_a_file_of_two_encodings_is_refused_by_its_line() -> None:
    rows = [f"u{n},Jörg,j{n}@example.com,,de,email\n" for n in range(3000)]
    raw = f"{HEADER}\n".encode() + b"".join(
        row.encode("cp1252" if n == 2899 else "utf-8") for n, row in enumerate(rows)
    )
    with pytest.raises(UnreadableFile, match="line 2901 is not UTF-8, and other lines are"):
        read(raw)


def test_invisible_characters_and_hard_blanks_are_no_part_of_what_was_meant() -> None:
    rows = [
        "u1,Zoe\u00a0Ann,\u00a0zoe@example.com\u00a0,,en,email",
        "u2,Zoe,zoe\u200b@example.com,,en,email",
        "u3,Zoe,,\u202a+44\u202f7700\u00a0900123\u202c,en,sms",
        'u4,Zoe,,"=""+447700900123""",en,sms',
    ]
    file = read(HEADER + "\n" + "\n".join(rows))
    assert names(file) == ["Zoe Ann", "Zoe", "Zoe", "Zoe"]


@pytest.mark.parametrize(
    ("written", "country", "meant"),
    [
        ("'+447700900123", None, "+447700900123"),
        ("0044 7700 900123", None, "+447700900123"),
        ("004915123456789", None, "+4915123456789"),
        ("07700 900123", "GB", "+447700900123"),
        ("7700900123", "GB", "+447700900123"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("(212) 555-0123", "US", "+12125550123"),
        ("+4915123456789", "GB", "+4915123456789"),
    ],
)
def test_a_number_that_can_mean_one_thing_only_is_read(written: str, country: str | None, meant: str) -> None:
    assert phone(written, country) == meant


@pytest.mark.parametrize(
    ("written", "country", "why"),
    [
        ("4.47701E+11", None, "its last digits are lost"),
        ("4,47701E+11", "GB", "its last digits are lost"),
        ("447700900123", None, "dropped its +"),
        ("4915123456789", None, "dropped its +"),
        ("07700 900123", None, "has no country code"),
        ("12", "GB", "too few digits"),
        ("hello", "GB", "is not a phone number"),
    ],
)
def test_a_number_that_a_spreadsheet_ruined_is_named_as_such(written: str, country: str | None, why: str) -> None:
    assert why in phone(written, country)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("+442071838750", "landline"),
        ("+493012345678", "landline"),
        ("+448000113113", "freephone"),
        ("+447624000000", None),
        ("+4915123456789", None),
        ("+12125551234", None),
        ("+447912345678", None),
    ],
)
def test_an_sms_is_not_promised_to_a_number_that_surely_takes_none(written: str, kind: str | None) -> None:
    said = phone(written)
    assert (f"is a {kind}" in said) if kind else said == written
    if kind:
        assert phone(written, preference="voice") == written


def workbook(*rows: Sequence[object]) -> bytes:
    book = Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(list(row))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_an_excel_workbook_is_read_as_it_is_shown() -> None:
    raw = workbook(
        ["User ID", "First name", "Email", "Phone", "Language", "Preference", None],
        [101, "Jörg", "j@example.com", None, "de", "email", None],
        [None, None],
        ["u2", "Mary", None, "+4915123456789", "de", "sms", None],
    )
    file = read(raw, name="people.xlsx")
    assert file.read_as.startswith("Excel, sheet ")
    rows = [row.recipient.user_id for row in file.rows if isinstance(row, Row)]
    assert rows == ["101", "u2"]
    ruined = workbook(HEADER.split(","), ["u1", "Anna", None, 447700900123, "en", "sms"])
    assert "dropped its +" in faults(read(ruined))[0][2]


@pytest.mark.parametrize("raw", [b"PK\x03\x04 no zip", b"\xd0\xcf\x11\xe0 old"])
def test_a_broken_or_old_workbook_is_refused_with_what_to_do(raw: bytes) -> None:
    with pytest.raises(UnreadableFile, match="save it as"):
        list(read(raw, name="people.xls").rows)


PROFILE = ["u1", "Anna", None, "+4915123456789", "de", "sms"]


def workbook_with(*far: str) -> bytes:
    book = Workbook()
    assert book.active is not None
    book.active.append(HEADER.split(","))
    book.active.append(PROFILE)
    for place in far:
        book.active[place] = "x"
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_a_letter_in_the_last_corner_of_a_sheet_costs_no_more_than_what_stands_there() -> None:
    rows = list(read(workbook_with("XFD1048576")).rows)
    assert [row.recipient.user_id for row in rows if isinstance(row, Row)] == ["u1"]
    assert [row.number for row in rows if isinstance(row, RefusedRow)] == [1_048_576]


def test_a_sheet_of_too_many_cells_is_refused_unread() -> None:
    with pytest.raises(UnreadableFile, match="more than 5,000,000 cells"):
        list(read(workbook_with(*(f"XFD{row}" for row in range(3, 320)))).rows)


def with_sheet(xml: bytes) -> bytes:
    """A workbook whose sheet is this XML instead."""
    written = io.BytesIO()
    with ZipFile(io.BytesIO(workbook_with())) as old, ZipFile(written, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, xml if name.endswith("sheet1.xml") else old.read(name))
    return written.getvalue()


@pytest.mark.parametrize("sheet", [b"<a>" * 3000, b"<a>" + b"<c/>" * 3000 + b"</a>"], ids=["nested", "flat"])
def test_a_sheet_of_many_more_tags_than_its_rows_need_is_refused_unparsed(sheet: bytes) -> None:
    with pytest.raises(UnreadableFile, match="more than 1,500: copy the table"):
        read_file("people.xlsx", with_sheet(sheet), RULES, most_rows=10)


def with_damaged(part: str) -> bytes:
    """A workbook with one part more, and a flipped bit in it."""
    written = io.BytesIO(workbook_with())
    with ZipFile(written, "a") as parts:
        parts.writestr(part, b"a picture of the people")
    return written.getvalue().replace(b"a picture of", b"a pictura of")


def test_a_damaged_picture_spoils_no_table() -> None:
    rows = [row for row in read(with_damaged("xl/media/image1.png")).rows if isinstance(row, Row)]
    assert [row.recipient.user_id for row in rows] == ["u1"]


def test_rows_of_eleven_columns_fit_the_tags_that_a_workbook_may_have() -> None:
    rows = [[f"u{number}", f"Anna {number}", *("x" * 9)] for number in range(100)]
    raw = workbook([*HEADER.split(","), "voice_locale", "timezone", "audience", "chat_url"], *rows)
    assert len(list(read_file("people.xlsx", raw, RULES, most_rows=100).rows)) == 100


@pytest.mark.parametrize("row", ["u1,Anna,a@example.com,,en,email", "u1", ","], ids=["fit", "refused", "empty"])
def test_reading_ends_at_the_most_rows(row: str) -> None:
    file = read_file("a.csv", f"{HEADER}\n{(row + chr(10)) * 3}".encode(), RULES, most_rows=2)
    if row == ",":
        assert list(file.rows) == []
        return
    rows = file.rows
    next(rows), next(rows)
    with pytest.raises(TooManyRows, match="more than 2 rows"):
        next(rows)


@pytest.mark.parametrize("field", ["user_id", "email", "phone", "audience", "language", "preference", "first_name"])
@pytest.mark.parametrize("value", [[], {}, [[]], 0, False, 1.5], ids=repr)
def test_a_value_that_is_no_text_is_refused_at_its_field(field: str, value: object) -> None:
    profile = {"user_id": "u1", "email": "a@example.com", "language": "en", "preference": "email", field: value}
    refused = faults(read(json.dumps([profile]), name="people.json"))
    assert (1, field, "must be text") in refused


@pytest.mark.parametrize("flag", [0x20, 0x01], ids=["patched", "encrypted"])
def test_a_workbook_whose_parts_cannot_be_unpacked_is_refused(flag: int) -> None:
    flagged = re.sub(rb"(PK\x01\x02....).", rb"\g<1>" + bytes([flag]), workbook_with(), flags=re.DOTALL)
    with pytest.raises(UnreadableFile, match="save it"):
        list(read(flagged).rows)


def test_the_samples_rows_are_read_by_their_own_names() -> None:
    profile = {
        "event_id": "Apr142022",
        "user_id": "u1",
        "email": "a@example.com",
        "language": "en",
        "preference": "email",
    }
    document = "\ufeff" + json.dumps([profile])
    (row,) = read(document, name="profiles.json").rows
    assert isinstance(row, Row)
    assert row.audience == "Apr142022"


@given(st.binary(max_size=200), st.sampled_from([None, "GB"]))
def test_any_bytes_are_rows_or_refused(raw: bytes, country: str | None) -> None:
    with suppress(UnreadableFile):
        assert all(isinstance(row, Row | RefusedRow) for row in read(raw, country).rows)


@given(st.lists(st.text(max_size=30), min_size=6, max_size=8), st.sampled_from([",", ";", "\t"]))
def test_any_cells_are_rows_or_refused(cells: list[str], separator: str) -> None:
    rows = list(read(HEADER.replace(",", separator) + "\n" + separator.join(cells)).rows)
    assert all(isinstance(row, Row | RefusedRow) for row in rows)
