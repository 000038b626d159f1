"""The EventBridge Pipe of `deploy/template.yaml`, as it is written there, from the table's stream to an incident.

The emulator runs pipes, without their filters and not into SQS: so the filter is put to its EventBridge, which knows
the same patterns, and the pipe that runs ends in a topic whose messages reach the queue as they are.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import boto3
import pytest

from service.aws import intake_table
from tests.aws import Environment
from tests.contract.conftest import dynamodb_client, sqs_client
from tests.functional.backends import embedded
from tests.functional.deploy_template import Tree, properties
from tests.functional.incident_room import SAMPLE, Room
from tests.functional.intake_queue import Intake, intake_rules
from tests.functional.test_intake import opened, records_of
from tests.unit.test_work_running import eventually

PIPE = properties("IncidentsPipe")


@pytest.fixture
def intake(tmp_path: Path, aws: Environment) -> Iterator[Intake]:
    yield from opened(embedded(tmp_path), intake_rules(tmp_path))


@dataclass(frozen=True, slots=True)
class Table:
    """An intake table of the test's own."""

    name: str

    def lives(self) -> None:
        """An item is put, changed and deleted."""
        dynamodb_client().put_item(TableName=self.name, Item=SAMPLE)
        dynamodb_client().put_item(TableName=self.name, Item={**SAMPLE, "description": {"S": "changed"}})
        dynamodb_client().delete_item(TableName=self.name, Key={intake_table.KEY: SAMPLE[intake_table.KEY]})

    @property
    def stream(self) -> str:
        return dynamodb_client().describe_table(TableName=self.name)["Table"]["LatestStreamArn"]


@pytest.fixture
def table(aws: Environment) -> Table:
    name = f"incidents-{uuid.uuid4().hex}"
    intake_table.create(dynamodb_client(), name)
    return Table(name)


def stream_parameters() -> Tree:
    return cast("Tree", cast("Tree", PIPE["SourceParameters"])["DynamoDBStreamParameters"])


def lets_through(record: Mapping[str, object]) -> bool:
    """Whether one of the pipe's filters matches: EventBridge is asked."""
    criteria = cast("Mapping[str, list[Mapping[str, str]]]", cast("Tree", PIPE["SourceParameters"])["FilterCriteria"])
    events = boto3.session.Session().client("events")
    envelope = {
        "id": "1",
        "account": "1",
        "source": "s",
        "time": "2026-05-10T09:00:00Z",
        "region": "r",
        "resources": [],
    }
    event = json.dumps({**envelope, "detail-type": "d", "detail": record}, default=datetime.timestamp)
    patterns = [json.dumps({"detail": json.loads(one["Pattern"])}) for one in criteria["Filters"]]
    return any(events.test_event_pattern(EventPattern=pattern, Event=event)["Result"] for pattern in patterns)


def test_of_what_happens_to_an_item_the_filter_lets_its_arrival_through_and_that_opens_an_incident(
    intake: Intake, table: Table
) -> None:
    table.lives()
    records = records_of(table.name, stream_parameters()["StartingPosition"])
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    delivered = [record for record in records if lets_through(record)]
    assert "TargetParameters" not in PIPE, "the record itself is the letter"
    intake.gets(*[json.dumps(record, default=datetime.timestamp) for record in delivered])
    assert [record["eventName"] for record in delivered] == ["INSERT"]
    assert Room(intake.api).read("123")["description"] == SAMPLE["description"]["S"]
    assert (intake.waiting(), intake.dead()) == (0, [])


def test_the_pipe_runs_and_what_it_writes_opens_one_incident(intake: Intake, table: Table) -> None:
    session = boto3.session.Session()
    topics, pipes = session.client("sns"), session.client("pipes")
    topic = topics.create_topic(Name=table.name)["TopicArn"]
    queue = _arn(intake.queue)
    topics.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    pipes.create_pipe(
        Name=table.name,
        RoleArn="arn:aws:iam::000000000000:role/pipe",
        Source=table.stream,
        SourceParameters=_resolved(cast("Tree", PIPE["SourceParameters"]), queue),
        Target=topic,
    )
    table.lives()
    assert eventually(lambda: intake.waiting() == 3, seconds=30), "the emulator's pipe knows no filter"
    intake.works()
    assert Room(intake.api).read("123")["description"] == SAMPLE["description"]["S"]
    assert (intake.waiting(), intake.dead()) == (0, [])
    pipes.delete_pipe(Name=table.name)


def _resolved(tree: Tree, queue: str) -> dict[str, object]:
    """The parameters with an address where the template refers to one; boto3 holds them to the service's model."""
    return {
        name: queue
        if isinstance(value, Mapping) and "GetAtt" in value
        else _resolved(value, queue)
        if isinstance(value, Mapping)
        else value
        for name, value in tree.items()
    }


def _arn(queue: str) -> str:
    url = Intake.url(queue)
    return sqs_client().get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
