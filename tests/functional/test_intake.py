"""Direct intake: what other systems write to the queue is done once, and what cannot be done says why."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import boto3
import pytest

from service.aws import inbox, intake_table
from service.config import Backend
from service.core.clock import HandClock
from service.core.enums import Scope
from service.intake.poller import MOST_FAULTS
from service.rulesets.working_copies import NotPublishedYet
from service.wiring.storage import table_names
from tests.aws import Environment
from tests.contract.conftest import create_lasting_tables, dynamodb_client, sqs_client
from tests.functional.backends import Install, embedded
from tests.functional.conftest import NOON, Start, api_of
from tests.functional.incident_room import ANN, SAMPLE, Room
from tests.functional.intake_queue import Intake, intake_of, intake_rules, payload
from tests.functional.test_notifications import EVENT, JOHN, Desk

INCIDENT = payload("intake_incident")


@pytest.fixture
def intake(tmp_path: Path, aws: Environment) -> Iterator[Intake]:
    """An installation on SQLite that decides nothing."""
    yield from opened(embedded(tmp_path), intake_rules(tmp_path))


@pytest.fixture
def deciding(tmp_path: Path, aws: Environment) -> Iterator[Intake]:
    """An installation on SQLite with two rulesets."""
    yield from opened(embedded(tmp_path), intake_rules(tmp_path, "premium", "purchase"))


@pytest.fixture
def on_each_backend(install: Install, tmp_path: Path, aws: Environment) -> Intake:
    service = install(HandClock(NOON), rules_dir=intake_rules(tmp_path, "premium", "sentiment"))
    service.working_copies.sweep()
    return intake_of(api_of(service))


def opened(install: Install, rules: Path, **settings: str) -> Iterator[Intake]:
    service = install(HandClock(NOON), rules_dir=rules, **settings)
    service.working_copies.sweep()
    yield intake_of(api_of(service))
    service.store.close()


def test_a_rule_request_is_decided_and_audited_as_if_it_had_come_by_http(on_each_backend: Intake) -> None:
    on_each_backend.gets(payload("intake_evaluation"))
    entries = on_each_backend.audit(request_id="REQ-99999")
    assert [(entry["entry_type"], entry["app"]) for entry in entries] == [("request", "intake"), ("response", "intake")]
    answer = json.loads(str(entries[1]["raw_data"]))
    assert (answer["fired"], answer["result"]["policy"]["premium"]) == (["High Risk"], "360.00")
    assert (on_each_backend.waiting(), on_each_backend.dead()) == (0, [])


def test_a_notification_reaches_its_audience(on_each_backend: Intake) -> None:
    desk = Desk(on_each_backend.api)
    desk.recipients(EVENT, JOHN)
    on_each_backend.gets(payload("intake_notification"))
    desk.works(3)
    (mail,) = desk.outbox()
    assert (mail.to, "menu" in mail.text) == ("john@example.com", True)


def test_an_incident_pages_its_first_contact(on_each_backend: Intake) -> None:
    room = Room(on_each_backend.api)
    on_each_backend.gets(INCIDENT)
    room.works()
    (page,) = room.inbox(ANN)
    assert "Pump 1 failed" in page
    (incident,) = _incidents(on_each_backend)
    assert (incident["state"], incident["url"]) == ("open", "https://example.com/pumps/1")


def test_an_item_put_into_the_intake_table_opens_the_samples_incident(intake: Intake) -> None:
    intake.gets(payload("incidents_stream_insert"))
    room = Room(intake.api)
    assert room.read("123")["incident_stat"] == "not_acknowledged"
    room.works()
    room.says(ANN, "yes")
    assert room.state("123") == "acknowledged"


def test_a_record_with_a_member_too_many_still_opens_its_incident_and_says_so(intake: Intake) -> None:
    record = payload("incidents_stream_insert")
    image = record["dynamodb"]["NewImage"]  # type: ignore[index]
    image |= {"priority": {"N": "1"}, "ttl": {"N": "1778414400"}, "second_contact": {"S": "0170 1"}}
    intake.gets(record)
    room = Room(intake.api)
    room.works()
    lines = room.timeline("123")
    assert lines[:2] == [
        "Left out: priority: is not known here",
        "Left out: ttl: is not known here",
    ]
    assert lines[2].startswith("Left out for the second contact: second_contact: the phone number has no country code")
    assert len(room.inbox(ANN)) == 1


def test_a_record_that_would_page_nobody_is_refused_with_every_reason(intake: Intake) -> None:
    record = payload("incidents_stream_insert")
    image = record["dynamodb"]["NewImage"]  # type: ignore[index]
    image |= {"first_contact": {"S": "nobody"}, "second_contact": {"S": "0170 1"}}
    intake.gets(record)
    assert Room(intake.api).api.client.get("/v1/incidents/123").status == 404


def test_what_the_stream_of_the_intake_table_tells_is_what_the_pipe_delivers(intake: Intake) -> None:
    table = f"incidents-{uuid.uuid4().hex}"
    intake_table.create(dynamodb_client(), table)
    dynamodb_client().put_item(TableName=table, Item=SAMPLE)
    (record,) = records_of(table)
    intake.gets(json.dumps(record, default=datetime.timestamp))
    assert Room(intake.api).read("123")["description"] == SAMPLE["description"]["S"]


def records_of(table: str, start_at: object = "TRIM_HORIZON") -> Sequence[dict[str, object]]:
    """The records of a table's stream, as a pipe reads them."""
    streams = boto3.session.Session().client("dynamodbstreams")
    arn = dynamodb_client().describe_table(TableName=table)["Table"]["LatestStreamArn"]
    (shard,) = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType=start_at)
    records: list[dict[str, object]] = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    return records


@pytest.mark.parametrize("change", ["MODIFY", "REMOVE"])
def test_what_is_done_to_an_item_later_asks_for_nothing(intake: Intake, change: str) -> None:
    intake.gets(payload("incidents_stream_insert") | {"eventName": change})
    assert (_incidents(intake), intake.waiting(), intake.dead()) == ([], 0, [])


def test_an_event_is_decided_by_the_ruleset_that_it_is_mapped_to(deciding: Intake) -> None:
    deciding.gets(payload("purchase_requested"))
    entries = deciding.audit(request_id="6a7e8feb-b491-4cf7-a9f1-bf3703467718")
    asked, answered = (json.loads(str(entry["raw_data"])) for entry in entries)
    assert asked["request"]["purchase"] == {"id": "P-4711", "amount": 62000.5, "currency": "EUR"}
    assert answered["fired"] == ["Director decides at once"]
    room = Room(deciding.api)
    room.works()
    assert "P-4711 for 62000.50 EUR" in room.inbox(ANN)[0]


def test_an_event_opens_the_incident_that_it_is_mapped_to(intake: Intake) -> None:
    profile = {"first_name": "Ann", "phone": ANN, "language": "en", "preference": "sms"}
    assert intake.api.client.call("PUT", "/v1/recipients/on-call", json=profile).status in (200, 201)
    intake.gets(payload("cloudwatch_alarm"))
    (incident,) = _incidents(intake)
    said = "CloudWatch alarm ServerCpuTooHigh is ALARM in us-east-1 (account 123456789012)."
    assert incident["description"] == said


def test_an_event_without_a_mapping_is_refused_and_says_so(intake: Intake) -> None:
    intake.gets(payload("cloudwatch_alarm") | {"source": "aws.health"})
    (reason,) = intake.reasons()
    assert "'aws.health'" in reason
    assert "rules/events.yaml" in reason


BAD: Sequence[tuple[dict[str, object] | str, str]] = [
    ("not json", "not JSON"),
    ("[1]", "no JSON object"),
    ('{"a": 1, "a": 2}', "twice"),
    ("{}", "evaluation with the name of its ruleset"),
    ({"incident": {}, "notification": {}}, "one of notification, incident"),
    ({"incidnet": {}}, 'did you mean "incident"'),
    ({"evaluation": {"request": {}}}, "evaluation with the name of its ruleset"),
    ({"ruleset": "premium", "evaluation": {"request": {"driver": {"age": "old"}}}}, "driver.age"),
    ({"ruleset": "premum", "evaluation": {"request": {}}}, "premium"),
    ({"incident": {"description": "x", "contacts": [{"phone": "12"}]}}, "contacts[0].phone"),
    ({"notification": {"text": "x", "audience": "nobody"}}, "audience"),
    ({"notification": {"text": "\u200b", "audience": "staff"}}, "says nothing"),
    ({"incident": {"description": "\u200b", "contacts": [{"phone": "+447700900123"}]}}, "Says nothing"),
    ({"id": "two words", "incident": {}}, "id"),
    ({"x": "y" * 300_000}, "262,144 bytes"),
]


def test_what_cannot_be_done_goes_to_the_dead_letters_with_the_reason(deciding: Intake) -> None:
    for letter, reason in BAD:
        deciding.gets(letter)
        (dead,) = deciding.buries()
        assert reason in str(dead.reason)
        assert dead.text == (letter if isinstance(letter, str) else json.dumps(letter))
    assert deciding.waiting() == 0


def test_one_bad_letter_hinders_no_other(intake: Intake) -> None:
    good = [{**INCIDENT, "id": f"pump-{number}"} for number in range(11)]
    intake.gets(*good[:5], "not json", *good[5:])
    assert (len(_incidents(intake)), len(intake.dead()), intake.waiting()) == (11, 1, 0)


def test_a_letter_that_comes_twice_is_done_once(deciding: Intake) -> None:
    for letter in ({**INCIDENT, "id": "pump-1"}, payload("intake_evaluation")):
        deciding.gets(letter, letter)  # at the same moment
    entries = deciding.audit(request_id="REQ-99999")
    assert [entry["entry_type"] for entry in entries].count("response") == 1
    deciding.gets({**INCIDENT, "id": "pump-1"}, payload("intake_evaluation"))
    assert deciding.audit(request_id="REQ-99999") == entries
    assert len(_incidents(deciding)) == 1
    assert (deciding.waiting(), deciding.dead()) == (0, [])


def test_letters_without_an_id_of_their_own_are_told_apart_by_the_queues(intake: Intake) -> None:
    intake.gets(INCIDENT, INCIDENT)
    assert len(_incidents(intake)) == 2


def test_an_id_that_comes_again_with_other_content_is_refused(intake: Intake) -> None:
    intake.gets({**INCIDENT, "id": "pump-1"})
    intake.gets({"id": "pump-1", "incident": {**_body(INCIDENT), "description": "Pump 2 failed"}})
    (reason,) = intake.reasons()
    assert "other content" in reason
    assert [opened["description"] for opened in _incidents(intake)] == ["Pump 1 failed"]


def test_an_id_is_free_again_after_a_refusal(intake: Intake) -> None:
    intake.gets({"id": "pump-1", "incident": {"description": "Pump 1 failed"}})
    intake.gets({**INCIDENT, "id": "pump-1"})
    assert (len(_incidents(intake)), len(intake.dead())) == (1, 1)


@pytest.fixture
def shop(tmp_path: Path, aws: Environment) -> Iterator[Intake]:
    rules = intake_rules(tmp_path, "premium")
    yield from opened(embedded(tmp_path), rules, intake_app="shop", intake_scopes="evaluate, notify")


def test_the_queue_may_ask_only_for_what_its_app_may(shop: Intake) -> None:
    shop.gets(INCIDENT, payload("intake_evaluation"))
    (reason,) = shop.reasons()
    assert "TOCSIN_INTAKE_SCOPES" in reason
    assert {entry["app"] for entry in shop.audit(request_id="REQ-99999")} == {"shop"}


def test_letters_wait_while_a_part_does_not_answer_and_are_done_when_it_does(
    on_each_backend: Intake,
) -> None:
    intake = on_each_backend
    intake.works()
    with _database_gone(intake):
        intake.gets(INCIDENT)
        assert (intake.waiting(), intake.dead()) == (1, [])
    intake.works_until_empty()
    caller = intake.api.client_with(*Scope)  # keys were in the database too
    assert "Pump 1 failed" in caller.get("/v1/incidents").text
    assert intake.dead() == []


def test_a_letter_that_came_often_is_not_given_up_while_a_part_does_not_answer(intake: Intake) -> None:
    intake.works()
    intake.puts(INCIDENT)
    for _ in range(MOST_FAULTS + 1):
        assert sqs_client().receive_message(QueueUrl=Intake.url(intake.queue))["Messages"]
    with _database_gone(intake):
        intake.works()
    assert (intake.waiting(), intake.dead()) == (1, [])


def test_the_watcher_of_rule_files_lets_the_mappings_of_events_alone(deciding: Intake) -> None:
    copies = deciding.api.service.working_copies
    for _ in range(3):
        copies.sweep()
    assert {seen.file for seen in copies.seen()} == {"premium.yaml", "purchase.yaml"}


def test_letters_wait_until_the_rule_files_are_published_at_the_first_start(tmp_path: Path, aws: Environment) -> None:
    service = embedded(tmp_path)(HandClock(NOON), rules_dir=intake_rules(tmp_path, "premium"))
    intake = intake_of(api_of(service))
    intake.puts(payload("intake_evaluation"))
    with pytest.raises(NotPublishedYet, match=r"premium\.yaml"):
        intake.works()
    service.working_copies.publish_unknown()
    intake.works()
    assert (intake.waiting(), intake.dead()) == (0, [])
    service.store.close()


def test_events_wait_while_their_mappings_cannot_be_used(tmp_path: Path, aws: Environment) -> None:
    rules = intake_rules(tmp_path, "purchase")
    mappings = (rules / "events.yaml").read_text()
    (rules / "events.yaml").write_text(mappings.replace("events:", "evnets:"))
    for intake in opened(embedded(tmp_path), rules):
        intake.gets(payload("purchase_requested"), INCIDENT)
        assert (len(_incidents(intake)), intake.waiting(), intake.dead()) == (1, 1, [])
        (rules / "events.yaml").write_text(mappings)
        intake.works_until_empty()
        assert len(intake.audit(request_id="6a7e8feb-b491-4cf7-a9f1-bf3703467718")) == 2


def test_a_running_installation_takes_letters_in_and_ends_although_it_waits_at_the_queue(
    start: Start, aws: Environment
) -> None:
    queue = f"letters-{uuid.uuid4().hex}"
    inbox.create(sqs_client(), queue)
    server = start(INTAKE_QUEUE=queue)
    sqs_client().send_message(QueueUrl=Intake.url(queue), MessageBody=json.dumps(payload("intake_evaluation")))
    until = time.monotonic() + 60
    entries: list[dict[str, object]] = []
    while len(entries) < 2 and time.monotonic() < until:
        items = server.client.get("/v1/audit?request_id=REQ-99999").json()["items"]
        assert isinstance(items, list)
        entries = items
    assert [(entry["entry_type"], entry["app"]) for entry in entries] == [("request", "intake"), ("response", "intake")]
    server.process.terminate()
    assert server.process.wait(12) == 0


@contextmanager
def _database_gone(intake: Intake) -> Iterator[None]:
    """The store does not answer until the block ends."""
    settings = intake.api.service.settings
    if settings.backend is Backend.AWS:
        names = table_names(settings)
        dynamodb_client().delete_table(TableName=names.items)
        yield
        create_lasting_tables(names)
        return
    intake.api.service.store.close()
    settings.database.rename(settings.home / "away")
    settings.database.mkdir()
    yield
    settings.database.rmdir()
    (settings.home / "away").rename(settings.database)


def _incidents(intake: Intake) -> list[dict[str, object]]:
    items = intake.api.client.get("/v1/incidents?limit=100").json()["items"]
    assert isinstance(items, list)
    return items


def _body(letter: dict[str, object]) -> dict[str, object]:
    body = letter["incident"]
    assert isinstance(body, dict)
    return body
