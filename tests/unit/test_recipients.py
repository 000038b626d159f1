"""Profiles with clear refusals, audiences of any size, and people who can be forgotten."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.contact_keys import ContactKeys
from service.channels.phones import Phone, PhoneRules
from service.core.clock import HandClock
from service.core.enums import Channel
from service.recipients import Directory, Fault, ProfileRefused, ProfileRules, Recipient
from service.recipients.files import RefusedRow, Row, UnreadableFile, read_rows
from service.storage import MAX_WRITES
from service.storage.sqlite import SqliteStore

NOON = datetime(2026, 5, 10, 12, tzinfo=UTC)
RULES = ProfileRules(PhoneRules(reserved_allowed=True), test_domains=True)
MARY = {
    "user_id": "ui102",
    "first_name": "Mary",
    "email": "mary@example.com",
    "phone": "+49 171 3920012",
    "language": "DE",
    "preference": "SMS",
    "voice_locale": "de-de",
    "timezone": "Europe/Berlin",
}


@pytest.fixture
def directory(store: SqliteStore, clock: HandClock) -> Directory:
    return Directory(store, ContactKeys(b"secret"), clock)


def person(user_id: str, phone: str = "+447700900123", language: str = "en") -> Recipient:
    return Recipient(user_id, user_id.title(), language, Channel.SMS, phone=Phone(phone, "GB", reserved=True))


def faults(raw: Mapping[str, object], rules: ProfileRules = RULES) -> Mapping[str, str]:
    with pytest.raises(ProfileRefused) as refused:
        rules.parse(raw)
    return {fault.path: fault.message for fault in refused.value.faults}


def test_ids_that_no_recipient_has_are_found_among_more_than_one_question_holds(directory: Directory) -> None:
    everyone = [person(f"user-{number:03}") for number in range(MAX_WRITES + 20)]
    directory.add("customers", everyone)
    names = [each.user_id for each in everyone]
    assert directory.missing(names) == frozenset()
    assert directory.missing(["nobody", *names, "no-one", "nobody"]) == {"nobody", "no-one"}
    assert directory.missing([]) == frozenset()


def test_a_profile_is_read_and_written_canonically() -> None:
    mary = RULES.parse(MARY)
    assert mary.phone == Phone("+491713920012", "DE", reserved=True)
    assert (mary.language, mary.voice_locale, mary.preference) == ("de", "de-DE", Channel.SMS)
    assert mary.as_json() == MARY | {
        "phone": "+491713920012",
        "language": "de",
        "voice_locale": "de-DE",
        "preference": Channel.SMS,
    }
    assert RULES.parse(mary.as_json()) == mary


def test_every_field_that_does_not_fit_is_named_at_once() -> None:
    said = faults(
        {
            "user_id": "mary@example.com",
            "first_name": "a" * 101,
            "email": "mary at example",
            "phone": "0171 3920012",
            "language": "klingon",
            "preference": "fax",
            "voice_locale": "xx-YY",
            "timezone": "Berlin",
            "fone": "1",
        }
    )
    assert set(said) == {
        *("user_id", "first_name", "email", "phone", "language", "preference", "voice_locale", "timezone", "fone")
    }
    assert said["user_id"] == "must be 1 to 64 letters, digits, - or _"
    assert said["preference"] == "must be one of email, sms, voice, chat"
    assert "did you mean phone?" in said["fone"]
    assert "Europe/Berlin" in said["timezone"]


def test_what_is_missing_is_named() -> None:
    assert faults({}) == {"user_id": "is missing", "language": "is missing", "preference": "is missing"}


@pytest.mark.parametrize(("preference", "needs"), [("email", "email"), ("sms", "phone"), ("voice", "phone")])
def test_the_preferred_channel_needs_something_to_write_to(preference: str, needs: str) -> None:
    raw = {"user_id": "a", "language": "en", "preference": preference}
    assert faults(raw) == {needs: f"is missing, and the preference is {preference}"}


def test_example_numbers_and_test_domains_are_for_the_embedded_default_alone() -> None:
    strict = ProfileRules(PhoneRules())
    assert "reserved for examples" in faults(MARY, strict)["phone"]
    assert set(faults(MARY | {"email": "mary@shop.test", "phone": "+447400123456"}, strict)) == {"email"}
    assert RULES.parse(MARY | {"email": "mary@shop.test"}).email == "mary@shop.test"


@given(st.dictionaries(st.sampled_from([*MARY, "other"]), st.one_of(st.text(max_size=20), st.integers(), st.none())))
def test_any_profile_is_read_or_refused_by_field(raw: dict[str, object]) -> None:
    try:
        recipient = RULES.parse(raw)
    except ProfileRefused as refused:
        paths = {fault.path for fault in refused.faults}
    else:
        paths = {"other"}
        assert RULES.parse(recipient.as_json()) == recipient
    assert paths
    assert paths <= {*MARY, "other"}


def test_a_new_profile_replaces_the_old_one_and_keeps_its_audiences(directory: Directory) -> None:
    assert directory.put(person("mary"))
    directory.add("customers", [person("mary")])
    assert not directory.put(person("mary", language="de"))
    member = directory.member("mary")
    assert member is not None
    assert (member.recipient.language, member.audiences) == ("de", ("customers",))
    assert [recipient.language for recipient in directory.members("customers").items] == ["de"]


def test_an_audience_is_paged_through_completely_and_in_order(directory: Directory) -> None:
    everyone = [person(f"user-{number:04d}") for number in range(257)]
    directory.add("customers", reversed(everyone))
    directory.add("customers", everyone[:100])
    directory.add("others", everyone[:3])
    listed: list[str] = []
    cursor: str | None = None
    while True:
        page = directory.members("customers", cursor=cursor, limit=50)
        assert len(page.items) <= 50
        listed += [recipient.user_id for recipient in page.items]
        cursor = page.cursor
        if cursor is None:
            break
    assert listed == [recipient.user_id for recipient in everyone]
    assert (directory.size("customers"), directory.size("others"), directory.size("nobody")) == (257, 3, 0)


def test_an_erased_person_is_in_no_audience_and_nowhere_in_the_file(
    directory: Directory, store: SqliteStore, tmp_path: Path
) -> None:
    mary = RULES.parse(MARY)
    directory.add("customers", [mary])
    directory.add("guests", [mary])
    assert directory.remove("ui102")
    assert not directory.remove("ui102")
    assert directory.get("ui102") is None
    assert directory.by_phone("+491713920012") is None
    assert (directory.size("customers"), directory.size("guests")) == (0, 0)


def test_contact_data_stands_in_one_item_and_in_no_key(directory: Directory, store: SqliteStore) -> None:
    mary = RULES.parse(MARY)
    directory.add("customers", [mary])
    item = store.get("recipient-ui102")
    assert item is not None
    member = store.get("member-9-customers-ui102")
    assert member is not None
    elsewhere = json.dumps([dict(item.keys), item.id, dict(member.keys), member.id, dict(member.state)])
    assert not any(contact in elsewhere for contact in ("mary", "Mary", "3920012"))


def test_a_phone_leads_to_its_owner(directory: Directory) -> None:
    directory.put(person("mary", "+447700900123", "de"))
    found = directory.by_phone("+447700900123")
    assert found is not None
    assert found.language == "de"
    directory.put(person("mary", "+447700900456", "de"))
    assert directory.by_phone("+447700900123") is None


def test_audiences_whose_names_run_together_stay_apart(directory: Directory) -> None:
    directory.add("a-b", [person("c")])
    directory.add("a", [person("b-c")])
    assert [recipient.user_id for recipient in directory.members("a-b").items] == ["c"]
    assert [recipient.user_id for recipient in directory.members("a").items] == ["b-c"]


def test_one_person_may_belong_to_very_many_audiences(directory: Directory) -> None:
    for number in range(120):
        directory.add(f"event-{number:03d}", [person("mary")])
    assert directory.remove("mary")
    assert sum(directory.size(f"event-{number:03d}") for number in range(120)) == 0


SAMPLE = [
    {"event_id": "Apr142022", **MARY, "phoneme": "de-DE"},
    {"event_id": "Apr142022", "user_id": "ui101", "language": "en", "preference": "email", "email": "john@example.com"},
]


def test_the_samples_profiles_are_read_with_its_own_names(tmp_path: Path) -> None:
    del SAMPLE[0]["voice_locale"]
    (tmp_path / "profiles.json").write_text(json.dumps(SAMPLE), encoding="utf-8")
    mary, john = read_rows(tmp_path / "profiles.json", RULES)
    assert isinstance(mary, Row)
    assert isinstance(john, Row)
    assert (mary.audience, mary.recipient.voice_locale) == ("Apr142022", "de-DE")
    assert john.recipient.email == "john@example.com"


CSV = """\ufeffuser_id,first_name,email,phone,language,preference,audience
u1,"Müller, Jo",jo@example.com,,de,email,customers
u2,Ada,,07700 900123,en,sms,customers
u3,Grace,grace@example.com,,en,email,
u4,Alan,alan@example.com,,en,email,bad audience
u5,Tim,tim@example.com,,en,email,customers,too,many
"""


def test_a_csv_file_is_read_row_by_row_and_bad_rows_are_named_by_line(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text(CSV, encoding="utf-8")
    rows = list(read_rows(tmp_path / "people.csv", RULES))
    good = [row for row in rows if isinstance(row, Row)]
    bad = [row for row in rows if isinstance(row, RefusedRow)]
    assert [(row.recipient.user_id, row.recipient.first_name, row.audience) for row in good] == [
        ("u1", "Müller, Jo", "customers"),
        ("u3", "Grace", None),
    ]
    assert [(row.number, [fault.path for fault in row.faults]) for row in bad] == [
        (3, ["phone"]),
        (5, ["audience"]),
        (6, ["more"]),
    ]


def test_a_person_in_two_rows_has_one_profile_in_all_audiences(tmp_path: Path) -> None:
    rows = ["u1,en,email,a@example.com,staff", "u1,en,email,a@example.com,night", "u1,en,email,b@example.com,day"]
    (tmp_path / "people.csv").write_text("\n".join(["user_id,language,preference,email,audience", *rows]))
    *good, bad = read_rows(tmp_path / "people.csv", RULES)
    assert [row.audience for row in good if isinstance(row, Row)] == ["staff", "night"]
    assert isinstance(bad, RefusedRow)
    assert [(bad.number, fault.path, fault.message) for fault in bad.faults] == [
        (4, "user_id", "stands in row 2 already, with another profile")
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"name,phone\nMary,+447700900123\n"),
        ("a.csv", b""),
        ("a.csv", b"user_id,language,preference\n\x81,en,sms\n"),
        ("a.json", b"{"),
        ("a.json", b'{"user_id": "a"}'),
        ("a.json", b"[1]"),
    ],
)
def test_a_file_that_holds_no_profiles_says_so(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnreadableFile, match=name):
        list(read_rows(tmp_path / name, RULES))


def test_a_fault_reads_as_a_sentence() -> None:
    with pytest.raises(ProfileRefused, match=r"user_id: is missing; language: is missing"):
        RULES.parse({"preference": "email", "email": "a@example.com"})
    assert Fault("phone", "is missing").path == "phone"
