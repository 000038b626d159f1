"""The store on DynamoDB: one table for items, one for the audit."""

from service.storage.dynamodb.models import connect
from service.storage.dynamodb.store import DynamoStore
from service.storage.dynamodb.tables import TableNames, create_tables

__all__ = ["DynamoStore", "TableNames", "connect", "create_tables"]
