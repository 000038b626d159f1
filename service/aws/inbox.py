"""The intake queue and its dead letters on SQS.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from service.core import MOST_AT_ONCE, QueueMessage
from service.storage import aws_calls
from service.storage.sqs import create_with_dead_letters, whole_seconds

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import (
        DeleteMessageBatchRequestEntryTypeDef,
        MessageAttributeValueTypeDef,
        MessageTypeDef,
    )

LONGEST_WAIT = timedelta(seconds=20)
"""How long one call waits for a first letter: the most that SQS allows, so that an idle worker asks rarely."""

HIDDEN_FOR = timedelta(seconds=30)
"""How long a received letter stays out of other workers' sight: doing it takes a moment, or its worker is dead."""

MOST_RECEIVES = 1_000
"""The most that SQS counts. We refuse bad letters ourselves, with a reason; what is good may come for a day and more
while a part does not answer."""

MOST_BYTES = 1024 * 1024
"""Size of one message with its attributes."""

MOST_REASON = 1_000
"""Characters of a reason."""

_TRIES = 2
_RESERVED = 8 * 1024
"""Bytes left for the attributes."""

_UNSPEAKABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that SQS refuses."""

_PATIENT = Config(
    connect_timeout=3,
    read_timeout=LONGEST_WAIT.total_seconds() + 10,
    max_pool_connections=MOST_AT_ONCE,
    retries={"mode": "standard", "total_max_attempts": 1},
    tcp_keepalive=True,
)


def connect() -> SQSClient:
    """A client that waits as long as a poll may take, by boto3's own settings."""
    return boto3.session.Session().client("sqs", config=_PATIENT)


def dead_letters_of(queue: str) -> str:
    """The name of the queue for a queue's dead letters."""
    return f"{queue}-dead"


def create(client: SQSClient, queue: str) -> None:
    """Create the queue and its dead letters, or set what differs; harmless when everything is there."""
    create_with_dead_letters(client, queue, dead_letters_of(queue), HIDDEN_FOR, MOST_RECEIVES)


class SqsInbox:
    """The queue of a name. Constructed after fork; the client is made by the first call."""

    def __init__(self, queue: str, connect: Callable[[], SQSClient] = connect, wait: timedelta = LONGEST_WAIT) -> None:
        self._queue = queue
        self._calls = aws_calls.AwsCalls("SQS", connect, time.sleep, random.random, _TRIES)
        self._wait = wait
        self._urls: dict[str, str] = {}

    def receive(self) -> Sequence[QueueMessage]:
        """Up to 10 letters, waiting for the first."""
        url = self._url(self._queue)
        answer = self._calls(
            lambda client: client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=MOST_AT_ONCE,
                WaitTimeSeconds=whole_seconds(self._wait),
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        )
        return [_letter(message) for message in answer.get("Messages", [])]

    def delete(self, letters: Sequence[QueueMessage]) -> None:
        """Let go of up to 10 letters; one that stays comes again and finds itself done."""
        url = self._url(self._queue)
        entries: list[DeleteMessageBatchRequestEntryTypeDef] = [
            {"Id": str(place), "ReceiptHandle": letter.receipt} for place, letter in enumerate(letters)
        ]
        self._calls(lambda client: client.delete_message_batch(QueueUrl=url, Entries=entries))

    def hide(self, letter: QueueMessage, how_long: timedelta) -> None:
        """Let a letter come back after `how_long`."""
        url, seconds = self._url(self._queue), whole_seconds(how_long)
        self._calls(
            lambda client: client.change_message_visibility(
                QueueUrl=url, ReceiptHandle=letter.receipt, VisibilityTimeout=seconds
            )
        )

    def refuse(self, letter: QueueMessage, reason: str) -> None:
        """Put a letter among the dead ones, its reason and its first id as attributes, and delete it after that."""
        url = self._url(dead_letters_of(self._queue))
        about = _attributes(letter, reason)
        self._calls(
            lambda client: aws_calls.checked_whole(
                client.send_message(QueueUrl=url, MessageBody=letter.text, MessageAttributes=about), "MessageId"
            )
        )
        self.delete([letter])

    def _url(self, queue: str) -> str:
        if queue not in self._urls:
            answer = self._calls(
                lambda client: aws_calls.checked_whole(client.get_queue_url(QueueName=queue), "QueueUrl")
            )
            self._urls[queue] = answer["QueueUrl"]
        return self._urls[queue]


def _letter(message: MessageTypeDef) -> QueueMessage:
    receives = int(message.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
    return QueueMessage(message["MessageId"], message["Body"], message["ReceiptHandle"], receives)


def _attributes(letter: QueueMessage, reason: str) -> dict[str, MessageAttributeValueTypeDef]:
    """Why, and which letter it was; nothing where the letter leaves no room for it: the log has it then."""
    if len(letter.text.encode()) > MOST_BYTES - _RESERVED:
        return {}
    speakable = _UNSPEAKABLE.sub("\ufffd", reason)[:MOST_REASON]
    return {
        name: {"DataType": "String", "StringValue": text} for name, text in (("Reason", speakable), ("Id", letter.id))
    }
