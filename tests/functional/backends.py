# ruff: noqa: N803  (boto3 spells its arguments like this)
"""Where an installation under test keeps its items: a SQLite file, or DynamoDB and SQS on loopback."""

from __future__ import annotations

import heapq
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from service.config import Settings
from service.core.clock import Clock
from service.core.enums import Lane
from service.storage import Item
from service.storage.dynamodb import TableNames
from service.storage.sqs import QueuedStore, QueueNames, create_queues
from service.wiring.app import Service
from service.wiring.storage import queue_names, table_names
from tests.contract.conftest import create_lasting_tables, dynamodb_client, sqs_client

if TYPE_CHECKING:
    from botocore.client import ClientMeta
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        DeleteMessageBatchRequestEntryTypeDef,
        ReceiveMessageResultTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

CHORES_EVERY = timedelta(seconds=5)
"""How often a worker does the store's upkeep."""


class Backend(StrEnum):
    """What the functional tests run on, unchanged."""

    EMBEDDED = "embedded"
    AWS = "aws"


Install = Callable[..., Service]
"""`install(clock, **settings)`: the parts of another process of one and the same installation."""


def embedded(home: Path) -> Install:
    """Installs on a SQLite file."""
    return lambda clock, **settings: Service(_settings({"home": home} | settings), clock)


def on_aws(home: Path, environment: pytest.MonkeyPatch) -> Install:
    """Installs on tables and queues of its own; language and channels stay on this machine.

    What the settings say stands in the environment too, for commands that a test runs.
    """
    made: list[HandTimedQueues] = []
    here = {
        "backend": "aws",
        "aws_prefix": uuid.uuid4().hex,
        "language_services": "embedded",
        "outbox_channels": "email,sms,voice",
    }
    for name, text in here.items():
        environment.setenv(f"TOCSIN_{name.upper()}", text)
    tables, queues = table_names(_settings(here)), queue_names(_settings(here))
    create_lasting_tables(tables)
    create_queues(sqs_client(), queues)

    def install(clock: Clock, **settings: object) -> Service:
        if not made:
            made.append(HandTimedQueues(sqs_client(), clock))
        store = KeptUp(made[0], tables, queues, clock)
        return Service(_settings({"home": home} | here | settings), clock, store)

    return install


def _settings(given: Mapping[str, object]) -> Settings:
    return Settings.model_validate({"rules_watch": False, **given})


class KeptUp(QueuedStore):
    """The store of a worker that does its periodic tasks: upkeep comes before a claim, when it is time for it."""

    def __init__(self, sqs: HandTimedQueues, tables: TableNames, queues: QueueNames, clock: Clock) -> None:
        super().__init__(dynamodb_client, lambda: cast("SQSClient", sqs), tables, queues, clock)
        self._upkeep_at: datetime | None = None

    def claim(self, lane: Lane, now: datetime, lease: timedelta, limit: int) -> Sequence[Item]:
        if self._upkeep_at is None or now >= self._upkeep_at:
            self._upkeep_at = now + CHORES_EVERY
            self.upkeep(now)
        return super().claim(lane, now, lease, limit)


@dataclass(eq=False)
class HandTimedQueues:
    """SQS by the test's clock: what is to be delayed is held here until then, and sent to the real queue at once.

    The service's delays are seconds of its clock, and a queue counts real ones.
    """

    sqs: SQSClient
    clock: Clock
    held: list[tuple[datetime, int, str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def meta(self) -> ClientMeta:
        """The real client's, whose answers the store listens to."""
        return self.sqs.meta

    def get_queue_url(self, *, QueueName: str) -> object:
        return self.sqs.get_queue_url(QueueName=QueueName)

    def send_message_batch(
        self,
        *,
        QueueUrl: str,
        Entries: Sequence[SendMessageBatchRequestEntryTypeDef],
    ) -> object:
        for entry in Entries:
            self._hold(QueueUrl, entry["MessageBody"], entry.get("DelaySeconds", 0))
        self._let_go()
        return {"Successful": [], "Failed": []}

    def receive_message(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: int,
    ) -> ReceiveMessageResultTypeDef:
        self._let_go()
        return self.sqs.receive_message(
            QueueUrl=QueueUrl, MaxNumberOfMessages=MaxNumberOfMessages, WaitTimeSeconds=WaitTimeSeconds
        )

    def delete_message_batch(
        self,
        *,
        QueueUrl: str,
        Entries: Sequence[DeleteMessageBatchRequestEntryTypeDef],
    ) -> object:
        return self.sqs.delete_message_batch(QueueUrl=QueueUrl, Entries=Entries)

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> object:
        return self.sqs.change_message_visibility(
            QueueUrl=QueueUrl, ReceiptHandle=ReceiptHandle, VisibilityTimeout=VisibilityTimeout
        )

    def close(self) -> None:
        """The client is every test's."""

    def _hold(self, url: str, body: str, seconds: int) -> None:
        with self.lock:
            heapq.heappush(self.held, (self.clock.now() + timedelta(seconds=seconds), len(self.held), url, body))

    def _let_go(self) -> None:
        """Send what is due. Under the lock: whoever looks into a queue next must find what others have sent."""
        now = self.clock.now()
        with self.lock:
            while self.held and self.held[0][0] <= now:
                _, _, url, body = heapq.heappop(self.held)
                self.sqs.send_message(QueueUrl=url, MessageBody=body)
