"""What errors of AWS mean, whichever service answers them: one table for the store, channels, language and events.

What the table does not know is taken for a trouble of AWS that may pass, never for a fault of the request: a message
that is refused for good is lost, one that is tried again is only late.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
https://docs.aws.amazon.com/awssupport/latest/user/CommonErrors.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import cast

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigNotFound,
    ConnectTimeoutError,
    CredentialRetrievalError,
    DataNotFoundError,
    HTTPClientError,
    InvalidConfigError,
    MissingParametersError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    TokenRetrievalError,
    UnknownServiceError,
    ValidationError,
)
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError


class AwsErrorKind(StrEnum):
    """What an error says about the call that met it."""

    THROTTLED = "throttled"
    """Too many calls for now; nothing was done."""
    FAILED = "failed"
    """AWS has a fault of its own, or one that nobody has described yet; nothing was done."""
    UNREACHED = "unreached"
    """The call never arrived: a name, a connection, a TLS handshake or a proxy failed."""
    IN_DOUBT = "in doubt"
    """The answer was lost or cannot be read: the call may have been carried out."""
    IDENTITY = "identity"
    """AWS does not know who calls, or these credentials may not do it; an operator must act."""
    NO_IDENTITY = "no identity"
    """There are no credentials or no region: whoever gives them does not answer, or nobody was told to."""
    MISSING = "missing"
    """Something that the call names is not there; an operator must act."""
    REQUEST = "request"
    """The call itself is wrong: the same one is refused again."""


UNREADABLE = (ResponseParserError, UnicodeDecodeError)
"""Answers that are none; botocore lets what its parsers meet through as it is."""

AWS_RAISED = (ClientError, BotoCoreError, *UNREADABLE)
"""Everything that a call to AWS raises."""

LOST = (NotConnected, HTTPClientError, *UNREADABLE)
"""Errors of the connection: the call did not arrive, or its answer did not."""

TIMED_OUT = (ReadTimeoutError, ConnectTimeoutError, CredentialRetrievalError, TokenRetrievalError)
"""What took its time, and is met by every call that is made at the same moment."""

_BY_CLASS: Sequence[tuple[tuple[type[Exception], ...], AwsErrorKind]] = (
    ((NotConnected,), AwsErrorKind.UNREACHED),
    ((HTTPClientError, *UNREADABLE), AwsErrorKind.IN_DOUBT),
    (
        (
            NoCredentialsError,
            PartialCredentialsError,
            CredentialRetrievalError,
            TokenRetrievalError,
            NoAuthTokenError,
            NoRegionError,
            ProfileNotFound,
            ConfigNotFound,
            InvalidConfigError,
        ),
        AwsErrorKind.NO_IDENTITY,
    ),
    (
        (ParamValidationError, MissingParametersError, ValidationError, DataNotFoundError, UnknownServiceError),
        AwsErrorKind.REQUEST,
    ),
)

_THROTTLED = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "KMSThrottlingException",
    "KmsThrottled",
    "LimitExceededException",
    "OverLimit",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TooManyRequestsException",
}
_FAILED = {
    "InternalException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ReplicatedWriteConflictException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
}
_IDENTITY = {
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "KMSAccessDeniedException",
    "KmsAccessDenied",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "NotAuthorizedForDetailType",
    "NotAuthorizedForSource",
    "OptInRequired",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
}
_MISSING = {
    "KMSDisabledException",
    "KMSNotFoundException",
    "KmsDisabled",
    "KmsNotFound",
    "NonExistentQueue",
    "NotFoundException",
    "QueueDoesNotExist",
    "ResourceNotFoundException",
}
_REQUEST = {
    "BadRequestException",
    "BatchRequestTooLong",
    "DetectedLanguageLowConfidenceException",
    "IdempotentParameterMismatchException",
    "InvalidArgument",
    "InvalidParameterCombination",
    "InvalidParameterException",
    "InvalidParameterValue",
    "InvalidParameterValueException",
    "InvalidRequestException",
    "ItemCollectionSizeLimitExceededException",
    "MalformedDetail",
    "MalformedQueryString",
    "MessageRejected",
    "MissingParameter",
    "SerializationException",
    "TextSizeLimitExceededException",
    "UnknownOperationException",
    "UnsupportedDisplayLanguageCodeException",
    "UnsupportedLanguageException",
    "UnsupportedLanguagePairException",
    "ValidationError",
    "ValidationException",
}
_BY_CODE: Mapping[str, AwsErrorKind] = {
    aws_error_code: kind
    for codes, kind in (
        (_THROTTLED, AwsErrorKind.THROTTLED),
        (_FAILED, AwsErrorKind.FAILED),
        (_IDENTITY, AwsErrorKind.IDENTITY),
        (_MISSING, AwsErrorKind.MISSING),
        (_REQUEST, AwsErrorKind.REQUEST),
    )
    for aws_error_code in codes
}
_BY_STATUS = {
    401: AwsErrorKind.IDENTITY,
    403: AwsErrorKind.IDENTITY,
    413: AwsErrorKind.REQUEST,
    429: AwsErrorKind.THROTTLED,
}

_SQS = "AWS.SimpleQueueService."
"""What error codes of SQS begin with, sometimes: its JSON answers carry those of its older XML ones along."""


def aws_error_kind(error: Exception) -> AwsErrorKind:
    """What an error of a call means. Total: a class that nobody has described is `FAILED`."""
    if isinstance(error, ClientError):
        return aws_kind_of_code(aws_error_code(error), status(error))
    return next((kind for classes, kind in _BY_CLASS if isinstance(error, classes)), AwsErrorKind.FAILED)


def aws_kind_of_code(name: str, answered: int = 400) -> AwsErrorKind:
    """What a code of an answer means, or of one entry in it; `answered` is the HTTP status."""
    if name in _BY_CODE:
        return _BY_CODE[name]
    return _BY_STATUS.get(answered, AwsErrorKind.FAILED)


def aws_error_code(error: ClientError) -> str:
    """The name of an AWS error, such as `ThrottlingException`."""
    return str(error.response.get("Error", {}).get("Code", "")).removeprefix(_SQS)


def status(error: ClientError) -> int:
    """The HTTP status of a refusal; 500 where none is known."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))


def headers(error: ClientError) -> Mapping[str, str]:
    """The headers of a refusal, their names in lower case."""
    return cast("Mapping[str, str]", error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))


def short(error: Exception) -> str:
    """An error in a word: its code, or its class."""
    return aws_error_code(error) or "no code" if isinstance(error, ClientError) else type(error).__name__


def throttled_by(error: Exception) -> tuple[str, str]:
    """Why DynamoDB throttles, and which table or index is too hot ("" where it does not say).

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-diagnosing.html
    """
    if not isinstance(error, ClientError):
        return "", ""
    response = cast("Mapping[str, object]", error.response)
    reasons = response.get("ThrottlingReasons") or response.get("throttlingReasons") or ()  # spelt both ways
    for reason in cast("Sequence[Mapping[str, str]]", reasons):
        return reason.get("reason", ""), _table_or_index(reason.get("resource", ""))
    return "", ""


def _table_or_index(arn: str) -> str:
    """`tocsin_items/index/due` of `arn:aws:dynamodb:…:table/tocsin_items/index/due`."""
    return arn.partition(":table/")[2] or arn.rpartition(":")[2]
