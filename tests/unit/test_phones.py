"""Which phone numbers may be written to, and what is said about the others."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.channels.contact_keys import ContactKeys
from service.channels.phones import Phone, PhoneFault, PhoneRefused, PhoneRules
from service.channels.reserved_numbers import is_reserved

STRICT = PhoneRules()
OUTBOX = PhoneRules(reserved_allowed=True)

RESERVED = {
    "+447700900123": "GB",
    "+442079460958": "GB",
    "+441632960001": "GB",
    "+33639980012": "FR",
    "+33199001234": "FR",
    "+12025550101": "US",
    "+14165550199": "CA",
    "+491713920012": "DE",
    "+493023125999": "DE",
    "+4915228817386": "DE",
    "+61491570006": "AU",
    "+61255501234": "AU",
    "+353209112345": "IE",
    "+46701740605": "SE",
}


def fault(text: str, rules: PhoneRules = STRICT) -> PhoneFault:
    with pytest.raises(PhoneRefused) as refused:
        rules.parse(text)
    return refused.value.fault


@pytest.mark.parametrize(("number", "country"), RESERVED.items())
def test_a_number_of_films_and_examples_is_taken_by_the_outbox_alone(number: str, country: str) -> None:
    assert OUTBOX.parse(number) == Phone(number, country, reserved=True)
    assert fault(number) is PhoneFault.RESERVED


@pytest.mark.parametrize("near", ["+447700901123", "+33639970012", "+12025550201", "+12025550001", "+491713920112"])
def test_the_numbers_next_to_a_reserved_range_belong_to_people(near: str) -> None:
    assert not is_reserved(near.removeprefix("+"))


@pytest.mark.parametrize("longer", ["4477009001234", "1447700900123", "120255501011"])
def test_a_longer_number_that_holds_a_reserved_one_is_not_reserved(longer: str) -> None:
    assert not is_reserved(longer)


@pytest.mark.parametrize(
    "written", ["+44 7400 123456", "+44 (0)7400 123456", "+44-7400-123456", " +447400123456 ", "+44 7400 123 456"]
)
def test_a_number_is_read_however_people_write_it(written: str) -> None:
    phone = STRICT.parse(written)
    assert phone == Phone("+447400123456", "GB")
    assert phone.international == "+44 7400 123456"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", PhoneFault.NOT_A_NUMBER),
        ("call me", PhoneFault.NOT_A_NUMBER),
        ("+44 7400 123456 ext. 5", PhoneFault.NOT_A_NUMBER),
        ("1" * 41, PhoneFault.NOT_A_NUMBER),
        ("07400 123456", PhoneFault.NO_COUNTRY_CODE),
        ("447400123456", PhoneFault.NO_COUNTRY_CODE),
        ("+999123456789", PhoneFault.UNKNOWN_COUNTRY),
        ("+4474001", PhoneFault.TOO_SHORT),
        ("+4474001234567", PhoneFault.TOO_LONG),
        ("+11115551234", PhoneFault.NOT_IN_USE),
        ("+449098791234", PhoneFault.PREMIUM_RATE),
        ("+19005551234", PhoneFault.PREMIUM_RATE),
    ],
)
def test_what_is_wrong_with_a_number_is_said(written: str, expected: PhoneFault) -> None:
    assert fault(written) is expected


def test_premium_rate_is_refused_as_such() -> None:
    example = phonenumbers.example_number_for_type("GB", phonenumbers.PhoneNumberType.PREMIUM_RATE)
    assert example is not None
    written = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    assert fault(written, OUTBOX) is PhoneFault.PREMIUM_RATE


def test_only_allowed_countries_are_written_to_reserved_numbers_included() -> None:
    rules = PhoneRules(countries=frozenset({"GB"}), reserved_allowed=True)
    assert rules.parse("+447700900123").country == "GB"
    assert fault("+33639980012", rules) is PhoneFault.COUNTRY_NOT_ALLOWED
    assert fault("+33612345678", rules) is PhoneFault.COUNTRY_NOT_ALLOWED


def test_canada_is_not_allowed_by_allowing_the_united_states() -> None:
    rules = PhoneRules(countries=frozenset({"US"}), reserved_allowed=True)
    assert rules.parse("+12025550101").country == "US"
    assert fault("+14165550199", rules) is PhoneFault.COUNTRY_NOT_ALLOWED


@given(st.text(max_size=50))
def test_any_text_is_a_phone_or_a_refusal(text: str) -> None:
    try:
        phone = OUTBOX.parse(text)
    except PhoneRefused:
        return
    assert OUTBOX.parse(phone.e164) == phone


@pytest.mark.parametrize("number", ["+19005551234", "0740 0123 4567", "+44740012"])
def test_a_refusal_does_not_repeat_the_number_so_it_may_be_logged(number: str) -> None:
    with pytest.raises(PhoneRefused) as refused:
        STRICT.parse(number)
    assert not set(number.split()) & set(str(refused.value).split())


def test_lookup_keys_hold_no_number_and_differ_by_secret() -> None:
    ours, theirs = ContactKeys(b"a" * 32), ContactKeys(b"b" * 32)
    key = ours.phone("+447700900123")
    assert key == ours.phone("+447700900123") != theirs.phone("+447700900123")
    assert "7700900123" not in key
    assert "a" * 32 not in repr(ours)
    assert ours.email("John@Example.com") == ours.email("john@example.com") != ours.phone("john@example.com")


@pytest.mark.parametrize("written", ["+5215512345678", "+52 1 55 1234 5678", "+525512345678"])
def test_a_mexican_mobile_is_one_phone_with_and_without_the_1_of_old(written: str) -> None:
    assert STRICT.parse(written).e164 == "+525512345678"


def test_a_mexican_number_that_begins_with_1_by_itself_keeps_it() -> None:
    assert fault("+52155") is PhoneFault.TOO_SHORT


@pytest.mark.parametrize("sender", ["whatsapp:+447400123456", "rcs:+447400123456", "WhatsApp: +44 7400 123456"])
def test_who_writes_by_another_way_is_the_phone_behind_it(sender: str) -> None:
    assert [phone.e164 for phone in STRICT.senders(sender)] == ["+447400123456"]


def test_an_argentine_mobile_writes_with_and_without_its_9() -> None:
    with_9, without = "+5491123456789", "+541123456789"
    assert [phone.e164 for phone in STRICT.senders(with_9)] == [with_9, without]
    assert [phone.e164 for phone in STRICT.senders(without)] == [without, with_9]


def test_who_writes_by_a_number_that_cannot_be_is_refused() -> None:
    with pytest.raises(PhoneRefused):
        STRICT.senders("whatsapp:abc")
