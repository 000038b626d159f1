"""The store on DynamoDB: one table for items, one for the audit."""

from service.storage.dynamodb.models import connect, connect_for_many
from service.storage.dynamodb.store import DynamoStore
from service.storage.dynamodb.tables import TableNames, create_tables

__all__ = ["DynamoStore", "TableNames", "connect", "connect_for_many", "create_tables"]
