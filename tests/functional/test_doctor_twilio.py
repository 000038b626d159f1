"""`tocsin doctor` of an installation that sends by Twilio: what it finds amiss, and what it says to do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from service.cli.checks import CheckLevel, twilio
from service.config import Settings
from tests.aws import free_port
from tests.functional.client import tocsin
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, TwilioService, twilio_service

OURS: dict[str, object] = {
    "phone_number": NUMBER,
    "capabilities": {"sms": True, "voice": True},
    "sms_url": "https://tocsin.example.com/v1/inbound/twilio",
}


@pytest.fixture
def service() -> Iterator[TwilioService]:
    with twilio_service() as service:
        service.numbers.append(dict(OURS))
        yield service


def levels(service: TwilioService, **own: object) -> dict[str, tuple[CheckLevel, str]]:
    given = {
        "twilio_account": ACCOUNT,
        "twilio_tokens": TOKEN,
        "twilio_identity": NUMBER,
        "twilio_url": service.url,
        "public_url": "https://tocsin.example.com/",
        **own,
    }
    findings = list(twilio.look(Settings.model_validate(given)))
    assert all(finding.level is CheckLevel.OK or finding.do for finding in findings)
    return {finding.subject: (finding.level, finding.found) for finding in findings}


def test_all_is_well_where_the_account_is_open_and_its_number_speaks_to_us(service: TwilioService) -> None:
    found = levels(service)
    assert found == {
        "twilio account": (CheckLevel.OK, "open"),
        "twilio number": (CheckLevel.OK, "its messages come to us"),
    }


@pytest.mark.parametrize(
    ("own", "found"),
    [
        ({"twilio_tokens": "another"}, ("twilio account", CheckLevel.FAIL, "the token is refused")),
        ({"twilio_identity": "+14155550199"}, ("twilio number", CheckLevel.FAIL, "not this account's")),
        ({"public_url": None}, ("twilio number", CheckLevel.WARN, "do not reach us")),
        ({"public_url": "https://elsewhere.example"}, ("twilio number", CheckLevel.WARN, "go elsewhere")),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_set_wrongly_is_found(
    service: TwilioService, own: dict[str, object], found: tuple[str, CheckLevel, str]
) -> None:
    subject, level, said = found
    told = levels(service, **own)[subject]
    assert told[0] is level
    assert said in told[1]


def test_a_suspended_account_a_trial_and_a_deaf_number_are_found(service: TwilioService) -> None:
    service.numbers[0] = {**OURS, "capabilities": {"sms": False}}
    assert levels(service)["twilio number"][0] is CheckLevel.FAIL
    service.account["type"] = "Trial"
    assert levels(service)["twilio account"][0] is CheckLevel.WARN
    service.account["status"] = "suspended"
    assert levels(service)["twilio account"] == (CheckLevel.FAIL, "it is not open (suspended)")


def test_a_silent_twilio_is_told_by_the_command(service: TwilioService) -> None:
    settings = {"TOCSIN_TWILIO_ACCOUNT": ACCOUNT, "TOCSIN_TWILIO_TOKENS": TOKEN}
    well = tocsin("doctor", settings={**settings, "TOCSIN_TWILIO_URL": service.url})
    assert "OK    twilio account: open" in well.stdout
    silent = tocsin("doctor", settings={**settings, "TOCSIN_TWILIO_URL": f"http://127.0.0.1:{free_port()}"})
    assert silent.returncode == 1
    assert "FAIL  twilio account: Twilio does not answer" in silent.stdout
    assert TOKEN not in silent.stdout
