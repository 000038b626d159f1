"""An app whose messages leave by providers, which are stubs that hold us to their models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Scope
from service.storage import Store
from service.storage.sqlite import SqliteStore
from service.wiring.app import Service
from tests.aws_services import Answer, AwsServices, Error, Request, as_fast_as_they_come, aws_services
from tests.functional.client import Client, InProcess
from tests.functional.conftest import NOON, Api
from tests.functional.few_rules import few_rules
from tests.functional.incident_room import Room
from tests.functional.test_notifications import ANNOUNCEMENT, EVENT, JOHN, MARY, Desk
from tests.twilio_service import TwilioService, twilio_service

NEWS = "The warehouse in Leeds is closed on Monday for the yearly stock count."
SMS, MAIL, CALL = "SendTextMessage", "SendEmail", "SendVoiceMessage"
PEOPLE: Mapping[str, Mapping[str, object]] = {
    MAIL: JOHN,
    SMS: {**MARY, "phone": "+4915123456701"},
    CALL: {**MARY, "user_id": "ui104", "phone": "+4915123456702", "preference": "voice"},
}
OPERATIONS = (MAIL, SMS, CALL)
PROVIDER = {MAIL: "ses", SMS: "aws-sms", CALL: "aws-voice"}
DOWN, THROTTLED = Error("InternalServerException", 500), Error("ThrottlingException", headers={"Retry-After": "7"})
EXPIRED = Error("ExpiredTokenException", 403)


@dataclass(frozen=True, slots=True)
class Plant:
    """An app that sends by AWS, and where it is said, by Twilio."""

    desk: Desk
    aws: AwsServices
    twilio: TwilioService

    @property
    def room(self) -> Room:
        return Room(self.desk.api)

    def announces(self, *operations: str, text: str = ANNOUNCEMENT) -> str:
        self.desk.recipients(EVENT, *[PEOPLE[operation] for operation in operations])
        return self.desk.sends(text=text, audience=EVENT)

    def to_many(self, operation: str, number: int) -> str:
        """Announce to as many people, each of whom costs a call."""
        many: list[Mapping[str, object]] = []
        for place in range(number):
            address = f"p{place}@example.com" if operation == MAIL else f"+49151234567{place:02d}"
            kind = "email" if operation == MAIL else "phone"
            one = {**PEOPLE[operation], "user_id": f"p{place}", "first_name": f"P{place}", kind: address}
            many.append(one)
        self.desk.recipients(EVENT, *many)
        text = "{{ first_name }}: " + NEWS if operation == MAIL else NEWS
        return self.desk.sends(text=text, audience=EVENT)

    def counts(self, sent: str) -> object:
        return self.desk.counts(sent)

    def attempts(self, sent: str) -> int:
        """How often the copies of a notification were tried, all together."""
        copies = self.desk.api.client.get(f"/v1/notifications/{sent}/deliveries").json()["items"]
        assert isinstance(copies, list)
        return sum(copy["attempt"] for copy in copies)

    def asked(self) -> Mapping[str, int]:
        """How often AWS was called for each kind of message."""
        return {operation: len(self.aws.of(operation)) for operation in OPERATIONS}

    def metric(self, name: str, **labels: str) -> float:
        """One sample of `/metrics`, 0 where there is none."""
        shown = self.desk.api.client.with_key(None).get("/metrics").text
        wanted = f"{name}{{" + ",".join(f'{label}="{value}"' for label, value in sorted(labels.items())) + "} "
        return next((float(line.split()[-1]) for line in shown.splitlines() if line.startswith(wanted)), 0.0)

    def breaker(self, provider: str) -> float:
        return self.metric("tocsin_breaker_state", provider=provider)

    def sends(self, provider: str, outcome: str) -> float:
        return self.metric("tocsin_sends_total", provider=provider, outcome=outcome)


Build = Callable[..., Plant]


@contextmanager
def plants(home: Path, environment: pytest.MonkeyPatch) -> Iterator[Build]:
    """Builds plants on one home, whose providers are stubs."""
    with ExitStack() as stack:
        aws, twilio = stack.enter_context(aws_services()), stack.enter_context(twilio_service())
        for name, value in aws.environment().items():
            environment.setenv(name, value)
        aws.usually("DetectDominantLanguage", language_of)
        aws.usually("GetAccount", as_fast_as_they_come)

        def open_plant(**settings: object) -> Plant:
            clock = HandClock(NOON)
            store = SqliteStore(home / "items.db", clock)
            stack.callback(store.close)
            given = {"twilio_url": twilio.url, **settings}
            return Plant(sending_by_aws(home, store, clock, **given), aws, twilio)

        yield open_plant


def sending_by_aws(home: Path, store: Store, clock: HandClock, **settings: object) -> Desk:
    """An app whose messages leave by AWS, and where it is said, by Twilio; its items are in any store."""
    given = {
        "home": home,
        "rules_dir": few_rules(home),
        "rules_watch": False,
        "backend": "aws",
        "mail_from": "Tocsin <tocsin@example.com>",
        "phone_identity": "+4930900000",
        **settings,
    }
    service = Service(Settings.model_validate(given), clock, store)
    service.working_copies.sweep()
    _, key = service.keys.create("test app", list(Scope))
    return Desk(Api(service, clock, Client(InProcess(service.flask()), key)))


def language_of(request: Request) -> Answer:
    """The stub translates by writing `[de] …`."""
    text = str(request["Text"])
    return {"Languages": [{"LanguageCode": text[1:3] if text.startswith("[") else "en", "Score": 0.99}]}
