"""The store on DynamoDB whose due items are handed to workers through SQS."""

from service.storage.sqs.queues import (
    QueueNames,
    connect,
    connect_to_send,
    create_queues,
    create_with_dead_letters,
    whole_seconds,
)
from service.storage.sqs.store import QueuedStore

__all__ = [
    "QueueNames",
    "QueuedStore",
    "connect",
    "connect_to_send",
    "create_queues",
    "create_with_dead_letters",
    "whole_seconds",
]
