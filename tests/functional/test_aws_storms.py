"""A bad day at AWS: everything that DynamoDB and SQS can do wrong, at random, while an installation works.

Throttles, conflicts, 500s, broken connections, calls that are carried out and never answered, silence, and answers
that end in the middle. Nothing is lost, nothing leaves twice that may not (docs/adr/0005), and the metrics show it.
"""

from __future__ import annotations

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from service.config import Settings
from service.core.clock import HandClock
from service.core.enums import Lane
from service.inbound.twilio.signature import callback_address, signature
from service.storage import Store
from service.storage.dynamodb import DynamoStore, TableNames, connect, create_tables
from service.storage.sqs import create_queues
from service.wiring.storage import queue_names, table_names
from service.work import all_dead_items
from service.work.breaker import FIRST_REST, TRIP_AFTER
from tests.aws import Environment
from tests.aws_services import AwsServices, Error, as_fast_as_they_come, aws_services
from tests.contract.conftest import dynamodb_client, fresh_tables, sqs_client
from tests.functional.client import ROOT, Reply, Running, running
from tests.functional.conftest import NOON
from tests.functional.few_rules import few_rules
from tests.functional.plant import DOWN, SMS, Plant, language_of, sending_by_aws
from tests.functional.test_notifications import ANNOUNCEMENT
from tests.microburst import Microburst, Rule, microburst, through
from tests.twilio_service import ACCOUNT, NUMBER, TOKEN, TwilioError, TwilioService, twilio_service

SEED = 5
TIMES = 3 if "TOCSIN_TEST_LONG" in os.environ else 1
"""How many times the work of the short test the long one does."""

PUBLIC = "https://tocsin.example.com"
EVALUATIONS, MAILS, TEXTS, INCIDENTS = 30 * TIMES, 100 * TIMES, 100 * TIMES, 8 * TIMES
CONFLICT = {"CancellationReasons": [{"Code": "TransactionConflict", "Message": "another transaction is under way"}]}
THROTTLED, FAILED = "ProvisionedThroughputExceededException", "InternalServerError"
CANCELLED = "TransactionCanceledException"


def falls(service: str, probability: float, **fault: object) -> Rule:
    return {"service": service, "probability": probability, **fault}


STORM: Sequence[Rule] = (
    falls("dynamodb", 0.03, error={"code": THROTTLED}),
    falls("dynamodb", 0.02, error={"code": FAILED, "status": 500}),
    falls("dynamodb", 0.15, operation="TransactWriteItems", error={"code": CANCELLED, "fields": CONFLICT}),
    falls("dynamodb", 0.02, reset=True),
    falls("dynamodb", 0.03, response={"truncate_frac": 0.5}),
    falls("dynamodb", 0.03, response={"abort_bytes": 1}),  # carried out, and the answer breaks off
    falls("dynamodb", 0.0, timeout_ms=6000),  # longer than we wait
    falls("sqs", 0.03, error={"code": "RequestThrottled"}),
    falls("sqs", 0.03, error={"code": "OverLimit"}),
    falls("sqs", 0.02, error={"code": "ServiceUnavailable", "status": 503}),
    falls("sqs", 0.02, reset=True),
    falls("sqs", 0.02, response={"truncate_frac": 0.5}),
    falls("sqs", 0.02, response={"abort_bytes": 1}),
)
SOON: Sequence[Rule] = [{**rule, "probability": 0.2, "times": 1} for rule in STORM]
"""Each kind falls once within some dozen calls, whatever chance makes of the rest, and not all of them on one call."""

GUST = falls("dynamodb", 1.0, resource=TableNames().audit, error={"code": THROTTLED}, times=20)
"""The audit takes no entry, for longer than any call is tried: some requests are answered 503."""


SES_REFUSES = (Error("TooManyRequestsException", 429),)
TWILIO_REFUSES = (TwilioError(503, 20503),)
"""What becomes of the first calls of the providers."""


@dataclass(frozen=True, slots=True)
class Town:
    """A running installation in the storm, the providers behind it, and people who write back."""

    server: Running
    burst: Microburst
    store: Store
    ses: AwsServices
    twilio: TwilioService

    def asks(self, method: str, path: str, body: object = None, key: str | None = None) -> Reply:
        """As a good client: the same request again, with the same key, for as long as the answer says to ask again.

        That is a 503, or a 409 where the store could not yet forget a request that it answered with one.
        """
        headers = {} if key is None else {"Idempotency-Key": key}
        for _ in range(40):
            reply = self.server.client.call(method, path, json=body, headers=headers)
            if reply.status not in (409, 503):
                return reply
            wait = int(reply.headers["Retry-After"])
            time.sleep(wait if reply.status == 409 else 0)
        raise AssertionError(f"{path} was never answered")

    def reads(self, path: str) -> dict[str, object]:
        return self.asks("GET", path).json()

    def evaluates(self, number: int) -> str:
        facts = {
            "driver": {"age": "18", "name": "Brian"},
            "car": {"style": "SPORTS", "color": "RED"},
            "policy": {"id": str(number), "premium": "300"},
        }
        body = {"context": {"request_id": f"R-{number}"}, "request": facts}
        return self.asks("POST", "/v1/rulesets/premium/evaluations", body, f"evaluation-{number}").text

    def announces(self) -> str:
        people = [
            {"user_id": f"m{n}", "preference": "email", "email": f"m{n}@example.com", "language": "en"}
            for n in range(MAILS)
        ] + [{"user_id": f"t{n}", "preference": "sms", "phone": reader(n), "language": "en"} for n in range(TEXTS)]
        for first in range(0, len(people), 100):
            stored = self.asks("POST", "/v1/audiences/all/recipients", {"recipients": people[first : first + 100]})
            assert stored.status < 300, stored.text
        body = {"text": ANNOUNCEMENT, "audience": "all"}
        return str(self.asks("POST", "/v1/notifications", body, "announcement").json()["notification_id"])

    def opens(self, number: int) -> str:
        answer = self.asks("POST", "/v1/incidents", incident(number), f"incident-{number}")
        return str(answer.json()["incident_id"])

    def pages(self, number: int) -> int:
        """How often the person on duty was paged for an incident."""
        return sum(f"Pump {number:02d} failed" in text for text in self.texts(phone(number)))

    def texts(self, to: str) -> list[str]:
        """What Twilio took for a phone."""
        return [form["Body"] for form in self.twilio.of("Messages")[len(TWILIO_REFUSES) :] if form["To"] == to]

    def answers_yes(self, number: int) -> None:
        """The person on duty writes back; whoever carries it tries until it is taken."""
        sid = f"SM{number:032x}"
        fields = {"AccountSid": ACCOUNT, "MessageSid": sid, "From": phone(number), "To": NUMBER, "Body": "yes"}
        signed = signature(TOKEN, callback_address(PUBLIC), tuple(fields.items()))
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
        for _ in range(40):
            reply = self.server.client.call("POST", "/v1/inbound/twilio", body=urlencode(fields), headers=headers)
            if reply.status == 200:
                return
        raise AssertionError("the answer was never taken")

    def mails(self) -> Counter[str]:
        """How often SES took a mail for each address."""
        entries = [entry for request in self.ses.of("SendBulkEmail")[len(SES_REFUSES) :] for entry in _entries(request)]
        return Counter(str(to) for one in (*entries, *self.ses.of("SendEmail")) for to in _addresses(one))

    def failed_tries(self, service: str, error: str) -> int:
        shown = self.server.client.with_key(None).get("/metrics").text
        line = f'tocsin_aws_failed_tries_total{{error="{error}",reason="",resource="",service="{service}"}} '
        return sum(round(float(one.split()[-1])) for one in shown.splitlines() if one.startswith(line))

    def dead_letters(self) -> int:
        prefix = self.server.settings["TOCSIN_AWS_PREFIX"]
        urls = [sqs_client().get_queue_url(QueueName=f"{prefix}tocsin-{lane}-dead")["QueueUrl"] for lane in Lane]
        counts = [sqs_client().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"] for url in urls]
        return sum(int(count["ApproximateNumberOfMessages"]) for count in counts)


def incident(number: int) -> Mapping[str, object]:
    ann = {"name": "Ann", "phone": phone(number), "language": "en"}
    return {"incident_id": f"pump-{number}", "description": f"Pump {number:02d} failed", "contacts": [ann]}


def phone(number: int) -> str:
    """Of the person on duty for an incident."""
    return f"+49160123{number:05d}"


def reader(number: int) -> str:
    """The phone of somebody who is told of the announcement."""
    return f"+49151234{number:05d}"


def _entries(request: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    entries = request["BulkEmailEntries"]
    assert isinstance(entries, list)
    return entries


def _addresses(mail: Mapping[str, object]) -> Sequence[object]:
    match mail:
        case {"Destination": {"ToAddresses": list(found)}}:
            return found
    raise AssertionError(mail)


def until(holds: Callable[[], bool], what: str, seconds: float = 90) -> None:
    """Wait in real time, as the processes under test work in it."""
    ends = time.monotonic() + seconds * TIMES
    while not holds():
        assert time.monotonic() < ends, f"not within {seconds * TIMES} s: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def burst(aws_server: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Microburst]:
    with microburst(aws_server, tmp_path_factory.mktemp("microburst"), SEED) as started:
        yield started


@pytest.fixture(scope="module")
def town(aws_server: Environment, burst: Microburst, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("town")
    rules = few_rules(home)
    (rules / "premium.yaml").write_text((ROOT / "rules" / "premium.yaml").read_text())
    with ExitStack() as stack:
        ses, twilio = stack.enter_context(aws_services()), stack.enter_context(twilio_service())
        ses.usually("GetAccount", as_fast_as_they_come)
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        _set(patched, aws_server)
        settings = {
            "BACKEND": "aws",
            "AWS_PREFIX": f"{uuid.uuid4().hex}-",
            "RULES_DIR": str(rules),
            "MAIL_FROM": "Tocsin <tocsin@example.com>",
            "PUBLIC_URL": PUBLIC,
            "TWILIO_ACCOUNT": ACCOUNT,
            "TWILIO_TOKENS": TOKEN,
            "TWILIO_IDENTITY": NUMBER,
            "TWILIO_URL": twilio.url,
            "PROVIDERS": "twilio-sms=1,twilio-voice=1",
            "WORKERS": "1",
        }
        here = Settings.model_validate({"backend": "aws", "aws_prefix": settings["AWS_PREFIX"]})
        create_tables(dynamodb_client(), table_names(here))
        create_queues(sqs_client(), queue_names(here))
        _set(patched, ses.environment() | dict(through(burst, aws_server)))
        store = DynamoStore(dynamodb_client, table_names(here))
        yield Town(stack.enter_context(running(home, **settings)), burst, store, ses, twilio)
        burst.calms_down()


def _set(environment: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, text in variables.items():
        environment.setenv(name, text)


def test_in_a_storm_nothing_is_lost_and_nothing_leaves_twice(town: Town) -> None:
    town.burst.storms(*SOON, *STORM)
    town.ses.script("SendBulkEmail", *SES_REFUSES)
    town.twilio.script(*TWILIO_REFUSES)
    with ThreadPoolExecutor(4) as apps:
        sent = apps.submit(town.announces)
        incidents = [apps.submit(town.opens, number) for number in range(INCIDENTS)]
        decided = list(apps.map(town.evaluates, range(EVALUATIONS // 2)))
        town.burst.gusts(GUST)
        decided += apps.map(town.evaluates, range(EVALUATIONS // 2, EVALUATIONS))
        until(lambda: all(map(town.pages, range(INCIDENTS))), "every incident is paged for")
        list(apps.map(town.answers_yes, range(INCIDENTS)))
    notification = f"/v1/notifications/{sent.result()}"
    until(lambda: str(town.reads(notification)["status"]).startswith("completed"), "the notification is completed")
    opened = [f"/v1/incidents/{incident.result()}" for incident in incidents]
    until(lambda: {town.reads(one)["state"] for one in opened} == {"acknowledged"}, "everybody acknowledged")
    town.burst.calms_down()

    assert [answer for answer in decided if '"360.00"' not in answer] == []
    assert [responses(town, number) for number in range(EVALUATIONS)] == [1] * EVALUATIONS
    assert town.mails() == Counter({f"m{n}@example.com": 1 for n in range(MAILS)})
    assert [len(town.texts(reader(n))) for n in range(TEXTS)] == [1] * TEXTS
    for texts in (town.texts(phone(number)) for number in range(INCIDENTS)):  # a page, perhaps a reminder, an answer
        assert sorted(set(texts)) == sorted(texts)
    assert list(all_dead_items(town.store)) == []
    assert town.dead_letters() == 0
    assert "Traceback" not in town.server.log(), "no process ended of it"
    assert "fault of the program" not in town.server.log()
    blew(town)


def responses(town: Town, number: int) -> int:
    """How often an evaluation was decided and written down as decided."""
    entries = town.reads(f"/v1/audit?request_id=R-{number}")["items"]
    assert isinstance(entries, list)
    return sum(entry["entry_type"] == "response" for entry in entries)


def blew(town: Town) -> None:
    """It was a storm indeed, of faults of every kind, and the metrics count those that name themselves one by one."""
    fired = town.burst.fired()
    print(f"\n{fired.total()} faults fell: {dict(sorted(fired.items()))}")  # noqa: T201  (figures for whoever asks)
    assert len(fired) == len(STORM)
    assert fired.total() > 60 * TIMES
    for error in (THROTTLED, FAILED, CANCELLED):
        assert town.failed_tries("DynamoDB", error) == fired["dynamodb", f"error:{error}"], error


def test_credentials_that_expire_stop_everything_at_once_and_lose_nothing_and_new_ones_are_enough(town: Town) -> None:
    town.burst.storms(falls("*", 1.0, error={"code": "ExpiredTokenException"}))
    refused = town.server.client.post("/v1/incidents", incident(90))
    until(lambda: len(town.burst.fired()) == 2, "the worker has met it too, at SQS")
    assert refused.status == 503
    assert "Retry-After" in refused.headers
    assert town.burst.fired()["dynamodb", "error:ExpiredTokenException"] < 50, "it is not tried again and again"
    town.burst.calms_down()
    town.opens(90)
    until(lambda: town.pages(90) == 1, "the worker works again")


def works(plant: Plant, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
    """Let the worker do what comes due within these seconds of its clock, or until it is enough."""
    worker = plant.desk.api.service.worker()
    ends = plant.desk.api.clock.now() + timedelta(seconds=seconds)
    while plant.desk.api.clock.now() < ends and not enough():
        worker.run_due()
        plant.desk.api.clock.advance(timedelta(seconds=2))
    worker.close()


def test_in_a_storm_a_breaker_opens_spares_its_provider_and_closes(
    aws: Environment, burst: Microburst, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _set(monkeypatch, through(burst, aws))
    client, clock = connect(), HandClock(NOON)
    store = DynamoStore(lambda: client, fresh_tables(), clock, pause=lambda _: None)
    with aws_services() as services:
        services.usually("DetectDominantLanguage", language_of)
        services.usually("GetAccount", as_fast_as_they_come)
        _set(monkeypatch, services.environment())
        plant = Plant(sending_by_aws(tmp_path, store, clock, providers="aws-sms=1"), services, TwilioService())
        services.usually(SMS, lambda _: DOWN)
        burst.storms(*(rule for rule in STORM if rule["service"] == "dynamodb" and "timeout_ms" not in rule))
        sent = plant.to_many(SMS, 10)
        works(plant, 30, enough=lambda: plant.breaker("aws-sms") == 2)
        assert plant.asked()[SMS] == TRIP_AFTER
        works(plant, FIRST_REST.total_seconds() - 6)
        assert plant.asked()[SMS] == TRIP_AFTER, "nothing while it is left alone"
        services.usually(SMS, lambda _: {"MessageId": "m"})
        works(plant, 120, enough=lambda: plant.counts(sent) == {"accepted": 10})
        burst.calms_down()
        assert plant.breaker("aws-sms") == 0
        reached = [str(one["DestinationPhoneNumber"]) for one in services.of(SMS)[TRIP_AFTER:]]
        assert sorted(reached) == [f"+49151234567{place:02d}" for place in range(10)]
    assert burst.fired().total() > 20
    store.close()
