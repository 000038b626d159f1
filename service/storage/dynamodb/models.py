"""A DynamoDB client that leaves rows as they are: what we give and take is what DynamoDB's JSON looks like anyway.

botocore walks through every attribute of every row by its service model, on the way out and back, to turn into base64
what is binary. We store nothing binary, and the walk took three quarters of the time of a commit of 50 rows. A shape
that the model calls a *document* is passed on as it is; so the rows are called documents.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, cast

import boto3
from botocore.loaders import Loader
from botocore.session import Session, get_session
from typing_extensions import override

from service.storage.aws_calls import ANSWERED_WITHIN_S, COMMITTED_WITHIN_S, CONNECTIONS, config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    Shapes = dict[str, dict[str, object]]

DOCUMENTS = (
    "AttributeValue",
    "KeysAndAttributes",
    "TransactWriteItem",
    "BatchGetItemOutput",
    "GetItemOutput",
    "PutItemOutput",
    "QueryOutput",
    "UpdateItemOutput",
)
"""Shapes that hold only text, numbers and truth values, as long as no attribute is binary."""


class RowsAsTheyAre(Loader):
    """Loads botocore's service models; rows of DynamoDB's are documents."""

    @override
    def load_service_model(
        self, service_name: str, type_name: str, api_version: str | None = None
    ) -> Mapping[str, object]:
        model = cast("Mapping[str, object]", super().load_service_model(service_name, type_name, api_version))
        return _with_documents(model) if (service_name, type_name) == ("dynamodb", "service-2") else model


def connect(connections: int = CONNECTIONS, within: float = ANSWERED_WITHIN_S) -> DynamoDBClient:
    """A client by boto3's own settings (`AWS_REGION`, `AWS_ENDPOINT_URL_DYNAMODB`, …); attributes are never binary.

    An answer is waited for `within` seconds; `connections` are kept for the threads that ask.
    """
    # A session of its own: the default one is shared by threads and not safe to make clients with.
    session = get_session()
    session.register_component("data_loader", RowsAsTheyAre(_paths(session)))
    return boto3.session.Session(botocore_session=session).client("dynamodb", config=config(within, connections))


def connect_for_many(connections: int = CONNECTIONS) -> DynamoDBClient:
    """The same for transactions and batches, whose answers take longer."""
    return connect(connections, COMMITTED_WITHIN_S)


def _paths(session: Session) -> list[str]:
    """Where else models are looked for: AWS_DATA_PATH."""
    paths = str(session.get_config_variable("data_path") or "")
    return [str(Path(path).expanduser()) for path in paths.split(os.pathsep) if path]


def _with_documents(model: Mapping[str, object]) -> Mapping[str, object]:
    ours = deepcopy(dict(model))
    shapes = cast("Shapes", ours["shapes"])
    for name in DOCUMENTS:
        shapes[name]["document"] = True
    for operation in cast("Shapes", ours["operations"]).values():
        # Made to find tables that are named by ARN, by a search through all that a call sends: ours never are.
        operation.pop("operationContextParams", None)
    return ours
