"""What AWS errors have in common, whichever service answers them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ReadTimeoutError,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

from service.work.retry import asked_wait

THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
    }
)
CREDENTIALS = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    TokenRetrievalError,
    NoRegionError,
)
NEVER_ARRIVED = (EndpointConnectionError, ConnectTimeoutError)
PERHAPS_ARRIVED = (ReadTimeoutError, ConnectionClosedError, HTTPClientError, ResponseParserError)


def code(error: ClientError) -> str:
    """The name of an AWS error, such as `ThrottlingException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def retry_after(error: ClientError) -> timedelta:
    """How long the service asks to be left alone, or nothing."""
    headers: Mapping[str, str] = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return asked_wait(headers)


def is_of_the_service(error: ClientError) -> bool:
    """Whether AWS itself failed (5xx), so that nothing is wrong with the request."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)) >= 500
