"""From where messages leave, what is refused because nothing can receive the answer, and what a month costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from service.channels import Reason, Reference, Refused, Sms
from service.channels.phones import Phone
from service.core.clock import HandClock
from service.core.enums import Channel
from service.core.language_tags import Tag
from service.messages.senders import Senders, SendersRefused, one_identity, read_senders
from service.messages.spend import CountrySpend, MonthSpend, Spend
from service.storage import Item
from service.storage.sqlite import SqliteStore

NOON = datetime(2026, 5, 31, 12, tzinfo=UTC)
TEXT = """
DE:
  - {origin: TOCSIN, per_second: 5}
  - {origin: "+4915100000001", channels: [sms, voice], two_way: true, per_second: 1}
NO:
  - {origin: "+4790000000", role: "arn:aws:iam::123456789012:role/senders"}
"*":
  - {origin: pool-1, two_way: true}
"""


@pytest.fixture
def senders(tmp_path: Path) -> Senders:
    (tmp_path / "senders.yaml").write_text(TEXT)
    return read_senders(str(tmp_path / "senders.yaml"))


@pytest.mark.parametrize(
    ("country", "channel", "answerable", "origin"),
    [
        ("DE", Channel.SMS, False, "TOCSIN"),
        ("DE", Channel.SMS, True, "+4915100000001"),
        ("DE", Channel.VOICE, False, "+4915100000001"),
        ("NO", Channel.SMS, False, "+4790000000"),
        ("NO", Channel.SMS, True, "pool-1"),
        ("FR", Channel.SMS, True, "pool-1"),
        ("FR", Channel.VOICE, False, None),
    ],
)
def test_a_message_leaves_from_the_first_identity_that_can_carry_it(
    senders: Senders, country: str, channel: Channel, answerable: bool, origin: str | None
) -> None:
    found = senders.of(country, channel, answerable=answerable)
    assert (found.origin if found else None) == origin


def test_another_accounts_identity_is_used_in_its_role(senders: Senders) -> None:
    assert senders.role_of("+4790000000") == "arn:aws:iam::123456789012:role/senders"
    assert senders.role_of("TOCSIN") is None


def test_json_in_the_setting_says_the_same_as_a_file() -> None:
    document = {"DE": [{"origin": "TOCSIN", "channels": ["sms"], "per_second": 5}]}
    sender = read_senders(json.dumps(document)).of("DE", Channel.SMS)
    assert sender is not None
    assert (sender.origin, sender.per_second, sender.two_way) == ("TOCSIN", 5.0, False)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('{"DE": [{"origin": "A", "two-way": true}]}', "two-way"),
        ('{"DE": [{"origin": "A", "per_second": 0}]}', "per_second"),
        ('{"DE": [{"channels": ["sms"]}]}', "origin"),
        ('{"GERMANY": [{"origin": "A"}]}', "GERMANY"),
        ('{"DE": [{"origin": "A", "role": "admin"}]}', "role"),
        ('{"DE": [{"origin": "A", "provider": "twilio", "role": "arn:aws:iam::123456789012:role/r"}]}', "role"),
        ('{"DE": [{"origin": "A", "provider": "nexmo"}]}', "provider"),
        ('{"DE": [{"origin": "A"}], "DE": [{"origin": "B"}]}', ':1:27: the key "DE" stands here a second time'),
        ('{"DE": [{"origin": "A", "origin": "B"}]}', 'the key "origin" stands here a second time'),
        ('{"DE": [&a {"origin": "A"}], "SE": [*a]}', "anchor"),
        ("{", "neither JSON nor"),
        ("/no/such/file.yaml", "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_named(setting: str, said: str) -> None:
    with pytest.raises(SendersRefused, match=said):
        read_senders(setting)


def test_a_country_that_stands_twice_in_a_file_is_named_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "senders.yaml"
    file.write_text(TEXT.replace('"*":', "DE:"))
    with pytest.raises(SendersRefused, match=r"senders\.yaml:7:1: the key \"DE\" stands here a second time"):
        read_senders(str(file))


def test_each_provider_has_its_own_identities_and_everybodys() -> None:
    document = (
        """{"DE": [{"origin": "A", "provider": "aws"}, {"origin": "B", "provider": "twilio"}, {"origin": "C"}]}"""
    )
    listed = read_senders(document)
    assert [one.origin for one in listed.of_provider("aws").by_country["DE"]] == ["A", "C"]
    assert [one.origin for one in listed.of_provider("twilio").by_country["DE"]] == ["B", "C"]
    with pytest.raises(SendersRefused, match="'C'"):
        listed.require_providers()


@pytest.mark.parametrize(
    ("identity", "answers", "calls"),
    [
        ("+4930900000", True, True),
        ("pool-0123456789abcdef", True, True),
        ("MG" + "0" * 32, True, True),
        ("TOCSIN", False, False),
        ("Fire Dept 1", False, False),
    ],
)
def test_the_one_identity_receives_answers_and_calls_unless_it_is_a_name(
    identity: str, answers: bool, calls: bool
) -> None:
    senders = one_identity(identity)
    assert (senders.of("SE", Channel.SMS, answerable=True) is not None) == answers
    assert (senders.of("SE", Channel.VOICE) is not None) == calls
    assert senders.of("SE", Channel.SMS) is not None
    assert one_identity(None) == Senders()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "tocsin.db", HandClock(NOON))
    yield store
    store.close()


def costing(amount: str | int) -> dict[str, CountrySpend]:
    return {"GB": CountrySpend(1, 2, Decimal(amount))}


def test_a_month_is_warned_of_once_at_eighty_percent_and_ends_at_the_cap(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    spend = Spend(store, Decimal(10))
    for _ in range(7):
        spend.add(costing(1), NOON)
    assert caplog.messages == []
    spend.add(costing(1), NOON)
    spend.add(costing("1.999"), NOON)
    assert caplog.messages == ["SMS of this month cost about 80 % of the cap of 10 USD"]
    assert not spend.is_used_up(NOON)
    spend.add(costing("0.001"), NOON)
    assert spend.is_used_up(NOON)
    assert caplog.messages[1:] == [
        "SMS of this month cost about 100 % of the cap of 10 USD: bulk waits, incidents do not"
    ]
    assert spend.of_month(NOON).countries == {"GB": CountrySpend(10, 20, Decimal(10))}
    assert not spend.is_used_up(datetime(2026, 6, 1, tzinfo=UTC))


def test_what_an_earlier_version_counted_is_in_the_total(store: SqliteStore) -> None:
    store.add(Item("spend-2026-05-0", "spend", {"amount": "1.5"}))
    spend = Spend(store, Decimal(10), lambda: 0.0)
    spend.add(costing("0.5"), NOON)
    assert spend.of_month(NOON) == MonthSpend(Decimal(2), {"GB": CountrySpend(1, 2, Decimal("0.5"))})


def test_without_a_cap_nothing_is_counted(store: SqliteStore) -> None:
    spend = Spend(store, None)
    spend.add(costing(1000), NOON)
    assert spend.total(NOON) == 0
    assert not spend.is_used_up(NOON)


def test_an_expected_answer_that_nobody_could_receive_is_refused_for_good() -> None:
    assert Refused(Reason.ONE_WAY, "").permanent
    one_way = read_senders('{"DE": [{"origin": "TOCSIN"}]}')
    page = Sms(Phone("+4915123456701", "DE"), "Pump 1 failed", Tag("en"), Reference("i-1", 1), answerable=True)
    assert one_way.of_message(page) is None
