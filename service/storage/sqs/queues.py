"""One queue a lane, holding ids of items and nothing else; what cannot be decoded goes to its dead-letter queue.

Limits: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

import boto3

from service.core import Lane, NotJson, exact_json
from service.storage.aws_calls import ANSWERED_WITHIN_S, CONNECTIONS, AwsCalls, checked_whole, config
from service.storage.store import MAX_KEY_BYTES

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        DeleteMessageBatchRequestEntryTypeDef,
        MessageTypeDef,
        SendMessageBatchRequestEntryTypeDef,
    )

logger = logging.getLogger(__name__)

AT_ONCE = 10
"""Messages in one call."""

POLLED_WITHIN_S = 5.0
"""How long a poll waits for its answer; it asks SQS to wait for 2 s."""

LONGEST_DELAY = timedelta(seconds=900)
"""How long SQS may hold a message back."""

HIDDEN_FOR = timedelta(seconds=30)
"""How long a received message stays hidden: claiming what it names takes a moment, or its worker is dead."""

MOST_RECEIVES = 5
"""After how many failed receives a message becomes a dead letter."""

KEPT_FOR = timedelta(days=14)

_SECOND = timedelta(seconds=1)  # a notice is sent a fraction of it early: its receiver keeps it until then


@dataclass(frozen=True, slots=True)
class QueueNames:
    """What the queues are called: the prefix and the lane, `-dead` behind it for the dead letters."""

    prefix: str = "tocsin"

    def of(self, lane: Lane) -> str:
        """The queue of a lane."""
        return f"{self.prefix}-{lane.value}"

    def dead(self, lane: Lane) -> str:
        """The queue of a lane's dead letters."""
        return f"{self.of(lane)}-dead"


@dataclass(frozen=True, slots=True)
class Notice:
    """A queue message: an item is due, or will be after `delay` (at most `LONGEST_DELAY`)."""

    item_id: str
    delay: timedelta


@dataclass(frozen=True, slots=True)
class ReceivedNotice:
    """A notice that was received: it comes back unless it is deleted."""

    item_id: str
    receipt: str


def connect(connections: int = CONNECTIONS, within: float = POLLED_WITHIN_S) -> SQSClient:
    """A client by boto3's own settings (`AWS_REGION`, `AWS_ENDPOINT_URL_SQS`, …).

    An answer is waited for `within` seconds; `connections` are kept for the threads that ask.
    """
    # A session of its own: the default one is shared by threads and not safe to make clients with.
    return boto3.session.Session().client("sqs", config=config(within, connections))


def connect_to_send(connections: int = CONNECTIONS) -> SQSClient:
    """The same for calls that wait for no message: a request must not hang for the sake of a notice."""
    return connect(connections, ANSWERED_WITHIN_S)


def create_queues(client: SQSClient, names: QueueNames | None = None) -> None:
    """Create what is missing and set what differs; harmless when everything is there."""
    names = names or QueueNames()
    for lane in Lane:
        create_with_dead_letters(client, names.of(lane), names.dead(lane), HIDDEN_FOR, MOST_RECEIVES)


def create_with_dead_letters(
    client: SQSClient, name: str, dead_name: str, hidden_for: timedelta, most_receives: int
) -> None:
    """Create a queue and the one for its dead letters, or set what differs."""
    dead = client.create_queue(QueueName=dead_name)["QueueUrl"]
    client.set_queue_attributes(QueueUrl=dead, Attributes={"MessageRetentionPeriod": _seconds(KEPT_FOR)})
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.set_queue_attributes(
        QueueUrl=client.create_queue(QueueName=name)["QueueUrl"],
        Attributes={
            "MessageRetentionPeriod": _seconds(KEPT_FOR),
            "VisibilityTimeout": _seconds(hidden_for),
            "RedrivePolicy": exact_json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": most_receives}),
        },
    )


class Queues:
    """Sends, receives and deletes notices, in as few calls as there can be."""

    def __init__(self, calls: AwsCalls[SQSClient], polls: AwsCalls[SQSClient], names: QueueNames) -> None:
        self._calls = calls
        self._polls = polls
        self._names = names
        self._urls: dict[Lane, str] = {}

    def send(self, lane: Lane, notices: Iterable[Notice]) -> int:
        """Send notices; answers how many SQS did not take."""
        left = iter(notices)
        refused = 0
        while batch := list(islice(left, AT_ONCE)):
            refused += self._send_batch(lane, [_entry(place, notice) for place, notice in enumerate(batch)])
        return refused

    def receive(self, lane: Lane, limit: int, wait: timedelta = timedelta(0)) -> Sequence[ReceivedNotice]:
        """Up to `limit` notices, at most 10, as soon as there is one; none after `wait`.

        Those that cannot be read are left to redrive.
        """
        answer = self._polls(
            lambda client: client.receive_message(
                QueueUrl=self._url(lane),
                MaxNumberOfMessages=min(AT_ONCE, limit),
                WaitTimeSeconds=whole_seconds(wait),
            )
        )
        return [read for message in answer.get("Messages", []) if (read := _read(message)) is not None]

    def delete(self, lane: Lane, messages: Sequence[ReceivedNotice]) -> None:
        """Delete up to 10 notices that were handled; one that stays is handled again, without harm."""
        entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
            {"Id": str(place), "ReceiptHandle": message.receipt} for place, message in enumerate(messages)
        ]
        if entries:
            self._calls(lambda client: client.delete_message_batch(QueueUrl=self._url(lane), Entries=entries))

    def hide(self, lane: Lane, message: ReceivedNotice, how_long: timedelta) -> None:
        """Let a notice that came too early come back later."""
        self._calls(
            lambda client: client.change_message_visibility(
                QueueUrl=self._url(lane), ReceiptHandle=message.receipt, VisibilityTimeout=whole_seconds(how_long)
            )
        )

    def ping(self) -> None:
        """Return if the queues answer."""
        name = self._names.of(Lane.INCIDENT)
        self._calls(lambda client: checked_whole(client.get_queue_url(QueueName=name), "QueueUrl"))

    def close(self) -> None:
        """Close the connections."""
        self._calls.close()
        self._polls.close()

    def _send_batch(self, lane: Lane, entries: Sequence[SendMessageBatchRequestEntryTypeDef]) -> int:
        answer = self._calls(
            lambda client: checked_whole(
                client.send_message_batch(QueueUrl=self._url(lane), Entries=entries), "Successful", "Failed"
            )
        )
        return len(answer.get("Failed", []))

    def _url(self, lane: Lane) -> str:
        if lane not in self._urls:
            name = self._names.of(lane)
            answer = self._calls(lambda client: checked_whole(client.get_queue_url(QueueName=name), "QueueUrl"))
            self._urls[lane] = answer["QueueUrl"]
        return self._urls[lane]


def whole_seconds(time: timedelta) -> int:
    """Seconds, rounded up: a notice that came back early would count as a failed receive."""
    return -(-time // _SECOND)


def _entry(place: int, notice: Notice) -> SendMessageBatchRequestEntryTypeDef:
    return {
        "Id": str(place),
        "MessageBody": exact_json.dumps({"id": notice.item_id}),
        "DelaySeconds": min(max(notice.delay, timedelta(0)), LONGEST_DELAY) // _SECOND,
    }


def _read(message: MessageTypeDef) -> ReceivedNotice | None:
    try:
        body = exact_json.loads(message["Body"])
    except NotJson:
        body = None
    match body:
        case {"id": str(item_id)} if 0 < len(item_id) <= MAX_KEY_BYTES:
            return ReceivedNotice(item_id, message["ReceiptHandle"])
    logger.error(
        "Message %s names no item: it goes to the dead-letter queue",
        message["MessageId"],
        extra={"message_id": message["MessageId"]},
    )
    return None


def _seconds(time: timedelta) -> str:
    return str(whole_seconds(time))
