"""How many boto3 clients a process makes: one of each kind, none for a request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import botocore
import pytest
from botocore.session import Session

from service.channels.email import parse_sender
from service.config import Backend, Settings
from service.core.clock import HandClock
from service.wiring.app import Service
from service.wiring.storage import prepare_aws
from tests.aws import Environment
from tests.aws_services import aws_services
from tests.functional.conftest import api_of
from tests.functional.few_rules import few_rules
from tests.functional.test_notifications import JOHN, Desk
from tests.unit.work import NOON

TEXT = "The warehouse is closed on Monday for the yearly stock count."
MARY = {"user_id": "mary", "first_name": "Mary", "phone": "+4915123456701", "language": "en", "preference": "sms"}


@pytest.fixture
def made() -> Iterator[list[str]]:
    """The services of the clients that this process makes, in order."""
    names: list[str] = []

    def note(**event: object) -> None:
        names.append(str(event["event_name"]).removeprefix("creating-client-class."))

    def listen(session: Session) -> None:
        session.register("creating-client-class", note)

    botocore.register_initializer(listen)
    yield names
    botocore.unregister_initializer(listen)


def test_a_process_makes_each_client_once_however_much_it_does(
    aws: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[str]
) -> None:
    with aws_services() as services:
        for name, value in {**services.environment(), **aws}.items():
            monkeypatch.setenv(name, value)
        settings = Settings(
            home=tmp_path,
            rules_dir=few_rules(tmp_path),
            rules_watch=False,
            backend=Backend.AWS,
            aws_prefix="clients-",
            mail_from=parse_sender("Tocsin <tocsin@example.com>"),
            phone_identity="+4930900000",
        )
        prepare_aws(settings)
        made.clear()
        service = Service(settings, HandClock(NOON))
        service.working_copies.sweep()
        desk = Desk(api_of(service))
        desk.recipients("people", JOHN, MARY)
        for round_ in range(3):
            sent = desk.sends(text=f"{TEXT} Round {round_}.", audience="people")
            service.store.upkeep(service.clock.now())
            desk.works(3)
            assert desk.api.client.get(f"/v1/notifications/{sent}").status == 200
        service.store.close()
    assert len(services.of("SendTextMessage")) == 3
    waits_in_two_ways = {"dynamodb", "sqs"}  # for transactions and polls, and for all else
    assert all(made.count(name) == (2 if name in waits_in_two_ways else 1) for name in made)
    assert {"dynamodb", "sqs", "pinpoint-sms-voice-v2", "sesv2", "comprehend"} <= set(made)
