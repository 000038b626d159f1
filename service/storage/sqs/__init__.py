"""The store on DynamoDB whose due items are handed to workers through SQS."""

from service.storage.sqs.listening import PATIENCE
from service.storage.sqs.queues import QueueNames, connect, create_queues
from service.storage.sqs.store import QueuedStore

__all__ = ["PATIENCE", "QueueNames", "QueuedStore", "connect", "create_queues"]
