"""Events on an EventBridge bus, against a stub that holds every request to botocore's own service model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

import boto3
import pytest

from service.aws.clients import Clients
from service.aws.events import EventBridge
from service.core import exact_json
from service.work import Permanent, RetryLater
from tests.aws_services import AwsServices, Error, Garbage, Silence, aws_services


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsServices]:
    with aws_services() as services:
        for name, value in services.environment().items():
            monkeypatch.setenv(name, value)
        yield services


@pytest.fixture
def bus(aws: AwsServices) -> EventBridge:
    return EventBridge(Clients(boto3.Session()), "rules")


def test_an_event_carries_its_id_so_that_receivers_can_drop_repetitions(aws: AwsServices, bus: EventBridge) -> None:
    bus.emit("evaluation-1-o0", "high-risk", {"ruleset": "premium", "rule": "High Risk"})
    (request,) = aws.of("PutEvents")
    (entry,) = cast("list[Mapping[str, str]]", request["Entries"])
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == ("tocsin", "high-risk", "rules")
    detail = exact_json.loads(entry["Detail"])
    assert detail == {"ruleset": "premium", "rule": "High Risk", "id": "evaluation-1-o0"}


def refused(code: str) -> Mapping[str, object]:
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}


@pytest.mark.parametrize(
    "answer",
    [
        Error("ThrottlingException"),
        Error("InternalException", 500),
        Error("ExpiredTokenException", 403),
        Silence(),
        Garbage(),
        {"Entries": []},
        refused("ThrottlingException"),
        refused("InternalFailure"),
    ],
)
def test_what_may_pass_is_left_to_the_lane_and_never_repeated_inside(
    aws: AwsServices, bus: EventBridge, answer: Error | Silence | Garbage | Mapping[str, object]
) -> None:
    aws.script("PutEvents", answer)
    with pytest.raises(RetryLater):
        bus.emit("e-1", "high-risk", {})
    assert len(aws.of("PutEvents")) == 1


@pytest.mark.parametrize("answer", [Error("ResourceNotFoundException"), refused("NotAuthorizedForSource")])
def test_what_an_operator_must_mend_says_where(
    aws: AwsServices, bus: EventBridge, answer: Error | Mapping[str, object]
) -> None:
    aws.script("PutEvents", answer)
    with pytest.raises(Permanent, match="TOCSIN_EVENT_BUS"):
        bus.emit("e-1", "high-risk", {})
