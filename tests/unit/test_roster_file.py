"""Roster files: what they say, and what an administrator is told of a faulty one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.decide import report
from service.rosters import roster_file
from service.rosters.roster import Person, PersonInterval, Roster
from service.rosters.rotation import Rotation, Window

SHIPPED = Path(__file__).parents[2] / "rules" / "rosters"

PUMPS = """\
roster: pumps
timezone: Europe/Berlin
people:
  ann: {name: Ann, phone: +447700900123, language: en}
  ben: {recipient: emp7}
rotation:
  - {order: [ann, ben], start: 2026-01-05, hand_over: 09:00, every: 1w}
  - {order: ben, start: 2026-01-10, hand_over: ["08:00", "20:00"], days: [fri-sun, wed], hours: "22:00-06:00"}
overrides:
  - {person: ben, from: 2026-12-24 09:00, until: "2026-12-26 09:00"}
absences:
  - {person: ann, from: 2026-08-03, until: 2026-08-16}
"""


def read(text: str) -> Roster:
    parsed = roster_file.parse(text)
    assert parsed.findings == ()
    assert parsed.roster is not None
    return parsed.roster


def told(text: str) -> str:
    """What an administrator sees."""
    return report.render(roster_file.parse(text).findings, text, "r.yaml")


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_rosters_are_without_a_finding(path: Path) -> None:
    assert read(path.read_text()).name == path.stem


def test_a_file_says_who_takes_turns_when_and_who_is_away() -> None:
    roster = read(PUMPS)
    assert roster == Roster(
        "pumps",
        "Europe/Berlin",
        (Person("ann", "Ann", "+447700900123", language="en"), Person("ben", recipient="emp7")),
        (
            Rotation(("ann", "ben"), date(2026, 1, 5), (time(9),), 7),
            Rotation(
                ("ben",), date(2026, 1, 10), (time(8), time(20)), 1, Window(frozenset({2, 4, 5, 6}), time(22), time(6))
            ),
        ),
        (PersonInterval("ben", datetime(2026, 12, 24, 8, tzinfo=UTC), datetime(2026, 12, 26, 8, tzinfo=UTC)),),
        (PersonInterval("ann", datetime(2026, 8, 2, 22, tzinfo=UTC), datetime(2026, 8, 16, 22, tzinfo=UTC)),),
    )


@pytest.mark.parametrize(
    ("line", "faulty", "message"),
    [
        ("roster: pumps", "roster: the pumps", '"the pumps" is not the name of a roster'),
        ("roster: pumps\n", "", 'the key "roster" is missing'),
        ("Europe/Berlin", "Europe/Berln", '"Europe/Berln" is not a time zone'),
        ("phone: +447700900123", "phone: 07700 900123", "the phone number has no country code"),
        ("phone: +447700900123, ", "", "a person needs a phone, or the id of a recipient"),
        ("{recipient: emp7}", "{recipient: emp7, name: Ben}", "a person is a recipient"),
        ("[ann, ben]", "[ann, bne]", '"bne" stands not under people'),
        ("2026-01-05", "2026-02-30", '"2026-02-30" is not a day'),
        ("2026-01-05", "1926-01-05", "a day lies between 2000 and 2099"),
        ("hand_over: 09:00", "hand_over: 9 am", '"9 am" is not a time of day'),
        ("every: 1w", "every: 1m", '"1m" is not how long a turn lasts'),
        ("every: 1w", "every: 0d", '"0d" is not how long a turn lasts'),
        ("every: 1w", "evry: 1w", 'unknown key "evry" in a rotation'),
        ('["08:00", "20:00"]', '["20:00", "08:00"]', "hand-overs stand in the order of the day"),
        ("days: [fri-sun, wed]", "every: 2d", "several hand-overs a day each begin a turn"),
        ("fri-sun", "friday", '"friday" is not a day of the week'),
        ('"22:00-06:00"', '"22:00"', '"22:00" is not a part of the day'),
        ('until: "2026-12-26 09:00"', "until: 2026-12-24 09:00", "an override ends after it begins"),
        ("until: 2026-08-16", "until: 2026-08-02", "an absence ends after it begins"),
        ("person: ann", "person: Ann", '"Ann" stands not under people'),
    ],
)
def test_a_faulty_file_is_refused_with_the_reason_at_its_place(line: str, faulty: str, message: str) -> None:
    text = PUMPS.replace(line, faulty)
    assert text != PUMPS
    assert roster_file.parse(text).roster is None
    assert message in told(text)


def test_hours_in_which_nobody_is_on_call_are_warned_of() -> None:
    text = PUMPS.replace("every: 1w", 'every: 1w, days: mon-fri, hours: "09:00-17:00"')
    assert roster_file.parse(text).roster is not None
    assert "nobody is on call from Sat 2026-01-10 08:00 to Sat 2026-01-10 22:00" in told(text)


def test_somebody_who_never_comes_in_it_is_warned_of() -> None:
    text = PUMPS.replace("  ben: {recipient", "  cleo: {recipient: emp8}\n  ben: {recipient")
    assert roster_file.parse(text).roster is not None
    assert "cleo is under people, and in no order and no override" in told(text)


@given(
    st.text()
    | st.binary()
    | st.text().map(lambda text: PUMPS + text)
    | st.integers(0, len(PUMPS)).map(lambda end: PUMPS[:end])
)
def test_whatever_a_file_holds_it_is_read_or_refused(source: str | bytes) -> None:
    parsed = roster_file.parse(source)
    assert (parsed.roster is None) == any(finding.severity == "error" for finding in parsed.findings)


@given(st.integers(0, len(PUMPS)), st.integers(0, len(PUMPS)), st.sampled_from(["", "[", "2026-13-01", "{", ": ", "~"]))
def test_a_file_with_a_part_replaced_is_read_or_refused(begin: int, end: int, by: str) -> None:
    parsed = roster_file.parse(PUMPS[:begin] + by + PUMPS[end:])
    assert (parsed.roster is None) == any(finding.severity == "error" for finding in parsed.findings)
